"""Ranges of data sets: what is done, what is left, and the chunks that it is cut into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Span", "chunks", "missing"]


@dataclass(frozen=True)
class Span:
    """Data sets `start` to `stop`, without the last."""

    start: int
    stop: int

    @property
    def slice(self) -> slice:
        """The same, as an index."""
        return slice(self.start, self.stop)

    def __len__(self) -> int:
        """How many data sets it has."""
        return self.stop - self.start

    def __str__(self) -> str:
        """Return it in words, counted from 0 as an index is."""
        if len(self) == 1:
            return f"data set {self.start}"
        return f"data sets {self.start} to {self.stop - 1}"


def missing(done: Iterable[Span], n: int) -> list[Span]:
    """Return what is left of `n` data sets.

    Examples
    --------
    >>> [str(span) for span in missing([Span(4, 6), Span(0, 3)], 9)]
    ['data set 3', 'data sets 6 to 8']
    """
    out, at = [], 0
    for span in sorted(done, key=lambda span: span.start):
        if at < span.start:
            out.append(Span(at, span.start))
        at = max(at, span.stop)
    return [*out, Span(at, n)] if at < n else out


def chunks(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """Cut spans at the multiples of `size`, wherever they begin.

    So a chunk that was left half done is finished as it would have been without a stop.

    Examples
    --------
    >>> [str(span) for span in chunks([Span(2, 7)], 3)]
    ['data set 2', 'data sets 3 to 5', 'data set 6']
    """
    for span in spans:
        at = span.start
        while at < span.stop:
            stop = min((at // size + 1) * size, span.stop)
            yield Span(at, stop)
            at = stop
