"""One normal sample, in several parametrisations, and its neighbours."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Truth, ZooModel, one_optimum

__all__ = ["NORMALS", "NORMAL_Y"]

# MLE: the mean and sqrt(SS/n). With flat priors the MAP is the same; that holds in any
# parametrisation of the likelihood, so log sd and precision are twins.

NORMAL_Y = np.array([4.1, 5.3, 3.8, 6.0, 4.9, 5.5])
_mean, _sd = NORMAL_Y.mean(), NORMAL_Y.std()
_normal_loglik = stats.norm(_mean, _sd).logpdf(NORMAL_Y).sum()


def normal_flat() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        sigma = pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=NORMAL_Y)
    return model


def normal_log_sd() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        log_sigma = pm.Flat("log_sigma")
        pm.Normal("y", mu, pm.math.exp(log_sigma), observed=NORMAL_Y)
    return model


def normal_precision() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        tau = pm.HalfFlat("tau")
        pm.Normal("y", mu, tau=tau, observed=NORMAL_Y)
    return model


def normal_known_sd() -> pm.Model:
    # Precisions add: (sum y / 1 + 0 / 4) / (6 + 1/4).
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        pm.Normal("y", mu, 1, observed=NORMAL_Y)
    return model


def normal_interior_bounds() -> pm.Model:
    # The maximum at the mean is inside of the bounds, which then do not matter.
    with pm.Model() as model:
        mu = pm.Uniform("mu", 0, 10)
        pm.Normal("y", mu, 1, observed=NORMAL_Y)
    return model


def normal_inverse_gamma() -> pm.Model:
    with pm.Model() as model:
        s = pm.InverseGamma("s", 2, 3)
        m = pm.Normal("m", 0, pm.math.sqrt(s))
        pm.Normal("y", m, pm.math.sqrt(s), observed=[1.5, 2.0])
    return model


def numacc() -> pm.Model:
    # NIST's NumAcc3 by its rule: 1000000.2, then 500 pairs of 1000000.1 and 1000000.3.
    y = np.concatenate([[1000000.2], np.tile([1000000.1, 1000000.3], 500)])
    with pm.Model() as model:
        mu = pm.Flat("mu")
        sigma = pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=y)
    return model


def lognormal() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        sigma = pm.HalfNormal("sigma", 5)
        pm.LogNormal("y", mu, sigma, observed=NORMAL_Y)
    return model


def laplace_median() -> pm.Model:
    # Odd n: the median, a kink of the likelihood; the scale is the mean absolute deviation.
    with pm.Model() as model:
        mu = pm.Flat("mu")
        b = pm.HalfFlat("b")
        pm.Laplace("y", mu, b, observed=NORMAL_Y[:5])
    return model


_n = NORMAL_Y.size
_mode = NORMAL_Y.sum() / (_n + 0.25)
_nig_loglik = stats.norm(1.75, 0.25).logpdf([1.5, 2.0]).sum()
_nig_map = (
    stats.norm(7 / 6, np.sqrt(49 / 54)).logpdf([1.5, 2.0]).sum()
    + stats.norm(0, np.sqrt(49 / 54)).logpdf(7 / 6)
    + stats.invgamma(2, scale=3).logpdf(49 / 54)
)
_median = float(np.median(NORMAL_Y[:5]))
_mad = float(np.abs(NORMAL_Y[:5] - _median).mean())
_log_y = np.log(NORMAL_Y)
_numacc_sd = np.sqrt(1000 * 0.01 / 1001)

NORMALS = (
    ZooModel(
        "normal_mean_sd",
        normal_flat,
        **one_optimum({"mu": _mean, "sigma": _sd}, _normal_loglik, "mean and sqrt(SS/n)"),
        # sigma^-n exp(-SS/2 sigma^2) times the Jacobian sigma: SS/(n-1).
        map_jacobian=Truth(
            "converged",
            {"mu": _mean, "sigma": NORMAL_Y.std(ddof=1)},
            "mean and sqrt(SS/(n-1))",
            n_optima=1,
        ),
    ),
    ZooModel(
        "normal_log_sd",
        normal_log_sd,
        **one_optimum({"mu": _mean, "log_sigma": np.log(_sd)}, _normal_loglik, "log sqrt(SS/n)"),
        twin_of="normal_mean_sd",
    ),
    ZooModel(
        "normal_precision",
        normal_precision,
        **one_optimum({"mu": _mean, "tau": _sd**-2}, _normal_loglik, "n/SS"),
        twin_of="normal_mean_sd",
    ),
    ZooModel(
        "normal_known_sd",
        normal_known_sd,
        mle=Truth(
            "converged",
            {"mu": _mean},
            "mean",
            log_density=stats.norm(_mean, 1).logpdf(NORMAL_Y).sum(),
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"mu": _mode},
            "precision-weighted mean",
            log_density=stats.norm(_mode, 1).logpdf(NORMAL_Y).sum()
            + stats.norm(0, 2).logpdf(_mode),
            n_optima=1,
        ),
    ),
    ZooModel(
        "normal_interior_bounds",
        normal_interior_bounds,
        mle=Truth("converged", {"mu": _mean}, "mean", n_optima=1),
        map=Truth("converged", {"mu": _mean}, "mean", n_optima=1),
    ),
    # MAP: the exponents of s add to -(2+1) - 1/2 - 2/2 = -4.5, the scale is
    # 3 + m^2/2 + sum (y-m)^2/2; m = 3.5/3 = 7/6 gives 49/12, and s = (49/12)/4.5 = 49/54.
    ZooModel(
        "normal_inverse_gamma",
        normal_inverse_gamma,
        mle=Truth(
            "converged",
            {"s": 1 / 16, "m": 7 / 4},
            "mean and SS/n",
            log_density=_nig_loglik,
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"s": 49 / 54, "m": 7 / 6},
            "conjugate",
            log_density=_nig_map,
            n_optima=1,
        ),
    ),
    ZooModel(
        "nist_numacc3",
        numacc,
        # The decimals of the data are not exact in binary: 1e6 * 2^-53 against a deviation of 0.1.
        **one_optimum(
            {"mu": 1000000.2, "sigma": _numacc_sd},
            -1001 * (np.log(_numacc_sd) + 0.5 * np.log(2 * np.pi) + 0.5),
            "NIST StRD NumAcc3: mean 1000000.2, SS = 1000 * 0.1^2",
            rtol=1e-8,
        ),
    ),
    ZooModel(
        "lognormal",
        lognormal,
        mle=Truth(
            "converged",
            {"mu": _log_y.mean(), "sigma": _log_y.std()},
            "mean and sd of the logs",
            log_density=stats.norm(_log_y.mean(), _log_y.std()).logpdf(_log_y).sum() - _log_y.sum(),
            n_optima=1,
        ),
    ),
    ZooModel(
        "laplace_median",
        laplace_median,
        **one_optimum(
            {"mu": _median, "b": _mad},
            -5 * (np.log(2 * _mad) + 1),
            "median and mean absolute deviation",
            kink=True,
        ),
    ),
)
