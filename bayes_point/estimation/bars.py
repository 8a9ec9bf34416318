"""Progress bars: drawn on a terminal or in a notebook; into a pipe or a file nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import Progress

__all__ = ["can_draw", "tracked"]


def can_draw(console: Console) -> bool:
    """Whether what moves can be shown there."""
    return console.is_terminal or console.is_jupyter


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
