"""Which of the points that several starts led to are one optimum, and which are others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.optimise.maximise import Search
from bayes_point.estimation.optimise.relabelling import is_relabelled
from bayes_point.model.density.density import LogDensity

__all__ = ["Optimum", "distinct"]

# Two ends of a search are one optimum if they are this near in standard errors: the search ends
# at a millionth of one or less, and other optima are further away than a hundredth.
_SAME = 1e-2


@dataclass(frozen=True)
class Optimum:
    """A point, the value there, which starts led to it, and whether relabelled to others of it."""

    x: NDArray[np.float64]
    value: float
    starts: tuple[int, ...]
    relabelled: bool

    @property
    def reached(self) -> int:
        """How many starts led here."""
        return len(self.starts)


def distinct(search: Search, density: LogDensity, first: int | None = None) -> list[Optimum]:
    """Return the distinct optima, best first; a search that did not settle found none.

    `first` is the one to be named first, of several that are equal but for rounding.
    """
    order = [int(i) for i in np.argsort(-search.value) if search.settled[i]]
    order.sort(key=lambda i: i != first)
    diagonal = np.abs(search.diagonal)
    natural = density.natural(search.x)

    def same(i: int, j: int) -> bool:
        if np.all(np.abs(search.x[i] - search.x[j]) * np.sqrt(diagonal[j]) < _SAME):
            return True
        # An angle comes round: other coordinates, the same parameters.
        return all(np.allclose(v[i], v[j], rtol=1e-6, atol=1e-9) for v in natural.values())

    def swapped(i: int, j: int) -> bool:
        equal = np.isclose(search.value[i], search.value[j], rtol=1e-9, atol=1e-9)
        return bool(equal) and is_relabelled(
            *({name: v[k] for name, v in natural.items()} for k in (i, j))
        )

    groups: list[list[int]] = []
    relabelled: list[bool] = []
    for i in order:
        home = next((k for k, group in enumerate(groups) if same(i, group[0])), None)
        if home is None:
            home = next((k for k, group in enumerate(groups) if swapped(i, group[0])), None)
            if home is not None:
                relabelled[home] = True
        if home is None:
            groups.append([i])
            relabelled.append(False)
        else:
            groups[home].append(i)
    top = search.value[groups[0][0]] if groups else np.inf
    return [
        Optimum(search.x[g[0]], float(min(search.value[g[0]], top)), tuple(g), r)
        for g, r in zip(groups, relabelled, strict=True)
    ]
