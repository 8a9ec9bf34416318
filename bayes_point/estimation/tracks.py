"""Following a density outwards: what happens as one coordinate is moved far away.

A straight ray says little where the other parameters have to move along (a funnel, a ridge that
bends), so the others are maximised over anew at each step: a profile, with steps that double.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import maximise
from bayes_point.estimation.objective import Objective

__all__ = ["Track", "follow"]

Array = NDArray[np.float64]

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
        np.all(gains > 100 * noise) and np.all(gains[1:] > _STILL_GROWING * gains[:-1])
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
    free = np.ones((1, len(x)), bool)
    free[0, pivot] = False
    if held is not None:
        free[0, held] = False
    # Fifteen orders of magnitude of a parameter are as far as arithmetic can be trusted.
    farthest = 35.0 if objective.is_transformed[pivot] else np.inf
    distances, points, values = [0.0], [x], [value]
    current = x
    for k in range(max(steps, _MOST)):
        distance = step * 2.0**k
        if abs(distance) > farthest:
            break
        ahead = current.copy()
        ahead[pivot] = x[pivot] + distance
        # Extrapolated, so that parameters that move in proportion are not left behind.
        guesses = ahead[None, :]
        if len(points) > 2:
            slope = (points[-1] - points[-2]) / (distances[-1] - distances[-2])
            further = current + slope * (distance - distances[-1])
            further[pivot] = x[pivot] + distance
            guesses = np.stack([ahead, further])
        found_value, gradient = objective.evaluate(guesses)
        usable = np.isfinite(found_value) & np.all(np.isfinite(gradient), axis=1)
        if not np.any(usable):
            break
        start = guesses[np.argmax(np.where(usable, found_value, -np.inf))]
        search = maximise(objective, start[None, :], free=free, max_iterations=60)
        current = search.x[0]
        distances.append(distance)
        points.append(current)
        values.append(float(search.value[0]))
        if values[-1] < max(values) - 1e3 * (1.0 + noise) and k > 3:
            break
        if k + 1 >= steps and not _still_growing(values, noise):
            break
    return Track(pivot, np.array(distances), np.array(points), np.array(values), noise)
