"""Likelihoods that grow without bound at one observation: mixtures, and shifted families."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from tests.zoo import Point, ZooModel, no_bound

__all__ = ["COLLAPSE"]

SAMPLE = np.array([-2.1, -0.3, 0.4, 1.8, 0.9])
LIVES = np.array([1.1, 1.3, 1.7, 2.6, 4.9])


def mixture() -> pm.Model:
    with pm.Model(coords={"group": ["one", "other"]}) as model:
        mu = pm.Normal("mu", 0, 5, dims="group")
        sigma = pm.HalfNormal("sigma", 5, dims="group")
        pm.NormalMixture("y", [0.5, 0.5], mu, sigma, observed=SAMPLE)
    return model


def mixture_log_sd() -> pm.Model:
    with pm.Model(coords={"group": ["one", "other"]}) as model:
        mu = pm.Flat("mu", dims="group")
        log_sigma = pm.Flat("log_sigma", dims="group")
        pm.NormalMixture("y", [0.5, 0.5], mu, pm.math.exp(log_sigma), observed=SAMPLE)
    return model


def weibull_logp(x: Any, alpha: Any, beta: Any) -> Any:
    inside = pt.switch(x > 0, x, 1.0)  # off the support neither value nor gradient is NaN
    z = inside / beta
    return pt.switch(x > 0, pt.log(alpha / beta) + (alpha - 1) * pt.log(z) - z**alpha, -np.inf)


def weibull_shifted() -> pm.Model:
    def logp(value, shift, alpha, beta):  # type: ignore[no-untyped-def]
        return weibull_logp(value - shift, alpha, beta)

    with pm.Model() as model:
        shift = pm.Uniform("shift", 0, 5)
        alpha, beta = pm.HalfNormal("alpha", 5), pm.HalfNormal("beta", 5)
        pm.CustomDist("y", shift, alpha, beta, logp=logp, observed=LIVES)
    return model


def weibull_log_gap() -> pm.Model:
    # The shift by the log of its distance from the smallest observation.
    with pm.Model() as model:
        log_gap = pm.Flat("log_gap")
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")

        def logp(value, log_gap, alpha, beta):  # type: ignore[no-untyped-def]
            return weibull_logp(value - LIVES.min() + pm.math.exp(log_gap), alpha, beta)

        pm.CustomDist("y", log_gap, alpha, beta, logp=logp, observed=LIVES)
    return model


def lognormal_shifted() -> pm.Model:
    def logp(value, shift, mu, sigma):  # type: ignore[no-untyped-def]
        return pm.logp(pm.LogNormal.dist(mu, sigma), value - shift)

    with pm.Model() as model:
        shift = pm.Uniform("shift", 0, 5)
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.CustomDist("y", shift, mu, sigma, logp=logp, observed=LIVES)
    return model


def _lognormal_path(t: float) -> Point:
    shift = LIVES.min() - 10.0**-t
    logs = np.log(LIVES - shift)
    return {"shift": shift, "mu": logs.mean(), "sigma": logs.std()}


COLLAPSE = (
    # One component on one observation, its sd to 0, the other spread over the rest.
    ZooModel(
        "mixture_collapse",
        mixture,
        mle=no_bound(
            {},
            ("sigma",),
            "1/sigma[i] at mu[i] = any observation",
            path=lambda t: {"mu": np.array([-0.3, 0.2]), "sigma": np.array([10.0**-t, 1.5])},
        ),
        map=no_bound(
            {},
            ("sigma",),
            "1/sigma[i] at mu[i] = any observation; the priors are positive there",
            path=lambda t: {"mu": np.array([-0.3, 0.2]), "sigma": np.array([10.0**-t, 1.5])},
        ),
    ),
    ZooModel(
        "mixture_collapse_log_sd",
        mixture_log_sd,
        mle=no_bound(
            {},
            ("log_sigma",),
            "exp(-log_sigma[i]) at mu[i] = any observation",
            path=lambda t: {"mu": np.array([-0.3, 0.2]), "log_sigma": np.array([-2.0 * t, 0.4])},
        ),
        twin_of="mixture_collapse",
    ),
    # With a shape below 1 the Weibull density is infinite at its lower end, which the shift can
    # lay on the smallest observation.
    ZooModel(
        "weibull_three_parameters",
        weibull_shifted,
        mle=no_bound(
            {},
            ("shift",),
            "(y - shift)^(alpha - 1) at the smallest y, alpha below 1",
            path=lambda t: {"shift": LIVES.min() - 10.0**-t, "alpha": 0.5, "beta": 1.0},
        ),
        map=no_bound(
            {},
            ("shift",),
            "(y - shift)^(alpha - 1) at the smallest y; the priors are positive there",
            path=lambda t: {"shift": LIVES.min() - 10.0**-t, "alpha": 0.5, "beta": 1.0},
        ),
    ),
    ZooModel(
        "weibull_three_parameters_log_gap",
        weibull_log_gap,
        mle=no_bound(
            {},
            ("log_gap",),
            "exp(log_gap (alpha - 1)) with alpha below 1",
            path=lambda t: {"log_gap": -2.0 * t, "alpha": 0.5, "beta": 1.0},
        ),
        twin_of="weibull_three_parameters",
    ),
    # Hill (1963), doi:10.1080/01621459.1963.10500843: with mu and sigma at their maximum given the
    # shift, the likelihood grows as 1 / (gap (-log gap)^n).
    ZooModel(
        "lognormal_three_parameters",
        lognormal_shifted,
        mle=no_bound(
            {},
            ("shift|mu|sigma",),
            "1/(y - shift) at the smallest y, as sigma grows; Hill (1963)",
            path=_lognormal_path,
        ),
    ),
)
