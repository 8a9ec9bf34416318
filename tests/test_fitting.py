"""fit: one DataTree of MLE, MAP and posterior, from sampling and from draws the user has."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import optimize, stats

import bayes_point as bp
from bayes_point.errors import (
    ComparisonError,
    EstimationWarning,
    ModelError,
    SamplingWarning,
)

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1, "details": False}

# ------------------------------------------------------------------------- two models, sampled


def coin_model() -> pm.Model:
    with pm.Model(name="") as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 1, 0])
    return model


def conjugate_model() -> pm.Model:
    with pm.Model(coords={"i": ["first", "second"]}) as model:
        s = pm.InverseGamma("s", 2, 3)
        m = pm.Normal("m", 0, pm.math.sqrt(s))
        pm.Normal("y", m, pm.math.sqrt(s), observed=[1.5, 2.0], dims="i")
    return model


@pytest.fixture(scope="module")
def coin() -> xr.DataTree:
    return bp.fit(coin_model(), draws=500, tune=300, chains=2, **QUIET)


@pytest.fixture(scope="module")
def conjugate() -> xr.DataTree:
    return bp.fit(conjugate_model(), draws=1000, tune=500, chains=2, cores=1, **QUIET)


def test_posterior_means_are_the_conjugate_ones(coin: xr.DataTree, conjugate: xr.DataTree) -> None:
    # Beta(2 + 4, 2 + 1). InverseGamma(2 + 1, 49/12), whose mean is (49/12) / 2, and m about 3.5/3.
    for tree, expected in ((coin, {"theta": 6 / 9}), (conjugate, {"s": 49 / 24, "m": 7 / 6})):
        mean = tree["point_estimates"].dataset.sel(estimator="mean")
        mcse = az.mcse(tree["posterior"].dataset, method="mean")
        for name, value in expected.items():
            assert abs(float(mean[name]) - value) < 4 * float(mcse[name]), name
            assert float(mcse[name]) < 0.2 * float(tree["posterior"][name].std())
            own = float(tree["posterior"][name].mean())
            assert float(mean[name]) == pytest.approx(own, rel=1e-14)


def test_point_estimates_are_the_closed_forms(coin: xr.DataTree, conjugate: xr.DataTree) -> None:
    points = coin["point_estimates"].dataset
    assert points["estimator"].values.tolist() == ["MLE", "MAP", "mean"]
    assert points["status"].values.tolist() == ["converged", "converged", "sampled"]
    assert points["status"].dims == ("estimator",)
    assert set(points.data_vars) == set(coin["posterior"].data_vars) == {"theta", "odds"}
    np.testing.assert_allclose(points["theta"][:2], [4 / 5, 5 / 7], rtol=1e-10)
    np.testing.assert_allclose(points["odds"][:2], [4, 5 / 2], rtol=1e-9)
    points = conjugate["point_estimates"].dataset
    np.testing.assert_allclose(points["s"][:2], [1 / 16, 49 / 54], rtol=1e-10)
    np.testing.assert_allclose(points["m"][:2], [7 / 4, 7 / 6], rtol=1e-10)


def test_groups(coin: xr.DataTree) -> None:
    assert {
        "posterior",
        "sample_stats",
        "log_likelihood",
        "log_prior",
        "observed_data",
        "posterior_predictive",
        "point_estimates",
        "mle",
        "map",
        "mode",
    } <= set(coin.children)
    assert dict(coin["posterior"].sizes) == {"chain": 2, "draw": 500}
    assert coin["posterior_predictive"]["tosses"].dims[:2] == ("chain", "draw")
    assert set(np.unique(coin["posterior_predictive"]["tosses"])) == {0, 1}
    np.testing.assert_array_equal(coin["observed_data"]["tosses"], [1, 1, 1, 1, 0])
    attrs = coin.attrs
    assert attrs["bayes_point_version"] == bp.__version__
    assert attrs["model_name"] == ""
    assert attrs["model_text"] == coin_model().str_repr()
    assert len(attrs["fingerprint"]) == 64


def test_log_likelihood_and_prior_are_of_each_draw(coin: xr.DataTree) -> None:
    theta = coin["posterior"]["theta"].values
    log_likelihood = coin["log_likelihood"]["tosses"].values
    np.testing.assert_allclose(log_likelihood[..., 0], np.log(theta), rtol=1e-10)
    np.testing.assert_allclose(log_likelihood[..., 4], np.log1p(-theta), rtol=1e-10)
    log_prior = coin["log_prior"]["theta"].values
    np.testing.assert_allclose(log_prior, stats.beta(2, 2).logpdf(theta), atol=1e-5)


def test_each_estimate_is_a_tree_of_its_own(coin: xr.DataTree) -> None:
    for key, theta in (("mle", 4 / 5), ("map", 5 / 7)):
        tree = coin[key]
        attrs = tree.attrs
        assert attrs["estimator"] == key.upper()
        assert attrs["jacobian"] == 0
        assert attrs["status"] == "converged"
        assert attrs["status_text"] == bp.Status.CONVERGED.value
        assert attrs["n_starts"] == 1  # log-concave: one is enough
        assert json.loads(attrs["findings"]) == []
        loglik, prior = 4 * np.log(theta) + np.log1p(-theta), stats.beta(2, 2).logpdf(theta)
        assert attrs["log_likelihood"] == pytest.approx(loglik, rel=1e-10)
        assert attrs["log_prior"] == pytest.approx(prior, abs=1e-5)
        assert attrs["log_joint"] == pytest.approx(loglik + prior, abs=1e-5)
        assert dict(tree["posterior"].sizes) == {"chain": 1, "draw": 1}
        assert float(tree["posterior"]["theta"].squeeze()) == pytest.approx(theta, rel=1e-10)
        logit = np.log(theta / (1 - theta))
        x = tree["unconstrained"]["x"].sel(parameter="theta_logodds__")
        assert float(x) == pytest.approx(logit, rel=1e-9)
        assert tree["optima"]["reached"].values.tolist() == [1]


def test_arviz_reads_it(coin: xr.DataTree) -> None:
    table = az.summary(coin, round_to="none")
    assert table.index.tolist() == ["theta", "odds"]
    mean = float(coin["posterior"]["theta"].mean())
    assert float(table.loc["theta", "mean"]) == pytest.approx(mean, rel=1e-10)
    assert np.isfinite(az.loo(coin, var_name="tosses").elpd)
    assert az.summary(coin["mle"], kind="stats", round_to="none").loc[
        "theta", "mean"
    ] == pytest.approx(4 / 5)
    forest = az.plot_forest(coin, backend="none")
    assert {"theta", "odds"} <= set(forest.viz["point_estimate"])


def test_the_package_reads_it(coin: xr.DataTree) -> None:
    posterior = coin["posterior"]["theta"]
    gaps = bp.gaps(coin)["theta"].sel(estimator="MLE")
    distance = 4 / 5 - float(posterior.mean())
    assert float(gaps.sel(quantity="distance")) == pytest.approx(distance, rel=1e-9)
    gap = distance / float(posterior.std(ddof=1))
    assert float(gaps.sel(quantity="gap")) == pytest.approx(gap, rel=1e-9)
    below = float((posterior < 4 / 5).mean())
    assert float(gaps.sel(quantity="cdf")) == pytest.approx(below, abs=1e-3)
    assert "theta" in bp.summary(coin).index


def test_netcdf_and_back(coin: xr.DataTree, tmp_path: Path) -> None:
    path = tmp_path / "coin.nc"
    coin.to_netcdf(path, engine="h5netcdf")
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        loaded = opened.load()
    assert set(loaded.children) == set(coin.children)
    for group in coin.groups:
        xr.testing.assert_equal(loaded[group].dataset, coin[group].dataset)
    assert loaded.attrs == coin.attrs
    for key in ("mle", "map"):
        assert loaded[key].attrs == coin[key].attrs
    pd.testing.assert_frame_equal(bp.summary(loaded), bp.summary(coin))
    xr.testing.assert_equal(bp.gaps(loaded), bp.gaps(coin))
    assert bp.report(loaded).html == bp.report(coin).html


# ----------------------------------------------------------------------- draws the user has


@cache
def idata() -> xr.DataTree:
    """Draws of coin_model's posterior, Beta(6, 3), as a user has them from elsewhere."""
    rng = np.random.default_rng(2)
    theta = rng.beta(6, 3, (2, 400))
    sample = ("chain", "draw")
    posterior = xr.Dataset(
        {"theta": (sample, theta), "odds": (sample, theta / (1 - theta))},
        coords={"chain": [0, 1], "draw": np.arange(400)},
        attrs={"note": "mine", "tuned": True, "nothing": None},
    )
    observed = xr.Dataset({"tosses": ("tosses_dim_0", [1, 1, 1, 1, 0])})
    return xr.DataTree.from_dict({"/posterior": posterior, "/observed_data": observed})


