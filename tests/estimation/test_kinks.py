"""Maxima where the density has no derivative: a lasso's zeros, medians, least deviations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pymc as pm
import pytest
from scipy.optimize import brentq, linprog
from scipy.stats import chi2

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.face.profile import profile
from bayes_point.estimation.nonsmooth.kinks import is_maximum_along, settle
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.prior.path import prior_path
from bayes_point.estimation.profile.interval import profile_interval
from bayes_point.model.density.density import LogDensity
from tests.reference import kinks, prior_kinks
from tests.reference.prior_kinks import penalised_squares

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
def test_least_absolute_deviations(seed: int) -> None:
    # The maximum is at a vertex, where two residuals are zero: a kink in neither coordinate alone.
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(9), rng.standard_normal(9)])
    y = x @ np.array([1.0, 2.0]) + rng.laplace(size=9)
    expected, _ = least_absolute_deviations(x, y)
    estimate = deviations_fit(x, y)
    assert estimate.status.key == "converged"
    np.testing.assert_allclose(estimate.point["beta"].values, expected, rtol=1e-9)
    [finding] = estimate.findings
    assert finding.parameters == ("beta[0]", "beta[1]")
    assert "exactly at a kink of the density in beta[0], beta[1]" in finding.what


def test_quantile_regression_of_a_larger_sample() -> None:
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(200), rng.standard_normal((200, 4))])
    y = x @ np.array([1.0, 2.0, 0.0, -1.0, 0.5]) + rng.standard_t(3, size=200)
    tau = 0.3
    expected, _ = least_absolute_deviations(x, y, tau)
    with pm.Model() as model:
        beta = pm.Flat("beta", shape=5)
        # Slopes in proportion to tau above and 1 - tau below.
        pm.AsymmetricLaplace("y", mu=x @ beta, b=1.0, q=tau, observed=y)
    estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "converged"
    np.testing.assert_allclose(estimate.point["beta"].values, expected, rtol=1e-9)


def test_an_even_sample_has_no_one_median() -> None:
    with pm.Model() as model:
        pm.Laplace("y", pm.Normal("mu", 0, 10), 1.0, observed=[1.0, 2.0, 3.5, 9.0])
    with pytest.warns(EstimationWarning):
        estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "not_identified"
    assert 2.0 <= float(estimate.point["mu"]) <= 3.5
    # PyMC has log(2) in single precision here, off by 2e-9 each.
    assert estimate.log_likelihood == pytest.approx(-9.5 - 4 * np.log(2), abs=1e-8)


def test_three_kinks_in_a_plane() -> None:
    # One more than there are dimensions. Along (1, 0) the sum falls by 2 at most and rises by 0.3.
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Potential("f", -abs(a) - abs(b) - abs(a + b) - 0.2 * (a - b) - 0.1 * a)
    estimate = find_MAP(model, **QUIET)
    assert estimate.status.key == "converged"
    assert (float(estimate.point["a"]), float(estimate.point["b"])) == (0.0, 0.0)


def test_hinges_and_absolute_values_together() -> None:
    # A linear program: sum of the hinges h_i >= 1 - s_i x_i'b, h_i >= 0, and of |b_j| / 2.
    rng = np.random.default_rng(3)
    x = rng.standard_normal((25, 3))
    side = np.sign(x @ np.array([1.0, -0.5, 0.0]) + 0.8 * rng.standard_normal(25))
    signed = side[:, None] * x
    cost = np.concatenate([np.full(6, 0.5), np.ones(25)])
    least = linprog(
        cost,
        A_ub=-np.hstack([signed, -signed, np.eye(25)]),
        b_ub=-np.ones(25),
        bounds=[(0, None)] * 31,
    )
    with pm.Model() as model:
        b = pm.Laplace("b", 0, 2, shape=3)
        pm.Potential("hinge", -pm.math.maximum(0, 1 - signed @ b).sum())
    estimate = find_MAP(model, **QUIET)
    assert estimate.status.key == "converged"
    np.testing.assert_allclose(estimate.point["b"].values, least.x[:3] - least.x[3:6], atol=1e-9)


@pytest.mark.slow
def test_broken_stick_with_laplace_errors() -> None:
    # Given the place of the break the rest is least absolute deviations, and the likelihood
    # -n log(2 s) - n at s, their mean. No place is better than the estimate's.
    x = np.linspace(0, 10, 25)
    y = 1 + 0.8 * np.maximum(0, x - 4.3) + 0.3 * np.random.default_rng(2).standard_normal(25)
    with pm.Model() as model:
        a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Normal("c", 5, 3)
        pm.Laplace("y", a + b * pm.math.maximum(0, x - c), pm.HalfFlat("s"), observed=y)
    estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "converged"
    at = float(estimate.point["c"])

    def likelihood(place: float) -> float:
        design = np.column_stack([np.ones(25), np.maximum(0, x - place)])
        loss = 2 * least_absolute_deviations(design, y)[1]
        return -25 * np.log(2 * loss / 25) - 25

    assert estimate.log_likelihood == pytest.approx(likelihood(at), rel=1e-8)
    for place in [*np.linspace(1, 8, 36), at - 0.01, at + 0.01]:
        assert likelihood(place) < estimate.log_likelihood


# ------------------------------------------------------------------------- lassos of many columns


@pytest.mark.parametrize("known", [True, False])
def test_lasso_of_fifty_columns_has_exact_zeros(known: bool) -> None:
    # Karush, Kuhn and Tucker, as above; the sd under a half-normal prior: v = sd^2 solves
    # v^2 + n v = the sum of squared residuals.
    rng = np.random.default_rng(7)
    n, p, c = 100, 50, 0.05
    x = rng.standard_normal((n, p))
    y = x[:, :5] @ np.array([2.0, -1.0, 1.0, 0.5, -0.5]) + rng.standard_normal(n)
    with pm.Model() as model:
        beta = pm.Laplace("beta", 0, c, shape=p)
        sd = 1.0 if known else pm.HalfNormal("sd", 1)
        pm.Normal("y", x @ beta, sd, observed=y)
    estimate = find_MAP(model, **QUIET)
    beta = estimate.point["beta"].values
    residual, zero = y - x @ beta, beta == 0
    variance = 1.0 if known else float(estimate.point["sd"]) ** 2
    score = x.T @ residual / variance
    assert estimate.status.key == "converged"
    assert 30 < zero.sum() < 48
    np.testing.assert_allclose(score[~zero], np.sign(beta[~zero]) / c, rtol=1e-8)
    assert np.all(np.abs(score[zero]) < 1 / c)
    if not known:
        assert variance**2 + n * variance == pytest.approx(residual @ residual, rel=1e-8)
    [finding] = estimate.findings
    assert "exactly at the prior's kink" in finding.what
    assert finding.parameters == tuple(f"beta[{j}]" for j in np.flatnonzero(zero))


def test_a_path_of_a_hundred_powers_keeps_to_the_conditions() -> None:
    # At power q the scale of the prior is c / q.
    powers = np.linspace(0, 3, 100)
    path = prior_path(prior_kinks.lasso(), powers=powers, progressbar=False)
    assert set(path["status"].values) == {"converged"}
    x, y, sd, c = prior_kinks.X, prior_kinks.Y, prior_kinks.SD, prior_kinks.SCALE
    beta = path["beta"].values
    score = (y - beta @ x.T) @ x / sd**2
    most = np.broadcast_to(powers[:, None] / c, beta.shape)
    zero = beta == 0
    np.testing.assert_allclose(score[~zero], (np.sign(beta) * most)[~zero], rtol=1e-8, atol=1e-10)
    assert np.all(np.abs(score[zero]) <= most[zero] * (1 + 1e-9))
    assert 0 < zero.sum() < zero.size


# ----------------------------------------------------------------------- profiles through kinks


def crossings(height: Callable[[float], float], at: float) -> list[float]:
    """Where twice the fall from the top is the 95 % quantile of chi-squared."""
    cut, top = chi2.ppf(0.95, 1), height(at)
    return [brentq(lambda c: 2 * (top - height(c)) - cut, at, at + way) for way in (-5.0, 5.0)]


def test_profile_of_a_lasso() -> None:
    # The other coefficients by the conditions of Karush, Kuhn and Tucker, anew at each value: on
    # the way some come to zero and others leave it.
    x, y, sd, c = prior_kinks.X, prior_kinks.Y, prior_kinks.SD, prior_kinks.SCALE

    def height(j: int, value: float) -> float:
        rest = np.delete(np.arange(5), j)
        left = y - value * x[:, j]
        b = penalised_squares(x[:, rest], left, sd, 1 / c, 1 / c)
        return (
            -np.sum((left - x[:, rest] @ b) ** 2) / (2 * sd**2) - (abs(value) + np.abs(b).sum()) / c
        )

    estimate = find_MAP(prior_kinks.lasso(), **QUIET)
    tree = profile(estimate=estimate, ci_prob=0.95, n_points=12, progressbar=False)
    assert np.all(tree["profile/reason"].values == "crossing")
    for j, at in enumerate(estimate.point["beta"].values):
        expected = crossings(partial(height, j), at)
        np.testing.assert_allclose(tree["profile/interval"].values[j], expected, rtol=1e-6)
        # So is every point between.
        row = tree["profile"].isel(parameter=j)
        value, density = (row[name].values for name in ("value", "log_density"))
        known = np.isfinite(density)
        got = density[known] - density[known].max()
        want = np.array([height(j, v) for v in value[known]]) - height(j, at)
        np.testing.assert_allclose(got, want, atol=1e-7)


def test_profile_of_a_laplace_regression() -> None:
    # Given one coefficient, the sum of absolute deviations and the ridge is convex in the other.
    def height(j: int, value: float) -> float:
        left, column = kinks.Y - value * kinks.DESIGN[:, j], kinks.DESIGN[:, 1 - j]
        ridge = 2 * kinks.PRIOR_SD**2
        places = left / column
        # Least at a kink, or between two of them where the slope of the ridge makes up for it.
        slopes = [np.sum(np.sign(left - column * b) * column) for b in places]
        between = [ridge / 2 * (s + d) for s in slopes for d in np.linspace(-2, 2, 41)]
        tried = np.array([*places, *between])
        loss = np.abs(left - np.outer(tried, column)).sum(axis=1) + tried**2 / ridge
        return -float(loss.min()) - value**2 / ridge

    estimate = find_MAP(kinks.laplace_known_scale(), **QUIET)
    interval = profile_interval(estimate, ci_prob=0.95)
    for j, name in enumerate(("a", "b")):
        expected = crossings(partial(height, j), float(estimate.point[name]))
        np.testing.assert_allclose(interval[name].values, expected, rtol=1e-4)
