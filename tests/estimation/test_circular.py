"""Angles: intervals across the cut, means and gaps the shorter way around."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy.special import i0, i1
from scipy.stats import chi2, norm

import bayes_point as bp
from bayes_point.model.variables.circular import arc, wrapped

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
# Around 3.1, so that some lie on either side of the cut at pi.
ANGLES = wrapped(3.1 + np.array([-0.9, -0.5, -0.3, -0.1, 0.0, 0.2, 0.4, 0.7, 0.8]))
KAPPA = 4.0


def directions(angles: np.ndarray = ANGLES, kappa: float = KAPPA) -> pm.Model:
    with pm.Model() as model:
        mu = pm.VonMises("mu", 0, 0.01)
        pm.VonMises("x", mu, kappa, observed=angles)
    return model


def resultant(angles: np.ndarray = ANGLES) -> tuple[float, float]:
    """Mean direction and n R, which are all that the likelihood knows: kappa n R cos(mu - mean)."""
    total = np.exp(1j * angles).sum()
    return float(np.angle(total)), float(np.abs(total))


@pytest.fixture(scope="module")
def mle() -> bp.PointEstimate:
    return bp.find_MLE(directions(), **QUIET)


def test_ends_go_across_the_cut(mle: bp.PointEstimate) -> None:
    mean, length = resultant()
    assert float(mle["mu"]) == pytest.approx(mean, abs=1e-9)
    # The deviance 2 kappa n R (1 - cos(mu - mean)) is the cut-off.
    away = np.arccos(1 - chi2.ppf(0.95, 1) / (2 * KAPPA * length))
    low, high = mle.conf_int(ci_prob=0.95)["mu"].values
    assert (low, high) == pytest.approx((mean - away, mean + away - 2 * np.pi), rel=1e-6)
    away = norm.ppf(0.975) / np.sqrt(KAPPA * length)
    low, high = mle.conf_int(ci_prob=0.95, method="wald")["mu"].values
    assert (low, high) == pytest.approx((mean - away, mean + away - 2 * np.pi), rel=1e-6)
    table = mle.to_dataframe(ci_prob=0.95)
    assert table.loc["mu"].iloc[2:4].tolist() == pytest.approx([low, high])


def test_a_profile_goes_on_beyond_the_cut(mle: bp.PointEstimate) -> None:
    mean, length = resultant()
    group = bp.profile(mle, ci_prob=0.95, n_points=12, progressbar=False)["profile"]
    value = group["value"].values[0]
    assert np.all(np.diff(value) > 0)
    assert value[-1] > np.pi
    deviance = 2 * KAPPA * length * (1 - np.cos(value - mean))
    np.testing.assert_allclose(group["deviance"].values[0], deviance, rtol=1e-6, atol=1e-9)
    low, high = group["interval"].values[0]
    assert high < low


def test_an_interval_can_be_the_whole_circle() -> None:
    # The deviance is at most 4 kappa n R: here less than the cut-off.
    angles = np.array([0.0, 2.0, 4.0, 5.5])
    _, length = resultant(angles)
    assert 4 * 0.3 * length < chi2.ppf(0.95, 1)
    mle = bp.find_MLE(directions(wrapped(angles), kappa=0.3), **QUIET)
    for method in ("profile", "wald"):
        ends = mle.conf_int(ci_prob=0.95, method=method)["mu"]
        assert ends.values.tolist() == [-np.pi, np.pi]
    assert "below the cut-off all around" in mle.conf_int(ci_prob=0.95)["mu"].attrs["notes"]


def test_a_bootstrap_interval_goes_across_the_cut(mle: bp.PointEstimate) -> None:
    dt = bp.bootstrap(directions(), n=200, kind="nonparametric", jackknife=False, **QUIET)
    low, high = bp.bootstrap_interval(dt, ci_prob=0.9, method="percentile")["mu"].values
    assert high < 0 < low
    # As refits turned by pi, where there is no cut, have it.
    turned = np.sort(wrapped(dt["refits"]["mu"].values + np.pi))
    ranks = [np.ceil(200 * level - 1e-9).astype(int) - 1 for level in (0.05, 0.95)]
    assert wrapped(np.array([low, high]) + np.pi) == pytest.approx(turned[ranks])


def test_arcs() -> None:
    ends = np.array([[3.0, 3.5], [-4.0, -3.0], [0.0, 7.0], [np.nan, 1.0]])
    turn = 2 * np.pi
    expected = [[3.0, 3.5 - turn], [turn - 4.0, -3.0], [-np.pi, np.pi], [np.nan, 1.0]]
    np.testing.assert_allclose(arc(ends), expected)


def fitted(draws: np.ndarray) -> xr.DataTree:
    posterior = xr.Dataset({"mu": (("chain", "draw"), wrapped(draws))})
    idata = xr.DataTree.from_dict({"/posterior": posterior})
    return bp.fit(directions(), idata=idata, details=False, **QUIET)


def test_moments_and_gaps_are_circular() -> None:
    # Symmetric about 3.0, so that the mean direction is 3.0, and R the mean of the cosines.
    away = norm.ppf((np.arange(400) + 0.5) / 400) * 0.4
    draws = 3.0 + np.random.default_rng(1).permutation(away).reshape(2, 200)
    sd = np.sqrt(-2 * np.log(np.cos(away).mean()))
    dt = fitted(draws)
    table = bp.summary(dt, ci_prob=0.9, ci_kind="eti", round_to="none")
    row = table.loc["mu"].iloc[:8].astype(float)
    assert row["mean"] == pytest.approx(3.0)
    assert row["sd"] == pytest.approx(sd)
    mean, _ = resultant()
    assert row["gap_MLE"] == pytest.approx((mean - 3.0) / sd)
    low, high = row["eti90_lb"], row["eti90_ub"]
    assert (low, high) == pytest.approx((3.0 - 0.658, 3.0 + 0.658 - 2 * np.pi), abs=0.01)
    distance = bp.gaps(dt)["mu"].sel(estimator="MLE")
    assert float(distance.sel(quantity="distance")) == pytest.approx(mean - 3.0)
    # An estimate on the other side of the cut is as near.
    dt["point_estimates"]["mu"].loc[{"estimator": "MLE"}] = wrapped(np.array(3.0 + 0.5))
    assert float(bp.gaps(dt)["mu"].sel(estimator="MLE", quantity="gap")) == pytest.approx(0.5 / sd)
    total = bp.explain(dt)["mu"].sel(quantity="shift", term="total")
    assert float(total) == pytest.approx(-0.5 / sd)


def test_draws_all_around_have_no_direction() -> None:
    dt = fitted(np.linspace(-np.pi, np.pi, 400, endpoint=False).reshape(2, 200)[:, ::-1])
    table = bp.summary(dt)
    assert np.isnan(bp.gaps(dt)["mu"].sel(quantity="gap")).all()
    assert any("have no mean direction" in note for note in table.notes)
    assert "all around the circle" in str(bp.verdict(dt).parameters["sentence"].iloc[0])


def test_the_mean_of_a_fit_is_a_direction() -> None:
    # Draws at pi - 0.1 and -pi + 0.3, half each: their direction is pi + 0.1, that is 0.1 - pi.
    mu = np.tile([np.pi - 0.1, 0.3 - np.pi], (4, 50))
    draws = xr.Dataset({"mu": (("chain", "draw"), mu)}, {"chain": range(4), "draw": range(100)})
    dt = bp.fit(
        directions(),
        idata=xr.DataTree.from_dict({"/posterior": draws}),
        details=False,
        progressbar=False,
    )
    mean = dt["point_estimates"]["mu"].sel(estimator="mean")
    assert float(mean) == pytest.approx(0.1 - np.pi, abs=1e-12)


def test_refits_with_a_free_concentration() -> None:
    """PyMC's Bessel functions have first derivatives only: the second are taken by differences."""
    with pm.Model() as model:
        mu = pm.VonMises("mu", 0, 0.01)
        kappa = pm.HalfFlat("kappa")
        pm.VonMises("x", mu, kappa, observed=ANGLES)
    data = np.stack([ANGLES, wrapped(ANGLES + 1.0)])
    fits = bp.refit(model, {"x": data}, progressbar=False)
    assert set(fits["status"].values) == {"converged"}
    mean, length = resultant()
    np.testing.assert_allclose(wrapped(fits["mu"].values - mean), [0, 1], atol=1e-6)
    # The mean resultant length is the ratio of two Bessel functions.
    ratio = i1(fits["kappa"].values) / i0(fits["kappa"].values)
    np.testing.assert_allclose(ratio, length / len(ANGLES), rtol=1e-6)
    exact = bp.find_MLE(model, **QUIET).stderr()["kappa"]
    np.testing.assert_allclose(fits["kappa_stderr"], exact, rtol=1e-4)
