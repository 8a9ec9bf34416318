"""The Laplace approximation: right where a normal is, and saying so where it is not."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import integrate, special, stats

import bayes_point as bp
from tests.reference.case_models import kidscore
from tests.reference.eight_schools import centred, marginal, noncentred
from tests.reference.several_optima import lasso_of_one, squares

LAPLACE = {"random_seed": 1, "progressbar": False}


def quietly(model: pm.Model | bp.PointEstimate, **kwargs: object) -> xr.DataTree:
    """`bp.laplace` of a model whose problems are not the point of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bp.errors.EstimationWarning)
        return bp.laplace(model, **LAPLACE | kwargs)


def problems(dt: xr.DataTree) -> list[dict[str, object]]:
    return json.loads(dt.attrs["problems"])


def assert_near(found: float, exact: float, mcse: float, most: float = 4.0) -> None:
    assert abs(found - exact) < most * mcse, (found, exact, mcse)


# ------------------------------------------------------------------------------ the scale model

SIX = math.sqrt(0.8708 / 6) * np.array([1, -1, 1, -1, 1, -1])
"""Six observations with a sum of squares of 0.8708."""


def scale_model() -> pm.Model:
    with pm.Model() as model:
        s = pm.HalfNormal("s", 5)
        pm.Normal("y", 0, s, observed=SIX)
    return model


@cache
def scale_mode() -> bp.PointEstimate:
    return bp.find_MAP(scale_model(), jacobian=True, progressbar=False)


def exact_scale() -> dict[str, float]:
    """Moments of the posterior and of its Laplace approximation, by quadrature.

    p(s | y) is proportional to s⁻⁶ exp(-Q/(2 s²) - s²/50), with Q the sum of squares.  In u = log s
    the density gains the Jacobian s, so its log is -5 u - Q e^(-2u)/2 - e^(2u)/50, and the normal
    at its mode makes s a log-normal.
    """
    q = float(SIX @ SIX)

    def density(s: float) -> float:
        return math.exp(-6 * math.log(s) - q / (2 * s**2) - s**2 / 50)

    def moment(f: Callable[[float], float]) -> float:
        return integrate.quad(
            lambda s: f(s) * density(s), 0, 40, points=[0.2, 0.5, 1, 3], limit=400
        )[0]

    total = moment(lambda s: 1.0)
    mean = moment(lambda s: s) / total
    variance = moment(lambda s: (s - mean) ** 2) / total
    # Mode: 5 = Q/s² - s²/25, a quadratic in s²; curvature 2 Q/s² + 4 s²/50.
    square = 25 * (-5 + math.sqrt(25 + 4 * q / 25)) / 2
    v = 1 / (2 * q / square + 4 * square / 50)
    log_normal = math.sqrt(square) * math.exp(v / 2)
    return {
        "mean": mean,
        "sd": math.sqrt(variance),
        "normal mean": log_normal,
        "normal sd": log_normal * math.sqrt(math.expm1(v)),
        "mode": 0.5 * math.log(square),
        "variance": v,
    }


def test_the_scale_model_is_the_one_that_is_known() -> None:
    # Without the Jacobian the sd would come out as .116; with it as .142, of a true .206.
    exact = exact_scale()
    assert round(exact["normal mean"], 3) == 0.438
    assert round(exact["normal sd"], 3) == 0.142
    assert round(exact["mean"], 3) == 0.495
    assert round(exact["sd"], 3) == 0.206


