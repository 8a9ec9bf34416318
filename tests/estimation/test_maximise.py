"""The maximiser alone, on functions whose maxima are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytest

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Quadratic, Search, maximise
from bayes_point.model.density.density import LogDensity

Array = np.ndarray


@dataclass
class Function:
    """A stand-in for an Objective: a value of each row, its derivatives by hand or differences."""

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    p: int
    transformed: bool = False
    maximiser: None = None
    is_integral: bool = False
    is_wide: bool = False
    calls: list[int] = field(default_factory=list)

    @property
    def density(self) -> SimpleNamespace:
        return SimpleNamespace(is_costly=False)

    @property
    def is_transformed(self) -> Array:
        return np.full(self.p, self.transformed)

    def rows(self, which: Array) -> Function:
        return self

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        self.calls.append(len(x))
        with np.errstate(all="ignore"):
            return self.value(x), self.gradient(x)

    def hessian(self, x: Array) -> Array:
        with np.errstate(all="ignore"):
            return self.curvature(x)


def quadratic(p: int, scale: Array, seed: int = 0) -> tuple[Function, Array]:
    """-(x - m)' A (x - m) / 2, with A of a random rotation, in units of `scale`."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((2 * p, p)) / scale
    a, m = root.T @ root, rng.standard_normal(p) * scale
    return (
        Function(
            lambda x: -0.5 * np.einsum("bp,pq,bq->b", x - m, a, x - m),
            lambda x: -(x - m) @ a,
            lambda x: np.broadcast_to(-a, (len(x), p, p)).copy(),
            p,
        ),
        m,
    )


def potential(build: Callable, p: int) -> Objective:
    """A function written in PyTensor as an Objective, with its exact derivatives."""
    with pm.Model() as model:
        pm.Potential("f", build(pm.Flat("x", shape=p)))
    return Objective(LogDensity(model), {"potential": 1.0})


# ------------------------------------------------------------------------------------ quadratics


@pytest.mark.parametrize("spread", [0, 3, 8])
def test_a_quadratic_takes_one_step(spread: float) -> None:
    p = 6
    scale = 10.0 ** np.linspace(-spread, spread, p)
    function, m = quadratic(p, scale)
    starts = m + np.random.default_rng(1).standard_normal((4, p)) * scale * 10
    one = maximise(function, starts, max_iterations=1)
    np.testing.assert_allclose((one.x - m) / scale, 0, atol=1e-8)
    search = maximise(function, starts)
    assert search.settled.all()
    assert search.iterations.max() <= 4
    np.testing.assert_allclose((search.x - m) / scale, 0, atol=1e-12)
    np.testing.assert_allclose(search.value, 0, atol=1e-12)


def test_a_start_at_the_maximum_stays() -> None:
    function, m = quadratic(3, np.ones(3))
    search = maximise(function, m[None, :])
    np.testing.assert_array_equal(search.x[0], m)
    assert search.settled[0]
    assert search.iterations[0] == 1


def test_held_coordinates_stay() -> None:
    function, m = quadratic(5, np.ones(5))
    free = np.array([[True, False, True, True, False], [True] * 5])
    starts = m + np.array([[1.0, 2.0, 3.0, 4.0, 5.0]] * 2)
    search = maximise(function, starts, free=free)
    np.testing.assert_array_equal(search.x[0, ~free[0]], starts[0, ~free[0]])
    # The maximum over the others: the gradient by them is zero.
    np.testing.assert_allclose(search.gradient[0, free[0]], 0, atol=1e-12)
    assert np.abs(search.gradient[0, ~free[0]]).min() > 1e-3
    np.testing.assert_allclose(search.x[1], m, atol=1e-12)


def test_quadratic_model_gives_the_newton_step() -> None:
    function, m = quadratic(4, np.array([1e-6, 1.0, 1e3, 1e5]))
    x = m + np.array([[1e-6, -1.0, 1e3, 3e5]])
    _, gradient = function.evaluate(x)
    free = np.array([[True, True, False, True]])
    for mask in (np.ones((1, 4), bool), free):
        model = Quadratic.at(x, gradient, function.hessian(x), mask)
        assert model.is_concave[0]
        own = np.flatnonzero(mask[0])
        hessian = function.hessian(x)[0][np.ix_(own, own)]
        expected = np.zeros(4)
        expected[own] = -np.linalg.solve(hessian, gradient[0, own])
        np.testing.assert_allclose(model.step(model.newton)[0], expected, rtol=1e-9)
        # Squared length of the step in standard errors: g' A^-1 g.
        decrement = model.decrement(model.slope)[0]
        assert decrement == pytest.approx(gradient[0] @ expected, rel=1e-9)


