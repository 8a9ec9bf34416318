"""PyTensor's interpreter, with less to do between one NumPy call and the next.

On small data an elementwise op takes NumPy a microsecond, and PyTensor's `Elemwise.perform` eight
more: it compares shapes, silences floating-point warnings, looks its function up and converts the
result, at every call.  All of that is the same from call to call, and is done once here.  So it is
with LAPACK's factors and solves.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.link.basic import PerformLinker
from pytensor.link.vm import VMLinker
from pytensor.scalar.basic import Cast
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    IncSubtensor,
    Subtensor,
    unflatten_index_variables,
)
from pytensor.tensor.utils import import_func_from_string

from bayes_point.model.interpreter.lapack import over_rows_by_lapack

__all__ = ["LeanLinker", "LeanStepLinker"]


class LeanLinker(PerformLinker):
    """PyTensor's linker for the interpreter, with ops that call NumPy and LAPACK directly."""

    def make_all(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `PerformLinker` makes, with leaner steps where that changes nothing."""
        run, inputs, outputs, thunks, order = super().make_all(*args, **kwargs)
        # `run` goes through this very list.
        thunks[:] = _all_lean(order, thunks)

        def quiet() -> Any:
            with np.errstate(all="ignore"):
                return run()

        vars(quiet).update(allow_gc=run.allow_gc, storage_map=run.storage_map)
        return quiet, inputs, outputs, thunks, order


class LeanStepLinker(VMLinker):
    """The same for the step of a loop, whose linker has to be one that updates its inputs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "use_cloop": False, "c_thunks": False})

    def make_vm(self, nodes: Any, thunks: Any, *args: Any) -> Any:
        """Return what `VMLinker` makes, with leaner steps."""
        return super().make_vm(nodes, _all_lean(nodes, thunks), *args)


def _all_lean(nodes: Sequence[Any], thunks: Sequence[Any]) -> list[Any]:
    """Return the steps, each a leaner one where that changes nothing."""
    # A lazy op asks whether what it needs was computed, which only PyTensor's own steps say.
    if any(thunk.lazy for thunk in thunks):
        return list(thunks)
    return [_lean(node, thunk) or thunk for node, thunk in zip(nodes, thunks, strict=True)]


def _lean(node: Any, thunk: Any) -> Callable[[], None] | None:
    """Return a step that does what `perform` does for this node, if one can."""
    op = node.op
    if len(node.outputs) > 1 or op.destroy_map:
        return None
    function: Callable[..., Any] | None = None
    if isinstance(op, Elemwise):
        function = _function(node)
    elif isinstance(op, Blockwise):
        function = over_rows_by_lapack(op.core_op, [var.type.dtype for var in node.inputs])
    elif isinstance(op, AdvancedIncSubtensor):
        function = _scatter(node)
    elif isinstance(op, CAReduce):
        function = _reduction(node)
    elif isinstance(op, DimShuffle):
        function = _shuffle(op)
    elif isinstance(op, Subtensor | IncSubtensor):
        function = _at_place(node)
    if function is None:
        return None
    out: list[Any] = thunk.outputs[0]
    is_scalar = node.outputs[0].type.ndim == 0
    cells = thunk.inputs
    if isinstance(op, Subtensor | IncSubtensor):
        cells = cells[: 1 + isinstance(op, IncSubtensor)]  # the place is known
    if len(cells) == 1 and not is_scalar:
        (only,) = cells

        def one() -> None:
            out[0] = function(only[0])

        step: Callable[[], None] = one
    elif len(cells) == 2 and isinstance(op, Elemwise) and not is_scalar:
        left, right = cells
        seen: set[Any] = set()

        def two() -> None:
            x, y = left[0], right[0]
            shapes = x.shape, y.shape
            if shapes not in seen:
                op._check_runtime_broadcast(node, (x, y))
                seen.add(shapes)
            out[0] = function(x, y)

        step = two
    else:
        known: set[Any] = set()
        check = getattr(op, "_check_runtime_broadcast", lambda node, values: None)

        def several() -> None:
            values = [cell[0] for cell in cells]
            shapes = tuple([value.shape for value in values])
            if shapes not in known:
                check(node, values)
                known.add(shapes)
            # A ufunc of arrays without axes gives a number.
            out[0] = np.asarray(function(*values)) if is_scalar else function(*values)

        step = several
    vars(step).update(inputs=thunk.inputs, outputs=thunk.outputs, lazy=False)
    return step


