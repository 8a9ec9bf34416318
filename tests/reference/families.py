"""Counts, waiting times and angles: textbook families with closed forms or one equation."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import optimize, special, stats

from tests.reference.normals import NORMAL_Y
from tests.zoo import Truth, ZooModel, one_optimum

__all__ = ["FAMILIES"]


def poisson_gamma() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("y", rate, observed=[3, 1, 4])
    return model


def poisson_log_rate() -> pm.Model:
    with pm.Model() as model:
        log_rate = pm.Flat("log_rate")
        pm.Poisson("y", pm.math.exp(log_rate), observed=[3, 1, 4])
    return model


def exponential() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 3, 2)
        pm.Exponential("y", rate, observed=[0.5, 1.2, 2.3])
    return model


def geometric() -> pm.Model:
    with pm.Model() as model:
        p = pm.Beta("p", 3, 3)
        pm.Geometric("y", p, observed=[1, 3, 2, 6])
    return model


def multinomial() -> pm.Model:
    with pm.Model(coords={"party": ["red", "green", "blue"]}) as model:
        p = pm.Dirichlet("p", [2.0, 2.0, 2.0], dims="party")
        pm.Multinomial("y", VOTES.sum(), p, observed=VOTES)
    return model


def multinomial_reference_logit() -> pm.Model:
    with pm.Model(coords={"other": ["green", "blue"], "party": ["red", "green", "blue"]}) as model:
        eta = pm.Flat("eta", dims="other")
        p = pm.Deterministic("p", pm.math.softmax(pm.math.concatenate([[0.0], eta])), dims="party")
        pm.Multinomial("y", VOTES.sum(), p, observed=VOTES)
    return model


def pareto() -> pm.Model:
    with pm.Model() as model:
        alpha = pm.Exponential("alpha", 1)
        pm.Pareto("y", alpha, 1.0, observed=[1.2, 3.0, 1.7, 8.0])
    return model


def hardy_weinberg() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Uniform("theta", 0, 1)
        p = pm.math.stack([(1 - theta) ** 2, 2 * theta * (1 - theta), theta**2])
        pm.Multinomial("genotypes", GENOTYPES.sum(), p, observed=GENOTYPES)
    return model


def zero_inflated_poisson() -> pm.Model:
    with pm.Model() as model:
        psi = pm.Uniform("psi", 0, 1)
        mu = pm.HalfFlat("mu")
        pm.ZeroInflatedPoisson("y", psi, mu, observed=ZIP_Y)
    return model


def von_mises() -> pm.Model:
    with pm.Model() as model:
        mu = pm.VonMises("mu", 0, 1e-6)
        kappa = pm.HalfFlat("kappa")
        pm.VonMises("y", mu, kappa, observed=ANGLES)
    return model


def gamma_mean_shape() -> pm.Model:
    with pm.Model() as model:
        mean = pm.HalfFlat("mean")
        shape = pm.HalfFlat("shape")
        pm.Gamma("y", alpha=shape, beta=shape / mean, observed=NORMAL_Y)
    return model


def weibull() -> pm.Model:
    with pm.Model() as model:
        alpha = pm.HalfFlat("alpha")
        beta = pm.HalfFlat("beta")
        pm.Weibull("y", alpha, beta, observed=NORMAL_Y)
    return model


VOTES = np.array([3, 5, 2])
# Genotypes of the MN blood group, Hong Kong 1937 (Rice, Mathematical Statistics, s. 8.5.1).
GENOTYPES = np.array([342, 500, 187])
ZIP_Y = np.array([0, 0, 0, 0, 1, 2, 2, 3, 5])
ANGLES = np.array([2.9, -2.8, 3.1, 2.2, -3.0])
_mean, _log_y = NORMAL_Y.mean(), np.log(NORMAL_Y)
_positive = ZIP_Y[ZIP_Y > 0]
# The positive counts are a zero-truncated Poisson: mu/(1-exp(-mu)) is their mean, and psi makes
# the share of positive counts right (it is an interior solution as psi < 1).
_zip_mu = optimize.brentq(lambda m: m / -np.expm1(-m) - _positive.mean(), 1e-3, 50, xtol=1e-14)
_zip_psi = _positive.size / ZIP_Y.size / -np.expm1(-_zip_mu)
# Direction of the resultant vector, and kappa from I1(kappa)/I0(kappa) = mean resultant length.
_resultant = np.exp(1j * ANGLES).mean()
_kappa = optimize.brentq(
    lambda k: special.ive(1, k) / special.ive(0, k) - abs(_resultant), 1e-6, 1e4, xtol=1e-13
)
# log a - digamma(a) = log mean - mean log.
_shape = optimize.brentq(
    lambda a: np.log(a) - special.digamma(a) - np.log(NORMAL_Y.mean()) + _log_y.mean(),
    1,
    1e4,
    xtol=1e-12,
)
# sum y^a log y / sum y^a - 1/a = mean log y, then beta^a = mean y^a.
_weibull = optimize.brentq(
    lambda a: NORMAL_Y**a @ _log_y / (NORMAL_Y**a).sum() - 1 / a - _log_y.mean(),
    0.1,
    99,
    xtol=1e-13,
)
_weibull_scale = (NORMAL_Y**_weibull).mean() ** (1 / _weibull)
_poisson_loglik = stats.poisson(8 / 3).logpmf([3, 1, 4]).sum()

FAMILIES = (
    ZooModel(
        "poisson_gamma",
        poisson_gamma,
        mle=Truth("converged", {"rate": 8 / 3}, "mean", log_density=_poisson_loglik, n_optima=1),
        map=Truth("converged", {"rate": 9 / 4}, "(S+a-1)/(n+b)", n_optima=1),
        map_jacobian=Truth("converged", {"rate": 10 / 4}, "(S+a)/(n+b)", n_optima=1),
    ),
    ZooModel(
        "poisson_log_rate",
        poisson_log_rate,
        **one_optimum({"log_rate": np.log(8 / 3)}, _poisson_loglik, "log mean"),
        twin_of="poisson_gamma",
    ),
    ZooModel(
        "exponential",
        exponential,
        mle=Truth("converged", {"rate": 3 / 4}, "1/mean", log_density=3 * np.log(0.75) - 3),
        map=Truth("converged", {"rate": 5 / 6}, "(n+a-1)/(S+b)", n_optima=1),
        map_jacobian=Truth("converged", {"rate": 1.0}, "(n+a)/(S+b)", n_optima=1),
    ),
    ZooModel(
        "geometric",
        geometric,
        # 4 successes and 8 failures.
        mle=Truth(
            "converged", {"p": 1 / 3}, "1/mean", log_density=4 * np.log(1 / 3) + 8 * np.log(2 / 3)
        ),
        map=Truth("converged", {"p": 6 / 16}, "(n+a-1)/(n+failures+a+b-2)", n_optima=1),
    ),
    ZooModel(
        "multinomial_dirichlet",
        multinomial,
        mle=Truth(
            "converged",
            {"p": VOTES / 10},
            "counts/n",
            log_density=stats.multinomial(10, [0.3, 0.5, 0.2]).logpmf(VOTES),
            n_optima=1,
        ),
        map=Truth(
            "converged", {"p": np.array([4, 6, 3]) / 13}, "(counts+a-1)/(n+sum a-K)", n_optima=1
        ),
        # The log-ratio transform of the simplex has the Jacobian prod p (up to a constant).
        map_jacobian=Truth(
            "converged", {"p": np.array([5, 7, 4]) / 16}, "(counts+a)/(n+sum a)", n_optima=1
        ),
    ),
    ZooModel(
        "multinomial_reference_logit",
        multinomial_reference_logit,
        **one_optimum(
            {"eta": np.log([5 / 3, 2 / 3]), "p": VOTES / 10},
            stats.multinomial(10, [0.3, 0.5, 0.2]).logpmf(VOTES),
            "log ratios of counts",
        ),
        twin_of="multinomial_dirichlet",
    ),
    ZooModel(
        "pareto_known_scale",
        pareto,
        mle=Truth("converged", {"alpha": 4 / np.log([1.2, 3.0, 1.7, 8.0]).sum()}, "n/sum log(y/m)"),
        map=Truth(
            "converged", {"alpha": 4 / (np.log([1.2, 3.0, 1.7, 8.0]).sum() + 1)}, "n/(sum log y+1)"
        ),
    ),
    ZooModel(
        "hardy_weinberg",
        hardy_weinberg,
        **one_optimum(
            {"theta": (2 * 187 + 500) / (2 * 1029)},
            stats.multinomial(
                1029, [(1 - 437 / 1029) ** 2, 2 * 437 / 1029 * (1 - 437 / 1029), (437 / 1029) ** 2]
            ).logpmf(GENOTYPES),
            "gene counting: (2 n3 + n2)/2n = .4247 (Rice)",
        ),
    ),
    ZooModel(
        "zero_inflated_poisson",
        zero_inflated_poisson,
        **one_optimum(
            {"psi": _zip_psi, "mu": _zip_mu},
            4 * np.log1p(-_zip_psi * -np.expm1(-_zip_mu))
            + (np.log(_zip_psi) + stats.poisson(_zip_mu).logpmf(_positive)).sum(),
            "zero-truncated Poisson mean",
        ),
    ),
    ZooModel(
        "von_mises",
        von_mises,
        # The mean direction is at the far side of the circle, next to the seam at pi.
        mle=Truth(
            "converged",
            {"mu": np.angle(_resultant), "kappa": _kappa},
            "mean direction; I1/I0(kappa) = R",
            log_density=stats.vonmises(_kappa, loc=np.angle(_resultant)).logpdf(ANGLES).sum(),
            n_optima=1,
        ),
    ),
    ZooModel(
        "gamma_mean_shape",
        gamma_mean_shape,
        **one_optimum(
            {"mean": _mean, "shape": _shape},
            stats.gamma(_shape, scale=_mean / _shape).logpdf(NORMAL_Y).sum(),
            "log a - digamma(a) = log mean - mean log",
        ),
    ),
    ZooModel(
        "weibull",
        weibull,
        **one_optimum(
            {"alpha": _weibull, "beta": _weibull_scale},
            stats.weibull_min(_weibull, scale=_weibull_scale).logpdf(NORMAL_Y).sum(),
            "profile equation of the shape",
        ),
    ),
)
