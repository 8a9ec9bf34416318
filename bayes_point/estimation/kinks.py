"""Maxima at which the density is not differentiable, such as the exact zeros of a lasso.

At a kink the gradient jumps from positive to negative without being zero, so that no Newton step
ends there.  A coordinate that is at one is held there, exactly, while the others are maximised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import EPS, Search, maximise
from bayes_point.estimation.objective import Objective

__all__ = ["is_maximum_along", "settle"]

Array = NDArray[np.float64]

_REACH = 10.0 ** np.arange(-9, 3, dtype=float)
_HALVINGS = 60


def settle(objective: Objective, x: Array) -> tuple[Search, NDArray[np.bool_]]:
    """Climb from `x`, holding coordinates at their kinks; return the end and what is held."""
    held = np.zeros(len(x), bool)
    search = maximise(objective, x[None, :], max_iterations=50)
    for _ in range(3 * len(x) + 3):
        x = search.x[0].copy()
        released = held & ~is_maximum_along(objective, x, held)
        if np.any(released):
            held &= ~released
            x += np.where(released, _uphill(objective, x, released), 0.0)
        elif search.settled[0]:
            break
        else:
            at = _kinks(objective, x, ~held)
            found = np.isfinite(at)
            if not np.any(found):
                break
            # One at a time, the nearest first: moving there changes where the others are.
            nearest = int(np.argmin(np.where(found, np.abs(at - x), np.inf)))
            held[nearest] = True
            x[nearest] = at[nearest]
        search = maximise(objective, x[None, :], free=~held[None, :], max_iterations=100)
    return search, held


def is_maximum_along(objective: Objective, x: Array, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the density falls on both sides of x, along each coordinate held."""
    left, right = _one_sided(objective, x)
    return held & (left > 0) & (right < 0)


def _one_sided(objective: Objective, x: Array) -> tuple[Array, Array]:
    """Return each coordinate's derivative a little to the left of x and to the right."""
    h = 1e-8 * (1 + np.abs(x))
    _, left = objective.evaluate(x - np.diag(h))
    _, right = objective.evaluate(x + np.diag(h))
    return np.diagonal(left).copy(), np.diagonal(right).copy()


def _uphill(objective: Objective, x: Array, released: NDArray[np.bool_]) -> Array:
    left, right = _one_sided(objective, x)
    h = 1e-6 * (1 + np.abs(x))
    return np.where(released & (right > 0), h, np.where(released & (left < 0), -h, 0.0))


def _kinks(objective: Objective, x: Array, free: NDArray[np.bool_]) -> Array:
    """Return where, along each free coordinate, the derivative jumps through zero; NaN if not."""
    p = len(x)
    columns = np.flatnonzero(free)
    low, high = np.full(p, np.nan), np.full(p, np.nan)
    for reach in _REACH:
        todo = columns[np.isnan(low[columns])]
        if todo.size == 0:
            break
        h = np.zeros((todo.size, p))
        h[np.arange(todo.size), todo] = reach * (1 + np.abs(x[todo]))
        row = np.arange(todo.size)
        left = objective.evaluate(x - h)[1][row, todo]
        right = objective.evaluate(x + h)[1][row, todo]
        crosses = (left > 0) & (right < 0)
        low[todo[crosses]] = (x - h)[row, todo][crosses]
        high[todo[crosses]] = (x + h)[row, todo][crosses]
    todo = columns[~np.isnan(low[columns])]
    if todo.size == 0:
        return np.full(p, np.nan)
    row = np.arange(todo.size)
    points = np.tile(x, (todo.size, 1))

    def slopes(at: Array) -> Array:
        points[row, todo] = at
        return objective.evaluate(points)[1][row, todo]

    lo, hi = low[todo], high[todo]
    wide = slopes(lo) - slopes(hi)
    for _ in range(_HALVINGS):
        middle = 0.5 * (lo + hi)
        rising = slopes(middle) > 0
        lo, hi = np.where(rising, middle, lo), np.where(rising, hi, middle)
    # A smooth derivative closes up with the bracket, a jump stays.
    jump = slopes(lo) - slopes(hi)
    at = 0.5 * (lo + hi)
    # Of the numbers in the bracket, zero is the one meant.
    at = np.where((lo <= 4 * EPS) & (hi >= -4 * EPS), 0.0, at)
    out = np.full(p, np.nan)
    out[todo] = np.where(jump > 1e-3 * wide, at, np.nan)
    return out