def test_the_normal_is_at_the_mode_with_the_jacobian() -> None:
    exact = exact_scale()
    dt = quietly(scale_model(), draws=10_000)
    normal = dt["unconstrained"]
    assert float(normal["mode"][0]) == pytest.approx(exact["mode"], abs=1e-8)
    assert float(normal["covariance"][0, 0]) == pytest.approx(exact["variance"], rel=1e-8)
    s = dt["posterior"]["s"].values
    assert_near(s.mean(), exact["normal mean"], array_stats.mcse(s, method="mean"))
    assert_near(s.std(), exact["normal sd"], array_stats.mcse(s, method="sd"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_resampled_draws_match_the_posterior_within_their_own_error(seed: int) -> None:
    exact = exact_scale()
    dt = quietly(scale_mode(), draws=10_000, resample=True, random_seed=seed)
    s = dt["posterior"]["s"].values
    mcse = array_stats.mcse(s, method="mean")
    assert_near(s.mean(), exact["mean"], mcse)
    assert_near(s.std(), exact["sd"], array_stats.mcse(s, method="sd"))
    # The error that ArviZ finds in the resampled draws is that of the weighted ones: copies of a
    # draw are not counted as news.
    by_weight = dt["importance"]["s"].sel(quantity="mean_mcse").item()
    assert mcse == pytest.approx(by_weight, rel=0.25)
    assert mcse > 1.15 * s.std() / math.sqrt(s.size)
    np.testing.assert_allclose(dt["sample_stats"]["log_weight"], -math.log(40_000))
    assert dt.attrs["distinct_draws"] == len(np.unique(s)) < 40_000


def test_the_weighted_moments_match_the_posterior_within_their_error() -> None:
    exact = exact_scale()
    found = quietly(scale_mode(), draws=10_000)["importance"]["s"]
    mean, mean_mcse, _, sd, sd_mcse, _ = found.values
    assert list(found["quantity"].values) == [
        *("mean", "mean_mcse", "mean_k", "sd", "sd_mcse", "sd_k"),
    ]
    assert_near(mean, exact["mean"], mean_mcse)
    assert_near(sd, exact["sd"], sd_mcse)
    assert mean_mcse < 0.01


# ---------------------------------------------------------------------- where the normal is exact


@cache
def correlated() -> bp.PointEstimate:
    with pm.Model(coords={"axis": ["one", "two"]}) as model:
        x = pm.MvNormal("x", np.zeros(2), np.array([[1.0, 0.9], [0.9, 2.0]]), dims="axis")
        pm.Deterministic("difference", x[0] - x[1])
        pm.Normal("y", x[0] - x[1], 0.5, observed=1.0)
    return bp.find_MAP(model, jacobian=True, progressbar=False)


def test_a_normal_posterior_has_constant_weights() -> None:
    dt = bp.laplace(correlated(), **LAPLACE)
    # Precision: that of the prior and, of x1 - x2, four; mean: covariance times 4 y (1, -1).
    precision = np.linalg.inv([[1, 0.9], [0.9, 2]]) + 4 * np.array([[1, -1], [-1, 1]])
    covariance = np.linalg.inv(precision)
    np.testing.assert_allclose(dt["unconstrained"]["covariance"], covariance, rtol=1e-8)
    np.testing.assert_allclose(dt["unconstrained"]["mode"], covariance @ [4, -4], rtol=1e-8)
    assert list(dt["unconstrained"]["parameter"].values) == ["x[one]", "x[two]"]
    assert dt.attrs["pareto_k"] == -math.inf
    assert dt.attrs["importance_ess"] == pytest.approx(4000)
    np.testing.assert_allclose(dt["sample_stats"]["log_weight"], -math.log(4000), atol=1e-6)
    assert problems(dt) == []
    assert "the weights are constant: the posterior is this normal" in dt.attrs["text"]
    draws = dt["posterior"]["x"].values.reshape(-1, 2)
    q = stats.multivariate_normal(covariance @ [4, -4], covariance).logpdf(draws)
    np.testing.assert_allclose(dt["sample_stats"]["log_q"].values.ravel(), q, rtol=1e-9)
    # log p is that of prior and likelihood, so it differs from log q by the log evidence.
    evidence = stats.norm(0, math.sqrt(1.2 + 0.25)).logpdf(1.0)
    log_p = dt["sample_stats"]["log_p"].values.ravel()
    np.testing.assert_allclose(log_p - q, evidence, atol=1e-6)


def test_the_tree_is_one_that_arviz_reads(tmp_path: object) -> None:
    dt = bp.laplace(correlated(), draws=500, chains=2, **LAPLACE)
    posterior = dt["posterior"].dataset
    assert posterior["x"].dims == ("chain", "draw", "axis")
    assert posterior["x"].shape == (2, 500, 2)
    assert list(posterior["axis"].values) == ["one", "two"]
    x = posterior["x"]
    xr.testing.assert_allclose(
        posterior["difference"], x.sel(axis="one", drop=True) - x.sel(axis="two", drop=True)
    )
    assert set(dt["sample_stats"].data_vars) == {"log_p", "log_q", "log_weight"}
    assert dt["importance"]["x"].dims == ("quantity", "axis")
    file = f"{tmp_path}/laplace.nc"
    dt.to_netcdf(file, engine="h5netcdf")
    with xr.open_datatree(file, engine="h5netcdf") as again:
        xr.testing.assert_equal(again.load()["posterior"].dataset, posterior)
        assert again.attrs["pareto_k"] == -math.inf


def test_draws_are_those_of_the_seed() -> None:
    one, same, other = (
        bp.laplace(correlated(), **LAPLACE | {"random_seed": seed})["posterior"]
        for seed in (1, 1, 2)
    )
    xr.testing.assert_equal(one.dataset, same.dataset)
    assert not np.any(one["x"].values == other["x"].values)


# -------------------------------------------------------------------------- where it is not right


def coin(heads: int, tosses: int) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 1, 1)
        pm.Binomial("heads", tosses, theta, observed=heads)
    return model


def test_a_coin_of_few_tosses_is_warned_of_and_one_of_many_is_not() -> None:
    # Three heads of three: in the log odds the posterior falls as exp(-x) on the right, where the
    # normal falls as exp(-x²/2v).
    with pytest.warns(bp.errors.EstimationWarning, match=r"Pareto k is 0\.\d+, above 0\.7.*high"):
        dt = bp.laplace(coin(3, 3), **LAPLACE)
    assert problems(dt)[0]["parameters"] == ["theta"]
    assert "at high theta_logodds__" in str(problems(dt)[0]["what"])
    assert dt.attrs["is_trusted"] == 0
    assert 0 < dt["posterior"]["theta"].min() < dt["posterior"]["theta"].max() < 1
    dt = bp.laplace(coin(300, 500), **LAPLACE)
    assert dt.attrs["pareto_k"] < 0.5
    assert problems(dt) == []
    mean, mcse = dt["importance"]["theta"].values[:2]
    assert_near(mean, 301 / 502, mcse)  # that of Beta(301, 201)


def funnel() -> pm.Model:
    with pm.Model() as model:
        v = pm.Normal("v", 0, 3)
        pm.Normal("x", 0, pm.math.exp(v / 2), shape=9)
        pm.Normal("y", v, 1, observed=0.0)
    return model


def test_a_funnel_is_not_trusted() -> None:
    # The mode: x = 0, and in v it is -v²/18 - v²/2 - 9 v/2 that is largest, at v = -4.05; the
    # posterior of v is normal around 0.
    dt = quietly(funnel())
    assert float(dt["unconstrained"]["mode"][0]) == pytest.approx(-4.05, abs=1e-6)
    assert dt.attrs["pareto_k"] > 0.7
    [finding] = [one for one in problems(dt) if "v" in one["parameters"]]
    assert "at high v" in str(finding["what"])


def test_the_noncentred_schools_are_not_trusted_for_the_scale_between_them() -> None:
    dt = quietly(noncentred())
    assert dt.attrs["pareto_k"] > 0.7
    assert any(one["parameters"][:1] == ["tau"] for one in problems(dt))


# Means, their Monte Carlo errors and sds of the reference draws of posteriordb (10,000 near
# independent ones, https://github.com/stan-dev/posteriordb).
SCHOOLS = {"mu": (4.4105183, 0.0330375, 3.3092965), "tau": (3.6020595, 0.0318615, 3.1984777)}
KIDS = {
    "beta[Intercept]": (25.9165316, 0.0607967, 5.9686029),
    "beta[mom_iq]": (0.6086284, 0.0005991, 0.0589819),
    "sigma": (18.2758484, 0.0063173, 0.6240155),
}


@pytest.mark.parametrize(("model", "known"), [(marginal, SCHOOLS), (kidscore, KIDS)])
def test_resampled_draws_against_reference_draws(
    model: Callable[[], pm.Model], known: dict[str, tuple[float, float, float]]
) -> None:
    dt = bp.laplace(model(), resample=True, draws=2500, **LAPLACE)
    assert dt.attrs["is_trusted"] == 1
    for name, (mean, mcse, sd) in known.items():
        variable, _, label = name.rstrip("]").partition("[")
        draws = dt["posterior"][variable]
        x = (draws.sel(column=label) if label else draws).values
        assert_near(x.mean(), mean, math.hypot(mcse, array_stats.mcse(x, method="mean")))
        # The sd of the sd of the reference is that of 10,000 draws with a kurtosis of 9 at most.
        assert_near(x.std(), sd, math.hypot(0.014 * sd, array_stats.mcse(x, method="sd")))


def test_heavy_tails_are_named_and_light_ones_are_not() -> None:
    with pm.Model() as model:
        pm.StudentT("wide", 1, mu=0, sigma=1)  # Cauchy
        light = pm.Normal("light", 0, 1)
        pm.Normal("y", light, 1, observed=0.3)
    with pytest.warns(bp.errors.EstimationWarning, match="at either end of wide"):
        dt = bp.laplace(model, draws=10_000, **LAPLACE)
    assert problems(dt)[0]["parameters"] == ["wide"]
    k = dt["importance"].sel(quantity="mean_k")
    assert float(k["wide"]) > 0.9  # a Cauchy has no mean
    assert float(k["wide"]) > float(k["light"])


def test_a_mean_alone_can_be_what_is_not_to_be_trusted() -> None:
    # The posterior is as good as normal, and exp(0.6 x²) has no mean under a standard normal.
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1)
        pm.Deterministic("huge", pm.math.exp(0.6 * x**2))
        pm.Normal("y", x, 100, observed=0.0)
    with pytest.warns(
        bp.errors.EstimationWarning, match=r"weighted mean or sd is above 0\.7 for huge"
    ):
        dt = bp.laplace(model, **LAPLACE)
    assert dt.attrs["is_trusted"] == 1
    assert problems(dt)[0]["parameters"] == ["huge"]


