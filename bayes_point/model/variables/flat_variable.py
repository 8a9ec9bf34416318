"""A random variable whose density is constant on its support: what flat_priors puts in a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.distributions.distribution import (
    PartialObservedRV,
    _support_point,
    support_point,
)
from pymc.logprob.abstract import MeasurableOp, _logprob
from pytensor.gradient import disconnected_grad
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter, out2in
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.vectorization import XRV

from bayes_point.model.variables.distributions import lowered, register_support, support_of
from bayes_point.model.variables.support import Support, connected_zero

__all__ = ["FlatVariable", "is_flat", "with_old_priors"]


def is_flat(op: Op) -> bool:
    """Whether the random variables that ``op`` makes are flat, so that nothing can be drawn."""
    return isinstance(_core_op(op), FlatVariable | FlatRV | HalfFlatRV)


class FlatVariable(MeasurableOp, Op):
    """A random variable whose density is constant on the support of the one it stands for.

    It takes the inputs of that variable's Op, in the same places, since a transform such as
    ``Interval`` reads its bounds from the inputs of the variable that it was made for. PyMC
    replaces it by a value wherever it computes a density, so that it never runs.

    Parameters
    ----------
    base : pytensor Op
        Op of the random variable that it stands for.
    flat_output : int
        Which of its outputs has a flat density: a partly observed variable has two.
    dims : tuple of str or None
        Order of the dims of a ``pymc.dims`` variable, where it is not that of the base.
    """

    def __init__(self, base: Op, flat_output: int, dims: tuple[str, ...] | None) -> None:
        self.base = base
        self.flat_output = flat_output
        self.dims = dims
        self.ndim_supp = getattr(_core_op(base), "ndim_supp", 0)
        plain, latex = getattr(base, "_print_name", (str(base), str(base)))
        self._print_name = (
            f"Flat on the support of {plain}",
            rf"\text{{Flat on the support of }}{latex}",
        )

    def make_node(self, *inputs: Variable) -> Apply:
        """Return a node like that of the base, its dims in the order asked for."""
        node = self.base.make_node(*inputs)
        return Apply(self, node.inputs, [out.type(name=out.name) for out in self._ordered(node)])

    def _ordered(self, base_node: Apply) -> list[Variable]:
        outputs = list(base_node.outputs)
        if self.dims is not None:
            outputs[self.flat_output] = outputs[self.flat_output].transpose(*self.dims)
        return outputs

    def dist_params(self, node: Apply) -> Sequence[Variable]:
        """Return the parameters, for PyMC to print."""
        return self.base.dist_params(node)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Return the shapes of the outputs, those of the base."""
        if not isinstance(self.base, XRV):
            return self.base.infer_shape(self.base.make_node(*node.inputs), shapes)
        tensor, dims = lowered(self.base, *node.inputs)
        lengths = dict(zip(dims, tuple(tensor.shape), strict=True))
        return [None, [lengths[dim] for dim in node.outputs[1].type.dims]]

    def do_constant_folding(self, fgraph: Any, node: Apply) -> bool:
        """Return False: a random variable is no constant."""
        return False

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> NoReturn:
        """Raise, as ``pm.Flat`` does: there is nothing to draw from."""
        raise NotImplementedError(
            f"Cannot draw from {self._print_name[0]}: a flat prior is improper. "
            "Draw from the model that flat_priors was given."
        )


def _core_op(op: Op) -> Op:
    return op.core_op if isinstance(op, XRV) else op


@node_rewriter([FlatVariable])
def _old_prior(fgraph: FunctionGraph, node: Apply) -> list[Variable]:
    return node.op._ordered(node.op.base.make_node(*node.inputs))


_old_priors = out2in(_old_prior, name="old_priors")


def with_old_priors(graphs: Sequence[Variable]) -> list[Variable]:
    """Return graphs in which each flat variable is drawn from the prior that it stands for.

    A density must not know that prior, and yet a search may start from draws of it.
    """
    fgraph = FunctionGraph(outputs=list(graphs), clone=True, copy_inputs=False, copy_orphans=False)
    _old_priors.rewrite(fgraph)
    return list(fgraph.outputs)


@register_support(FlatVariable)
def _flat_support(op: FlatVariable, *inputs: Variable) -> Support | None:
    return support_of(op.base, inputs)


@_support_point.register(FlatVariable)
def _flat_support_point(op: FlatVariable, rv: Variable, *inputs: Variable) -> Variable:
    if isinstance(op.base, XRV):
        tensor, dims = lowered(op.base, *inputs)
        point = as_xtensor(_support_point_or_draw(tensor), dims=dims)
        return point.transpose(*rv.type.dims)
    node = op.base.make_node(*inputs)
    return _support_point_or_draw(node.outputs[rv.owner.outputs.index(rv)])


def _support_point_or_draw(rv: Variable) -> Variable:
    try:
        return support_point(rv)
    except NotImplementedError:
        return rv  # a draw from the old prior: what PyMC starts from where it knows no better


@_logprob.register(FlatVariable)
def _flat_logprob(
    op: FlatVariable, values: Sequence[Variable], *inputs: Variable, **kwargs: Any
) -> Variable | list[Variable]:
    if isinstance(op.base, PartialObservedRV):
        return _flat_imputed_logprob(op, values, *inputs, **kwargs)
    [value] = values
    if isinstance(op.base, XRV):
        tensor, dims = lowered(op.base, *inputs)
        flat = _flat_tensor_logprob(tensor, value.transpose(*dims).values)
        batch_dims = dims[: flat.type.ndim]  # the core dims came last
        return as_xtensor(flat, dims=batch_dims).transpose(
            *(dim for dim in value.type.dims if dim in batch_dims)
        )
    return _flat_tensor_logprob(op.base.make_node(*inputs).outputs[op.flat_output], value)


def _flat_tensor_logprob(rv: Variable, value: Variable) -> Variable:
    support = support_of(rv.owner.op, rv.owner.inputs)
    if support is not None:
        return support.flat_logp(value)
    return _flat_where_positive(pm.logp(rv, value, warn_rvs=False), value)


def _flat_where_positive(logp: Variable, value: Variable) -> Variable:
    """Return 0 where the log density is finite or +inf, -inf where it is -inf or no number."""
    zero = connected_zero(value, value.type.ndim - logp.type.ndim)
    # Compared, and cut off from the gradient: a log density may have no derivative at an edge.
    return pt.switch(disconnected_grad(pt.gt(logp, -np.inf)), zero, -np.inf)


def _flat_imputed_logprob(
    op: FlatVariable, values: Sequence[Variable], *inputs: Variable, **kwargs: Any
) -> list[Variable]:
    """One node, two outputs: the observed part keeps its density, the imputed part becomes flat."""
    observed_logp, imputed_logp = _logprob(op.base, values, *inputs, **kwargs)
    if op.ndim_supp == 0:
        imputed_logp = _flat_where_positive(imputed_logp, values[1])
    # Of a vector, PyMC counts the whole density as observed and leaves nothing to make flat.
    return [observed_logp, imputed_logp]
