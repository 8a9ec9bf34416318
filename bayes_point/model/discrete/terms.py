"""All that a log density is the sum of, term by term, at given values of its discrete variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.replace import graph_replace, vectorize_graph

from bayes_point.model.density.building import building
from bayes_point.model.density.density import LogDensity
from bayes_point.model.rows import row_function

__all__ = ["Terms"]

Array = NDArray[np.float64]

# Joint values up to which the graph is written once for each, and graphs that this makes; beyond,
# vectorised over them.
_WRITTEN_OUT, _MOST_GRAPHS = 16, 64


class Terms:
    """The terms of the density, those of each variable one after the other, flat.

    Parameters
    ----------
    density : LogDensity
        The density, of whose inputs the discrete variables are.
    names : sequence of str
        These variables.

    Attributes
    ----------
    variables : list of TensorVariable
        The observed variables, the potentials, the discrete ones and the other free ones.
    sizes : list of int
        How many terms each of them has.
    """

    def __init__(self, density: LogDensity, names: Sequence[str]) -> None:
        frozen = density.graphs.frozen
        self._density, self._names = density, tuple(names)
        self.own = [frozen[name] for name in names]
        self.free = [rv for rv in frozen.free_RVs if rv not in self.own]
        self.data = [*frozen.observed_RVs]
        self.potentials = [*frozen.potentials]
        self.variables = [*self.data, *self.potentials, *self.own, *self.free]
        with building():
            graphs = frozen.logp(vars=self.variables, jacobian=False, sum=False)
            self.graphs = [
                pt.atleast_1d(pt.as_tensor(one, allow_xtensor_conversion=True)).ravel()
                for one in graphs
            ]
        shapes = [one.shape[1:] for one in self._at(np.zeros((1, density.p)), {})]
        self.sizes = [int(shape[0]) for shape in shapes]
        self.starts = np.cumsum([0, *self.sizes])

    @property
    def n(self) -> int:
        """Number of terms."""
        return int(self.starts[-1])

    def at(self, x: Array, values: dict[str, NDArray]) -> Array:
        """Return the terms at one point, (p,), and at rows of values: (rows, n)."""
        rows = len(next(iter(values.values())))
        with np.errstate(all="ignore"):
            found = self._at(np.broadcast_to(x, (rows, len(x))), values)
        return np.concatenate(found, axis=1)

    def _at(self, x: Array, values: dict[str, NDArray]) -> list[NDArray]:
        inputs, bound = self._density.inputs, self._density.bound
        rows = [
            one.batch(values[name])
            if name in values
            else np.repeat(bound.get(name, one.own)[None], len(x), axis=0)
            for name, one in inputs.items()
        ]
        found: list[NDArray] = self._function(np.ascontiguousarray(x), *rows)
        return found

    @cached_property
    def _function(self) -> Callable:
        graphs, functions = self._density.graphs, self._density.functions
        with building():
            return row_function(functions.compile, graphs.row, graphs.of_x(self.graphs))

    def graphs_at(self, values: dict[str, NDArray]) -> list[Any]:
        """Return graphs of the terms of each variable at rows of values, (rows, size)."""
        inputs = {name: self._density.inputs[name].variable for name in self._names}
        dtype = {name: variable.type.dtype for name, variable in inputs.items()}
        rows = len(next(iter(values.values())))
        if rows > _WRITTEN_OUT or rows * len(self.graphs) > _MOST_GRAPHS:
            each = {
                inputs[name]: pt.constant(part.astype(dtype[name])) for name, part in values.items()
            }
            whole = vectorize_graph(self.graphs, each)
            return [
                one if one.type.ndim > 1 else pt.broadcast_to(one, (rows, size))
                for one, size in zip(whole, self.sizes, strict=True)
            ]
        written = [
            graph_replace(
                self.graphs,
                {inputs[k]: pt.constant(part[row].astype(dtype[k])) for k, part in values.items()},
                strict=False,
            )
            for row in range(rows)
        ]
        return [pt.stack(list(parts)) for parts in zip(*written, strict=True)]