def test_further_modes_are_carried() -> None:
    # x² = 4 has two roots; the normal at one of them is as good as can be, and half of the truth.
    with pytest.warns(bp.errors.EstimationWarning, match="1 further local maximum was found"):
        dt = bp.laplace(squares(), **LAPLACE)
    assert dt.attrs["pareto_k"] < 0.7
    assert "1 further local maximum" in dt.attrs["text"]
    # Opposite roots, as far as the prior lets them be.
    np.testing.assert_allclose(dt["optima"]["x"][0], -dt["optima"]["x"][1], rtol=1e-6)
    assert "1 further local maximum" in str(problems(dt)[0]["what"])


def test_draws_outside_the_support_weigh_nothing() -> None:
    with pm.Model() as model:
        x = pm.Uniform("x", 0, 10, default_transform=None)
        pm.Normal("y", x, 1, observed=1.5)
    # The share of Normal(1.5, 1) below 0.
    share = special.ndtr(-1.5)
    with pytest.warns(bp.errors.EstimationWarning, match=r"zero, or not a number, at 6\.\d %"):
        dt = bp.laplace(model, **LAPLACE)
    outside = dt["posterior"]["x"].values < 0
    assert_near(outside.mean(), share, math.sqrt(share * (1 - share) / 4000))
    assert np.all(dt["sample_stats"]["log_weight"].values[outside] == -np.inf)
    exact = stats.truncnorm(-1.5, 8.5, 1.5, 1).mean()
    mean, mcse = dt["importance"]["x"].values[:2]
    assert_near(mean, exact, mcse)
    assert quietly(model, resample=True)["posterior"]["x"].min() > 0