def _reduction(node: Any) -> Callable[..., Any] | None:
    """Return a reduction that makes no copy first, where it is in the type of what it reduces."""
    op, dtype = node.op, node.outputs[0].type.dtype
    if {node.inputs[0].type.dtype, op.acc_dtype or dtype} != {dtype}:
        return None
    return partial(op.ufunc.reduce, axis=op.axis, dtype=dtype)


def _shuffle(op: DimShuffle) -> Callable[..., Any] | None:
    """Return a view with axes in another order, and new ones, where none is dropped."""
    order = [axis for axis in op.new_order if axis != "x"]
    if op.drop:
        return None
    index = tuple(None if axis == "x" else slice(None) for axis in op.new_order)
    if order == sorted(order):
        return operator.itemgetter(index)
    return lambda x: x.transpose(order)[index]


def _at_place(node: Any) -> Callable[..., Any] | None:
    """Return what takes a part of an array, or adds to it, at a place that is a constant."""
    op = node.op
    numbers = node.inputs[1 + isinstance(op, IncSubtensor) :]
    if not all(isinstance(number, Constant) for number in numbers):
        return None
    index = tuple(unflatten_index_variables([int(n.data) for n in numbers], op.idx_list))
    if isinstance(op, Subtensor):
        return operator.itemgetter(index)
    sets = op.set_instead_of_inc

    def changed(x: Any, y: Any) -> Any:
        x = x.copy()
        if sets:
            x[index] = y
        else:
            x[index] += y
        return x

    return changed


def _scatter(node: Any) -> Callable[..., Any] | None:
    """Return what adds to columns of rows by their number, where that is what a node does.

    That is the gradient of a gather, an effect to each of its observations; `numpy.add.at` takes
    ten times as long.
    """
    op, (x, y, *index) = node.op, node.inputs
    if op.set_instead_of_inc or op.ignore_duplicates or len(index) != 1:
        return None
    is_by_column = op.idx_list in ((slice(None), 0), (0,)) and len(op.idx_list) == x.type.ndim
    of_numbers = x.type.dtype == y.type.dtype == "float64" and index[0].type.dtype != "bool"
    if not (is_by_column and of_numbers and index[0].type.ndim == 1):
        return None

    def add(x: Any, y: Any, index: Any) -> Any:
        n = x.shape[-1]
        if index.size and index.min() < 0:
            index = np.where(index < 0, index + n, index)
        if index.size and not (index.min() >= 0 and index.max() < n):
            raise IndexError(f"An index is out of bounds for an axis of size {n}.")
        rows = np.broadcast_to(y, (*x.shape[:-1], len(index))).reshape(-1, len(index))
        sums = [np.bincount(index, row, n) for row in rows]
        return x + np.array(sums).reshape(x.shape)

    return add


def _function(node: Any) -> Callable[..., Any] | None:
    """Return the function that `Elemwise.perform` would call, if its result needs no conversion."""
    op, dtypes = node.op, [var.type.dtype for var in node.inputs]
    function: Callable[..., Any]
    # Of more than 31 arguments, as a sum of as many terms has, PyTensor looks none up.
    ufunc = import_func_from_string(op.nfunc_spec[0]) if op.nfunc_spec else None
    if ufunc and len(dtypes) == op.nfunc_spec[1]:
        function = ufunc
    elif isinstance(ufunc, np.ufunc) and ufunc.nin == 2 and len(dtypes) > 2:

        def function(*values: Any) -> Any:
            return reduce(ufunc, values)
    elif isinstance(op.scalar_op, Cast) and hasattr(node.tag, "ufunc"):
        function = node.tag.ufunc
    else:
        return None
    tried = [np.ones((1,), dtype) for dtype in dtypes]
    with np.errstate(all="ignore"):
        result = function(*tried)
    is_new = isinstance(result, np.ndarray) and not any(np.shares_memory(result, a) for a in tried)
    return function if is_new and result.dtype == node.outputs[0].type.dtype else None
