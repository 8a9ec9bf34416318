"""A refit in this process: chunk after chunk, with progress, and nothing lost by an interrupt."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.progress import (
    WHAT_TO_DO,
    Deadline,
    OutOfTime,
    can_draw,
    stopped_after,
)
from bayes_point.estimation.refit.batch import Arrays, Refitter
from bayes_point.estimation.refit.spans import Span, chunks
from bayes_point.estimation.refit.task import NOT_DONE

__all__ = ["chunk_size_for", "leading", "run"]

# Bytes that the data and the results of a chunk may take together.
_BUDGET = 64 * 2**20
# Data sets in the first block where the time is limited.
_FIRST = 8
# Seconds that numba compiles for each operation of a graph; and how many times over that has to
# remain to be done, since what it makes is but some 1.5 times as fast as the interpreter here.
_COMPILE = 1.0
_WORTH = 4.0

_PACKAGE = str(Path(__file__).parents[2])


def chunk_size_for(refitter: Refitter) -> int:
    """Return how many data sets fit into the memory that a chunk may take."""
    results = sum(int(np.prod(shape, dtype=int)) for shape in refitter.shapes.values())
    given = sum(one.own.size for one in refitter.density.inputs.values())
    return max(1, _BUDGET // (8 * (results + 4 * given)))


def run(
    refitter: Refitter,
    inputs: Mapping[str, NDArray],
    starts: NDArray[np.float64] | None,
    *,
    out: Arrays,
    todo: Sequence[Span],
    chunk_size: int,
    compiled_from: int | None,
    progressbar: bool,
    finished: Callable[[Span, int | None], object],
    deadline: Deadline,
    growing: bool,
) -> None:
    """Refit data sets, chunk after chunk, into `out`; an interrupt keeps what is finished.

    So does the end of the time, which is looked for at each evaluation of what takes long.

    Chunks and the blocks in them end where they would without any earlier stop, and each block is
    compiled or not as it was then: that way its numbers are the same to the last bit.

    Parameters
    ----------
    refitter : Refitter
        What refits a block.
    inputs, starts : arrays
        Of all data sets.
    out : dict of str to ndarray
        The results of all data sets; those of `todo` are filled in.
    todo : sequence of Span
        The data sets to be refitted.
    chunk_size : int
        Data sets that are handed over together.
    compiled_from : int or None
        The data set from which on the density is compiled; None where that is not decided.
    progressbar : bool
        Whether to show progress.
    finished : callable
        Is told which data sets are in `out` now, and from which on the density is compiled.
    deadline : Deadline
        When to stop.
    growing : bool
        Whether the first blocks are small, so that something is finished early.
    """
    n, left = len(out["status"]), sum(map(len, todo))
    compiled: Refitter | None = None
    refitter.deadline = deadline
    why = ""
    # Of the quickest block, in seconds of the processor: to make ready is in the first one's, and
    # what else the machine does would be in the clock's.
    each, blocks = np.inf, 0
    try:
        with _progress(n, n - left, progressbar) as advance:
            for span in chunks(todo, chunk_size):
                done = span.start
                try:
                    for at in _blocks(span, refitter.block_size, _FIRST if growing else None):
                        if deadline.is_over:
                            raise OutOfTime
                        begin = time.process_time()
                        use = refitter
                        if compiled_from is not None and at.start >= compiled_from:
                            use = compiled = compiled or _compiled(refitter)
                            use.deadline = deadline
                        for name, rows in _block(use, inputs, starts, at.slice).items():
                            out[name][at.slice] = rows
                        done = at.stop
                        left -= len(at)
                        advance(len(at))
                        each = min(each, (time.process_time() - begin) / len(at))
                        blocks += 1
                        remaining = min(each * left, deadline.left)
                        if compiled_from is None and blocks > 1 and _pays(refitter, remaining):
                            compiled_from = done
                except KeyboardInterrupt:
                    why = "Interrupted"  # but what is finished is kept
                except OutOfTime:
                    why = stopped_after(deadline)
                if done > span.start:
                    finished(Span(span.start, done), compiled_from)
                if why:
                    break
    except KeyboardInterrupt:
        why = "Interrupted"
    if why:
        _tell(out["status"], why)


def _tell(status: NDArray, why: str) -> None:
    n, done = len(status), int(np.sum(status != NOT_DONE))
    held = leading(status)
    holds = "these" if held == done else f"the first {held}; the store has all of them"
    advice = "" if why == "Interrupted" else f" {WHAT_TO_DO}"
    warnings.warn(
        f"{why}: {done} of {n} data sets are done, and the result holds {holds}.{advice}",
        EstimationWarning,
        skip_file_prefixes=(_PACKAGE,),
    )


def leading(status: NDArray) -> int:
    """Return how many data sets are done before the first that is not."""
    undone = np.flatnonzero(status == NOT_DONE)
    return int(undone[0]) if undone.size else len(status)


def _block(
    refitter: Refitter,
    inputs: Mapping[str, NDArray],
    starts: NDArray[np.float64] | None,
    at: slice,
) -> Arrays:
    given = refitter.density.inputs
    rows = {name: given[name].batch(values[at]) for name, values in inputs.items()}
    return refitter.run(rows, None if starts is None else starts[at])


def _blocks(span: Span, size: int, first: int | None) -> Iterator[Span]:
    """Cut a span into blocks of a size; where there is a `first` one each is twice the last."""
    i, step = span.start, min(size, first or size)
    while i < span.stop:
        yield Span(i, min(i + step, span.stop))
        i, step = i + step, min(2 * step, size)


def _pays(refitter: Refitter, remaining: float) -> bool:
    """Whether compiling takes far less than what remains to be done, in seconds."""
    if refitter.task.backend is not None or find_spec("numba") is None:
        return False
    size = refitter.curvature.size
    return size > 0 and remaining >= _WORTH * _COMPILE * size


def _compiled(refitter: Refitter) -> Refitter:
    return type(refitter)(refitter.model, replace(refitter.task, backend="numba"))


@contextmanager
def _progress(n: int, done: int, show: bool) -> Iterator[Callable[[int], Any]]:
    """Yield what is told how many data sets more are done; a bar in the manner of `pm.sample`."""
    console = Console()
    with Progress(
        TextColumn("Refitting"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("/"),
        TimeRemainingColumn(),
        console=console,
        disable=not (show and can_draw(console)),
    ) as bar:
        task = bar.add_task("", total=n, completed=done)
        yield lambda more: bar.update(task, advance=more)
