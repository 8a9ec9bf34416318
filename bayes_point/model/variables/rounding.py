"""Kinks of a graph rounded off: the absolute value of u becomes the root of u^2 + width^2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.graph.traversal import toposort
from pytensor.tensor.elemwise import Elemwise

from bayes_point.model.variables.edges import is_edge
from bayes_point.model.variables.kink_sites import site_of

__all__ = ["rounded_off"]


def rounded_off(graph: Any, row: Sequence[Any], widths: Mapping[Any, Any]) -> Any:
    """Return a graph of `row` with the kinks at some sites replaced by what is smooth.

    `widths` has the width of each site by its key; other sites stay as they are.
    """
    new: dict[Any, Any] = {}
    # What a comparison says, rounded off: from 0 to 1 as its argument goes through zero.
    steps: dict[Any, Any] = {}
    for node in toposort([graph], list(row)):
        inputs = [new.get(var, var) for var in node.inputs]
        site = site_of(node)
        width = None if site is None else widths.get(site.key)
        if width is not None:
            left, right = inputs[0], (inputs[1] if len(inputs) > 1 else pt.zeros(()))
            made = _rounded_site(node, left, right, width)
            if made is not None:
                new[node.outputs[0]] = made
                continue
            u = left - right
            up = 0.5 + 0.5 * u / pt.sqrt(u**2 + width**2)
            is_less = isinstance(node.op.scalar_op, ps.LT | ps.LE)
            steps[node.outputs[0]] = 1 - up if is_less else up
        made = _blended(node, inputs, steps)
        if made is not None:
            new[node.outputs[0]] = made
        elif any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
            clone = node.clone_with_new_inputs(inputs, strict=False)
            new.update(zip(node.outputs, clone.outputs, strict=True))
    return new.get(graph, graph)


def _rounded_site(node: Any, left: Any, right: Any, width: Any) -> Any:
    """Return the smooth form of an absolute value, a sign, a maximum or a minimum; else None."""
    op, u = node.op.scalar_op, left - right
    root = pt.sqrt(u**2 + width**2)
    if isinstance(op, ps.Abs):
        return root
    if isinstance(op, ps.Sign):
        return u / root
    if isinstance(op, ps.Maximum):
        return 0.5 * (left + right + root)
    if isinstance(op, ps.Minimum):
        return 0.5 * (left + right - root)
    return None


def _blended(node: Any, inputs: list[Any], steps: dict[Any, Any]) -> Any:
    """Return a switch, or a product with a comparison, with the steps that are smooth now."""
    if not isinstance(node.op, Elemwise) or not any(var in steps for var in node.inputs):
        return None
    op = node.op.scalar_op
    if isinstance(op, ps.Switch) and node.inputs[0] in steps:
        up, (yes, no) = steps[node.inputs[0]], inputs[1:]
        if is_edge(node):
            return None  # beyond it there is nothing to go over into
        return up * yes + (1 - up) * no
    if isinstance(op, ps.Mul | ps.Cast):
        known = [steps.get(var, new) for var, new in zip(node.inputs, inputs, strict=True)]
        return pt.mul(*known) if len(known) > 1 else known[0]
    return None
