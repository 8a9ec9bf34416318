"""The prior path and the data path: ridge, lasso, conjugate models, and estimates that fail."""

from __future__ import annotations

import warnings

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.objective import Objective, weighted
from bayes_point.estimation.prior.path import data_path, prior_path
from bayes_point.model.density.density import LogDensity
from tests.reference import case_models

QUIET = {"progressbar": False, "random_seed": 1}
COLUMNS = [f"x{j}" for j in range(6)]


def design(seed: int = 0, n: int = 40, p: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 1))
    x = 0.7 * common + rng.standard_normal((n, p))
    return x, x @ np.array([2.0, -1.0, 0.5, 0, 0, 0.1])[:p] + rng.standard_normal(n)


def regression(prior: str, x: np.ndarray, y: np.ndarray, scale: float) -> pm.Model:
    with pm.Model(coords={"column": COLUMNS}) as model:
        if prior == "normal":
            beta = pm.Normal("beta", 0, scale, dims="column")
        else:
            beta = pm.Laplace("beta", 0, scale, dims="column")
        pm.Normal("y", x @ beta, 1.0, observed=y)
    return model


def coin(heads: int, tails: int, a: float = 9, b: float = 9) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", a, b)
        pm.Bernoulli("tosses", theta, observed=[1] * heads + [0] * tails)
    return model


# ------------------------------------------------------------------------------- closed forms


def test_ridge_path() -> None:
    # With beta ~ N(0, tau^2) and unit noise, what is maximised is -1/2 times
    # |y - Xb|^2 + power / tau^2 |b|^2: the ridge estimate (X'X + power / tau^2)^-1 X'y.
    x, y = design()
    tau = 0.3
    path = prior_path(regression("normal", x, y, tau), **QUIET)
    power = path["prior_power"].values
    assert power[0] == 0
    assert 1 in power
    assert power[-1] == 10
    eye = np.eye(6) / tau**2
    ridge = np.array([np.linalg.solve(x.T @ x + k * eye, x.T @ y) for k in power])
    np.testing.assert_allclose(path["beta"].values, ridge, rtol=0, atol=1e-10)
    residual = y - ridge @ x.T
    log_likelihood = stats.norm.logpdf(residual).sum(axis=1)
    np.testing.assert_allclose(path["log_likelihood"].values, log_likelihood, rtol=1e-10)
    log_prior = stats.norm.logpdf(ridge, scale=tau).sum(axis=1)
    np.testing.assert_allclose(path["log_prior"].values, log_prior, rtol=1e-10)
    assert set(path["status"].values) == {"converged"}
    assert path["beta"].dims == ("prior_power", "column")
    assert path["column"].values.tolist() == COLUMNS


def test_ridge_path_with_a_noise_to_estimate() -> None:
    # Given sigma, beta is a ridge estimate with the penalty power sigma^2 / tau^2; given beta, the
    # flat prior leaves sigma^2 the mean squared residual.  Both hold at the joint maximum.
    x, y = design(1)
    with pm.Model(coords={"column": COLUMNS}) as model:
        beta = pm.Normal("beta", 0, 0.4, dims="column")
        sigma = pm.HalfFlat("sigma")
        pm.Normal("y", x @ beta, sigma, observed=y)
    path = prior_path(model, [0, 0.1, 1, 5], **QUIET)
    for power in path["prior_power"].values:
        row = path.sel(prior_power=power)
        b, s = row["beta"].values, float(row["sigma"])
        ridge = np.linalg.solve(x.T @ x + power * s**2 / 0.4**2 * np.eye(6), x.T @ y)
        np.testing.assert_allclose(b, ridge, rtol=1e-8)
        assert s**2 == pytest.approx(np.mean((y - x @ b) ** 2), rel=1e-8)


