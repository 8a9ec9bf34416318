"""A progress bar for one search: what it does, how often it looked, the best log density so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bayes_point.estimation.bars import can_draw
from bayes_point.estimation.objective import Objective

__all__ = ["SearchBar", "Watched", "search_bar"]

Array = NDArray[np.float64]

# Seconds after which a search is long enough to be watched.
_PATIENCE = 1.0


class SearchBar:
    """A bar in the manner of `pm.find_MAP`, drawn only once a search takes longer than a second.

    Drawn on a terminal or in a notebook; into a pipe or a file nothing is written.
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


@dataclass(frozen=True)
class Watched(Objective):
    """An objective that tells a bar how often it was looked at."""

    bar: SearchBar

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = super().evaluate(x)
        self.bar.tell(value)
        return value, gradient

    def announce(self, phase: str) -> None:
        """Say what is done now."""
        self.bar.announce(phase)


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
        yield Watched(objective.density, objective.weights, bar)
    finally:
        bar.close()
