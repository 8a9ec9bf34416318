"""From graphs of one row to a function of a batch of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from bayes_point.model.interpreter.compiling import NOT_VECTORISED, over_rows, rows_of

__all__ = ["Loop", "row_function"]

# Makes a function of graphs: of their inputs, and of the outputs.
Compile = Callable[[Sequence[Any], Sequence[Any]], Callable]


class Loop:
    """A function of one row, called for each row of a batch."""

    def __init__(self, function: Callable) -> None:
        self.function = function

    def __call__(self, *batches: NDArray) -> list[NDArray]:
        """Return what the function gives, row by row."""
        rows = [self.function(*map(np.asarray, row)) for row in zip(*batches, strict=True)]
        return [np.stack(parts) for parts in zip(*rows, strict=True)]


def row_function(
    compile_: Compile,
    row: Sequence[Any],
    graphs: Sequence[Any],
    make: Callable[..., list[Any]] | None = None,
    vectors: Sequence[int] = (),
    *,
    vectorised: bool = True,
) -> Callable:
    """Return a function of a batch: of what a row consists of, each with the rows first.

    Parameters
    ----------
    compile_ : callable
        Compiles inputs and outputs.
    row : sequence of TensorVariable
        What one row consists of: the vector x, then the inputs.
    graphs : sequence of TensorVariable
        Graphs of one row.
    make : callable, optional
        Makes the outputs of the graphs, of x and of the `vectors`: of one row, or of a batch, in
        which rows do not see one another, so that the gradient of their sum holds each row's own.
        By default the graphs are the outputs.
    vectors : sequence of int
        Lengths of more vectors, which the function takes after x.
    vectorised : bool
        Whether to run the graphs on the whole batch; where PyTensor cannot, or if not, the function
        loops over the rows.
    """

    def build(lead: tuple[None, ...]) -> Callable:
        x, *others = rows_of(row) if lead else row
        more = [pt.tensor(shape=(*lead, n), dtype="float64") for n in vectors]
        own = over_rows(graphs, row, [x, *others]) if lead else list(graphs)
        return compile_([x, *more, *others], make(own, x, *more) if make else own)

    if vectorised:
        try:
            return build((None,))
        except NOT_VECTORISED:
            pass  # it says only that this op has no batched form
    return Loop(build(()))
