"""Ops over the rows of a batch, as one op: a `Blockwise` is a loop in Python.

PyTensor vectorises an op that it knows no better for by a loop over the rows.  For the few here one
op on the whole batch gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.scan.op import Scan
from pytensor.tensor.basic import Alloc, AllocDiag, ARange, Eye, Join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.subtensor import AdvancedSubtensor

from bayes_point.model.interpreter.loops import loop_over_rows, states

__all__ = ["one_for_all_rows", "opened_over_rows"]


@node_rewriter([Blockwise])
def one_for_all_rows(fgraph: Any, node: Any) -> Any:
    """Do for all rows at once what can be."""
    make = _WHOLE.get(type(node.op.core_op))
    return None if make is None else make(node)


def opened_over_rows(node: Any) -> Any:
    """Return the inner graph of an op over the rows of a batch, as a graph of the batch."""
    core = node.op.core_op
    if not isinstance(core, OpFromGraph):
        return None
    inner = core.fgraph.unfreeze()
    graphs = vectorize_graph(inner.outputs, dict(zip(inner.inputs, node.inputs, strict=True)))
    # What depends on no row, or on an input that is the same in all, has lost the batch.
    ndims = [len(signature) for signature in node.op.outputs_sig]
    return [_in_whole_batch(*pair, node) for pair in zip(graphs, ndims, strict=True)]


def _join(node: Any) -> Any:
    """Join arrays some of which are the same in each row."""
    ndim = node.outputs[0].type.ndim - _batch_ndim(node)
    parts = [_in_whole_batch(x, ndim, node) for x in node.inputs]
    return [pt.join(node.op.core_op.axis + _batch_ndim(node), *parts)]


def _diagonal(node: Any) -> Any:
    """Make a diagonal matrix of a vector."""
    core, n = node.op.core_op, _batch_ndim(node)
    axes = {"axis1": core.axis1 + n, "axis2": core.axis2 + n}
    return [AllocDiag(offset=core.offset, **axes)(*node.inputs)]


def _arange(node: Any) -> Any:
    """Count, to the same number in each row."""
    bounds = [_in_each_row(x, _batch_ndim(node)) for x in node.inputs]
    if any(bound is None for bound in bounds):
        return None
    one = pt.arange(*bounds, dtype=node.op.core_op.dtype)
    return [pt.alloc(one, *_batch_shape(node), one.shape[0])]


def _eye(node: Any) -> Any:
    """Make a unit matrix: the matrices of a batch are all of one size."""
    rows, columns, k = node.inputs
    offset = _in_each_row(k, _batch_ndim(node))
    if offset is None:
        return None
    size = [x.flatten()[0] for x in (rows, columns)]
    one = pt.eye(*size, offset, dtype=node.op.core_op.dtype)
    return [pt.alloc(one, *_batch_shape(node), *size)]


def _picked(node: Any) -> Any:
    """Take the same elements of each row."""
    x, *indices = node.inputs
    core, n = node.op.core_op, _batch_ndim(node)
    same = [_in_each_row(index, n) for index in indices]
    # Indices on both sides of a slice would put what is taken in front of the batch.
    if any(index is None for index in same) or not all(isinstance(i, int) for i in core.idx_list):
        return None
    whole = _in_whole_batch(x, x.type.ndim - n, node)
    return [AdvancedSubtensor((slice(None),) * n + core.idx_list)(whole, *same)]


def _solve(node: Any) -> Any:
    """Solve for many vectors with the same matrix at once."""
    a, b = node.inputs
    core, n = node.op.core_op, _batch_ndim(node)
    if core.b_ndim != 1 or n == 0 or not a.type.broadcastable[n - 1] or core.overwrite_b:
        return None
    solve = SolveTriangular(lower=core.lower, unit_diagonal=core.unit_diagonal, b_ndim=2)
    vectors = pt.swapaxes(b, -1, -2)
    return [pt.swapaxes(Blockwise(solve)(pt.squeeze(a, n - 1), vectors), -1, -2)]


def _looped(node: Any) -> Any:
    """Go through a loop once, each step for the whole batch."""
    core, n = node.op.core_op, _batch_ndim(node)
    if n != 1:
        return None
    carried = states(core)
    same = [None if i in carried else _in_each_row(x, n) for i, x in enumerate(node.inputs)]
    inputs = [
        _in_whole_batch(x, x.type.ndim - n, node) if one is None else one
        for x, one in zip(node.inputs, same, strict=True)
    ]
    return loop_over_rows(core, inputs, [one is None for one in same])


_WHOLE: dict[type, Callable[[Any], Any]] = {
    Join: _join,
    AllocDiag: _diagonal,
    ARange: _arange,
    Eye: _eye,
    AdvancedSubtensor: _picked,
    SolveTriangular: _solve,
    Scan: _looped,
}


def _batch_ndim(node: Any) -> int:
    return int(node.op.batch_ndim(node))


def _shape(x: Any) -> list[Any]:
    """Return the shape of a variable, as numbers where they are known."""
    return [x.shape[i] if k is None else k for i, k in enumerate(x.type.shape)]


def _batch_shape(node: Any) -> list[Any]:
    """Return the shape of the batch: along each axis that of an input that has it."""
    shape = []
    for axis in range(_batch_ndim(node)):
        long = [x for x in node.inputs if not x.type.broadcastable[axis]]
        shape.append(_shape(long[0])[axis] if long else 1)
    return shape


def _in_whole_batch(x: Any, core_ndim: int, node: Any) -> Any:
    """Return an array that has one row, or is one, repeated over the whole batch."""
    n, shape = _batch_ndim(node), _batch_shape(node)
    own = x.type.ndim - core_ndim
    if own == n and x.type.broadcastable[:n] == node.outputs[0].type.broadcastable[:n]:
        return x
    return pt.broadcast_to(x, (*shape, *_shape(x)[own:]))


def _in_each_row(x: Any, batch_ndim: int) -> Any | None:
    """Return what a batch holds in each row, if by its making that is the same in all of them."""
    if all(x.type.broadcastable[:batch_ndim]):
        return pt.squeeze(x, tuple(range(batch_ndim)))
    if x.owner is not None and isinstance(x.owner.op, Alloc):
        value = x.owner.inputs[0]
        core = x.type.broadcastable[batch_ndim:]
        return value if value.type.broadcastable == core else None
    return None