def test_a_posterior_that_is_there_is_used() -> None:
    mine = idata()
    dt = bp.fit(coin_model(), idata=mine, **QUIET)
    np.testing.assert_array_equal(dt["posterior"]["theta"], mine["posterior"]["theta"])
    mean = float(dt["point_estimates"]["theta"].sel(estimator="mean"))
    assert mean == pytest.approx(float(mine["posterior"]["theta"].mean()), rel=1e-14)
    # What was not there is computed.
    theta = mine["posterior"]["theta"].values
    np.testing.assert_allclose(dt["log_likelihood"]["tosses"][..., 0], np.log(theta), rtol=1e-10)
    assert dt["log_prior"]["theta"].shape == (2, 400)
    predictive = dt["posterior_predictive"]["tosses"]
    # 5 tosses of 800 draws: the mean of theta, with a standard error of that of 4000 tosses.
    assert float(predictive.mean()) == pytest.approx(mean, abs=4 * (0.25 / predictive.size) ** 0.5)
    again = bp.fit(coin_model(), idata=mine, **QUIET)
    xr.testing.assert_equal(again["posterior_predictive"]["tosses"], predictive)


def test_what_the_user_has_is_left_as_it_is() -> None:
    mine = idata()
    before, attrs = mine.copy(deep=True), dict(mine["posterior"].attrs)
    dt = bp.fit(coin_model(), idata=mine, **QUIET)
    assert set(mine.children) == {"posterior", "observed_data"}
    xr.testing.assert_identical(mine, before)
    assert mine["posterior"].attrs == attrs
    assert mine.attrs == {}
    # In the result the attributes are such as a file can hold.
    kept = {k: v for k, v in dt["posterior"].attrs.items() if not k.startswith("fingerprint")}
    assert kept == {"note": "mine", "tuned": 1}


