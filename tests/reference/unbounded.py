"""Densities without an upper bound: there is no estimate, whatever an optimiser returns."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.reference.boundary_counts import dirichlet_zero_count
from tests.reference.coins import coin
from tests.zoo import Truth, ZooModel, edge, no_bound

__all__ = ["UNBOUNDED"]

VOTES = np.array([4, 6, 0])


def gamma_all_equal() -> pm.Model:
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        pm.Gamma("y", alpha, beta, observed=[2.0, 2.0, 2.0])
    return model


def gamma_all_equal_mean_sd() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.HalfFlat("mu"), pm.HalfFlat("sigma")
        pm.Gamma("y", mu=mu, sigma=sigma, observed=[2.0, 2.0, 2.0])
    return model


def von_mises_all_equal() -> pm.Model:
    with pm.Model() as model:
        mu, kappa = pm.VonMises("mu", 0, 1), pm.HalfFlat("kappa")
        pm.VonMises("y", mu, kappa, observed=[0.5, 0.5])
    return model


def exponential_all_zero() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.Exponential("y", rate, observed=[0.0, 0.0, 0.0])
    return model


def pareto_all_at_minimum() -> pm.Model:
    # At 1, for PyMC takes the log of a constant such as 1.5 in single precision.
    with pm.Model() as model:
        alpha = pm.Gamma("alpha", 2, 1)
        pm.Pareto("y", alpha, 1.0, observed=[1.0, 1.0, 1.0])
    return model


def pareto_all_equal() -> pm.Model:
    with pm.Model() as model:
        alpha, m = pm.Gamma("alpha", 2, 1), pm.Uniform("m", 0, 10)
        pm.Pareto("y", alpha, m, observed=[1.5, 1.5, 1.5])
    return model


def two_points_correlation() -> pm.Model:
    with pm.Model() as model:
        rho = pm.Uniform("rho", -1, 1)
        first = np.array([0.7, -1.2])
        # The second given the first, both of unit variance: the points are on y = x.
        pm.Normal("first", 0, 1, observed=first)
        pm.Normal("second", rho * first, pm.math.sqrt(1 - rho**2), observed=first)
    return model


def two_points_covariance() -> pm.Model:
    # Two points have no scatter across the line through them.
    with pm.Model() as model:
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=1, sd_dist=pm.HalfNormal.dist(5, shape=2))
        pm.MvNormal("y", pm.Flat("mu", shape=2), chol=chol, observed=[[0.0, 1.0], [2.0, 2.0]])
    return model


def jeffreys_coin_all_heads() -> pm.Model:
    return coin([1, 1, 1], 0.5, 0.5)()


def gamma_half_zero_counts() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 0.5, 1)
        pm.Poisson("y", rate, observed=[0, 0, 0])
    return model


def dirichlet_half() -> pm.Model:
    return dirichlet_zero_count(0.5)


def _small(t: float) -> float:
    return 10.0**-t


_p = {"p": np.array([0.4, 0.6, 0.0])}

UNBOUNDED = (
    # At shape alpha and rate alpha/2 the sd is 2/sqrt(alpha).
    ZooModel(
        "gamma_all_equal",
        gamma_all_equal,
        mle=no_bound(
            {},
            ("alpha", "beta"),
            "alpha^(3/2) at alpha / beta = y",
            path=lambda t: {"alpha": 10.0 ** (t / 2), "beta": 10.0 ** (t / 2) / 2},
        ),
    ),
    ZooModel(
        "gamma_all_equal_mean_sd",
        gamma_all_equal_mean_sd,
        mle=no_bound(
            {"mu": 2.0},
            ("sigma",),
            "sigma^-3 at mu = y",
            path=lambda t: {"mu": 2.0, "sigma": 10.0 ** (-t / 4)},
        ),
        twin_of="gamma_all_equal",
    ),
    ZooModel(
        "von_mises_all_equal",
        von_mises_all_equal,
        mle=no_bound(
            {"mu": 0.5},
            ("kappa",),
            "sqrt(kappa) for each, at mu = y",
            path=lambda t: {"mu": 0.5, "kappa": 10.0 ** (t / 2)},
        ),
    ),
    # MAP: rate^(3 + 1) exp(-rate).
    ZooModel(
        "exponential_all_zero",
        exponential_all_zero,
        mle=no_bound({}, ("rate",), "rate^3", path=lambda t: {"rate": 10.0**t}),
        map=Truth("converged", {"rate": 4.0}, "(n+a-1)/(S+b)", n_optima=1),
    ),
    # The density at the minimum is alpha / m. MAP: alpha^(3 + 1) exp(-alpha).
    ZooModel(
        "pareto_all_at_minimum",
        pareto_all_at_minimum,
        mle=no_bound({}, ("alpha",), "alpha^3", path=lambda t: {"alpha": 10.0**t}),
        map=Truth("converged", {"alpha": 4.0}, "n + a - 1", n_optima=1),
    ),
    # The same, with (alpha m^alpha / y^(alpha + 1))^3 highest at the largest m that is possible.
    ZooModel(
        "pareto_all_equal",
        pareto_all_equal,
        mle=no_bound(
            {"m": 1.5}, ("alpha",), "alpha^3", path=lambda t: {"alpha": 10.0**t, "m": 1.5}
        ),
        map=edge(
            {"alpha": 4.0, "m": 1.5},
            3 * np.log(4 / 1.5) + stats.gamma(2).logpdf(4) - np.log(10),
            ("m",),
            "n + a - 1, at the smallest observation",
        ),
        twin_of="pareto_all_at_minimum",
    ),
    # (1 - rho^2)^(-n/2) exp(-sum x^2 / (1 + rho)).
    ZooModel(
        "two_points_correlation",
        two_points_correlation,
        mle=no_bound({}, ("rho",), "1/(1 - rho)", path=lambda t: {"rho": 1 - _small(t)}),
        map=no_bound({}, ("rho",), "1/(1 - rho)", path=lambda t: {"rho": 1 - _small(t)}),
    ),
    # Chol with the direction (2, 1) of the points: its last entry is the sd across the line.
    ZooModel(
        "two_points_covariance",
        two_points_covariance,
        mle=no_bound(
            {"mu": np.array([1.0, 1.5])},
            ("chol",),
            "1/det at the mean",
            path=lambda t: {
                "mu": np.array([1.0, 1.5]),
                "chol": np.array([1.0, 0.5, _small(t)]),
            },
        ),
    ),
    # theta^2.5 (1 - theta)^-0.5; the Jacobian adds one to each exponent.
    ZooModel(
        "jeffreys_coin_all_heads",
        jeffreys_coin_all_heads,
        mle=edge({"theta": 1.0}, 0.0, ("theta",), "k = n"),
        map=no_bound({}, ("theta",), "(1 - theta)^-1/2", path=lambda t: {"theta": 1 - _small(t)}),
        map_jacobian=Truth("converged", {"theta": 3.5 / 4}, "(k+a)/(n+a+b)", n_optima=1),
    ),
    # rate^-0.5 exp(-4 rate).
    ZooModel(
        "gamma_half_zero_counts",
        gamma_half_zero_counts,
        mle=edge({"rate": 0.0}, 0.0, ("rate",), "mean 0"),
        map=no_bound({}, ("rate",), "rate^-1/2", path=lambda t: {"rate": _small(t)}),
        map_jacobian=Truth("converged", {"rate": 0.5 / 4}, "(S+a)/(n+b)", n_optima=1),
    ),
    ZooModel(
        "multinomial_zero_count_dirichlet_half",
        dirichlet_half,
        mle=edge(_p, stats.multinomial(10, [0.4, 0.6, 0]).logpmf(VOTES), ("p[blue]",), "counts/n"),
        map=no_bound(
            {},
            ("p[blue]",),
            "p[blue]^-1/2",
            path=lambda t: {"p": np.array([0.4, 0.6 - _small(t), _small(t)])},
        ),
        map_jacobian=Truth(
            "converged",
            {"p": np.array([4.5, 6.5, 0.5]) / 11.5},
            "(counts+a)/(n+sum a)",
            n_optima=1,
        ),
    ),
)
