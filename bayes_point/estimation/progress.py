"""What goes on: a bar on a terminal or in a notebook, else a line a stage; and its end, in time."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.objective import Objective

__all__ = [
    "WHAT_TO_DO",
    "Alarm",
    "Deadline",
    "OutOfTime",
    "Watch",
    "can_draw",
    "stopped_after",
    "told_elsewhere",
    "tracked",
    "warn_stopped",
    "watched",
]

_PACKAGE = str(Path(__file__).parents[1])
WHAT_TO_DO = "Give more time with max_seconds=, or ask for less."

Array = NDArray[np.float64]

# Seconds after which a search is long enough to be watched.
_PATIENCE = 1.0


class OutOfTime(Exception):
    """The time that was given is up; whoever gave it knows what there is by then."""


class Deadline:
    """When work is to end: so many seconds from now, or never where they are None."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = np.inf if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left, 0 where none are; infinite where there is no end."""
        return float(max(0.0, self._end - time.monotonic()))

    def share(self, n: int) -> float | None:
        """Return what each of n things to be done may take, one after the other; None if all."""
        # Something is asked of each, however little is left: it returns the best it has by then.
        return None if self.seconds is None else max(self.left / n, 1e-3)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left == 0.0


def stopped_after(deadline: Deadline) -> str:
    """Say that the time was up, and how long it was."""
    return f"Stopped after {deadline.seconds:.3g} s"


def warn_stopped(deadline: Deadline, done: str) -> None:
    """Warn that the time was up, with what is done and what is not, in words."""
    warnings.warn(
        f"{stopped_after(deadline)}: {done}. {WHAT_TO_DO}",
        EstimationWarning,
        skip_file_prefixes=(_PACKAGE,),
    )


@contextmanager
def told_elsewhere() -> Iterator[None]:
    """Keep what is called from warning that it was stopped: its caller says so of the whole."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stopped after", EstimationWarning)
        yield


class Alarm:
    """Observes an objective, and raises `OutOfTime` at the next evaluation when time is up.

    Parameters
    ----------
    deadline : Deadline
        When that is.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def tell(self, objective: Objective, x: Array, values: Array) -> None:
        """Look at the clock."""
        self.check()

    def announce(self, phase: str) -> None:
        """Look at the clock."""
        self.check()

    def check(self) -> None:
        """Raise if the time is up."""
        if self._deadline.is_over:
            raise OutOfTime