def test_what_is_there_is_not_computed_again() -> None:
    mine = idata().copy()
    shape = (2, 400, 5)
    dims = ("chain", "draw", "tosses_dim_0")
    marked = xr.Dataset({"tosses": (dims, np.full(shape, -7.0))})
    mine["log_likelihood"] = xr.DataTree(marked)
    mine["posterior_predictive"] = xr.DataTree(xr.Dataset({"tosses": (dims, np.ones(shape))}))
    dt = bp.fit(coin_model(), idata=mine, **QUIET)
    xr.testing.assert_equal(dt["log_likelihood"]["tosses"], marked["tosses"])
    assert float(dt["posterior_predictive"]["tosses"].mean()) == 1


def posterior_of(**variables: Any) -> xr.DataTree:
    data = {name: (("chain", "draw", *dims), value) for name, (dims, value) in variables.items()}
    return xr.DataTree.from_dict({"/posterior": xr.Dataset(data)})


def test_a_posterior_of_another_model_is_refused() -> None:
    draws = np.random.default_rng(0).beta(2, 2, (2, 50))
    with pytest.raises(ComparisonError, match=r"it has no \['odds'\].*variables are \['theta'\]"):
        bp.fit(coin_model(), idata=posterior_of(theta=((), draws)), **QUIET)
    wide = np.stack([draws] * 3, axis=-1)
    other = posterior_of(theta=(("k",), wide), odds=((), draws))
    with pytest.raises(ComparisonError, match=r"'theta' has shape \(3,\) there and \(\) in the m"):
        bp.fit(coin_model(), idata=other, **QUIET)
    deterministic = posterior_of(theta=((), draws), odds=(("k",), wide))
    with pytest.raises(ComparisonError, match=r"'odds' has shape \(3,\) there and \(\) in the m"):
        bp.fit(coin_model(), idata=deterministic, **QUIET)


