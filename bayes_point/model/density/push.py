"""Natural-scale values of a batch, with how they change along given directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import NullTypeGradError, pushforward
from pytensor.graph.utils import MethodNotDefined

from bayes_point.model.density.density import LogDensity
from bayes_point.model.differences import central_difference
from bayes_point.model.rows import row_function

__all__ = ["NaturalPush"]

Array = NDArray[np.float64]

# What PyTensor raises where an op has no derivative, or cannot be vectorised.
_NOT_AS_A_GRAPH = (
    MethodNotDefined,
    NullTypeGradError,
    NotImplementedError,
    TypeError,
    ValueError,
    AssertionError,
)
# Step of a difference of fourth order, along directions of about one standard error.
_STEP = 1e-3


class NaturalPush:
    """Free variables and Deterministics of a batch, and their variances by the delta method.

    Parameters
    ----------
    density : LogDensity
        The model.
    names : sequence of str
        Which variables.
    """

    def __init__(self, density: LogDensity, names: Sequence[str]) -> None:
        self.density, self.names = density, list(names)
        self.shapes = {name: density.natural_shapes[name] for name in names}
        self._function: Callable | None = None
        self._is_graph = True

    def values(self, x: Array, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Return the variables at `x`, (batch, p): each (batch, *shape)."""
        natural = self.density.own_natural(x, inputs)
        return {name: natural[name] for name in self.names}

    def variances(
        self, x: Array, directions: Array, inputs: Mapping[str, NDArray]
    ) -> dict[str, Array]:
        """Return the sum of squares of the derivatives along `directions`, (k, batch, p).

        These are variances where the outer products of the directions sum to a covariance.  What
        is not a floating-point number has none: NaN.
        """
        total: dict[str, Array] = {}
        for direction in directions:
            for name, change in self._along(x, direction, inputs).items():
                square = np.square(change)
                total[name] = total[name] + square if name in total else square
        return total

    def _along(
        self, x: Array, direction: Array, inputs: Mapping[str, NDArray]
    ) -> dict[str, NDArray]:
        if self._function is None and self._is_graph:
            try:
                self._function = self._build()
            except _NOT_AS_A_GRAPH:
                self._is_graph = False
        if self._function is None:
            return self._differences(x, direction, inputs)
        shapes = list(self.shapes.values())
        out = self.density.call(self._function, shapes, [x, direction], inputs)
        return dict(zip(self.names, out, strict=True))

    def _build(self) -> Callable:
        density = self.density
        x, *given = density.graphs.row
        v = pt.vector("v", shape=(density.p,), dtype="float64")
        changes = [
            pushforward(graph, x, v, disconnected_outputs="ignore", return_disconnected="zero")
            if graph.type.dtype.startswith("float")
            else pt.full_like(graph, np.nan, dtype="float64")
            for graph in density.graphs.natural_of_x(self.names)
        ]
        return row_function(density.functions.compile, [x, v, *given], changes)

    def _differences(
        self, x: Array, direction: Array, inputs: Mapping[str, NDArray]
    ) -> dict[str, NDArray]:
        far, near, back, far_back = (
            self.values(x + step * _STEP * direction, inputs) for step in (2, 1, -1, -2)
        )
        return {
            name: central_difference(far[name], near[name], back[name], far_back[name], _STEP)
            if far[name].dtype.kind == "f"
            else np.full(far[name].shape, np.nan)
            for name in self.names
        }
