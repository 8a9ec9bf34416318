"""Progress bars: drawn on a terminal or in a notebook; into a pipe or a file nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bayes_point.estimation.objective import Objective

__all__ = ["SearchBar", "can_draw", "search_bar", "tracked"]

Array = NDArray[np.float64]

# Seconds after which a search is long enough to be watched.
_PATIENCE = 1.0


def can_draw(console: Console) -> bool:
    """Whether what moves can be shown there."""
    return console.is_terminal or console.is_jupyter


class SearchBar:
    """Shows what one search does, how often it looked, and the best log density so far.

    A bar in the manner of `pm.find_MAP`, drawn once the search takes longer than a second.
    """

    def __init__(self, name: str, console: Console) -> None:
        self._began = time.perf_counter()
        self._best = -np.inf
        self._evaluations = 0
        self._phase = "searching"
        self._shown = False
        self._bar = Progress(
            TextColumn(f"{name}: {{task.fields[phase]}}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} evaluations"),
            TextColumn("log density {task.fields[best]:.6g}"),
            TimeElapsedColumn(),
            console=console,
            disable=not can_draw(console),
        )
        self._task = self._bar.add_task("", total=None, phase=self._phase, best=np.nan)

    def tell(self, values: Array) -> None:
        """Count points at which the objective was looked at."""
        self._evaluations += len(values)
        self._best = max(
            self._best, float(np.max(values, where=np.isfinite(values), initial=-np.inf))
        )
        if not self._shown and time.perf_counter() - self._began > _PATIENCE:
            self._shown = True
            self._bar.start()
        if self._shown:
            self._update()

    def announce(self, phase: str) -> None:
        """Say what is done now."""
        self._phase = phase
        if self._shown:
            self._update()

    def close(self) -> None:
        """End the bar, if it was drawn."""
        if self._shown:
            self._bar.stop()

    def _update(self) -> None:
        self._bar.update(
            self._task, completed=self._evaluations, phase=self._phase, best=self._best
        )


@contextmanager
def search_bar(
    objective: Objective, name: str, show: bool, console: Console | None = None
) -> Iterator[Objective]:
    """Yield the objective, watched by a bar if one is to be shown."""
    if not show:
        yield objective
        return
    bar = SearchBar(name, console or Console())
    try:
        yield replace(objective, observer=bar)
    finally:
        bar.close()


def tracked[T](
    items: Sequence[T],
    step: Callable[[T], str],
    *,
    show: bool,
    transient: bool = False,
    console: Console | None = None,
) -> Iterator[T]:
    """Yield the items, with a bar that says `step` of the one at hand.

    Parameters
    ----------
    items : sequence
        What is worked on, one after the other.
    step : callable
        What is done with an item, in words.
    show : bool
        Whether to show a bar at all.
    transient : bool
        Whether it goes away at the end.
    console : rich.console.Console, optional
        Where; by default the standard output.
    """
    console = console or Console()
    disable = not (show and items and can_draw(console))
    with Progress(console=console, transient=transient, disable=disable) as bar:
        task = bar.add_task("", total=len(items))
        for item in items:
            bar.update(task, description=step(item))
            yield item
            bar.advance(task)
