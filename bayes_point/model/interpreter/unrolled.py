"""Solves with small triangles written out, element by element.

A multivariate normal of two or three dimensions solves with its Cholesky factor.  As one op that is
slow to differentiate, and again in each derivative; written out it is a few products, whose third
derivatives take no longer than those of a univariate density.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular

from bayes_point.model.interpreter.flags import interpreting

__all__ = ["unrolled"]

# k (k + 1) / 2 products a solve.
_LARGEST = 4


@node_rewriter([Blockwise, SolveTriangular])
def _written_out(fgraph: Any, node: Any) -> Any:
    op = node.op.core_op if isinstance(node.op, Blockwise) else node.op
    if not isinstance(op, SolveTriangular) or op.unit_diagonal:
        return None
    a, b = node.inputs
    k = a.type.shape[-1]
    if k is None or not 0 < k <= _LARGEST or b.type.shape[-op.b_ndim] not in (k, None):
        return None
    # The unknowns one after the other, the right-hand sides, if there are several, along the last.
    sides = (lambda i: b[..., i]) if op.b_ndim == 1 else (lambda i: b[..., i, :])
    wide = (lambda x: x) if op.b_ndim == 1 else (lambda x: x[..., None])
    found: dict[int, Any] = {}
    for i in range(k) if op.lower else reversed(range(k)):
        left = sides(i)
        for j, solved in found.items():
            left = left - wide(a[..., i, j]) * solved
        found[i] = left / wide(a[..., i, i])
    out = pt.stack([found[i] for i in range(k)], axis=-op.b_ndim)
    return [out] if out.type.ndim == node.outputs[0].type.ndim else None


_UNROLL = in2out(_written_out, ignore_newtrees=True)


def unrolled(graph: Any, row: Sequence[Any]) -> Any:
    """Return a graph of `row` with its solves with small triangles written out."""
    fgraph = FunctionGraph(list(row), [graph], clone=True, copy_inputs=False)
    with interpreting():
        _UNROLL.rewrite(fgraph)
    return fgraph.outputs[0]