def coordinate_descent(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Lasso with the penalty ``penalty * sum(|b|)``, one soft threshold after another."""
    b = np.zeros(x.shape[1])
    for _ in range(3000):
        for j in range(len(b)):
            rest = x[:, j] @ (y - x @ b) + x[:, j] @ x[:, j] * b[j]
            b[j] = np.sign(rest) * max(abs(rest) - penalty, 0) / (x[:, j] @ x[:, j])
    return b


@pytest.mark.parametrize("seed", range(3))
def test_lasso_path(seed: int) -> None:
    # Karush, Kuhn and Tucker: x_j'(y - X b) is sign(b_j) power / c where b_j is not zero, and
    # within +-power / c where it is.
    x, y = design(seed)
    c = 0.05
    path = prior_path(regression("laplace", x, y, c), **QUIET)
    zeros = []
    for power, b in zip(path["prior_power"].values, path["beta"].values, strict=True):
        score, zero = x.T @ (y - x @ b), b == 0
        np.testing.assert_allclose(score[~zero], np.sign(b[~zero]) * power / c, atol=1e-9)
        assert np.all(np.abs(score[zero]) <= power / c)
        zeros.append(int(zero.sum()))
    assert set(path["status"].values) == {"converged"}
    assert zeros[0] == 0
    assert zeros[-1] >= 5
    assert len(set(zeros)) > 4  # they come one after the other
    for power in (0.5623413251903491, 1.0, 5.623413251903491):
        b = path["beta"].sel(prior_power=power, method="nearest").values
        expected = coordinate_descent(x, y, power / c)
        np.testing.assert_allclose(b, expected, atol=1e-8)
        np.testing.assert_array_equal(b == 0, expected == 0)


def test_the_path_of_a_lasso_beyond_its_last_coefficient_is_zero() -> None:
    x, y = design()
    # All are zero from the power c max |X'y| on.
    c = 0.05
    end = c * np.abs(x.T @ y).max()
    path = prior_path(regression("laplace", x, y, c), [0.99 * end, 1.01 * end, 10 * end], **QUIET)
    assert (path["beta"].values != 0).sum(axis=1).tolist() == [1, 0, 0]


@pytest.mark.parametrize(("heads", "tails"), [(6, 2), (1, 30)])
def test_beta_binomial_paths(heads: int, tails: int) -> None:
    # Powers of the prior are pseudo-tosses: power * (a - 1) heads and power * (b - 1) tails.
    a, b, n = 9.0, 3.0, heads + tails
    model = coin(heads, tails, a, b)
    path = prior_path(model, **QUIET)
    power = path["prior_power"].values
    expected = (heads + power * (a - 1)) / (n + power * (a + b - 2))
    np.testing.assert_allclose(path["theta"].values, expected, rtol=1e-8)
    path = data_path(model, **QUIET)
    power = path["data_power"].values[:-1]
    expected = (power * heads + a - 1) / (power * n + a + b - 2)
    np.testing.assert_allclose(path["theta"].values, [*expected, heads / n], rtol=1e-8)
    assert np.isinf(path["data_power"].values[-1])


def test_normal_path() -> None:
    # A precision-weighted mean, the precision of the prior times its power.
    y, sd, mean, tau = np.array([3.1, 4.0, 2.2]), 1.5, -2.0, 0.7
    with pm.Model() as model:
        mu = pm.Normal("mu", mean, tau)
        pm.Deterministic("twice", 2 * mu)
        pm.Normal("y", mu, sd, observed=y)
    powers = np.array([0.0, 0.01, 1, 7, 1e6])
    path = prior_path(model, powers, **QUIET)
    precision = len(y) / sd**2 + powers / tau**2
    expected = (y.sum() / sd**2 + powers * mean / tau**2) / precision
    np.testing.assert_allclose(path["mu"].values, expected, rtol=1e-12)
    np.testing.assert_allclose(path["twice"].values, 2 * expected, rtol=1e-12)
    only = prior_path(model, powers, var_names="twice", **QUIET)
    assert list(only.data_vars) == ["twice"]


# -------------------------------------------------------------------------- defining properties


@pytest.mark.parametrize("build", [case_models.bioassay, case_models.swiss_lasso])
def test_ends_are_the_mle_and_the_map(build: object) -> None:
    model = build()  # type: ignore[operator]
    path = prior_path(model, [0, 0.5, 1], **QUIET)
    for power, find in ((0, bp.find_MLE), (1, bp.find_MAP)):
        estimate = find(model, **QUIET)
        row = path.sel(prior_power=power)
        for name in path.data_vars:
            # The same search, so the same point to the last digit.
            np.testing.assert_array_equal(row[name].values, estimate.point[name].values)
        assert row["status"].item() == estimate.status.key
        assert float(row["log_likelihood"]) == pytest.approx(estimate.log_likelihood, rel=1e-13)
        assert float(row["log_prior"]) == pytest.approx(estimate.log_prior, rel=1e-13)


def test_likelihood_falls_and_prior_rises_along_the_path() -> None:
    # If x is best at power s and z at power t > s, add the two inequalities that say so: the
    # log-prior of z is at least that of x, and its log-likelihood at most that of x.
    rng = np.random.default_rng(3)
    x = rng.standard_normal(30)
    with pm.Model() as model:
        a, b = pm.StudentT("a", nu=3, mu=0, sigma=1), pm.Normal("b", -1, 0.5)
        pm.Bernoulli("y", logit_p=a + b * x, observed=rng.random(30) < 1 / (1 + np.exp(-1 - 2 * x)))
    path = prior_path(model, np.geomspace(0.01, 100, 41), **QUIET)
    assert np.all(np.diff(path["log_prior"]) > 0)
    assert np.all(np.diff(path["log_likelihood"]) < 0)
    # The same maxima, the weights divided by the power.
    back = data_path(model, np.geomspace(0.01, 100, 41), **QUIET)
    np.testing.assert_allclose(back["a"].values, path["a"].values[::-1], rtol=1e-9)


def test_of_two_modes_the_better_one_is_followed() -> None:
    # A Cauchy likelihood against a prior far away: the path jumps from the data to the prior.
    y = np.array([0.0, 0.2, 9.8, 10.0, 10.3])
    with pm.Model() as model:
        mu = pm.Normal("mu", -4, 2)
        pm.StudentT("y", nu=1, mu=mu, sigma=0.3, observed=y)
    path = prior_path(model, **QUIET)
    grid = np.linspace(-5, 11, 160_001)
    log_likelihood = stats.cauchy.logpdf(y[:, None], grid, 0.3).sum(axis=0)
    log_prior = stats.norm.logpdf(grid, -4, 2)
    best = [grid[np.argmax(log_likelihood + k * log_prior)] for k in path["prior_power"].values]
    np.testing.assert_allclose(path["mu"].values, best, atol=1e-4)
    assert np.abs(np.diff(best)).max() > 5


def test_rows_of_other_weights_in_one_batch() -> None:
    # Each row is the weighted sum of the density's own terms; what weighs nothing plays no part.
    x, y = design()
    density = LogDensity(regression("normal", x, y, 0.5))
    theta = np.random.default_rng(0).standard_normal((3, 6))
    w = np.array([[1.0, 0.0], [1.0, 2.5], [0.25, 1.0]])
    objective = Objective(density, {"likelihood": w[:, 0], "prior": w[:, 1]})
    terms, gradients = density.evaluate(theta, ("likelihood", "prior"))
    value, gradient = objective.evaluate(theta)
    np.testing.assert_allclose(value, (w * terms).sum(axis=1))
    np.testing.assert_allclose(gradient, np.einsum("bt,btp->bp", w, gradients))
    hessian = objective.hessian(theta)
    expected = -w[:, :1, None] * (x.T @ x) - w[:, 1:, None] * np.eye(6) / 0.25
    np.testing.assert_allclose(hessian, expected, atol=1e-10)
    there = objective.rows(np.array([2, 0, 2]))
    np.testing.assert_allclose(there.evaluate(theta[[2, 0, 2]])[0], value[[2, 0, 2]])
    assert weighted(w[:1], np.array([[-3.0, -np.inf]])) == [-3.0]


# ---------------------------------------------------------------------- what is no point, and why


def statuses(path: xr.Dataset) -> list[str]:
    return list(path["status"].values)


def test_a_mle_on_the_boundary() -> None:
    path = prior_path(coin(3, 0), [0, 0.5, 1], **QUIET)
    np.testing.assert_allclose(path["theta"].values, [1, 7 / 11, 11 / 19], rtol=1e-8)
    assert statuses(path) == ["on_boundary", "converged", "converged"]
    assert "theta = 1" in path["note"].values[0]
    assert path["log_likelihood"].values[0] == pytest.approx(0, abs=1e-6)
    assert path["log_prior"].values[0] == -np.inf


def test_a_mle_at_infinity() -> None:
    x = np.linspace(-1, 1, 12)
    with pm.Model() as model:
        b = pm.Normal("b", 0, 3)
        pm.Bernoulli("y", logit_p=b * x, observed=x > 0)
    with pytest.warns(
        EstimationWarning, match=r"of prior_power there is no .*: at infinity at 0\."
    ):
        path = prior_path(model, [0, 0.1, 1], **QUIET)
    assert statuses(path) == ["at_infinity", "converged", "converged"]
    values = path["b"].values
    assert values[0] == np.inf
    # Its defining equation: sum |x| / (1 + exp(b |x|)) = power b / 9.
    slope = np.sum(np.abs(x) / (1 + np.exp(values[1:, None] * np.abs(x))), axis=1)
    np.testing.assert_allclose(slope, np.array([0.1, 1]) * values[1:] / 9, rtol=1e-9)


def test_what_the_data_do_not_identify() -> None:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 3), pm.Normal("b", 1, 3)
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 5.0])
    with pytest.warns(EstimationWarning, match="not identified at 0"):
        path = prior_path(model, [0, 1e-3, 1], **QUIET)
    assert statuses(path) == ["not_identified", "converged", "converged"]
    assert "a +1, b -1" in path["note"].values[0]
    # However little it weighs, the prior decides between them: b - a is its mean.
    np.testing.assert_allclose((path["b"] - path["a"]).values[1:], 1, rtol=1e-8)


@pytest.mark.slow
def test_a_pole_of_the_prior_is_one_at_every_power() -> None:
    # As tau vanishes with all effects at mu, the log-prior grows as -8 log(tau), whatever its
    # power; the likelihood alone knows neither mu nor tau.
    y, sd = [28.0, 8, -3, 7, -1, 1, 18, 12], [15.0, 10, 16, 11, 9, 11, 10, 18]
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        effect = pm.Normal("effect", mu, tau, shape=8)
        pm.Normal("y", effect, np.array(sd), observed=y)
    with pytest.warns(EstimationWarning, match="unbounded at 0.001, 0.1, 1, 2"):
        path = prior_path(model, [0, 0.001, 0.1, 1, 2], **QUIET)
    assert statuses(path) == ["not_identified", *["unbounded"] * 4]
    assert np.all(np.isnan(path["tau"].values[1:]))
    assert np.all(np.isinf(path["log_prior"].values[1:]))


def test_where_the_prior_wins_the_maximum_is_lost() -> None:
    # rate ~ Gamma(0.5, 1), two events in unit time: the log joint density at power c is
    # (2 - c / 2) log(rate) - (1 + c) rate, with the maximum at (2 - c / 2) / (1 + c) below c = 4;
    # from there on it has no upper bound as the rate goes to 0 (at 4 it has, and no maximum).
    with pm.Model() as model:
        rate = pm.Gamma("rate", 0.5, 1)
        pm.Poisson("events", rate, observed=2)
    with pytest.warns(EstimationWarning, match="unbounded at 5, 6, 7, 8"):
        path = prior_path(model, [0, 0.5, 1, 3, 5, 6, 7, 8], **QUIET)
    c = np.array([0, 0.5, 1, 3])
    np.testing.assert_allclose(path["rate"][:4], (2 - c / 2) / (1 + c), rtol=1e-8)
    assert statuses(path) == ["converged"] * 4 + ["unbounded"] * 4
    assert np.isnan(path["rate"][4:]).all()


def test_potentials_are_data_or_prior() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Potential("other", -0.5 * (mu - 3) ** 2)
        pm.Normal("y", mu, 1, observed=[1.0, 3.0, 4.0])
    k = np.array([0.0, 1, 4])
    as_prior = prior_path(model, k, potentials="prior", **QUIET)
    np.testing.assert_allclose(as_prior["mu"].values, (8 + 3 * k) / (3 + 2 * k), rtol=1e-12)
    as_data = prior_path(model, k, potentials="likelihood", **QUIET)
    np.testing.assert_allclose(as_data["mu"].values, 11 / (4 + k), rtol=1e-12)
    own = -0.5 * (as_data["mu"].values - 3) ** 2
    data = stats.norm.logpdf(as_data["mu"].values[:, None], [1, 3, 4]).sum(axis=1)
    np.testing.assert_allclose(as_data["log_likelihood"].values, data + own, rtol=1e-12)
    with pytest.raises(ModelError, match="potentials='likelihood' or potentials='prior'"):
        prior_path(model, **QUIET)


# ------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "powers", [[], [[0, 1]], [-1, 0], [0, np.nan], [1, 1], [0, np.inf], ["a"], None.__class__]
)
def test_powers_that_make_no_sense(powers: object) -> None:
    with pytest.raises(ModelError, match="must be distinct numbers, 0 or larger and finite; got"):
        prior_path(coin(1, 1), powers, **QUIET)  # type: ignore[arg-type]


def test_powers_of_the_data_are_positive() -> None:
    with pytest.raises(ModelError, match=r"powers of the data must be .*larger than 0 .*inf for"):
        data_path(coin(1, 1), [0, 1], **QUIET)


def test_arguments_are_checked_before_any_work() -> None:
    with pytest.raises(ModelError, match=r"var_names holds \['nu'\].*it has \['theta'\]"):
        prior_path(coin(1, 1), var_names=["theta", "nu"], **QUIET)
    with pytest.raises(ModelError, match="n_starts must be a whole number of at least 1, got 0"):
        prior_path(coin(1, 1), n_starts=0, **QUIET)
    with pytest.raises(ModelError, match="prior_path was given no model"):
        prior_path()


def test_estimates_that_are_known_are_not_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model = coin(6, 2)
    known = [bp.find_MLE(model, **QUIET), bp.find_MAP(model, **QUIET)]
    plain = prior_path(model, [0, 0.5, 1], **QUIET)
    searched: list[object] = []
    monkeypatch.setattr("bayes_point.estimation.prior.rows.search", searched.append)
    path = prior_path(model, [0, 0.5, 1], estimates=known, **QUIET)
    assert not searched
    xr.testing.assert_allclose(path, plain, rtol=1e-10)
    assert statuses(path) == ["converged"] * 3


def test_a_known_estimate_with_several_optima_starts_the_others() -> None:
    # At the MAP the mode at the data is the best by far; that at the prior, a local one there, is
    # the best where the prior weighs 100.
    y = np.array([9.8, 10.0, 10.3])
    with pm.Model() as model:
        mu = pm.Normal("mu", -4, 2)
        pm.StudentT("y", nu=1, mu=mu, sigma=0.01, observed=y)
    known = [bp.find_MLE(model, **QUIET), bp.find_MAP(model, **QUIET)]
    xr.testing.assert_allclose(
        prior_path(model, [0, 1, 100], estimates=known, **QUIET),
        prior_path(model, [0, 1, 100], **QUIET),
        rtol=1e-7,
    )


def test_estimates_of_something_else_are_refused() -> None:
    model = coin(6, 2)
    with pytest.raises(ModelError, match=r"holds a MAP of another model.*for this model, or leave"):
        prior_path(model, estimates=[bp.find_MAP(coin(6, 2), **QUIET)], **QUIET)
    with pytest.raises(ModelError, match=r"holds a MAP with jacobian=True\. The path is"):
        prior_path(model, estimates=[bp.find_MAP(model, jacobian=True, **QUIET)], **QUIET)
    with pytest.raises(ModelError, match=r"what find_MLE and find_MAP return, got 'MAP'"):
        prior_path(model, estimates=["MAP"], **QUIET)  # type: ignore[list-item]


def test_powers_are_sorted_and_one_is_enough() -> None:
    model = coin(6, 2)
    assert prior_path(model, [2, 0, 1], **QUIET)["prior_power"].values.tolist() == [0, 1, 2]
    one = prior_path(model, [0.5], **QUIET)
    assert one["theta"].values == pytest.approx([10 / 16], rel=1e-10)
    with model:
        assert prior_path(powers=[0.5], **QUIET).identical(one)


def test_a_path_can_be_stored(tmp_path: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = prior_path(coin(3, 0), [0, 1], **QUIET)
    file = f"{tmp_path}/path.nc"
    path.to_netcdf(file, engine="h5netcdf")
    with xr.open_dataset(file, engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), path)