# -------------------------------------------------------------------------- where there is no mode


def unidentified() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b, 1, observed=2.0)
    return model


def at_a_wall() -> pm.Model:
    with pm.Model() as model:
        a = pm.Uniform("a", 0, 1, default_transform=None)
        pm.Normal("y", a, 1, observed=2.0)
    return model


def all_heads() -> pm.Model:
    # exp(logit) has no prior to hold it.
    with pm.Model() as model:
        b = pm.Flat("b")
        pm.Bernoulli("y", logit_p=b, observed=[1, 1, 1])
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (centred, "Unbounded: .*without limit along tau"),
        (unidentified, r"Not identified: .*a and b"),
        (at_a_wall, "On a boundary: .*value of a"),
        (all_heads, r"At infinity: .* b"),
        (lasso_of_one, "kink in x"),
    ],
)
def test_no_normal_without_a_mode(model: Callable[[], pm.Model], message: str) -> None:
    with pytest.raises(bp.errors.EstimationError, match=message) as error:
        bp.laplace(model(), **LAPLACE)
    assert "has no mode at which a normal could stand" in str(error.value)
    assert isinstance(error.value.estimate, bp.PointEstimate)


def test_no_normal_where_there_is_no_curvature() -> None:
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Normal("y", x**2, 1, observed=[-0.5, 0.5])
    # The log density is -x⁴ + const: a maximum at 0, proven, with no curvature.
    with pytest.raises(bp.errors.EstimationError, match="no curvature along x"):
        bp.laplace(model, **LAPLACE)


# ----------------------------------------------------------------------------- what it is called on


def test_an_estimate_that_is_the_mode_is_taken_as_it_is() -> None:
    mode = bp.find_MAP(coin(7, 10), jacobian=True, progressbar=False)
    dt = bp.laplace(mode, **LAPLACE)
    # Beta(8, 4) with its Jacobian is largest at log odds of log(8/4).
    assert float(dt["unconstrained"]["mode"][0]) == float(mode.unconstrained[0])
    assert float(mode.unconstrained[0]) == pytest.approx(math.log(2), abs=1e-8)
    assert dt.attrs["started_from"] == "the estimate given"


