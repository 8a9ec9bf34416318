"""The Laplace approximation at a marginal mode, its latents drawn given the parameters."""

from __future__ import annotations

import itertools

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.model.density.cache import log_density
from bayes_point.model.discrete.summed import summed_density

Y = np.array([[0.5, 1.5, 1.0], [3.0, 2.0, 4.0], [-1.0, 0.5, -1.0]])


def normal_means() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        u = pm.Normal("u", mu, 1, shape=3)
        pm.Deterministic("contrast", u[1] - u[2])
        pm.Normal("y", u[:, None], 1.5, observed=Y)
    return model


def test_where_all_is_normal_it_is_the_posterior() -> None:
    # The joint precision of mu and u, and its inverse times what the data add.
    precision = np.zeros((4, 4))
    precision[0, 0] = 1 / 4 + 3
    precision[0, 1:] = precision[1:, 0] = -1
    precision[np.arange(1, 4), np.arange(1, 4)] = 1 + 3 / 1.5**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ np.append(0, Y.sum(axis=1) / 1.5**2)
    mle = bp.find_MLE(normal_means(), marginalize="latents", progressbar=False)
    dt = bp.laplace(mle, draws=5_000, random_seed=1, progressbar=False)
    assert dt.attrs["pareto_k"] == -np.inf  # constant weights: the marginal density is normal
    posterior = dt["posterior"]
    draws = np.column_stack([posterior["mu"].values.ravel(), posterior["u"].values.reshape(-1, 3)])
    n = len(draws)
    z = (draws.mean(axis=0) - mean) / np.sqrt(np.diagonal(covariance) / n)
    assert np.all(np.abs(z) < 4)
    found = np.cov(draws.T)
    sd = np.sqrt(np.diagonal(covariance))
    # The error of a covariance is sqrt((c_ij^2 + c_ii c_jj) / n).
    error = np.sqrt((covariance**2 + np.outer(sd, sd) ** 2) / n)
    assert np.all(np.abs(found - covariance) < 4 * error)
    contrast = posterior["u"].isel(u_dim_0=1) - posterior["u"].isel(u_dim_0=2)
    assert np.allclose(posterior["contrast"], contrast)
    assert "u integrated out (exactly, as they are Gaussian), and drawn given" in dt.attrs["text"]
    again = bp.laplace(normal_means(), marginalize=["u"], random_seed=1, progressbar=False)
    assert again["unconstrained"].equals(dt["unconstrained"])


def test_an_estimate_says_itself_what_is_integrated_out_of_it() -> None:
    mle = bp.find_MLE(normal_means(), marginalize="latents", progressbar=False)
    with pytest.raises(ModelError, match=r"Got marginalize=\['u'\] with an estimate"):
        bp.laplace(mle, marginalize=["u"])


def hidden_states(n: int) -> pm.Model:
    rng = np.random.default_rng(2)
    with pm.Model() as model:
        level = pm.Normal("level", 0, 1, shape=2)
        state = pm.Bernoulli("state", 0.4, shape=n)
        pm.Potential("stays", pm.math.switch(pm.math.eq(state[1:], state[:-1]), 0.0, -1.0))
        pm.Normal("y", level[state], 1, observed=rng.normal(size=n))
    return model


@pytest.mark.parametrize("most_values", [4_096, 1], ids=["one block", "a chain"])
def test_discrete_ones_are_drawn_jointly(most_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_point.model.discrete.sums._MOST_VALUES", most_values)
    model, n = hidden_states(4), 4
    full = log_density(model, backend=None, inputs=["state"])
    density = summed_density(model, full, ["state"])
    assert ("chain" in density.sums.in_words) == (most_values == 1)
    x = np.array([-0.7, 0.9])
    drawn = density.draws(np.tile(x, (4_000, 1)), np.random.default_rng(3))
    states = np.array(list(itertools.product([0, 1], repeat=n)))
    logs = full.evaluate(
        np.tile(x, (len(states), 1)), ("likelihood", "prior", "potential"), {"state": states}
    )[0].sum(axis=1)
    chance = np.exp(logs - logs.max())
    chance /= chance.sum()
    which = drawn["state"] @ 2 ** np.arange(n)[::-1]
    share = np.bincount(which, minlength=len(states)) / len(which)
    assert np.all(np.abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / len(which)))
    assert np.all(drawn["level"] == x)
