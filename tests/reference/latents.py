"""Latent variables in the joint density: funnels, shrinkage, missing values.

A latent has a prior that depends on other free variables. The likelihood does not see those, and
the joint density is often highest where the latent's scale is 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
from scipy import optimize, stats

from tests.zoo import Truth, ZooModel, flat, no_bound

__all__ = ["LATENTS"]

GROUP_Y = np.array([1.0, 2.0, 4.5])
PARTLY_MISSING = np.array([1.2, 0.4, np.nan, 2.2, 1.8])
SEEN = np.array([1.2, 0.4, 2.2, 1.8])
PAIRS = np.array([[1.2, 1.6], [3.4, 2.8], [0.1, 0.5], [2.0, 2.1]])


COVARIATE_Y = np.array([2.1, 1.5, 2.0, 3.9, 2.8])


def with_missing(build: Callable[..., Any], *args: Any, observed: np.ndarray) -> Any:
    """A variable whose missing values PyMC imputes, without its word that it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pm.exceptions.ImputationWarning)
        return build(*args, observed=observed)


def funnel() -> pm.Model:
    # Neal's funnel in nine dimensions, each seen once, at 0, with unit noise.
    with pm.Model() as model:
        v = pm.Normal("v", 0, 3)
        x = pm.Normal("x", 0, pm.math.exp(v / 2), shape=9)
        pm.Normal("y", x, 1, observed=np.zeros(9))
    return model


def funnel_noncentred() -> pm.Model:
    with pm.Model() as model:
        v = pm.Normal("v", 0, 3)
        z = pm.Normal("z", 0, 1, shape=9)
        pm.Normal("y", z * pm.math.exp(v / 2), 1, observed=np.zeros(9))
    return model


def funnel_flat() -> pm.Model:
    with pm.Model() as model:
        v = pm.Flat("v")
        x = pm.Normal("x", 0, pm.math.exp(v / 2), shape=3)
        pm.Normal("y", x, 1, observed=[0.5, -1.0, 0.2])
    return model


def half_cauchy_groups() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"]}) as model:
        mu, tau = pm.Normal("mu", 0, 10), pm.HalfCauchy("tau", 2)
        theta = pm.Normal("theta", mu, tau, dims="group")
        pm.Normal("y", theta, 1, observed=GROUP_Y)
    return model


def inverse_gamma_groups() -> pm.Model:
    # The prior of tau is 0 at 0, faster than any power: the joint density has a maximum.
    with pm.Model(coords={"group": ["a", "b", "c"]}) as model:
        mu, tau = pm.Flat("mu"), pm.InverseGamma("tau", 3, 5)
        theta = pm.Normal("theta", mu, tau, dims="group")
        pm.Normal("y", theta, 1, observed=GROUP_Y)
    return model


def horseshoe() -> pm.Model:
    with pm.Model(coords={"feature": ["a", "b"]}) as model:
        local = pm.HalfCauchy("local", 1, dims="feature")
        beta = pm.Normal("beta", 0, local, dims="feature")
        pm.Normal("y", beta, 1, observed=[0.3, 2.5])
    return model


def laplace_scale() -> pm.Model:
    # The lasso with its penalty estimated: b^-2 at beta = 0.
    with pm.Model(coords={"feature": ["a", "b"]}) as model:
        b = pm.HalfNormal("b", 1)
        beta = pm.Laplace("beta", 0, b, dims="feature")
        pm.Normal("y", beta, 1, observed=[0.3, 2.5])
    return model


def missing_outcome() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        with_missing(pm.Normal, "y", mu, sigma, observed=PARTLY_MISSING)
    return model


def missing_covariate() -> pm.Model:
    # The missing x is chosen so that its row fits: the line is that of the other rows, and the
    # sd has a row more than it has residuals.
    with pm.Model() as model:
        m, s = pm.Flat("m"), pm.HalfFlat("s")
        a, b, sigma = pm.Flat("a"), pm.Flat("b"), pm.HalfFlat("sigma")
        x = with_missing(pm.Normal, "x", m, s, observed=PARTLY_MISSING)
        pm.Normal("y", a + b * x, sigma, observed=COVARIATE_Y)
    return model


