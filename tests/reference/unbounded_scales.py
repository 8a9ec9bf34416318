"""Scales that go to 0 on a perfect fit: the density has no upper bound."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Truth, ZooModel, no_bound

__all__ = ["UNBOUNDED_SCALES"]

LINE_X = np.array([0.0, 1.0, 2.0, 3.0])
LINE_Y = 1 + 2 * LINE_X
ROWS = np.array([[1.0, 0.5, -0.3], [0.2, 1.0, 0.8]])
ROWS_Y = np.array([1.0, 2.0])


def one_observation() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 5)
        pm.Normal("y", mu, sigma, observed=2.0)
    return model


def one_observation_log_sd() -> pm.Model:
    with pm.Model() as model:
        mu, log_sigma = pm.Normal("mu", 2, 10), pm.Normal("log_sigma", 0, 3)
        pm.Normal("y", mu, pm.math.exp(log_sigma), observed=2.0)
    return model


def one_observation_precision() -> pm.Model:
    with pm.Model() as model:
        mu, tau = pm.Flat("mu"), pm.Gamma("tau", 2, 1)
        pm.Normal("y", mu, tau=tau, observed=2.0)
    return model


def one_observation_known_mean() -> pm.Model:
    with pm.Model() as model:
        sigma = pm.HalfCauchy("sigma", 1)
        pm.Normal("y", 3.0, sigma, observed=3.0)
    return model


def all_equal() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 5)
        pm.Normal("y", mu, sigma, observed=[4.0, 4.0, 4.0])
    return model


def all_equal_inverse_gamma() -> pm.Model:
    # A prior that keeps the variance off 0: exp(-1/v) beats v^(-n/2).
    with pm.Model() as model:
        mu, variance = pm.Flat("mu"), pm.InverseGamma("variance", 1, 1)
        pm.Normal("y", mu, pm.math.sqrt(variance), observed=[4.0, 4.0, 4.0])
    return model


def perfect_fit() -> pm.Model:
    with pm.Model() as model:
        a, b, sigma = pm.Normal("a", 0, 10), pm.Normal("b", 0, 10), pm.HalfNormal("sigma", 5)
        pm.Normal("y", a + b * LINE_X, sigma, observed=LINE_Y)
    return model


def perfect_fit_log_sd() -> pm.Model:
    with pm.Model() as model:
        a, b, log_sigma = pm.Flat("a"), pm.Flat("b"), pm.Flat("log_sigma")
        pm.Normal("y", a + b * LINE_X, pm.math.exp(log_sigma), observed=LINE_Y)
    return model


def more_columns_unknown_sd() -> pm.Model:
    with pm.Model(coords={"column": ["a", "b", "c"]}) as model:
        beta = pm.Normal("beta", 0, 1, dims="column")
        pm.Normal("y", ROWS @ beta, pm.HalfNormal("sigma", 1), observed=ROWS_Y)
    return model


def cauchy_ties() -> pm.Model:
    # More than half of the sample tied.
    with pm.Model() as model:
        mu, scale = pm.Normal("mu", 0, 5), pm.HalfNormal("scale", 5)
        pm.Cauchy("y", mu, scale, observed=[1.0, 1.0, 1.0, 2.0])
    return model


def own_sd_each() -> pm.Model:
    with pm.Model(coords={"lab": ["a", "b", "c"]}) as model:
        mu, sigma = pm.Flat("mu"), pm.HalfNormal("sigma", 5, dims="lab")
        pm.Normal("y", mu, sigma, observed=[1.0, 2.0, 4.0])
    return model


def _small(t: float) -> float:
    return 10.0**-t


_line = np.linalg.lstsq(ROWS, ROWS_Y)[0]

UNBOUNDED_SCALES = (
    ZooModel(
        "one_observation",
        one_observation,
        mle=no_bound(
            {"mu": 2.0},
            ("sigma",),
            "1/sigma at mu = y",
            path=lambda t: {"mu": 2.0, "sigma": _small(t)},
        ),
        map=no_bound(
            {"mu": 2.0},
            ("sigma",),
            "1/sigma at mu = y, and the priors are positive there",
            path=lambda t: {"mu": 2.0, "sigma": _small(t)},
        ),
    ),
    # MAP: -s - s^2/18 in s = log sigma, highest at -9; mu = y is the prior's mean as well.
    ZooModel(
        "one_observation_log_sd",
        one_observation_log_sd,
        mle=no_bound(
            {"mu": 2.0},
            ("log_sigma",),
            "exp(-log_sigma) at mu = y",
            path=lambda t: {"mu": 2.0, "log_sigma": -2 * t},
        ),
        map=Truth(
            "converged",
            {"mu": 2.0, "log_sigma": -9.0},
            "the prior of log sigma falls faster than the likelihood rises",
            log_density=stats.norm().logpdf(0)
            + 9
            + stats.norm(0, 10).logpdf(0)
            + stats.norm(0, 3).logpdf(9),
            n_optima=1,
        ),
        twin_of="one_observation",
    ),
    # MAP: sqrt(tau) tau exp(-tau), highest at 3/2.
    ZooModel(
        "one_observation_precision",
        one_observation_precision,
        mle=no_bound(
            {"mu": 2.0},
            ("tau",),
            "sqrt(tau) at mu = y",
            path=lambda t: {"mu": 2.0, "tau": 10.0**t},
        ),
        map=Truth("converged", {"mu": 2.0, "tau": 1.5}, "a - 1 + n/2", n_optima=1),
        twin_of="one_observation",
    ),
    ZooModel(
        "one_observation_known_mean",
        one_observation_known_mean,
        mle=no_bound({}, ("sigma",), "1/sigma", path=lambda t: {"sigma": _small(t)}),
        map=no_bound({}, ("sigma",), "1/sigma", path=lambda t: {"sigma": _small(t)}),
    ),
    ZooModel(
        "all_equal",
        all_equal,
        mle=no_bound(
            {"mu": 4.0},
            ("sigma",),
            "sigma^-3 at mu = y",
            path=lambda t: {"mu": 4.0, "sigma": _small(t)},
        ),
        map=no_bound(
            {"mu": 4.0},
            ("sigma",),
            "sigma^-3 at mu = y",
            path=lambda t: {"mu": 4.0, "sigma": _small(t)},
        ),
    ),
    # MAP: v^(-3/2 - 2) exp(-1/v), highest at 1/3.5.
    ZooModel(
        "all_equal_inverse_gamma",
        all_equal_inverse_gamma,
        mle=no_bound(
            {"mu": 4.0},
            ("variance",),
            "v^-3/2 at mu = y",
            path=lambda t: {"mu": 4.0, "variance": _small(t)},
        ),
        map=Truth("converged", {"mu": 4.0, "variance": 1 / 3.5}, "b / (a + 1 + n/2)", n_optima=1),
        twin_of="all_equal",
    ),
    ZooModel(
        "perfect_fit",
        perfect_fit,
        mle=no_bound(
            {"a": 1.0, "b": 2.0},
            ("sigma",),
            "sigma^-4 on the line",
            path=lambda t: {"a": 1.0, "b": 2.0, "sigma": _small(t)},
        ),
        map=no_bound(
            {"a": 1.0, "b": 2.0},
            ("sigma",),
            "sigma^-4 on the line",
            path=lambda t: {"a": 1.0, "b": 2.0, "sigma": _small(t)},
        ),
    ),
    ZooModel(
        "perfect_fit_log_sd",
        perfect_fit_log_sd,
        mle=no_bound(
            {"a": 1.0, "b": 2.0},
            ("log_sigma",),
            "exp(-4 log_sigma) on the line",
            path=lambda t: {"a": 1.0, "b": 2.0, "log_sigma": -2 * t},
        ),
        twin_of="perfect_fit",
    ),
    ZooModel(
        "more_columns_unknown_sd",
        more_columns_unknown_sd,
        mle=no_bound(
            {},
            ("sigma",),
            "sigma^-2 on any perfect fit",
            path=lambda t: {"beta": _line, "sigma": _small(t)},
        ),
        map=no_bound(
            {},
            ("sigma",),
            "sigma^-2 on any perfect fit",
            path=lambda t: {"beta": _line, "sigma": _small(t)},
        ),
    ),
    # At mu = 1: three times 1/s and once s/(s^2 + 1), so s^-2.
    ZooModel(
        "cauchy_ties",
        cauchy_ties,
        mle=no_bound(
            {"mu": 1.0},
            ("scale",),
            "scale^-2 at the ties",
            path=lambda t: {"mu": 1.0, "scale": _small(t)},
        ),
        map=no_bound(
            {"mu": 1.0},
            ("scale",),
            "scale^-2 at the ties",
            path=lambda t: {"mu": 1.0, "scale": _small(t)},
        ),
    ),
    ZooModel(
        "own_sd_each",
        own_sd_each,
        mle=no_bound(
            {},
            ("sigma",),
            "1/sigma[i] at mu = y[i], for any i",
            path=lambda t: {"mu": 2.0, "sigma": np.array([1.0, _small(t), 2.0])},
        ),
        map=no_bound(
            {},
            ("sigma",),
            "1/sigma[i] at mu = y[i], for any i",
            path=lambda t: {"mu": 2.0, "sigma": np.array([1.0, _small(t), 2.0])},
        ),
    ),
)
