"""Which support each of PyMC's distributions has.

The support is read off the distribution, not off its transform, because a user may choose any
transform; and not off its log density where that can be helped, because a density may be zero or
infinite at an edge that still belongs to the support: the maximum likelihood estimate of three
heads in three tosses is 1, whatever a beta prior says of that point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.censored import CensoredRV
from pymc.distributions.continuous import (
    CircularContinuous,
    InterpolatedRV,
    PositiveContinuous,
    UnitContinuous,
)
from pymc.distributions.distribution import PartialObservedRV
from pymc.distributions.mixture import MixtureRV
from pymc.distributions.multivariate import (
    KroneckerNormalRV,
    LKJCorrRV,
    MvStudentTRV,
    PrecisionMvNormalRV,
    SimplexContinuous,
    WishartRV,
    ZeroSumNormalRV,
    _LKJCholeskyCovRV,
)
from pymc.distributions.timeseries import (
    GARCH11RV,
    AutoRegressiveRV,
    EulerMaruyamaRV,
    RandomWalkRV,
)
from pymc.distributions.truncated import TruncatedRV
from pymc.variational.minibatch_rv import MinibatchRandomVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.xtensor.rewriting.vectorization import lower_rv
from pytensor.xtensor.vectorization import XRV

from bayes_point.model.variables.support import Support, is_infinite

__all__ = ["lowered", "register_support", "support_of"]


def support_of(op: Any, inputs: Sequence[Variable]) -> Support | None:
    """Return the support of the random variable that ``op`` makes from ``inputs``.

    Parameters
    ----------
    op : pytensor.graph.op.Op
        Op of a random variable.
    inputs : sequence of pytensor Variables
        The inputs of its node; bounds that depend on them are expressions of these.

    Returns
    -------
    Support or None
        None where only the log density knows, as for a ``pm.CustomDist``.
    """
    return _support(op, *inputs)


@singledispatch
def _support(op: Any, *inputs: Variable) -> Support | None:
    return None


register_support = _support.register


# PyMC registers the Op of each distribution as a virtual subclass of the distribution, so that
# a distribution (or a family of them) can stand for its Op here.


def _register_real(*distributions: Any) -> None:
    def real(op: Any, *inputs: Variable) -> Support:
        return Support(ndim=op.ndim_supp)

    for distribution in distributions:
        register_support(distribution, real)


_register_real(
    pm.AsymmetricLaplace,
    pm.Cauchy,
    pm.ExGaussian,
    pm.Flat,
    pm.Gumbel,
    pm.Laplace,
    pm.Logistic,
    pm.Moyal,
    pm.Normal,
    pm.SkewNormal,
    pm.SkewStudentT,
    pm.StudentT,
    pm.CAR,
    pm.ICAR,
    pm.MatrixNormal,
    pm.MvNormal,
    KroneckerNormalRV,
    MvStudentTRV,
    PrecisionMvNormalRV,
)


@register_support(PositiveContinuous)
def _positive(op: Any, *inputs: Variable) -> Support:
    return Support(lower=0.0)


@register_support(UnitContinuous)
def _unit(op: Any, *inputs: Variable) -> Support:
    return Support(lower=0.0, upper=1.0)


@register_support(CircularContinuous)
def _circular(op: Any, *inputs: Variable) -> Support:
    return Support(lower=-np.pi, upper=np.pi)


def _register_bounded(distribution: Any) -> None:
    # PyMC keeps beside the class which inputs of the node are the bounds.
    lower_at, upper_at = distribution.bound_args_indices

    @register_support(distribution)
    def bounded(op: Any, *inputs: Variable) -> Support:
        return Support(
            lower=-np.inf if lower_at is None else inputs[lower_at],
            upper=np.inf if upper_at is None else inputs[upper_at],
        )


for _distribution in (pm.Uniform, pm.TruncatedNormal, pm.Pareto, pm.Triangular):
    _register_bounded(_distribution)


@register_support(pm.Wald)
def _wald(op: Any, rng: Variable, size: Variable, *params: Variable) -> Support:
    return Support(lower=params[2])  # mu, lam, alpha: shifted by alpha


@register_support(InterpolatedRV)
def _interpolated(op: Any, rng: Variable, size: Variable, x: Variable, *rest: Variable) -> Support:
    return Support(lower=x[..., 0], upper=x[..., -1])


@register_support(SimplexContinuous)
def _simplex(op: Any, *inputs: Variable) -> Support:
    return Support("simplex", lower=0.0, upper=1.0, ndim=1)


@register_support(ZeroSumNormalRV)
def _zero_sum(op: Any, *inputs: Variable) -> Support:
    return Support("zero-sum", ndim=op.ndim_supp)


@register_support(_LKJCholeskyCovRV)
def _cholesky_covariance(op: Any, rng: Variable, n: Variable, *rest: Variable) -> Support:
    # Packed by rows: the diagonal sits at 0, 2, 5, 9, ... and only the diagonal is bounded.
    if not isinstance(n, Constant):
        return Support("cholesky-covariance", ndim=1)
    size = int(n.data)
    lower = np.full(size * (size + 1) // 2, -np.inf)
    lower[np.cumsum(np.arange(1, size + 1)) - 1] = 0.0
    return Support("cholesky-covariance", lower=lower, ndim=1)


@register_support(LKJCorrRV)
def _cholesky_correlation(op: Any, *inputs: Variable) -> Support:
    return Support("cholesky-correlation", lower=-1.0, upper=1.0, ndim=2)


@register_support(WishartRV)
def _positive_definite(op: Any, *inputs: Variable) -> Support:
    return Support("positive-definite", ndim=2)


@register_support(pm.Bernoulli)
def _bernoulli(op: Any, *inputs: Variable) -> Support:
    return Support(lower=0, upper=1, integer=True)


@register_support(pm.Binomial)
@register_support(pm.BetaBinomial)
def _binomial(op: Any, rng: Variable, size: Variable, n: Variable, *rest: Variable) -> Support:
    return Support(lower=0, upper=n, integer=True)


@register_support(pm.Categorical)
def _categorical(op: Any, rng: Variable, size: Variable, p: Variable) -> Support:
    n_categories = p.type.shape[-1] or p.shape[-1]
    return Support(lower=0, upper=n_categories - 1, integer=True)


@register_support(pm.DiscreteUniform)
def _discrete_uniform(
    op: Any, rng: Variable, size: Variable, lower: Variable, upper: Variable
) -> Support:
    return Support(lower=lower, upper=upper, integer=True)


@register_support(pm.HyperGeometric)
def _hypergeometric(
    op: Any, rng: Variable, size: Variable, good: Variable, bad: Variable, n: Variable
) -> Support:
    return Support(lower=pt.maximum(0, n - bad), upper=pt.minimum(good, n), integer=True)


@register_support(pm.Poisson)
@register_support(pm.NegativeBinomial)
@register_support(pm.DiscreteWeibull)
def _counts(op: Any, *inputs: Variable) -> Support:
    return Support(lower=0, integer=True)


@register_support(pm.Geometric)
def _trials(op: Any, *inputs: Variable) -> Support:
    return Support(lower=1, integer=True)


@register_support(pm.Multinomial)
@register_support(pm.DirichletMultinomial)
def _multinomial(op: Any, rng: Variable, size: Variable, n: Variable, *rest: Variable) -> Support:
    return Support("counts", lower=0, upper=n[..., None], ndim=1, integer=True)


@register_support(TruncatedRV)
def _truncated(op: Any, *inputs: Variable) -> Support | None:
    *base_inputs, lower, upper = inputs
    return _within(_support(op.base_rv_op, *base_inputs), lower, upper)


@register_support(CensoredRV)
def _censored(op: Any, base: Variable, lower: Variable, upper: Variable) -> Support | None:
    return _within(_support_of_component(base), lower, upper)


@register_support(MinibatchRandomVariable)
@register_support(PartialObservedRV)
def _support_of_base(op: Any, base: Variable, *rest: Variable) -> Support | None:
    return _support_of_component(base)


@register_support(MixtureRV)
def _mixture(op: Any, rng: Variable, weights: Variable, *components: Variable) -> Support | None:
    # Only where all components agree and depend on nothing: the union of different supports may
    # have holes, and the log density knows best.
    supports = [_support_of_component(component) for component in components]
    first = supports[0]
    if first is None or any(isinstance(b, Variable) for b in (first.lower, first.upper)):
        return None
    same = all(s is not None and _equal(s, first) for s in supports[1:])
    return first if same else None


@register_support(RandomWalkRV)
def _random_walk(op: Any, start: Variable, step: Variable, *rest: Variable) -> Support | None:
    return _real_path(op, start, step)


@register_support(AutoRegressiveRV)
def _autoregressive(
    op: Any, rhos: Variable, sigma: Variable, start: Variable, *rest: Variable
) -> Support | None:
    return _real_path(op, start)


@register_support(GARCH11RV)
def _garch(op: Any, *inputs: Variable) -> Support | None:
    return _real_path(op, inputs[4])


@register_support(EulerMaruyamaRV)
def _euler_maruyama(op: Any, start: Variable, *rest: Variable) -> Support | None:
    return _real_path(op, start)


def _real_path(op: Any, *components: Variable) -> Support | None:
    """Return all real paths where the start and the steps may be any real number."""
    for component in components:
        support = _support_of_component(component)
        if support is None or not _equal(support, Support(ndim=support.ndim)):
            return None
    return Support(ndim=op.ndim_supp)


def _support_of_component(component: Variable) -> Support | None:
    return (
        None if component.owner is None else support_of(component.owner.op, component.owner.inputs)
    )


def _within(support: Support | None, lower: Variable, upper: Variable) -> Support | None:
    if support is None:
        return None
    return replace(
        support,
        lower=_tighter(pt.maximum, support.lower, lower),
        upper=_tighter(pt.minimum, support.upper, upper),
    )


def _tighter(choose: Any, bound: Any, other: Any) -> Any:
    if is_infinite(bound):
        return other
    return bound if is_infinite(other) else choose(bound, other)


def _equal(one: Support, other: Support) -> bool:
    bounds = (one.lower, one.upper, other.lower, other.upper)
    return (
        not any(isinstance(bound, Variable) for bound in bounds)
        and (one.structure, one.ndim, one.integer) == (other.structure, other.ndim, other.integer)
        and np.array_equal(one.lower, other.lower)
        and np.array_equal(one.upper, other.upper)
    )


def lowered(op: XRV, *inputs: Variable) -> tuple[Variable, tuple[str, ...]]:
    """Return the tensor variable behind one of pymc.dims, and the names of its dims in order."""
    [_, out] = lower_rv.fn(None, op.make_node(*inputs))
    return out.owner.inputs[0], out.type.dims


@register_support(XRV)
def _xtensor_support(op: XRV, *inputs: Variable) -> Support | None:
    tensor, _ = lowered(op, *inputs)
    return support_of(tensor.owner.op, tensor.owner.inputs)
