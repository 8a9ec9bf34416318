"""Value, gradient and Hessian of many small problems at once, in one pass over one graph.

`LogDensity` serves any model; this serves the case where one model is put to thousands of data
sets, and every iteration of a Newton search needs all three.  What they have in common is computed
once, the Hessian is written out column by column instead of by products with unit vectors, and
everything is laid out with the batch last, so that NumPy's inner loops run over it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.scalar as ps
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Sum

from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.compiling import (
    BEFORE_DERIVATIVES,
    NO_DERIVATIVE,
    gradient,
    over_rows,
    rows_of,
)
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.interpreter.simpler import constant_designs, is_constant, simpler

__all__ = ["Curvature"]

Array = NDArray[np.float64]

# With more coordinates the Hessian, column by column, is a graph that takes long to build.
MOST_COORDINATES = 24
# Rewrites that compiled modes make and the interpreter's own does not: with them a sum over the
# data of (y - mu)^2 / sigma^2 divides once a data set.
_SIMPLER = ("canonicalize", "specialize")
# Rewrites before the constants of a regression are looked for in its second derivatives.
_CONSTANTS = ("ShapeOpt", "canonicalize", "local_elemwise_alloc", "local_fill_to_alloc")
# Elements of one row up to which NumPy is faster along the batch than along the row.
_NARROW = 64


class Curvature:
    """The weighted sum of terms of a density, with its derivatives, batch last.

    Parameters
    ----------
    density : LogDensity
        The terms; its inputs are this one's.
    terms : sequence of str
        Which of them.
    """

    def __init__(self, density: LogDensity, terms: Sequence[str]) -> None:
        self.density, self.terms, self.p = density, tuple(terms), density.p
        self._functions: dict[str, Callable] = {}
        self._has_derivatives = True

    @property
    def is_direct(self) -> bool:
        """Whether the whole is one graph; if not, the density's own functions do the work."""
        if self.density.is_integral or self.p > MOST_COORDINATES or not self._has_derivatives:
            return False
        return self.density.functions.is_vectorised

    @property
    def size(self) -> int:
        """Number of operations of the graph, as far as it has been made."""
        function: Any = self._functions.get("all")
        return 0 if function is None else len(function.maker.fgraph.apply_nodes)

    def data(self, inputs: Mapping[str, NDArray]) -> list[NDArray]:
        """Lay out the inputs as the functions like them best."""
        out = []
        for name, one in self.density.inputs.items():
            rows = inputs[name]
            narrow = one.own.size <= _NARROW and self.density.functions.mode is INTERPRETED
            out.append(np.asfortranarray(rows) if narrow else np.ascontiguousarray(rows))
        return out

    def value(self, x: Array, data: Sequence[NDArray], weights: Array) -> Array:
        """Return the value, (batch,), at `x`, (p, batch)."""
        if not self.is_direct:
            rows = self.density.evaluate(x.T, self.terms, self._named(data))[0]
            return rows @ weights
        with np.errstate(all="ignore"):
            return self._compiled("value", self._value)(*self._pieces(x), *data, *weights)[0]

    def all(self, x: Array, data: Sequence[NDArray], weights: Array) -> tuple[Array, Array, Array]:
        """Return value, (batch,), gradient, (p, batch), and Hessian, (p, p, batch)."""
        p, batch = x.shape
        if not self.is_direct:
            rows, slopes = self.density.evaluate(x.T, self.terms, self._named(data))
            curved = self.density.hessian(x.T, self.terms, self._named(data))
            return (
                rows @ weights,
                np.einsum("btp,t->pb", slopes, weights),
                np.einsum("btpq,t->pqb", curved, weights),
            )
        try:
            function = self._compiled("all", self._all)
        except NO_DERIVATIVE:
            # A Bessel function, say, has a first one only: the density has differences for that.
            self._has_derivatives = False
            return self.all(x, data, weights)
        with np.errstate(all="ignore"):
            out = function(*self._pieces(x), *data, *weights)
        value, *parts = out
        n = len(self._sizes)
        gradient = np.empty((p, batch))
        for part, place in zip(parts[:n], self._places, strict=True):
            gradient[place] = part.T
        hessian = np.empty((p, p, batch))
        rows = iter(parts[n:])
        for a, place in enumerate(self._places):
            for i in range(place.start, place.stop):
                for other in self._places[a:]:
                    hessian[i, other] = next(rows).T
                    hessian[other, i] = hessian[i, other]
        return value, gradient, hessian

    # ------------------------------------------------------------------------------- private

    def _named(self, data: Sequence[NDArray]) -> dict[str, NDArray]:
        return dict(zip(self.density.inputs, data, strict=True))

    @cached_property
    def _sizes(self) -> list[int]:
        return [int(np.prod(shape, dtype=int)) for shape in self.density.graphs.shapes]

    @cached_property
    def _places(self) -> list[slice]:
        ends = np.cumsum([0, *self._sizes])
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]

    def _pieces(self, x: Array) -> list[Array]:
        """Cut the vectors into one array for each variable."""
        return [
            x[place].T if shape else x[place.start]
            for shape, place in zip(self.density.graphs.shapes, self._places, strict=True)
        ]

    def _compiled(self, kind: str, build: Callable) -> Callable:
        if kind not in self._functions:
            self._functions[kind] = build()
        return self._functions[kind]

    def _graph(self) -> tuple[list[Any], list[Any], Any]:
        """Return the pieces of the vectors, all inputs, and the sum of the terms, (batch,)."""
        graphs = self.density.graphs
        shapes = graphs.shapes
        row = [
            pt.tensor(shape=(size,) if shape else (), dtype="float64")
            for shape, size in zip(shapes, self._sizes, strict=True)
        ]
        shaped = [
            piece.reshape(shape) if len(shape) > 1 else piece
            for piece, shape in zip(row, shapes, strict=True)
        ]
        values = graphs.as_values(shaped)
        row += [one.variable for one in graphs.inputs.values()]
        terms = graphs.of([graphs.term_of_values(term) for term in self.terms], values, row)
        rows = rows_of(row)
        weights = [pt.dscalar(term) for term in self.terms]
        parts = over_rows(terms, row, rows)
        # The commonest case, one term of weight one, is spared the multiplication.
        total = sum((w * part for w, part in zip(weights, parts, strict=True)), start=pt.zeros(()))
        if self.terms == ("likelihood",):
            total = parts[0]
        fgraph = FunctionGraph([*rows, *weights], [total], clone=True, copy_inputs=False)
        with interpreting():
            for _ in range(2):
                rewrite_graph(fgraph, include=BEFORE_DERIVATIVES, clone=False)
                simpler.rewrite(fgraph)
            rewrite_graph(fgraph, include=BEFORE_DERIVATIVES, clone=False)
        return rows[: len(shapes)], [*rows, *weights], fgraph.outputs[0]

    def _value(self) -> Callable:
        _, inputs, total = self._graph()
        return self._function(inputs, [total])

    def _all(self) -> Callable:
        pieces, inputs, total = self._graph()
        slopes = [gradient(_where_finite(total).sum(), piece) for piece in pieces]
        fgraph = FunctionGraph(inputs, [total, *slopes], clone=True, copy_inputs=False)
        with interpreting():
            rewrite_graph(fgraph, include=("ShapeOpt", "canonicalize"), clone=False)
        total, *slopes = fgraph.outputs
        hessian = []
        for a, slope in enumerate(slopes):
            # By a product with a constant row, not an index: what it is in the graph of the second
            # derivative can be worked out beforehand.
            rows = [1.0] if slope.type.ndim == 1 else np.eye(self._sizes[a])
            for row in rows:
                hessian += [gradient((slope * row).sum(), piece) for piece in pieces[a:]]
        fgraph = FunctionGraph(inputs, [total, *slopes, *hessian], clone=True, copy_inputs=False)
        with interpreting():
            for _ in range(3):
                rewrite_graph(fgraph, include=_CONSTANTS, clone=False)
                constant_designs.rewrite(fgraph)
        return self._function(inputs, fgraph.outputs)

    def _function(self, inputs: list[Any], outputs: list[Any]) -> Callable:
        functions = self.density.functions
        return functions.compile(inputs, outputs, _SIMPLER if functions.mode is INTERPRETED else ())


def _where_finite(total: Any) -> Any:
    """Leave out every "minus infinity if not" through which a row's total is not finite anyway.

    The derivatives of a row whose value is not finite are not looked at, and without the checks
    there is far less to differentiate.
    """
    node = total.owner
    if node is None:
        return total
    inputs = list(node.inputs)
    op = node.op
    if isinstance(op, Sum | DimShuffle):
        return op(_where_finite(inputs[0]))
    if not isinstance(op, Elemwise):
        return total
    if isinstance(op.scalar_op, ps.Switch):
        condition, yes, no = inputs
        if is_constant(yes, -np.inf):
            return _like(_where_finite(no), total)
        if is_constant(no, -np.inf):
            return _like(_where_finite(yes), total)
        return op(condition, _where_finite(yes), _where_finite(no))
    if isinstance(op.scalar_op, ps.Add | ps.Sub | ps.Mul | ps.Neg):
        return op(*map(_where_finite, inputs))
    return total


def _like(graph: Any, other: Any) -> Any:
    """Broadcast `graph` to the shape of `other`, which a switch may have given it."""
    same = graph.type.broadcastable == other.type.broadcastable
    return graph if same else pt.second(other, graph)
