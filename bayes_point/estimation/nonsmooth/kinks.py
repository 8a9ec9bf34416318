"""Maxima at which the density is not differentiable: kinks and walls.

Where the graph shows what the kinks are, the maximum is found with all of them at once (`ascend`,
`vertex_at`).  What follows them here is for those that it does not show, an edge of the support.

At a kink the gradient jumps from positive to negative without being zero (the exact zeros of a
lasso); at a wall the density ends (the largest observation under a uniform).  No Newton step ends
at either.  A coordinate that is at one is held there, exactly, while the others are maximised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.nonsmooth.active_set import follow_kinks
from bayes_point.estimation.nonsmooth.smoothing import corners_in, guesses, kinks_in
from bayes_point.estimation.nonsmooth.vertices import Vertex, hold, near_kinks
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search, maximise
from bayes_point.estimation.tolerances import EPS, FEW_ULPS

__all__ = ["ascend", "at_wall", "is_maximum_along", "next_vertex", "settle", "vertex_at"]

Array = NDArray[np.float64]

# Part of a change of slope that is left where a bracket has closed over a smooth derivative.
_CLOSED = 1e-3
# Relative difference of two values of the density at one point, reached in two ways.
_SAME = 1e-10

_REACH = 10.0 ** np.arange(-9, 3, dtype=float)
_HALVINGS = 60
_NEARBY = EPS * 10.0 ** np.arange(1, 6, dtype=float)
# Newton iterations after which a search that has not come to rest is taken to be at a kink.
_PATIENCE = 15
# Numbers in the points that are evaluated together (32 MB).
_AT_ONCE = 1 << 22
# Kinks that the graph does not show, of many coordinates: so many are looked for one by one.
_ROUNDS = 60
# Coordinates up to which there is time for the matrices of a vertex.
_MOST = 3000


def ascend(objective: Objective, starts: Array, *, max_iterations: int) -> Search:
    """Climb from each start, (batch, p), to a stationary point or to a vertex of kinks."""
    corners = corners_in(objective)
    # Walls alone are come to by few searches, and none of them gets past one.
    patience = min(_PATIENCE, max_iterations) if corners.has_kinks else max_iterations
    ends = maximise(objective, starts, max_iterations=patience)
    if corners.is_empty:
        return ends
    open_ = np.flatnonzero(~ends.settled & np.isfinite(ends.value))
    if not open_.size:
        return ends
    found = dict(_vertices(objective, ends.x[open_], starts[open_]))
    on = {}
    for i, vertex in found.items():
        row = int(open_[i])
        # At a jump the vertex may lie on the lower side.
        value = float(objective.evaluate(vertex.x[None, :])[0][0])
        if value >= ends.value[row] - _SAME * (1 + abs(value)):
            on[row] = vertex
    off = np.array([i for i in open_ if i not in on], int)
    if off.size and patience < max_iterations:
        more = maximise(objective, ends.x[off], max_iterations=max_iterations)
        ends = ends.replaced(off, more)
    if not on:
        return ends
    rows = np.array(list(on))
    x = np.array([vertex.x for vertex in on.values()])
    ends = replace(ends, **{name: getattr(ends, name).copy() for name in ("x", "settled")})
    ends.x[rows], ends.settled[rows] = x, True
    ends.value[rows], ends.gradient[rows] = objective.evaluate(x)
    for row, vertex in on.items():
        ends.hessian[row] = np.diagonal(vertex.hessian) if objective.is_wide else vertex.hessian
    return ends


def _vertices(objective: Objective, x: Array, starts: Array) -> Iterator[tuple[int, Vertex]]:
    """Yield the vertex that each row leads to, where it leads to one that may be a maximum."""
    lost = [*range(len(x))]
    # Of many coordinates the matrices of each step take longer than to round the kinks off.
    ways = [_one_by_one, _rounded_off]
    for way in ways[::-1] if objective.is_wide else ways:
        for i, vertex in way(objective, x, starts, lost.copy()):
            lost.remove(i)
            yield i, vertex


def _one_by_one(
    objective: Objective, x: Array, starts: Array, rows: list[int]
) -> Iterator[tuple[int, Vertex]]:
    """Yield the vertices that some rows lead to from one kink to the next."""
    if x.shape[1] > _MOST:
        return
    kinks, free = corners_in(objective), np.ones(x.shape[1], bool)
    if objective.is_wide and rows:
        # There is time for one, the best.
        rows = [rows[int(np.nanargmax(objective.evaluate(x[rows])[0]))]]
    for i in rows:
        found = follow_kinks(objective, kinks, x[i], np.empty(0, int), free)
        if found is not None and (vertex := _held(objective, *found)) is not None:
            yield i, vertex


def _rounded_off(
    objective: Objective, x: Array, starts: Array, rows: list[int]
) -> Iterator[tuple[int, Vertex]]:
    """Yield the vertices that some rows lead to by the long way, with the kinks rounded off."""
    if not rows or not corners_in(objective).has_kinks:
        return
    places, home = guesses(objective, x[rows], starts[rows])
    for k, place in enumerate(places):
        vertex = _held(objective, place.x, place.which)
        if vertex is not None:
            yield from ((rows[int(row)], vertex) for row in np.flatnonzero(home == k))


def _held(objective: Objective, x: Array, which: NDArray[np.int_]) -> Vertex | None:
    """Return the vertex at some kinks, if it may be a maximum."""
    held = len(which) > 0 and len(x) <= _MOST
    vertex = hold(objective, corners_in(objective), x, which) if held else None
    return vertex if vertex is not None and (vertex.is_strict or len(vertex.level)) else None


def vertex_at(objective: Objective, x: Array, *, between: bool) -> Vertex | None:
    """Return what is around a point on kinks, or also `between` them, of a density that has some.

    None where it has none, or is no maximum there.
    """
    kinks = corners_in(objective)
    if kinks.is_empty or len(x) > _MOST:
        return None
    which = near_kinks(kinks, x)
    if not len(which) and not (between and kinks.has_kinks):
        return None
    vertex = hold(objective, kinks, x, which)
    return vertex if vertex is not None and (vertex.is_strict or len(vertex.level)) else None


def next_vertex(objective: Objective, x: Array) -> Vertex | None:
    """Return the maximum near a point that is on the kinks of another objective; None if lost."""
    kinks = kinks_in(objective)
    free = np.ones(len(x), bool)
    found = follow_kinks(objective, kinks, x, near_kinks(kinks, x), free)
    return None if found is None else hold(objective, kinks, *found)


def settle(objective: Objective, x: Array) -> tuple[Search, NDArray[np.bool_]]:
    """Climb from `x`, holding coordinates at their kinks; return the end and what is held."""
    held = np.zeros(len(x), bool)
    search = maximise(objective, x[None, :], max_iterations=50)
    for _ in range(_ROUNDS if objective.is_wide else 3 * len(x) + 3):
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
    if not np.any(held):
        return held
    left, right = _one_sided(objective, x)
    return held & (left > 0) & (right < 0)


def at_wall(objective: Objective, x: Array, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the density ends at x, along each coordinate held."""
    left, right = _one_sided(objective, x)
    return held & (np.isinf(left) | np.isinf(right))


