"""Many maxima at once, of the same terms with other weights: the rows of a path.

The rows of a batch differ in how much the likelihood and the prior weigh.  Each starts where its
neighbours ended, and no row may be beaten by the point of another: as the terms are known at every
point, that check of all rows against all costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Quadratic, Search, maximise
from bayes_point.estimation.optimise.precision import precision

__all__ = ["Ends", "Powered", "climb"]

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
class Powered(Objective):
    """A weighted sum of the terms of a density, with weights of its own in each row.

    A row of ``x`` is the unconstrained vector and, behind it, two coordinates that are always held:
    the weight of the likelihood and the weight of the prior.  The maximiser takes it as it is.

    Parameters
    ----------
    density, weights
        As of `Objective`; the weights are multiplied by those of the row.
    column : mapping of str to int
        For each term whether it belongs to the likelihood, 0, or to the prior, 1.
    """

    column: Mapping[str, int]

    @property
    def p(self) -> int:
        """Number of coordinates, with the two weights."""
        return self.density.p + 2

    @property
    def is_transformed(self) -> Mask:
        """Which coordinates are not the parameter itself but, say, its log: (p,)."""
        return np.append(super().is_transformed, [False, False])

    def parts(self, x: Array) -> Array:
        """Return log-likelihood and log-prior, without weights: (batch, 2)."""
        value, _ = self.density.evaluate(np.ascontiguousarray(x[:, :-2]), tuple(self.weights))
        own = np.array([[self.column[t] == k for k in (0, 1)] for t in self.weights])
        return np.stack([value[:, own[:, k]].sum(axis=1) for k in (0, 1)], axis=1)

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p); that by the weights is zero."""
        value, gradient = self.density.evaluate(
            np.ascontiguousarray(x[:, :-2]), tuple(self.weights)
        )
        w = self._weights_of(x)
        return weighted(w, value), _padded(weighted(w[:, :, None], gradient))

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p); rows and columns of the weights are zero."""
        terms = self.density.hessian(np.ascontiguousarray(x[:, :-2]), tuple(self.weights))
        return _padded(weighted(self._weights_of(x)[:, :, None, None], terms), axes=2)

    def _weights_of(self, x: Array) -> Array:
        columns = [x.shape[1] - 2 + self.column[term] for term in self.weights]
        return x[:, columns] * np.array(list(self.weights.values()))


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


def weighted(weight: Array, terms: Array) -> Array:
    """Sum terms over their axis 1; a term of weight zero plays no part, not even if infinite."""
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(weight == 0, 0.0, weight * terms), axis=1)


def climb(objective: Powered, weights: Array, points: Array, kinks: Array) -> Ends:
    """Maximise every row, starting from its points.

    Parameters
    ----------
    objective : Powered
        The terms.
    weights : ndarray, (rows, 2)
        Weight of the likelihood and of the prior.
    points : ndarray, (starts, p)
        Points to start from: each row tries all of them.
    kinks : ndarray, (p,)
        Where a coordinate is known to have a kink; NaN elsewhere.
    """
    rows, starts = len(weights), len(points)
    x = np.concatenate([np.tile(points, (rows, 1)), np.repeat(weights, starts, axis=0)], axis=1)
    search, held = _in_chunks(objective, x, _padded(x[:, :-2] == kinks), kinks)
    rank = np.where(np.isfinite(search.value), search.value, -np.inf).reshape(rows, starts)
    best = np.arange(rows) * starts + rank.argmax(axis=1)
    search, held = _rows(search, best), held[best]
    for _ in range(_ROUNDS):
        parts = objective.parts(search.x)
        # Value that each row's point has under the weights of each other row.
        crossed = weighted(weights[:, :, None], parts.T[None, :, :])
        crossed = np.where(np.isfinite(crossed), crossed, -np.inf)
        other = crossed.argmax(axis=1)
        gain = crossed.max(axis=1) - search.value
        beaten = np.flatnonzero(gain > 1e-9 * (1 + np.abs(search.value)))
        if beaten.size == 0:
            break
        x = search.x.copy()
        x[beaten, :-2] = search.x[other[beaten], :-2]
        again, again_held = _in_chunks(objective, x[beaten], held[other[beaten]], kinks)
        search, held = search.replaced(beaten, again), held.copy()
        held[beaten] = again_held
    evident = _evident(objective, search, held)
    return Ends(search.x[:, :-2], search.value, held[:, :-2], search.settled, evident)


def _in_chunks(objective: Powered, x: Array, held: Mask, kinks: Array) -> tuple[Search, Mask]:
    at_once = max(1, _AT_ONCE // x.shape[1] ** 2)
    done = [
        _settle(objective, x[i : i + at_once], held[i : i + at_once], kinks)
        for i in range(0, len(x), at_once)
    ]
    if len(done) == 1:
        return done[0]
    searches, masks = zip(*done, strict=True)
    names = searches[0].__dataclass_fields__
    merged = {name: np.concatenate([getattr(s, name) for s in searches]) for name in names}
    return Search(**merged), np.concatenate(masks)


def _rows(search: Search, which: NDArray[np.int_]) -> Search:
    return Search(**{name: getattr(search, name)[which] for name in search.__dataclass_fields__})


def _settle(objective: Powered, x: Array, held: Mask, kinks: Array) -> tuple[Search, Mask]:
    """Climb from each row, holding coordinates at the kinks that are known."""
    held = held.copy()
    held[:, -2:] = False
    at = np.append(kinks, [np.nan, np.nan])
    search = maximise(objective, x, free=_free(held), max_iterations=_ITERATIONS)
    if np.all(np.isnan(kinks)):
        return search, held
    for _ in range(3 * len(kinks) + 3):
        x = search.x.copy()
        left, right = _one_sided(objective, x, held)
        released = held & ~((left > 0) & (right < 0))
        step = 1e-6 * (1 + np.abs(x))
        x += np.where(released, np.where(right > 0, step, -step), 0.0)
        stuck = ~search.settled & ~released.any(axis=1)
        caught = _nearest_kink(objective, x, held, stuck, at)
        x[caught] = np.broadcast_to(at, x.shape)[caught]
        held = held & ~released | caught
        changed = np.flatnonzero((released | caught).any(axis=1))
        if changed.size == 0:
            break
        more = maximise(
            objective, x[changed], free=_free(held[changed]), max_iterations=_ITERATIONS
        )
        search = search.replaced(changed, more)
    return search, held


def _free(held: Mask) -> Mask:
    free = ~held
    free[:, -2:] = False
    return free


def _nearest_kink(objective: Powered, x: Array, held: Mask, stuck: Mask, at: Array) -> Mask:
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
    left, right = _one_sided(objective, points, alone)
    belongs = (left[each, columns] > 0) & (right[each, columns] < 0)
    distance = np.full(x.shape, np.inf)
    away = np.abs(x[rows, columns] - at[columns])
    distance[rows[belongs], columns[belongs]] = away[belongs]
    nearest = distance.argmin(axis=1)
    found = np.flatnonzero(np.isfinite(distance.min(axis=1)))
    caught[found, nearest[found]] = True
    return caught


def _one_sided(objective: Powered, x: Array, where: Mask) -> tuple[Array, Array]:
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
            value, gradient = objective.evaluate(points)
            slope = gradient[each, columns]
            outside = ~np.isfinite(value) | ~np.isfinite(slope)
            side[rows, columns] = np.where(outside, -sign * np.inf, slope)
        out.append(side)
    return out[0], out[1]


def _evident(objective: Powered, search: Search, held: Mask) -> Mask:
    """Which rows are interior maxima beyond doubt, by the criteria of the certificate."""
    free = _free(held)
    x, value = search.x, search.value
    quadratic = Quadratic.at(x, search.gradient, search.hessian, free)
    noise, spike = precision(objective, x, value, search.gradient, search.hessian)
    still = quadratic.decrement(quadratic.slope) <= np.maximum(1e-12, 4 * noise)
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
    firm &= near >= np.maximum(0.05 * part**2, 10 * noise[:, None])
    left, right = _one_sided(objective, x, held)
    kinked = ~held | (np.isfinite(left) & np.isfinite(right) & (left > 0) & (right < 0))
    good = search.settled & still & (spike <= _SPIKE) & ~search.bounded
    good &= np.all(firm | ~moves, axis=1) & np.all(kinked, axis=1)
    aslant = np.flatnonzero(good & held.any(axis=1))
    if aslant.size:
        good[aslant] &= ~_rises_aslant(objective, _rows(search, aslant), noise[aslant])
    return good


def _least_fall(objective: Powered, search: Search, steps: Array) -> Array:
    """Return how far each row falls over each of its steps, or over the opposite if less."""
    n, k, p = steps.shape
    points = search.x[:, None, None, :] + np.stack([steps, -steps], axis=1)
    values = objective.evaluate(points.reshape(-1, p))[0].reshape(n, 2, k)
    return search.value[:, None] - np.where(np.isnan(values), np.inf, values).max(axis=1)


def _rises_aslant(objective: Powered, search: Search, noise: Array) -> Mask:
    """Whether the density rises between the axes, away from a kink."""
    n, p = search.x.shape
    directions = np.random.default_rng(2).standard_normal((_ASLANT, p))
    directions[:, -2:] = 0
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.concatenate([1e-3 * directions, 1e-6 * directions])
    points = search.x[:, None, :] + steps * (1 + np.abs(search.x))[:, None, :]
    values = objective.evaluate(points.reshape(-1, p))[0].reshape(n, -1)
    return np.any(values > (search.value + noise)[:, None], axis=1)


def _padded(array: NDArray, axes: int = 1) -> NDArray:
    """Add to the last axes two zeros, for the weights."""
    return np.pad(array, [(0, 0)] * (array.ndim - axes) + [(0, 2)] * axes)
