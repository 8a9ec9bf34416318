"""Many maxima at once, of the same terms with other weights: the rows of a path.

The rows of a batch differ in how much the likelihood and the prior weigh.  Each starts where its
neighbours ended, and no row may be beaten by the point of another: as the terms are known at every
point, that check of all rows against all costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective, weighted
from bayes_point.estimation.optimise.maximise import Quadratic, Search, maximise
from bayes_point.estimation.optimise.precision import precision
from bayes_point.estimation.tolerances import CLEAR, LEAST_PART, SAME_VALUE, STILL, STILL_NOISES

__all__ = ["Ends", "climb"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Rounds in which rows start anew from the point of a row that is better for them.
_ROUNDS = 8
_ITERATIONS = 60
# Numbers in the Hessians of a batch: 160 MB.
_AT_ONCE = 20_000_000
# What a maximum beyond doubt shows: see `certificate`, which looks into all others.
_WEAK_FALL = 0.02
_WEAK_CURVATURE = 1e-8
_SPIKE = 1e-3
_STEP = 1e-8
_ASLANT = 40


@dataclass(frozen=True)
class Ends:
    """Where the rows ended.

    Attributes
    ----------
    x : ndarray, (rows, p)
        Points on the unconstrained scale.
    value : ndarray, (rows,)
        What was maximised, at them.
    held : ndarray of bool, (rows, p)
        Coordinates that lie at a kink of the density, as the zeros of a lasso do.
    settled, evident : ndarray of bool, (rows,)
        Whether the search came to rest; whether the point is an interior maximum beyond doubt.
    """

    x: Array
    value: Array
    held: Mask
    settled: Mask
    evident: Mask


def climb(objective: Objective, points: Array, kinks: Array) -> Ends:
    """Maximise every row, starting from its points.

    Parameters
    ----------
    objective : Objective
        What is maximised; each row has weights of its own.
    points : ndarray, (starts, p)
        Points to start from: each row tries all of them.
    kinks : ndarray, (p,)
        Where a coordinate is known to have a kink; NaN elsewhere.
    """
    # (rows, terms)
    weights = np.stack([np.atleast_1d(w) for w in objective.weights.values()], axis=1)
    rows, starts = len(weights), len(points)
    x = np.tile(points, (rows, 1))
    each = objective.rows(np.repeat(np.arange(rows), starts))
    search, held = _in_chunks(each, x, x == kinks, kinks)
    rank = np.where(np.isfinite(search.value), search.value, -np.inf).reshape(rows, starts)
    best = np.arange(rows) * starts + rank.argmax(axis=1)
    search, held = _rows(search, best), held[best]
    for _ in range(_ROUNDS):
        terms, _ = objective.density.evaluate(search.x, objective.terms)
        # Value that each row's point has under the weights of each other row.
        crossed = weighted(weights[:, :, None], terms.T[None, :, :])
        crossed = np.where(np.isfinite(crossed), crossed, -np.inf)
        other = crossed.argmax(axis=1)
        gain = crossed.max(axis=1) - search.value
        beaten = np.flatnonzero(gain > SAME_VALUE * (1 + np.abs(search.value)))
        if beaten.size == 0:
            break
        start, at_kink = search.x[other[beaten]], held[other[beaten]]
        again, again_held = _in_chunks(objective.rows(beaten), start, at_kink, kinks)
        search, held = search.replaced(beaten, again), held.copy()
        held[beaten] = again_held
    evident = _evident(objective, search, held)
    return Ends(search.x, search.value, held, search.settled, evident)


def _in_chunks(objective: Objective, x: Array, held: Mask, kinks: Array) -> tuple[Search, Mask]:
    at_once = max(1, _AT_ONCE // x.shape[1] ** 2)
    chunks = [np.arange(len(x))[i : i + at_once] for i in range(0, len(x), at_once)]
    done = [_settle(objective.rows(some), x[some], held[some], kinks) for some in chunks]
    if len(done) == 1:
        return done[0]
    searches, masks = zip(*done, strict=True)
    names = searches[0].__dataclass_fields__
    merged = {name: np.concatenate([getattr(s, name) for s in searches]) for name in names}
    return Search(**merged), np.concatenate(masks)


def _rows(search: Search, which: NDArray[np.int_]) -> Search:
    return Search(**{name: getattr(search, name)[which] for name in search.__dataclass_fields__})


def _settle(objective: Objective, x: Array, held: Mask, kinks: Array) -> tuple[Search, Mask]:
    """Climb from each row, holding coordinates at the kinks that are known."""
    search = maximise(objective, x, free=~held, max_iterations=_ITERATIONS)
    if np.all(np.isnan(kinks)):
        return search, held
    for _ in range(3 * len(kinks) + 3):
        x = search.x.copy()
        left, right = _one_sided(objective, x, held)
        released = held & ~((left > 0) & (right < 0))
        step = 1e-6 * (1 + np.abs(x))
        x += np.where(released, np.where(right > 0, step, -step), 0.0)
        stuck = ~search.settled & ~released.any(axis=1)
        caught = _nearest_kink(objective, x, held, stuck, kinks)
        x[caught] = np.broadcast_to(kinks, x.shape)[caught]
        held = held & ~released | caught
        changed = np.flatnonzero((released | caught).any(axis=1))
        if changed.size == 0:
            break
        some = objective.rows(changed)
        more = maximise(some, x[changed], free=~held[changed], max_iterations=_ITERATIONS)
        search = search.replaced(changed, more)
    return search, held


def _nearest_kink(objective: Objective, x: Array, held: Mask, stuck: Mask, at: Array) -> Mask:
    """Return, for rows that are stuck, the nearest coordinate that belongs at its kink."""
    caught = np.zeros_like(held)
    rows, columns = np.nonzero(stuck[:, None] & ~held & np.isfinite(at))
    if rows.size == 0:
        return caught
    points = x[rows]
    each = np.arange(len(rows))
    points[each, columns] = at[columns]
    alone = np.zeros((len(rows), x.shape[1]), bool)
    alone[each, columns] = True
    left, right = _one_sided(objective.rows(rows), points, alone)
    belongs = (left[each, columns] > 0) & (right[each, columns] < 0)
    distance = np.full(x.shape, np.inf)
    away = np.abs(x[rows, columns] - at[columns])
    distance[rows[belongs], columns[belongs]] = away[belongs]
    nearest = distance.argmin(axis=1)
    found = np.flatnonzero(np.isfinite(distance.min(axis=1)))
    caught[found, nearest[found]] = True
    return caught


def _one_sided(objective: Objective, x: Array, where: Mask) -> tuple[Array, Array]:
    """Return the derivatives a little to the left and right of x, in the coordinates asked for.

    Zero elsewhere; where the density is zero on a side, the derivative points back inside.
    """
    rows, columns = np.nonzero(where)
    each = np.arange(len(rows))
    out = []
    for sign in (-1.0, 1.0):
        side = np.zeros(x.shape)
        if rows.size:
            points = x[rows]
            points[each, columns] += sign * _STEP * (1 + np.abs(points[each, columns]))
            value, gradient = objective.rows(rows).evaluate(points)
            slope = gradient[each, columns]
            outside = ~np.isfinite(value) | ~np.isfinite(slope)
            side[rows, columns] = np.where(outside, -sign * np.inf, slope)
        out.append(side)
    return out[0], out[1]


def _evident(objective: Objective, search: Search, held: Mask) -> Mask:
    """Which rows are interior maxima beyond doubt, by the criteria of the certificate."""
    free = ~held
    x, value = search.x, search.value
    quadratic = Quadratic.at(x, search.gradient, search.hessian, free)
    noise, spike = precision(objective, x, value, search.gradient, search.diagonal)
    still = quadratic.decrement(quadratic.slope) <= np.maximum(STILL, STILL_NOISES * noise)
    # Along what is held there is no curvature; its axes are the coordinates themselves.
    moves = np.einsum("bp,bpk->bk", free, quadratic.axes**2) > 0.5
    curvature = np.where(moves, quadratic.curvature, 1.0)
    error = quadratic.axes * quadratic.scale[:, :, None]
    error = (error / np.sqrt(np.maximum(np.abs(curvature), 1e-16))[:, None, :]).swapaxes(1, 2)
    limit = np.where(objective.is_transformed, 5.0, 1.0 + np.abs(x))[:, None, :]
    part = 1 / np.maximum(1.0, np.max(np.abs(error) / limit, axis=2))
    falls = _least_fall(objective, search, error)
    near = _least_fall(objective, search, error * part[:, :, None])
    firm = (falls >= _WEAK_FALL) & (curvature >= _WEAK_CURVATURE)
    firm &= near >= np.maximum(LEAST_PART * part**2, CLEAR * noise[:, None])
    left, right = _one_sided(objective, x, held)
    kinked = ~held | (np.isfinite(left) & np.isfinite(right) & (left > 0) & (right < 0))
    good = search.settled & still & (spike <= _SPIKE) & ~search.bounded
    good &= np.all(firm | ~moves, axis=1) & np.all(kinked, axis=1)
    aslant = np.flatnonzero(good & held.any(axis=1))
    if aslant.size:
        good[aslant] &= ~_rises_aslant(objective.rows(aslant), _rows(search, aslant), noise[aslant])
    return good


def _least_fall(objective: Objective, search: Search, steps: Array) -> Array:
    """Return how far each row falls over each of its steps, or over the opposite if less."""
    both = np.concatenate([steps, -steps], axis=1)
    values = objective.around(search.x[:, None, :] + both)
    higher = np.maximum(*np.split(np.where(np.isnan(values), np.inf, values), 2, axis=1))
    return search.value[:, None] - higher


def _rises_aslant(objective: Objective, search: Search, noise: Array) -> Mask:
    """Whether the density rises between the axes, away from a kink."""
    p = search.x.shape[1]
    directions = np.random.default_rng(2).standard_normal((_ASLANT, p))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.concatenate([1e-3 * directions, 1e-6 * directions])
    points = search.x[:, None, :] + steps * (1 + np.abs(search.x))[:, None, :]
    values = objective.around(points)
    return np.any(values > (search.value + noise)[:, None], axis=1)
