"""Which log densities are concave, by family: the atoms of the proof.

Each rule is about one random variable, whose value and whose own parameters may depend on the
parameters of the model.  Sources: Boyd and Vandenberghe (2004), chapter 3; Pratt
(1981), https://doi.org/10.1080/01621459.1981.10477626, and Burridge (1981),
https://doi.org/10.1111/j.2517-6161.1981.tb01154.x, for location and scale together; Prekopa (1973)
for the distribution functions of log-concave densities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
from pymc.distributions.censored import CensoredRV
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pytensor.graph.basic import Variable

from bayes_point.model.concavity.expressions import Expressions, numbers_of
from bayes_point.model.concavity.facts import CONSTANT, Facts
from bayes_point.model.variables.flat_variable import FlatVariable

__all__ = ["is_concave"]

Rule = Callable[[Expressions, Facts, list[Variable]], bool]


def is_concave(expressions: Expressions, rv: Variable, value: Facts) -> bool:
    """Whether the log density of a random variable is concave in the parameters, as far as known.

    Parameters
    ----------
    expressions : Expressions
        The shapes of graphs; a free variable is a parameter.
    rv : Variable
        The random variable.
    value : Facts
        Of its value: data, or a parameter.
    """
    node = rv.owner
    if isinstance(node.op, FlatRV | HalfFlatRV | FlatVariable):
        return True
    if isinstance(node.op, CensoredRV):
        # Mass beyond an end: the distribution function of a log-concave density is log-concave,
        # and so is what it leaves.
        dist, *ends = node.inputs
        same = dist.owner is not None and isinstance(dist.owner.op, _WITH_TAILS)
        return (
            same
            and all(expressions(end).constant for end in ends)
            and is_concave(expressions, dist, value)
        )
    for family, rule in _RULES.items():
        if isinstance(node.op, family):
            return rule(expressions, value, list(node.op.dist_params(node)))
    return False


def _located(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    """Whether (value - location) / scale is affine, and less log(scale) is concave."""
    location, scale = parameters[0], e(parameters[1])
    residual = value + -e(location)
    return (scale.constant and residual.affine) or (scale.scale and residual.proportional)


def _log_located(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return value.constant and _located(e, CONSTANT, parameters)


def _centred(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    scale = e(parameters[-1])
    return (scale.constant and value.affine) or (value.constant and scale.scale)


def _weibull(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    # z = alpha (log y - log beta): log alpha + z - exp(z), concave where z is affine.
    alpha, log_scale = e(parameters[0]), e(parameters[1]).log
    if not value.constant:
        return False
    return (alpha.constant and log_scale.affine) or (alpha.precision and log_scale.proportional)


def _multivariate_normal(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return e(parameters[1]).constant and (value + -e(parameters[0])).affine


def _uniform(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return value.affine and all(e(one).constant for one in parameters)


def _exponential(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return _gamma_scaled(e, value, parameters[0])


def _gamma(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    shape, scale = parameters
    if value.constant:
        return e(shape).constant and _gamma_scaled(e, value, scale)
    power = e(shape)
    from_one = _from_one(e, shape)
    in_value = value.log.affine and value.convex  # in the log: (alpha - 1) l - exp(l) / scale
    return power.constant and e(scale).constant and ((from_one and value.affine) or in_value)


def _gamma_scaled(e: Expressions, value: Facts, scale: Variable) -> bool:
    """Whether -log(scale) - value / scale is concave."""
    if e(scale).constant:
        return value.convex
    return value.constant and (-e(scale).log).concave and e.reciprocal(scale).convex


def _poisson(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    rate = replace(e(parameters[0]), nonnegative=True)
    return value.constant and rate.log.concave and rate.convex


def _bernoulli(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    (p,) = parameters
    inside = replace(e(p), nonnegative=True)
    outside = replace(e.complement(p), nonnegative=True)
    return value.constant and inside.log.concave and outside.log.concave


def _binomial(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return e(parameters[0]).constant and _bernoulli(e, value, parameters[1:])


def _categorical(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return value.constant and replace(e(parameters[-1]), nonnegative=True).log.concave


def _multinomial(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return e(parameters[0]).constant and _categorical(e, value, parameters)


def _beta(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return value.affine and all(_from_one(e, one) for one in parameters)


def _dirichlet(e: Expressions, value: Facts, parameters: list[Variable]) -> bool:
    return value.affine and _from_one(e, parameters[0])


def _from_one(e: Expressions, var: Variable) -> bool:
    """Whether a parameter is data, and nowhere below one."""
    # What depends on a parameter must not be evaluated: it would be drawn at random.
    data = numbers_of(var) if e(var).constant else None
    return data is not None and bool(np.all(np.asarray(data) >= 1))


# Log densities that are concave functions of (value - location) / scale.
_WITH_TAILS = (pm.Normal, pm.Laplace, pm.Logistic, pm.Gumbel)
_RULES: dict[Any, Rule] = {
    pm.Normal: _located,
    pm.Laplace: _located,
    pm.Logistic: _located,
    pm.Gumbel: _located,
    pm.Moyal: _located,
    pm.LogNormal: _log_located,
    pm.HalfNormal: _centred,
    pm.MvNormal: _multivariate_normal,
    pm.Uniform: _uniform,
    pm.Exponential: _exponential,
    pm.Gamma: _gamma,
    pm.Weibull: _weibull,
    pm.Poisson: _poisson,
    pm.Bernoulli: _bernoulli,
    pm.Geometric: _bernoulli,
    pm.Binomial: _binomial,
    pm.NegativeBinomial: _binomial,
    pm.Categorical: _categorical,
    pm.Multinomial: _multinomial,
    pm.Beta: _beta,
    pm.Dirichlet: _dirichlet,
}
