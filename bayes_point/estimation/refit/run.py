"""A refit in this process: chunk after chunk, with progress, and nothing lost by an interrupt."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from bayes_point.estimation.progress import can_draw
from bayes_point.estimation.refit.batch import Arrays, Refitter

__all__ = ["Chunk", "chunk_size_for", "run"]

# Bytes that the data and the results of a chunk may take together.
_BUDGET = 64 * 2**20
# Seconds that numba compiles for each operation of a graph; and how many times over that has to
# remain to be done, since what it makes is but some 1.5 times as fast as the interpreter here.
_COMPILE = 1.0
_WORTH = 4.0

_PACKAGE = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Chunk:
    """The results of data sets `start` to `stop`."""

    start: int
    stop: int
    results: Arrays


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
    first: int,
    n: int,
    chunk_size: int,
    progressbar: bool,
    finished: Callable[[Chunk], None],
) -> int:
    """Refit data sets `first` to `n`, handing over each chunk as it is finished.

    Returns
    -------
    int
        How many data sets are done: fewer than `n` after an interrupt from the keyboard.
    """
    done, interrupted = first, False
    try:
        with _progress(n, first, progressbar) as advance:
            while done < n and not interrupted:
                parts: list[Arrays] = []
                stop = done
                try:
                    for at in _blocks(done, min(done + chunk_size, n), refitter.block_size):
                        begin = time.perf_counter()
                        parts.append(_block(refitter, inputs, starts, at))
                        stop = at.stop
                        advance(at.stop - at.start)
                        each = (time.perf_counter() - begin) / (at.stop - at.start)
                        refitter = _compiled(refitter, each * (n - stop))
                except KeyboardInterrupt:
                    interrupted = True  # but what is finished is kept
                if parts:
                    results = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
                    finished(Chunk(done, stop, results))
                    done = stop
    except KeyboardInterrupt:
        interrupted = True
    if interrupted:
        warnings.warn(
            f"Interrupted: {done} of {n} data sets are done, and the result holds these.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )
    return done


def _block(
    refitter: Refitter,
    inputs: Mapping[str, NDArray],
    starts: NDArray[np.float64] | None,
    at: slice,
) -> Arrays:
    given = refitter.density.inputs
    rows = {name: given[name].batch(values[at]) for name, values in inputs.items()}
    return refitter.run(rows, None if starts is None else starts[at])


def _blocks(start: int, stop: int, size: int) -> Iterator[slice]:
    for i in range(start, stop, size):
        yield slice(i, min(i + size, stop))


def _compiled(refitter: Refitter, remaining: float) -> Refitter:
    """Return a compiled refitter where compiling takes far less than what remains, in seconds."""
    if refitter.task.backend is not None or find_spec("numba") is None:
        return refitter
    size = refitter.curvature.size
    if not size or remaining < _WORTH * _COMPILE * size:
        return refitter
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
