"""The cost of plugging in: a normal mean and a coin in closed form, and what does not exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from arviz_stats import loo
from scipy import stats

import bayes_point as bp
from bayes_point.comparison.inputs.left_out import k_limit, leave_out, log_mean_exp
from bayes_point.errors import ComparisonError, ModelError
from bayes_point.predicting import predictive

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
Y = np.array([0.3, -1.1, 2.0, 0.7, 1.9, -0.4, 0.8, 1.3])
SD, MEAN, TAU = 1.2, -1.0, 0.8


def normal_model(y: np.ndarray = Y, mean: float = MEAN, tau: float = TAU) -> pm.Model:
    with pm.Model(coords={"day": [f"d{i}" for i in range(len(y))]}) as model:
        mu = pm.Normal("mu", mean, tau)
        pm.Normal("y", mu, SD, observed=y, dims="day")
    return model


def posterior_of_mean(y: np.ndarray, mean: float, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of mu given all of y, and given all but each: shapes (n + 1,)."""
    n = np.array([len(y), *[len(y) - 1] * len(y)])
    total = np.array([y.sum(), *(y.sum() - y)])
    precision = n / SD**2 + 1 / tau**2
    return (total / SD**2 + mean / tau**2) / precision, 1 / precision


def normal_draws(y: np.ndarray, mean: float, tau: float, seed: int, draws: int) -> xr.DataTree:
    m, v = posterior_of_mean(y, mean, tau)
    mu = np.random.default_rng(seed).normal(m[0], np.sqrt(v[0]), size=(4, draws))
    return xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), mu)})})


@pytest.fixture(scope="module")
def cost() -> xr.Dataset:
    return predictive(normal_model(), normal_draws(Y, MEAN, TAU, 2, 1000), ci_prob=0.8, **QUIET)


def test_plug_in_of_a_normal_mean(cost: xr.Dataset) -> None:
    # The MLE is the mean of what it has seen; the MAP draws that towards the prior.
    without = (Y.sum() - Y) / (len(Y) - 1)
    m, _ = posterior_of_mean(Y, MEAN, TAU)
    for name, seen, unseen in (("MLE", Y.mean(), without), ("MAP", m[0], m[1:])):
        for scope, centre in (("observed", seen), ("left_out", unseen)):
            got = cost.sel(distribution=name, scope=scope)
            expected = stats.norm.logpdf(Y, centre, SD)
            np.testing.assert_allclose(got["log_density"], expected, rtol=1e-9)
            assert float(got["total"]) == pytest.approx(expected.sum(), rel=1e-9)
            se = np.sqrt(len(Y)) * expected.std(ddof=1)
            assert float(got["total_se"]) == pytest.approx(se, rel=1e-9)
            pit = stats.norm.cdf(Y, centre, SD)
            np.testing.assert_allclose(got["pit"], pit, atol=1e-7)
            # Within the central 80 %: 1.2816 sd from the centre.
            inside = np.abs(Y - centre) < 1.2815515655446004 * SD
            assert float(got["coverage"]) == inside.mean()
            test = stats.kstest(pit, "uniform")
            assert float(got["distance"]) == pytest.approx(test.statistic, abs=1e-6)
            assert float(got["p_value"]) == pytest.approx(test.pvalue, abs=1e-5)
    assert np.all(np.isnan(cost["pareto_k"].sel(distribution=["MLE", "MAP"])))
    assert cost["note"].values.tolist() == [""] * 4
    assert cost["observation"].values.tolist() == [f"y[d{i}]" for i in range(8)]


