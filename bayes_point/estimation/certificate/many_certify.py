"""The proof of a maximum in more coordinates than a dense Hessian is good for.

The same questions as in `judge`, answered by Hessian-vector products: whether a point is a maximum
and along what the density is flat (Lanczos), and whether it only leads to an edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from bayes_point.estimation.certificate.checks.escape import at_the_edge
from bayes_point.estimation.certificate.checks.many_poles import FAR, running, shrinking
from bayes_point.estimation.certificate.checks.vertex import judge_vertex
from bayes_point.estimation.certificate.findings import null_findings
from bayes_point.estimation.certificate.many_edges import edge_of
from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Claim
from bayes_point.estimation.nonsmooth.vertices import Vertex
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.krylov import Curved, Spectrum
from bayes_point.estimation.optimise.maximise import EPS
from bayes_point.estimation.optimise.truncated import Climb, climb

__all__ = ["certify_many", "is_maximum", "is_near", "judge_on_kinks"]

Array = NDArray[np.float64]

_ROUNDS = 4
# A curvature this small, against the largest, is looked into.
_WEAK = 1e-8
_TRIES = 8
# Steps along a flat direction, in units of the size of the coordinates.
_ALONG = np.array([1e-2, 1.0, 10.0])
# A search that has gone this far in a log may be on its way to an edge.
_RAN = 12.0
# A standard error of more than this, in a log or relative to a parameter, is looked at.
_WIDE = 5.0
# Part of a standard error over which the density has to fall as well.
_NEAR = 0.1
# In units of the rounding of the log density, a fall that is one.
_NOISES = 10.0
# Two ends are one optimum if they are this near, on average over the coordinates.
_SAME = 0.1


@dataclass(frozen=True)
class _Point:
    """A point, and what a `Claim` rests on.

    `curvature` is the smallest and the largest eigenvalue of the scaled curvature.
    """

    x: Array
    value: float
    gradient: Array
    curvature: Array
    noise: float
    distance: float


def certify_many(objective: Objective, end: Climb, start: Array, centre: Array) -> Claim:
    """Decide what kind of optimum a point is; go on where a better one shows."""
    for _ in range(_ROUNDS):
        spectrum = _curved(objective, end).spectrum()
        point = _point(objective, end, spectrum)
        if growing := shrinking(objective, end, point.noise):
            return unbounded_along(objective, point, [growing])
        loose = _loose(objective, point, spectrum, end, np.ones(len(end.x), bool))
        if len(loose) or _has_run(objective, point, spectrum, end, start):
            claim = _at_an_edge(objective, end, centre, point.noise)
            if claim is not None:
                return claim
            if growing := running(objective, end, start, point.noise):
                return unbounded_along(objective, point, [growing])
        if spectrum is None:
            return _undecided(
                objective,
                point,
                "Lanczos' method did not find the smallest curvature.",
                np.zeros(len(end.x)),
            )
        better, flat, doubtful = _looked_into(objective, point, spectrum, end)
        if better is None:
            better = _from_aside(objective, point, end)
        if better is None:
            # What the density does not depend on is held by nothing, and that is an answer.
            doubtful += [row for row in loose if not _is_spanned(row, flat)]
            return _judged(objective, point, end, start, flat, doubtful)
        end = climb(objective, better)
    return _undecided(
        objective,
        _point(objective, end, None),
        "Each point that was checked led on to a better one.",
        np.zeros(len(end.x)),
    )


def judge_on_kinks(objective: Objective, vertex: Vertex, start: Array) -> Claim | None:
    """Say what kind of optimum a point on kinks is; None where it takes more to tell."""
    objective.announce("certifying")
    claim = judge_vertex(objective, vertex, start)
    if claim is None or not claim.status.is_point:
        return claim
    value, gradient = objective.evaluate(vertex.x[None])
    point = Point.on(objective, vertex)
    end = Climb(vertex.x, float(value[0]), gradient[0], np.ones_like(vertex.x), 0.0, True, False)
    growing = shrinking(objective, end, point.noise)
    return claim if growing is None else unbounded_along(objective, point, [growing])


def is_near(x: Array, end: Climb) -> bool:
    """Whether a point is next to the end of a climb, in the units of the coordinates there."""
    return bool(np.mean(np.square((x - end.x) / end.scale)) < _SAME**2)


def is_maximum(objective: Objective, end: Climb) -> bool:
    """Whether the end of a climb is a maximum beyond doubt, without following anything."""
    spectrum = _curved(objective, end).spectrum()
    if spectrum is None or not spectrum.smallest[0] > _WEAK * spectrum.largest:
        return False
    point = _point(objective, end, spectrum)
    return not len(_loose(objective, point, spectrum, end, np.ones(len(end.x), bool)))


def _curved(objective: Objective, end: Climb, free: NDArray[np.bool_] | None = None) -> Curved:
    free = np.ones(len(end.x), bool) if free is None else free
    return Curved(objective, end.x, end.scale, free)


def _has_run(
    objective: Objective, point: _Point, spectrum: Spectrum | None, end: Climb, start: Array
) -> bool:
    """Whether the end of a search may be on the way to an edge, or to infinity."""
    if spectrum is None or spectrum.smallest[0] < _WEAK * spectrum.largest:
        return True
    ran = objective.is_transformed & (np.abs(end.x - start) > _RAN)
    return not _is_still(point) or bool(np.any(ran))


def _loose(
    objective: Objective,
    point: _Point,
    spectrum: Spectrum | None,
    end: Climb,
    free: NDArray[np.bool_],
    fall: float = _NOISES,
) -> Array:
    """Return the directions, of those that may be, along which the density does not fall.

    `fall` is how far at least it has to, in units of its rounding.
    """
    size = np.where(objective.is_transformed, _WIDE, _WIDE * (1 + np.abs(end.x)))
    wide = np.flatnonzero(free & (end.scale > size))
    steps = np.zeros((len(wide), len(end.x)))
    steps[np.arange(len(wide)), wide] = end.scale[wide]
    if spectrum is not None:
        error = 1 / np.sqrt(np.maximum(np.abs(spectrum.smallest), 1e-300))
        steps = np.concatenate([steps, (spectrum.vectors * error).T * end.scale])
    steps = np.where(free, steps, 0.0)
    # Of what is held there is nothing to be said.
    steps = steps[np.any(steps != 0, axis=1)]
    if not len(steps):
        return steps
    # Next to an edge that it is not at, a coordinate can fall by little; but it does fall.  Where a
    # standard error is far longer than the parameters are large, the density falls a long way off
    # and may be level here: a likelihood that has reached one, as where the data are separated.
    part = _NEAR / np.maximum(1.0, np.max(np.abs(steps) / size, axis=1, keepdims=True))
    near = np.concatenate([steps, -steps, part * steps, -part * steps])
    values, _ = objective.evaluate(point.x + near)
    highest = np.where(np.isnan(values), np.inf, values).reshape(4, -1).max(axis=0)
    return steps[highest > point.value - fall * point.noise]


def _is_spanned(row: Array, basis: Array) -> bool:
    """Whether a direction is one of those that a basis, (k, p), spans."""
    if not len(basis):
        return False
    part, *_ = np.linalg.lstsq(basis.T, row)
    return bool(np.linalg.norm(row - basis.T @ part) < 1e-3 * np.linalg.norm(row))


def _at_an_edge(objective: Objective, found: Climb, centre: Array, noise: float) -> Claim | None:
    """Judge a density that leads to an edge; None if it does not, or the rest is undecided."""
    edge = edge_of(objective, found, centre, noise)
    if edge is None:
        return None
    if isinstance(edge, Track):
        point = _point(objective, found, None)
        return unbounded_along(objective, point, [edge])
    spectrum = _curved(objective, edge.end, edge.rest).spectrum()
    if spectrum is None:
        return None
    point = _point(objective, edge.end, spectrum, edge.rest)
    better, flat, doubtful = _looked_into(objective, point, spectrum, edge.end)
    if better is not None or doubtful or not _is_still(point):
        return None
    # What is level at the edge leaves open where on it; what rises, whether this is the edge.
    if len(_loose(objective, point, spectrum, edge.end, edge.rest, fall=-_NOISES)):
        return None
    status, findings = at_the_edge(
        objective, edge.path, edge.direction, edge.end.value, edge.track, flat
    )
    return Claim(
        point,
        status,
        tuple(findings),
        path=edge.path,
        direction=edge.direction,
        null_space=flat,
    )


def _is_still(point: _Point) -> bool:
    return point.distance**2 <= max(1e-12, 4 * point.noise)


def _point(
    objective: Objective,
    end: Climb,
    spectrum: Spectrum | None,
    free: NDArray[np.bool_] | None = None,
) -> _Point:
    """Look at the density around the end of a climb afresh, with some coordinates held."""
    value, gradient = objective.evaluate(end.x[None])
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_TRIES, len(end.x)))
    with np.errstate(invalid="ignore"):
        change = np.abs(objective.evaluate(end.x * (1 + EPS * signs))[0] - value[0])
    noise = max(
        64 * EPS * (1 + abs(float(value[0]))),
        8 * float(np.max(np.where(np.isfinite(change), change, 0.0))),
    )
    slope = end.scale * (gradient[0] if free is None else np.where(free, gradient[0], 0.0))
    step, _ = _curved(objective, end, free).solve(slope, 1e-3)
    distance = float(np.sqrt(max(0.0, slope @ step)))
    ends = (np.nan, np.nan) if spectrum is None else (spectrum.smallest[0], spectrum.largest)
    return _Point(end.x, float(value[0]), gradient[0], np.array(ends), noise, distance)


def _looked_into(
    objective: Objective, point: _Point, spectrum: Spectrum, end: Climb
) -> tuple[Array | None, Array, list[Array]]:
    """Follow the directions of little curvature: a better point, flat ones, undecided ones."""
    weak = spectrum.smallest < _WEAK * spectrum.largest
    rows = _sparse(spectrum.vectors[:, weak].T * end.scale)
    flat: list[Array] = []
    doubtful: list[Array] = []
    size = 1 + np.abs(point.x).max()
    for row in rows:
        way = row / np.max(np.abs(row)) * size
        points = point.x + np.concatenate([_ALONG, -_ALONG])[:, None] * way
        values, _ = objective.evaluate(points)
        allowed = point.noise * (1 + np.abs(points).max(axis=1) / size)
        if np.all(np.abs(values - point.value) <= allowed):
            flat.append(row / np.max(np.abs(row)))
            continue
        if np.any(values > point.value + allowed):
            return points[int(np.nanargmax(values))], np.array(flat), doubtful
        if not np.all(values < point.value - point.noise):
            doubtful.append(row)
    if np.any(spectrum.smallest < -_WEAK * spectrum.largest):
        # Bent upwards: near enough, the density is higher both ways.
        way = spectrum.vectors[:, 0] * end.scale / np.sqrt(abs(spectrum.smallest[0]))
        points = point.x + np.array([1e-3, 1e-2, 0.1, 1.0, -1e-3, -1e-2, -0.1, -1.0])[:, None] * way
        values, _ = objective.evaluate(points)
        if np.nanmax(values) > point.value + point.noise:
            return points[int(np.nanargmax(values))], np.array(flat), doubtful
        doubtful.append(way)
    return None, np.array(flat).reshape(-1, len(point.x)), doubtful


def _sparse(rows: Array) -> Array:
    """Return a basis of the same directions, each in as few coordinates as can be."""
    if not len(rows):
        return rows
    _, _, order = qr(rows, mode="economic", pivoting=True)
    reduced = np.linalg.solve(rows[:, order[: len(rows)]], rows)
    largest = np.max(np.abs(reduced), axis=1, keepdims=True)
    return np.where(np.abs(reduced) > 1e-5 * largest, reduced, 0.0)


def _from_aside(objective: Objective, point: _Point, end: Climb) -> Array | None:
    """Come back to the point from a standard error or so away; return a better one if met."""
    away = np.random.default_rng(1).standard_normal(len(point.x))
    away *= 0.5 / np.linalg.norm(away)
    again = climb(objective, point.x + end.scale * away, stop=lambda x: is_near(x, end))
    if again.stopped or not again.value > point.value + 2 * point.noise:
        return None
    return again.x


def _judged(
    objective: Objective,
    point: _Point,
    end: Climb,
    start: Array,
    flat: Array,
    doubtful: list[Array],
) -> Claim:
    """Name the kind of optimum of a point from which nothing leads on."""
    away = objective.is_transformed & (np.abs(end.x - start) > FAR)
    if not _is_still(point):
        slope = np.abs(end.scale * point.gradient)
        return _undecided(
            objective,
            point,
            "The gradient is not zero, yet no step improves the density.",
            np.where(slope > 0.1 * slope.max(), slope, 0.0),
        )
    if np.any(away):
        what = "The search ran far away, and whether there is a maximum was not decided."
        return _undecided(objective, point, what, away.astype(float))
    if doubtful:
        what = "Whether this is a maximum along the parameters named could not be decided."
        return _undecided(objective, point, what, doubtful[0])
    status = Status.NOT_IDENTIFIED if len(flat) else Status.CONVERGED
    findings = tuple(null_findings(objective, flat))
    return Claim(point, status, findings, null_space=flat if len(flat) else None)


def _undecided(objective: Objective, point: _Point, what: str, row: Array) -> Claim:
    largest = np.argsort(-np.abs(row))[:5]
    names = tuple(objective.density.parameters[j] for j in largest if row[j])
    finding = Finding(
        what,
        tuple(dict.fromkeys(names)),
        {"distance to a stationary point in standard errors": point.distance},
        "Give starting values nearer to the optimum with initvals=, a more informative prior, "
        "or sample.",
    )
    return Claim(point, Status.NOT_CONVERGED, (finding,))
