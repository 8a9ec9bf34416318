"""Which of the points that several starts led to are one optimum, and which are others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import EPS, Search

__all__ = ["Optimum", "distinct"]

# Two ends of a search are one optimum if they are this near in standard errors: the search ends
# at a millionth of one or less, and other optima are further away than a hundredth.
_SAME = 1e-2


@dataclass(frozen=True)
class Optimum:
    """A point, the value there, and which starts led to it."""

    x: NDArray[np.float64]
    value: float
    starts: tuple[int, ...]

    @property
    def reached(self) -> int:
        """How many starts led here."""
        return len(self.starts)


def distinct(search: Search) -> list[Optimum]:
    """Return the distinct optima, best first; a search that did not settle found none."""
    order = [i for i in np.argsort(-search.value) if search.settled[i]]
    diagonal = np.abs(np.diagonal(search.hessian, axis1=1, axis2=2))
    groups: list[list[int]] = []
    for i in order:
        for group in groups:
            j = group[0]
            near = np.abs(search.x[i] - search.x[j]) * np.sqrt(diagonal[j]) < _SAME
            close = abs(search.value[i] - search.value[j]) < 1e4 * EPS * (1 + abs(search.value[j]))
            if close and bool(np.all(near)):
                group.append(int(i))
                break
        else:
            groups.append([int(i)])
    return [Optimum(search.x[g[0]], float(search.value[g[0]]), tuple(g)) for g in groups]