# ---------------------------------------------------- Moré, Garbow and Hillstrom's test functions
# https://doi.org/10.1145/355934.355936: sums of squares, whose minima are zero.

MGH: dict[str, tuple[Callable, list[float], list[float]]] = {
    "rosenbrock": (lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0], [1.0, 1.0]),
    "powell_badly_scaled": (
        lambda x: [1e4 * x[0] * x[1] - 1, pm.math.exp(-x[0]) + pm.math.exp(-x[1]) - 1.0001],
        [0.0, 1.0],
        # MGH give 1.098...e-5 and 9.106...; the equations leave x0 = 1e-4 / x1.
        [1.0981593296999222e-05, 9.106146739866548],
    ),
    "brown_badly_scaled": (
        lambda x: [x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2],
        [1.0, 1.0],
        [1e6, 2e-6],
    ),
    "beale": (
        lambda x: [c - x[0] * (1 - x[1] ** k) for c, k in ((1.5, 1), (2.25, 2), (2.625, 3))],
        [1.0, 1.0],
        [3.0, 0.5],
    ),
    "wood": (
        lambda x: [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            90**0.5 * (x[3] - x[2] ** 2),
            1 - x[2],
            10**0.5 * (x[1] + x[3] - 2),
            10**-0.5 * (x[1] - x[3]),
        ],
        [-3.0, -1.0, -3.0, -1.0],
        [1.0, 1.0, 1.0, 1.0],
    ),
}


@pytest.mark.parametrize("name", MGH)
def test_more_garbow_hillstrom(name: str) -> None:
    residuals, start, expected = MGH[name]
    objective = potential(lambda x: -sum(r**2 for r in residuals(x)), len(start))
    search = maximise(objective, np.array([start]))
    assert search.settled[0]
    assert search.iterations[0] < 150
    np.testing.assert_allclose(search.x[0], expected, rtol=1e-8)
    assert -1e-18 < search.value[0] <= 0


def test_a_maximum_without_curvature() -> None:
    # Powell's singular function: at its maximum, zero, two of four curvatures vanish.
    objective = potential(
        lambda x: (
            -((x[0] + 10 * x[1]) ** 2)
            - 5 * (x[2] - x[3]) ** 2
            - (x[1] - 2 * x[2]) ** 4
            - 10 * (x[0] - x[3]) ** 4
        ),
        4,
    )
    search = maximise(objective, np.array([[3.0, -1.0, 0.0, 1.0]]))
    assert -1e-12 < search.value[0] <= 0
    np.testing.assert_allclose(search.x[0], 0, atol=1e-3)


# ---------------------------------------------------------------------------- saddles and minima


def double_well() -> Function:
    """-x^2 + y^2 - y^4: a saddle at 0, where the gradient is nothing, maxima at y = +-1/sqrt(2)."""
    return Function(
        lambda x: -(x[:, 0] ** 2) + x[:, 1] ** 2 - x[:, 1] ** 4,
        lambda x: np.stack([-2 * x[:, 0], 2 * x[:, 1] - 4 * x[:, 1] ** 3], axis=1),
        lambda x: np.stack([np.diag([-2.0, 2 - 12 * y**2]) for y in x[:, 1]]),
        2,
    )


@pytest.mark.parametrize("start", [[0.0, 0.0], [3.0, 0.0], [1e-9, -1e-12]])
def test_a_saddle_is_left(start: list[float]) -> None:
    search = maximise(double_well(), np.array([start]))
    assert search.settled[0]
    np.testing.assert_allclose(np.abs(search.x[0]), [0, 0.5**0.5], atol=1e-8)
    assert search.value[0] == pytest.approx(0.25, rel=1e-14)


def test_a_minimum_is_left() -> None:
    # x^2 - x^4 in each of three coordinates: at 0 a minimum in all of them.
    p = 3
    function = Function(
        lambda x: np.sum(x**2 - x**4, axis=1),
        lambda x: 2 * x - 4 * x**3,
        lambda x: np.stack([np.diag(2 - 12 * row**2) for row in x]),
        p,
    )
    search = maximise(function, np.zeros((1, p)))
    np.testing.assert_allclose(np.abs(search.x[0]), 0.5**0.5, atol=1e-8)


# ------------------------------------------------------------------------- where nothing is finite