@pytest.mark.parametrize("find", [bp.find_MLE, bp.find_MAP])
def test_another_estimate_is_made_the_mode_and_it_is_said(
    find: Callable[..., bp.PointEstimate],
) -> None:
    dt = bp.laplace(find(coin(7, 10), progressbar=False), **LAPLACE)
    assert float(dt["unconstrained"]["mode"][0]) == pytest.approx(math.log(2), abs=1e-8)
    assert "not the mode with the Jacobian: that was found anew" in dt.attrs["started_from"]
    assert dt.attrs["jacobian"] == 1


def test_the_model_of_the_context() -> None:
    with coin(300, 500):
        dt = bp.laplace(draws=300, **LAPLACE)
    assert dt["posterior"]["theta"].shape == (4, 300)


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.warns(bp.errors.EstimationWarning, match="Unbounded"):
        failed = bp.find_MAP(centred(), jacobian=True, progressbar=False)
    with pytest.raises(bp.errors.EstimationError, match="Unbounded"):
        bp.laplace(failed, **LAPLACE)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1, got 0"),
        ({"chains": 1.5}, "chains must be a whole number of at least 1, got 1.5"),
        ({"draws": 20, "chains": 2}, "40 draws in all; at least 1000 are needed"),
    ],
)
def test_counts_are_checked(counts: dict[str, object], message: str) -> None:
    with pytest.raises(bp.errors.ModelError, match=message):
        bp.laplace(coin(7, 10), **LAPLACE | counts)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(bp.errors.ModelError, match=r"laplace needs a pymc\.Model, got int"):
        bp.laplace(3)


# ---------------------------------------------------------------------------- beside a posterior


def test_the_distance_to_a_posterior_that_is_known() -> None:
    # Draws of Beta(8, 4), and the normal in the log odds, whose moments are had by quadrature.
    rng = np.random.default_rng(5)
    theta = rng.beta(8, 4, (4, 1000))
    reference = xr.DataTree.from_dict(
        {"/posterior": xr.Dataset({"theta": (("chain", "draw"), theta)})}
    )
    dt = bp.laplace(coin(7, 10), idata=reference, **LAPLACE)
    # In the log odds the log density is 8 x - 12 log(1 + e^x): mode log 2, curvature 12 (2/3)(1/3).
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    at = special.expit(math.log(2) + nodes * math.sqrt(9 / 24))
    mean = weights @ at
    sd = math.sqrt(weights @ (at - mean) ** 2)
    exact = stats.beta(8, 4)
    found = dt["closeness"]["theta"]
    difference, mcse, ratio, ratio_mcse, *_ = found.values
    assert_near(difference, (mean - exact.mean()) / exact.std(), mcse)
    assert_near(ratio, sd / exact.std() - 1, ratio_mcse)
    # Resampled, the draws cannot be told from those of the posterior.
    found = bp.laplace(coin(7, 10), resample=True, idata=reference, **LAPLACE)["closeness"]["theta"]
    difference, mcse, ratio, ratio_mcse, distance, noise = found.values
    assert_near(difference, 0, mcse)
    assert_near(ratio, 0, ratio_mcse)
    assert distance < 4 * noise


def test_another_posterior_is_refused() -> None:
    def posterior(name: str) -> dict[str, xr.Dataset]:
        return {"/posterior": xr.Dataset({name: (("chain", "draw"), np.full((2, 5), 0.5))})}

    with pytest.raises(
        bp.errors.ComparisonError, match=r"not a posterior of this model.*\['theta'\]"
    ):
        bp.laplace(coin(7, 10), idata=xr.DataTree.from_dict(posterior("p")), **LAPLACE)
    other = xr.DataTree.from_dict(
        posterior("theta") | {"/observed_data": xr.Dataset({"heads": np.array(6)})}
    )
    with pytest.raises(bp.errors.ComparisonError, match="given other data than the model holds"):
        bp.laplace(coin(7, 10), idata=other, **LAPLACE)


def test_only_what_the_model_has_is_compared() -> None:
    theta = np.random.default_rng(5).beta(8, 4, (4, 500))
    more = xr.Dataset(dict.fromkeys(("theta", "odds"), (("chain", "draw"), theta)))
    found = bp.laplace(coin(7, 10), idata=xr.DataTree.from_dict({"/posterior": more}), **LAPLACE)
    assert list(found["closeness"].data_vars) == ["theta"]
