"""Discrete free variables, maximised over by trying every joint value."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MAP, find_MLE

QUIET = {"random_seed": 1, "progressbar": False}


def test_the_best_of_all_values_with_the_mean_maximised_for_each() -> None:
    y = np.array([-2.0, 0.5, 1.0, 9.0])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        wild = pm.Bernoulli("wild", 0.2, shape=4)
        pm.Normal("y", mu, pm.math.switch(wild, 8.0, 1.0), observed=y)
    estimate = find_MAP(model, **QUIET)
    # Given which are wild, mu is the precision-weighted mean; the best of the 16 by hand.
    best = (-np.inf, None, None)
    for k in range(16):
        flags = np.array([k >> i & 1 for i in range(4)])
        sd = np.where(flags, 8.0, 1.0)
        mean = (y / sd**2).sum() / ((1 / sd**2).sum() + 1 / 100)
        height = (
            stats.norm(mean, sd).logpdf(y).sum()
            + stats.norm(0, 10).logpdf(mean)
            + stats.bernoulli(0.2).logpmf(flags).sum()
        )
        best = max(best, (height, mean, flags.tolist()), key=lambda one: one[0])
    assert estimate.status.key == "converged"
    # PyMC keeps constants such as log 0.2 in single precision.
    assert estimate.log_joint == pytest.approx(best[0], rel=1e-7)
    assert float(estimate.point["mu"]) == pytest.approx(best[1], rel=1e-9)
    assert estimate.point["wild"].values.tolist() == best[2]
    assert estimate.evidence["joint values of the discrete variables tried"] == 16
    assert "discrete" in str(estimate)


def test_values_that_are_equally_good_are_not_identified() -> None:
    with pm.Model() as model:
        side = pm.DiscreteUniform("side", 0, 1)
        pm.Normal("y", pm.math.switch(side, 1.0, -1.0), 1, observed=[-0.5, 0.5])
    with pytest.warns(EstimationWarning, match="2 values of side are equally good"):
        estimate = find_MLE(model, **QUIET)
    assert estimate.status.key == "not_identified"
    # Each has residuals of 1.5 and 0.5.
    assert estimate.log_likelihood == pytest.approx(-(1.5**2 + 0.5**2) / 2 - math.log(2 * math.pi))


def test_too_many_values_and_endless_ones_are_refused() -> None:
    with pm.Model() as many:
        flags = pm.Bernoulli("flags", 0.5, shape=20)
        pm.Normal("y", flags.sum(), 1, observed=3.0)
    with pytest.raises(
        ModelError, match=r"\['flags'\] have 1.04858e\+06 joint values, and at most"
    ):
        find_MAP(many, **QUIET)
    with pm.Model() as endless:
        n = pm.Poisson("n", 3)
        pm.Normal("y", n, 1, observed=3.0)
    with pytest.raises(
        ModelError, match=r"'n' is discrete, and its support, .* not a finite range"
    ):
        find_MAP(endless, **QUIET)


def test_it_is_quiet_about_a_good_one() -> None:
    with pm.Model() as model:
        coin = pm.Categorical("coin", [0.5, 0.5])
        pm.Binomial("y", 10, pm.math.switch(coin, 0.8, 0.3), observed=7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = find_MLE(model, **QUIET)
    assert int(estimate.point["coin"]) == 1
    assert estimate.log_likelihood == pytest.approx(stats.binom(10, 0.8).logpmf(7), rel=1e-9)


def test_the_table_of_a_model_of_discrete_variables_alone() -> None:
    with pm.Model() as model:
        side = pm.DiscreteUniform("side", 0, 5)
        pm.Deterministic("share", side / 5)
        pm.Bernoulli("tosses", side / 5, observed=[1, 1, 1, 1, 0])
    table = find_MLE(model, **QUIET).to_dataframe()
    assert table["estimate"].tolist() == [4, 0.8]
    assert table["se"].isna().all()
    assert table["error notes"].tolist() == ["discrete", "constant given the discrete variables"]


def allocated(weight: str, kind: str) -> pm.Model:
    """Two groups of points, each point allocated to one of two means by a discrete variable."""
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(2)) if weight == "vector" else pm.Beta("w", 1, 1)
        mu = pm.Normal("mu", 0, 5, shape=2)
        if kind == "categorical":
            z = pm.Categorical("z", w if weight == "vector" else pm.math.stack([1 - w, w]), shape=6)
        else:
            z = pm.Bernoulli("z", w[1] if weight == "vector" else w, shape=6)
        pm.Normal("y", mu[z], 1, observed=[-2.0, -1.0, -1.5, 3.0, 2.0, 4.0])
    return model


@pytest.mark.parametrize("weight", ["vector", "scalar"])
@pytest.mark.parametrize("kind", ["categorical", "bernoulli"])
def test_allocations_by_other_labels_are_the_same_maximum(weight: str, kind: str) -> None:
    estimate = find_MAP(allocated(weight, kind), random_seed=1, progressbar=False)
    assert estimate.status is Status.CONVERGED
    z = estimate.point["z"].values
    assert len(set(z[:3])) == len(set(z[3:])) == 1
    assert z[0] != z[3]
    # Precision 3 of the data and 1 / 25 of the prior.
    mu = estimate.point["mu"].values
    np.testing.assert_allclose(np.sort(mu), [-4.5 / (3 + 0.04), 9 / (3 + 0.04)], rtol=1e-6)
    assert sum("in another order; it counts once" in str(f) for f in estimate.findings) == 1
    assert estimate.evidence["log density of the next best below the best"] > 0.1


def test_an_allocation_that_the_data_do_not_tell_is_no_copy() -> None:
    # The point half way between two means that are two apart may belong to either.
    with pm.Model() as model:
        z = pm.Bernoulli("z", 0.5, shape=3)
        mu = pm.Flat("mu")
        pm.Normal("y", mu + 2.0 * z, 1, observed=[-1.0, 1.0, 0.0])
    with pytest.warns(EstimationWarning, match="Not identified"):
        estimate = find_MAP(model, random_seed=1, progressbar=False)
    assert estimate.status is Status.NOT_IDENTIFIED
    behind = estimate.evidence["log density of the next best below the best"]
    assert behind == pytest.approx(0, abs=1e-12)


def test_a_weight_that_is_what_is_left_of_one_changes_places_too() -> None:
    y = np.r_[stats.poisson.ppf((np.arange(30) + 0.5) / 30, 2), np.arange(8, 14)].astype(int)
    with pm.Model() as model:
        w = pm.Beta("w", 1, 1)
        rate = pm.Gamma("rate", 2, 0.3, shape=2)
        parts = [pm.Poisson.dist(rate[0]), pm.Poisson.dist(rate[1])]
        pm.Mixture("y", pm.math.stack([w, 1 - w]), parts, observed=y)
    estimate = find_MLE(model, **QUIET)
    assert estimate.status is Status.CONVERGED
    assert estimate.optima.sizes["optimum"] == 1
    assert any("in another order; it counts once" in str(f) for f in estimate.findings)