def neyman_scott() -> pm.Model:
    # Each pair has its own mean; the variance is half of what it should be, and well defined.
    with pm.Model(coords={"pair": range(4)}) as model:
        mu = pm.Flat("mu", dims="pair")
        sigma = pm.HalfFlat("sigma")
        pm.Normal("y", mu[:, None], sigma, observed=PAIRS)
    return model


_mean, _ss = GROUP_Y.mean(), ((GROUP_Y - GROUP_Y.mean()) ** 2).sum()


def inverse_gamma_mode(power: float) -> dict[str, Any]:
    """Given tau, theta and mu are least squares; -power/tau + 5/tau^2 + SS tau/(1+tau^2)^2 = 0."""
    tau = optimize.brentq(
        lambda t: -power / t + 5 / t**2 + _ss * t / (1 + t**2) ** 2, 0.1, 5, xtol=1e-14
    )
    shrinkage = tau**2 / (1 + tau**2)
    return {"tau": tau, "mu": _mean, "theta": _mean + shrinkage * (GROUP_Y - _mean)}


_exact = stats.norm().logpdf(0)
_rows = np.isfinite(PARTLY_MISSING)
_design = np.column_stack([np.ones(4), SEEN])
_line = np.linalg.lstsq(_design, COVARIATE_Y[_rows])[0]
_line_sd = np.sqrt(((COVARIATE_Y[_rows] - _design @ _line) ** 2).sum() / 5)
_pair_sd = np.sqrt(((PAIRS - PAIRS.mean(1, keepdims=True)) ** 2).mean())
_funnel_map = Truth(
    "converged",
    {"v": -40.5, "x": np.zeros(9)},
    "-9 v / 2 - v^2 / 18, highest at -40.5; not unbounded, for all that samplers feel of it",
    log_density=18 * _exact + 9 * 20.25 + stats.norm(0, 3).logpdf(-40.5),
    n_optima=1,
)

