"""The limit of the density at the end of a path that leads to infinity or to an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.paths import Path
from bayes_point.estimation.optimise.precision import rounding
from bayes_point.estimation.tolerances import EPS, SUM_ULPS

__all__ = ["TAIL", "end_of_rise", "extrapolated", "limit_of"]

Array = NDArray[np.float64]

# Gain against the one before from which it is not dying out by itself.
_CRAWLING = 0.95
# By how much the steps of a path lengthen, as the penalty is let go, where the rise that it follows
# dies out with a power of the distance; where it does so exponentially, they hardly do.
_LENGTHENING = 1.1
# Points from which a limit is extrapolated.
TAIL = 5
# Relative to the log density, how far a limit may be from the end of the path in any case.
_LEFT = 1e-3
# How much further out, in units of the last step, a limit is looked at.
_BEYOND = np.array([10.0, 20.0, 50.0, 150.0, 600.0])
_PLACES = 3
# Relative rounding up to which differences of values are still good for an extrapolation.
_EXACT = 3e-10


def limit_of(objective: Objective, path: Path) -> tuple[Array, float]:
    """Return the path, with five points more, and the limit of the objective at its end.

    The points are equally far apart, with the coordinates that settle maximised over: what is left
    to the limit shrinks in equal proportion from one to the next (as 1 / nu does when log nu
    grows, or exp(-b) when b does), and Aitken's extrapolation takes it away.
    """
    # Further out more of it is gone already, but rounding, which the extrapolation multiplies,
    # grows.
    noise = np.maximum.accumulate(path.noise) / (1 + np.abs(path.value))
    exact = np.flatnonzero(noise <= _EXACT)
    if exact.size:
        points, limit = _limit_from(objective, path, path.x[exact[-1]])
        # Beyond the end of the path there is no more left than there was on the way to it, nor
        # less; where the path changed to another one, what is seen from before says nothing.
        end, before = path.value[-1], path.value[exact[-1]]
        allowed = _LEFT * (1 + abs(end))
        if exact[-1] == len(noise) - 1 or -allowed <= limit - end <= allowed + end - before:
            return points, limit
    return _limit_from(objective, path, path.x[-1])


def _limit_from(objective: Objective, path: Path, base: Array) -> tuple[Array, float]:
    """Return the path with five points that end at `base`, (p,), and the limit seen from there."""
    direction = path.direction
    unit = direction / np.max(
        np.abs(direction) / np.minimum(path.scale, np.abs(direction) + 1e-300)
    )
    back = np.arange(1.0 - TAIL, 1.0)[:, None]
    # The others that go there keep to the path only roughly: what is left between them settles.
    free = np.tile(np.arange(len(direction)) != path.pivot, (TAIL, 1))
    search = maximise(objective, base + back * unit, free=free, max_iterations=100)
    noise = rounding(objective, search.x)
    if np.any(noise > _EXACT * (1 + np.abs(search.value))):
        # They ran to where the density is rounding: only what settles is free to move.
        free = np.tile(direction == 0, (TAIL, 1))
        kept = maximise(objective, base + back * unit, free=free, max_iterations=100)
        if np.max(rounding(objective, kept.x)) < np.max(noise):
            search = kept
    before, last = np.diff(search.value[-3:])
    if not path.is_transformed[path.pivot] and last > _CRAWLING * before > 0:
        shorter, longer = np.abs(np.diff(path.x[-3:, path.pivot]))
        if longer > _LENGTHENING * shorter:
            # What is left falls with a power of the distance: evenly in its log.
            ahead = path.x[0] + (base - path.x[0]) * 2.0**back
        else:
            # A unit is too short for it to fall by much.
            ahead = base + back * direction
        search = maximise(objective, ahead, free=free, max_iterations=100)
    value = end_of_rise(search.value)
    far = _exact_beyond(objective, path, search.x[-1], value)
    if far is not None:
        # There the others are at their limits, and stay: nothing is left to extrapolate.
        ahead = far + np.arange(TAIL)[:, None] * unit
        return np.vstack([path.x, ahead]), float(objective.evaluate(far[None, :])[0][0])
    return np.vstack([path.x, search.x]), value


def _exact_beyond(objective: Objective, path: Path, x: Array, limit: float) -> Array | None:
    """Return a point beyond `x` where the objective is at its limit to the last digit, if any is.

    A logit of 700 makes an exact one; the terms of a Student t with 1e15 degrees of freedom cancel
    to anything.
    """
    points = x + _BEYOND[:, None] * path.unit
    value, _ = objective.evaluate(points)
    finite = np.flatnonzero(np.isfinite(value))
    if not finite.size:
        return None
    # The same at several places: rounding is not.
    size = 1 + np.abs(limit)
    there = np.abs(value - value[finite[-1]]) <= SUM_ULPS * EPS * size
    if there.sum() < _PLACES or not np.abs(value[finite[-1]] - limit) <= _LEFT * size:
        return None
    # No further than need be: the terms that settle lose digits on the way.
    free = np.arange(len(x)) != path.pivot
    return maximise(objective, points[np.flatnonzero(there)[:1]], free=free[None, :]).x[0]


def extrapolated(values: Array) -> Array:
    """Return where a sequence of five goes, if it is a limit and two parts that die out evenly.

    Aitken's extrapolation, twice.
    """
    once = np.stack([_aitken(values[i : i + 3]) for i in range(len(values) - 2)])
    return _aitken(once) if len(once) == 3 else once[-1]


def end_of_rise(values: Array) -> float:
    """Return where a rise of five values ends: no lower than it has come."""
    return max(float(extrapolated(values)), float(values[-1]))


def _aitken(values: Array) -> Array:
    """Return where a sequence of three goes, if its differences shrink in equal proportion."""
    before, last = np.diff(values, axis=0)
    with np.errstate(all="ignore"):
        ratio = last / before
        step = last * ratio / (1 - ratio)
        return np.where((ratio > 0) & (ratio < _CRAWLING), values[2] + step, values[2])
