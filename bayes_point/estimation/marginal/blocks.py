"""Latents in independent groups of one size: block-diagonal matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "backward", "forward"]

Array = NDArray[np.float64]

# Of the largest eigenvalue of a block: what less of it is no curvature to step along.
_LEAST = 1e-10


class Blocks:
    """J blocks of k latents each; matrices and factors are (batch, J, k, k).

    Parameters
    ----------
    members : ndarray of int, (J, k)
        The latents of each block.
    """

    def __init__(self, members: NDArray[np.int_]) -> None:
        self.members = members
        self.size, self.k = members.shape
        self.d = members.size
        self.name = "diagonal" if self.k == 1 else f"{self.size} blocks of {self.k}"
        colour = np.empty(self.d, int)
        for c in range(self.k):
            colour[members[:, c]] = c
        self.seeds: Array = np.eye(self.k)[colour].T

    def assemble(self, products: Array) -> Array:
        """See `Structure`."""
        out = np.stack([products[:, c][:, self.members] for c in range(self.k)], axis=-1)
        return 0.5 * (out + out.swapaxes(-1, -2))

    def times(self, matrix: Array, v: Array) -> Array:
        """See `Structure`."""
        out = np.zeros(self.d)
        out[self.members] = np.einsum("jab,jb->ja", matrix[0], v[self.members])
        return out

    def factor(self, matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
        """See `Structure`."""
        # By hand: NumPy's raises for a whole stack where one block is indefinite.
        factors = np.zeros_like(matrices)
        for i in range(self.k):
            pivot = matrices[..., i, i] - np.sum(factors[..., i, :i] ** 2, axis=-1)
            factors[..., i, i] = np.sqrt(np.where(pivot > 0, pivot, np.nan))
            for j in range(i + 1, self.k):
                rest = np.sum(factors[..., i, :i] * factors[..., j, :i], axis=-1)
                factors[..., j, i] = (matrices[..., j, i] - rest) / factors[..., i, i]
        return factors, np.isfinite(factors).all(axis=(1, 2, 3))

    def modified(self, matrices: Array) -> Array:
        """See `Structure`."""
        values, axes = np.linalg.eigh(np.nan_to_num(matrices))
        size = np.abs(values)
        values = np.maximum(size, _LEAST * size.max(axis=-1, keepdims=True) + 1e-300)
        return self.factor((axes * values[..., None, :]) @ axes.swapaxes(-1, -2))[0]

    def solve(self, factors: Array, b: Array) -> Array:
        """See `Structure`."""
        out = np.empty_like(b)
        part = forward(factors, b[:, self.members][..., None])
        out[:, self.members] = backward(factors, part)[..., 0]
        return out

    def log_determinant(self, factors: Array) -> Array:
        """See `Structure`."""
        diagonal = np.diagonal(factors, axis1=-2, axis2=-1)
        return np.asarray(2 * np.log(diagonal).sum(axis=(-1, -2)))

    def inverses(self, factors: Array) -> Array:
        """Return the inverse of each block, (batch, J, k, k)."""
        root = forward(factors, np.broadcast_to(np.eye(self.k), factors.shape))
        return np.asarray(root.swapaxes(-1, -2) @ root)

    def inverse_products(self, factors: Array) -> Array:
        """See `Structure`."""
        inverse = self.inverses(factors)
        out = np.empty((len(factors), self.k, self.d))
        for c in range(self.k):
            out[:, c][:, self.members] = inverse[..., c]
        return out

    def variances(self, factors: Array) -> Array:
        """See `Structure`."""
        out = np.empty((len(factors), self.d))
        out[:, self.members] = np.diagonal(self.inverses(factors), axis1=-2, axis2=-1)
        return out

    def spread(self, factors: Array, z: Array) -> Array:
        """See `Structure`."""
        out = np.empty_like(z)
        out[:, self.members] = backward(factors, z[:, self.members][..., None])[..., 0]
        return out


def forward(factors: Array, b: Array) -> Array:
    """Solve L z = b for stacks of small triangles; NaN where there is no factor."""
    z = np.array(b)
    for i in range(factors.shape[-1]):
        known = np.sum(factors[..., i, :i, None] * z[..., :i, :], axis=-2)
        z[..., i, :] = (z[..., i, :] - known) / factors[..., i, i, None]
    return z


def backward(factors: Array, b: Array) -> Array:
    """Solve L' z = b for stacks of small triangles."""
    z = np.array(np.broadcast_to(b, (*factors.shape[:-1], b.shape[-1])))
    for i in reversed(range(factors.shape[-1])):
        known = np.sum(factors[..., i + 1 :, i, None] * z[..., i + 1 :, :], axis=-2)
        z[..., i, :] = (z[..., i, :] - known) / factors[..., i, i, None]
    return z
