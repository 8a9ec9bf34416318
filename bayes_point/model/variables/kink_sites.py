"""Where a log density may have a kink, read from its graph.

An absolute value, a maximum, a sign, a comparison: each has an argument u(x) that is zero where the
derivative can jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytensor.scalar as ps
from pytensor.graph.traversal import toposort
from pytensor.scalar.math import Sigmoid
from pytensor.tensor.elemwise import Elemwise

from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.simpler import is_constant, made_by
from bayes_point.model.variables.edges import is_edge

__all__ = ["Site", "site_of", "sites_of"]

_ORDER = ps.GT | ps.GE | ps.LT | ps.LE
_EXTREME = ps.Maximum | ps.Minimum


@dataclass(frozen=True)
class Site:
    """One place in a graph where u = left - right is compared with zero; right None is zero."""

    left: Any
    right: Any

    @property
    def key(self) -> tuple[Any, Any]:
        """What tells arguments apart."""
        return self.left, self.right

    @property
    def argument(self) -> Any:
        """The graph of u."""
        u = self.left if self.right is None else self.left - self.right
        return u.astype("float64")


def sites_of(density: LogDensity, term: str) -> list[Site]:
    """Return the sites of a term whose argument depends on the vector.

    Not those that only decide where the density ends: at an edge of the support there is no slope
    on the other side.
    """
    row, graph = density.graphs.row, density.graphs.term(term)
    reached, todo = {graph}, [graph]
    while todo:
        node = todo.pop().owner
        if node is None or node.inputs == []:
            continue
        for var in node.inputs[1:] if is_edge(node) else node.inputs:
            if var not in reached:
                reached.add(var)
                todo.append(var)
    out, depends = [], {row[0]}
    for node in toposort([graph], row):
        if not any(var in depends for var in node.inputs):
            continue
        depends.update(node.outputs)
        site = site_of(node) if node.outputs[0] in reached else None
        if site is not None:
            out.append(site)
    return out


def site_of(node: Any) -> Site | None:
    """Return the site that a node of a graph is; None if it is none."""
    if not isinstance(node.op, Elemwise):
        return None
    op, inputs = node.op.scalar_op, node.inputs
    if any(var.type.dtype in ("bool", "complex128") for var in inputs):
        return None
    if isinstance(op, ps.Abs | ps.Sign):
        return None if _is_positive(inputs[0]) else Site(inputs[0], None)
    if isinstance(op, _EXTREME):
        return Site(inputs[0], inputs[1])
    if isinstance(op, _ORDER):
        big, small = inputs if isinstance(op, ps.GT | ps.GE) else reversed(inputs)
        if (_is_positive(big) and is_constant(small, 0)) or (
            made_by(small, Sigmoid) and is_constant(big, 1)
        ):
            return None
        return Site(inputs[0], inputs[1])
    return None


def _is_positive(graph: Any) -> bool:
    """Whether a graph is an exponential, a logistic function or a square."""
    return made_by(graph, ps.Exp | Sigmoid | ps.Sqr)
