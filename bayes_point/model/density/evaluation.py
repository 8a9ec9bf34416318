"""Functions put to batches: in chunks that fit in memory, a row without a value as NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.model.interpreter.compiling import NO_VALUE

__all__ = ["evaluate", "products_at", "quiet", "widest"]

Array = NDArray[np.float64]

# Rows of a batch are evaluated together as long as the largest array stays near this many
# elements, which stay in the cache: larger batches gain nothing from vectorisation.
_ELEMENTS_AT_ONCE = 60_000


def evaluate(
    function: Callable,
    shapes: Sequence[tuple[int, ...]],
    batches: Sequence[NDArray],
    largest: int,
) -> list[NDArray]:
    """Return a function of a batch.

    Parameters
    ----------
    function : callable
        Takes the batches and returns arrays with as many rows.
    shapes : sequence of tuple of int
        The shape of one row of each of these.
    batches : sequence of ndarray
        Its arguments, row by row.
    largest : int
        Elements of the largest array that one row needs.
    """
    at_once = max(1, _ELEMENTS_AT_ONCE // max(largest, 1))
    chunks = [
        _rowwise(function, shapes, [np.ascontiguousarray(a[i : i + at_once]) for a in batches])
        for i in range(0, len(batches[0]), at_once)
    ]
    if len(chunks) == 1:
        return chunks[0]
    return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]


def products_at(
    columns: Callable, x: Array, axes: Array, inputs: Sequence[NDArray], largest: int
) -> list[Array]:
    """Return Hessians at one point, (p,), times many vectors, as many at a time as fit in memory.

    Parameters
    ----------
    columns : callable
        Takes the point, some vectors and the inputs; returns products with the Hessian of each
        term, (vector, p).
    x : ndarray, (p,)
        The point.
    axes : ndarray, (k, p)
        The vectors.
    inputs : sequence of ndarray
        The inputs of this one row.
    largest : int
        Elements of the largest array that one column needs.

    Returns
    -------
    list of ndarray, (k, p)
        Of each term.
    """
    at_once = max(1, _ELEMENTS_AT_ONCE // max(largest, 1))
    with quiet():
        try:
            parts = [
                columns(x, axes[i : i + at_once], *inputs) for i in range(0, len(axes), at_once)
            ]
        except NO_VALUE:
            return [np.full_like(axes, np.nan)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def widest(function: Callable) -> int:
    """Return the elements, for one row, of the largest array that a compiled function makes.

    As far as shapes are known: the rows of a batch are not, and count once.
    """
    compiled: Any = getattr(function, "function", function)
    shapes = [
        out.type.shape
        for node in compiled.maker.fgraph.apply_nodes
        for out in node.outputs
        if hasattr(out.type, "shape")
    ]
    return max((math.prod(n for n in shape if n is not None) for shape in shapes), default=1)


def quiet() -> Any:
    """NumPy's floating-point warnings off: overflow far from the optimum is expected."""
    return np.errstate(all="ignore")


def _rowwise(
    function: Callable, shapes: Sequence[tuple[int, ...]], args: list[NDArray]
) -> list[NDArray]:
    """Call on a batch; if a row makes it raise, call row by row and give that row NaN."""
    n = len(args[0])
    with quiet():
        try:
            return [np.asarray(out) for out in function(*args)]
        except NO_VALUE:
            if n == 1:
                return [np.full((1, *shape), np.nan) for shape in shapes]
        rows = [_rowwise(function, shapes, [a[i : i + 1] for a in args]) for i in range(n)]
    return [np.concatenate(parts) for parts in zip(*rows, strict=True)]
