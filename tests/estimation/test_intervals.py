"""Wald intervals: closed forms, what keeps them in the support, and what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import pytest
from scipy import stats
from scipy.special import expit, logit

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.face.point_estimate import PointEstimate

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
Z95 = 1.959963984540054


def ends(estimate: PointEstimate, name: str, ci_prob: float = 0.95) -> np.ndarray:
    return estimate.conf_int(ci_prob=ci_prob, method="wald", var_names=name)[name].values


@cache
def mixed() -> PointEstimate:
    """A mean, a scale, a proportion, a simplex, and Deterministics of them."""
    with pm.Model(coords={"kind": ["a", "b", "c"]}) as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        theta = pm.Beta("theta", 2, 2)
        w = pm.Dirichlet("w", np.ones(3), dims="kind")
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Deterministic("hill", theta * (1 - theta))
        pm.Deterministic("snr", mu / sigma)
        pm.Normal("y", mu, sigma, observed=[1.0, 2.0, 4.0, 5.0])
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
        pm.Multinomial("counts", 20, w, observed=[1, 4, 15])
    return bp.find_MLE(model, **QUIET)


def test_free_variables_are_mapped_back() -> None:
    y = np.array([1.0, 2.0, 4.0, 5.0])
    sd = y.std()
    sides = np.array([-1, 1])
    np.testing.assert_allclose(ends(mixed(), "mu"), 3 + sides * Z95 * sd / 2, rtol=1e-8)
    # The log of sigma has the standard error 1 / sqrt(2 n), the log odds 1 / sqrt(n p (1 - p)).
    np.testing.assert_allclose(
        ends(mixed(), "sigma"), sd * np.exp(sides * Z95 / np.sqrt(8)), rtol=1e-8
    )
    half = Z95 / np.sqrt(4 * 3 / 4 / 4)
    log_odds = logit(3 / 4) + sides * half
    np.testing.assert_allclose(ends(mixed(), "theta"), expit(log_odds), rtol=1e-8)
    # A monotone function of it goes with it; one that turns does not.
    np.testing.assert_allclose(ends(mixed(), "odds"), np.exp(log_odds), rtol=1e-8)
    # hill = p (1 - p) has the derivative 1 - 2 p = -1/2, and theta the variance p (1 - p) / 4.
    half = Z95 * np.sqrt(3 / 16 / 4) / 2
    np.testing.assert_allclose(ends(mixed(), "hill"), 3 / 16 + sides * half, rtol=1e-8)
    se = np.sqrt(1 / 4 + 9 / sd**2 / 8)
    np.testing.assert_allclose(ends(mixed(), "snr"), 3 / sd + sides * Z95 * se, rtol=1e-8)


def test_elements_of_a_simplex_stay_within_it() -> None:
    p = np.array([1, 4, 15]) / 20
    # By the delta method the logit of a proportion has the standard error 1 / sqrt(n p (1 - p)).
    half = Z95 / np.sqrt(20 * p * (1 - p))
    expected = expit(logit(p)[:, None] + np.array([-1, 1]) * half[:, None])
    got = mixed().conf_int(ci_prob=0.95, method="wald", var_names="w")["w"]
    assert got.dims == ("kind", "ci_bound")
    assert got["ci_bound"].values.tolist() == ["lower", "upper"]
    assert got["kind"].values.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(got, expected, rtol=1e-7)


def test_bounds_on_one_side_and_of_the_users_own() -> None:
    with pm.Model() as model:
        above = pm.Pareto("above", 1.0, 2.0)
        below = pm.Truncated("below", pm.Normal.dist(0, 9), upper=1.0)
        pm.Normal("y", above, 1, observed=[3.0, 4.0])
        pm.Normal("z", below, 1, observed=[-1.0, -2.0])
    estimate = bp.find_MLE(model, **QUIET)
    half = Z95 / np.sqrt(2)
    # log(above - 2) and log(1 - below), each with the se of the value over its distance.
    sides = np.array([-1, 1])
    np.testing.assert_allclose(
        ends(estimate, "above"), 2 + 1.5 * np.exp(sides * half / 1.5), rtol=1e-8
    )
    np.testing.assert_allclose(
        ends(estimate, "below"), 1 - 2.5 * np.exp(-sides * half / 2.5), rtol=1e-8
    )


def test_ordered_variables() -> None:
    with pm.Model() as model:
        o = pm.Normal(
            "o", 0, 9, shape=2, transform=pm.distributions.transforms.ordered, initval=[-1, 1]
        )
        pm.Normal("y", o, 1, observed=[0.0, 3.0])
    estimate = bp.find_MLE(model, **QUIET)
    np.testing.assert_allclose(
        ends(estimate, "o"), [[-Z95, Z95], [3 - Z95, 3 + Z95]], rtol=1e-8, atol=1e-8
    )


def test_the_probability_is_arviz_s() -> None:
    sd = np.std([1.0, 2.0, 4.0, 5.0])
    for prob in (az.rcParams["stats.ci_prob"], 0.5):
        with az.rc_context({"stats.ci_prob": prob}):
            got = mixed().conf_int(method="wald")
        assert got.attrs["ci_prob"] == prob
        assert got.attrs["method"] == "wald"
        z = stats.norm.ppf(0.5 + prob / 2)
        np.testing.assert_allclose(got["mu"], [3 - z * sd / 2, 3 + z * sd / 2], rtol=1e-8)
    # By default the free variables, Deterministics by name.
    assert list(got) == ["mu", "sigma", "theta", "w"]


def test_robust_intervals() -> None:
    got = mixed().conf_int(method="wald", kind="sandwich", ci_prob=0.95, var_names="mu")
    # The scores of a mean are the residuals: the sandwich of it is the same.
    half = Z95 * np.std([1.0, 2.0, 4.0, 5.0]) / 2
    np.testing.assert_allclose(got["mu"], [3 - half, 3 + half], rtol=1e-8)


def test_what_the_data_do_not_see_can_be_anywhere_in_its_support() -> None:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        unseen, share = pm.HalfNormal("unseen", 1), pm.Uniform("share", 2, 5)
        pm.Deterministic("sum", a + b)
        pm.Normal("y", a + b, 1, observed=[1.0, 3.0])
        del unseen, share
    with pytest.warns(EstimationWarning):
        estimate = bp.find_MLE(model, **QUIET)
    got = estimate.conf_int(method="wald", ci_prob=0.95, var_names=list(estimate.point))
    assert got["a"].values.tolist() == [-np.inf, np.inf]
    assert got["a"].attrs["notes"] == "a: not identified"
    assert got["unseen"].values.tolist() == [0, np.inf]
    assert got["share"].values.tolist() == [2, 5]
    half = Z95 / np.sqrt(2)
    np.testing.assert_allclose(got["sum"], [2 - half, 2 + half], rtol=1e-8)


def test_on_a_boundary_there_is_none() -> None:
    with pm.Model() as model:
        theta, mu = pm.Beta("theta", 2, 2), pm.Flat("mu")
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        pm.Normal("y", mu, 1, observed=[1.0, 3.0])
    got = bp.find_MLE(model, **QUIET).conf_int(method="wald", ci_prob=0.95)
    assert got["theta"].isnull().all()
    assert got["theta"].attrs["notes"] == "theta: at the edge of the support"
    half = Z95 / np.sqrt(2)
    np.testing.assert_allclose(got["mu"], [2 - half, 2 + half], rtol=1e-8)


def test_profiles_have_the_same_shape() -> None:
    # The deviance of a proportion is 2 n KL(p || t): its ends, of three heads of four, to 1e-5.
    got = mixed().conf_int(ci_prob=0.95, var_names=["theta", "w"], coords={"kind": ["b"]})
    assert got.attrs["method"] == "profile"
    assert got["w"].dims == ("kind", "ci_bound")
    assert got["ci_bound"].values.tolist() == ["lower", "upper"]
    top = stats.chi2.ppf(0.95, 1) / 2
    for name, k, n in (("theta", 3, 4), ("w", 4, 20)):
        for t in got[name].values.ravel():
            fall = k * np.log(k / n / t) + (n - k) * np.log((1 - k / n) / (1 - t))
            assert fall == pytest.approx(top, rel=1e-5)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ci_prob": 0}, "Got ci_prob=0. It is the probability of the interval, a number between 0"),
    ({"ci_prob": 1.0}, "Got ci_prob=1.0"),
    ({"ci_prob": 95}, "Got ci_prob=95"),
    ({"ci_prob": "95%"}, "Got ci_prob='95%'"),
    ({"ci_prob": True}, "Got ci_prob=True"),
    ({"alpha": 0.05}, "no argument alpha. The probability of the intervals is ci_prob="),
    ({"method": "exact"}, "Got method='exact'. It must be 'profile', 'wald' or 'bootstrap'"),
    ({"var_names": "gamma"}, "gamma"),
    ({"coords": {"kind": ["z"]}, "var_names": "w"}, "cannot be selected"),
    ({"kind": "sandwich"}, "standard errors of method='wald'; got method='profile'"),
    ({"method": "wald", "n": 100}, "n are arguments of method='bootstrap'; got method='wald'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        mixed().conf_int(**arguments)


def test_very_many_profiles_are_asked_for_by_name() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=201)
        pm.Normal("y", mu, 1, observed=np.zeros(201))
    with pytest.raises(ModelError, match=r"Profiles of 201 scalars would take long. Say which"):
        bp.find_MLE(model, **QUIET).conf_int()
