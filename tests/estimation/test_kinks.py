"""Maxima where the density has no derivative: a lasso's zeros, medians, least deviations."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from scipy.optimize import linprog

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.estimate import find_MAP, find_MLE
from bayes_point.estimation.kinks import is_maximum_along, settle
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.point_estimate import PointEstimate
from bayes_point.model.density import LogDensity

QUIET = {"progressbar": False, "random_seed": 1}


def lasso(x: np.ndarray, y: np.ndarray, sd: float, scale: float) -> pm.Model:
    with pm.Model(coords={"column": range(x.shape[1])}) as model:
        beta = pm.Laplace("beta", 0, scale, dims="column")
        pm.Normal("y", x @ beta, sd, observed=y)
    return model


def test_lasso_of_an_orthogonal_design_is_a_soft_threshold() -> None:
    # With X'X = n I the log joint is, but for constants, -n / (2 sd^2) sum (b - z)^2 - sum |b| / c
    # with z = X'y / n: each b is z drawn towards zero by sd^2 / (n c), and zero if it is nearer.
    rng = np.random.default_rng(1)
    n, sd, c = 32, 1.5, 0.2
    x = np.linalg.qr(rng.standard_normal((n, 6)))[0] * np.sqrt(n)
    y = x @ np.array([2.0, -1.0, 0.1, 0.05, 0.0, -0.2]) + sd * rng.standard_normal(n)
    z, threshold = x.T @ y / n, sd**2 / (n * c)
    expected = np.sign(z) * np.maximum(np.abs(z) - threshold, 0)
    assert 2 <= np.count_nonzero(expected) <= 4  # else it would not be a test
    estimate = find_MAP(lasso(x, y, sd, c), **QUIET)
    beta = estimate.point["beta"].values
    assert estimate.status.key == "converged"
    np.testing.assert_allclose(beta, expected, atol=1e-10)
    np.testing.assert_array_equal(beta == 0, expected == 0)
    named = {name for finding in estimate.findings for name in finding.parameters}
    assert named == {f"beta[{j}]" for j in np.flatnonzero(expected == 0)}


@pytest.mark.parametrize("seed", range(4))
def test_lasso_meets_its_conditions(seed: int) -> None:
    # Karush, Kuhn and Tucker: x_j'(y - X b) / sd^2 is sign(b_j) / c where b_j is not zero, and
    # within +-1 / c where it is.
    rng = np.random.default_rng(seed)
    n, p, sd, c = 30, 8, 1.0, 0.08
    common = rng.standard_normal((n, 1))
    x = 0.6 * common + rng.standard_normal((n, p))
    y = x[:, 0] - 0.7 * x[:, 1] + 0.2 * x[:, 2] + rng.standard_normal(n)
    estimate = find_MAP(lasso(x, y, sd, c), **QUIET)
    beta = estimate.point["beta"].values
    score, zero = x.T @ (y - x @ beta) / sd**2, beta == 0
    assert estimate.status.key == "converged"
    assert 0 < zero.sum() < p
    np.testing.assert_allclose(score[~zero], np.sign(beta[~zero]) / c, rtol=1e-9)
    assert np.all(np.abs(score[zero]) < 1 / c)


def median_model(y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        mu, b = pm.Flat("mu"), pm.HalfFlat("b")
        pm.Laplace("y", mu, b, observed=y)
    return model


@pytest.mark.parametrize(
    "y", [[3.0], [1.0, 7.0, 2.0], [0.3, -5.0, 1e3, 0.4, 0.1], [-2.0, 0.0, 9.0]]
)
def test_median_of_an_odd_sample(y: list[float]) -> None:
    with pm.Model() as model:
        pm.Laplace("y", pm.Normal("mu", 0, 1e6), 1.0, observed=y)
    estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "converged"
    assert float(estimate.point["mu"]) == pytest.approx(np.median(y), rel=1e-12, abs=0)


def test_median_and_mean_deviation() -> None:
    y = np.array([4.1, 5.3, 3.8, 6.0, 4.9, 12.0, 5.5])
    estimate = find_MLE(median_model(y), **QUIET)
    assert estimate.status.key == "converged"
    assert float(estimate.point["mu"]) == pytest.approx(5.3, rel=1e-12)
    assert float(estimate.point["b"]) == pytest.approx(np.mean(np.abs(y - 5.3)), rel=1e-10)


def test_settle_holds_what_is_at_its_kink() -> None:
    # -|a - 2| - |b| - (c - a - b)^2: a = 2 and b = 0, and c = 2, where nothing is held.
    with pm.Model() as model:
        a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Flat("c")
        pm.Potential("f", -abs(a - 2) - abs(b) - (c - a - b) ** 2)
    objective = Objective(LogDensity(model), {"potential": 1.0})
    search, held = settle(objective, np.array([7.0, -3.0, 1.0]))
    np.testing.assert_allclose(search.x[0], [2, 0, 2], rtol=1e-12)
    np.testing.assert_array_equal(held, [True, True, False])
    np.testing.assert_array_equal(is_maximum_along(objective, search.x[0], held), held)
    # Away from the kink it is none.
    elsewhere = is_maximum_along(objective, np.array([2.5, 0.0, 2.5]), held)
    np.testing.assert_array_equal(elsewhere, [False, True, False])


def test_a_coordinate_is_let_go_of_when_it_should_be() -> None:
    # While a is near 2.5, b belongs at its kink, 0. At the maximum it does not: there, for b > 0,
    # 2 (b + 2.5 - a) = -1 and -1 = (a - 6) / 2, so that a = 4 and b = 1.
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Potential("f", -abs(b) - (b + 2.5 - a) ** 2 - 0.25 * (a - 6) ** 2)
    objective = Objective(LogDensity(model), {"potential": 1.0})
    search, held = settle(objective, np.array([2.5, 0.0]))
    np.testing.assert_allclose(search.x[0], [4.0, 1.0], rtol=1e-9)
    assert search.value[0] == pytest.approx(-2.25, rel=1e-12)
    assert not held.any()


# ------------------------------------------------------------- kinks that lie across coordinates


def least_absolute_deviations(
    x: np.ndarray, y: np.ndarray, tau: float = 0.5
) -> tuple[np.ndarray, float]:
    """Quantile regression by linear programming: the coefficients and the loss."""
    n, p = x.shape
    cost = np.concatenate([np.zeros(p), np.full(n, tau), np.full(n, 1 - tau)])
    equal = np.hstack([x, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * p + [(0, None)] * (2 * n)
    solution = linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs")
    return solution.x[:p], solution.fun


def deviations_fit(x: np.ndarray, y: np.ndarray) -> PointEstimate:
    with pm.Model(coords={"column": range(x.shape[1])}) as model:
        beta = pm.Flat("beta", dims="column")
        pm.Laplace("y", x @ beta, 1.0, observed=y)
    return find_MLE(model, **QUIET)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_least_absolute_deviations(seed: int) -> None:
    # The maximum is at a vertex, where two residuals are zero: a kink in neither coordinate alone.
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(9), rng.standard_normal(9)])
    y = x @ np.array([1.0, 2.0]) + rng.laplace(size=9)
    expected, loss = least_absolute_deviations(x, y)
    estimate = deviations_fit(x, y)
    beta = estimate.point["beta"].values
    got = 0.5 * np.abs(y - x @ beta).sum()
    # Whatever it finds, it may say that it converged only if it did.
    if estimate.status.key == "converged":
        np.testing.assert_allclose(beta, expected, rtol=1e-6)
        assert got == pytest.approx(loss, rel=1e-9)
    else:
        assert estimate.status.key == "not_converged"


def test_an_even_sample_has_no_one_median() -> None:
    with pm.Model() as model:
        pm.Laplace("y", pm.Normal("mu", 0, 10), 1.0, observed=[1.0, 2.0, 3.5, 9.0])
    with pytest.warns(EstimationWarning):
        estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "not_identified"
    assert 2.0 <= float(estimate.point["mu"]) <= 3.5
    # PyMC has log(2) in single precision here, off by 2e-9 each.
    assert estimate.log_likelihood == pytest.approx(-9.5 - 4 * np.log(2), abs=1e-8)