def _one_sided(objective: Objective, x: Array) -> tuple[Array, Array]:
    """Return each coordinate's derivative a little to the left of x and to the right."""
    h = np.diag(1e-8 * (1 + np.abs(x)))
    columns = np.arange(len(x))
    return _slopes(objective, x - h, columns, np.inf), _slopes(objective, x + h, columns, -np.inf)


def _slopes(objective: Objective, points: Array, columns: NDArray, beyond: float | Array) -> Array:
    """Return the derivative of each row by its column; `beyond` where the density is zero."""
    value, gradient = objective.evaluate(points)
    slopes = gradient[np.arange(len(points)), columns]
    return np.where(np.isfinite(value) & np.isfinite(slopes), slopes, beyond)


def _uphill(objective: Objective, x: Array, released: NDArray[np.bool_]) -> Array:
    left, right = _one_sided(objective, x)
    h = 1e-6 * (1 + np.abs(x))
    return np.where(released & (right > 0), h, np.where(released & (left < 0), -h, 0.0))


def _kinks(objective: Objective, x: Array, free: NDArray[np.bool_]) -> Array:
    """Return where, along each free coordinate, the derivative jumps through zero; NaN if not."""
    at = np.full(len(x), np.nan)
    columns = np.flatnonzero(free)
    reach = _REACH * (1 + np.abs(x[columns, None]))
    each = np.repeat(columns, len(_REACH))
    ends = (
        _along(objective, x, each, (x[columns, None] + sign * reach).ravel(), -sign * np.inf)
        for sign in (-1.0, 1.0)
    )
    left, right = (slopes.reshape(reach.shape) for slopes in ends)
    crosses = (left > 0) & (right < 0)
    some = np.flatnonzero(np.any(crosses, axis=1))
    nearest = some, np.argmax(crosses[some], axis=1)
    at[columns[some]] = _close_in(
        objective, x, columns[some], reach[nearest], left[nearest], right[nearest]
    )
    return at


