"""A design in a graph: a term that sees some coordinates through one matrix product alone.

Where a log density is a sum over observations of functions of ``A @ x[i:j]``, its second derivative
by these coordinates is ``A' D A`` with D diagonal: one matrix product, as in iteratively reweighted
least squares (McCullagh and Nelder 1989, https://doi.org/10.1007/978-1-4899-3242-6).  Whether that
is so is read from the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import toposort
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.math import Dot
from pytensor.tensor.subtensor import Subtensor, get_constant_idx

from bayes_point.model.interpreter.compiling import NO_DERIVATIVE, NO_VALUE, gradient, simplified

__all__ = ["Design", "design_of", "weighted_product"]

Array = NDArray[np.float64]

# Elements of the rows of a design that are weighted together: they stay in the cache.  Of many
# columns at least half as many rows, or what is added to goes through memory more often than they.
_BLOCK = 100_000
# Of so few columns the root of the weights costs more than half of a product saves.
_FEW = 32


@dataclass(frozen=True)
class Design:
    """A matrix A and the coordinates x[start:stop] that it multiplies.

    Called with a row, it returns the second derivative by these coordinates.

    Attributes
    ----------
    matrix : ndarray, (n, stop - start)
        A.
    start, stop : int
        The coordinates.
    weights : callable
        From a row to the diagonal of D, (n,).
    """

    matrix: Array
    start: int
    stop: int
    weights: Callable[..., Any]

    def __call__(self, *row: Any) -> Array:
        """Return ``A' D A`` at a row; NaN where the term has no value."""
        try:
            with np.errstate(all="ignore"):
                (weights,) = self.weights(*row)
        except NO_VALUE:
            weights = np.nan
        least, most = np.min(weights), np.max(weights)
        if least == most:  # normal errors: the same matrix everywhere, but for a factor
            product: Array = most * self.gram
            return product
        return weighted_product(self.matrix, np.broadcast_to(weights, len(self.matrix)))

    @cached_property
    def gram(self) -> Array:
        """``A' A``, (stop - start, stop - start)."""
        matrix = np.asarray(self.matrix, dtype=float)
        gram: Array = matrix.T @ matrix
        return gram


def design_of(
    term: Variable, x: Variable, row: list[Variable], compile: Callable[..., Any]
) -> Design | None:
    """Return the design through which a term, a graph of `row`, sees most of `x`; None without."""
    best: tuple[Array, range, Variable] | None = None
    for node in toposort([term], blockers=[x]):
        found = _product(node, x)
        if found is None or (best is not None and len(found[1]) <= len(best[1])):
            continue
        weights = _weights(term, node.outputs[0], x, found[1], row)
        if weights is not None:
            best = *found, weights
    if best is None:
        return None
    matrix, places, weights = best
    return Design(matrix, places.start, places.stop, compile(row, [weights]))


def weighted_product(matrix: Array, weights: Array) -> Array:
    """Return ``matrix' diag(weights) matrix``, a block of rows at a time."""
    n, q = matrix.shape
    at_once = max(1, (_BLOCK if q > _FEW else _BLOCK // 4) // q, q // 2)
    out = np.zeros((q, q))
    for i in range(0, n, at_once):
        rows, w = matrix[i : i + at_once], weights[i : i + at_once, None]
        if q <= _FEW:
            out += rows.T @ (w * rows)
            continue
        root = rows * np.sqrt(np.abs(w))
        # NumPy knows a matrix times its own transpose, which takes half as long.
        if np.all(w >= 0):
            out += root.T @ root
        elif np.all(w <= 0):
            out -= root.T @ root
        else:
            out += root.T @ (np.sign(w) * root)
    return 0.5 * (out + out.T)


def _product(node: Any, x: Variable) -> tuple[Array, range] | None:
    """Return the matrix and the coordinates of which a node is the product, as a vector."""
    if not _moves(node, (0,)) or not _is(node.inputs[0], Dot):
        return None
    matrix, column = node.inputs[0].owner.inputs
    if not isinstance(matrix, Constant) or not _is(column, DimShuffle):
        return None
    places = _places(column.owner.inputs[0], x) if _moves(column.owner, (0, "x")) else None
    return None if places is None else (matrix.data, places)


def _moves(node: Any, order: tuple[Any, ...]) -> bool:
    return isinstance(node.op, DimShuffle) and tuple(node.op.new_order) == order


def _is(var: Variable, kind: type) -> bool:
    return var.owner is not None and isinstance(var.owner.op, kind)


def _places(var: Variable, x: Variable) -> range | None:
    """Return the coordinates that a piece of `x` consists of; None where that is not known."""
    size = int(x.type.shape[0])
    if var is x:
        return range(size)
    if not _is(var, Subtensor) or var.owner.inputs[0] is not x:
        return None
    try:
        (index,) = get_constant_idx(var.owner.op.idx_list, var.owner.inputs)
    except NotScalarConstantError:
        return None
    places = range(size)[index]
    places = places if isinstance(places, range) else range(places, places + 1)
    return places if places.step == 1 else None


def _weights(
    term: Variable, product: Variable, x: Variable, places: range, row: list[Variable]
) -> Variable | None:
    """Return the diagonal of the second derivative by a product; None if there is more to it."""
    free = product.clone()
    (apart,) = graph_replace([term], {product: free}, strict=True)
    if not _is_apart(apart, x, places):
        return None
    try:
        slope = simplified([*row, free], [gradient(apart, free)])[0]
        if not _is_elementwise(slope, free):
            return None
        curvature = gradient(slope.sum(), free)
    except NO_DERIVATIVE:
        return None
    (weights,) = graph_replace([curvature], {free: product}, strict=False)
    return weights


def _is_apart(graph: Variable, x: Variable, places: range) -> bool:
    """Whether a graph does not depend on some coordinates of `x`."""
    for node in toposort([graph], blockers=[x]):
        if x in node.inputs:
            others = _places(node.outputs[0], x)
            if others is None or not (others.stop <= places.start or places.stop <= others.start):
                return False
    return True


def _is_elementwise(graph: Variable, of: Variable) -> bool:
    """Whether each element of a graph depends on the same element of `of`, a vector, alone.

    As far as it can be differentiated: what is a truth value has no derivative.
    """
    on_the_way = {of}
    for node in toposort([graph], blockers=[of]):
        out = node.outputs[0]
        if out.type.dtype.startswith("float") and on_the_way.intersection(node.inputs):
            if not isinstance(node.op, Elemwise) or out.type.ndim != 1:
                return False
            on_the_way.add(out)
    return graph in on_the_way
