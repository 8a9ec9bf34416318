"""Poles beside a maximum: a density that grows without bound as a scale goes to zero elsewhere.

A local maximum, however well it is proven, says nothing of a pole elsewhere: a component of a
mixture may shrink on to an observation, or its line on to two; a regression may fit perfectly where
a prior does not want it; a Student t may shrink on to a tie.  No search gets there by itself,
because a pole is as narrow as it is high.  So each scale is made small step by step, the others
maximised over at each: they follow to where the pole is while it is still wide.  Where the
logarithm of the density then grows in proportion to that of the scale, over orders of magnitude,
there is no end to it.  (Day 1969, https://doi.org/10.1093/biomet/56.3.463)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import maximise
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tracks import Track

__all__ = ["grows_elsewhere"]

Array = NDArray[np.float64]

# Steps in a log: at first so small that the others can follow, then to 1e-9 of the scale.
_STEPS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.5, 2.5, 3.0, 3.0, 3.0])
# So many rates of growth in a row, as equal as this, are a proportion.
_RATES = 3
_EQUAL = 0.15
# A slower growth, by e-fold of the scale, may be one that comes to an end.
_LEAST_RATE = 0.1
# What falls by more than this does not come back.
_TOO_DEEP = 1e7
_ITERATIONS = 30
# Distances in a parameter itself at which it is looked whether it acts as the log of a scale.
_PROBES = np.array([10.0, 20.0])


def grows_elsewhere(objective: Objective, x: Array, others: Array) -> Track | None:
    """Return a track along which the density grows without bound, if one is found.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    x : ndarray, (p,)
        The best point known.
    others : ndarray, (k, p)
        Points from which the other parameters begin as well.
    """
    columns, signs = _candidates(objective, x)
    if not columns.size:
        return None
    bases = np.vstack([x, others])
    pivots, signs = np.tile(columns, len(bases)), np.tile(signs, len(bases))
    current = np.repeat(bases, len(columns), axis=0)
    rows = np.arange(len(current))
    current[rows, pivots] = x[pivots]
    best = float(objective.evaluate(x[None, :])[0][0])
    points, values = [current], [objective.evaluate(current)[0]]
    for k, step in enumerate(_STEPS):
        ahead = current.copy()
        ahead[rows, pivots] += signs * step
        free = np.ones(ahead.shape, bool)
        free[rows, pivots] = False
        search = maximise(objective, ahead, free=free, max_iterations=_ITERATIONS)
        current = search.x
        points.append(current)
        values.append(search.value)
        going, growing = _verdicts(np.array(values), _STEPS[: k + 1])
        # Ten units of a parameter that is no log are not orders of magnitude: a growth there has
        # to come out above what is known, or else it may only be on its way back to it.
        growing &= search.settled & (objective.is_transformed[pivots] | (search.value > best))
        if np.any(growing):
            row = int(np.argmax(np.where(growing, search.value, -np.inf)))
            distance = np.concatenate([[0.0], np.cumsum(_STEPS[: k + 1])]) * signs[row]
            path = np.array([some[row] for some in points])
            return Track(int(pivots[row]), distance, path, np.array(values)[:, row], 0.0)
        keep = going & np.isfinite(search.value)
        if not np.any(keep):
            return None
        current, pivots, signs = current[keep], pivots[keep], signs[keep]
        rows = np.arange(len(current))
        points, values = [some[keep] for some in points], [some[keep] for some in values]
    return None


def _verdicts(values: Array, steps: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are worth going on with, and which grow in proportion."""
    with np.errstate(invalid="ignore"):
        rates = np.diff(values, axis=0) / steps[:, None]
        going = values[-1] > values[0] - _TOO_DEEP * (1 + np.abs(values[0]) / _TOO_DEEP)
        if len(rates) <= _RATES:
            nothing = np.zeros(values.shape[1], bool)
            return (going & ~_falling(rates) if len(rates) > 1 else going), nothing
        last = rates[-_RATES:]
        spread = last.max(axis=0) - last.min(axis=0)
        proportional = spread <= _EQUAL * np.abs(last).min(axis=0)
        level = np.abs(last).max(axis=0) < 1e-6
        # Growth that lasted for four orders of magnitude.
        growing = proportional & (last.min(axis=0) > _LEAST_RATE) & (np.sum(steps) > 11)
    return going & ~level & ~_falling(rates), growing


def _falling(rates: Array) -> NDArray[np.bool_]:
    """Whether the last two rates are the same fall."""
    before, last = rates[-2], rates[-1]
    return (last < 0) & (before < 0) & (np.abs(last - before) <= _EQUAL * np.abs(last))


def _candidates(objective: Objective, x: Array) -> tuple[NDArray[np.int_], Array]:
    """Return the coordinates, each up and down, that may be the log of a scale."""
    transformed = objective.is_transformed
    p = len(x)
    columns, signs = np.repeat(np.arange(p), 2), np.tile([-1.0, 1.0], p)
    moved = np.tile(x, (len(_PROBES), 2 * p, 1))
    moved[:, np.arange(2 * p), columns] += _PROBES[:, None] * signs
    value, _ = objective.evaluate(np.vstack([x[None, :], moved.reshape(-1, p)]))
    with np.errstate(all="ignore"):
        near, far = value[0] - value[1:].reshape(len(_PROBES), -1)
        # A location falls off with the square of the distance.
        square = np.abs(far / near - 4) < 0.5
    usable = transformed[columns] | ~square
    return columns[usable], signs[usable]
