"""Gaps against closed forms, and their Monte Carlo error against replicated posteriors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_point.comparison.distance.gaps import QUANTITIES, gaps
from bayes_point.comparison.inputs.draws import Draws, gap_mcse
from tests.trees import (
    ar1,
    coin_tree,
    failed_tree,
    many_tree,
    regression_posterior,
    regression_tree,
)

# A bound that holds in all but 6 of 100,000 draws of a correct program.
SIGMAS = 4.0


def with_draws(dt: xr.DataTree, **draws: np.ndarray) -> xr.DataTree:
    """The same tree with other posterior draws of some variables."""
    dt = dt.copy()
    old = dt["posterior"].to_dataset()
    dt["posterior"] = old.assign({k: old[k].copy(data=v) for k, v in draws.items()})
    return dt


def test_coin_agrees_with_the_beta_posterior() -> None:
    # Three heads of three under Beta(2, 2): Beta(5, 2), mean 5/7, variance ab/((a+b)^2(a+b+1)) =
    # 10/392. MLE 1, MAP 4/5.
    sd = math.sqrt(10 / 392)
    got = gaps(coin_tree(draws=2000))["theta"]
    for estimator, point in {"MLE": 1.0, "MAP": 0.8}.items():
        q = {k: float(got.sel(estimator=estimator, quantity=k)) for k in QUANTITIES}
        assert abs(q["gap"] - (point - 5 / 7) / sd) < SIGMAS * q["gap_mcse"]
        # sd / sqrt(n) is the error of the mean of 8000 independent draws
        assert abs(q["distance"] - (point - 5 / 7)) < SIGMAS * sd / math.sqrt(8000)
        cdf = stats.beta(5, 2).cdf(point)
        assert abs(q["cdf"] - cdf) <= SIGMAS * math.sqrt(cdf * (1 - cdf) / 8000)


def test_regression_agrees_with_the_normal_inverse_gamma_posterior() -> None:
    post = regression_posterior()
    got = gaps(regression_tree(draws=2000))
    # sigma**2 ~ InverseGamma(a, b): E sigma**2 = b / (a - 1), so var sigma = b/(a-1) - (E sigma)^2;
    # beta is multivariate t with covariance b / (a - 1) V.
    mean = post["mean"][1]
    sd_sigma = math.sqrt(post["b"] / (post["a"] - 1) - mean**2)
    sd_beta = np.sqrt(post["b"] / (post["a"] - 1) * np.diag(post["V"]))
    for estimator in ("MLE", "MAP"):
        beta, sigma = post[estimator.lower()]
        gap = got["sigma"].sel(estimator=estimator, quantity="gap")
        error = got["sigma"].sel(estimator=estimator, quantity="gap_mcse")
        assert abs(float(gap) - (sigma - mean) / sd_sigma) < SIGMAS * float(error)
        gap = got["beta"].sel(estimator=estimator, quantity="gap")
        error = got["beta"].sel(estimator=estimator, quantity="gap_mcse")
        assert (np.abs(gap - (beta - post["m"]) / sd_beta) < SIGMAS * error).all()


def replicates(kind: str, count: int = 600) -> tuple[np.ndarray, float]:
    """Independent posteriors of 4 chains of 250 draws side by side, and a point 2.5 sd out."""
    rng = np.random.default_rng(20)
    shape = (4, 250, count)
    if kind == "normal":
        return rng.standard_normal(shape), 2.5
    if kind == "ar1":
        return ar1(rng, shape, 0.6), 2.5
    return rng.exponential(size=shape), 1 + 2.5


@pytest.mark.parametrize("kind", ["normal", "ar1", "exponential"])
def test_gap_mcse_is_the_spread_of_the_gap_over_replicated_posteriors(kind: str) -> None:
    x, point = replicates(kind)
    draws = Draws.of(x)
    gap = (point - draws.mean) / draws.sd
    reported = gap_mcse(draws.z, gap, draws.varies)
    # Relative standard error of a standard deviation over R replicates: sqrt((k - 1) / 4R) with
    # the kurtosis k of the gap, near 3.
    observed, error = gap.std(ddof=1), math.sqrt((stats.kurtosis(gap, fisher=False) - 1) / 4 / 600)
    typical = math.sqrt(np.mean(reported**2))
    assert abs(typical / observed - 1) < SIGMAS * error, (typical, observed)


def test_gap_mcse_counts_the_covariance_of_mean_and_sd() -> None:
    # For an exponential posterior (third central moment 2, fourth 9) and n independent draws:
    # n var(gap) = 1 + g cov(x, (x-1)^2) + g^2 var((x-1)^2) / 4 = 1 + 2 g + 2 g^2; without the
    # covariance it would be 1 + 2 g^2.
    x, point = replicates("exponential")
    draws = Draws.of(x)
    reported = gap_mcse(draws.z, (point - draws.mean) / draws.sd, draws.varies)
    expected = math.sqrt((1 + 2 * 2.5 + 2 * 2.5**2) / 1000)
    naive = math.sqrt((1 + 2 * 2.5**2) / 1000)
    assert np.median(reported) == pytest.approx(expected, rel=0.06)
    assert abs(naive / expected - 1) > 0.12


def test_gap_mcse_of_autocorrelated_normal_draws() -> None:
    # AR(1): n var(mean) = (1+r)/(1-r); squares have autocorrelation r^2, and for a normal the
    # covariance of mean and sd is 0: n var(gap) = (1+r)/(1-r) + g^2/2 (1+r^2)/(1-r^2).
    x, point = replicates("ar1")
    draws = Draws.of(x)
    reported = gap_mcse(draws.z, (point - draws.mean) / draws.sd, draws.varies)
    r = 0.6
    expected = (1 + r) / (1 - r) + 2.5**2 / 2 * (1 + r**2) / (1 - r**2)
    assert np.sqrt(np.mean(reported**2)) == pytest.approx(math.sqrt(expected / 1000), rel=0.06)


def test_true_gaps_lie_within_their_errors() -> None:
    dt = many_tree(60, rho=0.4)
    got = gaps(dt)["theta"].sel(estimator="MLE")
    z = (got.sel(quantity="gap") - np.linspace(-3, 3, 60)) / got.sel(quantity="gap_mcse")
    assert abs(float(z.mean())) < SIGMAS / math.sqrt(60)
    assert float(z.std()) == pytest.approx(1, abs=SIGMAS / math.sqrt(120))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e-20), (1e6, 1.0), (-3.0, 1e12)])
def test_gap_does_not_depend_on_the_units(shift: float, scale: float) -> None:
    dt = many_tree(3)
    other = dt.copy()
    for group in ("posterior", "point_estimates"):
        ds = dt[group].to_dataset()
        other[group] = ds.assign(theta=shift * scale + scale * ds["theta"])
    a, b = gaps(dt)["theta"], gaps(other)["theta"]
    for quantity in ("gap", "gap_mcse", "cdf", "inside_interval"):
        np.testing.assert_allclose(
            b.sel(quantity=quantity), a.sel(quantity=quantity), rtol=1e-6, atol=1e-9
        )


def test_failed_estimates_give_nan_and_inf_and_keep_their_status() -> None:
    got = gaps(failed_tree())
    assert list(got["status"].values) == ["unbounded", "at_infinity"]
    missing = got["tau"].sel(estimator="MLE")
    assert np.isnan(missing).all()
    infinite = got["slope"].sel(estimator="MAP")
    values = {k: float(infinite.sel(quantity=k)) for k in QUANTITIES}
    assert values["distance"] == values["gap"] == math.inf
    assert math.isnan(values["gap_mcse"])
    assert values["cdf"] == 1.0
    assert values["inside_interval"] == 0.0


def test_constant_and_non_finite_draws() -> None:
    dt = failed_tree()
    x = dt["posterior"]["mu"].values
    # A sum that is one but for rounding is as constant as one that is exactly one.
    noise = 1.0 + np.finfo(float).eps * (x > 4)
    bad = x.copy()
    bad[0, 0] = np.inf
    got = gaps(with_draws(dt, mu=noise, tau=bad, slope=np.full_like(x, 2.0)))
    for name in ("mu", "slope"):
        assert np.isnan(got[name].sel(quantity=["gap", "gap_mcse"])).all()
    assert float(got["mu"].sel(estimator="MAP", quantity="distance")) == pytest.approx(3.4)
    assert np.isnan(got["tau"]).all()


def test_few_draws_have_a_gap_but_no_error() -> None:
    got = gaps(coin_tree(draws=3))["theta"].sel(estimator="MAP")
    assert np.isfinite(float(got.sel(quantity="gap")))
    assert np.isnan(float(got.sel(quantity="gap_mcse")))


@pytest.mark.parametrize("seed", range(5))
def test_a_mode_on_the_edge_is_inside_the_hdi(seed: int) -> None:
    # Uniform prior, three heads of three: Beta(4, 1) rises to its edge, 1, which is MLE and MAP.
    edge = gaps(coin_tree(seed=seed, prior=(1, 1)))["theta"].sel(quantity="inside_interval")
    assert edge.values.tolist() == [1.0, 1.0]
    # Beta(5, 2) falls to 0 there: the MLE lies outside, by any sample.
    zero = gaps(coin_tree(seed=seed, prior=(2, 2)))["theta"].sel(quantity="inside_interval")
    assert zero.values.tolist() == [0.0, 1.0]
    # An equal-tailed interval never reaches an edge.
    tails = gaps(coin_tree(seed=seed, prior=(1, 1)), ci_kind="eti")["theta"]
    assert tails.sel(quantity="inside_interval").values.tolist() == [0.0, 0.0]


def test_a_point_far_below_a_half_normal_is_outside_the_hdi() -> None:
    # tau = |normal(0, 4)|: densest at its edge, 0, which is inside; -1 is no possible value.
    dt = failed_tree()
    points = dt["point_estimates"].to_dataset()
    for value, inside in {0.0: 1.0, -1.0: 0.0}.items():
        changed = points.assign(tau=points["tau"].copy(data=[np.nan, value, 3.2]))
        dt["point_estimates"] = changed
        got = gaps(dt)["tau"].sel(estimator="MAP", quantity="inside_interval")
        assert float(got) == inside


def test_interval_follows_its_arguments() -> None:
    dt = many_tree(1, gap=[1.0])
    # 1 sd out: inside the 89% interval of a normal (1.6 sd), outside the 50% one (0.67 sd).
    for prob, inside in {0.89: 1.0, 0.5: 0.0}.items():
        for kind in ("hdi", "eti"):
            got = gaps(dt, ci_prob=prob, ci_kind=kind)
            assert got.attrs == {"ci_prob": prob, "ci_kind": kind}
            mle = got["theta"].sel(estimator="MLE", quantity="inside_interval")
            assert float(mle.item()) == inside


def test_result_is_labelled_as_the_model_is() -> None:
    got = gaps(regression_tree())
    assert list(got.data_vars) == ["beta", "sigma"]
    assert got["beta"].dims == ("estimator", "quantity", "predictor")
    assert list(got["predictor"].values) == ["intercept", "age", "income"]
    assert list(got["quantity"].values) == list(QUANTITIES)
    picked = gaps(
        regression_tree(), var_names=["be"], filter_vars="like", coords={"predictor": "age"}
    )
    xr.testing.assert_allclose(picked["beta"], got["beta"].sel(predictor="age"))
    assert list(picked.data_vars) == ["beta"]


def test_a_tree_loaded_from_disk_gives_the_same(tmp_path: object) -> None:
    dt = failed_tree()
    path = f"{tmp_path}/fit.nc"
    dt.to_netcdf(path)
    with xr.open_datatree(path) as opened:
        loaded = opened.load()
    xr.testing.assert_equal(gaps(loaded), gaps(dt))
