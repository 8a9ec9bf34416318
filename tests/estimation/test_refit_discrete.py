"""refit of models with discrete free variables: every joint value tried for each data set."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError

QUIET: dict[str, Any] = {"progressbar": False}


def outliers(y: np.ndarray) -> pm.Model:
    with pm.Model(coords={"i": range(len(y))}) as model:
        mu = pm.Normal("mu", 0, 10)
        wild = pm.Bernoulli("wild", 0.2, dims="i")
        pm.Deterministic("shift", mu + wild.sum())
        pm.Normal("y", mu, pm.math.switch(wild, np.array(8.0), np.array(1.0)), observed=y)
    return model


def test_the_best_of_all_values(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(3).normal(size=(20, 3)) * np.array([1, 1, 9])
    fits = bp.refit(outliers(y[0]), {"y": y}, estimator="MAP", **QUIET)
    assert fits["wild"].dims == ("dataset", "i")
    assert set(fits["status"].values) == {"converged"}
    assert np.isnan(fits["wild_stderr"].values).all()
    for i, row in enumerate(y):
        # Given which are wild, mu is the precision-weighted mean; the best of the 8 by hand.
        best: tuple[Any, ...] = (-np.inf,)
        for k in range(8):
            flags = np.array([k >> j & 1 for j in range(3)])
            sd = np.where(flags, 8.0, 1.0)
            precision = (1 / sd**2).sum() + 1 / 100
            mean = (row / sd**2).sum() / precision
            height = stats.norm(mean, sd).logpdf(row).sum() + stats.norm(0, 10).logpdf(mean)
            height += stats.bernoulli(0.2).logpmf(flags).sum()
            best = max(best, (height, mean, precision, flags.tolist(), sd), key=lambda b: b[0])
        _, mean, precision, flags, sd = best
        assert fits["wild"].values[i].tolist() == flags
        assert float(fits["mu"][i]) == pytest.approx(mean, rel=1e-9)
        assert float(fits["mu_stderr"][i]) == pytest.approx(precision**-0.5, rel=1e-9)
        assert float(fits["shift"][i]) == pytest.approx(mean + sum(flags), rel=1e-9)
        likelihood = stats.norm(mean, sd).logpdf(row).sum()
        assert float(fits["log_likelihood"][i]) == pytest.approx(likelihood, rel=1e-9)
    # The joint values in parts, as where there are many.
    monkeypatch.setattr("bayes_point.estimation.refit.batch._ELEMENTS", 60)
    monkeypatch.setattr("bayes_point.estimation.refit.batch._FEWEST", 60)
    parts = bp.refit(outliers(y[0]), {"y": y}, estimator="MAP", var_names=["wild"], **QUIET)
    assert list(parts.data_vars) == ["wild", "wild_stderr", "log_likelihood", "status"]
    np.testing.assert_array_equal(parts["wild"].values, fits["wild"].values)


def side(y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        side = pm.DiscreteUniform("side", -1, 1)
        sigma = pm.HalfNormal("sigma", 2)
        pm.Normal("y", side, sigma, observed=y)
    return model


def only_discrete(y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        side = pm.DiscreteUniform("side", -1, 1)
        pm.Deterministic("double", 2 * side)
        pm.Poisson("y", pm.math.switch(side + 1, 2.0 + side, 0.5), observed=y.astype(int))
    return model


@pytest.mark.parametrize("build", [side, only_discrete])
def test_as_a_loop_of_find_mle(build: Any) -> None:
    if build is side:
        # Regular; as near to 0 as to 1; all at 1, where the density has no upper limit.
        y = np.array([[0.9, -0.3, 1.2], [0.5, 0.2, 0.8], [1.0, 1.0, 1.0]])
        expected = ["converged", "not_identified", "unbounded"]
    else:
        y = np.array([[0.0, 1, 0], [4, 5, 2], [1, 2, 2]])
        expected = ["converged"] * 3
    fits = bp.refit(build(y[0]), {"y": y}, **QUIET)
    assert fits["status"].values.tolist() == expected
    for i, row in enumerate(y):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            one = bp.find_MLE(build(row), random_seed=0, **QUIET)
        assert one.status.key == expected[i]
        for name, value in one.point.data_vars.items():
            np.testing.assert_allclose(fits[name].values[i], value.values, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(fits["log_likelihood"].values[i], one.log_likelihood, rtol=1e-9)
        if expected[i] != "converged":
            assert np.isnan(fits["sigma_stderr"].values[i])


def test_data_that_no_value_explains() -> None:
    with pm.Model() as model:
        n = pm.DiscreteUniform("n", 1, 5)
        pm.Binomial("y", n, 0.5, observed=[1, 2])
    with pytest.warns(EstimationWarning, match=r"dataset = 1: The density .* zero .* y.1. = 7"):
        fits = bp.refit(model, {"y": np.array([[2, 3], [2, 7]])}, **QUIET)
    assert fits["status"].values.tolist() == ["converged", "not_converged"]
    # C(5,2) C(5,3) / 4^5 = 100/1024 is more than C(4,2) C(4,3) / 4^4 = 24/256.
    assert float(fits["n"][0]) == 5
    assert np.isnan(float(fits["n"][1]))


def test_bootstrap() -> None:
    dt = bp.bootstrap(
        side(np.array([0.9, -0.3, 1.2, 0.6])),
        40,
        kind="nonparametric",
        jackknife=False,
        random_seed=2,
        **QUIET,
    )
    assert set(np.unique(dt["posterior"]["side"])) <= {-1.0, 0.0, 1.0}


def test_errors() -> None:
    with pm.Model() as model:
        n = pm.Poisson("n", 3)
        pm.Normal("y", n, 1, observed=[3.0])
    with pytest.raises(
        ModelError, match=r"'n' is discrete, and its support, .* not a finite range"
    ):
        bp.refit(model, {"y": np.zeros((2, 1))}, **QUIET)
    with pytest.raises(ModelError, match=r"data names \['n'\], which the model is to estimate"):
        bp.refit(model, {"n": np.zeros(2)}, **QUIET)


def two_means(y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(2))
        mu = pm.Normal("mu", 0, 5, shape=2)
        z = pm.Categorical("z", w, shape=len(y))
        pm.Normal("y", mu[z], 1, observed=y)
    return model


def test_allocations_by_other_labels_are_the_same_maximum() -> None:
    # The third: one of the two zeros belongs to each group, and either may be the one.
    y = np.array([[-2, -1, -1.5, 3, 2, 4], [5, 5, 5, -1, 0, 1], [-3, -3, 0, 0, 3, 3]], float)
    fits = bp.refit(two_means(y[0]), {"y": y}, estimator="MAP", **QUIET)
    assert fits["status"].values.tolist() == ["converged", "converged", "not_identified"]
    for row, fitted in zip(y[:2], [fits.isel(dataset=i) for i in range(2)], strict=True):
        found = bp.find_MAP(two_means(row), random_seed=1, **QUIET)
        assert found.status.key == "converged"
        np.testing.assert_allclose(np.sort(fitted["mu"]), np.sort(found.point["mu"]), rtol=1e-6)
        # Precision 3 of the data and 1 / 25 of the prior.
        np.testing.assert_allclose(fitted["mu_stderr"], 3.04**-0.5, rtol=1e-6)
    with pytest.warns(EstimationWarning, match="Not identified"):
        assert bp.find_MAP(two_means(y[2]), **QUIET).status.key == "not_identified"
