"""The search and its proof for models with more coordinates than a dense Hessian is good for.

The same questions as in `search` and `judge`, answered by Hessian-vector products: how far from the
maximum (conjugate gradients), whether it is one and along what the density is flat (Lanczos).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from bayes_point.estimation.certificate import Certificate
from bayes_point.estimation.climbing import Climb, climb
from bayes_point.estimation.escaping import at_the_edge
from bayes_point.estimation.findings import null_finding
from bayes_point.estimation.growing import unbounded_along
from bayes_point.estimation.judged_point import Point
from bayes_point.estimation.judged_vertex import judge_vertex
from bayes_point.estimation.krylov import Curved, Spectrum
from bayes_point.estimation.many_edges import edge_of
from bayes_point.estimation.many_kinks import vertex_from
from bayes_point.estimation.maximise import EPS
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optima import Optimum
from bayes_point.estimation.status import Finding, Status
from bayes_point.estimation.suspects import WEAK_FALL
from bayes_point.estimation.tracks import Track
from bayes_point.estimation.vertices import Vertex
from bayes_point.model.scales import scale_variables

__all__ = ["MANY", "search_many"]

Array = NDArray[np.float64]

# Coordinates from which a dense Hessian, its eigenvalues and a batch of both take longer.
MANY = 500
_ROUNDS = 4
# A curvature this small, against the largest, is looked into.
_WEAK = 1e-8
_TRIES = 8
# Steps along a flat direction, in units of the size of the coordinates.
_ALONG = np.array([1e-2, 1.0, 10.0])
# A search that has gone this far in a log or a logit is running away.
_FAR = 25.0
# Less than this far in a log it may have been on its way.
_RAN = 12.0
# A standard error of more than this, in a log or relative to a parameter, is looked at.
_WIDE = 5.0
# Downward steps in the log of a scale, and how many scales are looked at.
_STEPS = np.array([4.0, 8.0, 12.0, 16.0, 20.0])
_SCALES = 8
_DYING = 0.75
# Two ends are one optimum if they are this near, on average over the coordinates.
_SAME = 0.1


@dataclass(frozen=True)
class _Ends:
    """What a `Certificate` says of a quadratic model: its smallest and its largest curvature."""

    curvature: Array


@dataclass(frozen=True)
class _Point:
    """A point as a `Certificate` wants it."""

    x: Array
    value: float
    gradient: Array
    quadratic: _Ends
    noise: float
    distance: float

    @property
    def curvature(self) -> Array:
        """The smallest and the largest eigenvalue of the scaled curvature."""
        return self.quadratic.curvature[0]


def search_many(objective: Objective, starts: Array) -> tuple[Certificate, list[Optimum], int]:
    """Climb from each start, and prove what the best end is.  Returns what `search` does."""
    if (vertex := vertex_from(objective, starts[0])) is not None:
        certificate = _judged_on_kinks(objective, vertex, starts[0])
        if certificate is not None:
            return certificate, [Optimum(vertex.x, certificate.value, (0,), False)], 1
    first = climb(objective, starts[0])
    ends = [first]
    best = first
    reached: dict[int, list[int]] = {0: [0]}

    def home(x: Array) -> int | None:
        for k, end in enumerate(ends):
            if end.settled and _is_near(x, end):
                return k
        return None

    for i, start in enumerate(starts[1:], 1):
        end = climb(objective, start, stop=lambda x: home(x) is not None)
        k = home(end.x)
        if k is not None:
            reached[k].append(i)
            continue
        if not end.stopped:
            reached[len(ends)] = [i]
            ends.append(end)
            if np.isfinite(end.value) and not best.value >= end.value:
                best = end
    objective.announce("certifying")
    where = next(k for k, end in enumerate(ends) if end is best)
    certificate = _certified(objective, best, starts[reached[where][0]], starts[0])
    optima = [
        Optimum(end.x, end.value, tuple(reached[k]), False)
        for k, end in sorted(enumerate(ends), key=lambda pair: (pair[0] != where, -pair[1].value))
        if end.settled and (k == where or _is_maximum(objective, end))
    ]
    return certificate, optima, len(starts)


def _judged_on_kinks(objective: Objective, vertex: Vertex, start: Array) -> Certificate | None:
    """Say what kind of optimum a point on kinks is; None where it takes more to tell."""
    objective.announce("certifying")
    certificate = judge_vertex(objective, vertex, start)
    if certificate is None or not certificate.status.is_point:
        return certificate
    value, gradient = objective.evaluate(vertex.x[None])
    point = Point.on(objective, vertex)
    end = Climb(vertex.x, float(value[0]), gradient[0], np.ones_like(vertex.x), 0.0, True, False)
    growing = _shrinking(objective, end, point.noise)
    return certificate if growing is None else unbounded_along(objective, point, [growing])


def _is_near(x: Array, end: Climb) -> bool:
    return bool(np.mean(np.square((x - end.x) / end.scale)) < _SAME**2)


def _is_maximum(objective: Objective, end: Climb) -> bool:
    spectrum = _curved(objective, end).spectrum()
    return spectrum is not None and bool(spectrum.smallest[0] > _WEAK * spectrum.largest)


def _curved(objective: Objective, end: Climb, free: NDArray[np.bool_] | None = None) -> Curved:
    free = np.ones(len(end.x), bool) if free is None else free
    return Curved(objective, end.x, end.scale, free)


def _certified(objective: Objective, end: Climb, start: Array, centre: Array) -> Certificate:
    """Decide what kind of optimum a point is; go on where a better one shows."""
    for _ in range(_ROUNDS):
        spectrum = _curved(objective, end).spectrum()
        point = _point(objective, end, spectrum)
        if growing := _shrinking(objective, end, point.noise):
            return unbounded_along(objective, point, [growing])  # type: ignore[arg-type]
        loose = _loose(objective, point, spectrum, end)
        if len(loose) or _has_run(objective, point, spectrum, end, start):
            certificate = _at_an_edge(objective, end, centre, point.noise)
            if certificate is not None:
                return certificate
            if growing := _running(objective, end, start, point.noise):
                return unbounded_along(objective, point, [growing])  # type: ignore[arg-type]
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


def _has_run(
    objective: Objective, point: _Point, spectrum: Spectrum | None, end: Climb, start: Array
) -> bool:
    """Whether the end of a search may be on the way to an edge, or to infinity."""
    if spectrum is None or spectrum.smallest[0] < _WEAK * spectrum.largest:
        return True
    ran = objective.is_transformed & (np.abs(end.x - start) > _RAN)
    return not _is_still(point) or bool(np.any(ran))


def _loose(objective: Objective, point: _Point, spectrum: Spectrum | None, end: Climb) -> Array:
    """Return the directions, of those that may be, in which a standard error does not fall off."""
    size = np.where(objective.is_transformed, _WIDE, _WIDE * (1 + np.abs(end.x)))
    wide = np.flatnonzero(end.scale > size)
    steps = np.zeros((len(wide), len(end.x)))
    steps[np.arange(len(wide)), wide] = end.scale[wide]
    if spectrum is not None:
        error = 1 / np.sqrt(np.maximum(np.abs(spectrum.smallest), 1e-300))
        steps = np.concatenate([steps, (spectrum.vectors * error).T * end.scale])
    if not len(steps):
        return steps
    values, _ = objective.evaluate(np.concatenate([point.x + steps, point.x - steps]))
    highest = np.where(np.isnan(values), np.inf, values).reshape(2, -1).max(axis=0)
    return steps[highest > point.value - WEAK_FALL]


def _is_spanned(row: Array, basis: Array) -> bool:
    """Whether a direction is one of those that a basis, (k, p), spans."""
    if not len(basis):
        return False
    part, *_ = np.linalg.lstsq(basis.T, row)
    return bool(np.linalg.norm(row - basis.T @ part) < 1e-3 * np.linalg.norm(row))


def _at_an_edge(
    objective: Objective, found: Climb, centre: Array, noise: float
) -> Certificate | None:
    """Judge a density that leads to an edge; None if it does not, or the rest is undecided."""
    edge = edge_of(objective, found, centre, noise)
    if edge is None:
        return None
    if isinstance(edge, Track):
        point = _point(objective, found, None)
        return unbounded_along(objective, point, [edge])  # type: ignore[arg-type]
    spectrum = _curved(objective, edge.end, edge.rest).spectrum()
    if spectrum is None:
        return None
    point = _point(objective, edge.end, spectrum, edge.rest)
    better, flat, doubtful = _looked_into(objective, point, spectrum, edge.end)
    if better is not None or doubtful or not _is_still(point):
        return None
    status, findings = at_the_edge(objective, edge.path, edge.direction, edge.end.value, edge.track)
    findings += [null_finding(objective, row) for row in flat]
    certificate = Certificate.of(point, status, *findings)  # type: ignore[arg-type]
    return replace(certificate, path=edge.path, direction=edge.direction, null_space=flat)


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
    return _Point(end.x, float(value[0]), gradient[0], _Ends(np.array([ends])), noise, distance)


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
    again = climb(objective, point.x + end.scale * away, stop=lambda x: _is_near(x, end))
    if again.stopped or not again.value > point.value + 2 * point.noise:
        return None
    return again.x


def _running(objective: Objective, end: Climb, start: Array, noise: float) -> Track | None:
    """Return a track on which the density grows without end, where the search ran."""
    ran = np.flatnonzero(objective.is_transformed & (np.abs(end.x - start) > _FAR))
    for j in ran[:_SCALES]:
        track = _track(objective, end, int(j), float(np.sign(end.x[j] - start[j])), -12.0, noise)
        if track is not None:
            return track
    return None


def _shrinking(objective: Objective, end: Climb, noise: float) -> Track | None:
    """Return a track on which the density grows without end, as a scale goes to zero."""
    for j in _scales(objective):
        # A pole at zero can be beyond a barrier, and a local maximum says nothing of it.
        track = _track(objective, end, j, -1.0, 0.0, noise)
        if track is not None:
            return track
    return None


def _scales(objective: Objective) -> Iterator[int]:
    """Yield the coordinates that are the log of a single scale."""
    density = objective.density
    scales = scale_variables(density, tuple(objective.weights))
    found = 0
    for j, (label, name) in enumerate(zip(density.labels, density.variables, strict=True)):
        if name in scales and label == f"{name}_log__" and found < _SCALES:
            found += 1
            yield j


def _track(
    objective: Objective, end: Climb, pivot: int, sign: float, before: float, noise: float
) -> Track | None:
    """Move one coordinate by equal steps, the others maximised over; None unless it grows."""
    free = np.arange(len(end.x)) != pivot
    x = end.x.copy()
    x[pivot] += sign * before
    points, values, distances = [x.copy()], [end.value], [0.0]
    for distance in _STEPS:
        x = x.copy()
        x[pivot] = points[0][pivot] + sign * distance
        value, gradient = objective.evaluate(x[None])
        if not np.isfinite(value[0]) or not np.all(np.isfinite(gradient)):
            break
        there = climb(objective, x, free=free)
        x = there.x
        if distances[-1] and there.value < values[-1]:
            return None
        points.append(x)
        values.append(there.value)
        distances.append(sign * float(distance))
    gains = np.diff(values[1:])
    if len(gains) < 3 or not np.all(gains > max(100 * noise, 1e-3)):
        return None
    if not np.all(gains[1:] > _DYING * gains[:-1]):
        return None
    return Track(pivot, np.array(distances), np.array(points), np.array(values), noise)


def _judged(
    objective: Objective,
    point: _Point,
    end: Climb,
    start: Array,
    flat: Array,
    doubtful: list[Array],
) -> Certificate:
    """Name the kind of optimum of a point from which nothing leads on."""
    away = objective.is_transformed & (np.abs(end.x - start) > _FAR)
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
    findings = [null_finding(objective, row) for row in flat]
    certificate = Certificate.of(point, status, *findings)  # type: ignore[arg-type]
    return replace(certificate, null_space=flat) if len(flat) else certificate


def _undecided(objective: Objective, point: _Point, what: str, row: Array) -> Certificate:
    largest = np.argsort(-np.abs(row))[:5]
    names = tuple(objective.density.parameters[j] for j in largest if row[j])
    return Certificate.of(
        point,  # type: ignore[arg-type]
        Status.NOT_CONVERGED,
        Finding(
            what,
            tuple(dict.fromkeys(names)),
            {"distance to a stationary point in standard errors": point.distance},
            "Give starting values nearer to the optimum with initvals=, a more informative prior, "
            "or sample.",
        ),
    )
