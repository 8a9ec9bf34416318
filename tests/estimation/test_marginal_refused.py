"""What cannot be integrated out is refused, with what would work."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.estimation.marginal import find_structure
from bayes_point.estimation.marginal.integrate import Asked, integrated
from bayes_point.model.density.cache import log_density

RING = np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0)


def test_an_improper_prior_with_a_free_scale_lacks_a_term() -> None:
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma")
        phi = pm.ICAR("phi", RING, sigma=sigma)
        pm.Poisson("y", pm.math.exp(phi), observed=[1, 2, 0, 3, 1, 2])
    with pytest.raises(ModelError, match=r"'phi' cannot .* lacks the term -\(n - 1\) log sigma"):
        bp.find_MLE(model, marginalize="latents", progressbar=False)


def test_too_many_latents_that_all_depend_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of 3,000 and more; with fewer allowed, ten show the same.
    monkeypatch.setattr(find_structure, "_MOST_DENSE", 9)
    weights = np.random.default_rng(0).normal(size=(12, 10))
    with pm.Model() as model:
        u = pm.Normal("u", 0, pm.HalfNormal("tau"), shape=10)
        pm.Normal("y", pm.math.dot(weights, u), 1, observed=np.ones(12))
    with pytest.raises(ModelError, match=r"The 10 latent values of \['u'\] .* Integrate fewer out"):
        bp.find_MLE(model, marginalize="latents", progressbar=False)


def test_restricted_likelihoods_of_other_fixed_effects_are_not_compared() -> None:
    group, x = np.repeat(np.arange(4), 3), np.tile([-1.0, 0, 1], 4)
    y = np.random.default_rng(1).normal(size=12) + x + 2 * np.repeat([0.0, 1, -1, 2], 3)

    def model(with_slope: bool) -> pm.Model:
        with pm.Model() as made:
            mean = pm.Flat("mu") + (pm.Flat("slope") * x if with_slope else 0)
            a = pm.Normal("a", 0, pm.HalfFlat("tau"), shape=4)
            pm.Normal("y", mean + a[group], pm.HalfFlat("sigma"), observed=y)
        return made

    wide, narrow = (
        bp.find_MLE(model(one), marginalize=["a"], reml=True, n_starts=1, progressbar=False)
        for one in (True, False)
    )
    with pytest.raises(ModelError, match=r"other fixed effects, \['mu'\] and \['mu', 'slope'\]"):
        bp.likelihood_ratio_test(narrow, wide)


# The gamma has no mass near zero, where its density goes to zero: there is a maximum.
SHAPES = {pm.HalfCauchy: (1,), pm.Gamma: (2, 1)}


def horseshoe(*, centred: bool, prior: type = pm.HalfCauchy) -> pm.Model:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    with pm.Model() as model:
        tau, lam = pm.HalfNormal("tau"), prior("lam", *SHAPES[prior], shape=3)
        if centred:
            beta = pm.Normal("beta", 0, tau * lam, shape=3)
        else:
            beta = pm.Deterministic("beta", tau * lam * pm.Normal("z", shape=3))
        pm.Normal("y", pm.math.dot(x, beta), 1, observed=2 * x[:, 0] + rng.normal(size=30))
    return model


def test_scales_that_go_to_zero_with_what_they_scale_leave_no_maximum() -> None:
    words = r"\['beta', 'lam'\] cannot .* no maximum.*integrate z and \['lam'\] out; or leave"
    with pytest.raises(ModelError, match=words):
        bp.find_MLE(horseshoe(centred=True), marginalize=["beta", "lam"], progressbar=False)
    # As a product, as it advises, there is one; and with lam among the parameters.
    for centred, names, prior in (
        (False, ["z", "lam"], pm.HalfCauchy),
        (True, ["beta"], pm.HalfCauchy),
        (True, ["beta", "lam"], pm.Gamma),
    ):
        model = horseshoe(centred=centred, prior=prior)
        density = integrated(model, log_density(model, backend=None), Asked(names))
        assert np.isfinite(density.evaluate(np.zeros((1, density.p)), ("likelihood",))[0]).all()
