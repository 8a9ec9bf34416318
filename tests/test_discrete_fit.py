"""Fits of models whose discrete latents have too many values for a joint estimate."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.errors import ModelError

rng = np.random.default_rng(11)
Y = rng.normal(np.where(rng.random(40) < 0.4, 3.0, 0.0), 1)
CHAINS, DRAWS = 4, 250


@pytest.fixture(scope="module")
def model() -> pm.Model:
    """40 flags have 10^12 joint values: y ~ N(mu + 3 k, 1), k ~ Bernoulli(0.4), mu ~ N(0, 1)."""
    with pm.Model(coords={"row": np.arange(40)}) as made:
        mu = pm.Normal("mu", 0, 1)
        k = pm.Bernoulli("k", 0.4, dims="row")
        pm.Normal("y", mu + 3 * k, 1, observed=Y, dims="row")
    return made


@pytest.fixture(scope="module")
def draws() -> xr.DataTree:
    """A Gibbs sampler of the two conditionals, both in closed form."""
    rng, kept = np.random.default_rng(2), []
    mu = np.zeros(CHAINS)
    for _ in range(DRAWS + 50):
        odds = 0.4 / 0.6 * np.exp(3 * (Y - mu[:, None]) - 4.5)
        k = (rng.random((CHAINS, 40)) < odds / (1 + odds)).astype(int)
        mu = (Y - 3 * k).sum(1) / 41 + rng.standard_normal(CHAINS) / np.sqrt(41)
        kept.append((mu, k))
    dims = ("chain", "draw")
    posterior = xr.Dataset(
        {
            "mu": (dims, np.stack([one for one, _ in kept[50:]], 1)),
            "k": ((*dims, "row"), np.stack([one for _, one in kept[50:]], 1)),
        },
        coords={"chain": range(CHAINS), "draw": range(DRAWS), "row": np.arange(40)},
    )
    return xr.DataTree.from_dict({"/posterior": posterior})


@pytest.fixture(scope="module")
def fit(model: pm.Model, draws: xr.DataTree) -> xr.DataTree:
    return bp.fit(model, idata=draws, n_starts=2, details=False, progressbar=False)


def test_the_marginal_estimates_stand_in_the_place_of_joint_ones(fit: xr.DataTree) -> None:
    points = fit["point_estimates"].dataset
    assert points["estimator"].values.tolist() == ["MLE", "MAP", "mean"]
    mle, map_, mean = points["mu"].values
    # The equation of the MLE: the mean of y less what its flags are expected to add.
    for mu, n in ((mle, 40), (map_, 41)):
        odds = 0.4 / 0.6 * np.exp(3 * (Y - mu) - 4.5)
        chance = odds / (1 + odds)
        assert mu == pytest.approx((Y - 3 * chance).sum() / n, abs=1e-6)
        if n == 41:
            assert np.allclose(fit["map/latents"]["k"].sel(k_value=1), chance, atol=1e-9)
    assert mean == pytest.approx(map_, abs=0.1)
    assert fit["mle"].attrs["integrated"] == "exactly, summed over their values"


def test_it_has_a_headline_gaps_and_a_page(fit: xr.DataTree) -> None:
    assert [*bp.gaps(fit).data_vars] == ["mu"]
    assert "marginal MAP" in bp.verdict(fit).sentence
    page = bp.report(fit)
    assert "marginal MAP" in page.headline
    text = "(k: 40 values) are integrated out of both estimates, exactly, summed over their"
    assert text in page.html
    assert "probability at θ" in page.html
    assert "joint" not in page.headline


def test_what_cannot_be_summed_out_is_refused_before_anything_is_sampled() -> None:
    with pm.Model() as ising:
        z = pm.Bernoulli("z", 0.5, shape=(5, 5))
        spin = pm.HalfNormal("strength") * (2 * z - 1)
        pm.Potential("across", spin[:, 1:] * spin[:, :-1])
        pm.Potential("down", spin[1:] * spin[:-1])
        pm.Normal("y", spin, 1, observed=np.ones((5, 5)))
    with pytest.raises(ModelError, match=r"joint values, and at most 10000.*marginalize='latents'"):
        bp.fit(ising, potentials="likelihood", progressbar=False)
