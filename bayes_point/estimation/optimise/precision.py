"""How far the value of a density can be trusted where arithmetic is near its end."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.curvature import diagonal_at
from bayes_point.estimation.tolerances import EPS, NOTHING, SAME_VALUE

__all__ = ["precision", "rounding", "rounding_on_the_way"]

Array = NDArray[np.float64]

_TRIES = 8
# Of much data: each value is a sum of so many terms that its rounding is much the same everywhere.
_FEWER = 2
# Places on the way from one point to another that are looked at, with the first.
_STAGES = 9
# Points of a line to either side, and how far apart they are in standard errors, so that curvature
# is nothing; at least, and at most, relative to the coordinate.
_REACH, _PART, _NEAREST, _FARTHEST = 4, 1e-7, 1e-12, 1e-3
# It is looked for where terms may be large: so far out in a log or a logit. Where a parameter
# itself is large, what is steep (a skew normal's edge) would be taken for scatter.
_FAR = 12.0
# Step in a log or a logit: a twentieth of the parameter.
_STEP = 0.05
# What is less than this may be noise, even if it is the same at several points.
_JUMP = 1e-3
# Coordinates of many that are looked at so.
_COLUMNS = 64
# Width of a spike, in units in the last place of the parameters.
_NARROW = 1e4


def precision(
    objective: Objective,
    x: Array,
    value: Array,
    gradient: Array,
    diagonal: Array,
    *,
    held: NDArray[np.bool_] | None = None,
) -> tuple[Array, Array]:
    """Return the noise of the value at each row of `x`, and how sharp a spike it stands on.

    Two things can make a value change when the parameters change in their last digit.  Terms
    that cancel leave noise, the same from one place to the next (a Student t with 1e15 degrees of
    freedom).  And a density can have a spike narrower than the numbers are apart (a perfect fit),
    from which it falls the more the further one goes.

    Arguments are a batch of points with the objective's value, gradient and the diagonal of its
    Hessian there; `held`, (p,), are coordinates along which the density has a kink, which its
    derivatives do not know.

    Returns
    -------
    noise : ndarray, (batch,)
        What a difference of two values has to exceed to mean anything.
    spike : ndarray, (batch,)
        Fall over one unit in the last place, where it is a spike; else zero.
    """
    p = x.shape[1]
    tries = _FEWER if objective.density.is_costly else _TRIES
    signs = _signs(tries, p)
    near = x[:, None, :] * (1 + EPS * signs)
    with np.errstate(invalid="ignore"):
        fall = value[:, None] - objective.around(near)
    fall = np.where(np.isfinite(fall) & ~_is_step(fall), fall, 0.0)
    noise = np.maximum(64 * EPS * (1 + np.abs(value)), 8 * np.abs(fall).max(axis=1))
    noise = np.maximum(noise, _disagreement(objective, x, value, gradient, diagonal, held))
    diagonal = np.abs(diagonal)
    if not (objective.density.is_costly or objective.is_integral):
        far = np.flatnonzero(np.any(objective.is_transformed & (np.abs(x) > _FAR), axis=1))
        if far.size:
            noise[far] = _scattered(
                objective.rows(far),
                x[far],
                diagonal[far],
                noise[far],
                signs[0, 0],
            )
    narrow = np.any(np.sqrt(diagonal) * _NARROW * EPS * np.abs(x) > 1, axis=1)
    return noise, np.where(narrow, np.maximum(np.median(fall, axis=1), 0.0), 0.0)


@cache
def _signs(tries: int, p: int) -> Array:
    return np.asarray(np.random.default_rng(0).choice([-1.0, 1.0], size=(1, tries, p)), float)


def rounding_on_the_way(objective: Objective, x: Array, y: Array) -> Array:
    """Return the largest rounding between each row of `x` and that of `y`.

    Beyond the noise there may be calm: differences of log gammas end in exact zeros.
    """
    part = np.linspace(0, 1, _STAGES)[1:, None, None]
    between = (x + part * (y - x)).reshape(-1, x.shape[1])
    noise: Array = rounding(objective, between).reshape(len(part), len(x)).max(axis=0)
    return noise


def rounding(objective: Objective, x: Array) -> Array:
    """Return what a difference of two values has to exceed to mean anything, at each row of `x`."""
    if not len(x):
        return np.empty(0)
    value, gradient = objective.evaluate(x)
    return precision(objective, x, value, gradient, diagonal_at(objective, x))[0]


def _scattered(
    objective: Objective,
    x: Array,
    curvature: Array,
    noise: Array,
    signs: Array,
) -> Array:
    """Return the noise, with that of values on a short straight line through each row of `x`.

    Log gammas of large numbers are rounded to so few levels that next to a point there may be but
    one or two.  Over a line this short a smooth density has no second differences; a kink or a
    step in it makes one or two that are not zero.
    """
    size = np.where(objective.is_transformed, np.maximum(np.abs(x), 1.0), np.abs(x))
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.clip(_PART / np.sqrt(curvature), _NEAREST * size, _FARTHEST * size) * signs
    line = np.arange(-_REACH, _REACH + 1)[:, None] * step[:, None, :]
    values = objective.around(x[:, None, :] + line)
    with np.errstate(invalid="ignore"):
        second = np.abs(np.diff(values, 2, axis=1))
        # Where there is no value there is no scatter that can be told.
        rest = np.sort(np.where(np.isfinite(second), second, 0.0), axis=1)[:, :-2]
    scattered: Array = np.maximum(noise, 4 * rest.mean(axis=1))
    return scattered


def _is_step(fall: Array) -> NDArray[np.bool_]:
    """Which of the falls, (batch, tries), are the same one: over the edge of a step, not noise.

    Where a density jumps, some of the points next to it are as high and the others lie on the one
    level beyond; what terms that cancel leave is another number at each.
    """
    largest = fall.max(axis=1, keepdims=True)
    equal = np.abs(fall - largest) <= SAME_VALUE * np.abs(largest)
    rest = np.where(equal, 0.0, np.abs(fall)).max(axis=1, keepdims=True)
    alone = (rest <= SAME_VALUE * largest) & ~np.all(equal, axis=1, keepdims=True)
    return equal & alone & (largest > _JUMP) & (equal.sum(axis=1, keepdims=True) > 1)


def _disagreement(
    objective: Objective,
    x: Array,
    value: Array,
    gradient: Array,
    diagonal: Array,
    held: NDArray[np.bool_] | None,
) -> Array:
    """Return how much the value changes over small steps where its derivatives say it does not.

    Only coordinates that are a transform are looked at: it is there that a small step spans a
    sizeable part of an order of magnitude, at any scale.
    """
    transformed = objective.is_transformed
    columns = np.flatnonzero(transformed if held is None else transformed & ~held)
    if columns.size == 0:
        return np.zeros(len(x))
    if objective.is_wide:
        # Far out is where terms are large, and what is estimated is not good enough.
        columns = columns[np.argsort(-np.abs(x[:, columns]).max(axis=0), kind="stable")[:_COLUMNS]]
        diagonal = diagonal.copy()
        diagonal[:, columns] = _curvature(objective, x, columns)
    h = np.zeros((2 * columns.size, x.shape[1]))
    h[np.arange(len(h)), np.tile(columns, 2)] = np.repeat([_STEP, -_STEP], columns.size)
    around = objective.around(x[:, None, :] + h)
    first = gradient @ h.T
    second = 0.5 * diagonal @ np.square(h).T
    with np.errstate(invalid="ignore"):
        change = around - value[:, None]
        excess = np.abs(change - first - second) - (np.abs(first) + np.abs(second))
    excess = np.maximum(np.where(np.isfinite(excess), excess, 0.0), 0.0)
    # Noise is on both sides.  What is on one alone is the edge of a step.
    up, down = excess[:, : columns.size], excess[:, columns.size :]
    larger = np.maximum(up, down)
    is_edge = (np.minimum(up, down) <= NOTHING * larger) & (larger > _JUMP)
    return np.where(is_edge, 0.0, larger).max(axis=1)


def _curvature(objective: Objective, x: Array, columns: NDArray[np.int_]) -> Array:
    """Return some entries of the diagonal of the Hessian at each row, (batch, k), by products."""
    rows = np.repeat(np.arange(len(x)), len(columns))
    units = np.zeros((len(rows), x.shape[1]))
    each = np.arange(len(rows))
    units[each, np.tile(columns, len(x))] = 1.0
    products = objective.rows(rows).hessian_product(x[rows], units)
    return np.nan_to_num(products[each, np.tile(columns, len(x))]).reshape(len(x), -1)
