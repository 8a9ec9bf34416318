"""Maxima on a ridge so narrow that a Hessian in double precision does not see how it ends.

The columns of a polynomial of degree ten are collinear to nine digits.  Curvatures then differ by
twenty orders of magnitude, and the entries of a matrix have sixteen digits: inverted, it is noise.
But the Hessian times one of its own axes loses nothing, as long as it is computed as a product, in
which the small difference is formed from the data first.  So the axes are found by products, again
and again in the coordinates of the last ones, in which the curvature becomes a unit matrix.  In
these coordinates the maximum is found, and proven, as any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Quadratic, finite_hessian, maximise
from bayes_point.estimation.tolerances import EPS, SAME_VALUE

__all__ = ["Ridge", "is_top", "ridge_at", "sharpened"]

Array = NDArray[np.float64]

# A curvature, where it is one all round, that is bent upwards beyond doubt.
_SADDLE = 0.1

# A curvature below this, where the diagonal is one, has lost half of its digits in the Hessian.
_NARROW = 1e-7
# What is less is the rounding of the data themselves, even if it is seen: (eps sqrt(p))^2 is 1e-31.
_FLOOR = 1e-25
_ROUNDS = 6
# Of the curvature along an axis: how far two computations of it may be apart.
_AGREE = 1e-2
# In standard errors, where Newton steps by the gradient alone lead to the top.
_NEAR = 1e-2
_CLIMBS, _ITERATIONS, _POLISHES = 5, 20, 8
# A parabola falls by h^2 / 2 over h standard errors; a ridge that bends does so for small h alone.
_LENGTHS = np.array([1.0, 0.1, 0.01, 1e-3])
_LEAST_FALL, _MOST_FALL = 0.1, 2.5
# Units in the last place of the density that are more than its rounding.
_CLEAR = 1e4


@dataclass(frozen=True, kw_only=True)
class Whitened(Objective):
    """An objective in other coordinates: ``x = centre + basis @ z``."""

    inner: Objective
    centre: Array
    basis: Array

    @property
    def is_transformed(self) -> NDArray[np.bool_]:
        """None of them is a log: they are mixed."""
        return np.zeros(self.p, bool)

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = self.inner.evaluate(self.centre + x @ self.basis.T)
        return value, gradient @ self.basis

    def values(self, x: Array) -> Array:
        """Return the value alone, (batch,)."""
        return self.inner.values(self.centre + x @ self.basis.T)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p), by products."""
        rows = self.centre + x @ self.basis.T
        return np.array([-_curvature(self.inner, row, self.basis)[0] for row in rows])


@dataclass(frozen=True)
class Ridge:
    """A maximum on a narrow ridge, and what was seen of it.

    Attributes
    ----------
    x : ndarray, (p,)
        The maximum.
    value : float
        The objective there.
    curvature : ndarray, (p,)
        Eigenvalues of the scaled curvature, ascending.
    distance : float
        What is left of the way to it, in standard errors.
    """

    x: Array
    value: float
    curvature: Array
    distance: float


def sharpened(
    objective: Objective, x: Array, axes: Array, curvature: Array
) -> tuple[Array, Array] | None:
    """Return the axes, (p, r), and the curvature along them, (r,), as products tell them.

    What the axes span stays the same, and so does their length in units in which the curvature of
    each coordinate is one.  None where nothing is in doubt, or nothing can be seen.
    """
    if not curvature.size or curvature.min() >= _NARROW or not _is_plain(objective):
        return None
    unit = 1 / np.sqrt(np.maximum(np.einsum("pr,pr->p", axes, axes), 1e-300))
    basis = axes / np.sqrt(np.maximum(np.abs(curvature), 1e-13))
    found = _resolved(objective, x, basis)
    if found is None:
        return None
    length = np.linalg.norm(unit[:, None] * found, axis=0)
    order = np.argsort(-length)
    return (found / length)[:, order], (1 / length**2)[order]


