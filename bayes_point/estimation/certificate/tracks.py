"""Following a density outwards: what happens as one coordinate is moved far away.

A straight ray says little where the other parameters have to move along (a funnel, a ridge that
bends), so the others are maximised over anew at each step: a profile, with steps that double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.tolerances import PLAIN

__all__ = ["Track", "follow", "follow_each"]

Array = NDArray[np.float64]

# Fifteen orders of magnitude, in a log; and a fall of the log density that none comes back from.
_FARTHEST, _TOO_DEEP = 35.0, 1e3

# A gain that has not halved over a doubling of the distance is no longer dying out: of the tails
# met in practice, powers and exponentials shrink faster, logarithms and lines do not shrink.
_STILL_GROWING = 0.75
DOUBLINGS = 12
# As long as it grows it is followed further: the maximum of nearly collinear columns is far away.
_MOST = 40
# Distance in a log that takes a parameter to the rounding of others.
_ROUNDING = 20.0


@dataclass(frozen=True)
class Track:
    """The objective along a path outwards.

    Attributes
    ----------
    pivot : int
        The coordinate that was moved.
    distance : ndarray, (steps + 1,)
        Signed distance moved, starting at 0; each step doubles the last.
    x : ndarray, (steps + 1, p)
        The points: the pivot held, the others maximised over.
    value : ndarray, (steps + 1,)
        The objective at them.
    noise : float
        Change in the objective that rounding can make.
    """

    pivot: int
    distance: Array
    x: Array
    value: Array
    noise: float

    @property
    def is_flat(self) -> bool:
        """Whether the objective does not change along the whole track."""
        # Far out the terms are larger, and so is what rounding makes of them.
        size = 1 + np.abs(self.x[0]).max()
        allowed = self.noise * (1 + np.abs(self.x).max(axis=1) / size)
        return len(self.value) > 2 and bool(np.all(np.abs(self.value - self.value[0]) <= allowed))

    @property
    def falls(self) -> bool:
        """Whether the objective falls off without having risen."""
        if len(self.value) < 2:
            return True  # the density is zero a step away
        return not self.rises and bool(np.min(self.value) < self.value[0] - self.noise)

    @property
    def rises(self) -> bool:
        """Whether a point of the track is better than its beginning."""
        return bool(np.max(self.value) > self.value[0] + self.noise)

    @property
    def peak(self) -> int:
        """Index of the best point."""
        return int(np.argmax(self.value))

    def up_to_rounding(self, origin: float) -> Track:
        """Return the track up to its peak, if that is at the end of what arithmetic can follow.

        A scale that shrinks to 1e-11 of what it was sees the rounding of residuals that are zero.
        """
        end = self.peak + 1
        if abs(self.x[self.peak, self.pivot] - origin) < _ROUNDING:
            return self
        return Track(self.pivot, self.distance[:end], self.x[:end], self.value[:end], self.noise)

    @property
    def grows_without_bound(self) -> bool:
        """Whether no gain along the track dies out."""
        return _still_growing(list(self.value), self.noise)


def _still_growing(values: list[float], noise: float) -> bool:
    gains = np.diff(values)
    return len(gains) > 3 and bool(
        np.all(gains > PLAIN * noise) and np.all(gains[1:] > _STILL_GROWING * gains[:-1])
    )


def follow(
    objective: Objective,
    x: Array,
    value: float,
    *,
    pivot: int,
    step: float,
    noise: float,
    steps: int = DOUBLINGS,
    held: NDArray[np.int_] | None = None,
) -> Track:
    """Move coordinate `pivot` by `step`, twice, four times ... `step`; maximise over the others.

    Coordinates in `held` stay where they are.

    Ends where the objective is no longer finite, or has fallen by so much that nothing can follow.
    """
    [track] = follow_each(
        objective, x, value, pivots=[pivot], moves=[step], noise=noise, steps=steps, held=held
    )
    return track


def follow_each(
    objective: Objective,
    x: Array,
    value: float,
    *,
    pivots: Sequence[int],
    moves: Sequence[float],
    noise: float,
    steps: int = DOUBLINGS,
    held: NDArray[np.int_] | None = None,
) -> list[Track]:
    """Follow several ways out of one point, as `follow` does each, all of them in step."""
    ways = [_Way(int(j), step, x, value) for j, step in zip(pivots, moves, strict=True)]
    active = ways
    for k in range(max(steps, _MOST)):
        # Fifteen orders of magnitude of a parameter are as far as arithmetic can be trusted.
        active = [
            way
            for way in active
            if not (objective.is_transformed[way.pivot] and abs(way.step * 2.0**k) > _FARTHEST)
        ]
        if not active:
            break
        guesses = [way.guesses(way.step * 2.0**k) for way in active]
        owner = np.repeat(np.arange(len(active)), [len(rows) for rows in guesses])
        found, gradient = objective.evaluate(np.concatenate(guesses))
        usable = np.isfinite(found) & np.all(np.isfinite(gradient), axis=1)
        found = np.where(usable, found, -np.inf)
        best = [found[owner == i].argmax() for i in range(len(active))]
        kept = [i for i in range(len(active)) if np.any(usable[owner == i])]
        if not kept:
            break
        active, starts = [active[i] for i in kept], [guesses[i][best[i]] for i in kept]
        free = np.ones((len(active), len(x)), bool)
        free[np.arange(len(active)), [way.pivot for way in active]] = False
        if held is not None:
            free[:, held] = False
        search = maximise(objective, np.array(starts), free=free, max_iterations=60)
        for way, point, reached in zip(active, search.x, search.value, strict=True):
            way.add(way.step * 2.0**k, point, float(reached))
        active = [way for way in active if way.goes_on(k, steps, noise)]
    return [way.track(noise) for way in ways]


class _Way:
    """A track in the making."""

    def __init__(self, pivot: int, step: float, x: Array, value: float) -> None:
        self.pivot, self.step = pivot, step
        self.distances, self.points, self.values = [0.0], [x], [value]

    def guesses(self, distance: float) -> Array:
        """Return where to begin at a distance, (1 or 2, p)."""
        ahead = self.points[-1].copy()
        ahead[self.pivot] = self.points[0][self.pivot] + distance
        if len(self.points) <= 2:
            return ahead[None, :]
        # Extrapolated, so that parameters that move in proportion are not left behind.
        slope = (self.points[-1] - self.points[-2]) / (self.distances[-1] - self.distances[-2])
        further = self.points[-1] + slope * (distance - self.distances[-1])
        further[self.pivot] = ahead[self.pivot]
        return np.stack([ahead, further])

    def add(self, distance: float, x: Array, value: float) -> None:
        self.distances.append(distance)
        self.points.append(x)
        self.values.append(value)

    def goes_on(self, k: int, steps: int, noise: float) -> bool:
        if self.values[-1] < max(self.values) - _TOO_DEEP * (1.0 + noise) and k > 3:
            return False
        return k + 1 < steps or _still_growing(self.values, noise)

    def track(self, noise: float) -> Track:
        return Track(
            self.pivot,
            np.array(self.distances),
            np.array(self.points),
            np.array(self.values),
            noise,
        )
