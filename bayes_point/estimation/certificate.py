"""The proof behind an estimate: what kind of optimum a point is, decided afresh at the point.

The certificate does not trust the search.  At the reported point it recomputes value, gradient and
Hessian, and moves a standard error along each axis of the curvature, both ways: at an interior
maximum the density falls.  Where it does not, the direction is followed outwards, the other
parameters maximised over at each step, to see whether the density is flat, levels off, or grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from bayes_point.estimation.kinks import at_wall, is_maximum_along, kink_finding, settle, vertex_at
from bayes_point.estimation.limits import natural_limit
from bayes_point.estimation.maximise import Quadratic, finite_hessian, maximise
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.paths import Path, limit_of, release
from bayes_point.estimation.precision import precision
from bayes_point.estimation.status import Finding, Status
from bayes_point.estimation.tracks import Track, follow
from bayes_point.estimation.vertices import Vertex

__all__ = ["Certificate", "certify", "is_evident", "unbounded"]

Array = NDArray[np.float64]

# A fall of less than this over one standard error (a parabola falls by 1/2) is looked into.
_WEAK_FALL = 0.02
# So is a curvature that is this small against the diagonal: on a ridge that bends, a straight
# step of one standard error leaves the ridge and falls.
_WEAK_CURVATURE = 1e-8
# An optimum that one ulp of the parameters changes by this much is a spike between the numbers.
_SPIKE = 1e-3
_ROUNDS = 6
# A search that has gone this far in a log or a logit is running away.
_FAR = 25.0
# In a parameter itself, which may be a log by the user's own hand, this is far enough to look.
_VERY_FAR = 100.0
# So many times its own size is more than a parameter's standard error ever is.
_LOOSE = 1e4
_HALVINGS = 4
# A curvature this small against the diagonal, at a point well inside, is none.
_CONSTANT = 1e-11
# So many times as large as at the start is where a parameter has run away to.
_LOST = 1e8
# Directions between the axes that are tried at a kink.
_ASLANT = 500
# Distances to a wall, relative to the parameter, each a thousandth of the last.
_TO_THE_WALL = 10.0 ** -np.array([4.0, 7.0, 10.0, 13.0])


@dataclass(frozen=True)
class Certificate:
    """What was proven of a point.

    Attributes
    ----------
    status : Status
        The kind of optimum.
    path : ndarray, (steps, p)
        The point on the unconstrained scale, as the last row; where it lies at infinity, a path
        that leads there.
    direction : ndarray, (p,)
        Direction in which it goes to infinity; zeros where it does not.
    undefined : ndarray of bool, (p,)
        Coordinates that have no value, because the density is unbounded in them.
    value : float
        The objective: the maximum, or its supremum where that is not attained.
    null_space : ndarray, (k, p)
        Directions along which the objective does not change.
    findings : tuple of Finding
        What a user should know.
    evidence : mapping of str to float
        The numbers.
    """

    status: Status
    path: Array
    direction: Array
    undefined: NDArray[np.bool_]
    value: float
    null_space: Array
    findings: tuple[Finding, ...]
    evidence: Mapping[str, float]

    @property
    def x(self) -> Array:
        """The point, or the last one before infinity."""
        return self.path[-1]


@dataclass(frozen=True)
class _Point:
    """A point, its local quadratic model, and how far its value can be trusted."""

    x: Array
    held: NDArray[np.bool_]
    value: float
    gradient: Array
    quadratic: Quadratic
    noise: float
    spike: float

    @classmethod
    def at(cls, objective: Objective, x: Array, held: NDArray[np.bool_]) -> _Point:
        value, gradient = objective.evaluate(x[None, :])
        hessian = finite_hessian(objective, x[None, :])
        quadratic = Quadratic.at(x[None, :], gradient, hessian, ~held[None, :])
        noise, spike = precision(objective, x[None, :], value, gradient, hessian)
        return cls(
            x, held, float(value[0]), gradient[0], quadratic, float(noise[0]), float(spike[0])
        )

    @classmethod
    def on(cls, objective: Objective, vertex: Vertex) -> _Point:
        """The point of a vertex: what is smooth there is the surface that its kinks leave."""
        x, held = vertex.x, vertex.held
        value, _ = objective.evaluate(x[None, :])
        derivatives = vertex.gradient[None, :], vertex.hessian[None]
        noise, spike = precision(objective, x[None, :], value, *derivatives, held=held)
        return cls(
            x,
            held,
            float(value[0]),
            vertex.gradient,
            vertex.quadratic,
            float(noise[0]),
            float(spike[0]),
        )

    @property
    def distance(self) -> float:
        """Distance to the stationary point of the quadratic model, in standard errors."""
        return float(np.sqrt(self.quadratic.decrement(self.quadratic.slope)[0]))


def certify(
    objective: Objective, x: Array, *, start: Array, centre: Array, settled: bool
) -> Certificate:
    """Decide what kind of optimum `x`, found from `start`, is; go on where a better point shows.

    `centre` is a point well inside; `settled` says whether the search came to rest at `x`.
    """
    held = np.zeros(len(x), bool)
    path = None
    vertex = vertex_at(objective, x)
    certificate = None if vertex is None else _on_kinks(objective, vertex, start)
    if certificate is not None:
        return certificate
    if not settled:
        point = _Point.at(objective, x, held)
        growing = _runaways(objective, x, start)
        if growing:
            return _unbounded(objective, point, growing)
        path = _path(objective, point, centre)
        if _leads_away(path, point):
            return _escaping(objective, point, path)
        end, held = settle(objective, x)
        x = end.x[0]
        if growing := _runaways(objective, x, start):
            return _unbounded(objective, point, growing)
    for attempt in range(_ROUNDS):
        point = _Point.at(objective, x, held)
        if point.spike > _SPIKE:
            return _spike(objective, point, start)
        pivots = _suspects(objective, point)
        loose = bool(pivots) and _is_loose(objective, point, np.stack([start, centre]))
        if loose:
            path = path or _path(objective, point, centre)
            if _leads_away(path, point):
                return _escaping(objective, point, path)
        pairs = [_both_ways(objective, point, pivot) for pivot in pivots]
        # Flat both ways, or falling both ways, is an answer; and a maximum to which a restart did
        # not return may be a slope that never ends.
        open_ended = [pair for pair in pairs if not _is_answer(*pair)]
        if (open_ended or attempt > 0) and not loose:
            path = path or _path(objective, point, centre)
            if _leads_away(path, point):
                return _escaping(objective, point, path)
        better = _better(objective, point, pairs)
        if better is None:
            return _judge(objective, point, pairs, start)
        x, held, path = better, np.zeros_like(held), None
    return _result(
        objective,
        point,
        Status.NOT_CONVERGED,
        Finding(
            "Each point that was checked led on to a better one.",
            evidence={"log density": point.value},
            advice="Give starting values nearer to the optimum with initvals=, or rescale.",
        ),
    )


def _on_kinks(objective: Objective, vertex: Vertex, start: Array) -> Certificate | None:
    """Judge a point at which kinks meet; None where it takes more to tell."""
    point = _Point.on(objective, vertex)
    if growing := _runaways(objective, vertex.x, start):
        return _unbounded(objective, point, growing)
    if point.spike > _SPIKE:
        return _spike(objective, point, start)
    flat = _level_directions(objective, vertex, point)
    if len(flat):
        findings = [_null_finding(objective, row) for row in flat]
        certificate = _result(objective, point, Status.NOT_IDENTIFIED, *findings)
        return replace(certificate, null_space=flat)
    still = point.distance**2 <= max(1e-12, 4 * point.noise)
    if not (still and vertex.is_strict) or _rises_aslant(objective, point):
        return None
    if np.any(poles := _rises_to_infinity(objective, point, point.held)):
        return _unbounded_at(objective, point, poles)
    inside = point.quadratic.curvature[0][: len(point.x) - vertex.n_across]
    axes = point.quadratic.axes[0][:, : len(inside)]
    error = (axes * point.quadratic.scale[0][:, None] / np.sqrt(np.maximum(inside, 1e-16))).T
    if np.any(inside < _WEAK_CURVATURE) or not _falls_off(objective, point, error):
        return None
    if np.any(vertex.is_wall):
        return _result(objective, point, Status.ON_BOUNDARY, _wall_finding(objective, point, point.held))
    return _result(objective, point, Status.CONVERGED, kink_finding(objective, vertex))


def _level_directions(objective: Objective, vertex: Vertex, point: _Point) -> Array:
    """Return the directions off a vertex, to one side of a kink, along which nothing changes."""
    rows = []
    for k in vertex.level:
        row = vertex.directions[k]
        size = 1e-4 / np.max(np.abs(row) / (1 + np.abs(vertex.x)))
        steps = np.concatenate([[-1.0, 1.0], [-0.01, 0.01]])[:, None] * size * row
        same = np.abs(objective.evaluate(vertex.x + steps)[0] - point.value) <= point.noise
        if np.all(same[[0, 2]]) or np.all(same[[1, 3]]):
            rows.append(row / np.max(np.abs(row)))
    found = np.array(rows).reshape(len(rows), len(vertex.x))
    return np.where(np.abs(found) > 1e-6, found, 0.0)


def _falls_off(objective: Objective, point: _Point, errors: Array) -> bool:
    """Whether the density falls over each standard error, and over the part of it that is near."""
    if not len(errors):
        return True
    limit = np.where(objective.is_transformed, 5.0, 1.0 + np.abs(point.x))
    part = 1 / np.maximum(1.0, np.max(np.abs(errors) / limit, axis=1))
    enough = np.maximum(0.05 * part**2, 10 * point.noise)
    far, near = (_least_fall(objective, point, errors * length[:, None]) for length in (part**0, part))
    return bool(np.all(far >= _WEAK_FALL) and np.all(near >= enough))


def unbounded(objective: Objective, x: Array, growing: list[Track]) -> Certificate:
    """Return the certificate of a density that has a maximum at `x`, and grows without bound."""
    return _unbounded(objective, _Point.at(objective, x, np.zeros(len(x), bool)), growing)


def is_evident(objective: Objective, x: Array) -> bool:
    """Whether a point is an interior local maximum beyond doubt, without following anything."""
    point = _Point.at(objective, x, np.zeros(len(x), bool))
    still = point.distance**2 <= max(1e-12, 4 * point.noise)
    return still and point.spike <= _SPIKE and not _suspects(objective, point)


def _suspects(objective: Objective, point: _Point) -> list[int]:
    """Return coordinates that stand for the directions in which a maximum is not evident."""
    curvature, axes = point.quadratic.curvature[0], point.quadratic.axes[0]
    error = axes * point.quadratic.scale[0][:, None] / np.sqrt(np.maximum(np.abs(curvature), 1e-16))
    # Where a standard error is far longer than the parameters are large, look nearer as well: in a
    # log or a logit a step of more than five leads to where arithmetic ends.
    limit = np.where(objective.is_transformed, 5.0, 1.0 + np.abs(point.x))[:, None]
    part = 1 / np.maximum(1.0, np.max(np.abs(error) / limit, axis=0))
    falls = _least_fall(objective, point, error.T), _least_fall(objective, point, (error * part).T)
    weak = (falls[0] < _WEAK_FALL) | (curvature < _WEAK_CURVATURE)
    weak |= falls[1] < np.maximum(0.05 * part**2, 10 * point.noise)
    # Along a coordinate that is held the curvature is nothing, and the kink is proof enough.
    kink = is_maximum_along(objective, point.x, point.held)
    weak &= np.square(axes[kink]).sum(axis=0) < 0.5
    if not np.any(weak):
        return []
    # As many coordinates as there are weak directions, chosen so that they span them.
    _, _, order = qr(axes[:, weak].T, mode="economic", pivoting=True)
    return [int(j) for j in order[: int(weak.sum())]]


def _least_fall(objective: Objective, point: _Point, steps: Array) -> Array:
    """Return how far the density falls over each step, or over its opposite if that is less."""
    values, _ = objective.evaluate(np.concatenate([point.x + steps, point.x - steps]))
    # What is not a number is no evidence of a fall.
    return point.value - np.where(np.isnan(values), np.inf, values).reshape(2, -1).max(axis=0)


def _both_ways(objective: Objective, point: _Point, pivot: int) -> tuple[Track, Track]:
    """Follow the density along one coordinate, up and down."""
    size = 1.0 + abs(float(point.x[pivot]))
    step = 0.5 if objective.is_transformed[pivot] else 0.5 * size
    up, down = (_outwards(objective, point, pivot, s * step) for s in (1.0, -1.0))
    if not (up.rises or down.rises) and _is_plateau(objective, point, pivot, 1e-4 * size):
        step = 1e-5 * size
        up, down = (_outwards(objective, point, pivot, s * step) for s in (1.0, -1.0))
    return up, down


def _outwards(objective: Objective, point: _Point, pivot: int, step: float) -> Track:
    """Follow the density along one coordinate, as far as it goes or as far as it is flat."""
    track = follow(objective, point.x, point.value, pivot=pivot, step=step, noise=point.noise)
    if len(track.value) < 2 or track.is_flat or track.value[1] < track.value[0] - point.noise:
        return track
    # A null direction can be bent, and come to an end: on a circle no coordinate exceeds the
    # radius.  Where the density has not changed a step away, it may not have on the way there.
    nearer = follow(
        objective,
        point.x,
        point.value,
        pivot=pivot,
        step=step * 0.5**_HALVINGS,
        noise=point.noise,
        steps=_HALVINGS + 1,
    )
    return nearer if nearer.is_flat else track


def _is_answer(up: Track, down: Track) -> bool:
    # Where a track is blocked at once, the density may end there, or only the arithmetic.
    blocked = min(len(up.value), len(down.value)) < 3
    return not blocked and ((up.is_flat and down.is_flat) or (up.falls and down.falls))


def _is_loose(objective: Objective, point: _Point, elsewhere: Array) -> bool:
    """Whether there is a direction in which the point is held by next to nothing, here only.

    A standard error thousands of times as long as the parameters are large: what the density does
    not depend on is such a direction, but everywhere.  If it is so only here, this may be the
    plateau at the end of a rise without end, where what is left of the slope is rounding.
    """
    curvature, axes = point.quadratic.curvature[0], point.quadratic.axes[0]
    error = axes * point.quadratic.scale[0][:, None] / np.sqrt(np.maximum(np.abs(curvature), 1e-16))
    size = np.where(objective.is_transformed, _FAR, _LOOSE * (1.0 + np.abs(point.x)))
    long = np.any(np.abs(error) > size[:, None], axis=0) | (curvature < _WEAK_CURVATURE)
    _, gradient = objective.evaluate(elsewhere)
    with np.errstate(invalid="ignore"):
        slope = np.abs(gradient @ error) > 1e-6 * (np.abs(gradient) @ np.abs(error))
    return bool(np.any(long & np.any(slope, axis=0)))


def _is_plateau(objective: Objective, point: _Point, pivot: int, h: float) -> bool:
    """Whether the density is constant to the last digit on one side or both, without any slope."""
    around = np.tile(point.x, (2, 1))
    around[:, pivot] += [h, -h]
    value, gradient = objective.evaluate(around)
    return bool(np.any((value == point.value) & (gradient[:, pivot] == 0)))


def _better(objective: Objective, point: _Point, pairs: list[tuple[Track, Track]]) -> Array | None:
    """Return a point that is better than this one, if there is one to be had."""
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
        return None
    search = maximise(objective, np.array(starts))
    best = int(np.argmax(np.where(np.isfinite(search.value), search.value, -np.inf)))
    end = (search.x, search.value, search.gradient, search.hessian)
    noise, _ = precision(objective, *(array[[best]] for array in end))
    gain = search.value[best] - point.value
    return search.x[best] if gain > max(point.noise, float(noise[0])) else None


def _judge(
    objective: Objective, point: _Point, pairs: list[tuple[Track, Track]], start: Array
) -> Certificate:
    """Name the kind of optimum of a point from which nothing leads to infinity."""
    growing = [t for pair in pairs for t in pair if t.grows_without_bound]
    if growing:
        return _unbounded(objective, point, growing)
    null = [(up, down) for up, down in pairs if up.is_flat or down.is_flat]
    null_space = _null_space(point, null)
    findings = [_null_finding(objective, row) for row in null_space]
    unresolved = [
        up.pivot for up, down in pairs if (up, down) not in null and not (up.falls and down.falls)
    ]
    walls = at_wall(objective, point.x, point.held)
    proven = bool(np.all(is_maximum_along(objective, point.x, point.held) == point.held))
    proven = proven and not _rises_aslant(objective, point)
    still = point.distance**2 <= max(1e-12, 4 * point.noise)
    poles = point.held if still else point.held | _is_steep(point)
    if len(null_space):
        status = Status.NOT_IDENTIFIED
    elif np.any(poles := _rises_to_infinity(objective, point, poles)):
        return _unbounded_at(objective, point, poles)
    elif not still or unresolved or not proven:
        status = Status.NOT_CONVERGED
        findings.append(_not_still(objective, point, unresolved))
    elif np.any(lost := _is_lost(objective, point, start)):
        status = Status.NOT_CONVERGED
        findings.append(_not_still(objective, point, np.flatnonzero(lost).tolist()))
    elif np.any(walls):
        status = Status.ON_BOUNDARY
        findings.append(_wall_finding(objective, point, walls))
    else:
        status = Status.CONVERGED
        if np.any(point.held):
            findings.append(_kink_finding(objective, point))
    return replace(_result(objective, point, status, *findings), null_space=null_space)


def _is_lost(objective: Objective, point: _Point, start: Array) -> NDArray[np.bool_]:
    """Which coordinates are so far out, and so loosely held, that nothing is known of them."""
    q = point.quadratic
    variance = np.square(q.axes[0]) @ (1 / np.maximum(np.abs(q.curvature[0]), 1e-16))
    far = np.abs(point.x) > _LOST * (1 + np.abs(start))
    wide = q.scale[0] * np.sqrt(variance) > _LOOSE * np.abs(point.x)
    return ~objective.is_transformed & ~point.held & far & wide


def _runaways(objective: Objective, x: Array, start: Array) -> list[Track]:
    """Return the tracks of coordinates that the search took far, where there is no end to it."""
    distance = np.abs(x - start)
    far = distance > np.where(objective.is_transformed, _FAR, _VERY_FAR)
    tracks = []
    for j in np.flatnonzero(far):
        # From half way, where rounding has not yet blurred the density.
        base = np.where(np.arange(len(x)) == j, 0.5 * (start + x), x)
        base = _held_at(objective, base, np.arange(len(x)) == j)
        point = _Point.at(objective, base, np.zeros(len(x), bool))
        step = float(np.sign(x[j] - start[j]))
        if not objective.is_transformed[j]:
            step *= float(distance[j]) / 64
        # On the way into a pole one ulp of the others is much; the gains are larger than that.
        noise = min(point.noise, 1e-3)
        track = follow(objective, base, point.value, pivot=int(j), step=step, noise=noise)
        if objective.is_transformed[j]:
            track = track.up_to_rounding(start[j])
        if track.grows_without_bound:
            tracks.append(track)
    return tracks


def _path(objective: Objective, point: _Point, centre: Array) -> Path:
    # From a point that is lost in rounding nothing can be followed.
    return release(objective, point.x if point.noise < 1e-3 else centre, centre)


def _leads_away(path: Path, point: _Point) -> bool:
    """Whether the path goes to infinity, and the point lies on the way there."""
    away = np.flatnonzero(path.direction)
    if away.size == 0:
        return False
    return _is_beyond(path, point.x) or bool(
        path.value[-1] > point.value - max(1e-3, 2 * point.noise)
    )


def _is_beyond(path: Path, x: Array) -> bool:
    """Whether x is further out than the path has come, wherever that goes to infinity."""
    away = path.direction != 0
    return bool(np.all(((x - path.x[-1]) * np.sign(path.direction))[away] > 0))


def _escaping(objective: Objective, point: _Point, path: Path) -> Certificate:
    """Judge a density that rises as some coordinates go to infinity: towards a limit, or not."""
    null = _constant_along(objective, path)
    path = path.without(null)
    direction = path.direction
    pivot = path.pivot
    away = np.abs(path.x[:, pivot] - path.x[0, pivot]) / path.scale[pivot]
    # From a point where the tail is all there is, but its gains are not yet lost in rounding.
    k = int(np.argmax(away >= min(5.0, 0.5 * away.max())))
    base = _held_at(objective, path.x[k], np.arange(len(direction)) == pivot)
    start = _Point.at(objective, base, np.zeros(len(base), bool))
    step = float(np.copysign(min(abs(direction[pivot]), path.scale[pivot]), direction[pivot]))
    track = follow(objective, base, start.value, pivot=pivot, step=step, noise=start.noise)
    if objective.is_transformed[pivot]:
        track = track.up_to_rounding(path.x[0, pivot])
    if track.grows_without_bound:
        return _unbounded(objective, point, [track])
    points, limit = limit_of(objective, path)
    status, findings = _at_the_edge(objective, points, direction, limit, track)
    findings += [_null_finding(objective, row) for row in null]
    certificate = _result(objective, point, status, *findings)
    return replace(certificate, path=points, direction=direction, value=limit, null_space=null)


def _constant_along(objective: Objective, path: Path) -> Array:
    """Return a basis of the directions along which the density is the same on the whole path."""
    p = path.x.shape[1]
    value, gradient = objective.evaluate(path.x)
    hessian = finite_hessian(objective, path.x[:1])
    quadratic = Quadratic.at(path.x[:1], gradient[:1], hessian, np.ones((1, p), bool))
    weak = np.abs(quadratic.curvature[0]) < _CONSTANT
    candidates = (quadratic.axes[0] * quadratic.scale[0][:, None])[:, weak].T
    slope = np.abs(candidates @ gradient.T)
    size = np.abs(candidates) @ np.abs(gradient.T)
    constant = candidates[np.all(slope <= 1e-9 * size + 1e-12, axis=1)]
    if not len(constant):
        return constant
    far = path.x[0] + 10 * constant
    same = np.abs(objective.evaluate(far)[0] - value[0]) <= 1e-10 * (1 + abs(value[0]))
    rows = constant[same]
    # In as few parameters as can be.
    reduced = rows / np.max(np.abs(rows), axis=1, keepdims=True) if len(rows) else rows
    return np.where(np.abs(reduced) > 1e-6, reduced, 0.0)


def _held_at(objective: Objective, x: Array, held: NDArray[np.bool_]) -> Array:
    """Maximise over the coordinates that are not held."""
    return maximise(objective, x[None, :], free=~held[None, :], max_iterations=100).x[0]


def _at_the_edge(
    objective: Objective, path: Array, direction: Array, limit: float, track: Track
) -> tuple[Status, list[Finding]]:
    density = objective.density
    natural = natural_limit(density, path, direction)
    infinite, edges = [], []
    for name in dict.fromkeys(np.array(density.variables)[direction != 0].tolist()):
        moving = {density.parameters[j] for j in np.flatnonzero(direction)}
        elements = density.elements(name, natural[name])
        infinite += [(label, end) for label, end in elements if np.isinf(end)]
        # Behind the coordinates of a simplex stands the whole variable: its zeros are the edge.
        edges += [
            (label, end)
            for label, end in elements
            if np.isfinite(end) and (label in moving or (name in moving and end == 0))
        ]
    findings = []
    if infinite:
        words = ", ".join(f"{name} to {'+' if end > 0 else '-'}infinity" for name, end in infinite)
        findings.append(
            Finding(
                f"The density keeps rising, towards a limit, as {words}.",
                tuple(label for label, _ in infinite),
                {"limiting log density": limit},
                "No finite estimate exists. Give these parameters a proper prior, or look for "
                "separation, or for a group without events, in the data.",
            )
        )
    if edges:
        words = ", ".join(f"{label} = {end:.6g}" for label, end in edges)
        findings.append(
            Finding(
                f"The maximum is on the edge of the support: {words}.",
                tuple(label for label, _ in edges),
                {"outward derivative": _outward_derivative(objective, track)},
                "The usual standard errors do not hold here. If the edge is not meant, use a prior "
                "that vanishes there.",
            )
        )
    return (Status.AT_INFINITY if infinite else Status.ON_BOUNDARY), findings


def _outward_derivative(objective: Objective, track: Track) -> float:
    """Return the derivative by the natural parameter of the pivot, towards its edge."""
    if len(track.value) < 2:
        return np.nan
    name = objective.density.variables[track.pivot]
    natural = objective.density.natural(track.x[[0, 1]])[name]
    moved = np.max(np.abs(natural[1] - natural[0]))
    return float((track.value[1] - track.value[0]) / moved) if moved > 0 else np.nan


def _not_still(objective: Objective, point: _Point, unresolved: list[int]) -> Finding:
    if unresolved:
        names = tuple(objective.density.parameters[j] for j in unresolved)
        return Finding(
            f"Whether this is a maximum along {', '.join(names)} could not be decided.",
            names,
            {"log density": point.value},
            "Look at the density along these parameters, or give them a more informative prior.",
        )
    return Finding(
        "The gradient is not zero, yet no step improves the density.",
        tuple(objective.density.parameters[j] for j in np.flatnonzero(_is_steep(point))),
        {"distance to a stationary point in standard errors": point.distance},
        "The density may have a kink or a wall here; look at it along the parameters named.",
    )


def _rises_to_infinity(
    objective: Objective, point: _Point, where: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """In which coordinates the point is a pole: equal gains with each thousandth of the way."""
    poles = np.zeros_like(where)
    for j in np.flatnonzero(where):
        points = np.tile(point.x, (2 * len(_TO_THE_WALL), 1))
        points[:, j] += (1 + abs(point.x[j])) * np.concatenate([_TO_THE_WALL, -_TO_THE_WALL])
        for side in np.split(objective.evaluate(points)[0], 2):
            gains = np.diff(side)
            poles[j] |= bool(
                np.all(np.isfinite(side)) and gains[0] > 1e-3 and gains[-1] > 0.5 * gains[0]
            )
    return poles


def _unbounded_at(objective: Objective, point: _Point, poles: NDArray[np.bool_]) -> Certificate:
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(poles))
    values = [f"{name} nears {x:.6g}" for name, x in zip(names, point.x[poles], strict=True)]
    finding = Finding(
        f"The density grows without limit as {', '.join(values)}.",
        names,
        {"log density as near as rounding allows": point.value},
        "No estimate exists. Keep the parameter away from that value with a prior.",
    )
    certificate = _result(objective, point, Status.UNBOUNDED, finding)
    return replace(certificate, undefined=poles, value=np.inf)


def _rises_aslant(objective: Objective, point: _Point) -> bool:
    """Whether the density rises between the axes, away from a kink or a wall.

    Kinks of absolute deviations run along directions of their own: a point can be a maximum along
    each coordinate and not be one.
    """
    if not np.any(point.held):
        return False
    rng = np.random.default_rng(2)
    directions = rng.standard_normal((_ASLANT, len(point.x)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = 10.0 ** -np.arange(2.0, 9.0, 2.0)
    steps = (directions[:, None, :] * lengths[:, None]).reshape(-1, len(point.x))
    values, _ = objective.evaluate(point.x + steps * (1 + np.abs(point.x)))
    return bool(np.any(values > point.value + point.noise))


def _wall_finding(objective: Objective, point: _Point, walls: NDArray[np.bool_]) -> Finding:
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(walls))
    return Finding(
        f"The density ends at this value of {', '.join(names)}: beyond it the data are impossible.",
        names,
        {},
        "The estimate is exact, but the usual standard errors do not hold here.",
    )


def _null_space(point: _Point, null: list[tuple[Track, Track]]) -> Array:
    """Return a basis of the flat directions, each in as few parameters as can be."""
    rows = []
    for up, _ in ((u, d) if u.is_flat else (d, u) for u, d in null):
        row = (up.x[1] - up.x[0]) / up.distance[1]
        rows.append(np.where(np.abs(row) > 1e-6 * np.abs(row).max(), row, 0.0))
    return np.array(rows).reshape(len(rows), len(point.x))


def _null_finding(objective: Objective, row: Array) -> Finding:
    names = [objective.density.parameters[j] for j in np.flatnonzero(row)]
    if len(names) == 1:
        what = f"The density does not depend on {names[0]} at all."
    else:
        moves = ", ".join(
            f"{objective.density.parameters[j]} {row[j]:+.3g}" for j in np.flatnonzero(row)
        )
        what = f"The density does not change along a direction: {moves}."
        if len(names) == 2:
            a, b = (row[j] for j in np.flatnonzero(row))
            ratio = -a / b
            if np.isclose(abs(ratio), 1.0):
                what += f" {names[0]} and {names[1]} enter only as {names[0]} "
                what += f"{'+' if ratio > 0 else '-'} {names[1]}."
    return Finding(
        what,
        tuple(names),
        {},
        "Drop or fix it, or use the prior: find_MAP."
        if len(names) == 1
        else "Their values are one choice among equals. Drop or fix one of them, or use the prior: "
        "find_MAP.",
        is_flat=True,
    )


def _kink_finding(objective: Objective, point: _Point) -> Finding:
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(point.held))
    return Finding(
        f"The maximum is at a kink of the density in {', '.join(names)}: the derivative changes "
        "sign there without being zero.",
        names,
        {},
        "This is a proper maximum, as in a lasso; it has no standard error in these parameters.",
    )


def _unbounded(objective: Objective, point: _Point, growing: list[Track]) -> Certificate:
    undefined = np.zeros(len(point.x), bool)
    findings = []
    for track in growing:
        steps = np.diff(track.x, axis=0) / np.diff(track.distance)[:, None]
        moved = np.abs(track.x[-1] - track.x[-2]) > 1e-5 * (1 + np.abs(track.x[-1]))
        diverges = moved & (np.abs(steps[-1]) > 0.5 * np.abs(steps[-2]))
        diverges[track.pivot] = True
        undefined |= diverges
        names = _vanishing(objective, diverges, track)
        evidence = {
            f"log density {distance:+.3g} away": float(value)
            for distance, value in zip(track.distance[-3:], track.value[-3:], strict=True)
        }
        findings.append(
            Finding(
                f"The density grows without limit along {', '.join(names)}.",
                names,
                evidence,
                "No estimate exists. A prior that keeps scale parameters away from zero, or the "
                "mode on the unconstrained scale (jacobian=True), or the posterior mean may help.",
            )
        )
    once = {finding.parameters: finding for finding in findings}
    certificate = _result(objective, point, Status.UNBOUNDED, *once.values())
    # On the way there the others are at their maxima, at the point they may not be.
    on_the_way = growing[0].x[min(4, len(growing[0].x) - 1)][None, :]
    return replace(certificate, path=on_the_way, undefined=undefined, value=np.inf)


def _vanishing(objective: Objective, moving: NDArray[np.bool_], track: Track) -> tuple[str, ...]:
    """Name the parameters that move; of a simplex, the elements that go to zero."""
    density = objective.density
    natural = density.natural(track.x[[0, -1]])
    names = []
    for j in np.flatnonzero(moving):
        name, whole = density.parameters[j], natural[density.variables[j]]
        if name == density.variables[j] and whole[0].size > 1:
            names += [
                label
                for label, first, last in density.elements(name, *whole)
                if abs(last) < 1e-3 * abs(first)
            ] or [name]
        else:
            names.append(name)
    return tuple(dict.fromkeys(names))


def _spike(objective: Objective, point: _Point, start: Array) -> Certificate:
    """Judge an optimum narrower than the spacing of floating-point numbers.

    Residuals that are zero but for rounding stop a scale parameter at some 1e-16 of the data's
    scale, where it looks like a maximum.
    """
    density = objective.density
    transformed = np.array(
        [a != b for a, b in zip(density.labels, density.parameters, strict=True)]
    )
    moved = np.where(transformed, np.abs(point.x - start), 0.0)
    undefined = moved >= max(10.0, 0.5 * moved.max())
    if not np.any(undefined):
        undefined = np.ones(len(point.x), bool)
    names = tuple(density.parameters[j] for j in np.flatnonzero(undefined))
    finding = Finding(
        f"The density grows along {', '.join(names)} until rounding stops it: the point is sharper "
        "than the spacing of floating-point numbers.",
        names,
        {"log density": point.value, "change over one ulp": point.spike},
        "No estimate exists: the model fits the data exactly. Use fewer parameters, or a prior "
        "that keeps the scale away from zero.",
    )
    certificate = _result(objective, point, Status.UNBOUNDED, finding)
    return replace(certificate, undefined=undefined, value=np.inf)


def _is_steep(point: _Point) -> NDArray[np.bool_]:
    slope = np.abs(point.gradient * point.quadratic.scale[0])
    return slope > 0.1 * slope.max()


def _result(objective: Objective, point: _Point, status: Status, *findings: Finding) -> Certificate:
    curvature = point.quadratic.curvature[0]
    p = len(point.x)
    # Across kinks there is no curvature: what stands for it there exceeds all that can be.
    curvature = curvature[curvature < p + 5] if np.any(curvature < p + 5) else np.full(1, np.nan)
    return Certificate(
        status,
        point.x[None, :],
        np.zeros(p),
        np.zeros(p, bool),
        point.value,
        np.empty((0, p)),
        findings,
        {
            "distance to the maximum in standard errors": point.distance,
            "smallest eigenvalue of the scaled curvature": float(curvature[0]),
            "largest eigenvalue of the scaled curvature": float(curvature[-1]),
            "condition number": float(curvature[-1] / curvature[0]) if curvature[0] > 0 else np.inf,
            "rounding of the log density": point.noise,
        },
    )
