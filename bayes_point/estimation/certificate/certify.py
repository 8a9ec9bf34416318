"""The proof behind an estimate: what kind of optimum a point is, decided afresh at the point.

The certificate does not trust the search.  At the reported point it recomputes value, gradient and
Hessian, and moves a standard error along each axis of the curvature, both ways: at an interior
maximum the density falls.  Where it does not, the direction is followed outwards, the other
parameters maximised over at each step, to see whether the density is flat, levels off, or grows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.checks.escaping import escaping, leads_away, path_from
from bayes_point.estimation.certificate.checks.growing import (
    rises_to_infinity,
    runaways,
    spiked,
    unbounded_along,
    unbounded_at,
)
from bayes_point.estimation.certificate.checks.vertex import judge_vertex, rises_aslant
from bayes_point.estimation.certificate.findings import (
    kink_finding,
    not_still,
    null_finding,
    wall_finding,
)
from bayes_point.estimation.certificate.point import SPIKE, Point
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.suspects import both_ways, is_answer, is_loose, suspects
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.nonsmooth.kinks import at_wall, is_maximum_along, settle, vertex_at
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.precision import precision
from bayes_point.estimation.optimise.ridge import Ridge, ridge_at

__all__ = ["certify", "is_evident", "is_on_ridge", "unbounded"]

Array = NDArray[np.float64]

_ROUNDS = 6
# So many times its own size is more than a parameter's standard error ever is.
_LOOSE = 1e4
# So many times as large as at the start is where a parameter has run away to.
_LOST = 1e8
# So many times its own size, or in a log or a logit so much, is further than what ends goes on.
_FAR, _FAR_LOG = 100.0, 10.0
# This many standard errors from a stationary point is no maximum, flat as it may be besides.
_STEEP = 0.03
# With so much of a curvature in every direction a maximum is a point.
_CURVED = 1e-3


def certify(
    objective: Objective, x: Array, *, start: Array, centre: Array, settled: bool
) -> Certificate:
    """Decide what kind of optimum `x`, found from `start`, is; go on where a better point shows.

    `centre` is a point well inside; `settled` says whether the search came to rest at `x`.
    """
    held = np.zeros(len(x), bool)
    path, origin = None, start
    vertex = vertex_at(objective, x, between=False)
    if vertex is not None and len(vertex.which):
        certificate = judge_vertex(objective, vertex, start)
        if certificate is not None:
            return certificate
    ridge = ridge_at(objective, x) if vertex is None else None
    if ridge is not None and (certificate := _on_ridge(objective, ridge)) is not None:
        return certificate
    if not settled:
        point = Point.at(objective, x, held)
        growing = runaways(objective, x, start)
        if growing:
            return unbounded_along(objective, point, growing)
        path = path_from(objective, point, centre)
        if leads_away(path, point):
            return escaping(objective, point, path)
        # Where rounding alone ended the search there is no kink to be looked for.
        if not _is_still(point.distance, point.noise):
            end, held = settle(objective, x)
            x = end.x[0]
        if growing := runaways(objective, x, start):
            return unbounded_along(objective, point, growing)
    for attempt in range(_ROUNDS):
        point = Point.at(objective, x, held)
        if point.spike > SPIKE:
            return spiked(objective, point, start)
        pivots = suspects(objective, point)
        loose = bool(pivots) and is_loose(objective, point, np.stack([start, centre]))
        if loose:
            path = path or path_from(objective, point, centre)
            if leads_away(path, point):
                return escaping(objective, point, path)
        pairs = both_ways(objective, point, pivots) if pivots else []
        # Flat both ways, or falling both ways, is an answer; and a maximum to which a restart did
        # not return may be a slope that never ends.
        open_ended = [pair for pair in pairs if not is_answer(*pair)]
        if (open_ended or attempt > 0) and not loose:
            path = path or path_from(objective, point, centre)
            if leads_away(path, point):
                return escaping(objective, point, path)
        if np.any(_is_lost(objective, point, start)):
            # From where it came it may lead away as the density does from the centre elsewhere.
            astray = path_from(objective, point, origin)
            if leads_away(astray, point):
                return escaping(objective, point, astray)
        better, begun = _better(objective, point, pairs)
        if better is None:
            certificate = _judge(objective, point, pairs, start)
            if certificate.status is not Status.CONVERGED or point.curvature[0] > _CURVED:
                return certificate
            # Between kinks there can be a face of equal maxima, too short for a track to see.
            between = vertex_at(objective, x, between=True)
            face = None if between is None else judge_vertex(objective, between, start)
            return certificate if face is None else face
        x, origin, held, path = better, begun, np.zeros_like(held), None
    return Certificate.of(
        point,
        Status.NOT_CONVERGED,
        Finding(
            "Each point that was checked led on to a better one.",
            evidence={"log density": point.value},
            advice="Give starting values nearer to the optimum with initvals=, or rescale.",
        ),
    )


def unbounded(objective: Objective, x: Array, growing: list[Track]) -> Certificate:
    """Return the certificate of a density that has a maximum at `x`, and grows without bound."""
    return unbounded_along(objective, Point.at(objective, x, np.zeros(len(x), bool)), growing)


def is_evident(objective: Objective, x: Array) -> bool:
    """Whether a point is an interior local maximum beyond doubt, without following anything."""
    point = Point.at(objective, x, np.zeros(len(x), bool))
    still = _is_still(point.distance, point.noise)
    return still and point.spike <= SPIKE and not suspects(objective, point)


def is_on_ridge(objective: Objective, x: Array) -> bool:
    """Whether a point is an interior local maximum on a narrow ridge, beyond doubt."""
    ridge = ridge_at(objective, x)
    value = float(objective.evaluate(x[None, :])[0][0])
    if ridge is None or ridge.value - value > 1e-9 * (1 + abs(value)):
        return False
    return _on_ridge(objective, ridge) is not None


def _is_still(distance: float, noise: float) -> bool:
    """Whether what is left of the way to a maximum, in standard errors, is rounding."""
    return bool(distance**2 <= max(1e-12, 4 * noise))


def _on_ridge(objective: Objective, ridge: Ridge) -> Certificate | None:
    """Return the certificate of a maximum on a narrow ridge, if that is what it is."""
    point = Point.at(objective, ridge.x, np.zeros(len(ridge.x), bool))
    if not _is_still(ridge.distance, point.noise) or point.spike > SPIKE:
        return None
    least, most = float(ridge.curvature[0]), float(ridge.curvature[-1])
    evidence = {
        "distance to the maximum in standard errors": ridge.distance,
        "smallest eigenvalue of the scaled curvature": least,
        "largest eigenvalue of the scaled curvature": most,
        "condition number": most / least,
    }
    certificate = Certificate.of(point, Status.CONVERGED)
    return replace(certificate, evidence={**certificate.evidence, **evidence})


def _better(
    objective: Objective, point: Point, pairs: list[tuple[Track, Track]]
) -> tuple[Array | None, Array]:
    """Return a point that is better than this one, if there is one, and whence it was reached."""
    starts = []
    for track in (track for pair in pairs for track in pair):
        if track.rises and not track.grows_without_bound:
            starts.append(track.x[track.peak])
    if not starts and not pairs:
        # Nothing suspicious: still come back to it from a little way off.
        rng = np.random.default_rng(1)
        away = rng.standard_normal((2, len(point.x)))
        away *= 0.5 / np.sqrt(len(point.x) * np.maximum(point.quadratic.curvature, 1e-16))
        starts = list(point.x + point.quadratic.step(away[:, None, :].reshape(1, 2, -1))[0])
    if not starts:
        return None, point.x
    search = maximise(objective, np.array(starts))
    best = int(np.argmax(np.where(np.isfinite(search.value), search.value, -np.inf)))
    end = (search.x, search.value, search.gradient, search.hessian)
    noise, _ = precision(objective, *(array[[best]] for array in end))
    gain = search.value[best] - point.value
    better = gain > max(point.noise, float(noise[0]))
    return (search.x[best] if better else None), starts[best]


def _judge(
    objective: Objective, point: Point, pairs: list[tuple[Track, Track]], start: Array
) -> Certificate:
    """Name the kind of optimum of a point from which nothing leads to infinity."""
    growing = [t for pair in pairs for t in pair if t.grows_without_bound]
    if growing:
        return unbounded_along(objective, point, growing)
    null = [(up, down) for up, down in pairs if up.is_flat or down.is_flat]
    flat = [up if up.is_flat else down for up, down in null]
    null_space = _null_space(point, flat)
    findings = [
        null_finding(objective, row, ends=_is_short(objective, track))
        for row, track in zip(null_space, flat, strict=True)
    ]
    unresolved = [
        up.pivot for up, down in pairs if (up, down) not in null and not (up.falls and down.falls)
    ]
    walls = at_wall(objective, point.x, point.held)
    proven = bool(np.all(is_maximum_along(objective, point.x, point.held) == point.held))
    proven = proven and not rises_aslant(objective, point)
    still = _is_still(point.distance, point.noise)
    poles = point.held if still else point.held | point.is_steep
    if len(null_space) and proven and point.distance < _STEEP:
        status = Status.NOT_IDENTIFIED
    elif np.any(poles := rises_to_infinity(objective, point, poles)):
        return unbounded_at(objective, point, poles)
    elif not still or unresolved or not proven:
        status = Status.NOT_CONVERGED
        findings.append(not_still(objective, point, unresolved))
    elif np.any(lost := _is_lost(objective, point, start)):
        status = Status.NOT_CONVERGED
        findings.append(not_still(objective, point, np.flatnonzero(lost).tolist()))
    elif np.any(walls):
        status = Status.ON_BOUNDARY
        findings.append(wall_finding(objective, point, walls))
    else:
        status = Status.CONVERGED
        if np.any(point.held):
            findings.append(kink_finding(objective, point))
    return replace(Certificate.of(point, status, *findings), null_space=null_space)


def _is_lost(objective: Objective, point: Point, start: Array) -> NDArray[np.bool_]:
    """Which coordinates are so far out, and so loosely held, that nothing is known of them."""
    q = point.quadratic
    variance = np.square(q.axes[0]) @ (1 / np.maximum(np.abs(q.curvature[0]), 1e-16))
    far = np.abs(point.x) > _LOST * (1 + np.abs(start))
    wide = q.scale[0] * np.sqrt(variance) > _LOOSE * np.abs(point.x)
    return ~objective.is_transformed & ~point.held & far & wide


def _null_space(point: Point, flat: list[Track]) -> Array:
    """Return a basis of the flat directions, each in as few parameters as can be."""
    rows = []
    for track in flat:
        row = (track.x[1] - track.x[0]) / track.distance[1]
        rows.append(np.where(np.abs(row) > 1e-6 * np.abs(row).max(), row, 0.0))
    return np.array(rows).reshape(len(rows), len(point.x))


def _is_short(objective: Objective, track: Track) -> bool:
    """Whether a track that is flat comes to an end: further off the density was found to fall."""
    size = 1.0 + abs(float(track.x[0, track.pivot]))
    far = _FAR_LOG if objective.is_transformed[track.pivot] else _FAR * size
    return bool(np.abs(track.distance).max() < far)
