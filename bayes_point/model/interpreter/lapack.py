"""Cholesky factors and solves of the rows of a batch, by LAPACK.

The matrices are small and many.  PyTensor, as SciPy, looks up the LAPACK function and checks its
arguments anew for each of them, which takes ten times as long as LAPACK does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.general import Solve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from scipy.linalg.lapack import dpotrf, dtrtrs

__all__ = ["over_rows_by_lapack"]

Array = NDArray[np.float64]


def over_rows_by_lapack(core: Any, dtypes: list[str]) -> Callable[..., Array] | None:
    """Return a function that does what `core` does for each row of a batch, if there is one."""
    if any(dtype != "float64" for dtype in dtypes):
        return None
    if isinstance(core, Cholesky):
        return _cholesky(core)
    if isinstance(core, SolveTriangular):
        return _solve_triangular(core)
    return _solve(core) if isinstance(core, Solve) and core.assume_a == "gen" else None


def _cholesky(core: Any) -> Callable[[Array], Array]:
    def factors(a: Array) -> Array:
        """Return the factor of each matrix, (..., m, m); of one that has none, NaN."""
        _check_square(a)
        out = np.empty(a.shape)
        if not out.size:
            return out
        for one, to in zip(_rows(a, 2), _rows(out, 2), strict=True):
            factor, info = dpotrf(one, lower=core.lower, clean=True)
            to[...] = factor if info == 0 else np.nan
        return out

    return factors


def _solve(core: Any) -> Callable[[Array, Array], Array]:
    def solutions(a: Array, b: Array) -> Array:
        """Return the solution for each matrix, (..., m, m), and right-hand side; or NaN."""
        right = b if core.b_ndim == 2 else b[..., None]
        try:
            out = np.linalg.solve(a, right)
        except np.linalg.LinAlgError:
            batch = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
            a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
            right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
            out = np.full(right.shape, np.nan)
            for i in np.ndindex(batch):
                with suppress(np.linalg.LinAlgError):
                    out[i] = np.linalg.solve(a[i], right[i])
        return out if core.b_ndim == 2 else out[..., 0]

    return solutions


def _solve_triangular(core: Any) -> Callable[[Array, Array], Array]:
    def solutions(a: Array, b: Array) -> Array:
        """Return the solution for each matrix, (..., m, m), and right-hand side; or NaN."""
        k: int = core.b_ndim
        _check_square(a)
        if a.shape[-1] != b.shape[-k]:
            raise ValueError(f"shapes of a {a.shape} and b {b.shape} are incompatible")
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-k])
        out = np.empty((*batch, *b.shape[-k:]))
        if not out.size:
            return out
        left = _rows(np.broadcast_to(a, (*batch, *a.shape[-2:])), 2)
        right = _rows(np.broadcast_to(b, out.shape), k)
        for one, other, to in zip(left, right, _rows(out, k), strict=True):
            # LAPACK takes the transpose of a matrix as it lies in memory.
            solution, info = dtrtrs(
                one.T, other, lower=not core.lower, trans=1, unitdiag=core.unit_diagonal
            )
            to[...] = solution if info == 0 else np.nan
        return out

    return solutions


def _check_square(a: Array) -> None:
    if a.shape[-1] != a.shape[-2]:
        raise ValueError(f"expected square matrices, got an array of shape {a.shape}")


def _rows(a: Array, ndim: int) -> Array:
    """Return the batch with one axis for all of its own: a view, if it lies in one piece."""
    return a.reshape(-1, *a.shape[a.ndim - ndim :])
