"""bootstrap: closed forms of what it draws, its units, its intervals, and what fails."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import optimize, stats

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
Y = np.array([1.0, 2.0, 4.0, 6.0, 7.0, 13.0])
N = 2000
# Four standard errors of a standard deviation, relative: sd / sqrt(2 N) for normal draws, and
# somewhat less for flatter ones.
CLOSE = 4 / math.sqrt(2 * N)


@cache
def normal() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Deterministic("variance", sigma**2)
        pm.Normal("y", mu, sigma, observed=Y)
    return model


@cache
def drawn(kind: Any) -> xr.DataTree:
    return bp.bootstrap(normal(), N, kind=kind, **QUIET)


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_of_a_mean(kind: str) -> None:
    # Resampled or simulated at the MLE, a datum has the variance s² of divisor n, and the mean of
    # n has s²/n; the variance of n such data is s² (1 - 1/n) on average.
    posterior = drawn(kind)["posterior"].dataset
    assert dict(posterior.sizes) == {"chain": 1, "draw": N}
    se = Y.std() / math.sqrt(len(Y))
    mu, variance = posterior["mu"].values.ravel(), posterior["variance"].values.ravel()
    assert abs(mu.mean() - Y.mean()) < 4 * se / math.sqrt(N)
    assert mu.std() == pytest.approx(se, rel=CLOSE)
    assert abs(variance.mean() - Y.var() * 5 / 6) < 4 * variance.std() / math.sqrt(N)


def test_the_tree() -> None:
    dt = drawn("nonparametric")
    assert dt.attrs["kind"] == "nonparametric"
    assert json.loads(dt.attrs["statuses"]) == {"converged": N}
    assert float(dt["mle/posterior"]["mu"].item()) == pytest.approx(Y.mean(), rel=1e-9)
    assert dt["refits"].sizes["draw"] == N
    # Each unit is left out once: means of the other five.
    np.testing.assert_allclose(
        dt["jackknife"]["mu"].to_numpy(), (Y.sum() - Y) / (len(Y) - 1), rtol=1e-9
    )
    assert az.summary(dt, var_names=["mu"], kind="stats").shape[0] == 1


def test_the_tree_survives_a_file(tmp_path: Path) -> None:
    dt = bp.bootstrap(normal(), 5, **QUIET)
    dt.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "b.nc", engine="h5netcdf") as back:
        got = bp.bootstrap_interval(back.load(), method="bca")
    xr.testing.assert_equal(got, bp.bootstrap_interval(dt, method="bca"))


def test_the_seed_decides() -> None:
    a, b = (bp.bootstrap(normal(), 5, **QUIET)["posterior"].dataset for _ in range(2))
    xr.testing.assert_identical(a, b)
    other = bp.bootstrap(normal(), 5, progressbar=False, random_seed=2)["posterior"].dataset
    assert np.all(other["mu"].values != a["mu"].values)


# ------------------------------------------------------------------------------------ intervals


def test_percentile_interval_is_of_the_order_statistics() -> None:
    ends = bp.bootstrap_interval(drawn("parametric"), ci_prob=0.9, method="percentile")["mu"]
    mu = np.sort(drawn("parametric")["posterior"]["mu"].to_numpy().ravel())
    assert ends.values.tolist() == [mu[99], mu[1899]]
    # And these are near those of Normal(mean, s / sqrt(n)): an order statistic has the standard
    # error sqrt(p (1 - p) / N) / density.
    exact = stats.norm(Y.mean(), Y.std() / math.sqrt(len(Y)))
    for end, p in zip(ends.values, (0.05, 0.95), strict=True):
        error = math.sqrt(p * (1 - p) / N) / exact.pdf(exact.ppf(p))
        assert abs(end - exact.ppf(p)) < 4 * error


def test_bca_of_a_mean_by_hand() -> None:
    # The mean of five is mean - (y - mean)/5, so u is proportional to y - mean, and the
    # acceleration is the skewness over 6 sqrt(n) (Efron 1987, equation 6.6).
    dt = drawn("nonparametric")
    mu = np.sort(dt["posterior"]["mu"].to_numpy().ravel())
    a = stats.skew(Y) / (6 * math.sqrt(len(Y)))
    # Rounding decides on which side of the estimate a draw equal to it lies.
    estimate = float(dt["mle/posterior"]["mu"].item())
    z0 = stats.norm.ppf(np.mean(mu < estimate) + 0.5 * np.mean(mu == estimate))
    z = z0 + stats.norm.ppf([0.05, 0.95])
    levels = stats.norm.cdf(z0 + z / (1 - a * z))
    expected = mu[np.ceil(N * levels).astype(int) - 1]
    got = bp.bootstrap_interval(dt, ci_prob=0.9, method="bca", var_names="mu")["mu"]
    np.testing.assert_allclose(got.values, expected, rtol=1e-12)
    # Skewed to the right, as the data are: both ends move up.
    plain = bp.bootstrap_interval(dt, ci_prob=0.9, method="percentile")["mu"]
    assert np.all(got.values > plain.values)


def test_conf_int() -> None:
    mle = bp.find_MLE(normal(), **QUIET)
    got = mle.conf_int(ci_prob=0.9, method="bootstrap", interval="percentile", n=N, **QUIET)
    assert list(got.data_vars) == ["mu", "sigma"]
    assert got.attrs["method"] == "bootstrap"
    assert got["ci_bound"].values.tolist() == ["lower", "upper"]
    half = 1.645 * Y.std() / math.sqrt(len(Y))
    np.testing.assert_allclose(got["mu"], [5.5 - half, 5.5 + half], atol=0.2 * half)
    again = mle.conf_int(
        ci_prob=0.9, method="bootstrap", kind="nonparametric", var_names="variance", n=50, **QUIET
    )
    assert list(again.data_vars) == ["variance"]
    assert again.attrs["interval"] == "bca"
    with pytest.raises(ModelError, match=r"method='bootstrap' knows no draws; its arguments are"):
        mle.conf_int(method="bootstrap", draws=10)


def test_infinite_ends_and_failed_refits() -> None:
    dt = drawn("parametric").copy()
    refits = dt["refits"].dataset.copy(deep=True)
    status = refits["status"].values.astype("U20")
    mu = refits["mu"].values
    mu[:300], status[:300] = np.inf, "at_infinity"
    mu[300:320], status[300:320] = np.nan, "unbounded"
    dt["refits"] = refits.assign(status=("draw", status))
    ends = bp.bootstrap_interval(dt, ci_prob=0.9, method="percentile")
    assert ends["mu"][1] == np.inf
    assert np.isfinite(ends["mu"][0])
    assert ends["mu"].attrs["notes"] == "mu: 20 of 2000 refits failed"
    status[:300] = "unbounded"
    dt["refits"] = refits.assign(status=("draw", status))
    ends = bp.bootstrap_interval(dt, ci_prob=0.9, method="percentile")
    assert ends["sigma"].isnull().all()
    assert ends["sigma"].attrs["notes"] == (
        "sigma: 320 of 2000 refits failed, too many for an interval"
    )


def test_without_estimates_it_says_so() -> None:
    # Four tosses with three heads in log odds: of the data sets simulated, (3/4)^4 are all heads
    # and (1/4)^4 all tails, which have their maximum at infinity.
    with pm.Model() as model:
        a = pm.Normal("a", 0, 3)
        pm.Bernoulli("tosses", logit_p=a, observed=[1, 1, 0, 1])
    with pytest.warns(EstimationWarning, match=r"refits \d+ have no finite estimate \(at infinity"):
        dt = bp.bootstrap(model, 400, **QUIET)
    counts = json.loads(dt.attrs["statuses"])
    p = 0.75**4 + 0.25**4
    assert abs(counts["at_infinity"] - 400 * p) < 4 * math.sqrt(400 * p * (1 - p))
    assert dt["posterior"].sizes["draw"] == counts["converged"]
    assert dt["refits"].sizes["draw"] == 400
    # Nearly a third of the estimates are at infinity, and so is the upper end.
    ends = bp.bootstrap_interval(dt, ci_prob=0.5, method="percentile")["a"]
    assert ends[1] == np.inf
    ends = bp.bootstrap_interval(dt, ci_prob=0.5, method="bca")["a"]
    assert ends.isnull().all()
    assert ends.attrs["notes"] == "a: an estimate of the jackknife does not exist"


# ---------------------------------------------------------------------------------------- units


@cache
def grouped() -> pm.Model:
    rng = np.random.default_rng(5)
    y = rng.normal(size=(30, 1)) + 0.1 * rng.normal(size=(30, 4))
    with pm.Model(coords={"person": range(30), "time": range(4)}) as model:
        mu = pm.Normal("mu", 0, 10)
        pm.Normal("y", mu, 1, observed=y, dims=("person", "time"))
    return model


def test_units_of_several_observations() -> None:
    # Whole persons are resampled: the standard error of the mean is that of their means.
    dt = bp.bootstrap(grouped(), N, kind="nonparametric", dims="person", **QUIET)
    y = grouped().rvs_to_values[grouped()["y"]].data
    means = y.mean(axis=1)
    assert float(dt["posterior"]["mu"].std()) == pytest.approx(
        means.std() / math.sqrt(30), rel=CLOSE
    )
    np.testing.assert_allclose(dt["jackknife"]["mu"], (means.sum() - means) / 29, rtol=1e-8)
    # Both dims, in either order: cells.
    cells = bp.bootstrap(grouped(), 5, kind="nonparametric", dims=("time", "person"), **QUIET)
    assert cells["jackknife"].sizes["left_out"] == 120
    np.testing.assert_allclose(cells["jackknife"]["mu"], ((y.sum() - y) / 119).T.ravel(), rtol=1e-8)


def test_units_have_to_be_told() -> None:
    with pytest.raises(ModelError, match=r"What is to be resampled cannot be told: .*'person'"):
        bp.bootstrap(grouped(), 5, kind="nonparametric", **QUIET)
    with pytest.raises(ModelError, match=r"dims names \['day'\], which the observed variable 'y'"):
        bp.bootstrap(grouped(), 5, kind="nonparametric", dims="day", **QUIET)
    # Simulated data need no units; but BCa does.
    dt = bp.bootstrap(grouped(), 5, **QUIET)
    with pytest.raises(ModelError, match=r"BCa intervals need the jackknife.*cannot be told"):
        bp.bootstrap_interval(dt)
    mle = bp.find_MLE(grouped(), **QUIET)
    with pytest.raises(ModelError, match=r"cannot be told.*Or use interval='percentile'"):
        mle.conf_int(method="bootstrap", **QUIET)
    with pytest.raises(ModelError, match=r"Got interval='basic'. It must be 'bca' or 'percentile'"):
        mle.conf_int(method="bootstrap", interval="basic", **QUIET)


def test_map_of_the_same_model() -> None:
    # A normal mean with known sd 1 and prior Normal(0, 1): the MAP is n/(n + 1) of the mean.
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Normal("y", mu, 1, observed=Y)
    dt = bp.bootstrap(model, N, estimator="MAP", **QUIET)
    assert "map" in dt.children
    sd = float(dt["posterior"]["mu"].std())
    assert sd == pytest.approx(6 / 7 / math.sqrt(6), rel=CLOSE)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"n": 1}, "n must be a whole number of at least 2, got 1"),
    ({"kind": "jackknife"}, "Got kind='jackknife'. It must be 'parametric' or 'nonparametric'"),
    ({"estimator": "mean"}, "Got estimator='mean'. It must be 'MLE' or 'MAP'"),
    ({"jacobian": True}, "jacobian=True is for estimator='MAP'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bp.bootstrap(normal(), **arguments)


def test_nothing_to_draw_anew() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Potential("p", -((mu - 1) ** 2))
    with pytest.raises(ModelError, match="observes nothing, so there are no data to draw anew"):
        bp.bootstrap(model, potentials="likelihood", **QUIET)
    with model:
        pm.Normal("y", mu, observed=[1.0, 2.0])
    with pytest.raises(ModelError, match="cannot be simulated from a Potential"):
        bp.bootstrap(model, potentials="likelihood", **QUIET)
    with pm.Model() as model:
        a = pm.Normal("a", 0, 3)
        pm.Bernoulli("tosses", logit_p=a, observed=[1, 1, 1, 1])
    with (
        pytest.warns(EstimationWarning),
        pytest.raises(EstimationError, match="Data cannot be simulated from the MLE: At infinity"),
    ):
        bp.bootstrap(model, **QUIET)


def test_intervals_of_something_else() -> None:
    with pytest.raises(ModelError, match=r"Got method='basic'. It must be 'percentile' or 'bca'"):
        bp.bootstrap_interval(drawn("parametric"), method="basic")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="Got a DataTree without the group refits"):
        bp.bootstrap_interval(xr.DataTree())


def beside_a_known_group(y: np.ndarray) -> pm.Model:
    """Half of the data are of N(0, 1), half of a normal whose scale has a pole at each datum."""
    with pm.Model() as model:
        mu = pm.Flat("mu")
        s = pm.HalfFlat("s")
        parts = [pm.Normal.dist(0, 1), pm.Normal.dist(mu, s)]
        pm.Mixture("y", [0.5, 0.5], parts, observed=y)
    return model


def two_sizes(n: int, m: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, 1, n), rng.normal(4, 0.5, m)])


def test_refits_of_a_local_maximum_are_local_maxima() -> None:
    y = two_sizes(30, 30)
    mle = bp.find_MLE(beside_a_known_group(y), local=True, random_seed=0, progressbar=False)
    dt = bp.bootstrap(mle, 40, kind="nonparametric", random_seed=1, progressbar=False)
    assert dt.attrs["statuses"] == '{"local": 40}'
    left_out = dt["jackknife"].dataset
    for i in (0, 17, 45):
        rest = np.delete(y, i)

        def falls(x: np.ndarray, rest: np.ndarray = rest) -> float:
            return -np.logaddexp(stats.norm.logpdf(rest), stats.norm.logpdf(rest, x[0], x[1])).sum()

        x = optimize.minimize(
            falls, [4, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
        )
        got = left_out.isel(left_out=i)
        np.testing.assert_allclose([got["mu"], got["s"]], x.x, rtol=1e-6)
    # They spread as far as the standard errors say.
    for name in ("mu", "s"):
        assert 0.6 < dt["posterior"][name].std() / mle.stderr()[name] < 1.5
    with pytest.raises(ModelError, match="are its own"):
        bp.bootstrap(mle, 40, estimator="MAP", progressbar=False)


def test_refits_that_leave_a_local_maximum_are_counted() -> None:
    model = beside_a_known_group(two_sizes(6, 4))
    mle = bp.find_MLE(model, local=True, random_seed=0, progressbar=False)
    with pytest.warns(EstimationWarning) as caught:
        dt = bp.bootstrap(mle, 200, kind="nonparametric", random_seed=1, progressbar=False)
    said = [str(warning.message) for warning in caught]
    fits = dt["refits"].dataset
    unbounded = int((fits["status"] == "unbounded").sum())
    assert unbounded > 0
    assert said[0].startswith(f"Of 200 refits {unbounded} have no finite estimate")
    kept = dt["posterior"].dataset.isel(chain=0)
    away = np.zeros(kept.sizes["draw"], bool)
    for name in ("mu", "s"):
        away |= np.abs((kept[name] - mle.point[name]) / mle.stderr()[name]).values > 6
    assert away.sum() > 0
    assert said[1].startswith(
        f"Of {200 - unbounded} refits {away.sum()} ended more than 6 standard"
    )
