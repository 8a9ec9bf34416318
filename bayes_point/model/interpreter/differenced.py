"""Ops without a gradient, such as a likelihood in plain Python, are given one by differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.xtensor.type import XTensorType

__all__ = ["Differenced", "Slopes", "give_differences", "has_derivatives"]

# Steps of the differences, in units of the value: each four times the one before, so that the
# square, in which their error goes, is sixteen times.
_STEPS = 1e-2 * 4.0 ** np.arange(4, -3, -1)
_RATIO = 16.0
# A value smaller than this has steps of its own size: at zero there is no other scale.
_SMALL = 1e-3


class Differenced(Op):
    """An Op with a gradient by differences.

    Parameters
    ----------
    op : Op
        The Op that has none.
    wrt : tuple of int
        Which of its inputs the gradient is taken by.
    """

    __props__ = ("op", "wrt")

    def __init__(self, op: Op, wrt: tuple[int, ...]) -> None:
        self.op, self.wrt = op, wrt

    def make_node(self, *inputs: Any) -> Apply:
        """Return a node with the outputs that the Op has."""
        inner = self.op.make_node(*inputs)
        return Apply(self, inner.inputs, [out.type() for out in inner.outputs])

    def perform(self, node: Apply, inputs: Sequence[Any], outputs: Any) -> None:
        """Compute what the Op computes."""
        self.op.perform(node, inputs, outputs)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Say by which inputs there is a gradient."""
        return [[i in self.wrt] * len(node.outputs) for i in range(len(node.inputs))]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Any]
    ) -> list[Any]:
        """Return the graphs of the gradient by each input."""
        weights = [
            pt.zeros_like(out) if isinstance(weight.type, DisconnectedType) else weight
            for out, weight in zip(outputs, cotangents, strict=True)
        ]
        slopes = iter(Slopes(self, len(inputs))(*inputs, *weights, return_list=True))
        return [next(slopes) if i in self.wrt else DisconnectedType()() for i in range(len(inputs))]


class Slopes(Op):
    """The outputs of an Op, each times a weight, summed, and differentiated by its inputs."""

    __props__ = ("of", "n")

    def __init__(self, of: Differenced, n: int) -> None:
        self.of, self.n = of, n  # of the inputs, the first n are the Op's, the others weights

    def make_node(self, *inputs: Any) -> Apply:
        """Return a node with an output for each input that the gradient is taken by."""
        inputs = tuple(map(pt.as_tensor, inputs))
        return Apply(self, inputs, [inputs[i].type.clone(dtype="float64")() for i in self.of.wrt])

    def perform(self, node: Apply, inputs: Sequence[Any], outputs: Any) -> None:
        """Compute the gradients, one element after the other."""
        inner = self.of.op.make_node(*node.inputs[: self.n])
        arrays, weights = inputs[: self.n], inputs[self.n :]

        def total(which: int, array: NDArray) -> float:
            cells: list[list[Any]] = [[None] for _ in inner.outputs]
            at = [np.copy(one) for one in arrays]
            at[which] = array
            try:
                self.of.op.perform(inner, at, cells)
            except (ArithmeticError, ValueError):  # no value there: a smaller step
                return np.nan
            return float(
                sum(
                    np.sum(w * cell[0]) for w, cell in zip(weights, cells, strict=True) if np.any(w)
                )
            )

        for out, i in zip(outputs, self.of.wrt, strict=True):
            array = np.asarray(arrays[i], float)
            slopes = np.empty(array.shape)
            for index in np.ndindex(array.shape):
                slopes[index] = _slope(lambda moved, i=i: total(i, moved), array, index)
            out[0] = slopes


def _slope(function: Any, array: NDArray, index: tuple[int, ...]) -> float:
    """Return the derivative by one element, extrapolated to a step of zero.

    C. J. F. Ridders (1982), https://doi.org/10.1016/S0141-1195(82)80057-0
    """
    best, least = np.nan, np.inf
    before: list[float] = []
    for step in _STEPS * max(abs(float(array[index])), _SMALL):
        ends = []
        for sign in (1.0, -1.0):
            moved = array.copy()
            moved[index] += sign * step
            ends.append(function(moved))
        row = [(ends[0] - ends[1]) / (2 * step)]
        factor = _RATIO
        for k, old in enumerate(before):
            row.append((factor * row[k] - old) / (factor - 1))
            error = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - old))
            if error < least:
                best, least = row[k + 1], error
            factor *= _RATIO
        before = row
    return best


def has_derivatives(op: Op) -> bool:
    """Whether an Op says how it is differentiated."""
    return any(
        getattr(type(op), name) is not getattr(Op, name) for name in ("pullback", "L_op", "grad")
    )


def _is_smooth(var: Variable) -> bool:
    return str(getattr(var.type, "dtype", "")).startswith("float")


def give_differences(fgraph: FunctionGraph, x: Variable) -> None:
    """Replace Ops that have no gradient, and depend on `x`, by some that have one."""
    moves = {x}
    for node in fgraph.toposort():
        wrt = tuple(i for i, one in enumerate(node.inputs) if one in moves and _is_smooth(one))
        if any(one in moves for one in node.inputs):
            moves.update(node.outputs)
        # Operations on labelled arrays are differentiated as what they are lowered to, later.
        plain = not any(isinstance(one.type, XTensorType) for one in (*node.inputs, *node.outputs))
        smooth = plain and all(map(_is_smooth, node.outputs))
        if not wrt or not smooth or has_derivatives(node.op):
            continue
        new = Differenced(node.op, wrt)(*node.inputs, return_list=True)
        fgraph.replace_all_validate(list(zip(node.outputs, new, strict=True)))
        moves.update(new)
