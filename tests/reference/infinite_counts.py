"""Counts with less variance, or fewer zeros, than the model can have: maxima at infinity."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import optimize, special, stats

from tests.zoo import Truth, ZooModel

__all__ = ["CATEGORIES", "GROUP_COUNTS", "INFINITE_COUNTS", "NARROW_COUNTS", "NO_EXTRA_ZEROS"]

GROUP_COUNTS = np.array([[0, 0, 0], [2, 4, 3]])
NARROW_COUNTS = np.array([2, 3, 2, 3, 3, 2, 3, 2])
NARROW_SUCCESSES = np.array([5, 5, 4, 6, 5, 5])
NO_EXTRA_ZEROS = np.array([1, 2, 2, 3, 1, 4, 0, 2])
CATEGORIES = np.repeat([1, 2, 3], [3, 4, 3])
VOTES = np.array([4, 6, 0])


def poisson_zero_group() -> pm.Model:
    with pm.Model(coords={"group": ["quiet", "busy"]}) as model:
        log_rate = pm.Normal("log_rate", 0, 3, dims="group")
        pm.Poisson("y", pm.math.exp(log_rate)[:, None], observed=GROUP_COUNTS)
    return model


def poisson_zero_group_contrast() -> pm.Model:
    with pm.Model() as model:
        busy, quiet_less_busy = pm.Flat("busy"), pm.Flat("quiet_less_busy")
        log_rate = pm.math.stack([busy + quiet_less_busy, busy])
        pm.Poisson("y", pm.math.exp(log_rate)[:, None], observed=GROUP_COUNTS)
    return model


def negbin_underdispersed() -> pm.Model:
    with pm.Model() as model:
        mu, alpha = pm.HalfFlat("mu"), pm.Exponential("alpha", 0.1)
        pm.NegativeBinomial("y", mu=mu, alpha=alpha, observed=NARROW_COUNTS)
    return model


def betabinomial_underdispersed() -> pm.Model:
    with pm.Model() as model:
        p, size = pm.Uniform("p", 0, 1), pm.HalfFlat("size")
        pm.BetaBinomial("y", alpha=p * size, beta=(1 - p) * size, n=10, observed=NARROW_SUCCESSES)
    return model


def betabinomial_underdispersed_shapes() -> pm.Model:
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        pm.BetaBinomial("y", alpha=alpha, beta=beta, n=10, observed=NARROW_SUCCESSES)
    return model


def ordered_empty_lowest() -> pm.Model:
    with pm.Model(coords={"cut": ["poor", "fair", "good"]}) as model:
        cutpoints = pm.Normal(
            "cutpoints",
            0,
            10,
            transform=pm.distributions.transforms.ordered,
            initval=[-1.0, 0.0, 1.0],
            dims="cut",
        )
        pm.OrderedLogistic("grade", eta=np.zeros(10), cutpoints=cutpoints, observed=CATEGORIES)
    return model


def multinomial_zero_logit() -> pm.Model:
    with pm.Model(coords={"other": ["green", "blue"], "party": ["red", "green", "blue"]}) as model:
        eta = pm.Flat("eta", dims="other")
        p = pm.math.softmax(pm.math.concatenate([[0.0], eta]))
        pm.Deterministic("p", p, dims="party")
        pm.Multinomial("y", VOTES.sum(), p, observed=VOTES)
    return model


def zip_without_extra_zeros() -> pm.Model:
    with pm.Model() as model:
        eta, mu = pm.Flat("eta"), pm.HalfFlat("mu")
        psi = pm.math.invlogit(eta)
        pm.ZeroInflatedPoisson("y", psi, mu, observed=NO_EXTRA_ZEROS)
    return model


def _cap(log_rate: float) -> np.ndarray:
    return np.array([-np.inf, log_rate])


def _log_mode(total: float) -> float:
    """Log rate of three counts under Normal(0, 3): total - 3 e^b - b/9 = 0."""
    return optimize.brentq(lambda b: total - 3 * np.exp(b) - b / 9, -20, 20, xtol=1e-14)


_busy = stats.poisson(3).logpmf([2, 4, 3]).sum()
_narrow = stats.poisson(2.5).logpmf(NARROW_COUNTS).sum()
_half = stats.binom(10, 0.5).logpmf(NARROW_SUCCESSES).sum()
_votes = stats.multinomial(10, [0.4, 0.6, 0]).logpmf(VOTES)
_mean = NO_EXTRA_ZEROS.mean()

INFINITE_COUNTS = (
    ZooModel(
        "poisson_zero_group",
        poisson_zero_group,
        mle=Truth(
            "at_infinity",
            {"log_rate": _cap(np.log(3))},
            "log of the group means, 0 and 3",
            log_density=_busy,
            parameters=("log_rate[quiet]",),
            n_optima=1,
            path=lambda t: {"log_rate": np.array([-4.0 * t, np.log(3)])},
        ),
        map=Truth(
            "converged",
            {"log_rate": np.array([_log_mode(0), _log_mode(9)])},
            "total - n e^b = b / 9 in each group",
            n_optima=1,
        ),
    ),
    ZooModel(
        "poisson_zero_group_contrast",
        poisson_zero_group_contrast,
        mle=Truth(
            "at_infinity",
            {"busy": np.log(3), "quiet_less_busy": -np.inf},
            "log of the group means, 0 and 3",
            log_density=_busy,
            parameters=("quiet_less_busy",),
            n_optima=1,
            path=lambda t: {"busy": np.log(3), "quiet_less_busy": -4.0 * t},
        ),
        twin_of="poisson_zero_group",
    ),
    # The negative binomial has a finite alpha only where the variance is above the mean (Anscombe
    # 1950): here .25 against 2.5, and the limit is the Poisson.
    ZooModel(
        "negbin_underdispersed",
        negbin_underdispersed,
        mle=Truth(
            "at_infinity",
            {"mu": 2.5, "alpha": np.inf},
            "Poisson limit",
            log_density=_narrow,
            parameters=("alpha",),
            n_optima=1,
            path=lambda t: {"mu": 2.5, "alpha": 10.0**t},
        ),
        map=Truth(
            "converged",
            {"mu": 2.5, "alpha": 8.5745173390833},
            "40 digits, mpmath",
            log_density=-15.720257795647655,
            n_optima=1,
        ),
    ),
    # The same of the beta-binomial, whose variance is never below the binomial's: 2.5 against 1/3.
    # PyMC's log density is a difference of log beta functions: from a size of 1e7 on its rounding
    # is larger than what is left to gain, and at 1e16 it is above 0, which no probability can be.
    ZooModel(
        "betabinomial_underdispersed",
        betabinomial_underdispersed,
        mle=Truth(
            "at_infinity",
            {"p": 0.5, "size": np.inf},
            "binomial limit",
            log_density=_half,
            parameters=("size",),
            n_optima=1,
            path=lambda t: {"p": 0.5, "size": 10.0 ** (0.85 * t)},
        ),
    ),
    ZooModel(
        "betabinomial_underdispersed_shapes",
        betabinomial_underdispersed_shapes,
        mle=Truth(
            "at_infinity",
            {"alpha": np.inf, "beta": np.inf},
            "binomial limit",
            log_density=_half,
            parameters=("alpha", "beta"),
            n_optima=1,
            path=lambda t: {"alpha": 10.0 ** (0.85 * t), "beta": 10.0 ** (0.85 * t)},
        ),
        twin_of="betabinomial_underdispersed",
    ),
    # Cutpoints at the log odds of the cumulative shares 0, .3 and .7.
    ZooModel(
        "ordered_empty_lowest",
        ordered_empty_lowest,
        mle=Truth(
            "at_infinity",
            {"cutpoints": np.array([-np.inf, *special.logit([0.3, 0.7])])},
            "log odds of the cumulative shares",
            log_density=10 * (0.6 * np.log(0.3) + 0.4 * np.log(0.4)),
            parameters=("cutpoints[poor]",),
            n_optima=1,
            path=lambda t: {"cutpoints": np.array([-4.0 * t, *special.logit([0.3, 0.7])])},
        ),
    ),
    ZooModel(
        "multinomial_zero_logit",
        multinomial_zero_logit,
        mle=Truth(
            "at_infinity",
            {"eta": np.array([np.log(1.5), -np.inf]), "p": np.array([0.4, 0.6, 0.0])},
            "log ratios of the counts",
            log_density=_votes,
            parameters=("eta[blue]",),
            n_optima=1,
            path=lambda t: {"eta": np.array([np.log(1.5), -4.0 * t])},
        ),
        twin_of="multinomial_zero_count",
    ),
    # One zero of eight, and a Poisson with this mean would have 1.2: psi = 1.
    ZooModel(
        "zip_without_extra_zeros_logit",
        zip_without_extra_zeros,
        mle=Truth(
            "at_infinity",
            {"eta": np.inf, "mu": _mean},
            "Poisson limit",
            log_density=stats.poisson(_mean).logpmf(NO_EXTRA_ZEROS).sum(),
            parameters=("eta",),
            n_optima=1,
            path=lambda t: {"eta": 4.0 * t, "mu": _mean},
        ),
        twin_of="zip_without_extra_zeros",
    ),
)