def test_laplace_and_posterior_of_a_normal_mean(cost: xr.Dataset) -> None:
    # Both are the posterior itself here, so that y_i is N(m, sd^2 + v), with m and v those given
    # all of y or all but y_i. The error of the draws is that over sets of draws from the same.
    m, v = posterior_of_mean(Y, MEAN, TAU)
    truth = {
        "observed": stats.norm(m[0], np.sqrt(SD**2 + v[0])),
        "left_out": stats.norm(m[1:], np.sqrt(SD**2 + v[1:])),
    }
    rng = np.random.default_rng(3)
    sets = []
    for _ in range(20):
        mu = rng.normal(m[0], np.sqrt(v[0]), size=(4000, 1))
        density, below = stats.norm.logpdf(Y, mu, SD), stats.norm.cdf(Y, mu, SD)
        left = leave_out(density, below, below, 1.0)
        sets.append([log_mean_exp(density), left.log_density, below.mean(axis=0), left.upper])
    error = np.std(sets, axis=0, ddof=1)
    for name in ("Laplace", "posterior"):
        for k, scope in enumerate(("observed", "left_out")):
            got, of = cost.sel(distribution=name, scope=scope), truth[scope]
            assert np.all(np.abs(got["log_density"] - of.logpdf(Y)) < 5 * error[k])
            assert np.all(np.abs(got["pit"] - of.cdf(Y)) < 5 * error[2 + k] + 1e-7)
    difference = cost["log_density"] - cost["log_density"].sel(distribution="posterior")
    np.testing.assert_allclose(cost["difference"], difference.sum("observation"), atol=1e-12)
    se = np.sqrt(8) * difference.std("observation", ddof=1)
    np.testing.assert_allclose(cost["difference_se"], se, atol=1e-12)
    assert cost["difference"].sel(distribution="posterior").values.tolist() == [0, 0]


def test_leaving_out_is_that_of_arviz(cost: xr.Dataset) -> None:
    dt = normal_draws(Y, MEAN, TAU, 2, 1000)
    mu = dt["posterior"]["mu"].values[..., None]
    terms = (("chain", "draw", "day"), stats.norm.logpdf(Y, mu, SD))
    dt["log_likelihood"] = xr.DataTree(xr.Dataset({"y": terms}))
    theirs = loo(dt, pointwise=True)
    ours = cost.sel(scope="left_out", distribution="posterior")
    np.testing.assert_allclose(ours["log_density"], theirs.elpd_i, rtol=1e-9)
    np.testing.assert_allclose(ours["pareto_k"], theirs.pareto_k, atol=1e-6)
    assert float(ours["total"]) == pytest.approx(theirs.elpd, rel=1e-9)
    assert float(ours["total_se"]) == pytest.approx(theirs.se, rel=1e-9)


def test_weights_of_draws_that_do_not_matter() -> None:
    same = np.full((100, 2), -1.5)
    left = leave_out(same, np.full((100, 2), 0.25), np.full((100, 2), 0.5), 1.0)
    np.testing.assert_allclose(left.log_density, -1.5)
    np.testing.assert_allclose([*left.lower, *left.upper], [0.25, 0.25, 0.5, 0.5])
    assert np.all(left.pareto_k == -np.inf)
    assert k_limit(4000) == 0.7
    assert k_limit(100) == pytest.approx(0.5)


def test_a_coin() -> None:
    # MLE: heads / tosses. Without the one tail it is 1, on the boundary, and a tail impossible.
    tosses = np.array([1, 1, 0, 1])
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=tosses)
    draws = np.random.default_rng(4).beta(5, 3, size=(4, 1000))
    dt = xr.DataTree.from_dict({"posterior": xr.Dataset({"theta": (("chain", "draw"), draws)})})
    cost = predictive(model, dt, **QUIET)
    mle = cost.sel(distribution="MLE")
    seen = np.log([0.75, 0.75, 0.25, 0.75])
    np.testing.assert_allclose(mle["log_density"].sel(scope="observed"), seen, rtol=1e-8)
    left = mle["log_density"].sel(scope="left_out").values
    np.testing.assert_allclose(np.exp(left), [2 / 3, 2 / 3, 0, 2 / 3], rtol=1e-6)
    assert left[2] == -np.inf
    assert mle["difference"].sel(scope="left_out") == -np.inf
    # MAP: (heads + 1) / (tosses + 2).
    map_ = cost["log_density"].sel(distribution="MAP", scope="left_out").values
    np.testing.assert_allclose(map_, np.log([3 / 5, 3 / 5, 1 / 5, 3 / 5]), rtol=1e-6)
    # Posterior: (heads + 2) / (tosses + 4). Its error: the same over other sets of draws.
    sets = []
    for seed in range(20):
        other = np.random.default_rng(100 + seed).beta(5, 3, size=(4000, 1))
        density = np.log(np.where(tosses == 1, other, 1 - other))
        sets.append(leave_out(density, density, density, 1.0).log_density)
    full = cost["log_density"].sel(distribution="posterior", scope="left_out").values
    off = np.abs(full - np.log([4 / 7, 4 / 7, 2 / 7, 4 / 7]))
    assert np.all(off < 5 * np.std(sets, axis=0, ddof=1))
    # A PIT lies between the probabilities of less and of as much or less.
    pit = mle["pit"].sel(scope="observed").values
    assert np.all((pit[tosses == 1] >= 0.25) & (pit[tosses == 1] <= 1))
    assert 0 <= pit[2] <= 0.25
    # Intervals of whole numbers cover more than they have to: all of them here.
    assert mle["coverage"].sel(scope="observed") == 1


