"""Counts of parameters and observations, AIC, AICc and BIC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from tests.reference import case_models, read_references

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}

# R's AIC() and BIC(), with its logLik() to 15 digits: 2 k - 2 l and k log(n) - 2 l.  No constant
# is left out on either side: R's glm.nb, survreg and binomial glm give the full log-likelihood, and
# so do PyMC's densities.  (name, number of parameters, of observations)
R = [
    ("mass_quine_negbin", case_models.quine, 8, 146),
    ("survreg_lung_weibull", case_models.lung_censored, 5, 227),
    ("challenger", case_models.challenger, 2, 23),
]


@pytest.mark.parametrize(("name", "model", "k", "n"), R)
def test_criteria_of_r(name: str, model: Any, k: int, n: int) -> None:
    log_likelihood = read_references(name)["mle"]["loglik"]
    mle = bp.find_MLE(model(), **QUIET)
    assert (mle.n_parameters, mle.n_observations) == (k, n)
    assert mle.aic == pytest.approx(2 * k - 2 * log_likelihood, rel=1e-9)
    assert mle.bic == pytest.approx(k * np.log(n) - 2 * log_likelihood, rel=1e-9)
    assert mle.aicc == pytest.approx(mle.aic + 2 * k * (k + 1) / (n - k - 1), rel=1e-12)


def test_every_kind_of_parameter() -> None:
    y = np.random.default_rng(0).normal(size=(9, 3))
    ordered = pm.distributions.transforms.ordered
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(4))  # 3
        o = pm.Normal("o", 0, 1, shape=2, transform=ordered, initval=[-1, 1])  # 2
        z = pm.ZeroSumNormal("z", 1, shape=5)  # 4
        chol, _, _ = pm.LKJCholeskyCov("L", n=3, eta=2, sd_dist=pm.HalfNormal.dist(1))  # 6
        pm.Multinomial("counts", 10, w, observed=[[1, 2, 3, 4], [2, 2, 3, 3]])  # 2 events
        pm.Normal("x", o, 1, observed=[[0.0, 1.0], [0.5, 1.5]])  # 4
        pm.Normal("v", z, 1, observed=np.arange(5.0))  # 5
        pm.MvNormal("y", np.zeros(3), chol=chol, observed=y)  # 27
    mle = bp.find_MLE(model, n_starts=1, **QUIET)
    assert mle.n_parameters == 3 + 2 + 4 + 6
    assert mle.n_observations == 2 + 4 + 5 + 27


def test_missing_observations_do_not_count() -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        with pytest.warns(UserWarning, match="missing"):
            pm.Normal("y", mu, 1, observed=np.ma.masked_invalid([1.0, np.nan, 3.0]))
    # The missing value is a free variable, which the likelihood does not see.
    with pytest.warns(EstimationWarning):
        mle = bp.find_MLE(model, **QUIET)
    assert mle.n_observations == 2
    assert mle.n_parameters == 1


def test_null_directions_do_not_count() -> None:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 6.0])
    with pytest.warns(EstimationWarning):
        mle = bp.find_MLE(model, **QUIET)
    assert mle.n_parameters == 1
    assert mle.aic == pytest.approx(2 - 2 * mle.log_likelihood)


def test_the_correction_needs_enough_observations() -> None:
    with pm.Model() as model:
        mu, s = pm.Flat("mu"), pm.HalfFlat("s")
        pm.Normal("y", mu, s, observed=[1.0, 2.0, 4.0])
    # n = 3 is k + 1: the correction divides by zero.
    assert np.isnan(bp.find_MLE(model, **QUIET).aicc)


def test_of_a_map_there_are_none() -> None:
    estimate = bp.find_MAP(case_models.challenger(), **QUIET)
    assert estimate.n_observations == 23
    for name in ("aic", "aicc", "bic"):
        with pytest.raises(ModelError, match="maximum of the likelihood, and this is a MAP"):
            getattr(estimate, name)


def test_of_an_estimate_that_failed_there_are_none() -> None:
    with pm.Model() as model:
        mu, s = pm.Flat("mu"), pm.HalfFlat("s")
        pm.Normal("y", mu, s, observed=[1.5])
    with pytest.warns(EstimationWarning):
        estimate = bp.find_MLE(model, **QUIET)
    with pytest.raises(EstimationError, match="There is no AIC: the MLE is not at a maximum"):
        _ = estimate.aic


def test_a_scalar_potential_hides_the_number_of_observations() -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Potential("density", pm.logp(pm.Normal.dist(mu, 1), np.arange(5.0)).sum())
    mle = bp.find_MLE(model, potentials="likelihood", **QUIET)
    assert mle.aic == pytest.approx(2 - 2 * mle.log_likelihood)
    with pytest.raises(
        ModelError, match=r"the potentials \['density'\] are part of the likelihood"
    ):
        _ = mle.bic
    assert "BIC" not in str(mle)
    assert "AIC" in str(mle)