@pytest.mark.parametrize("what", [{"theta": [1.0]}, xr.Dataset(), xr.DataTree()])
def test_idata_is_a_tree_with_a_posterior(what: Any) -> None:
    with pytest.raises(ComparisonError, match="idata must be a DataTree with a posterior group"):
        bp.fit(coin_model(), idata=what, **QUIET)


def slopes(labels: list[str]) -> pm.Model:
    with pm.Model(coords={"column": labels}) as model:
        beta = pm.Normal("beta", 0, 1, dims="column")
        pm.Normal("y", beta, 1, observed=[1.0, 2.0], dims="column")
    return model


def slopes_idata(dim: str, labels: list[str]) -> xr.DataTree:
    # Precisions add: Normal(y / 2, sqrt(1/2)).
    beta = np.random.default_rng(1).normal([0.5, 1.0], 0.5**0.5, (2, 300, 2))
    tree = posterior_of(beta=((dim,), beta))
    tree["posterior"] = xr.DataTree(tree["posterior"].dataset.assign_coords({dim: labels}))
    return tree


def test_labels_go_along() -> None:
    dt = bp.fit(slopes(["a", "b"]), idata=slopes_idata("column", ["a", "b"]), **QUIET)
    points = dt["point_estimates"]["beta"]
    assert points.dims == ("estimator", "column")
    assert points["column"].values.tolist() == ["a", "b"]
    np.testing.assert_allclose(points.sel(estimator="MLE"), [1, 2], rtol=1e-10)
    np.testing.assert_allclose(points.sel(estimator="MAP", column="b"), 1, rtol=1e-10)


@pytest.mark.parametrize(
    ("dim", "labels"), [("column", ["a", "c"]), ("column", ["b", "a"]), ("beta_dim_0", [0, 1])]
)
def test_draws_with_other_labels_are_refused(dim: str, labels: list[str]) -> None:
    with pytest.raises(ComparisonError, match=r"'beta' .*\b(dims|labels)\b"):
        bp.fit(slopes(["a", "b"]), idata=slopes_idata(dim, labels), **QUIET)


def test_draws_given_other_data_are_refused() -> None:
    mine = idata().copy()
    mine["observed_data"] = xr.DataTree(xr.Dataset({"tosses": ("tosses_dim_0", [1, 0, 0, 0, 0])}))
    with pytest.raises(ComparisonError, match=r"other data .*: 'tosses' in its observed_data"):
        bp.fit(coin_model(), idata=mine, **QUIET)


def test_draws_without_chains_are_refused() -> None:
    flat = idata()["posterior"].dataset.isel(chain=0, drop=True)
    with pytest.raises(ComparisonError, match=r"'theta' has the dims \('draw',\), no chain"):
        bp.fit(coin_model(), idata=xr.DataTree.from_dict({"/posterior": flat}), **QUIET)


def test_data_are_added_where_the_user_has_none() -> None:
    only = xr.DataTree.from_dict({"/posterior": idata()["posterior"].dataset})
    with coin_model() as model:
        pm.Data("weights", [1.0, 2.0])
    dt = bp.fit(model, idata=only, **QUIET)
    np.testing.assert_array_equal(dt["observed_data"]["tosses"], [1, 1, 1, 1, 0])
    np.testing.assert_array_equal(dt["constant_data"]["weights"], [1, 2])


# ------------------------------------------------------------------------------ warnings, errors


def test_few_draws_are_warned_of() -> None:
    mine = idata()["posterior"].dataset.isel(draw=slice(10))
    few = xr.DataTree.from_dict({"/posterior": mine})
    with pytest.warns(SamplingWarning) as record:
        dt = bp.fit(coin_model(), idata=few, **QUIET)
    assert all(warning.filename == __file__ for warning in record)
    assert any("effective sample size is below" in str(warning.message) for warning in record)
    assert dict(dt["posterior"].sizes) == {"chain": 2, "draw": 10}


