"""Covariance matrices, discriminant analysis, group effects and a recursion."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable
from scipy import optimize, stats

from tests.zoo import Truth, ZooModel, with_flat_priors

__all__ = ["MULTIVARIATE"]

PAIRS = np.array(
    [[1.0, 2.1], [0.3, 0.4], [-0.8, -0.2], [1.7, 1.5], [0.2, -0.9], [-1.1, 0.3], [0.6, 0.5]]
)
CLASSES = np.array([0, 0, 0, 0, 1, 1, 1])
# Two measurements of unit variance and mean 0.
UNIT_PAIRS = np.array([[1.1, 0.8], [-0.4, -1.3], [0.2, 0.9], [-1.6, -0.7], [0.9, -0.1]])
GROUPS = np.array([[1.2, 1.9, 1.4], [2.8, 3.3, 2.6], [0.4, 0.1, 0.9]])
SERIES = np.array([1.0, 1.4, 0.9, 1.8, 2.2, 1.7, 2.6])


def covariance_matrix(name: str) -> TensorVariable:
    """A covariance as a free variable `name` and a Deterministic `name`_cov; Cholesky factor."""
    chol, _, _ = pm.LKJCholeskyCov(name, n=2, eta=2, sd_dist=pm.HalfNormal.dist(5, shape=2))
    pm.Deterministic(f"{name}_cov", chol @ chol.T)
    return chol


def mvnormal() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu", shape=2)
        pm.MvNormal("y", mu, chol=covariance_matrix("chol"), observed=PAIRS)
    return model


def mvnormal_sds_and_correlation() -> pm.Model:
    # The density written out, by two sds and a correlation.
    with pm.Model() as model:
        mu = pm.Flat("mu", shape=2)
        sd = pm.HalfFlat("sd", shape=2)
        rho = pm.Uniform("rho", -1, 1)
        first = pm.Normal("first", mu[0], sd[0], observed=PAIRS[:, 0])
        slope = rho * sd[1] / sd[0]
        pm.Normal(
            "second",
            mu[1] + slope * (first - mu[0]),
            sd[1] * pm.math.sqrt(1 - rho**2),
            observed=PAIRS[:, 1],
        )
    return model


def correlation() -> pm.Model:
    with pm.Model() as model:
        rho = pm.Uniform("rho", -1, 1)
        cov = pt.stack([pt.stack([1.0, rho]), pt.stack([rho, 1.0])])
        pm.MvNormal("y", np.zeros(2), cov=cov, observed=UNIT_PAIRS)
    return model


def linear_discriminant() -> pm.Model:
    with pm.Model(coords={"class": ["a", "b"], "axis": ["x", "y"]}) as model:
        share = pm.Dirichlet("share", np.ones(2), dims="class")
        mu = pm.Flat("mu", dims=("class", "axis"))
        pm.Categorical("label", share, observed=CLASSES)
        pm.MvNormal("point", mu[CLASSES], chol=covariance_matrix("chol"), observed=PAIRS)
    return model


def quadratic_discriminant() -> pm.Model:
    with pm.Model(coords={"class": ["a", "b"], "axis": ["x", "y"]}) as model:
        share = pm.Dirichlet("share", np.ones(2), dims="class")
        mu = pm.Flat("mu", dims=("class", "axis"))
        pm.Categorical("label", share, observed=CLASSES)
        for k in (0, 1):
            pm.MvNormal(
                f"point{k}",
                mu[k],
                chol=covariance_matrix(f"chol{k}"),
                observed=PAIRS[k == CLASSES],
            )
    return model


def zero_sum_effects() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"], "rep": range(3)}) as model:
        mu = pm.Flat("mu")
        effect = pm.ZeroSumNormal("effect", sigma=1, dims="group")
        pm.Normal("y", mu + effect[:, None], 0.5, observed=GROUPS, dims=("group", "rep"))
    return model


def smoothing_loss(a: complex) -> complex:
    """Sum of squares of the one-step forecasts of exponential smoothing."""
    level, total = SERIES[0] + 0j, 0j
    for y in SERIES[1:]:
        total += (y - level) ** 2
        level = a * y + (1 - a) * level
    return total


def exponential_smoothing() -> pm.Model:
    # A recursion through `scan`: the forecast's level depends on all that went before.
    with pm.Model() as model:
        a = pm.Uniform("a", 0, 1)
        levels = pytensor.scan(
            fn=lambda y, level, a: a * y + (1 - a) * level,
            sequences=[pt.as_tensor(SERIES[1:-1])],
            outputs_info=[pt.as_tensor(SERIES[0])],
            non_sequences=[a],
            return_updates=False,
        )
        forecast = pt.concatenate([[SERIES[0]], levels])
        pm.Normal("y", forecast, 0.5, observed=SERIES[1:])
    return model


def scatter(points: np.ndarray) -> np.ndarray:
    return np.cov(points.T, bias=True)


def _factor(cov: np.ndarray) -> np.ndarray:
    """The packed Cholesky factor, which is the free variable of LKJCholeskyCov."""
    return np.linalg.cholesky(cov)[np.tril_indices(2)]


_mu, _cov = PAIRS.mean(0), scatter(PAIRS)
_sd, _rho = np.sqrt(np.diag(_cov)), _cov[0, 1] / np.sqrt(_cov[0, 0] * _cov[1, 1])
_mvn_loglik = stats.multivariate_normal(_mu, _cov).logpdf(PAIRS).sum()
_class_mu = np.array([PAIRS[k == CLASSES].mean(0) for k in (0, 1)])
_class_cov = [scatter(PAIRS[k == CLASSES]) for k in (0, 1)]
_pooled = (4 * _class_cov[0] + 3 * _class_cov[1]) / 7
_share = np.array([4, 3]) / 7
_share_loglik = 4 * np.log(4 / 7) + 3 * np.log(3 / 7)
# d loglik / d rho = 0 is the cubic n r (1 - r^2) + (1 + r^2) Sxy - r (Sxx + Syy) = 0, with one
# root inside of (-1, 1) here.
_sxx, _syy = (UNIT_PAIRS**2).sum(0)
_sxy = UNIT_PAIRS.prod(1).sum()
_roots = np.roots([-5, _sxy, 5 - _sxx - _syy, _sxy])
_unit_rho = float(_roots[(abs(_roots.imag) < 1e-12) & (abs(_roots.real) < 1)].real[0])
# Balanced groups: the effects are the deviations of the group means, shrunk by n/(n + s^2/t^2).
_deviation = GROUPS.mean(1) - GROUPS.mean()
# The derivative by a complex step is exact to rounding.
_smooth = optimize.brentq(lambda a: smoothing_loss(a + 1e-30j).imag, 0.01, 0.99, xtol=1e-14)

MULTIVARIATE = (
    ZooModel(
        "mvnormal",
        mvnormal,
        mle=Truth(
            "converged",
            {"mu": _mu, "chol_cov": _cov, "chol": _factor(_cov)},
            "mean and biased covariance",
            log_density=_mvn_loglik,
            n_optima=1,
        ),
    ),
    ZooModel(
        "mvnormal_sds_and_correlation",
        mvnormal_sds_and_correlation,
        mle=Truth(
            "converged",
            {"mu": _mu, "sd": _sd, "rho": _rho},
            "mean and biased covariance",
            log_density=_mvn_loglik,
            n_optima=1,
        ),
        twin_of="mvnormal",
    ),
    ZooModel(
        "correlation",
        correlation,
        mle=Truth(
            "converged",
            {"rho": _unit_rho},
            "cubic equation",
            log_density=stats.multivariate_normal([0, 0], [[1, _unit_rho], [_unit_rho, 1]])
            .logpdf(UNIT_PAIRS)
            .sum(),
        ),
    ),
    ZooModel(
        "linear_discriminant",
        linear_discriminant,
        mle=Truth(
            "converged",
            {"share": _share, "mu": _class_mu, "chol_cov": _pooled, "chol": _factor(_pooled)},
            "class shares, class means, pooled covariance",
            log_density=_share_loglik
            + stats.multivariate_normal(cov=_pooled).logpdf(PAIRS - _class_mu[CLASSES]).sum(),
            n_optima=1,
        ),
    ),
    ZooModel(
        "quadratic_discriminant",
        quadratic_discriminant,
        mle=Truth(
            "converged",
            {
                "share": _share,
                "mu": _class_mu,
                **{f"chol{k}_cov": _class_cov[k] for k in (0, 1)},
                **{f"chol{k}": _factor(_class_cov[k]) for k in (0, 1)},
            },
            "class shares, class means, class covariances",
            log_density=_share_loglik
            + sum(
                stats.multivariate_normal(_class_mu[k], _class_cov[k])
                .logpdf(PAIRS[k == CLASSES])
                .sum()
                for k in (0, 1)
            ),
            n_optima=1,
        ),
    ),
    ZooModel(
        "zero_sum_effects",
        zero_sum_effects,
        mle=Truth(
            "converged",
            {"mu": GROUPS.mean(), "effect": _deviation},
            "group means",
            log_density=stats.norm(GROUPS.mean(1)[:, None], 0.5).logpdf(GROUPS).sum(),
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"mu": GROUPS.mean(), "effect": _deviation * 3 / (3 + 0.25)},
            "group means, shrunk",
            n_optima=1,
        ),
    ),
    ZooModel(
        "exponential_smoothing",
        exponential_smoothing,
        **with_flat_priors(
            {"a": _smooth},
            -6 * np.log(0.5 * np.sqrt(2 * np.pi)) - smoothing_loss(_smooth).real / (2 * 0.25),
            "root of the derivative of the sum of squares",
        ),
    ),
)
