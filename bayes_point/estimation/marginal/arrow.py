"""Crossed latents: one large factor that is diagonal by itself, beside a few that go with it.

D. Bates et al., MixedModels.jl, factor the same way: the largest term first, the others by their
Schur complement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

__all__ = ["Arrow"]

Array = NDArray[np.float64]

# Damping for a step uphill, relative to the largest diagonal element, and its growth.
_DAMPING, _GROWTH, _TRIES = 1e-3, 4.0, 30


class Arrow:
    """Matrices are (batch, d, m + 1): the diagonal of the n latents of the shaft, then m columns.

    The rows are the shaft's, then the head's; the columns after the first are those of the head.

    Parameters
    ----------
    shaft, head : ndarray of int, (n,) and (m,)
        The latents of either.
    """

    def __init__(self, shaft: NDArray[np.int_], head: NDArray[np.int_]) -> None:
        self.n, self.m = len(shaft), len(head)
        self.order = np.concatenate([shaft, head])
        self.d = self.n + self.m
        self.name = f"arrow: {self.n} diagonal, {self.m} across"
        self.seeds: Array = np.zeros((self.m + 1, self.d))
        self.seeds[0, shaft] = 1.0
        self.seeds[np.arange(1, self.m + 1), head] = 1.0

    def assemble(self, products: Array) -> Array:
        """See `Structure`."""
        out = products[:, :, self.order].swapaxes(1, 2).copy()
        corner = out[:, self.n :, 1:]
        out[:, self.n :, 1:] = 0.5 * (corner + corner.swapaxes(1, 2))
        out[:, self.n :, 0] = 0.0
        return out

    def times(self, matrix: Array, v: Array) -> Array:
        """See `Structure`."""
        v = v[self.order]
        product = matrix[0, :, 1:] @ v[self.n :]
        product[: self.n] += matrix[0, : self.n, 0] * v[: self.n]
        product[self.n :] += matrix[0, : self.n, 1:].T @ v[: self.n]
        out = np.empty(self.d)
        out[self.order] = product
        return out

    def factor(self, matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
        """See `Structure`."""
        factors, definite = np.full_like(matrices, np.nan), np.zeros(len(matrices), bool)
        n = self.n
        for i, one in enumerate(matrices):
            if not (np.isfinite(one).all() and np.all(one[:n, 0] > 0)):
                continue
            root = np.sqrt(one[:n, 0])
            across = one[:n, 1:] / root[:, None]
            try:
                corner = np.linalg.cholesky(one[n:, 1:] - across.T @ across)
            except np.linalg.LinAlgError:
                continue
            factors[i, :n, 0], factors[i, n:, 0] = root, 0.0
            factors[i, :n, 1:], factors[i, n:, 1:] = across, corner
            definite[i] = True
        return factors, definite

    def modified(self, matrices: Array) -> Array:
        """See `Structure`."""
        matrices = np.nan_to_num(matrices)
        rows, columns = np.arange(self.n, self.d), np.arange(1, self.m + 1)
        largest = np.maximum(
            np.abs(matrices[:, : self.n, 0]).max(axis=1),
            np.abs(matrices[:, rows, columns]).max(axis=1),
        )
        damping = _DAMPING * largest
        factors, definite = self.factor(matrices)
        for _ in range(_TRIES):
            if definite.all():
                break
            matrices[~definite, : self.n, 0] += damping[~definite, None]
            matrices[np.ix_(~definite, rows, columns)] += damping[~definite, None, None] * np.eye(
                self.m
            )
            damping *= _GROWTH
            factors, definite = self.factor(matrices)
        return factors

    def solve(self, factors: Array, b: Array) -> Array:
        """See `Structure`."""
        out, n = np.full_like(b, np.nan), self.n
        for i, one in enumerate(factors):
            if np.isfinite(one).all():
                low = b[i, self.order[:n]] / one[:n, 0]
                rest = b[i, self.order[n:]] - one[:n, 1:].T @ low
                out[i] = self._backward(one, low, solve_triangular(one[n:, 1:], rest, lower=True))
        return out

    def log_determinant(self, factors: Array) -> Array:
        """See `Structure`."""
        corner = np.diagonal(factors[:, self.n :, 1:], axis1=1, axis2=2)
        shaft = np.log(factors[:, : self.n, 0]).sum(axis=1)
        return np.asarray(2 * (shaft + np.log(corner).sum(axis=1)))

    def inverse_products(self, factors: Array) -> Array:
        """See `Structure`."""
        out, n = np.full((len(factors), self.m + 1, self.d), np.nan), self.n
        for i, one in enumerate(factors):
            if not np.isfinite(one).all():
                continue
            variances, across, corner = self._inverse(one)
            out[i] = 0.0
            out[i, 0, self.order[:n]] = variances
            # An entry beside the shaft stands for its mirror image too.
            out[i][1:, self.order[:n]] = 2 * across.T
            out[i][1:, self.order[n:]] = corner
        return out

    def variances(self, factors: Array) -> Array:
        """See `Structure`."""
        out = np.empty((len(factors), self.d))
        for i, one in enumerate(factors):
            variances, _, corner = self._inverse(one)
            out[i, self.order] = np.concatenate([variances, np.diagonal(corner)])
        return out

    def spread(self, factors: Array, z: Array) -> Array:
        """See `Structure`."""
        out = np.full_like(z, np.nan)
        for i, row in enumerate(z):
            one = factors[min(i, len(factors) - 1)]
            if np.isfinite(one).all():
                out[i] = self._backward(one, row[self.order[: self.n]], row[self.order[self.n :]])
        return out

    def _backward(self, one: Array, shaft: Array, head: Array) -> Array:
        """Solve L' z = (shaft, head)."""
        n = self.n
        last = solve_triangular(one[n:, 1:], head, lower=True, trans="T")
        out = np.empty(self.d)
        out[self.order[n:]] = last
        out[self.order[:n]] = (shaft - one[:n, 1:] @ last) / one[:n, 0]
        return out

    def _inverse(self, one: Array) -> tuple[Array, Array, Array]:
        """Return the inverse's diagonal over the shaft, its entries beside it, and its corner."""
        n = self.n
        half = solve_triangular(one[n:, 1:], np.eye(self.m), lower=True)
        corner = half.T @ half
        beside = one[:n, 1:] / one[:n, :1]
        across = -beside @ corner
        variances = 1 / one[:n, 0] ** 2 - np.sum(across * beside, axis=1)
        return variances, across, corner
