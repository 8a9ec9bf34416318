"""study: bias, variance, RMSE and coverage against closed forms, and what cannot be studied."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
N = 2000


@cache
def flat() -> pm.Model:
    with pm.Model() as model:
        mu, variance = pm.Flat("mu"), pm.HalfFlat("variance")
        pm.Normal("y", mu, pm.math.sqrt(variance), observed=np.zeros(4))
    return model


@cache
def conjugate() -> pm.Model:
    """Of n data of sd 1 the MAP and the mean are both n/(n + 1/4) times their mean, here 4/4.25."""
    with pm.Model(coords={"i": ["a", "b"]}) as model:
        mu = pm.Normal("mu", 0, 2, dims="i")
        pm.Deterministic("total", mu.sum())
        pm.Normal("y", mu, 1, observed=np.zeros((4, 2)))
    return model


def off(found: xr.Dataset, what: str, exact: float, **at: Any) -> float:
    """How many Monte Carlo standard errors a measure is from what is exact."""
    one = found.sel(at)
    return float(abs(one[what] - exact) / one[f"{what}_mcse"])


def test_the_variance_of_four() -> None:
    found = bp.study(flat(), {"mu": 1, "variance": 9}, N, estimators="MLE", ci_prob=0.9, **QUIET)
    assert found["parameter"].values.tolist() == ["mu", "variance"]
    assert found["estimator"].values.tolist() == ["MLE"]
    # n s²/9 is chi-squared with 3 degrees of freedom: mean 3, variance 6.
    at = {"estimator": "MLE", "parameter": "variance"}
    assert off(found, "bias", 9 * 3 / 4 - 9, **at) < 4
    assert off(found, "variance", 81 / 16 * 6, **at) < 4
    assert off(found, "rmse", math.sqrt(81 / 16 * 6 + (9 / 4) ** 2), **at) < 4
    # log s² has the standard error sqrt(2/n): 9 is in the interval where chi-squared/4 is between
    # exp(-+ z sqrt(1/2)).
    ends = 4 * np.exp(stats.norm.ppf([0.05, 0.95]) * math.sqrt(0.5))
    assert off(found, "coverage", np.diff(stats.chi2(3).cdf(ends)).item(), **at) < 4
    at["parameter"] = "mu"
    assert off(found, "bias", 0, **at) < 4
    assert off(found, "variance", 9 / 4, **at) < 4
    # (mean - mu) / (s / 2) is sqrt(4/3) times Student's t of 3.
    z = stats.norm.ppf(0.95) * math.sqrt(3 / 4)
    assert off(found, "coverage", 2 * stats.t(3).cdf(z) - 1, **at) < 4
    assert found["n_used"].values.tolist() == [[N, N]]


def test_errors_of_the_measures_are_their_spread() -> None:
    # Of many small studies the measures differ by what their Monte Carlo errors say.
    truth = {"mu": 1, "variance": 9}
    whole = bp.study(flat(), truth, N, estimators=["MLE"], **QUIET)
    estimate = whole["estimate"].sel(estimator="MLE", parameter="variance").values.reshape(20, -1)
    error = estimate - 9
    for what, values in (
        ("bias", error.mean(axis=1)),
        ("variance", error.var(axis=1, ddof=1)),
        ("rmse", np.sqrt((error**2).mean(axis=1))),
    ):
        claimed = float(whole[f"{what}_mcse"].sel(estimator="MLE", parameter="variance"))
        # A standard deviation from 20 is known to 1/sqrt(2 * 19) of itself.
        assert values.std(ddof=1) / math.sqrt(20) == pytest.approx(claimed, rel=4 / math.sqrt(38))


def test_estimators_that_are_the_same() -> None:
    truth = {"mu": np.array([1.0, -3.0])}
    found = bp.study(conjugate(), truth, 500, **QUIET)
    assert found["parameter"].values.tolist() == ["mu[a]", "mu[b]", "total"]
    shrunk = 4 / 4.25
    mle, map_, mean = (found["estimate"].sel(estimator=e).values for e in ("MLE", "MAP", "mean"))
    np.testing.assert_allclose(map_, shrunk * mle, rtol=1e-8)
    # The posterior is the normal sampled from, so that only the Sobol' points err.
    np.testing.assert_allclose(mean, map_, atol=5 * found["importance_mcse"].max().item())
    np.testing.assert_allclose(mle[:, 2], mle[:, 0] + mle[:, 1], rtol=1e-9)
    assert off(found, "bias", (shrunk - 1) * -3, estimator="MAP", parameter="mu[b]") < 4
    assert off(found, "bias", (shrunk - 1) * -2, estimator="mean", parameter="total") < 4
    assert off(found, "variance", shrunk**2 / 4, estimator="mean", parameter="mu[a]") < 4
    assert found["truth"].values[0].tolist() == [1, -3, -2]
    assert np.all(found["pareto_k"] < 0.7)
    assert int(found["sampled"].sum()) == 0


def test_averaged_over_the_prior_the_posterior_mean_has_no_bias() -> None:
    # E[mean - truth] = E[E[truth | y]] - E[truth] = 0, and intervals of the posterior, here normal,
    # hold the truth with their probability. The MSE of the mean is the posterior variance, 1/4.25.
    found = bp.study(conjugate(), None, N, estimators=["mean"], ci_prob=0.8, **QUIET)
    for parameter in ("mu[a]", "mu[b]"):
        at = {"estimator": "mean", "parameter": parameter}
        assert off(found, "bias", 0, **at) < 4
        assert off(found, "coverage", 0.8, **at) < 4
        assert off(found, "rmse", math.sqrt(1 / 4.25), **at) < 4
    assert found["truth"].std("dataset").values[0] == pytest.approx(2, rel=0.1)


def test_estimates_at_infinity_are_left_out_and_said() -> None:
    with pm.Model() as model:
        a = pm.Normal("a", 0, 3)
        pm.Bernoulli("tosses", logit_p=a, observed=[0, 0, 1, 1])
    with pytest.warns(EstimationWarning, match=r"The MLE has no finite value for \d+ of 400 data"):
        found = bp.study(model, {"a": 1.0}, 400, estimators=["MLE", "MAP"], **QUIET)
    counts = json.loads(found.attrs["statuses"])
    p = (1 / (1 + math.exp(-1))) ** 4 + (1 / (1 + math.exp(1))) ** 4
    assert abs(counts["MLE"]["at_infinity"] - 400 * p) < 4 * math.sqrt(400 * p * (1 - p))
    assert found["n_used"].sel(parameter="a").values.tolist() == [counts["MLE"]["converged"], 400]
    assert np.isfinite(found["bias"]).all()


def test_a_point_estimate_as_truth() -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Binomial("heads", 20, theta, observed=15)
    map_ = bp.find_MAP(model, **QUIET)  # (15 + 1) / (20 + 2)
    found = bp.study(model, map_, N, estimators=["mean"], **QUIET)
    t = 16 / 22
    assert found["truth"].values[0, 0] == pytest.approx(t, rel=1e-8)
    # The posterior mean is (heads + 2) / 24.
    at = {"estimator": "mean", "parameter": "theta"}
    assert off(found, "bias", (20 * t + 2) / 24 - t, **at) < 4
    assert off(found, "variance", 20 * t * (1 - t) / 24**2, **at) < 4


@cache
def heavy() -> pm.Model:
    """No data to speak of: the posterior is the prior, with tails that fall as |x|^-1.2."""
    with pm.Model() as model:
        x = pm.StudentT("x", nu=0.2, mu=0, sigma=1)
        pm.Normal("y", x, 1e6, observed=[0.0])
    return model


def test_too_many_that_importance_sampling_cannot_do() -> None:
    with pytest.raises(
        EstimationError, match=r"of 20 data sets the posterior mean cannot be found"
    ):
        bp.study(heavy(), {"x": 0.0}, 20, estimators=["mean"], max_sampled=2, **QUIET)


@pytest.mark.slow
def test_few_are_sampled_with_nuts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit lowered so far that importance sampling, which is exact here, does not pass.
    monkeypatch.setattr("bayes_point.estimation.resample.study_means._LIMIT", -10.0)
    found = bp.study(
        conjugate(),
        {"mu": np.array([1.0, -3.0])},
        2,
        estimators=["MLE", "mean"],
        sample_kwargs={"chains": 2, "draws": 500, "tune": 500, "cores": 1},
        **QUIET,
    )
    assert found["sampled"].values.tolist() == [1, 1]
    mle, mean = found["estimate"].values
    mcse = found["importance_mcse"].values
    assert np.all(np.abs(mean - 4 / 4.25 * mle) < 5 * mcse)


BAD: list[tuple[Any, dict[str, Any], str]] = [
    ({"mu": 1}, {}, r"truth must give each free variable, \['mu', 'variance'\], a value; it has"),
    ({"mu": 1, "variance": -1}, {}, "truth gives 'variance' the value -1.0, outside of its supp"),
    ({"mu": [1, 2], "variance": 1}, {}, r"truth gives 'mu' a value of shape \(2,\); it has"),
    (3.0, {}, "truth must be a mapping from the names .*; got float"),
    (None, {}, "The prior cannot be drawn from: .* Give truth= as a dict or a PointEstimate"),
    ({"mu": 1, "variance": 1}, {"estimators": ["median"]}, "They must be some of 'MLE', 'MAP'"),
    ({"mu": 1, "variance": 1}, {"n": 1}, "n must be a whole number of at least 2, got 1"),
    ({"mu": 1, "variance": 1}, {"max_sampled": -1}, "max_sampled must be a whole number"),
]


@pytest.mark.parametrize(("truth", "arguments", "message"), BAD)
def test_bad_arguments(truth: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bp.study(flat(), truth, **arguments)


def test_potentials() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Potential("p", -(mu**2))
        pm.Normal("y", mu, 1, observed=[0.0, 1.0])
    with pytest.raises(ModelError, match="If it is part of the prior, say so with potentials='pri"):
        bp.study(model, {"mu": 0.0}, **QUIET)
    with pytest.raises(ModelError, match="cannot be simulated from a Potential"):
        bp.study(model, {"mu": 0.0}, potentials="likelihood", **QUIET)
    with pytest.raises(ModelError, match="its prior cannot be drawn from"):
        bp.study(model, potentials="prior", **QUIET)
    # The potential is a factor exp(-mu²) of the prior, which makes its precision 1 + 2.
    found = bp.study(model, {"mu": 0.0}, 20, estimators=["MLE", "MAP"], potentials="prior", **QUIET)
    mle, map_ = found["estimate"].values[..., 0]
    np.testing.assert_allclose(map_, 2 / 5 * mle, rtol=1e-7, atol=1e-9)