LATENTS = (
    ZooModel(
        "funnel",
        funnel,
        mle=flat(
            {"x": np.zeros(9)},
            9 * _exact,
            ("v",),
            "v enters only through the prior of x",
            path=lambda s: {"v": s, "x": np.zeros(9)},
        ),
        map=_funnel_map,
        map_jacobian=_funnel_map,
    ),
    ZooModel(
        "funnel_noncentred",
        funnel_noncentred,
        mle=flat(
            {"z": np.zeros(9)},
            9 * _exact,
            ("v",),
            "at z = 0 the scale does not matter",
            path=lambda s: {"v": s, "z": np.zeros(9)},
        ),
        map=Truth(
            "converged",
            {"v": 0.0, "z": np.zeros(9)},
            "prior and likelihood are highest at 0",
            log_density=18 * _exact + stats.norm(0, 3).logpdf(0),
            n_optima=1,
        ),
        twin_of="funnel",
    ),
    ZooModel(
        "funnel_flat",
        funnel_flat,
        mle=flat(
            {"x": np.array([0.5, -1.0, 0.2])},
            3 * _exact,
            ("v",),
            "v enters only through the prior of x",
            path=lambda s: {"v": s, "x": np.array([0.5, -1.0, 0.2])},
        ),
        map=no_bound(
            {},
            ("v",),
            "exp(-3 v / 2) at x = 0",
            path=lambda t: {"v": -2.0 * t, "x": np.zeros(3)},
        ),
    ),
    ZooModel(
        "half_cauchy_groups",
        half_cauchy_groups,
        mle=flat(
            {"theta": GROUP_Y},
            3 * _exact,
            ("mu", "tau"),
            "mu and tau enter only through the prior of theta",
            path=lambda s: {"mu": s, "tau": 1 + s, "theta": GROUP_Y},
        ),
        map=no_bound(
            {},
            ("tau",),
            "tau^-3 at theta = mu",
            path=lambda t: {"mu": _mean, "tau": 10.0**-t, "theta": np.full(3, _mean)},
        ),
        # With the Jacobian, tau^-2.
        map_jacobian=no_bound(
            {},
            ("tau",),
            "tau^-2 at theta = mu",
            path=lambda t: {"mu": _mean, "tau": 10.0**-t, "theta": np.full(3, _mean)},
        ),
    ),
    ZooModel(
        "inverse_gamma_groups",
        inverse_gamma_groups,
        mle=flat(
            {"theta": GROUP_Y},
            3 * _exact,
            ("mu", "tau"),
            "mu and tau enter only through the prior of theta",
            path=lambda s: {"mu": s, "tau": 1 + s, "theta": GROUP_Y},
        ),
        map=Truth(
            "converged", inverse_gamma_mode(7), "tau^-3 from theta, tau^-4 of its own", n_optima=1
        ),
        map_jacobian=Truth(
            "converged", inverse_gamma_mode(6), "the Jacobian takes one off", n_optima=1
        ),
    ),
    ZooModel(
        "horseshoe",
        horseshoe,
        mle=flat(
            {"beta": np.array([0.3, 2.5])},
            2 * _exact,
            ("local[a]", "local[b]"),
            "local enters only through the prior of beta",
            path=lambda s: {"local": np.array([1 + s, 2 + s]), "beta": np.array([0.3, 2.5])},
        ),
        map=no_bound(
            {},
            ("local",),
            "1/local at beta = 0",
            path=lambda t: {"local": np.array([10.0**-t, 2.0]), "beta": np.array([0.0, 2.0])},
        ),
    ),
    ZooModel(
        "laplace_scale",
        laplace_scale,
        mle=flat(
            {"beta": np.array([0.3, 2.5])},
            2 * _exact,
            ("b",),
            "b enters only through the prior of beta",
            path=lambda s: {"b": 1 + s, "beta": np.array([0.3, 2.5])},
        ),
        map=no_bound(
            {},
            ("b",),
            "b^-2 at beta = 0",
            path=lambda t: {"b": 10.0**-t, "beta": np.zeros(2)},
        ),
    ),
    # The likelihood is of what was seen; the missing value has only its own density, a prior that
    # depends on mu and sigma. MAP: it joins in at mu, so that SS is divided by five.
    ZooModel(
        "missing_outcome",
        missing_outcome,
        mle=flat(
            {"mu": SEEN.mean(), "sigma": SEEN.std()},
            stats.norm(SEEN.mean(), SEEN.std()).logpdf(SEEN).sum(),
            ("y_unobserved",),
            "the missing value is not in the likelihood of what was seen",
            path=lambda s: {
                "mu": SEEN.mean(),
                "sigma": SEEN.std(),
                "y_unobserved": np.array([s]),
            },
        ),
        map=Truth(
            "converged",
            {
                "mu": SEEN.mean(),
                "sigma": np.sqrt(4 / 5) * SEEN.std(),
                "y_unobserved": np.array([SEEN.mean()]),
            },
            "the missing value at mu; sqrt(SS/5)",
            n_optima=1,
        ),
    ),
    ZooModel(
        "missing_covariate",
        missing_covariate,
        mle=Truth(
            "converged",
            {
                "m": SEEN.mean(),
                "s": SEEN.std(),
                "a": _line[0],
                "b": _line[1],
                "sigma": _line_sd,
                "x_unobserved": np.array([(COVARIATE_Y[2] - _line[0]) / _line[1]]),
            },
            "least squares of the complete rows; the missing x fits its row",
            n_optima=1,
        ),
    ),
    ZooModel(
        "neyman_scott",
        neyman_scott,
        mle=Truth(
            "converged",
            {"mu": PAIRS.mean(1), "sigma": _pair_sd},
            "pair means and sqrt(SS/8)",
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"mu": PAIRS.mean(1), "sigma": _pair_sd},
            "pair means and sqrt(SS/8)",
            n_optima=1,
        ),
    ),
)