def test_where_importance_sampling_fails_the_model_is_fitted_anew() -> None:
    # One observation far from three others, and a prior that knows nothing: without it the
    # posterior is elsewhere.
    y = np.array([0.1, -0.2, 0.05, 9.0])
    model = normal_model(y, 0.0, 100.0)
    dt = normal_draws(y, 0.0, 100.0, 5, 500)
    doubtful = predictive(model, dt, max_refits=0, **QUIET)
    high = doubtful["pareto_k"] > 0.7
    assert bool(high.sel(distribution="Laplace", observation="y[d3]"))
    assert doubtful["refitted"].sum() == 0
    note = str(doubtful["note"].sel(distribution="Laplace").item())
    assert "y[d3]: predictions of these when they are left out are not to be trusted" in note
    cost = predictive(model, None, max_refits=4, **QUIET)
    column = cost.sel(distribution="Laplace", scope="left_out")
    assert "the model was fitted anew without each of them" in str(column["note"].item())
    assert int(column["refitted"].sel(observation="y[d3]")) == 1
    m, v = posterior_of_mean(y, 0.0, 100.0)
    sd = np.sqrt(SD**2 + v[4])
    # 4,000 draws, of which few are near 9: the error of their mean density.
    draws = stats.norm.pdf(
        9.0, m[4] + np.sqrt(v[4]) * np.random.default_rng(6).normal(size=4000), SD
    )
    error = draws.std() / np.sqrt(4000) / draws.mean()
    got = float(column["log_density"].sel(observation="y[d3]"))
    assert abs(got - stats.norm.logpdf(9.0, m[4], sd)) < 5 * error


@pytest.mark.slow
def test_the_posterior_is_sampled_anew() -> None:
    y = np.array([0.1, -0.2, 0.05, 9.0])
    cost = predictive(
        normal_model(y, 0.0, 100.0),
        normal_draws(y, 0.0, 100.0, 5, 300),
        sample_kwargs={"nuts_sampler": "pymc", "tune": 300},
        **QUIET,
    )
    column = cost.sel(distribution="posterior", scope="left_out", observation="y[d3]")
    assert int(column["refitted"]) == 1
    m, v = posterior_of_mean(y, 0.0, 100.0)
    truth = stats.norm.logpdf(9.0, m[4], np.sqrt(SD**2 + v[4]))
    draws = stats.norm.pdf(
        9.0, m[4] + np.sqrt(v[4]) * np.random.default_rng(6).normal(size=1200), SD
    )
    # The draws of a chain are worth a third of independent ones, at the least.
    error = np.sqrt(3) * draws.std() / np.sqrt(1200) / draws.mean()
    assert abs(float(column["log_density"]) - truth) < 5 * error


# ------------------------------------------------------------------------- what does not exist


def logistic(x: np.ndarray, y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        b = pm.Normal("b", 0, 2)
        pm.Bernoulli("y", logit_p=b * x, observed=y)
    return model


def test_without_a_posterior_its_column_says_so() -> None:
    cost = predictive(normal_model(), **QUIET)
    column = cost.sel(distribution="posterior")
    assert str(column["note"].item()) == "There is no posterior: pass bp.fit(model)."
    assert np.all(np.isnan(column["log_density"]))
    assert np.all(np.isnan(cost["difference"]))
    assert np.all(np.isfinite(cost["total"].sel(distribution=["MLE", "MAP", "Laplace"])))


@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_without_an_mle_its_column_says_so() -> None:
    x = np.linspace(-1, 1, 6)
    cost = predictive(logistic(x, (x > 0).astype(int)), **QUIET)
    column = cost.sel(distribution="MLE")
    assert str(column["note"].item()) == "The MLE cannot be plugged in: at infinity."
    for name in ("log_density", "pit", "total", "coverage", "distance"):
        assert np.all(np.isnan(column[name]))
    assert np.all(np.isfinite(cost["total"].sel(distribution="MAP")))


def test_a_refit_without_an_mle_is_named() -> None:
    # Of these six only the fifth keeps the data from being separated at zero.
    x = np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])
    y = np.array([0, 0, 0, 1, 0, 1])
    cost = predictive(logistic(x, y), **QUIET)
    column = cost.sel(distribution="MLE")
    note = "Without y[4] there is no MLE (at infinity), and so no prediction."
    assert str(column["note"].item()) == note
    left = column["log_density"].sel(scope="left_out").values
    assert np.isnan(left).tolist() == [False] * 4 + [True, False]
    assert np.isnan(float(column["total"].sel(scope="left_out")))
    assert np.isfinite(float(column["total"].sel(scope="observed")))


