"""Which variables a density can grow without bound along, for densities whose supremum is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytest

from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.flat_priors import flat_priors
from bayes_point.model.variables.scales import scale_variables

Y = np.array([0.3, 1.2, 2.0])


def normal() -> None:
    # At most (sigma sqrt(2 pi))^-n, whatever the mean is.
    pm.Normal("y", pm.Normal("mu"), pm.HalfNormal("sigma"), observed=Y)


def log_sd() -> None:
    pm.Normal("y", pm.Normal("mu"), pm.math.exp(pm.Normal("log_sigma")), observed=Y)


def known_sd() -> None:
    pm.Normal("y", pm.Normal("mu"), 1.0, observed=Y)


def coin() -> None:
    # The log of a probability is at most zero, and this prior's density at most 3/2.
    pm.Bernoulli("y", pm.Beta("theta", 2, 2), observed=[1, 1, 0])


def jeffreys_coin() -> None:
    # Beta(1/2, 1/2) grows without bound towards 0 and 1.
    pm.Bernoulli("y", pm.Beta("theta", 0.5, 0.5), observed=[1, 1, 0])


def student_t() -> None:
    # At most 0.4 / sigma, whatever nu is.
    nu, sigma = pm.Gamma("nu", 2, 0.1), pm.HalfNormal("sigma")
    pm.StudentT("y", nu, mu=pm.Normal("mu"), sigma=sigma, observed=Y)


def schools() -> None:
    # The likelihood is bounded; the prior of theta is not, as tau goes to zero.
    theta = pm.Normal("theta", pm.Normal("mu"), pm.HalfNormal("tau"), shape=3)
    pm.Normal("y", theta, 10.0, observed=Y)


def mixture() -> None:
    w, mu = pm.Beta("w", 1, 1), pm.Normal("mu", shape=2)
    sigma = pm.HalfNormal("sigma", shape=2)
    pm.NormalMixture("y", pm.math.stack([w, 1 - w]), mu, sigma, observed=Y)


def censored() -> None:
    # What is not censored has a density.
    life = pm.Weibull.dist(pm.HalfNormal("alpha"), pm.HalfNormal("beta"))
    pm.Censored("y", life, lower=None, upper=1.5, observed=np.minimum(Y, 1.5))


def potential() -> None:
    # Of a potential nothing is known.
    mu = pm.Normal("mu")
    pm.Normal("y", mu, 1.0, observed=Y)
    pm.Potential("penalty", -(pm.Normal("other") ** 2))


def walk() -> None:
    # n steps of one scale: (sigma sqrt(2 pi))^-n at steps of zero, wherever the walk is.
    first = pm.Normal.dist(pm.Normal("mu"), 1)
    level = pm.GaussianRandomWalk("level", sigma=pm.HalfNormal("sigma"), init_dist=first, steps=2)
    pm.Normal("y", level, 1, observed=Y)


def walk_of_gammas() -> None:
    # Gamma(1/2) grows without bound towards a step of zero.
    level = pm.RandomWalk(
        "level",
        init_dist=pm.Normal.dist(0, 1),
        innovation_dist=pm.Gamma.dist(0.5, pm.HalfNormal("rate")),
        steps=2,
    )
    pm.Normal("y", level, 1, observed=Y)


def autoregression() -> None:
    series = pm.AR(
        "series",
        pm.Normal("rho"),
        sigma=pm.HalfNormal("sigma"),
        init_dist=pm.Normal.dist(0, pm.HalfNormal("tau")),
        steps=2,
    )
    pm.Normal("y", series, 1, observed=Y)


def zero_sum() -> None:
    effect = pm.ZeroSumNormal("effect", pm.HalfNormal("sigma"), shape=3)
    pm.Normal("y", effect, 1, observed=Y)


def neighbours() -> None:
    W = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    u = pm.CAR("u", pm.Normal("mu", shape=3), W, alpha=0.5, tau=pm.HalfNormal("tau"))
    pm.Normal("y", u, 1, observed=Y)


@pytest.mark.parametrize(
    ("declare", "likelihood", "joint"),
    [
        (normal, {"sigma"}, {"sigma"}),
        (log_sd, {"log_sigma"}, {"log_sigma"}),
        (known_sd, set(), set()),
        (coin, set(), set()),
        (jeffreys_coin, set(), {"theta"}),
        (student_t, {"sigma"}, {"sigma"}),
        (schools, set(), {"tau"}),
        (mixture, {"sigma"}, {"sigma"}),
        (censored, {"alpha", "beta"}, {"alpha", "beta"}),
        (potential, set(), {"other"}),
        (walk, set(), {"sigma"}),
        (walk_of_gammas, set(), {"rate", "level"}),
        (autoregression, set(), {"sigma", "tau"}),
        (zero_sum, set(), {"sigma"}),
        (neighbours, set(), {"tau"}),
    ],
)
def test_scales(declare: Callable[[], None], likelihood: set[str], joint: set[str]) -> None:
    with pm.Model() as model:
        declare()
    density = LogDensity(model)
    assert scale_variables(density, ["likelihood"]) == likelihood
    more = ["potential"] if model.potentials else []
    assert scale_variables(density, ["likelihood", "prior", *more]) == joint


def test_a_flat_prior_has_a_bound() -> None:
    with pm.Model() as model:
        jeffreys_coin()
    density = LogDensity(flat_priors(model))
    assert scale_variables(density, ["likelihood", "prior"]) == set()


def test_jacobian_has_none() -> None:
    with pm.Model() as model:
        known_sd()
    assert scale_variables(LogDensity(model), ["likelihood", "jacobian"]) == {"mu"}
