"""Which of the points that several starts led to are one optimum, and which are others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import Search
from bayes_point.model.density import LogDensity

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


def distinct(search: Search, density: LogDensity) -> list[Optimum]:
    """Return the distinct optima, best first; a search that did not settle found none."""
    order = [int(i) for i in np.argsort(-search.value) if search.settled[i]]
    diagonal = np.abs(np.diagonal(search.hessian, axis1=1, axis2=2))
    natural = list(density.natural(search.x).values())

    def same(i: int, j: int) -> bool:
        if np.all(np.abs(search.x[i] - search.x[j]) * np.sqrt(diagonal[j]) < _SAME):
            return True
        # An angle comes round: other coordinates, the same parameters.
        return all(np.allclose(v[i], v[j], rtol=1e-6, atol=1e-9) for v in natural)

    groups: list[list[int]] = []
    for i in order:
        home = next((group for group in groups if same(i, group[0])), None)
        if home is None:
            groups.append([i])
        else:
            home.append(i)
    return [Optimum(search.x[g[0]], float(search.value[g[0]]), tuple(g)) for g in groups]
