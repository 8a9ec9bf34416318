"""Graphs in double precision, whatever a model was made in (`floatX = "float32"`).

A maximum is found to rounding, its derivatives by differences where need be: in single
precision nothing of a standard error would be left. The model's constants stay what they are.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors, toposort
from pytensor.scalar.basic import Cast
from pytensor.tensor.elemwise import Elemwise

__all__ = ["double_of", "replaced"]

_SINGLE = ("float16", "float32")


def double_of(dtype: str) -> str:
    """Return the type in which numbers of this type are computed."""
    return "float64" if dtype in _SINGLE else dtype


def replaced(graphs: Sequence[Any], values: Mapping[Any, Any]) -> list[Any]:
    """Return graphs with others in the place of some variables, all of them in double precision.

    Only where one of the variables is single: in a model of doubles PyMC has a few constants in
    single precision, and the density stays to the last digit the one that PyMC computes.
    """
    if not any(map(_is_single, values)):
        return list(graph_replace(list(graphs), dict(values), strict=False))
    done = dict(values)
    blocked = list(done)
    for var in ancestors(graphs, blockers=blocked):
        if var not in done and var.owner is None and _is_single(var):
            done[var] = _root(var)
    for node in toposort(graphs, blockers=blocked):
        if any(one in done for one in node.inputs) or any(map(_is_single, node.outputs)):
            ins = [done.get(one, one) for one in node.inputs]
            done.update(
                pair
                for pair in zip(node.outputs, _again(node, ins), strict=True)
                if pair[0] not in done
            )
    return [done.get(one, one) for one in graphs]


def _is_single(var: Any) -> bool:
    return getattr(var.type, "dtype", "") in _SINGLE


def _root(var: Any) -> Any:
    """Return the double of a constant, or of shared data as it is now."""
    data = var.data if isinstance(var, Constant) else None
    if isinstance(var, SharedVariable):
        data = var.get_value()
    if data is None or not hasattr(var.type, "shape"):
        return var
    double = pt.constant(np.asarray(data, dtype="float64"), name=var.name)
    return _like(var, double)


def _like(var: Any, double: Any) -> Any:
    """Return a tensor with the labels of a variable that has some."""
    if hasattr(var.type, "dims"):
        from pytensor.xtensor import as_xtensor

        return as_xtensor(double, dims=var.type.dims)
    return double


def _again(node: Any, ins: list[Any]) -> Sequence[Any]:
    """Return the outputs of a node made anew of other inputs."""
    op = node.op
    if isinstance(op, OpFromGraph):
        inner = op.fgraph.unfreeze()
        return replaced(inner.outputs, dict(zip(inner.inputs, ins, strict=True)))
    if isinstance(op, Elemwise) and isinstance(op.scalar_op, Cast):
        return [pt.cast(ins[0], double_of(node.outputs[0].type.dtype))]
    named = [name for name in ("dtype", "acc_dtype") if getattr(op, name, None) in _SINGLE]
    if named:
        op = copy.copy(op)
        for name in named:
            setattr(op, name, "float64")
    try:
        outs = op.make_node(*ins).outputs
    except (TypeError, ValueError, AssertionError, NotImplementedError):
        narrow = [
            one.astype(old.type.dtype) if _is_single(old) else one
            for one, old in zip(ins, node.inputs, strict=True)
        ]
        outs = node.op.make_node(*narrow).outputs
    # The inside of a scan is fixed: what goes in is rounded, what is made of its result is not.
    return [out.astype("float64") if _is_single(out) else out for out in outs]
