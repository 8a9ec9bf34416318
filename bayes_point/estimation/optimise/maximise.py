"""The batched maximiser: an objective and starts in, a stationary point for each start out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.truncated import Climb, climb
from bayes_point.estimation.tolerances import EPS, LEAST_PART

__all__ = ["Quadratic", "Search", "finite_hessian", "maximise"]

Array = NDArray[np.float64]

# Part of the squared distance that a step near the maximum may leave.
_TAKEN = 0.25


# Damping added to the scaled curvature when the Newton step is no good.  They are tried all at
# once: one batched evaluation costs hardly more than a single one, and needs no bookkeeping of
# trust-region radii.
_DAMPING = 10.0 ** np.arange(-12, 9, dtype=float)
# Lengths, in units of 1 / sqrt(curvature), tried both ways along a direction of negative curvature:
# at a saddle the gradient is zero and says nothing.
_ESCAPES = np.array([0.1, 1.0, 10.0])
# Multiples of the way made in the last two iterations: along the floor of a bent valley each step
# is short, and the next goes much the same way.
_ONWARDS = np.array([1.0, 4.0])
_FARTHEST = 30.0
# Squared distance to the maximum, in standard errors, at which no digit is left to gain.
_STILL = 1e-28
# A fall of the value, relative to it, that may still be rounding.
_LEVEL = 1e-10
# LAPACK's iterations for eigenvalues do not end where squares of entries overflow.  The scaled
# diagonal is one, so that an entry as large as this is infinite for all that follows.
_HUGE = float(np.finfo(np.float64).max) ** 0.25
# Below this, relative to a scaled diagonal of one, a curvature is rounding.
_FLAT = 1e-13
# Damping of an integral, each of whose values is a search for the modes.
_DAMPING_OF_INTEGRAL = 10.0 ** np.arange(-3, 9, 2, dtype=float)
# Cosine between a secant and what it corrects, below which the correction is rounding: Nocedal and
# Wright (2006), 6.26.
_ASLANT = 1e-8
# Relative to the value, what the change of the slope over a step comes to where it is rounding.
_SHORT = 1e-13
# Rounding of an integral, with its log determinant, relative to it and in units in the last place.
_NOISE_OF_INTEGRAL = 500
# Standard errors from a maximum that another row came to rest at, at which it is the same.
_HOME = 0.1
# Part of a promised gain by which the gain may differ while a Hessian is good enough to go on with.
_NEARLY = 0.5
# Gains, in the log of the density, of a step that ends next to a maximum, and of one that is made
# there, where the gain is rounding.
_CLOSE, _SMALL = 1.0, 1e-6


@dataclass(frozen=True)
class Search:
    """Where the search from each start ended.

    Attributes
    ----------
    x : ndarray, (batch, p)
        The last point.
    value, gradient, hessian : ndarray
        Of the objective there; of more coordinates than a matrix is made of, the diagonal of the
        Hessian alone, estimated, (batch, 1, p).
    settled : ndarray of bool, (batch,)
        Whether the search ended because no Newton step improves the point beyond rounding; if not,
        it ran out of iterations or was stuck at a point that is not stationary.
    iterations : ndarray of int, (batch,)
        Newton iterations made.
    bounded : ndarray of bool, (batch,)
        Whether the search ended as far from its start as it is let go.
    """

    x: Array
    value: Array
    gradient: Array
    hessian: Array
    settled: NDArray[np.bool_]
    iterations: NDArray[np.int_]
    bounded: NDArray[np.bool_]

    @property
    def diagonal(self) -> Array:
        """The diagonal of the Hessian, (batch, p)."""
        if self.hessian.shape[1] < self.hessian.shape[2]:
            return self.hessian[:, 0]
        return np.diagonal(self.hessian, axis1=1, axis2=2)

    def rows(self, which: slice) -> Search:
        """Return some of the rows."""
        return Search(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def joined(self, *others: Search) -> Search:
        """Return this search and others as one, in their order."""
        parts = {f.name: [getattr(end, f.name) for end in (self, *others)] for f in fields(self)}
        return Search(**{name: np.concatenate(arrays) for name, arrays in parts.items()})

    def replaced(self, rows: NDArray[np.int_], other: Search) -> Search:
        """Return the search with some rows taken from another, which went on from them."""
        merged = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name, array in merged.items():
            array[rows] = getattr(other, name)
        merged["iterations"][rows] += self.iterations[rows]
        return Search(**merged)


@dataclass(frozen=True)
class Quadratic:
    """The objective's quadratic model at a batch of points, in scaled eigen-coordinates.

    The coordinates are scaled by 1 / sqrt(|diagonal of the Hessian|) first, which makes the
    eigenvalues those of something like a correlation matrix, whatever the units of the parameters.
    """

    scale: Array  # (batch, p)
    curvature: Array  # (batch, p): eigenvalues of the scaled negative Hessian, ascending
    axes: Array  # (batch, p, p): columns are the eigenvectors
    slope: Array  # (batch, p): the scaled gradient along each of them

    @classmethod
    def at(cls, x: Array, gradient: Array, hessian: Array, free: NDArray[np.bool_]) -> Quadratic:
        """Build the model of the free coordinates; the others are held where they are."""
        hessian = np.where(free[:, :, None] & free[:, None, :], hessian, 0.0)
        gradient = np.where(free, gradient, 0.0)
        diagonal = np.abs(np.diagonal(hessian, axis1=1, axis2=2))
        # A coordinate without curvature has no scale of its own but its size.
        longest = 1e10 * (1.0 + np.abs(x))
        with np.errstate(divide="ignore"):
            scale = np.where(diagonal > 0, np.minimum(1 / np.sqrt(diagonal), longest), 1.0)
        # A coordinate that is held moves by nothing, not even by rounding.
        scale = np.where(free, scale, 0.0)
        scaled = np.nan_to_num(-hessian * scale[:, :, None] * scale[:, None, :])
        curvature, axes = np.linalg.eigh(np.clip(scaled, -_HUGE, _HUGE))
        slope = np.einsum("bpk,bp->bk", axes, gradient * scale)
        return cls(scale, curvature, axes, slope)

    def step(self, coefficients: Array) -> Array:
        """Turn coefficients along the axes, (batch, ..., p), into steps of x."""
        return np.einsum("bpk,b...k->b...p", self.axes, coefficients) * _expand(
            self.scale, coefficients.ndim
        )

    @property
    def is_concave(self) -> NDArray[np.bool_]:
        """Whether the curvature is nowhere negative beyond rounding."""
        return self.curvature[:, 0] > -_FLAT

    @property
    def newton(self) -> Array:
        """Coefficients of the Newton step; a flat direction takes its gradient as it is."""
        return self.slope / np.where(np.abs(self.curvature) > _FLAT, self.curvature, 1.0)

    def decrement(self, slope: Array) -> Array:
        """Squared length, (batch,), in standard errors, of the Newton step for this slope."""
        return np.sum(
            slope**2 / np.where(np.abs(self.curvature) > _FLAT, np.abs(self.curvature), 1.0), axis=1
        )

    def foretells(self, gain: Array) -> NDArray[np.bool_]:
        """Whether the Newton step, close to a maximum, gained what the model promises."""
        promised = 0.5 * self.decrement(self.slope)
        as_promised = (np.abs(gain - promised) < _NEARLY * promised) | (promised < _SMALL)
        close: NDArray[np.bool_] = self.is_concave & (promised < _CLOSE) & as_promised
        return close

    def rows(self, which: NDArray) -> Quadratic:
        """Return the model of some rows of the batch."""
        return Quadratic(
            self.scale[which], self.curvature[which], self.axes[which], self.slope[which]
        )


def maximise(
    objective: Objective,
    starts: Array,
    *,
    free: NDArray[np.bool_] | None = None,
    max_iterations: int = 200,
    hessian: Array | None = None,
) -> Search:
    """Climb from each start to a stationary point, by Newton steps with the exact Hessian.

    That of an integral, whose Hessian is many gradients, is carried along by symmetric rank-one
    updates (Conn, Gould and Toint 1991, https://doi.org/10.1007/BF01594934), and computed afresh
    only where a step with it does not do what it promised.

    A Newton step that does not raise the objective as predicted is replaced by the best of a fan of
    damped steps (Levenberg 1944; Marquardt 1963, https://doi.org/10.1137/0111030), and at negative
    curvature also by steps along it, so that the search does not end at a saddle.  A step to a
    point where the value or the gradient is not finite is never taken.  Ends where the
    Newton decrement is at its rounding floor.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    starts : ndarray, (batch, p)
        Starting points, each with a finite value.
    free : ndarray of bool, (batch, p), optional
        Coordinates that may move; by default all.
    max_iterations : int
        Limit on Newton iterations.
    hessian : ndarray, (p, p), optional
        That of an integral at a point nearby, to begin with.

    Returns
    -------
    Search
        One row a start.
    """
    if objective.maximiser is not None:
        found: Search = objective.maximiser.maximise(objective, starts, free, max_iterations)
        return found
    x = np.array(starts, dtype=float)
    batch, p = x.shape
    free = np.ones((batch, p), bool) if free is None else free
    if objective.is_wide:
        return _by_products(objective, x, free)
    value, gradient = objective.evaluate(x)
    is_carried = objective.is_integral or objective.density.is_costly
    nearby = hessian if is_carried else None
    hessian = objective.hessian(x) if nearby is None else np.tile(nearby, (batch, 1, 1))
    # Which Hessians are not of the very point.
    old = np.full(batch, nearby is not None)
    settled = np.zeros(batch, bool)
    iterations = np.zeros(batch, int)
    before = last = x.copy()
    low, high = _bounds(objective, x)
    active = np.flatnonzero(np.isfinite(value) & np.all(np.isfinite(gradient), axis=1))
    for _ in range(max_iterations):
        if active.size == 0:
            break
        quadratic = Quadratic.at(x[active], gradient[active], hessian[active], free[active])
        here = objective.rows(active)
        new, new_value, new_gradient, moved, done = _step(
            here,
            x[active],
            value[active],
            quadratic,
            x[active] - before[active],
            (low[active], high[active]),
            old[active],
        )
        before, last = last, x.copy()
        iterations[active] += 1
        settled[active[done]] = True
        stuck, afresh = np.zeros_like(moved), moved
        if is_carried:
            stuck = ~moved & ~done & old[active]
            as_told = moved & quadratic.foretells(new_value - value[active])
            rows = active[as_told]
            step, change = new[as_told] - x[rows], new_gradient[as_told] - gradient[rows]
            hessian[rows] = _carried(hessian[rows], step, change, value[rows])
            old[rows] = True
            afresh = (moved & ~as_told) | stuck
        x[active[moved]] = new[moved]
        value[active[moved]] = new_value[moved]
        gradient[active[moved]] = new_gradient[moved]
        rows = active[afresh]
        hessian[rows] = finite_hessian(here.rows(np.flatnonzero(afresh)), x[rows])
        old[rows] = False
        active = active[(moved | stuck) & ~done]
        # Of another data set it is another maximum.
        if is_carried and settled.any() and objective.inputs is None:
            home = _home(x, value, hessian, free, np.flatnonzero(settled), active)
            there = home >= 0
            for array in (x, value, gradient, hessian):
                array[active[there]] = array[home[there]]
            settled[active[there]] = True
            active = active[~there]
    bounded = np.any((x <= low) | (x >= high), axis=1)
    return Search(x, value, gradient, hessian, settled, iterations, bounded)


def _by_products(objective: Objective, starts: Array, free: NDArray[np.bool_]) -> Search:
    """Climb from one start after the other, to where one before it has come to rest at the most."""
    ends: list[Climb] = []
    for i, start in enumerate(starts):
        row = objective.rows(np.array([i]))
        # Of another objective, or of what is held elsewhere, it is another maximum.
        known = [
            end
            for k, end in enumerate(ends)
            if row is objective
            and end.settled
            and np.array_equal(free[k], free[i])
            and np.array_equal(start[~free[i]], end.x[~free[i]])
        ]
        end = climb(row, start, free=free[i], stop=partial(_is_next_to, known))
        ends.append(_next_to(known, end.x) or end)
    x = np.array([end.x for end in ends]).reshape(starts.shape)
    value, gradient = objective.evaluate(x) if len(x) else (np.empty(0), x)
    diagonal = np.array([-1 / np.square(end.scale) for end in ends]).reshape(starts.shape)
    settled = np.array([end.settled for end in ends], bool)
    bounded = np.any(objective.is_transformed & (np.abs(x - starts) >= _FARTHEST), axis=1)
    return Search(x, value, gradient, diagonal[:, None], settled, np.zeros(len(x), int), bounded)


def _is_next_to(known: list[Climb], x: Array) -> bool:
    return _next_to(known, x) is not None


def _next_to(known: list[Climb], x: Array) -> Climb | None:
    """Return the end, of those known, that a point is next to, if it is next to one."""
    return next((k for k in known if np.mean(np.square((x - k.x) / k.scale)) < _HOME**2), None)


def _step(
    objective: Objective,
    x: Array,
    value: Array,
    quadratic: Quadratic,
    way: Array,
    bounds: tuple[Array, Array],
    old: NDArray[np.bool_],
) -> tuple[Array, Array, Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Make one step of each row; return also which rows moved, and which are done.

    Where the Hessian is `old`, a step that is no good says nothing of the others.
    """
    new = np.clip(x + _within_reach(objective, x, quadratic.step(quadratic.newton)), *bounds)
    new_value, new_gradient = objective.evaluate(new)
    finite = np.isfinite(new_value) & np.all(np.isfinite(new_gradient), axis=1)
    decrement = quadratic.decrement(quadratic.slope)
    gain = np.where(finite, new_value - value, -np.inf)
    noise = (_NOISE_OF_INTEGRAL if objective.is_integral else 8) * EPS * (1 + np.abs(value))

    # Far from the optimum: the step has to gain a tenth of what the quadratic model promises.
    # Along a slope without curvature the model promises nothing, and the way may be long.
    sloping = (np.abs(quadratic.curvature) <= _FLAT) & (quadratic.slope**2 > noise[:, None])
    good = (
        quadratic.is_concave & ~np.any(sloping, axis=1) & (gain >= LEAST_PART * decrement) & finite
    )
    # Near it the gain drowns in rounding, and the gradient, which does not, has to fall instead.
    near = quadratic.is_concave & (decrement < 2 * noise)
    slope = np.einsum(
        "bpk,bp->bk", quadratic.axes, np.where(finite[:, None], new_gradient, 0) * quadratic.scale
    )
    # Not quite without the gain: where large terms cancel, its rounding is far above that of the
    # value alone.
    level = gain >= -_LEVEL * (1 + np.abs(value))
    falls = finite & level & (quadratic.decrement(slope) < _TAKEN * decrement)
    moved = np.where(near, falls, good)
    # At a maximum that is exactly zero the slope could be halved down to the smallest number.
    done = near & ~falls | (decrement < _STILL) & quadratic.is_concave

    stuck = np.flatnonzero(~moved & ~done & ~old)
    if stuck.size:
        best, best_value, best_gradient = _fan(
            objective.rows(stuck),
            x[stuck],
            value[stuck],
            quadratic.rows(stuck),
            way[stuck],
            (bounds[0][stuck], bounds[1][stuck]),
        )
        better = best_value > value[stuck]
        new[stuck], new_value[stuck], new_gradient[stuck] = best, best_value, best_gradient
        moved[stuck] = better
    return new, new_value, new_gradient, moved, done


def _home(
    x: Array,
    value: Array,
    hessian: Array,
    free: NDArray[np.bool_],
    known: NDArray[np.int_],
    rows: NDArray[np.int_],
) -> NDArray[np.int_]:
    """Return for each of `rows` the known maximum that it is next to; -1 where there is none.

    Of what is held elsewhere it is another maximum, however near.
    """
    home = np.full(len(rows), -1)
    for k in known:
        away = x[rows] - x[k]
        squared = -np.einsum("bp,pq,bq->b", away, hessian[k], away)
        on_it = np.abs(value[k] - value[rows] - 0.5 * squared) < _HOME**2
        alike = np.all((away == 0) | (free[rows] & free[k]), axis=1)
        home[(squared >= 0) & (squared < _HOME**2) & on_it & alike] = k
    return home


def _carried(hessian: Array, step: Array, change: Array, value: Array) -> Array:
    """Return Hessians, (batch, p, p), that say how the gradient changed over the last step."""
    rest = change - np.einsum("bpq,bq->bp", hessian, step)
    along = np.einsum("bp,bp->b", rest, step)
    size = np.linalg.norm(rest, axis=1) * np.linalg.norm(step, axis=1)
    length = np.abs(np.einsum("bp,bp->b", step, change))
    clear = (np.abs(along) > _ASLANT * size) & (length > _SHORT * (1 + np.abs(value)))
    part = np.where(clear, 1 / np.where(clear, along, 1.0), 0.0)
    return np.asarray(hessian + part[:, None, None] * rest[:, :, None] * rest[:, None, :])


def _fan(
    objective: Objective,
    x: Array,
    value: Array,
    quadratic: Quadratic,
    way: Array,
    bounds: tuple[Array, Array],
) -> tuple[Array, Array, Array]:
    """Return the best point of a fan of damped steps from each row."""
    slope, curvature = quadratic.slope[:, None, :], quadratic.curvature[:, None, :]
    damping = _DAMPING_OF_INTEGRAL if objective.is_integral else _DAMPING
    # With the curvature's absolute value, a direction of little curvature keeps its long step
    # beside one of negative curvature; a shift would shorten both.
    steps = [
        quadratic.step(slope / (np.abs(curvature) + damping[None, :, None])),
        np.where(quadratic.is_concave[:, None], way, 0.0)[:, None, :] * _ONWARDS[None, :, None],
    ]
    if np.any(~quadratic.is_concave):
        shift = np.maximum(0.0, -curvature[:, :, :1]) + damping[None, :, None]
        steps.append(quadratic.step(slope / (curvature + shift)))
        along = np.zeros((len(x), 2 * len(_ESCAPES), x.shape[1]))
        along[:, :, 0] = np.concatenate([_ESCAPES, -_ESCAPES])
        steps.append(quadratic.step(along))
    points = x[:, None, :] + _within_reach(objective, x, np.concatenate(steps, axis=1))
    points = np.clip(points, bounds[0][:, None, :], bounds[1][:, None, :])
    n, k, p = points.shape
    each = objective.rows(np.repeat(np.arange(n), k))
    row = np.arange(n)
    if objective.is_integral:
        # The gradient costs more than the value, and of most points none is needed.
        values = each.values(points.reshape(n * k, p)).reshape(n, k)
        best = np.argmax(np.where(np.isfinite(values), values, -np.inf), axis=1)
        there = points[row, best]
        value, gradient = objective.evaluate(there)
        bad = ~np.isfinite(value) | ~np.all(np.isfinite(gradient), axis=1)
        return there, np.where(bad, -np.inf, value), gradient
    values, gradients = each.evaluate(points.reshape(n * k, p))
    values, gradients = values.reshape(n, k), gradients.reshape(n, k, p)
    bad = ~np.isfinite(values) | ~np.all(np.isfinite(gradients), axis=2)
    values = np.where(bad, -np.inf, values)
    best = np.argmax(values, axis=1)
    return points[row, best], values[row, best], gradients[row, best]


def _within_reach(objective: Objective, x: Array, steps: Array) -> Array:
    """Shorten steps that are long in the log of a parameter, or in another transform of it.

    A step of 100 in a log is one of 43 orders of magnitude, to where the terms of a density cancel
    to anything: the density has to be followed there, not jumped at.
    """
    reach = np.where(objective.is_transformed, 5.0 + 0.5 * np.abs(x), np.inf)
    excess = np.abs(steps) / _expand(reach, steps.ndim)
    return steps / np.maximum(1.0, np.max(np.nan_to_num(excess), axis=-1, keepdims=True))


def _bounds(objective: Objective, x: Array) -> tuple[Array, Array]:
    """Return how far from its start each coordinate may go.

    In a log, 30 either way are 26 orders of magnitude: beyond, densities are rounding.
    """
    span = np.where(objective.is_transformed, _FARTHEST, np.inf)
    return x - span, x + span


def finite_hessian(objective: Objective, x: Array) -> Array:
    """Return the Hessian; where an entry is not finite, by differences of the gradient."""
    if len(x) == 0:
        return np.empty((0, x.shape[1], x.shape[1]))
    hessian = objective.hessian(x)
    for i in np.flatnonzero(~np.all(np.isfinite(hessian), axis=(1, 2))):
        # The second derivative of a switch is NaN where the first is finite.
        h = EPS ** (1 / 3) * (1 + np.abs(x[i]))
        here = objective.rows(np.full(len(h), i))
        _, up = here.evaluate(x[i] + np.diag(h))
        _, down = here.evaluate(x[i] - np.diag(h))
        rough = (up - down) / (2 * h[:, None])
        hessian[i] = np.nan_to_num(0.5 * (rough + rough.T), nan=0.0, posinf=0.0, neginf=0.0)
    return hessian


def _expand(scale: Array, ndim: int) -> Array:
    return scale.reshape(scale.shape[0], *(1,) * (ndim - 2), scale.shape[1])
