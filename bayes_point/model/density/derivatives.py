"""First derivatives of what a model computes, element by element: the Jacobian by the vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors

from bayes_point.model.density.density import LogDensity
from bayes_point.model.differences import central_difference
from bayes_point.model.interpreter.compiling import (
    NO_DERIVATIVE,
    SLOW_TO_DIFFERENTIATE,
    gradient,
    over_rows,
)

__all__ = ["Derivatives", "natural_derivatives"]

Array = NDArray[np.float64]

# Relative step of a difference of fourth order: rounding and truncation are both near 1e-12.
_STEP = 1e-3
# Directions are pushed forward together as long as the largest array stays near this size.
_ELEMENTS_AT_ONCE = 4_000_000


class Derivatives:
    """Arrays that a model computes from its unconstrained vector, and their derivatives.

    Parameters
    ----------
    density : LogDensity
        The model as functions of one vector.
    graphs : mapping of str to Variable
        Graphs of the model's value variables, each an array of any shape.
    """

    def __init__(self, density: LogDensity, graphs: Mapping[str, Any]) -> None:
        self.names = list(graphs)
        self._p = density.p
        self._compile = density.functions.compile
        self._x = density.graphs.x
        outputs = density.graphs.of_x(list(graphs.values()))
        if density.bound:
            constants = {
                density.inputs[name].variable: pt.constant(value)
                for name, value in density.bound.items()
            }
            outputs = graph_replace(outputs, constants, strict=False)
        self._outputs = [pt.as_tensor(out, allow_xtensor_conversion=True) for out in outputs]
        self._value: Callable | None = None
        self._push: Callable | None = None

    def values(self, x: Array) -> dict[str, NDArray]:
        """Return each array at one point `x`, (p,)."""
        if self._value is None:
            self._value = self._compile([self._x], self._outputs)
        return dict(zip(self.names, map(np.asarray, self._value(x)), strict=True))

    def jacobian(self, x: Array) -> dict[str, Array]:
        """Return the derivatives of each array at `x`, (p,), by the vector: (*shape, p)."""
        pushed = self.along(x, np.eye(self._p))
        return {name: np.moveaxis(rows, 0, -1) for name, rows in pushed.items()}

    def along(self, x: Array, directions: Array) -> dict[str, Array]:
        """Return the derivatives of each array at `x` along each row of `directions`, (k, p).

        Exact, or to ten digits where derivatives would be slow to build or do not exist as graphs.

        Returns
        -------
        dict of str to ndarray, (k, *shape)
        """
        if len(directions) == 0:  # discrete variables alone
            return {name: np.zeros((0, *out.shape)) for name, out in self.values(x).items()}
        if self._push is None:
            self._push = self._build()
        largest = max((out.size for out in self.values(x).values()), default=1)
        at_once = max(1, _ELEMENTS_AT_ONCE // max(largest, 1))
        with np.errstate(all="ignore"):
            parts = [
                self._push(x, directions[i : i + at_once])
                for i in range(0, len(directions), at_once)
            ]
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return dict(zip(self.names, arrays, strict=True))

    def _build(self) -> Callable:
        nodes = {var.owner.op for var in ancestors(self._outputs) if var.owner is not None}
        if any(isinstance(op, SLOW_TO_DIFFERENTIATE) for op in nodes):
            return self._differences
        try:
            return self._exact()
        except NO_DERIVATIVE:
            return self._differences

    def _exact(self) -> Callable:
        v = pt.vector("v", shape=(self._p,), dtype="float64")
        # What is a whole number or a truth does not change with the vector.
        smooth = [out for out in self._outputs if out.type.dtype.startswith("float")]
        pushed = dict(zip(smooth, self._pushed(smooth, v), strict=True))
        graphs = [
            pushed[out] if out in pushed else pt.zeros_like(out, dtype="float64")
            for out in self._outputs
        ]
        big_v = pt.matrix("V", shape=(None, self._p), dtype="float64")
        return self._compile([self._x, big_v], over_rows(graphs, [v], [big_v]))

    def _pushed(self, outputs: list[Any], v: Any) -> list[Any]:
        """Return the directional derivatives: twice a gradient (Towns 2017).

        PyTensor's own pushforward of several outputs is wrong where one is made from another.
        """
        weights = [out.type() for out in outputs]
        if not outputs:
            return []
        total = sum((out * weight).sum() for out, weight in zip(outputs, weights, strict=True))
        back = gradient((gradient(total, self._x) * v).sum(), weights)
        # What is left of the weights has no value: the first gradient is linear in them.
        zeros = {w: pt.zeros_like(out) for w, out in zip(weights, outputs, strict=True)}
        return graph_replace(back, zeros, strict=False)

    def _differences(self, x: Array, directions: Array) -> Sequence[Array]:
        """Return the same by differences, one direction after the other."""
        rows: list[list[Array]] = []
        for v in directions:
            moved = np.linalg.norm(v) + np.finfo(float).tiny
            h = _STEP * (1 + np.linalg.norm(x * (v != 0))) / moved
            far, near, back, far_back = (
                [np.asarray(out, float) for out in self.values(x + step * v).values()]
                for step in (2 * h, h, -h, -2 * h)
            )
            rows.append(
                [
                    central_difference(*four, h)
                    for four in zip(far, near, back, far_back, strict=True)
                ]
            )
        return [np.stack(part) for part in zip(*rows, strict=True)]


def natural_derivatives(density: LogDensity) -> Derivatives:
    """Return every free variable and Deterministic on the natural scale; made once a density."""
    key = ("natural derivatives", density.bound_key)

    def make() -> Derivatives:
        natural = density.graphs.natural
        graphs = density.graphs.frozen.replace_rvs_by_values(list(natural.values()))
        return Derivatives(density, dict(zip(natural, graphs, strict=True)))

    derivatives: Derivatives = density.functions.kept(key, make)
    return derivatives