def test_chains_that_disagree_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    theta = np.stack([rng.beta(60, 30, 400), rng.beta(30, 60, 400)])
    apart = posterior_of(theta=((), theta), odds=((), theta / (1 - theta)))
    with pytest.warns(SamplingWarning) as record:
        bp.fit(coin_model(), idata=apart, **QUIET)
    (rhat,) = [str(w.message) for w in record if "hat" in str(w.message)]
    assert "theta" in rhat


def test_an_estimate_that_does_not_exist_is_warned_of() -> None:
    with pm.Model() as model:
        slope = pm.Normal("slope", 0, 2)
        pm.Bernoulli("y", logit_p=slope * np.array([-1.0, 1.0, 2.0]), observed=[0, 1, 1])
    # Some draws or others: here it is not about them.
    draws = np.abs(np.random.default_rng(0).normal(2, 1, (2, 400)))
    with pytest.warns(EstimationWarning, match="MLE: At infinity") as record:
        dt = bp.fit(model, idata=posterior_of(slope=((), draws)), **QUIET)
    assert [warning.filename for warning in record] == [__file__]
    points = dt["point_estimates"]
    assert points["status"].values.tolist() == ["at_infinity", "converged", "sampled"]
    assert float(points["slope"].sel(estimator="MLE")) == np.inf
    assert np.isfinite(points["slope"].values[1:]).all()


