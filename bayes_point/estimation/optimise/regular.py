"""Many small maximisations in step with one another: the regular rows of a large batch.

`maximise` finds its way in any landscape, and pays for that at each iteration.  Of ten thousand
regressions nearly all need nothing but Newton steps with a little damping at first.  Here these
are made on arrays with the batch last, without an eigenvalue or a line search; a row that does not
come to rest this way is left for `maximise`, and what is found is proven in `proof`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.tolerances import EPS, LEAST_PART
from bayes_point.model.density.curvature import Curvature

__all__ = ["Factors", "Rest", "Weighted", "newton"]

Array = NDArray[np.float64]

# Damping of the scaled curvature that is let go of, and that of which no step is left.
_LIGHT, _HEAVIEST = 1e-2, 1e12

_ITERATIONS = 40
# Squared distance to the maximum, in standard errors, at which the step made is the last: the
# error that is left is about its square.
_NEAR = 1e-14
# A pivot of the scaled curvature below this is no sound basis for a step.
_WEAK_PIVOT = 1e-8
# Rows are dropped from the arrays when so many of them are at rest.
_COMPACT = 0.2


@dataclass(frozen=True)
class Weighted:
    """What is maximised: a `Curvature` with the weights of its terms, for a batch of data sets."""

    curvature: Curvature
    weights: Array
    data: Sequence[NDArray]

    def value(self, x: Array) -> Array:
        """Return the value, (batch,), at `x`, (p, batch)."""
        return self.curvature.value(x, self.data, self.weights)

    def all(self, x: Array) -> tuple[Array, Array, Array]:
        """Return value, gradient and Hessian, batch last."""
        return self.curvature.all(x, self.data, self.weights)

    def rows(self, which: NDArray) -> Weighted:
        """Return the same for some data sets."""
        names = self.curvature.density.inputs
        taken = {name: rows[which] for name, rows in zip(names, self.data, strict=True)}
        return Weighted(self.curvature, self.weights, self.curvature.data(taken))


@dataclass(frozen=True)
class Rest:
    """Where each row came to rest, batch last.

    Attributes
    ----------
    x, gradient : ndarray, (p, batch)
    value : ndarray, (batch,)
    hessian : ndarray, (p, p, batch)
    settled : ndarray of bool, (batch,)
        Whether it came to rest at all.
    """

    x: Array
    value: Array
    gradient: Array
    hessian: Array
    settled: NDArray[np.bool_]

    def put(self, which: NDArray, other: Rest) -> None:
        """Write the rows of another over some of this one's."""
        for field in fields(self):
            getattr(self, field.name)[..., which] = getattr(other, field.name)

    def rows(self, which: NDArray) -> Rest:
        """Return some of the rows."""
        return Rest(*(getattr(self, field.name)[..., which] for field in fields(self)))


@dataclass(frozen=True)
class Factors:
    """L D L' of the negative Hessian scaled to a diagonal of one, batch last.

    Attributes
    ----------
    scale : ndarray, (p, batch)
        The scaling: one over the square root of the diagonal.
    lower : ndarray, (p, p, batch)
        Unit lower triangle.
    pivots : ndarray, (p, batch)
        D; all positive where the matrix is positive definite.
    """

    scale: Array
    lower: Array
    pivots: Array

    @classmethod
    def of(cls, hessian: Array, damping: Array | float) -> Factors:
        """Factor the negative Hessian, with `damping`, (batch,), added to its scaled diagonal."""
        p = len(hessian)
        diagonal = np.abs(np.einsum("iib->ib", hessian))
        scale = np.where(diagonal > 0, 1 / np.sqrt(diagonal), 1.0)
        lower, pivots = np.zeros_like(hessian), np.empty_like(scale)
        for j in range(p):
            column = -hessian[j:, j] * scale[j:] * scale[j]
            column[0] += damping
            for k in range(j):
                column -= lower[j:, k] * (lower[j, k] * pivots[k])
            pivots[j] = column[0]
            lower[j:, j] = column / column[0]
        return cls(scale, lower, pivots)

    @property
    def least(self) -> Array:
        """Smallest pivot, (batch,); NaN counts as none."""
        return np.nan_to_num(self.pivots.min(axis=0), nan=-1.0)

    def forward(self, right: Array) -> Array:
        """Solve L y = scale * right, (p, batch)."""
        y = right * self.scale
        for j in range(1, len(y)):
            for k in range(j):
                y[j] -= self.lower[j, k] * y[k]
        return y

    def backward(self, y: Array) -> Array:
        """Return scale * (the solution of L' z = y), (p, batch)."""
        z = y.copy()
        for j in range(len(z) - 2, -1, -1):
            for k in range(j + 1, len(z)):
                z[j] -= self.lower[k, j] * z[k]
        return z * self.scale

    def errors(self) -> Array:
        """Return directions of one standard error, (direction, p, batch).

        Their outer products sum to the inverse of the negative Hessian.
        """
        p, batch = self.pivots.shape
        out = np.empty((p, p, batch))
        for k in range(p):
            y = np.zeros((p, batch))
            y[k] = 1 / np.sqrt(self.pivots[k])
            out[k] = self.backward(y)
        return out

    def rows(self, which: NDArray) -> Factors:
        """Return some of the rows."""
        return Factors(*(getattr(self, field.name)[..., which] for field in fields(self)))