def ridge_at(objective: Objective, x: Array) -> Ridge | None:
    """Return the maximum that a narrow ridge at `x`, (p,), leads to; None if there is none."""
    if not len(x) or not _is_plain(objective):
        return None  # where all variables are discrete there is no coordinate
    quadratic = _quadratic(objective, x)
    if quadratic.curvature[0, 0] >= _NARROW:
        return None
    before = float(objective.evaluate(x[None])[0][0])
    for _ in range(_CLIMBS):
        basis = quadratic.scale[0][:, None] * quadratic.axes[0]
        basis = basis / np.sqrt(np.maximum(np.abs(quadratic.curvature[0]), 1e-13))
        found = _resolved(objective, x, basis)
        if found is None:
            return None
        if np.linalg.norm(objective.evaluate(x[None])[1][0] @ found) < _NEAR:
            break
        inner = Whitened(
            objective.density, objective.weights, inner=objective, centre=x, basis=found
        )
        end = maximise(inner, np.zeros((1, len(x))), max_iterations=_ITERATIONS)
        moved = float(np.abs(end.x).max())
        x = x + found @ end.x[0]
        if moved < 1.0:
            break
        quadratic = _quadratic(objective, x)
    else:
        return None
    x, distance = _polished(objective, x, found)
    found = _resolved(objective, x, found)
    value = float(objective.evaluate(x[None])[0][0])
    if found is None or not value >= before - SAME_VALUE * (1 + abs(before)):
        return None
    if not np.all(is_top(objective, x, found)):
        return None
    length = np.linalg.norm(found / quadratic.scale[0][:, None], axis=0)
    return Ridge(x, value, np.sort(1 / length**2), distance)


def is_top(objective: Objective, x: Array, errors: Array) -> NDArray[np.bool_]:
    """Whether the density falls along each standard error, (p, r), both ways, as a parabola does.

    Over the whole of it, or over a part that is long enough for the fall to be more than rounding.
    """
    p, r = errors.shape
    if not r:
        return np.ones(0, bool)
    steps = _LENGTHS[:, None, None] * np.stack([errors.T, -errors.T]).reshape(2 * r, p)
    values = objective.values(np.concatenate([x[None], x + steps.reshape(-1, p)]))
    fall = (values[0] - values[1:]).reshape(len(_LENGTHS), 2, r)
    square = np.square(_LENGTHS)[:, None, None]
    like = (fall > _LEAST_FALL * square) & (fall < _MOST_FALL * square)
    like &= square > _CLEAR * EPS * (1 + abs(values[0]))
    return np.any(np.all(like, axis=1), axis=0)


def _is_plain(objective: Objective) -> bool:
    """Whether its Hessian products are those of a density, at one point at a time."""
    alone = objective.penalty is None and objective.inputs is None and objective.maximiser is None
    return alone and not objective.density.is_costly and not objective.is_wide


def _quadratic(objective: Objective, x: Array) -> Quadratic:
    _, gradient = objective.evaluate(x[None])
    free = np.ones((1, len(x)), bool)
    return Quadratic.at(x[None], gradient, finite_hessian(objective, x[None]), free)


def _curvature(objective: Objective, x: Array, basis: Array) -> tuple[Array, Array]:
    """Return the curvature in the coordinates of a basis, and how far it is from symmetric."""
    rows = objective.hessian_product(np.tile(x, (basis.shape[1], 1)), basis.T)
    found = -np.nan_to_num(rows @ basis)
    return 0.5 * (found + found.T), np.abs(found - found.T)


def _resolved(objective: Objective, x: Array, basis: Array) -> Array | None:
    """Return a basis of the same space in which the curvature is one; None if it cannot be seen."""
    unit = 1 / np.sqrt(np.maximum(np.einsum("pr,pr->p", basis, basis), 1e-300))
    shortest = np.min(np.linalg.norm(unit[:, None] * basis, axis=0))
    for _ in range(_ROUNDS):
        curvature, gap = _curvature(objective, x, basis)
        values, vectors = np.linalg.eigh(curvature)
        longest = np.linalg.norm(unit[:, None] * basis, axis=0).max()
        if longest**2 > shortest**2 / _FLOOR:
            return None
        if values[0] > 0.5 and values[-1] < 2:
            return basis @ (vectors / np.sqrt(values)) if gap.max() < _AGREE else None
        if values[0] < -_SADDLE:
            return None  # a saddle, of which there is nothing to be refined
        basis = basis @ (vectors / np.sqrt(np.maximum(np.abs(values), 1e-12)))
    return None


def _polished(objective: Objective, x: Array, basis: Array) -> tuple[Array, float]:
    """Return `x` after Newton steps that go by the gradient alone, and the length of the next.

    The value has fewer digits than the gradient here, and cannot say whether a step is better.
    """
    curvature = _curvature(objective, x, basis)[0]
    best, best_length = x, np.inf
    for _ in range(_POLISHES):
        slope = objective.evaluate(x[None])[1][0] @ basis
        step = np.linalg.solve(curvature, slope)
        length = float(np.sqrt(max(step @ slope, 0.0)))
        if not length < best_length:
            break
        best, best_length = x, length
        x = x + basis @ step
    return best, best_length
