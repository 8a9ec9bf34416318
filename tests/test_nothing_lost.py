"""What was sampled is never lost, whatever fails after it; what cannot be kept is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytest
import xarray as xr
from scipy import stats

import bayes_point as bp
from bayes_point import fitting
from bayes_point.errors import BayesPointWarning, DetailError, ModelError
from bayes_point.model.data.counting import observed_counts
from bayes_point.model.variables.initial_values import cloned

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


def normal(**options: Any) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, **options)
        pm.Normal("y", mu, 1, observed=[1.0, 2.0])
    return model


def draws_of_mu() -> xr.DataTree:
    """Draw from the posterior of `normal`, N(1, 1/3)."""
    mu = np.random.default_rng(1).normal(1, 3**-0.5, (2, 300))
    return xr.DataTree.from_dict({"/posterior": xr.Dataset({"mu": (("chain", "draw"), mu)})})


def test_a_model_with_initial_values_is_fitted() -> None:
    model = normal(initval=0.5)
    dt = bp.fit(model, idata=draws_of_mu(), details="predictive_cost", **QUIET)
    mu = dt["posterior"]["mu"].values[..., None]
    expected = stats.norm.logpdf([1.0, 2.0], mu, 1)
    np.testing.assert_allclose(dt["log_likelihood"]["y"].values, expected, rtol=1e-12)
    np.testing.assert_allclose(
        dt["log_prior"]["mu"].values, stats.norm.logpdf(mu[..., 0]), rtol=1e-12
    )
    assert json.loads(dt.attrs["details_left_out"]) == {}
    # They are the model's again, and a copy's too.
    for one in (model, cloned(model)):
        assert one.rvs_to_initial_values[one["mu"]] == 0.5


def test_a_likelihood_of_one_potential_is_fitted() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Potential("likelihood", -2 * (mu - 1.0) ** 2)
    dt = bp.fit(model, potentials="likelihood", idata=draws_of_mu(), **QUIET)
    why = json.loads(dt.attrs["details_left_out"])
    assert why == {"predictive_cost": "The model observes nothing, so there is nothing to predict."}
    # Precision 4 at 1 and 1 at 0.
    assert float(bp.summary(dt).loc["mu", "MAP"]) == pytest.approx(0.8)
    assert "likelihood" in bp.report(dt).html


def test_rows_with_missing_values_are_fitted() -> None:
    y = np.ma.masked_invalid([[1.0, 2], [np.nan, 1], [0, 0.5], [1, 1]])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=2)
        with pytest.warns(UserWarning, match="missing"):
            pm.MvNormal("y", mu, np.eye(2), observed=y)
    with pytest.raises(ModelError, match=r"some values of 'y_observed' are missing.*by themselves"):
        bp.predictive(model, **QUIET)
    assert bp.find_MAP(model, **QUIET).n_observations == 7


@pytest.mark.parametrize(
    "step", ["compute_log_likelihood", "compute_log_prior", "sample_posterior_predictive"]
)
def test_a_step_after_sampling_that_fails_is_noted(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no space")

    monkeypatch.setattr(fitting if step.startswith("compute") else pm, step, broken)
    group = step.removeprefix("compute_").removeprefix("sample_")
    with pytest.warns(BayesPointWarning, match=f"has no {group.replace('_', ' ')}: it failed with"):
        dt = bp.fit(normal(), idata=draws_of_mu(), details=False, **QUIET)
    assert json.loads(dt.attrs["details_left_out"]) == {
        group: "it failed with RuntimeError: no space"
    }
    assert group not in dt.children
    assert float(bp.summary(dt).loc["mu", "MLE"]) == 1.5
    assert bp.report(dt).html


def test_the_draws_are_with_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no space")

    monkeypatch.setattr(fitting, "_assemble", broken)
    mine = draws_of_mu()
    with pytest.raises(DetailError, match=r"put together.*RuntimeError: no space.*`tree`") as info:
        bp.fit(normal(), idata=mine, details=False, **QUIET)
    xr.testing.assert_equal(info.value.tree["posterior"], mine["posterior"])


def test_a_slash_in_a_name_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with pm.Model(coords={"km/h": [1, 2]}) as model:
        t = pm.Normal("t", dims="km/h")
        pm.Normal("y", t, 1, observed=[1.0, 2.0])
    estimate = bp.find_MLE(model, **QUIET)
    monkeypatch.setattr(fitting, "find_MLE", None)
    for call in (
        lambda: bp.fit(model, **QUIET),
        lambda: bp.laplace(model, **QUIET),
        lambda: bp.profile(model, **QUIET),
        lambda: estimate.to_datatree(),
    ):
        with pytest.raises(ModelError, match=r"The dim 'km/h' has a slash.*'km_per_h'"):
            call()


def test_intervals_of_a_dims_model() -> None:
    x = np.array([[1.0, -1, 0, 0], [0, 0, 2, -2]])
    y = np.array([[1.0, -2, 0.5, 0], [0, 1, 3, -1]])
    with pm.Model(coords={"group": ["a", "b"], "obs": np.arange(4)}) as model:
        beta = pmd.Normal("beta", 0, 2, dims="group")
        xd = pmd.Data("xd", x, dims=("group", "obs"))
        double = pmd.Deterministic("double", 2 * beta)
        assert double.type.shape == (None,)
        pmd.Normal("y", beta * xd, 1, observed=xr.DataArray(y, dims=("group", "obs")))
    mle = bp.find_MLE(model, **QUIET)
    # Least squares with sd 1: x'y / x'x, and 1 / sqrt(x'x).
    squares = (x**2).sum(1)
    slope = (x * y).sum(1) / squares
    half = stats.norm.ppf(0.975) / np.sqrt(squares)
    expected = np.stack([slope - half, slope + half], axis=1)
    ends = mle.conf_int(ci_prob=0.95, var_names=["beta", "double"])
    np.testing.assert_allclose(ends["beta"], expected, rtol=1e-6)
    np.testing.assert_allclose(ends["double"], 2 * expected, rtol=1e-6)
    profiled = bp.profile(mle, "beta", ci_prob=0.95, progressbar=False)
    np.testing.assert_allclose(profiled["profile/interval"], expected, rtol=1e-6)


def test_one_rule_for_the_number_of_observations() -> None:
    third = np.full(3, 1 / 3)
    with pm.Model() as model:
        p = pm.Dirichlet("p", np.ones(3))
        pm.Multinomial("multinomial", n=5, p=p, observed=[[1, 2, 2], [2, 2, 1]])
        pm.DirichletMultinomial("overdispersed", n=5, a=3 * p, observed=[1, 2, 2])
        pm.Dirichlet("shares", 3 * p, observed=[third] * 4)
        pm.StickBreakingWeights("sticks", alpha=1.0, K=2, observed=third)
        some = [pm.Multinomial.dist(n=5, p=p), pm.Multinomial.dist(n=5, p=third)]
        pm.Mixture("mixture", [0.5, 0.5], some, observed=[[1, 2, 2]] * 3)
        pm.NormalMixture("normals", p, np.arange(3.0), 1.0, observed=np.zeros(7))
        pm.MvNormal("vectors", p, np.eye(3), observed=np.zeros((4, 3)))
        start = pm.Normal.dist(0, 1, size=1)
        pm.AR("series", rho=[0.1, 0.2], sigma=1, init_dist=start, observed=np.zeros(30))
        pm.Poisson("counts", p, observed=[[1, 2, 3]] * 2)
    assert observed_counts(model) == {
        "multinomial": 2,
        "overdispersed": 1,
        "shares": 4,
        "sticks": 1,
        "mixture": 3,
        "normals": 7,
        "vectors": 12,
        "series": 30,
        "counts": 6,
    }


def test_one_series_cannot_be_left_out() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.MvNormal("y", mu * np.ones(3), np.eye(3), observed=[1.0, 2, 3])
    with pytest.raises(
        ModelError,
        match=r"Leaving one observation out does not apply: the 3 observed values of 'y'",
    ):
        bp.predictive(model, **QUIET)
    mle = bp.find_MLE(model, **QUIET)
    assert mle.bic == pytest.approx(np.log(3) - 2 * mle.log_likelihood)
