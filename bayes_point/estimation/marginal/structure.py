"""How latents depend on each other: the pattern of their Hessian, and what is computed with it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Structure"]

Array = NDArray[np.float64]


class Structure(Protocol):
    """A pattern of symmetric d by d matrices that are known, factored and inverted within it.

    A matrix is known from its products with a few seeds, each a sum of columns that do not overlap
    (Curtis, Powell and Reid 1974, https://doi.org/10.1093/imamat/13.1.117).  Matrices and factors
    are arrays of a shape of the pattern's own, one a row of a batch.

    Attributes
    ----------
    d : int
        Number of latents.
    name : str
        The pattern in words.
    seeds : ndarray, (C, d)
        What a matrix has to be multiplied with, to be known.
    """

    d: int
    name: str
    seeds: Array

    def assemble(self, products: Array) -> Array:
        """Return matrices from their products with the seeds, (batch, C, d)."""

    def times(self, matrix: Array, v: Array) -> Array:
        """Return one matrix, a batch of one, times a vector, (d,)."""

    def factor(self, matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return Cholesky factors, and of which rows the matrix is positive definite."""

    def modified(self, matrices: Array) -> Array:
        """Return factors of positive definite matrices near these, for a step uphill."""

    def solve(self, factors: Array, b: Array) -> Array:
        """Return the inverses times the rows of `b`, (batch, d)."""

    def log_determinant(self, factors: Array) -> Array:
        """Return the log determinants, (batch,)."""

    def inverse_products(self, factors: Array) -> Array:
        """Return w, (batch, C, d), with ``sum_c w_c' A seed_c = trace(inverse @ A)``.

        For every symmetric A of the pattern.
        """

    def variances(self, factors: Array) -> Array:
        """Return the diagonals of the inverses, (batch, d)."""

    def spread(self, factors: Array, z: Array) -> Array:
        """Return L^-T z, row by row: standard normal z become draws of that covariance."""
