"""Which variables a density can grow without bound along: those behind a scale, not a location.

The density of a normal variable is at most 1 / (sigma sqrt(2 pi)), wherever its mean is: it has no
upper bound only where sigma goes to zero.  So only what sigma is made from needs to be looked at,
and where no scale is free, as in a logistic regression, there is nothing to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
from pymc.distributions.censored import CensoredRV
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.distributions.custom import CustomDistRV, CustomSymbolicDistRV
from pymc.distributions.distribution import PartialObservedRV, SymbolicRandomVariable
from pymc.distributions.mixture import MixtureRV
from pymc.distributions.multivariate import CARRV, MvStudentTRV, ZeroSumNormalRV
from pymc.distributions.simulator import SimulatorRV
from pymc.distributions.timeseries import AutoRegressiveRV, RandomWalkRV
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import walk
from pytensor.tensor.random.op import RandomVariable

from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.bounds import evaluated
from bayes_point.model.variables.flat_variable import FlatVariable

__all__ = ["scale_variables"]

# The parameters that leave a density bounded, whatever they are, as long as the others are fixed:
# locations, and shapes of which the density at its mode is a bounded function.
_LOCATIONS: dict[Any, tuple[int, ...]] = {
    pm.Normal: (0,),
    pm.Laplace: (0,),
    pm.Cauchy: (0,),
    pm.Logistic: (0,),
    pm.Gumbel: (0,),
    pm.Moyal: (0,),
    pm.VonMises: (0,),
    pm.ExGaussian: (0,),
    pm.MvNormal: (0,),
    pm.SkewNormal: (0, 2),
    pm.StudentT: (0, 1),
    pm.AsymmetricLaplace: (1, 2),
    MvStudentTRV: (0, 1),
    CARRV: (0,),
    ZeroSumNormalRV: (1,),
    AutoRegressiveRV: (0,),
    RandomWalkRV: (),
}
# Series, and which of their parameters are distributions, of the first values and of the steps: a
# series is bounded if these are.
_SERIES: dict[Any, tuple[int, ...]] = {AutoRegressiveRV: (2,), RandomWalkRV: (0, 1)}
# Free variables whose density is bounded as a function of their own value ...
_BOUNDED = (
    *_LOCATIONS,
    pm.HalfNormal,
    pm.HalfCauchy,
    pm.HalfStudentT,
    pm.Exponential,
    pm.LogNormal,
    pm.InverseGamma,
    pm.Uniform,
    pm.Triangular,
)
# ... and where these parameters are at least one.
_BOUNDED_FROM_ONE: dict[Any, tuple[int, ...]] = {
    pm.Gamma: (0,),
    pm.Weibull: (0,),
    pm.Beta: (0, 1),
    pm.Dirichlet: (0,),
}
# Densities that are constant, and those of which nothing is known.
_CONSTANT = (FlatRV, HalfFlatRV, FlatVariable)
_UNKNOWN = (CustomDistRV, CustomSymbolicDistRV, SimulatorRV)


def scale_variables(density: LogDensity, terms: Sequence[str]) -> frozenset[str]:
    """Return the names of the free variables along which some terms may grow without bound.

    Parameters
    ----------
    density : LogDensity
        The density.
    terms : sequence of str
        The terms that are added.

    Returns
    -------
    frozenset of str
        Empty where the sum has an upper bound.  A variable that is not in it cannot take the
        density beyond all bounds, unless one that is in it goes along.
    """
    model = density.graphs.frozen
    everything = frozenset(rv.name for rv in model.free_RVs)
    if "jacobian" in terms:
        return everything
    found: set[str] = set()
    if "potential" in terms:
        found |= _behind(model, model.potentials)
    # An integral over latents has no pole on one observation: it averages over their places.
    if "likelihood" in terms and not density.is_integral:
        for rv in model.observed_RVs:
            found |= _behind(model, _scales_of(rv))
    if "prior" in terms:
        for rv in model.free_RVs:
            found |= _behind(model, _scales_of(rv))
            if not _is_bounded(model, rv):
                found.add(rv.name)
    return frozenset(found)


def _scales_of(rv: Variable) -> list[Variable]:
    """Return the variables behind which the density of a random one may grow without bound."""
    node = rv.owner
    if node is None:
        return [rv]
    if isinstance(node.op, _CONSTANT):
        return []
    if isinstance(node.op, CensoredRV | PartialObservedRV):
        dist, *edges = node.inputs
        return [*_scales_of(dist), *edges]
    if isinstance(node.op, _UNKNOWN):
        return list(node.inputs)
    if not isinstance(node.op, RandomVariable | SymbolicRandomVariable):
        return [rv]
    if not rv.type.dtype.startswith("float"):
        return []  # a probability
    if isinstance(node.op, MixtureRV):
        # The weights are no more than one.
        _, *components = node.op.dist_params(node)
        return [scale for one in components for scale in _scales_of(one)]
    harmless = _matching(_LOCATIONS, node.op, None)
    if harmless is None:
        return list(node.inputs)
    inner = _matching(_SERIES, node.op, ())
    return [
        scale
        for k, one in enumerate(node.op.dist_params(node))
        if k not in harmless
        for scale in (_scales_of(one) if k in inner else [one])
    ]


def _is_bounded(model: pm.Model, rv: Variable) -> bool:
    """Whether the density of a free variable is bounded as a function of its own value."""
    op = rv.owner.op
    if isinstance(op, _CONSTANT) or not rv.type.dtype.startswith("float"):
        return True
    if inner := _matching(_SERIES, op, ()):
        return all(_is_bounded(model, op.dist_params(rv.owner)[k]) for k in inner)
    if isinstance(op, _BOUNDED):
        return True
    at_least_one = _matching(_BOUNDED_FROM_ONE, op, ())
    shapes = [rv.owner.op.dist_params(rv.owner)[k] for k in at_least_one]
    if not shapes or _behind(model, shapes):
        return False
    return all(np.all(np.asarray(value) >= 1) for value in evaluated(*shapes))


def _matching(table: dict[Any, tuple[int, ...]], op: Any, default: Any) -> Any:
    return next((found for family, found in table.items() if isinstance(op, family)), default)


def _behind(model: pm.Model, variables: Sequence[Variable]) -> set[str]:
    """Return the names of the free variables that these are made from."""
    random = set(model.basic_RVs)

    def inputs(var: Variable) -> list[Variable] | None:
        # Beyond a random variable lies its own prior.
        return None if var.owner is None or var in random else var.owner.inputs

    reached = set(walk(list(variables), inputs))
    return {rv.name for rv in model.free_RVs if rv in reached}
