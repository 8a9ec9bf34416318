"""Edges and infinity in many dimensions: where a search by products alone has run off to.

The same answer as in `escaping`: the maximum of the density less a penalty is followed as that is
let go, which tells the coordinates that settle from those that are driven away; what drives them
has to die out, and the others have to be at their maximum where it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.objective import Objective, Penalty
from bayes_point.estimation.optimise.krylov import scale_at
from bayes_point.estimation.optimise.paths import Path
from bayes_point.estimation.optimise.truncated import Climb, climb

__all__ = ["Edge", "edge_of"]

Array = NDArray[np.float64]

# The penalty at first, and its reductions.
_WEIGHTS = 10.0 ** -np.arange(-1.0, 9.0)
# How far the way is gone on beyond the end of the path, in units of its fastest coordinate, ...
_BEYOND = np.concatenate([[0.0], 2.0 ** np.arange(11)])
# ... and in a log, where a step of forty is one of seventeen orders of magnitude.
_FARTHEST = 40.0
# Part of the last gain that a gain keeps where it does not die out.
_DYING = 0.75
# Points that a limit is read off.
_TAIL = np.arange(-4.0, 1.0)[:, None]


@dataclass(frozen=True)
class Edge:
    """Where a density is led to: a path, (5, p), its direction, and the others at their maximum.

    Attributes
    ----------
    path : ndarray, (5, p)
        Points equally far apart on the way; at the last one nothing is left to gain.
    direction : ndarray, (p,)
        Zero for the coordinates that stay.
    end : Climb
        The last point, where the others have come to rest.
    track : Track
        The way there from near by.
    """

    path: Array
    direction: Array
    end: Climb
    track: Track

    @property
    def rest(self) -> NDArray[np.bool_]:
        """The coordinates that stay."""
        return self.direction == 0


def edge_of(objective: Objective, found: Climb, centre: Array, noise: float) -> Edge | Track | None:
    """Return the edge that the density leads to from `centre`.

    A track where it grows on it without bound; None where it leads nowhere, or to less than what
    the search has found.
    """
    path = _released(objective, centre)
    direction = path.direction
    if not np.any(direction):
        return None
    # Each log has an edge of its own; what goes to infinity together keeps its proportions.
    unit = np.where(objective.is_transformed, np.sign(direction), path.unit)
    rest = direction == 0
    beyond = _beyond(objective, path, unit, noise)
    spent = np.flatnonzero(np.abs(np.diff(beyond.value)) <= noise)
    if not spent.size:
        gains = np.diff(beyond.value)
        growing = len(gains) > 3 and np.all(gains[1:] > _DYING * gains[:-1])
        return beyond if growing else None
    end = _at_rest(objective, beyond.x[spent[0]], rest)
    if not end.settled or end.value < found.value - max(2 * noise, 1e-9 * (1 + abs(found.value))):
        return None
    way = Track(path.pivot, np.zeros(len(path.x)), path.x, path.value, noise)
    return Edge(end.x + _TAIL * np.where(rest, 0.0, unit), direction, end, way)


def _beyond(objective: Objective, path: Path, unit: Array, noise: float) -> Track:
    """Return the objective on the straight way on from the end of the path."""
    reach = np.max(np.abs(unit[objective.is_transformed]), initial=0.0)
    lengths = _BEYOND[_BEYOND * reach <= _FARTHEST]
    points = path.x[-1] + lengths[:, None] * unit
    values, gradients = objective.evaluate(points)
    usable = np.isfinite(values) & np.all(np.isfinite(gradients), axis=1)
    n = len(usable) if np.all(usable) else int(np.argmin(usable))
    return Track(path.pivot, lengths[:n], points[:n], values[:n], noise)


def _at_rest(objective: Objective, x: Array, rest: NDArray[np.bool_]) -> Climb:
    """Climb from `x` with the coordinates held that are driven away."""
    if np.any(rest):
        return climb(objective, x, free=rest)
    value, gradient = objective.evaluate(x[None])
    return Climb(x, float(value[0]), gradient[0], np.ones_like(x), 0.0, True, False)


def _released(objective: Objective, centre: Array) -> Path:
    """Follow the penalised maximum from `centre`."""
    size = 1 + np.abs(centre)
    error = np.clip(scale_at(objective, centre), 1e-8 * size, 1e8 * size)
    scale = np.where(objective.is_transformed, 1.0, error)
    points: list[Array] = []
    for weight in _WEIGHTS:
        penalised = replace(objective, penalty=Penalty(centre, scale, weight))
        rows = [points[-1] if points else centre]
        if len(points) > 1:
            rows.append(2 * points[-1] - points[-2])
        value, gradient = penalised.evaluate(np.array(rows))
        usable = np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)
        there = climb(penalised, rows[int(np.argmax(np.where(usable, value, -np.inf)))])
        if not there.settled:
            break  # at the end of what arithmetic can do
        points.append(there.x)
    x = np.array(points).reshape(-1, len(centre))
    value = objective.evaluate(x)[0] if len(x) else np.empty(0)
    return Path(x, value, np.zeros(len(x)), scale, objective.is_transformed)
