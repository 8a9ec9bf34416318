"""Residual standard deviations of regressions: how many observations and coefficients they have."""

from __future__ import annotations

import math

import pymc as pm
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import walk
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.random.basic import NormalRV
from pytensor.xtensor.basic import TensorFromXTensor, XTensorFromTensor
from pytensor.xtensor.shape import Transpose

from bayes_point.model.data.counting import count_observed
from bayes_point.model.variables.roles import model_roles

__all__ = ["residual_freedom"]

# What changes the type or the dims of a scalar, but not its value.
_SAME = (DimShuffle, TensorFromXTensor, XTensorFromTensor, Transpose)


def residual_freedom(model: pm.Model) -> dict[str, tuple[int, int]]:
    """Return the numbers of observations and of coefficients, by name of a residual sd.

    A residual sd is a free scalar that is the sd of one observed normal variable, whose mean is
    made of parameters with priors of their own: the maximum likelihood estimate of such an sd is
    too low by the factor sqrt((n - p) / n), exactly so where the mean is linear in all p of them.
    """
    roles = model_roles(model)
    # Where it is used once, it is in nothing but the sd of that variable.
    used = [
        name for role in roles.values() if role.role != "deterministic" for name in role.parents
    ]
    random = set(model.basic_RVs)
    found: dict[str, tuple[int, int]] = {}
    for rv in model.observed_RVs:
        node = _plain(rv).owner
        if not isinstance(getattr(node.op, "core_op", node.op), NormalRV):
            continue
        mean, sd = (_plain(x) for x in node.op.dist_params(node))
        behind = walk([mean], lambda v: None if v.owner is None or v in random else v.owner.inputs)
        coefficients = [roles[v.name] for v in behind if v in random]
        own = [role for role in (roles.get(str(sd.name)),) if role and sd in random]
        n = count_observed(rv, model.rvs_to_values[rv])
        p = sum(math.prod(role.shape) for role in coefficients)
        alone = all(math.prod(r.shape) == 1 and used.count(r.name) == 1 for r in own)
        if own and alone and p < n and all(r.role == "parameter" for r in own + coefficients):
            found[own[0].name] = (n, p)
    return found


def _plain(var: Variable) -> Variable:
    """Return the variable behind those that only show it in another shape."""
    while var.owner is not None and isinstance(var.owner.op, _SAME):
        var = var.owner.inputs[0]
    return var
