"""Climbing a density with kinks: first rounded off, then less and less.

With every kink rounded off over some width the density is smooth, and the maximiser finds its way.
As the width shrinks, an argument that belongs at its kink shrinks with it, and one that does not
stays where it is: that tells which kinks the maximum is at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.model.variables.kinks import Kinks, kinks_of

__all__ = ["Guess", "corners_in", "guesses", "kinks_in"]

Array = NDArray[np.float64]

# Widths, relative to the size of the arguments, and the Newton iterations for each.
_WIDTHS = 10.0 ** -np.arange(1.0, 8.0)
_ITERATIONS = 40
# An argument that is at its kink shrinks in proportion, to a tenth.
_SHRINKS = 0.4
# It is so many widths away at most.
_NEAR = 1e3
# Two rows that have come this near to one another go on as one.
_SAME = 1e-7


@dataclass(frozen=True)
class Guess:
    """Near which point a maximum is, and which kinks, of the K, it seems to be at."""

    x: Array
    which: NDArray[np.int_]


def kinks_in(objective: Objective) -> Kinks:
    """Return the kinks that the graph of an objective shows."""
    return kinks_of(objective.density, tuple(objective.weights))


def corners_in(objective: Objective) -> Kinks:
    """Return its kinks, in the same order, and after them where its density ends."""
    return kinks_of(objective.density, tuple(objective.weights), with_walls=True)


def guesses(objective: Objective, x: Array, starts: Array) -> tuple[list[Guess], NDArray[np.int_]]:
    """Climb from each row of `x`, which was reached from `starts`; both (batch, p).

    Returns
    -------
    list of Guess
        The different ends.
    ndarray of int, (batch,)
        Which of them each row led to.
    """
    kinks = kinks_in(objective)
    size = np.abs(kinks.values(np.concatenate([x, starts])))
    size = np.where(np.isfinite(size), size, 0.0)
    here, begun = size[: len(x)].max(axis=0), size[len(x) :].max(axis=0)
    size = np.maximum(here, 1e-3 * begun)
    size = np.where(size > 0, size, 1e-3 * size.max() if np.any(size) else 1.0)
    home = np.arange(len(x))
    before = after = np.full((len(x), kinks.size), np.inf)
    for width in _WIDTHS:
        rounded = kinks.rounded(objective.density, width * size)
        smooth = replace(objective, density=rounded, maximiser=None)
        search = maximise(smooth, x, max_iterations=_ITERATIONS)
        x, first = _different(search.x, search.value)
        home, before = first[home], after
        after = np.abs(kinks.values(x))
        if len(before) != len(x):
            before = before[_representatives(first)]
    at_kink = (after <= _NEAR * _WIDTHS[-1] * size) & ~(after > _SHRINKS * before)
    return [Guess(x[i], np.flatnonzero(at_kink[i])) for i in range(len(x))], home


def _different(x: Array, value: Array) -> tuple[Array, NDArray[np.int_]]:
    """Return the rows that differ, and which of them each row is the same as."""
    kept: list[int] = []
    home = np.zeros(len(x), int)
    for i, row in enumerate(x):
        for k, j in enumerate(kept):
            if np.all(np.abs(row - x[j]) <= _SAME * (1 + np.abs(row))):
                home[i] = k
                break
        else:
            home[i] = len(kept)
            kept.append(i)
    return x[kept], home


def _representatives(home: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the first row of each group."""
    return np.unique(home, return_index=True)[1]
