"""Regressions, checked against linear algebra and an iteratively reweighted least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Truth, ZooModel, one_optimum

__all__ = ["REGRESSIONS", "irls"]

# A column of ones, a trend, and a third that is neither collinear nor orthogonal to them.
X = np.column_stack(
    [
        np.ones(8),
        [-1.5, -1.0, -0.6, -0.1, 0.3, 0.8, 1.1, 1.9],
        [0.4, -1.2, 0.9, 0.1, -0.7, 1.6, -0.3, 0.2],
    ]
)
Y = np.array([0.3, 1.4, 0.8, 2.1, 2.7, 2.2, 3.9, 4.1])
WINS = np.array([0, 0, 1, 0, 1, 0, 1, 1])
COUNTS = np.array([1, 0, 2, 1, 3, 2, 4, 9])
COORDS = {"feature": ["const", "age", "dose"]}


def irls(
    x: np.ndarray,
    y: np.ndarray,
    mean: Callable[[np.ndarray], np.ndarray],
    variance: Callable[[np.ndarray], np.ndarray],
    prior_precision: float = 0.0,
) -> np.ndarray:
    """Newton for a canonical generalised linear model, with an optional Normal(0, s) prior."""
    beta = np.zeros(x.shape[1])
    ridge = prior_precision * np.eye(x.shape[1])
    for _ in range(50):
        mu = mean(x @ beta)
        information = x.T @ (variance(mu)[:, None] * x) + ridge
        beta = beta + np.linalg.solve(information, x.T @ (y - mu) - ridge @ beta)
    return beta


def expit(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


def ols() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        beta = pm.Flat("beta", dims="feature")
        sigma = pm.HalfFlat("sigma")
        pm.Normal("y", X @ beta, sigma, observed=Y)
    return model


def ols_scalars() -> pm.Model:
    # The same regression as three named scalars, and the variance in place of the sd.
    with pm.Model() as model:
        a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Flat("c")
        variance = pm.HalfFlat("variance")
        pm.Normal("y", a + b * X[:, 1] + c * X[:, 2], pm.math.sqrt(variance), observed=Y)
    return model


def ridge() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        beta = pm.Normal("beta", 0, RIDGE_PRIOR_SD, dims="feature")
        pm.Normal("y", X @ beta, RIDGE_SD, observed=Y)
    return model


def nearly_collinear() -> pm.Model:
    # The two columns differ by a thousandth of noise: badly conditioned, and yet identified.
    with pm.Model(coords={"feature": ["const", "age", "age_again"]}) as model:
        beta = pm.Normal("beta", 0, 1000, dims="feature")
        pm.Normal("y", NEAR_X @ beta, 1, observed=Y)
    return model


def logistic() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        beta = pm.Normal("beta", 0, 1.5, dims="feature")
        pm.Bernoulli("won", logit_p=X @ beta, observed=WINS)
    return model


def logistic_probability() -> pm.Model:
    # By way of the probability, and with a column in other units.
    with pm.Model(coords=COORDS) as model:
        beta = pm.Normal("beta", 0, [1.5, 0.015, 1.5], dims="feature")
        p = pm.math.invlogit(X @ (beta * np.array([1, 100, 1])))
        pm.Bernoulli("won", p, observed=WINS)
    return model


def poisson_regression() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        beta = pm.Normal("beta", 0, 2, dims="feature")
        pm.Poisson("count", pm.math.exp(X @ beta), observed=COUNTS)
    return model


def autoregression() -> pm.Model:
    # Given the first value, the likelihood is that of a regression on the value before.
    with pm.Model() as model:
        c, rho, sigma = pm.Flat("c"), pm.Flat("rho"), pm.HalfFlat("sigma")
        pm.Normal("y", c + rho * SERIES[:-1], sigma, observed=SERIES[1:])
    return model


def random_walk() -> pm.Model:
    # The least squares estimate of rho is above 1, which no bound forbids here: interior.
    with pm.Model() as model:
        rho, sigma = pm.Flat("rho"), pm.HalfFlat("sigma")
        pm.Normal("y", rho * WALK[:-1], sigma, observed=WALK[1:])
    return model


SERIES = np.array([0.2, 0.9, 0.4, 0.7, 1.5, 1.0, 0.1, -0.3, 0.5, 0.8])
WALK = np.array([1.0, 1.3, 1.9, 1.8, 2.5, 3.1, 3.0, 3.6])
NEAR_X = np.column_stack(
    [np.ones(8), X[:, 1], X[:, 1] + 1e-3 * np.array([1, -2, 0, 2, -1, 1, 1, -2])]
)

RIDGE_SD, RIDGE_PRIOR_SD = 0.7, 0.5
_ols = np.linalg.lstsq(X, Y)[0]
_sd = np.sqrt(np.mean((Y - X @ _ols) ** 2))
_ols_loglik = stats.norm(X @ _ols, _sd).logpdf(Y).sum()
# Ridge: (X'X + lambda I) b = X'y with lambda = sigma^2 / sigma_prior^2.
_ridge = np.linalg.solve(X.T @ X + (RIDGE_SD / RIDGE_PRIOR_SD) ** 2 * np.eye(3), X.T @ Y)
_near_ols = np.linalg.lstsq(NEAR_X, Y)[0]
_near_ridge = np.linalg.solve(NEAR_X.T @ NEAR_X + 1e-6 * np.eye(3), NEAR_X.T @ Y)
_logit = {"mean": expit, "variance": lambda p: p * (1 - p)}
_logit_mle = irls(X, WINS, **_logit)
_logit_map = irls(X, WINS, **_logit, prior_precision=1.5**-2)
_units = np.array([1, 0.01, 1])
_loglink = {"mean": np.exp, "variance": lambda mu: mu}
_poisson_mle = irls(X, COUNTS, **_loglink)
_poisson_map = irls(X, COUNTS, **_loglink, prior_precision=2**-2)
_lags = np.column_stack([np.ones(9), SERIES[:-1]])
_ar = np.linalg.lstsq(_lags, SERIES[1:])[0]
_ar_sd = np.sqrt(np.mean((SERIES[1:] - _lags @ _ar) ** 2))
_rho = WALK[:-1] @ WALK[1:] / (WALK[:-1] @ WALK[:-1])
_rho_sd = np.sqrt(np.mean((WALK[1:] - _rho * WALK[:-1]) ** 2))


def _bernoulli_loglik(beta: np.ndarray) -> float:
    return stats.bernoulli(expit(X @ beta)).logpmf(WINS).sum()


REGRESSIONS = (
    ZooModel(
        "ols",
        ols,
        **one_optimum({"beta": _ols, "sigma": _sd}, _ols_loglik, "least squares"),
        # The Jacobian sigma turns n into n - 1.
        map_jacobian=Truth(
            "converged", {"beta": _ols, "sigma": _sd * np.sqrt(8 / 7)}, "sqrt(RSS/(n-1))"
        ),
    ),
    ZooModel(
        "ols_scalars",
        ols_scalars,
        **one_optimum(
            {"a": _ols[0], "b": _ols[1], "c": _ols[2], "variance": _sd**2},
            _ols_loglik,
            "least squares",
        ),
        twin_of="ols",
    ),
    ZooModel(
        "ridge",
        ridge,
        mle=Truth(
            "converged",
            {"beta": _ols},
            "least squares",
            log_density=stats.norm(X @ _ols, RIDGE_SD).logpdf(Y).sum(),
            n_optima=1,
            rtol=1e-8,
        ),
        map=Truth(
            "converged",
            {"beta": _ridge},
            "normal equations with lambda = sigma^2 / sigma_prior^2",
            log_density=stats.norm(X @ _ridge, RIDGE_SD).logpdf(Y).sum()
            + stats.norm(0, RIDGE_PRIOR_SD).logpdf(_ridge).sum(),
            n_optima=1,
            rtol=1e-8,
        ),
    ),
    ZooModel(
        "nearly_collinear",
        nearly_collinear,
        mle=Truth("converged", {"beta": _near_ols}, "least squares", n_optima=1),
        map=Truth("converged", {"beta": _near_ridge}, "normal equations", n_optima=1),
    ),
    ZooModel(
        "logistic",
        logistic,
        mle=Truth(
            "converged",
            {"beta": _logit_mle},
            "iteratively reweighted least squares",
            log_density=_bernoulli_loglik(_logit_mle),
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"beta": _logit_map},
            "iteratively reweighted least squares",
            log_density=_bernoulli_loglik(_logit_map) + stats.norm(0, 1.5).logpdf(_logit_map).sum(),
            n_optima=1,
        ),
    ),
    ZooModel(
        "logistic_other_units",
        logistic_probability,
        mle=Truth(
            "converged",
            {"beta": _logit_mle * _units},
            "as logistic, the second coefficient in other units",
            log_density=_bernoulli_loglik(_logit_mle),
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"beta": _logit_map * _units},
            "as logistic, the second coefficient in other units",
            n_optima=1,
        ),
        twin_of="logistic",
    ),
    ZooModel(
        "poisson_regression",
        poisson_regression,
        mle=Truth(
            "converged",
            {"beta": _poisson_mle},
            "iteratively reweighted least squares",
            log_density=stats.poisson(np.exp(X @ _poisson_mle)).logpmf(COUNTS).sum(),
            n_optima=1,
        ),
        map=Truth(
            "converged",
            {"beta": _poisson_map},
            "iteratively reweighted least squares",
            n_optima=1,
        ),
    ),
    ZooModel(
        "autoregression",
        autoregression,
        **one_optimum(
            {"c": _ar[0], "rho": _ar[1], "sigma": _ar_sd},
            stats.norm(_lags @ _ar, _ar_sd).logpdf(SERIES[1:]).sum(),
            "least squares on the lag",
        ),
    ),
    ZooModel(
        "random_walk",
        random_walk,
        **one_optimum(
            {"rho": _rho, "sigma": _rho_sd},
            stats.norm(_rho * WALK[:-1], _rho_sd).logpdf(WALK[1:]).sum(),
            "least squares on the lag",
        ),
    ),
)