def _along(
    objective: Objective, x: Array, columns: NDArray[np.int_], at: Array, beyond: float | Array
) -> Array:
    """Return the derivatives of `x` by some columns, with each of them moved to where it is asked.

    `beyond`, one number or one for each, is what there is where the density is zero.
    """
    beyond = np.broadcast_to(beyond, at.shape)
    rows = max(1, _AT_ONCE // len(x))
    out = [np.empty(0)]
    for i in range(0, len(at), rows):
        some = slice(i, i + rows)
        points = np.tile(x, (len(at[some]), 1))
        points[np.arange(len(points)), columns[some]] = at[some]
        out.append(_slopes(objective, points, columns[some], beyond[some]))
    return np.concatenate(out)


def _close_in(
    objective: Objective,
    x: Array,
    columns: NDArray[np.int_],
    reach: Array,
    left: Array,
    right: Array,
) -> Array:
    """Halve the brackets around changes of sign; return where the jumps are, NaN if there is none.

    One bracket along each of `columns`, (k,), all in step.
    """
    if not columns.size:
        return np.empty(0)
    lo, hi = x[columns] - reach, x[columns] + reach
    wide = np.abs(left) + np.abs(right)
    for _ in range(_HALVINGS):
        middle = 0.5 * (lo + hi)
        # Outside the support is beyond the wall that is there, on whichever side.
        outside = np.where(np.isinf(left) & ~np.isinf(right), np.inf, -np.inf)
        slope = _along(objective, x, columns, middle, outside)
        up = slope > 0
        lo, left = np.where(up, middle, lo), np.where(up, slope, left)
        hi, right = np.where(up, hi, middle), np.where(up, right, slope)
    # Of the numbers in a bracket, zero is the one meant.
    at = np.where((lo <= FEW_ULPS * EPS) & (hi >= -FEW_ULPS * EPS), 0.0, 0.5 * (lo + hi))
    at = np.where(np.isinf(right), lo, np.where(np.isinf(left), hi, at))
    # A smooth derivative closes up with the bracket, a jump stays; and unlike rounding it is the
    # same from a little further away.
    with np.errstate(invalid="ignore"):
        jump = left - right
        smooth = np.isfinite(jump) & (jump <= _CLOSED * wide)
    offset = _NEARBY * (1 + np.abs(x[columns, None]))
    each = np.repeat(columns, len(_NEARBY))
    below = _along(objective, x, each, (lo[:, None] - offset).ravel(), np.inf)
    above = _along(objective, x, each, (hi[:, None] + offset).ravel(), -np.inf)
    same = np.all((below > 0).reshape(offset.shape), axis=1)
    same &= np.all((above < 0).reshape(offset.shape), axis=1)
    return np.where(smooth | ~same, np.nan, at)
