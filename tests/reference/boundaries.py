"""Bounds that the likelihood pushes against."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import optimize, stats

from tests.zoo import Truth, ZooModel, edge

__all__ = ["BOUNDARIES"]

HIGH = np.array([1.2, 1.9, 1.4, 1.5])
WIDE = np.array([-3.0, 1.0, 5.0, 2.0])
HIGH_THEN_LOW = np.array([[2.0, 2.6, 2.3], [1.1, 1.5, 1.0]])
TREND = np.array([1.0, 1.3, 1.9, 1.8, 2.5, 3.1, 3.0, 3.6])
LATE = np.array([1.4, 2.2, 0.9, 1.7])


def exponential_prior(observed: float) -> pm.Model:
    with pm.Model() as model:
        x = pm.Exponential("x", 1)
        pm.Normal("y", x, 1, observed=observed)
    return model


def exponential_prior_above() -> pm.Model:
    return exponential_prior(0.5)


def exponential_prior_below() -> pm.Model:
    return exponential_prior(-1.0)


def uniform_upper_bound() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Uniform("mu", 0, 1)
        pm.Normal("y", mu, 1, observed=HIGH)
    return model


def uniform_lower_bound() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Uniform("mu", 2, 5)
        pm.Normal("y", mu, 1, observed=HIGH)
    return model


def bounded_by_logit() -> pm.Model:
    with pm.Model() as model:
        eta = pm.Flat("eta")
        pm.Normal("y", pm.Deterministic("mu", pm.math.invlogit(eta)), 1, observed=HIGH)
    return model


def truncated_prior() -> pm.Model:
    with pm.Model() as model:
        mu = pm.TruncatedNormal("mu", 3, 1, lower=2)
        pm.Normal("y", mu, 0.5, observed=HIGH)
    return model


def sd_upper_bound() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.Uniform("sigma", 0, 1)
        pm.Normal("y", mu, sigma, observed=WIDE)
    return model


def explosive_series() -> pm.Model:
    with pm.Model() as model:
        rho, sigma = pm.Uniform("rho", -1, 1), pm.HalfFlat("sigma")
        pm.Normal("y", rho * TREND[:-1], sigma, observed=TREND[1:])
    return model


def ordered_means_reversed() -> pm.Model:
    # Declared increasing, and the data decrease: isotonic regression pools the two.
    with pm.Model(coords={"step": ["first", "second"]}) as model:
        mu = pm.Normal(
            "mu",
            0,
            100,
            transform=pm.distributions.transforms.ordered,
            initval=[0.0, 1.0],
            dims="step",
        )
        pm.Normal("y", mu[:, None], 1, observed=HIGH_THEN_LOW)
    return model


def mixture_weight() -> pm.Model:
    # Two known components at -1 and 1 and data that all speak for the second.
    with pm.Model() as model:
        w = pm.Beta("w", 2, 2)
        pm.NormalMixture("y", pm.math.stack([w, 1 - w]), np.array([-1.0, 1.0]), 1.0, observed=LATE)
    return model


def _normal(mu: float, sd: float = 1.0) -> float:
    return stats.norm(mu, sd).logpdf(HIGH).sum()


_walk_sd = np.sqrt(np.mean(np.diff(TREND) ** 2))
_walk = stats.norm(TREND[:-1], _walk_sd).logpdf(TREND[1:]).sum()
_pooled = HIGH_THEN_LOW.mean()
_pooled_map = 6 * _pooled / (6 + 2e-4)
_ratio = np.exp(-2 * LATE)  # density of the first component by that of the second
_weight_map = optimize.brentq(
    lambda w: ((_ratio - 1) / (1 + w * (_ratio - 1))).sum() + 1 / w - 1 / (1 - w),
    1e-6,
    1 - 1e-6,
    xtol=1e-14,
)

BOUNDARIES = (
    # Posterior on x > 0: a normal about y - 1, cut at 0.
    ZooModel(
        "exponential_prior_mode",
        exponential_prior_above,
        mle=Truth("converged", {"x": 0.5}, "y", log_density=stats.norm().logpdf(0), n_optima=1),
        map=edge({"x": 0.0}, stats.norm().logpdf(0.5), ("x",), "y - 1 is below 0"),
    ),
    ZooModel(
        "exponential_prior_below",
        exponential_prior_below,
        mle=edge({"x": 0.0}, stats.norm().logpdf(-1), ("x",), "y is below 0"),
        map=edge({"x": 0.0}, stats.norm().logpdf(-1), ("x",), "y - 1 is below 0"),
    ),
    ZooModel(
        "uniform_upper_bound",
        uniform_upper_bound,
        mle=edge({"mu": 1.0}, _normal(1), ("mu",), "the mean, 1.5, is above the bound"),
        map=edge({"mu": 1.0}, _normal(1), ("mu",), "the mean, 1.5, is above the bound"),
    ),
    ZooModel(
        "uniform_upper_bound_logit",
        bounded_by_logit,
        mle=Truth(
            "at_infinity",
            {"eta": np.inf, "mu": 1.0},
            "mu = 1 is eta = inf",
            log_density=_normal(1),
            parameters=("eta",),
            n_optima=1,
            path=lambda t: {"eta": 4.0 * t},
        ),
        twin_of="uniform_upper_bound",
    ),
    ZooModel(
        "uniform_lower_bound",
        uniform_lower_bound,
        mle=edge({"mu": 2.0}, _normal(2), ("mu",), "the mean, 1.5, is below the bound"),
        map=edge({"mu": 2.0}, _normal(2) - np.log(3), ("mu",), "the mean, 1.5, is below the bound"),
    ),
    # The prior pulls up, not enough: the precision-weighted mean is 1.59, under the bound.
    ZooModel(
        "truncated_prior",
        truncated_prior,
        mle=edge({"mu": 2.0}, _normal(2, 0.5), ("mu",), "the mean, 1.5, is below the bound"),
        map=edge(
            {"mu": 2.0},
            _normal(2, 0.5) + stats.norm(3, 1).logpdf(2) - stats.norm(3, 1).logsf(2),
            ("mu",),
            "the weighted mean, 1.59, is below the bound",
        ),
    ),
    ZooModel(
        "sd_upper_bound",
        sd_upper_bound,
        mle=edge(
            {"mu": WIDE.mean(), "sigma": 1.0},
            stats.norm(WIDE.mean(), 1).logpdf(WIDE).sum(),
            ("sigma",),
            "the sd of the data, 2.9, is above the bound",
        ),
        map=edge(
            {"mu": WIDE.mean(), "sigma": 1.0},
            stats.norm(WIDE.mean(), 1).logpdf(WIDE).sum(),
            ("sigma",),
            "the sd of the data, 2.9, is above the bound",
        ),
    ),
    ZooModel(
        "explosive_series",
        explosive_series,
        mle=edge(
            {"rho": 1.0, "sigma": _walk_sd}, _walk, ("rho",), "least squares gives rho above 1"
        ),
        map=edge(
            {"rho": 1.0, "sigma": _walk_sd},
            _walk - np.log(2),
            ("rho",),
            "least squares gives rho above 1",
        ),
    ),
    ZooModel(
        "ordered_means_reversed",
        ordered_means_reversed,
        mle=edge(
            {"mu": np.full(2, _pooled)},
            stats.norm(_pooled, 1).logpdf(HIGH_THEN_LOW).sum(),
            ("mu",),
            "pooled mean",
        ),
        map=edge(
            {"mu": np.full(2, _pooled_map)},
            stats.norm(_pooled_map, 1).logpdf(HIGH_THEN_LOW).sum()
            + 2 * stats.norm(0, 100).logpdf(_pooled_map),
            ("mu",),
            "pooled and shrunk: 6 m / (6 + 2/100^2)",
        ),
    ),
    ZooModel(
        "mixture_weight_at_edge",
        mixture_weight,
        mle=edge(
            {"w": 0.0},
            stats.norm(1, 1).logpdf(LATE).sum(),
            ("w",),
            "the derivative at 0 is below 0",
        ),
        map=Truth("converged", {"w": _weight_map}, "root of the derivative", n_optima=1),
    ),
)