def log_less_linear() -> Function:
    """log(x) - x, nothing at x <= 0; the maximum is at 1."""
    return Function(
        lambda x: np.log(x[:, 0]) - x[:, 0],
        lambda x: 1 / x - 1,
        lambda x: -1 / x[:, :, None] ** 2,
        1,
    )


@pytest.mark.parametrize("start", [1e-6, 0.5, 1.9, 2.1, 50.0, 1e4])
def test_no_step_to_where_the_density_is_no_number(start: float) -> None:
    # From beyond 2 the Newton step leads below zero.
    values = []
    for iterations in range(1, 40):
        search = maximise(log_less_linear(), np.array([[start]]), max_iterations=iterations)
        assert search.x[0, 0] > 0
        values.append(search.value[0])
    assert np.isfinite(values).all()
    assert np.all(np.diff(values) >= -1e-15)
    assert search.settled[0]
    np.testing.assert_allclose(search.x[0, 0], 1, rtol=1e-14)


@pytest.mark.parametrize("bait", [10.0, np.inf])
def test_no_step_to_where_the_gradient_is_no_number(bait: float) -> None:
    # -(x - 3)^2, but beyond 2 there is a value that tempts and a gradient that is none.
    function = Function(
        lambda x: np.where(x[:, 0] > 2, bait, -((x[:, 0] - 3) ** 2)),
        lambda x: np.where(x > 2, np.nan, -2 * (x - 3)),
        lambda x: np.where(x > 2, np.nan, -2.0)[:, :, None],
        1,
    )
    search = maximise(function, np.array([[0.0], [-5.0]]))
    assert np.all(search.x <= 2)
    assert np.all(search.x > 1.9)
    assert not search.settled.any()
    np.testing.assert_allclose(search.value, -((search.x[:, 0] - 3) ** 2), rtol=1e-14)


def test_a_start_of_no_value_is_left_where_it_is() -> None:
    search = maximise(log_less_linear(), np.array([[-1.0], [3.0], [np.nan]]))
    np.testing.assert_array_equal(search.settled, [False, True, False])
    assert search.x[0, 0] == -1.0
    np.testing.assert_allclose(search.x[1, 0], 1, rtol=1e-14)


def test_a_curvature_of_no_value_is_made_of_differences() -> None:
    function = log_less_linear()
    function.curvature = lambda x: np.full((len(x), 1, 1), np.nan)
    search = maximise(function, np.array([[3.0]]))
    np.testing.assert_allclose(search.x[0, 0], 1, rtol=1e-9)


# --------------------------------------------------------------------------------------- batches


def test_rows_do_not_see_one_another() -> None:
    residuals, start, _ = MGH["rosenbrock"]
    objective = potential(lambda x: -sum(r**2 for r in residuals(x)), 2)
    rng = np.random.default_rng(3)
    starts = np.array(start) + rng.standard_normal((6, 2))
    together = maximise(objective, starts, max_iterations=12)
    for i in range(6):
        alone = maximise(objective, starts[[i]], max_iterations=12)
        np.testing.assert_allclose(alone.x[0], together.x[i], rtol=1e-9)
        assert alone.iterations[0] == together.iterations[i]
        assert alone.settled[0] == together.settled[i]


def test_it_says_when_it_ran_out_of_iterations() -> None:
    residuals, start, _ = MGH["rosenbrock"]
    objective = potential(lambda x: -sum(r**2 for r in residuals(x)), 2)
    search = maximise(objective, np.array([start]), max_iterations=5)
    assert not search.settled[0]
    assert search.iterations[0] == 5
    # What it returns is of the point that it returns.
    value, gradient = objective.evaluate(search.x)
    np.testing.assert_allclose(search.value, value, rtol=1e-14)
    np.testing.assert_allclose(search.gradient, gradient, rtol=1e-12)
    np.testing.assert_allclose(search.hessian, objective.hessian(search.x), rtol=1e-12)
    # And it goes on from there to where it would have gone.
    onwards = maximise(objective, search.x)
    merged: Search = search.replaced(np.array([0]), onwards)
    np.testing.assert_allclose(merged.x[0], [1, 1], rtol=1e-10)
    assert merged.settled[0]
    assert merged.iterations[0] == 5 + onwards.iterations[0]


def test_evaluations_are_made_in_batches() -> None:
    function, m = quadratic(4, np.ones(4))
    maximise(function, m + np.random.default_rng(0).standard_normal((50, 4)))
    # All fifty starts at once: a call an iteration, not a call a start.
    assert len(function.calls) <= 6
    assert max(function.calls) == 50
