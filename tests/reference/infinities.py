"""Continuous data whose best model is a limit of the family: maxima at infinity."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import optimize, stats

from tests.reference.forty_digits import GP_X
from tests.zoo import Truth, ZooModel

__all__ = ["CENSORED", "CONVEX_RATE", "DYESTUFF2", "INFINITIES"]

LIGHT_TAILS = np.array([-1.5, -1.1, -0.6, -0.2, 0.1, 0.4, 0.9, 1.3])
CENSORED = np.array([2.0, 3.0, 5.0])
SYMMETRIC = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
ALL_POSITIVE = np.array([0.4, 1.1, 0.7, 2.0])
LONG_TAIL = np.array([0.1, 0.2, 0.3, 0.5, 0.9, 4.0])
CONVEX_RATE = np.array([0.9, 1.9, 3.1, 4.1, 5.2])
NEARLY_CONSTANT = 1 + 0.05 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 1, -1])
# Box & Tiao (1973), table 5.1.4: simulated yields of six batches, in which the batches differ by
# less than the samples of one batch do.
DYESTUFF2 = np.array(
    [
        [7.298, 3.846, 2.434, 9.566, 7.990],
        [5.220, 6.556, 0.608, 11.788, -0.892],
        [0.110, 10.386, 13.434, 5.510, 8.166],
        [2.212, 4.852, 7.092, 9.288, 4.980],
        [0.282, 9.014, 4.458, 9.446, 7.198],
        [1.722, 4.782, 8.106, 0.758, 3.758],
    ]
)


def t_on_light_tails() -> pm.Model:
    with pm.Model() as model:
        nu, mu, sigma = pm.Gamma("nu", 2, 0.1), pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.StudentT("y", nu=nu, mu=mu, sigma=sigma, observed=LIGHT_TAILS)
    return model


def all_censored() -> pm.Model:
    with pm.Model() as model:
        log_rate = pm.Normal("log_rate", 0, 3)
        life = pm.Exponential.dist(pm.math.exp(log_rate))
        pm.Censored("t", life, lower=None, upper=CENSORED, observed=CENSORED)
    return model


def dyestuff2_log_sd() -> pm.Model:
    with pm.Model() as model:
        mu, log_batch, sigma = pm.Flat("mu"), pm.Flat("log_batch"), pm.HalfFlat("sigma")
        cov = pm.math.exp(2 * log_batch) * np.ones((5, 5)) + sigma**2 * np.eye(5)
        pm.MvNormal("y", mu * np.ones(5), cov=cov, observed=DYESTUFF2)
    return model


def skew_normal_one_sided() -> pm.Model:
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 10)
        pm.SkewNormal("y", mu=0, sigma=1, alpha=alpha, observed=ALL_POSITIVE)
    return model


def skew_normal_of_symmetric_data() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 5), pm.HalfNormal("sigma", 3)
        pm.SkewNormal("y", mu=mu, sigma=sigma, alpha=pm.Normal("alpha", 0, 5), observed=SYMMETRIC)
    return model


def truncated_normal_long_tail() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.TruncatedNormal("y", mu, sigma, lower=0, observed=LONG_TAIL)
    return model


def saturation_not_reached() -> pm.Model:
    # Rates that still rise faster than in proportion: the top of the curve is out of sight.
    conc = np.arange(1, 6)
    with pm.Model() as model:
        top, half, sigma = pm.HalfFlat("top"), pm.HalfFlat("half"), pm.HalfFlat("sigma")
        pm.Normal("rate", top * conc / (half + conc), sigma, observed=CONVEX_RATE)
    return model


def gp_constant_signal() -> pm.Model:
    with pm.Model() as model:
        ell = pm.HalfFlat("ell")
        squared = np.subtract.outer(GP_X, GP_X) ** 2
        cov = pm.math.exp(-squared / (2 * ell**2)) + 0.01 * np.eye(len(GP_X))
        pm.MvNormal("y", np.zeros(len(GP_X)), cov=cov, observed=NEARLY_CONSTANT)
    return model


_tails_mean, _tails_sd = LIGHT_TAILS.mean(), LIGHT_TAILS.std()
_dye_mean, _dye_sd = DYESTUFF2.mean(), DYESTUFF2.std()
_half_sd = np.sqrt(np.mean((SYMMETRIC - 2) ** 2))
_tail_mean = LONG_TAIL.mean()
# Proportion to the concentration, least squares.
_conc = np.arange(1, 6)
_slope = _conc @ CONVEX_RATE / (_conc @ _conc)
_rate_sd = np.sqrt(np.mean((CONVEX_RATE - _slope * _conc) ** 2))
_skew_map = optimize.brentq(
    lambda a: (
        (
            ALL_POSITIVE
            * np.exp(stats.norm.logpdf(a * ALL_POSITIVE) - stats.norm.logcdf(a * ALL_POSITIVE))
        ).sum()
        - a / 100
    ),
    0,
    99,
    xtol=1e-14,
)
_censored_map = optimize.brentq(lambda b: -CENSORED.sum() * np.exp(b) - b / 9, -20, 20, xtol=1e-14)

INFINITIES = (
    # About the normal, 1/nu: the log density changes by (z^4 - 2 z^2 - 1) / 4 nu, summed
    # n (kurtosis - 3) / 4 nu: with a kurtosis of 1.9 it falls from nu = inf on.
    ZooModel(
        "t_on_light_tails",
        t_on_light_tails,
        mle=Truth(
            "at_infinity",
            {"nu": np.inf, "mu": _tails_mean, "sigma": _tails_sd},
            "normal limit",
            log_density=stats.norm(_tails_mean, _tails_sd).logpdf(LIGHT_TAILS).sum(),
            parameters=("nu",),
            # mu differs from its limit by something over nu, and the path ends where rounding hides
            # the rest of the way: near nu = 1e5 to 1e8, as the processor adds up.
            rtol=2e-5,
            n_optima=1,
            path=lambda t: {"nu": 10.0**t, "mu": _tails_mean, "sigma": _tails_sd},
        ),
        map=Truth(
            "converged",
            {"nu": 11.896317424443618, "mu": -0.08427919857862921, "sigma": 0.8671132438027314},
            "40 digits, mpmath",
            log_density=-14.009601278540195,
            n_optima=1,
        ),
    ),
    ZooModel(
        "all_censored_log_rate",
        all_censored,
        mle=Truth(
            "at_infinity",
            {"log_rate": -np.inf},
            "no event: the log-likelihood is -rate * time",
            log_density=0.0,
            parameters=("log_rate",),
            n_optima=1,
            path=lambda t: {"log_rate": -4.0 * t},
        ),
        map=Truth("converged", {"log_rate": _censored_map}, "-10 e^b = b / 9", n_optima=1),
        twin_of="all_censored",
    ),
    # The mean squares between batches are below those within, so the variance between is 0: one
    # normal sample of thirty.
    ZooModel(
        "dyestuff2_log_sd",
        dyestuff2_log_sd,
        mle=Truth(
            "at_infinity",
            {"mu": _dye_mean, "log_batch": -np.inf, "sigma": _dye_sd},
            "no variance between batches: mean and sqrt(SS/n)",
            log_density=stats.norm(_dye_mean, _dye_sd).logpdf(DYESTUFF2).sum(),
            parameters=("log_batch",),
            n_optima=1,
            path=lambda t: {"mu": _dye_mean, "log_batch": 1.0 - 3 * t, "sigma": _dye_sd},
        ),
        twin_of="dyestuff2",
    ),
    # Phi(alpha y) rises to 1 for every y > 0; the limit is the half-normal.
    ZooModel(
        "skew_normal_one_sided",
        skew_normal_one_sided,
        mle=Truth(
            "at_infinity",
            {"alpha": np.inf},
            "half-normal limit",
            log_density=stats.halfnorm().logpdf(ALL_POSITIVE).sum(),
            parameters=("alpha",),
            n_optima=1,
            path=lambda t: {"alpha": 4.0 * t},
        ),
        map=Truth(
            "converged",
            {"alpha": _skew_map},
            "sum of y phi/Phi (alpha y) = alpha / 100",
            n_optima=1,
        ),
    ),
    # Few data are rarely as well described by a skew normal as by its limit, the half-normal from
    # their end (Azzalini & Capitanio 1999, doi:10.1111/1467-9868.00194): here -11.047, a normal
    # -11.352. With mu at the end and not beyond it one observation would have half that density.
    ZooModel(
        "skew_normal_of_symmetric_data",
        skew_normal_of_symmetric_data,
        mle=Truth(
            "at_infinity",
            {"mu": 2.0, "sigma": _half_sd, "alpha": -np.inf},
            "half-normal limit, from either end",
            log_density=stats.halfnorm(0, _half_sd).logpdf(2 - SYMMETRIC).sum(),
            parameters=("alpha",),
            others=({"mu": -2.0, "sigma": _half_sd, "alpha": np.inf},),
            path=lambda t: {"mu": 2 + 10.0**-t, "sigma": _half_sd, "alpha": -(10.0 ** (t + 1.5))},
        ),
    ),
    # With a coefficient of variation above 1 a normal cut at 0 does best as its own limit, the
    # exponential: mu -> -inf with sigma^2 / -mu = mean (del Castillo 1994).
    ZooModel(
        "truncated_normal_long_tail",
        truncated_normal_long_tail,
        mle=Truth(
            "at_infinity",
            {"mu": -np.inf, "sigma": np.inf},
            "exponential limit; del Castillo (1994), doi:10.1007/BF00773592",
            log_density=stats.expon(scale=_tail_mean).logpdf(LONG_TAIL).sum(),
            parameters=("mu", "sigma"),
            n_optima=1,
            path=lambda t: {"mu": -(10.0**t) / _tail_mean, "sigma": 10.0 ** (t / 2)},
        ),
    ),
    ZooModel(
        "saturation_not_reached",
        saturation_not_reached,
        mle=Truth(
            "at_infinity",
            {"top": np.inf, "half": np.inf, "sigma": _rate_sd},
            "proportional limit: least squares through 0",
            log_density=stats.norm(_slope * _conc, _rate_sd).logpdf(CONVEX_RATE).sum(),
            parameters=("top", "half"),
            n_optima=1,
            path=lambda t: {"top": _slope * 10.0**t, "half": 10.0**t, "sigma": _rate_sd},
        ),
    ),
    ZooModel(
        "gp_constant_signal",
        gp_constant_signal,
        mle=Truth(
            "at_infinity",
            {"ell": np.inf},
            "constant limit: covariance 1 + 0.01 I",
            log_density=stats.multivariate_normal(cov=np.ones((10, 10)) + 0.01 * np.eye(10)).logpdf(
                NEARLY_CONSTANT
            ),
            parameters=("ell",),
            path=lambda t: {"ell": 10.0 ** (t / 2 + 1)},
        ),
    ),
)