def test_where_there_is_no_upper_bound_the_local_maximum_is_compared() -> None:
    rng = np.random.default_rng(5)
    y = np.concatenate([rng.normal(0, 1, 20), rng.normal(4, 0.5, 20)])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        s = pm.HalfNormal("s", 5)
        parts = [pm.Normal.dist(0, 1), pm.Normal.dist(mu, s)]
        pm.Mixture("y", [0.5, 0.5], parts, observed=y)

    def density(x: np.ndarray) -> float:
        parts = stats.norm.logpdf(y, 0, 1), stats.norm.logpdf(y, x[0], x[1])
        return float(-np.logaddexp(*parts).sum() + len(y) * np.log(2))

    best = optimize.minimize(density, [4, 0.5], method="Nelder-Mead", options={"xatol": 1e-9})
    draws = best.x[:, None, None] + rng.normal(0, 0.1, (2, 2, 400))
    idata = posterior_of(mu=((), draws[0]), s=((), draws[1]))
    with pytest.warns(EstimationWarning, match="Unbounded") as record:
        dt = bp.fit(model, idata=idata, **QUIET)
    assert [str(warning.message)[:3] for warning in record] == ["MLE", "MAP"]
    # With the Jacobian, s itself, nothing is gained by s -> 0.
    assert dt["mode"].attrs["status"] == "converged"
    for group in ("mle", "map"):
        assert dt[group].attrs["status"] == "local"
        assert dt[f"{group}/unbounded"].attrs["status"] == "unbounded"
    assert dt["mle"].attrs["log_likelihood"] == pytest.approx(-best.fun, abs=1e-8)
    mle = dt["point_estimates"].sel(estimator="MLE")
    np.testing.assert_allclose([mle["mu"], mle["s"]], best.x, rtol=1e-5)
    table = bp.summary(dt)
    assert table.attrs["status"] == {"MLE": "local", "MAP": "local"}
    assert "* MLE (local)" in str(table)
    for estimator in ("MLE", "MAP"):
        said = bp.verdict(dt, estimator=estimator)
        assert said.key != "no_verdict"
        assert said.sentence.startswith(f"What the {estimator} maximises has no upper bound")
    assert "a local maximum: unbounded elsewhere" in str(bp.report(dt).html)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1, got 0"),
        ({"draws": 10.5}, r"draws must be a whole number of at least 1, got 10\.5"),
        ({"tune": -1}, "tune must be a whole number of at least 0, got -1"),
        ({"chains": 0}, "chains must be a whole number of at least 1"),
        ({"cores": "2"}, "cores must be a whole number of at least 1, got '2'"),
        ({"n_starts": 0}, "n_starts must be a whole number of at least 1"),
    ],
)
def test_numbers_that_cannot_be(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bp.fit(coin_model(), **QUIET, **kwargs)


def test_models_that_cannot_be_fitted() -> None:
    with pytest.raises(ModelError, match="fit was given no model"):
        bp.fit(**QUIET)
    with pytest.raises(ModelError, match=r"fit needs a pymc\.Model, got str"):
        bp.fit("coin", **QUIET)  # type: ignore[arg-type]
    with pm.Model() as unobserved:
        pm.Normal("mu")
    with pytest.raises(ModelError, match="no observed variable"):
        bp.fit(unobserved, **QUIET)
    with coin_model() as potential:
        pm.Potential("extra", -potential["theta"])
    with pytest.raises(ModelError, match="'extra'"):
        bp.fit(potential, **QUIET)


# ------------------------------------------------------------------------- mode, fingerprints


def test_the_mode_on_the_unconstrained_scale_is_there(
    coin: xr.DataTree, conjugate: xr.DataTree
) -> None:
    # Beta(6, 3) on the log-odds has its mode at the mean; s of InverseGamma(3, 49/12), with m at
    # its best, is (49/12) / (3 + 1/2 + 1) on the natural scale and (49/12) / (3 + 1/2) on the log.
    theta = coin["mode/posterior"]["theta"]
    assert theta.dims == ("chain", "draw")
    assert float(theta.squeeze()) == pytest.approx(6 / 9, rel=1e-10)
    assert float(coin["mode/posterior"]["odds"].squeeze()) == pytest.approx(2, rel=1e-9)
    assert float(conjugate["mode/posterior"]["s"].squeeze()) == pytest.approx(49 / 42, rel=1e-9)
    attrs = coin["mode"].attrs
    assert (attrs["estimator"], attrs["jacobian"], attrs["status"]) == ("MAP", 1, "converged")
    # On a scale that is unconstrained as it is, there is but one mode.
    plain = bp.fit(slopes(["a", "b"]), idata=slopes_idata("column", ["a", "b"]), **QUIET)
    xr.testing.assert_identical(
        plain["mode/posterior"].to_dataset(), plain["map/posterior"].to_dataset()
    )


def test_a_map_on_the_boundary_has_its_mode_inside() -> None:
    with pm.Model() as model:
        rate = pm.HalfFlat("rate")
        pm.Poisson("y", rate, observed=[0, 0])
    draws = np.random.default_rng(0).exponential(0.5, (2, 400))
    dt = bp.fit(model, idata=posterior_of(rate=((), draws)), **QUIET)
    # exp(-2 rate) is highest at 0; with the Jacobian it is rate exp(-2 rate), highest at 1/2.
    assert float(dt["mode/posterior"]["rate"].squeeze()) == pytest.approx(0.5, rel=1e-9)
    assert dt["map"].attrs["status"] == "on_boundary"


def test_the_explanation_of_a_fit(coin: xr.DataTree) -> None:
    # Beta(6, 3): mean 2/3, MAP 5/7, MLE 4/5, sd sqrt(2/90).
    shift = bp.explain(coin)["theta"].sel(quantity="shift")
    mcse = bp.explain(coin)["theta"].sel(quantity="shift_mcse")
    sd = (2 / 90) ** 0.5
    exact = {"prior": (5 / 7 - 4 / 5) / sd, "parametrisation": (2 / 3 - 5 / 7) / sd}
    for term, value in exact.items():
        assert abs(float(shift.sel(term=term)) - value) < 4 * float(mcse.sel(term=term))
    assert float(shift.sel(term="total")) == pytest.approx(float(shift[:-1].sum()), abs=1e-12)


def test_every_group_that_is_compared_carries_the_fingerprint(coin: xr.DataTree) -> None:
    prints = {coin[g].attrs["fingerprints"] for g in ("posterior", "point_estimates", "mle", "map")}
    assert prints == {coin["mode"].attrs["fingerprints"]}
    stored = json.loads(prints.pop())
    assert set(stored) == {"graph", "constants", "data", "parameters", "pymc"}
    assert set(stored["graph"]) == {"theta", "odds", "tosses"}
    assert set(stored["data"]) == {"tosses"}
    assert coin["mle"].attrs["fingerprint"] == coin.attrs["fingerprint"]


def only_posterior(tree: xr.DataTree) -> xr.DataTree:
    return xr.DataTree.from_dict({"/posterior": tree["posterior"].dataset})


def test_a_group_from_another_fit_is_refused() -> None:
    def fitted(a: float, tosses: list[int]) -> xr.DataTree:
        with pm.Model() as model:
            theta = pm.Beta("theta", a, 2)
            pm.Deterministic("odds", theta / (1 - theta))
            pm.Bernoulli("tosses", theta, observed=tosses)
        return bp.fit(model, idata=only_posterior(idata()), **QUIET)

    mine, prior, data = fitted(2, [1, 1, 0]), fitted(3, [1, 1, 0]), fitted(2, [1, 0, 0])
    for group in ("posterior", "point_estimates", "mle", "map", "mode"):
        mixed = mine.copy()
        mixed[group] = prior[group].copy()
        for function in (bp.gaps, bp.explain, bp.summary, bp.verdict, bp.report):
            with pytest.raises(ComparisonError, match="the prior constants of theta differ"):
                function(mixed)
    mixed["mode"] = data["mode"].copy()
    with pytest.raises(ComparisonError, match=r"posterior and mode .*: the data of tosses differ"):
        bp.explain(mixed)
    # And draws that carry a fingerprint are known for what they are.
    with pytest.raises(ComparisonError, match="not a posterior of this model: the prior constants"):
        bp.fit(coin_model(), idata=only_posterior(prior), **QUIET)


def test_equal_models_and_data_have_equal_fingerprints() -> None:
    def printed(model: pm.Model, **kwargs: Any) -> str:
        return bp.fit(model, idata=slopes_idata("column", ["a", "b"]), **QUIET).attrs["fingerprint"]

    def with_data(y: list[float]) -> pm.Model:
        with pm.Model(coords={"column": ["a", "b"]}) as model:
            data = pm.Data("data", y, dims="column")
            beta = pm.Normal("beta", 0, 1, dims="column")
            pm.Normal("y", beta, 1, observed=data, dims="column")
        return model

    first = printed(with_data([1.0, 2.0]))
    assert first == printed(with_data([1.0, 2.0]))
    assert first != printed(with_data([1.0, 2.5]))
    assert first != printed(slopes(["a", "b"]))


def test_deterministics_have_to_be_asked_for() -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Bernoulli("tosses", theta, observed=[1, 1, 0, 1])
    draws = np.random.default_rng(1).beta(5, 3, (2, 100))
    posterior = {
        "theta": (("chain", "draw"), draws),
        "odds": (("chain", "draw"), draws / (1 - draws)),
    }
    idata = xr.DataTree.from_dict({"/posterior": xr.Dataset(posterior)})
    dt = bp.fit(model, idata=idata, details=False, progressbar=False, n_starts=2)
    assert list(bp.verdict(dt).parameters.index) == ["theta"]
    assert list(bp.verdict(dt, var_names=["theta", "odds"]).parameters.index) == ["theta", "odds"]


def test_data_with_an_axis_without_a_name_are_sampled() -> None:
    x = np.random.default_rng(2).normal(size=(20, 2))
    y = x @ [1.0, -2.0]
    with pm.Model(coords={"k": ["dose", "age"]}) as model:
        beta = pm.Normal("beta", 0, 1, dims="k")
        pm.Normal("y", pm.Data("x", x, dims=(None, "k")) @ beta, 1, observed=y)
    dt = bp.fit(model, draws=500, chains=2, **QUIET)
    assert dt["posterior"].sizes["draw"] == 500
    # The mode of a normal posterior: (X'X + 1)^-1 X'y.
    expected = np.linalg.solve(x.T @ x + np.eye(2), x.T @ y)
    np.testing.assert_allclose(dt["point_estimates"]["beta"].sel(estimator="MAP"), expected)
    assert not {"log_likelihood", "log_prior", "posterior_predictive"} - {*dt.children}
    assert bp.predictive(model, progressbar=False).sizes["observation"] == 20
    assert model.named_vars_to_dims["x"] == (None, "k")
