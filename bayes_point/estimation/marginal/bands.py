"""Latents in a row, each next to a few others: banded matrices, the widest of them dense."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["Banded"]

Array = NDArray[np.float64]

# Damping for a step uphill, relative to the largest diagonal element, and its growth.
_DAMPING, _GROWTH, _TRIES = 1e-3, 4.0, 30
# Half-width from which the whole inverse is quicker than a recursion over columns in Python.
_WIDE = 40


class Banded:
    """Half-width b after a permutation; matrices and factors are (batch, b + 1, d), as in LAPACK.

    Parameters
    ----------
    d, b : int
        Size and half-width.
    order : ndarray of int, (d,), optional
        The latents in the order in which they are banded.
    """

    def __init__(self, d: int, b: int, order: NDArray[np.int_] | None = None) -> None:
        self.d, self.b = d, min(b, d - 1)
        self.order = np.arange(d) if order is None else order
        self.colours = min(2 * self.b + 1, d)
        self.name = f"band of half-width {b}" if self.b < d - 1 else "dense"
        colour = np.empty(d, int)
        colour[self.order] = np.arange(d) % self.colours
        self.seeds: Array = np.eye(self.colours)[colour].T

    def assemble(self, products: Array) -> Array:
        """See `Structure`."""
        products, c = products[:, :, self.order], self.colours
        out = np.zeros((len(products), self.b + 1, self.d))
        for s in range(self.b + 1):
            j = np.arange(self.d - s)
            below, above = products[:, j % c, j + s], products[:, (j + s) % c, j]
            out[:, s, : self.d - s] = 0.5 * (below + above)
        return out

    def times(self, matrix: Array, v: Array) -> Array:
        """See `Structure`."""
        band, v = matrix[0], v[self.order]
        product = band[0] * v
        for s in range(1, self.b + 1):
            product[s:] += band[s, : self.d - s] * v[: self.d - s]
            product[: self.d - s] += band[s, : self.d - s] * v[s:]
        out = np.empty(self.d)
        out[self.order] = product
        return out

    def factor(self, matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
        """See `Structure`."""
        factors, definite = np.full_like(matrices, np.nan), np.zeros(len(matrices), bool)
        for i, band in enumerate(matrices):
            if np.isfinite(band).all():
                factor, info = lapack.dpbtrf(band, lower=1)
                if info == 0:
                    factors[i], definite[i] = factor, True
        return factors, definite

    def modified(self, matrices: Array) -> Array:
        """See `Structure`."""
        matrices = np.nan_to_num(matrices)
        damping = _DAMPING * np.abs(matrices[:, 0]).max(axis=1)
        factors, definite = self.factor(matrices)
        for _ in range(_TRIES):
            if definite.all():
                break
            matrices[~definite, 0] += damping[~definite, None]
            damping *= _GROWTH
            factors, definite = self.factor(matrices)
        return factors

    def solve(self, factors: Array, b: Array) -> Array:
        """See `Structure`."""
        out = np.full_like(b, np.nan)
        for i, factor in enumerate(factors):
            if np.isfinite(factor[0]).all():
                out[i, self.order] = lapack.dpbtrs(factor, b[i, self.order][:, None], lower=1)[0][
                    :, 0
                ]
        return out

    def log_determinant(self, factors: Array) -> Array:
        """See `Structure`."""
        return np.asarray(2 * np.log(factors[:, 0]).sum(axis=1))

    def inverse_products(self, factors: Array) -> Array:
        """See `Structure`."""
        out, c = np.zeros((len(factors), self.colours, self.d)), self.colours
        for i, factor in enumerate(factors):
            band = self._inverse(factor)
            for s in range(self.b + 1):
                j = np.arange(self.d - s)
                out[i, j % c, self.order[j + s]] = band[s, : self.d - s]
                out[i, (j + s) % c, self.order[j]] = band[s, : self.d - s]
        return out

    def variances(self, factors: Array) -> Array:
        """See `Structure`."""
        out = np.empty((len(factors), self.d))
        out[:, self.order] = [self._inverse(factor)[0] for factor in factors]
        return out

    def spread(self, factors: Array, z: Array) -> Array:
        """See `Structure`."""
        out = np.full_like(z, np.nan)
        for i, row in enumerate(z):
            factor = factors[min(i, len(factors) - 1)]
            if np.isfinite(factor[0]).all():
                solved, _ = lapack.dtbtrs(factor, row[self.order][:, None], uplo="L", trans="T")
                out[i, self.order] = solved[:, 0]
        return out

    def _inverse(self, factor: Array) -> Array:
        """Return the band of the inverse of L L'."""
        if not np.isfinite(factor[0]).all():
            return np.full_like(factor, np.nan)
        if self.b == self.d - 1 or self.b > _WIDE:
            return _whole_inverse(factor)
        return _two_terms(factor) if self.b == 1 else _recursion(factor)


def _whole_inverse(factor: Array) -> Array:
    rows, d = factor.shape
    lower, out = np.zeros((d, d)), np.zeros_like(factor)
    for s in range(rows):
        j = np.arange(d - s)
        lower[j + s, j] = factor[s, : d - s]
    inverse = lapack.dpotri(lower, lower=1)[0]
    for s in range(rows):
        out[s, : d - s] = np.diagonal(inverse, -s)
    return out


def _recursion(factor: Array) -> Array:
    """Return the band of the inverse, column by column from the last, and no other entry of it.

    K. Takahashi, J. Fagan, M.-S. Chen (1973); see https://doi.org/10.1145/360680.360704.
    """
    b, d = factor.shape[0] - 1, factor.shape[1]
    out = np.zeros_like(factor)
    window = np.zeros((b, b))  # of the inverse, the rows and columns after j
    for j in range(d - 1, -1, -1):
        m = min(b, d - 1 - j)
        ratio = factor[1 : m + 1, j] / factor[0, j]
        column = -window[:m, :m] @ ratio
        out[0, j] = factor[0, j] ** -2 - ratio @ column
        out[1 : m + 1, j] = column
        q = min(m, b - 1)
        window[1 : q + 1, 1 : q + 1] = window[:q, :q].copy()
        window[0, 0] = out[0, j]
        window[0, 1 : q + 1] = window[1 : q + 1, 0] = column[:q]
    return out


def _two_terms(factor: Array) -> Array:
    """Return the same of a half-width of one: the recursion is a bidiagonal system."""
    ratio = -factor[1] / factor[0]
    ratio[-1] = 0.0
    system = np.ones((2, factor.shape[1]))
    system[0, 1:] = -(ratio[:-1] ** 2)
    here = lapack.dtbtrs(system, factor[0][:, None] ** -2.0, uplo="U", diag="U")[0][:, 0]
    beside = np.zeros_like(here)
    beside[:-1] = ratio[:-1] * here[1:]
    return np.array([here, beside])