class Watch:
    """Observes one search: shows what it does, keeps the best point, ends it when time is up.

    It is shown once it takes longer than a second: as a bar in the manner of `pm.find_MAP`, or,
    where nothing that moves can be drawn, as a line a stage.

    Parameters
    ----------
    objective : Objective
        What is searched; others, with a penalty, say, are looked at on the way.
    name : str
        What is searched for.
    deadline : Deadline
        When `OutOfTime` is raised: between evaluations, once there is a point to return.
    console : rich.console.Console, optional
        Where it is shown, if it is.

    Attributes
    ----------
    phase : str
        What is done now.
    evaluations : int
        Points looked at so far.
    best : ndarray, (p,) or None
        The best point seen, ...
    objective : Objective
        ... whose it is, bound to what its inputs were there, ...
    value : float
        ... and the objective there.
    has_stopped : bool
        Whether the time was up before the end.
    """

    def __init__(
        self, objective: Objective, name: str, deadline: Deadline, console: Console | None
    ) -> None:
        self.phase = "searching"
        self.best: Array | None = None
        self.objective = objective
        self.value = -np.inf
        self.has_stopped = False
        self.deadline = deadline
        self._name, self._graphs, self._weights = name, objective.density.graphs, objective.weights
        self._began = time.perf_counter()
        self.evaluations = 0
        self._highest = -np.inf
        self._console = console
        self._shown = False
        self._bar = Progress(
            TextColumn(f"{name}: {{task.fields[phase]}}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} evaluations"),
            TextColumn("log density {task.fields[best]:.6g}"),
            TimeElapsedColumn(),
            console=console,
            disable=console is None or not can_draw(console),
        )
        self._task = self._bar.add_task("", total=None, phase=self.phase, best=np.nan)

    def tell(self, objective: Objective, x: Array, values: Array) -> None:
        """Count points at which an objective was looked at, and keep the best of the one."""
        self.evaluations += len(values)
        finite = np.where(np.isfinite(values), values, -np.inf)
        top = float(finite.max(initial=-np.inf))
        self._highest = max(self._highest, top)
        same = objective.weights is self._weights and objective.density.graphs is self._graphs
        if same and objective.penalty is None and top > self.value:
            at = int(np.argmax(finite))
            self.value, self.best = top, x[at].copy()
            density, rows = objective.density, objective.inputs
            if rows is not None:
                density = density.bind({name: row[at] for name, row in rows.items()})
            self.objective = replace(objective, density=density, inputs=None, observer=None)
        if self._console is not None:
            self._show()
        self.check()

    def announce(self, phase: str) -> None:
        """Say what is done now."""
        is_new, self.phase = phase != self.phase, phase
        if self._shown:
            self._update(is_new)
        self.check()

    def check(self) -> None:
        """Raise if the time is up and there is a point to return."""
        if self.best is not None and self.deadline.is_over:
            self.has_stopped = True
            raise OutOfTime

    def close(self) -> None:
        """End the bar, if it was drawn."""
        if self._shown:
            self._bar.stop()

    def _show(self) -> None:
        is_new = not self._shown and time.perf_counter() - self._began > _PATIENCE
        if is_new:
            self._shown = True
            self._bar.start()
        if self._shown:
            self._update(is_new)

    def _update(self, is_new: bool) -> None:
        self._bar.update(
            self._task, completed=self.evaluations, phase=self.phase, best=self._highest
        )
        if is_new:
            _say_plainly(self._console, f"{self._name}: {self.phase}")


@contextmanager
def watched(
    objective: Objective,
    name: str,
    show: bool,
    deadline: Deadline | None = None,
    console: Console | None = None,
) -> Iterator[tuple[Objective, Watch]]:
    """Yield the objective, watched, and who watches it."""
    where = (console or Console()) if show else None
    watch = Watch(objective, name, deadline or Deadline(None), where)
    try:
        yield replace(objective, observer=watch), watch
    finally:
        watch.close()


def tracked[T](
    items: Sequence[T],
    step: Callable[[T], str],
    *,
    show: bool,
    transient: bool = False,
    console: Console | None = None,
) -> Iterator[T]:
    """Yield the items, with a bar, or a line each, that says `step` of the one at hand.

    Parameters
    ----------
    items : sequence
        What is worked on, one after the other.
    step : callable
        What is done with an item, in words.
    show : bool
        Whether to show progress at all.
    transient : bool
        Whether the bar goes away at the end.
    console : rich.console.Console, optional
        Where; by default the standard output.
    """
    console = console or Console()
    began, said = time.perf_counter(), ""
    disable = not (show and items and can_draw(console))
    with Progress(console=console, transient=transient, disable=disable) as bar:
        task = bar.add_task("", total=len(items))
        for item in items:
            words = step(item)
            bar.update(task, description=words)
            if show and words != said and time.perf_counter() - began > _PATIENCE:
                said = words
                _say_plainly(console, words)
            yield item
            bar.advance(task)


def can_draw(console: Console) -> bool:
    """Whether what moves can be shown there."""
    # In a notebook rich draws with ipywidgets, and warns at each step where they are not.
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def _say_plainly(console: Console | None, words: str) -> None:
    """Write a line where no bar can be drawn: to a log file, or into a pipe."""
    if console is None or can_draw(console):
        return
    # The standard output belongs to the results of whoever pipes them on.
    where = console if console.file is not sys.stdout else Console(stderr=True)
    where.print(words, soft_wrap=True, highlight=False, markup=False)
