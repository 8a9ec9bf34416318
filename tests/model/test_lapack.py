"""Factors and solves of each matrix of a batch, against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.general import Solve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular

from bayes_point.model.interpreter.lapack import over_rows_by_lapack

RNG = np.random.default_rng(1)
ROOTS = RNG.normal(size=(2, 5, 3, 3))
MATRICES = ROOTS @ np.swapaxes(ROOTS, -1, -2) + np.eye(3)
REAL = ["float64", "float64"]


def made(core: Any) -> Any:
    function = over_rows_by_lapack(core, REAL)
    assert function is not None
    return function


def test_factors_are_those_of_numpy() -> None:
    lower, upper = made(Cholesky(lower=True))(MATRICES), made(Cholesky(lower=False))(MATRICES)
    np.testing.assert_allclose(lower, np.linalg.cholesky(MATRICES), atol=1e-14)
    np.testing.assert_array_equal(upper, np.triu(upper))
    np.testing.assert_allclose(np.swapaxes(upper, -1, -2) @ upper, MATRICES, atol=1e-13)


def test_a_matrix_that_has_no_factor_leaves_the_others_alone() -> None:
    batch = MATRICES[0].copy()
    batch[2] = np.diag([1.0, -1.0, 1.0])
    factors = made(Cholesky(lower=True))(batch)
    assert np.all(np.isnan(factors[2]))
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(factors[others], np.linalg.cholesky(batch[others]), atol=1e-14)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("unit_diagonal", [True, False])
@pytest.mark.parametrize("b_ndim", [1, 2])
@pytest.mark.parametrize("transposed", [True, False])
def test_solutions_solve(lower: bool, unit_diagonal: bool, b_ndim: int, transposed: bool) -> None:
    a = np.swapaxes(MATRICES, -1, -2) if transposed else MATRICES
    # One batch of the two is shorter, and is the same all along.
    b = RNG.normal(size=(1, 5, *(3, 4)[:b_ndim]))
    core = SolveTriangular(lower=lower, unit_diagonal=unit_diagonal, b_ndim=b_ndim)
    x = made(core)(a, b)
    # By its definition only one triangle of the matrix is read, and perhaps not the diagonal.
    triangle = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        triangle = triangle * (1 - np.eye(3)) + np.eye(3)
    expected = np.linalg.solve(triangle, b[..., None] if b_ndim == 1 else b)
    np.testing.assert_allclose(x, expected[..., 0] if b_ndim == 1 else expected, rtol=1e-12)


def test_a_singular_matrix_leaves_the_others_alone() -> None:
    a = np.stack([np.eye(2), np.diag([1.0, 0.0]), 2 * np.eye(2)])
    x = made(SolveTriangular(lower=True, b_ndim=1))(a, np.ones((3, 2)))
    np.testing.assert_array_equal(x, [[1, 1], [np.nan, np.nan], [0.5, 0.5]])


def test_shapes_that_do_not_fit_are_an_error() -> None:
    solve = made(SolveTriangular(lower=True, b_ndim=1))
    with pytest.raises(
        ValueError, match=r"shapes of a \(2, 5, 3, 3\) and b \(2, 5, 4\) are incomp"
    ):
        solve(MATRICES, np.ones((2, 5, 4)))
    for function in (lambda a: solve(a, np.ones(3)), made(Cholesky(lower=True))):
        with pytest.raises(ValueError, match="expected square matrices"):
            function(np.ones((2, 3, 4)))


def test_no_matrices_have_no_factors() -> None:
    assert made(Cholesky(lower=True))(np.ones((2, 0, 0))).shape == (2, 0, 0)


def test_nothing_to_solve_for() -> None:
    x = made(SolveTriangular(lower=True, b_ndim=2))(MATRICES, np.ones((2, 5, 3, 0)))
    assert x.shape == (2, 5, 3, 0)


@pytest.mark.parametrize(
    ("core", "dtypes"),
    [
        (Solve(b_ndim=1, assume_a="sym"), REAL),
        (Cholesky(lower=True), ["float32"]),
        (SolveTriangular(lower=True, b_ndim=1), ["float64", "complex128"]),
    ],
)
def test_what_is_left_to_pytensor(core: Any, dtypes: list[str]) -> None:
    assert over_rows_by_lapack(core, dtypes) is None


@pytest.mark.parametrize("b_ndim", [1, 2])
def test_general_matrices_are_solved_one_batch_at_a_time(b_ndim: int) -> None:
    a = ROOTS[0].copy()
    a[3] = np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0])  # of rank one: it has no solution
    b = RNG.normal(size=(5, *(3, 4)[:b_ndim]))
    x = made(Solve(assume_a="gen", b_ndim=b_ndim))(a, b)
    assert np.all(np.isnan(x[3]))
    others = [0, 1, 2, 4]
    right = b[..., None] if b_ndim == 1 else b
    back = a[others] @ (x[others][..., None] if b_ndim == 1 else x[others])
    np.testing.assert_allclose(back, right[others], rtol=1e-10)
    # Nothing is singular, and the right-hand side is the same all along.
    x = made(Solve(assume_a="gen", b_ndim=b_ndim))(ROOTS, b[:1])
    back = ROOTS @ (x[..., None] if b_ndim == 1 else x)
    np.testing.assert_allclose(back, np.broadcast_to(right[:1], back.shape), rtol=1e-10)
