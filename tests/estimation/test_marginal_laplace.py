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


def exact() -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the covariance of mu and u in the posterior of `normal_means`.

    The inverse of their joint precision, and that times what the data add.
    """
    precision = np.zeros((4, 4))
    precision[0, 0] = 1 / 4 + 3
    precision[0, 1:] = precision[1:, 0] = -1
    precision[np.arange(1, 4), np.arange(1, 4)] = 1 + 3 / 1.5**2
    covariance = np.linalg.inv(precision)
    return covariance @ np.append(0, Y.sum(axis=1) / 1.5**2), covariance


def test_where_all_is_normal_it_is_the_posterior() -> None:
    mean, covariance = exact()
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


def test_predictions_for_the_same_groups_have_both_errors() -> None:
    with normal_means() as model:
        x = pm.Data("x", np.ones(3))
        pm.Deterministic("line", model["mu"] + model["u"] * x)
    estimate = bp.find_MAP(model, marginalize=["u"], progressbar=False)
    mean, covariance = exact()
    found = estimate.predict({"x": [2.0, -1.0, 0.0]}, var_names="line")["line"]
    rows = np.array([[1, 2, 0, 0], [1, 0, -1, 0], [1, 0, 0, 0]], float)
    np.testing.assert_allclose(found.sel(quantity="estimate"), rows @ mean, rtol=1e-7)
    errors = np.sqrt(np.diagonal(rows @ covariance @ rows.T))
    np.testing.assert_allclose(found.sel(quantity="se"), errors, rtol=1e-6)


def test_the_path_weighs_the_prior_of_the_parameters_alone() -> None:
    path = bp.prior_path(normal_means(), [0, 1, 4], marginalize="latents", progressbar=False)
    # The group means have the variance 1 + 1.5^2 / 3 about mu, which has 2^2 in its prior.
    data = 3 / (1 + 1.5**2 / 3)
    expected = data * Y.mean() / (data + np.array([0, 1, 4]) / 4)
    np.testing.assert_allclose(path["mu"], expected, rtol=1e-7)
    # The modes of the latents given that.
    weight = 1 / (1 + 1.5**2 / 3)
    modes = expected[:, None] + weight * (Y.mean(axis=1) - expected[:, None])
    np.testing.assert_allclose(path["u"], modes, rtol=1e-7)
    model = normal_means()
    joint = bp.find_MAP(model, progressbar=False)
    with pytest.raises(ModelError, match=r"holds a MAP without latent.*marginalize='latents'"):
        bp.prior_path(model, marginalize="latents", estimates=[joint])
