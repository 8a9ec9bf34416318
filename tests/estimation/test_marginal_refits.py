"""Other data through the same marginal density: refits, bootstraps and simulated ratios."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.model.density.cache import log_density

GROUP = np.repeat(np.arange(6), 4)


RNG = np.random.default_rng(3)
DATA = 1 + RNG.normal(0, 2, (5, 6))[:, GROUP] + RNG.normal(0, 1, (5, 24))


@pytest.fixture(scope="module")
def groups() -> pm.Model:
    with pm.Model() as made:
        mu, between, within = pm.Flat("mu"), pm.HalfFlat("between"), pm.HalfFlat("within")
        a = pm.Normal("a", 0, between, shape=6)
        pm.Normal("y", mu + a[GROUP], within, observed=DATA[0])
    return made


def test_refits_are_the_mles_of_a_balanced_layout(groups: pm.Model) -> None:
    # Of g groups of n: s^2 = SSW / (g (n - 1)), and n tau^2 + s^2 = n SSB / g, SSB of the means.
    data = DATA
    fits = bp.refit(groups, {"y": data}, marginalize=["a"], progressbar=False)
    assert fits["status"].values.tolist() == ["converged"] * 5
    assert "a" not in fits
    means = data.reshape(5, 6, 4).mean(axis=2)
    within = ((data.reshape(5, 6, 4) - means[..., None]) ** 2).sum((1, 2)) / 18
    between = np.var(means, axis=1) - within / 4
    assert np.allclose(fits["mu"], means.mean(axis=1), rtol=1e-7)
    assert np.allclose(fits["within"], np.sqrt(within), rtol=1e-6)
    assert np.allclose(fits["between"], np.sqrt(between), rtol=1e-6)
    # The variance of the mean of all: (n tau^2 + s^2) / (g n).
    assert np.allclose(fits["mu_stderr"], np.sqrt(np.var(means, axis=1) / 6), rtol=1e-5)
    one = bp.find_MLE(groups, marginalize=["a"], progressbar=False)
    assert float(fits["log_likelihood"][0]) == pytest.approx(one.log_likelihood, abs=1e-8)


def test_data_sets_that_are_nearly_alike_keep_their_own_maxima(groups: pm.Model) -> None:
    # One begins at its maximum; the other is shifted by a hundredth of a standard error, and has
    # the same likelihood elsewhere.
    full = log_density(groups, backend=None, inputs=("y",))
    density = MarginalDensity(full.bind({"y": DATA[0]}), ["a"], np.zeros(full.p))
    mle = bp.find_MLE(groups, marginalize=["a"], progressbar=False)
    best = np.asarray(mle.unconstrained.values, float)
    inputs = {"y": DATA[[0, 0]] + np.array([[0.0], [0.01]])}
    objective = Objective(density, {"likelihood": 1.0}, inputs=inputs)
    ends = maximise(objective, np.stack([best, best + np.array([0.5, 0.3, 0.1])]))
    assert ends.settled.all()
    assert np.allclose(ends.x[1] - ends.x[0], [0.01, 0, 0], atol=1e-7)


@pytest.mark.slow
def test_a_bootstrap_draws_the_latents_anew(groups: pm.Model) -> None:
    dt = bp.bootstrap(
        groups, n=100, marginalize="latents", n_starts=2, random_seed=1, progressbar=False
    )
    mu = dt["posterior"]["mu"].values
    means = DATA[0].reshape(6, 4).mean(axis=1)
    # Were the latents held, mu would vary by s^2 / 24 alone, a tenth of this.  The standard
    # deviation of 100 draws is known to one part in 14: three of these.
    assert mu.std() == pytest.approx(np.sqrt(np.var(means) / 6), rel=0.21)
    assert "cannot be left out one by one" in dt.attrs["no_jackknife"]
    assert set(dt["posterior"].data_vars) == {"mu", "between", "within"}


def test_refits_with_discrete_latents_are_those_of_the_mixture() -> None:
    rng = np.random.default_rng(2)
    data = np.where(rng.random((4, 50)) < 0.4, 3.0, 0.0) + rng.normal(size=(4, 50))
    with pm.Model() as discrete:
        mu, shift = pm.Normal("mu", 0, 2), pm.Normal("shift", 3, 1)
        k = pm.Bernoulli("k", 0.4, shape=50)
        pm.Normal("y", mu + shift * k, 1, observed=data[0])
    with pm.Model() as by_hand:
        mu, shift = pm.Normal("mu", 0, 2), pm.Normal("shift", 3, 1)
        pm.NormalMixture("y", [0.6, 0.4], pm.math.stack([mu, mu + shift]), 1, observed=data[0])
    found = bp.refit(discrete, {"y": data}, marginalize="latents", progressbar=False)
    wanted = bp.refit(by_hand, {"y": data}, progressbar=False)
    assert found["status"].values.tolist() == ["converged"] * 4
    for name in ("mu", "shift", "mu_stderr", "shift_stderr", "log_likelihood"):
        assert np.allclose(found[name], wanted[name], rtol=1e-7)


@pytest.mark.slow
def test_a_variance_of_zero_is_tested_by_simulation(groups: pm.Model) -> None:
    # Exactly: with the F statistic of the layout the p-value is far below 1 in 20.
    whole = bp.find_MLE(groups, marginalize=["a"], n_starts=2, progressbar=False)
    null = bp.find_MLE(
        groups, fix={"between": 1e-3}, marginalize=["a"], n_starts=2, progressbar=False
    )
    test = bp.likelihood_ratio_test(null, whole, method="bootstrap", draws=19, random_seed=1)
    assert test.p_value <= 1 / 20


def test_what_is_of_single_observations_is_refused(groups: pm.Model) -> None:
    with pytest.raises(ModelError, match=r"no nonparametric bootstrap.*kind='parametric'"):
        bp.bootstrap(groups, kind="nonparametric", marginalize=["a"], n_starts=1, progressbar=False)
    weights = {"y": np.ones((1, 24))}
    with pytest.raises(ModelError, match=r"Got weights= with marginalize="):
        bp.refit(groups, {"y": DATA[:1]}, weights=weights, marginalize=["a"], progressbar=False)
    with pytest.raises(ModelError, match="quadrature must be a whole number"):
        bp.refit(groups, {"y": DATA[:1]}, marginalize=["a"], quadrature=0, progressbar=False)
