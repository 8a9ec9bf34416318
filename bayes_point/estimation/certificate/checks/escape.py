"""Densities that rise, towards a limit, as parameters go to infinity or to an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import null_findings
from bayes_point.estimation.certificate.limits import at_infinity, natural_limit
from bayes_point.estimation.certificate.point import Point, held_at
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.suspects import WEAK_CURVATURE
from bayes_point.estimation.certificate.tracks import Track, follow
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import PRECEDENCE, Better, Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.curvature import Curvature
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.path_limits import limit_of
from bayes_point.estimation.optimise.paths import Path
from bayes_point.estimation.optimise.precision import rounding
from bayes_point.estimation.tolerances import CLEAR, NOTHING

__all__ = ["at_the_edge", "escape", "escaping", "leads_away"]

Array = NDArray[np.float64]

# Slope along a direction, relative to those that make it up, and in itself, that is none; relative
# change of the log density, ten steps along it, that is none.
_NO_SLOPE, _ROUNDING, _UNCHANGED = 1e-9, 1e-12, 1e-10
# In units of a coordinate, how far out the tail is all there is.
_TAIL = 5.0

# A curvature this small against the diagonal, at a point well inside, is none.
_CONSTANT = 1e-11
# So many times what rounding makes of the objective is a gain to four digits.
_CLEAR = 1e4
# Rounding of a slope of an integral over latents.
_SLOPE_NOISE = 1e-11
# How far, in the log density, a limit may be above all that was evaluated and not be doubted.
_GUESSED = 1e-3
# Rounding of the log density beyond which a fall says nothing.
_LOST = 1e-3
# Parameters that are named one by one.
_NAMED = 6


def escape(case: Case) -> Verdict:
    """Claim a supremum at infinity, or at an edge, where the density leads away from the point.

    Asked where the search did not come to rest, where a direction is held by next to nothing, where
    what was followed outwards gave no answer, and of a point that was reached from another.

    Evidence: as a quadratic penalty about the centre is let go, parameters with a finite maximum
    settle, and those that are driven to infinity go on by about the same amount at every reduction.
    Where some do, and the point lies on their way, the limit of the density is extrapolated along
    the path.

    Blind spot: nearly collinear columns, whose maximum is so far out that the penalty ends before.

    Source: Albert and Anderson (1984), https://doi.org/10.1093/biomet/71.1.1, of separation.
    """
    if not (case.is_open or case.is_loose or case.attempt > 0 or case.is_open_ended):
        return None
    if leads_away(case.path, case.point):
        return escaping(case.objective, case.point, case.path)
    return Passed({"log density at the end of the path": float(case.path.value[-1])})


def leads_away(path: Path, point: Point) -> bool:
    """Whether the path goes to infinity, and the point lies on the way there."""
    if not np.any(path.direction):
        return False
    return path.leads_to(point.x) or bool(
        path.value[-1] > point.value - max(_GUESSED, 2 * point.noise)
    )


def escaping(objective: Objective, point: Point, path: Path) -> Claim | Better | Passed:
    """Judge a density that rises as some coordinates go to infinity: towards a limit, or not.

    A limit above all that was evaluated is a guess.  The rise is followed on to see that it is
    borne out; where the density falls off again the maximum is on the way, and the better point,
    unless the point is that maximum.
    """
    null = _constant_along(objective, path)
    path = path.without(null)
    direction = path.direction
    pivot = path.pivot
    away = np.abs(path.x[:, pivot] - path.x[0, pivot]) / path.scale[pivot]
    # From a point where the tail is all there is, but its gains are not yet lost in rounding.
    k = int(np.argmax(away >= min(_TAIL, 0.5 * away.max())))
    base = held_at(objective, path.x[k], np.arange(len(direction)) == pivot)
    start = Point.at(objective, base, np.zeros(len(base), bool))
    step = float(np.copysign(min(abs(direction[pivot]), path.scale[pivot]), direction[pivot]))
    track = follow(objective, base, start.value, pivot=pivot, step=step, noise=start.noise)
    if objective.is_transformed[pivot]:
        track = track.up_to_rounding(path.x[0, pivot])
    if track.grows_without_bound:
        return unbounded_along(objective, point, [track])
    points, limit = limit_of(objective, path)
    if limit < point.value - max(_GUESSED, 2 * point.noise):
        # A path that ends below the point got stuck, and says nothing of where the point leads.
        return Passed({"limit at the end of the path": limit})
    seen = max(float(np.nanmax(objective.evaluate(points)[0])), float(track.value.max()))
    if limit > seen + _GUESSED and (top := _turns(objective, track)) is not None:
        if top.value > point.value + max(top.noise, point.noise):
            return Better(top.x, point.x, evidence={"log density where it turns": top.value})
        return Passed({"log density where it turns": top.value})
    status, findings = at_the_edge(objective, points, direction, limit, track, null)
    return Claim(
        point,
        status,
        tuple(findings),
        is_proof=True,
        path=points,
        direction=direction,
        value=limit,
        null_space=null,
    )


def _turns(objective: Objective, track: Track) -> Point | None:
    """Return the top of the way on from the end of a track, if the density falls off beyond it."""
    step = float(track.distance[-1])
    on = follow(
        objective,
        track.x[-1],
        float(track.value[-1]),
        pivot=track.pivot,
        step=step,
        noise=track.noise,
    )
    beyond = on.x[on.peak + 1 :]
    if not len(beyond):
        return None
    free = np.tile(np.arange(objective.p) != track.pivot, (len(beyond), 1))
    ends = maximise(objective, beyond, free=free)
    noise = rounding(objective, ends.x)
    # Where the others are at their best, and it is not rounding, a fall is one.
    falls = ends.settled & (noise <= _LOST) & (ends.value < on.value[on.peak] - CLEAR * noise)
    if not falls[0]:
        return None
    top = maximise(objective, on.x[[on.peak]]).x[0]
    return Point.at(objective, top, np.zeros(objective.p, bool))


def _constant_along(objective: Objective, path: Path) -> Array:
    """Return a basis of the directions along which the density is the same on the whole path."""
    p = path.x.shape[1]
    value, gradient = objective.evaluate(path.x)
    quadratic = Curvature.at(objective, path.x[0], gradient[0], np.ones(p, bool)).quadratic
    weak = np.abs(quadratic.curvature[0]) < _CONSTANT
    if len(weak) < p and abs(quadratic.curvature[0, -2]) < WEAK_CURVATURE:
        return np.empty((0, p))  # of many coordinates, more may be flat than are known
    candidates = (quadratic.axes[0] * quadratic.scale[0][:, None])[:, weak].T
    slope = np.abs(candidates @ gradient.T)
    size = np.abs(candidates) @ np.abs(gradient.T)
    constant = candidates[np.all(slope <= _NO_SLOPE * size + _ROUNDING, axis=1)]
    if not len(constant):
        return constant
    far = path.x[0] + 10 * constant
    same = np.abs(objective.evaluate(far)[0] - value[0]) <= _UNCHANGED * (1 + abs(value[0]))
    rows = constant[same]
    # In as few parameters as can be.
    reduced = rows / np.max(np.abs(rows), axis=1, keepdims=True) if len(rows) else rows
    return np.where(np.abs(reduced) > NOTHING, reduced, 0.0)


def at_the_edge(
    objective: Objective, path: Array, direction: Array, limit: float, track: Track, null: Array
) -> tuple[Status, list[Finding]]:
    """Say which parameters go to infinity, which to a finite edge, and which do not matter.

    The last are the directions of `null`, (k, p).
    """
    density = objective.density
    natural = natural_limit(density, path, direction)
    at_end = at_infinity(density, path, direction)
    infinite, edges = [], []
    for name in dict.fromkeys(np.array(density.variables)[direction != 0].tolist()):
        moving = {density.parameters[j] for j in np.flatnonzero(direction)}
        elements = density.elements(name, natural[name])
        # A cutpoint next to one that goes to infinity moves in its transform, and stays.
        edge = dict(density.elements(name, at_end[name]))
        infinite += [(label, end) for label, end in elements if np.isinf(end)]
        # Behind the coordinates of a simplex stands the whole variable: its zeros are the edge.
        edges += [
            (label, end)
            for label, end in elements
            if np.isfinite(end)
            and ((label in moving and np.isfinite(edge[label])) or (name in moving and end == 0))
        ]
    findings = []
    if infinite:
        words = _listed([f"{name} to {'+' if end > 0 else '-'}infinity" for name, end in infinite])
        findings.append(
            Finding(
                "The density keeps rising, towards a limit, as parameters grow without end: "
                f"{words}.",
                tuple(label for label, _ in infinite),
                {"limiting log density": limit},
                "No finite estimate exists. Give these parameters a proper prior, or look for "
                "separation, or for a group without events, in the data.",
                status=Status.AT_INFINITY,
            )
        )
    if edges:
        words = _listed([f"{label} = {end:.6g}" for label, end in edges])
        findings.append(
            Finding(
                f"The maximum is on the edge of the support: {words}.",
                tuple(label for label, _ in edges),
                _slope_at(objective, track, edges),
                "The usual standard errors do not hold here. If the edge is not meant, use a prior "
                "that vanishes there.",
                status=Status.ON_BOUNDARY,
            )
        )
    findings += null_findings(objective, null)
    claimed = {finding.of(Status.ON_BOUNDARY) for finding in findings}
    return min(claimed or {Status.ON_BOUNDARY}, key=PRECEDENCE.index), findings


def _listed(words: list[str]) -> str:
    """Return a list in words; of many, the first."""
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _slope_at(
    objective: Objective, track: Track, edges: list[tuple[str, float]]
) -> dict[str, float]:
    """Return the slope at the edge: of an integral over latents by the square of their scale.

    By the scale itself it is zero there, for the sign of a scale means nothing.
    """
    density, pivot = objective.density, track.pivot
    is_zero = [end for label, end in edges if label == density.parameters[pivot]] == [0.0]
    if not (density.is_integral and is_zero and density.kinds[pivot] == "log"):
        return {"outward derivative": _outward_derivative(objective, track)}
    # With the others at their best it is that by the log over twice the square.  Linear in the
    # square, so that two points say what it is at zero; where it is more than rounding.
    slopes = objective.evaluate(track.x)[1][:, pivot]
    squares = np.exp(2 * track.x[:, pivot])
    clear = np.flatnonzero(np.abs(slopes) > _CLEAR * max(track.noise, _SLOPE_NOISE))
    # Not beyond the first that is rounding: nearer to zero that grows, with one over the square.
    clear = clear[clear - clear[:1] == np.arange(len(clear))]
    if len(clear) < 2:
        return {"outward derivative": _outward_derivative(objective, track)}
    by_square = slopes / (2 * squares)
    far, near = clear[-2:]
    weight = squares[near] / (squares[far] - squares[near])
    slope = by_square[near] + weight * (by_square[near] - by_square[far])
    return {f"slope by the square of {density.parameters[pivot]}": float(slope)}


def _outward_derivative(objective: Objective, track: Track) -> float:
    """Return the derivative by the natural parameter of the pivot, towards its edge.

    From the last two points of the track between which the gain is more than rounding.
    """
    name = objective.density.variables[track.pivot]
    natural = objective.density.natural(track.x)[name]
    moved = np.abs(np.diff(natural, axis=0)).reshape(len(natural) - 1, -1).max(axis=1)
    gain = np.diff(track.value)
    clear = np.flatnonzero((gain > _CLEAR * track.noise) & (moved > 0))
    return float(gain[clear[-1]] / moved[clear[-1]]) if clear.size else np.nan
