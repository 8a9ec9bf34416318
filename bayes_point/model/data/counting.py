"""How many observations a model has: one rule for BIC, the report, and all that depends on n."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pymc as pm
from pymc.distributions.mixture import MixtureRV
from pymc.distributions.multivariate import DirichletMultinomialRV, StickBreakingWeightsRV
from pytensor.graph.basic import Variable
from pytensor.tensor.random.basic import DirichletRV, MultinomialRV

from bayes_point.model.variables.bounds import value_of

__all__ = ["count_observed", "observed_counts"]

# Their values add up to a constant that is known beforehand: a vector is one observation.
_EVENTS = (MultinomialRV, DirichletRV, DirichletMultinomialRV, StickBreakingWeightsRV)


def observed_counts(model: pm.Model) -> dict[str, int]:
    """Return the number of observed scalars of each observed variable.

    Each value counts once, whether or not the values have one density together, as those of a time
    series or of a Gaussian process do; but counts of a multinomial, or shares, count once a vector.
    Missing values do not count.
    """
    return {rv.name: count_observed(rv, model.rvs_to_values[rv]) for rv in model.observed_RVs}


def count_observed(rv: Any, value: Any) -> int:
    """Return the number of observed scalars of one variable."""
    shape = np.shape(value_of(value))
    return math.prod(shape[:-1]) if _adds_up(rv) and shape else math.prod(shape)


def _adds_up(rv: Variable) -> bool:
    """Whether the variable, or what it is a mixture of, is a vector of counts or shares."""
    node = rv.owner
    if node is None:
        return False
    op = getattr(node.op, "core_op", node.op)  # that of a pymc.dims variable
    if isinstance(op, MixtureRV):
        _, *components = op.dist_params(node)  # the weights, which add up, are no observation
        return any(map(_adds_up, components))
    return isinstance(op, _EVENTS)