def test_estimates_of_the_tree_are_taken_as_they_are() -> None:
    dt = normal_draws(Y, MEAN, TAU, 2, 300)
    for name in ("mle", "map"):
        dt[name] = (bp.find_MLE if name == "mle" else bp.find_MAP)(
            normal_model(), **QUIET
        ).to_datatree()
    dt["mle"].attrs["status"] = "unbounded"
    cost = predictive(normal_model(), dt, **QUIET)
    assert (
        str(cost["note"].sel(distribution="MLE").item())
        == "The MLE cannot be plugged in: unbounded."
    )
    assert str(cost["note"].sel(distribution="MAP").item()) == ""


def test_several_variables_and_events() -> None:
    rng = np.random.default_rng(7)
    z = rng.normal(size=(5, 2))
    with pm.Model(coords={"site": ["a", "b", "c"]}) as model:
        mu = pm.Normal("mu", 0, 1, shape=2)
        pm.Normal("y", mu[0], 1, observed=[0.1, 0.4, -0.2], dims="site")
        pm.MvNormal("z", mu, np.eye(2), observed=z)
    cost = predictive(model, **QUIET)
    labels = [f"y[{s}]" for s in "abc"] + [f"z[{i}]" for i in range(5)]
    assert cost["observation"].values.tolist() == labels
    assert "The distribution function of z is not known" in str(cost["note"].values[0])
    assert np.all(np.isnan(cost["coverage"]))
    # Leaving out a row of z: both means are those of the rest.
    first = (0.3 + z[:, 0].sum() - z[:, 0]) / 7
    second = (z[:, 1].sum() - z[:, 1]) / 4
    expected = stats.norm.logpdf(z[:, 0], first) + stats.norm.logpdf(z[:, 1], second)
    got = cost["log_density"].sel(distribution="MLE", scope="left_out").values[3:]
    np.testing.assert_allclose(got, expected, rtol=1e-7)


def test_arguments_are_checked() -> None:
    with pytest.raises(ModelError, match="max_refits must be a whole number of at least 0, got -1"):
        predictive(normal_model(), max_refits=-1, **QUIET)
    with pytest.raises(ComparisonError, match=r"Got Dataset: pass the DataTree that bp\.fit"):
        predictive(normal_model(), xr.Dataset(), **QUIET)  # type: ignore[arg-type]
    with pytest.raises(ComparisonError, match="ci_prob must be above 0"):
        predictive(normal_model(), ci_prob=89, **QUIET)
    other = xr.DataTree.from_dict({"posterior": xr.Dataset({"nu": (("chain", "draw"), [[1.0]])})})
    with pytest.raises(ComparisonError, match="The posterior has no mu, which the model has"):
        predictive(normal_model(), other, **QUIET)


def test_the_result_can_be_stored(cost: xr.Dataset, tmp_path: object) -> None:
    cost.to_netcdf(f"{tmp_path}/cost.nc", engine="h5netcdf")
    with xr.open_dataset(f"{tmp_path}/cost.nc", engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), cost)


def test_an_estimate_on_the_boundary_is_plugged_in() -> None:
    # Three heads of three: the MLE is 1, with or without one of them, and heads are certain.
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    cost = bp.predictive(model, random_seed=1, progressbar=False)
    assert cost["total"].sel(distribution="MLE").values.tolist() == pytest.approx([0, 0], abs=1e-6)
    # Without one of them the MAP is 3/4, with it 4/5.
    expected = 3 * np.log([4 / 5, 3 / 4])
    np.testing.assert_allclose(cost["total"].sel(distribution="MAP"), expected, rtol=1e-8)
