"""Where a log density ends, read from its graph.

A distribution says where its density is zero by a choice: "minus infinity, unless y >= lower and
y <= upper".  Each comparison there that depends on the parameters is an edge of the support that
parameters share, as a + b x <= y is for every observation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytensor.scalar as ps
from pytensor.graph.traversal import toposort
from pytensor.scalar.math import Sigmoid, Softplus
from pytensor.tensor.basic import Alloc, Join, MakeVector
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import All
from pytensor.tensor.math import Any as AnyOf
from pytensor.tensor.subtensor import Subtensor

from bayes_point.model.interpreter.simpler import is_constant, made_by

__all__ = ["edges_in", "is_edge"]

_GREATER, _LESS = ps.GT | ps.GE, ps.LT | ps.LE


def is_edge(node: Any) -> bool:
    """Whether a node is a switch to a density of zero."""
    return (
        isinstance(node.op, Elemwise)
        and isinstance(node.op.scalar_op, ps.Switch)
        and any(is_constant(branch, -np.inf) for branch in node.inputs[1:])
    )


def edges_in(graph: Any, row: list[Any]) -> list[tuple[Any, Any]]:
    """Return the pairs of graphs of which the first has to be the larger, or the density is zero.

    Only those that depend on the first of the inputs `row`, the vector of the parameters.
    """
    depends = {row[0]}
    found: dict[tuple[Any, Any], None] = {}
    for node in toposort([graph], row):
        if not any(var in depends for var in node.inputs):
            continue
        depends.update(node.outputs)
        if is_edge(node):
            inside = not is_constant(node.inputs[1], -np.inf)
            for big, small in _conditions(node.inputs[0], inside):
                if (big in depends or small in depends) and not _is_known(big, small):
                    found[big, small] = None
    return list(found)


def _conditions(graph: Any, holds: bool) -> Iterator[tuple[Any, Any]]:
    """Yield the comparisons that have to be so for a condition to hold, or not to hold."""
    node = graph.owner
    if node is None:
        return
    if isinstance(node.op, Elemwise):
        op = node.op.scalar_op
        if isinstance(op, _GREATER | _LESS):
            if not any(var.type.dtype in ("bool", "complex128") for var in node.inputs):
                left, right = node.inputs
                yield (left, right) if isinstance(op, _GREATER) == holds else (right, left)
            return
        if isinstance(op, ps.Invert):
            yield from _conditions(node.inputs[0], not holds)
            return
        # Of several of which one is enough, none has to be so.
        together = isinstance(op, ps.AND) if holds else isinstance(op, ps.OR)
        if not (together or isinstance(op, ps.Cast | ps.Identity | ps.Second)):
            return
    elif isinstance(node.op, CAReduce):
        if not isinstance(node.op, All if holds else AnyOf):
            return
    elif not isinstance(node.op, DimShuffle | Alloc | MakeVector | Join | Subtensor):
        return
    for var in node.inputs:
        yield from _conditions(var, holds)


def _is_known(big: Any, small: Any) -> bool:
    """Whether a comparison cannot be otherwise but by rounding."""
    above = is_constant(small, 0) and _is_positive(big)
    return above or (is_constant(big, 1) and made_by(small, Sigmoid))


def _is_positive(graph: Any) -> bool:
    """Whether a graph is positive, whatever the parameters are."""
    if made_by(graph, ps.Exp | Sigmoid | Softplus):
        return True
    data = getattr(graph, "data", None)
    if data is not None:
        return bool(np.all(np.asarray(data) > 0))
    node = graph.owner
    if node is None:
        return False
    if isinstance(node.op, DimShuffle | Subtensor):
        return _is_positive(node.inputs[0])
    if not isinstance(node.op, Elemwise):
        return False
    op = node.op.scalar_op
    if isinstance(op, ps.Sub):
        return is_constant(node.inputs[0], 1) and made_by(node.inputs[1], Sigmoid)
    known = isinstance(op, ps.Mul | ps.Add | ps.TrueDiv | ps.Sqrt | ps.Sqr | ps.Maximum)
    return known and all(map(_is_positive, node.inputs))