def newton(objective: Weighted, x: Array, reach: Array) -> Rest:
    """Climb from `x`, (p, batch), by damped Newton steps (Levenberg-Marquardt), all rows at once.

    Parameters
    ----------
    objective : Weighted
        What is maximised.
    x : ndarray, (p, batch)
        Starting points.
    reach : ndarray, (p,)
        The longest step of each coordinate.

    Returns
    -------
    Rest
        `settled` where the last step was shorter than a ten-millionth of a standard error.
    """
    batch = x.shape[1]
    x = x.copy()
    now = Rest(x, *objective.all(x), np.zeros(batch, bool))
    whole, index, here = now, np.arange(batch), objective
    # A row without a value to start from is not for us; it takes no part.
    alive = np.isfinite(now.value) & np.all(np.isfinite(now.gradient), axis=0)
    damping, last = np.zeros(batch), np.zeros(batch, bool)
    for _ in range(_ITERATIONS):
        leaving = ~alive | now.settled
        if np.count_nonzero(leaving) > _COMPACT * len(index):
            whole.put(index, now)
            keep = np.flatnonzero(~leaving)
            index, now, here = index[keep], now.rows(keep), here.rows(keep)
            alive, damping, last = alive[keep], damping[keep], last[keep]
        if not index.size:
            break
        factors, damping = _sound(now.hessian, damping)
        y = factors.forward(now.gradient)
        promised = np.sum(y * y / factors.pivots, axis=0)
        step = factors.backward(y / factors.pivots)
        excess = np.max(np.abs(step) / reach[:, None], axis=0)
        step /= np.maximum(1.0, np.nan_to_num(excess))
        last = (damping == 0) & (promised < _NEAR)
        new = now.x + step
        value, gradient, hessian = here.all(new)
        noise = 8 * EPS * (1 + np.abs(now.value))
        good = np.isfinite(value) & np.all(np.isfinite(gradient), axis=0)
        # Of a shortened step no more is asked than of a whole one.
        good &= value - now.value >= LEAST_PART * promised / np.maximum(1.0, excess) - noise
        good &= ~now.settled & alive
        _put(now.x, new, good)
        _put(now.value, value, good)
        _put(now.gradient, gradient, good)
        _put(now.hessian, hessian, good)
        now.settled[good & last] = True
        # A last step that is refused was lost in rounding: `maximise` will know.
        alive &= good | ~last
        damping = np.where(good, np.where(damping < _LIGHT, 0.0, 0.1 * damping), damping)
        damping = np.where(good, damping, np.maximum(0.1, 4 * damping))
        alive &= damping < _HEAVIEST
    whole.put(index, now)
    return whole


def _put(array: Array, new: Any, where: NDArray[np.bool_]) -> None:
    np.copyto(array, new, where=where)


def _sound(hessian: Array, damping: Array) -> tuple[Factors, Array]:
    """Factor with as much damping as makes every pivot sound; return that damping too."""
    factors = Factors.of(hessian, damping)
    weak = np.flatnonzero(factors.least < _WEAK_PIVOT)
    for _ in range(30):
        if not weak.size:
            break
        damping = damping.copy()
        damping[weak] = np.maximum(0.1, 4 * damping[weak])
        more = Factors.of(hessian[..., weak], damping[weak])
        for field in fields(factors):
            getattr(factors, field.name)[..., weak] = getattr(more, field.name)
        weak = weak[more.least < _WEAK_PIVOT]
    return factors, damping
