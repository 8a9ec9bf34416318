"""Crossed latents: groups that are independent by themselves, beside a few that go with them all.

A large factor beside smaller ones, or the effects of groups beside those that are fixed.  D. Bates
et al., MixedModels.jl, factor the same way: the largest term first, the others by their Schur
complement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from bayes_point.estimation.marginal.blocks import Blocks, backward, forward

__all__ = ["Arrow"]

Array = NDArray[np.float64]

# Damping for a step uphill, relative to the largest diagonal element, and its growth.
_DAMPING, _GROWTH, _TRIES = 1e-3, 4.0, 30


class Arrow:
    """Matrices are (batch, d, k + m): the n latents of the shaft in blocks of k, then m columns.

    The rows are the shaft's, block by block, then the head's; the first k columns are those of a
    row's own block, the others those of the head.

    Parameters
    ----------
    shaft : ndarray of int, (J, k)
        The latents of each block.
    head : ndarray of int, (m,)
        The latents that go with any other.
    """

    def __init__(self, shaft: NDArray[np.int_], head: NDArray[np.int_]) -> None:
        self.n, self.m, self.k = shaft.size, len(head), shaft.shape[1]
        self.order = np.concatenate([shaft.ravel(), head])
        self.d = self.n + self.m
        self.blocks = Blocks(np.arange(self.n).reshape(shaft.shape))
        inside = f"{self.n} diagonal" if self.k == 1 else self.blocks.name
        self.name = f"arrow: {inside}, {self.m} across"
        self.seeds: Array = np.zeros((self.k + self.m, self.d))
        self.seeds[: self.k, self.order[: self.n]] = self.blocks.seeds
        self.seeds[np.arange(self.k, self.k + self.m), head] = 1.0

    def assemble(self, products: Array) -> Array:
        """See `Structure`."""
        out = products[:, :, self.order].swapaxes(1, 2).copy()
        inside, _, corner = self._parts(out)
        inside[:] = 0.5 * (inside + inside.swapaxes(-1, -2))
        corner[:] = 0.5 * (corner + corner.swapaxes(-1, -2))
        out[:, self.n :, : self.k] = 0.0
        return out

    def _parts(self, matrices: Array) -> tuple[Array, Array, Array]:
        """Return views: the blocks, (batch, J, k, k), what is across, (..., m), and the corner."""
        shaft = matrices[:, : self.n].reshape(
            len(matrices), *self.blocks.members.shape, self.k + self.m
        )
        return shaft[..., : self.k], shaft[..., self.k :], matrices[:, self.n :, self.k :]

    def times(self, matrix: Array, v: Array) -> Array:
        """See `Structure`."""
        v = v[self.order]
        (inside,), (across,), (corner,) = self._parts(matrix)
        shaft, head = v[: self.n].reshape(-1, self.k), v[self.n :]
        out = np.empty(self.d)
        out[self.order[: self.n]] = (np.einsum("jab,jb->ja", inside, shaft) + across @ head).ravel()
        out[self.order[self.n :]] = np.einsum("jam,ja->m", across, shaft) + corner @ head
        return out

    def factor(self, matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
        """See `Structure`."""
        factors = np.zeros_like(matrices)
        inside, across, corner = self._parts(matrices)
        root, beside, last = self._parts(factors)
        root[:], definite = self.blocks.factor(inside)
        beside[:] = forward(root, across)
        complement = corner - np.einsum("ijam,ijan->imn", beside, beside)
        definite &= np.isfinite(complement).all(axis=(1, 2))
        for i in np.flatnonzero(definite):
            try:
                last[i] = np.linalg.cholesky(complement[i])
            except np.linalg.LinAlgError:
                definite[i] = False
        factors[~definite] = np.nan
        return factors, definite

    def modified(self, matrices: Array) -> Array:
        """See `Structure`."""
        matrices = np.nan_to_num(matrices)
        # Views, of which the diagonals are written to.
        inside, _, corner = self._parts(matrices)
        here, there = np.arange(self.k), np.arange(self.m)
        largest = np.maximum(
            np.abs(inside[..., here, here]).max(axis=(1, 2)),
            np.abs(corner[:, there, there]).max(axis=1),
        )
        damping = _DAMPING * largest
        factors, definite = self.factor(matrices)
        for _ in range(_TRIES):
            if definite.all():
                break
            more = np.where(definite, 0.0, damping)
            inside[..., here, here] += more[:, None, None]
            corner[:, there, there] += more[:, None]
            damping *= _GROWTH
            factors, definite = self.factor(matrices)
        return factors

    def solve(self, factors: Array, b: Array) -> Array:
        """See `Structure`."""
        root, beside, _ = self._parts(factors)
        low = forward(root, self._shaft_of(b))
        rest = b[:, self.order[self.n :]] - np.einsum("ijam,ija->im", beside, low[..., 0])
        return self._backward(factors, low, self._at_corner(factors, rest))

    def log_determinant(self, factors: Array) -> Array:
        """See `Structure`."""
        root, _, last = self._parts(factors)
        corner = np.log(np.diagonal(last, axis1=1, axis2=2)).sum(axis=1)
        return self.blocks.log_determinant(root) + np.asarray(2 * corner)

    def inverse_products(self, factors: Array) -> Array:
        """See `Structure`."""
        inside, across, corner = self._inverse(factors)
        out = np.zeros((len(factors), self.k + self.m, self.d))
        shaft, head = self.order[: self.n], self.order[self.n :]
        out[:, : self.k, shaft] = inside.reshape(len(factors), self.n, self.k).swapaxes(1, 2)
        # An entry beside the shaft stands for its mirror image too.
        out[:, self.k :, shaft] = 2 * across.reshape(len(factors), self.n, self.m).swapaxes(1, 2)
        out[:, self.k :, head] = corner
        return out

    def variances(self, factors: Array) -> Array:
        """See `Structure`."""
        inside, _, corner = self._inverse(factors)
        out = np.empty((len(factors), self.d))
        shaft = np.diagonal(inside, axis1=-2, axis2=-1).reshape(len(factors), self.n)
        out[:, self.order[: self.n]] = shaft
        out[:, self.order[self.n :]] = np.diagonal(corner, axis1=1, axis2=2)
        return out

    def spread(self, factors: Array, z: Array) -> Array:
        """See `Structure`."""
        factors = np.broadcast_to(factors, (len(z), *factors.shape[1:]))
        return self._backward(factors, self._shaft_of(z), z[:, self.order[self.n :]])

    def _shaft_of(self, b: Array) -> Array:
        """Return the shaft's part of rows, (batch, J, k, 1)."""
        return b[:, self.order[: self.n]].reshape(len(b), *self.blocks.members.shape, 1)

    def _at_corner(self, factors: Array, b: Array, trans: str = "N") -> Array:
        """Return the corner's triangle, or its transpose, solved for each of `b`; else NaN."""
        out = np.full(b.shape, np.nan)
        last = self._parts(factors)[2]
        for i in np.flatnonzero(np.isfinite(last).all(axis=(1, 2))):
            out[i] = solve_triangular(last[i], b[i], lower=True, trans=trans)
        return out

    def _backward(self, factors: Array, shaft: Array, head: Array) -> Array:
        """Solve L' z = (shaft, head)."""
        root, beside, _ = self._parts(factors)
        last = self._at_corner(factors, head, trans="T")
        shaft = shaft - np.einsum("ijam,im->ija", beside, last)[..., None]
        out = np.empty((len(factors), self.d))
        out[:, self.order[: self.n]] = backward(root, shaft).reshape(len(factors), -1)
        out[:, self.order[self.n :]] = last
        return out

    def _inverse(self, factors: Array) -> tuple[Array, Array, Array]:
        """Return the inverse's blocks along the shaft, its entries beside it, and its corner."""
        root, beside, last = self._parts(factors)
        half = self._at_corner(factors, np.broadcast_to(np.eye(self.m), last.shape))
        corner = half.swapaxes(1, 2) @ half
        beside = backward(root, beside)
        across = -beside @ corner[:, None]
        inside = self.blocks.inverses(root) - across @ beside.swapaxes(-1, -2)
        return inside, across, corner
