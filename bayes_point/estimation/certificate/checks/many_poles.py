"""Poles in many dimensions: a density that grows without bound as one coordinate goes far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.truncated import Climb, climb
from bayes_point.model.variables.scales import scale_variables

__all__ = ["FAR", "running", "shrinking"]

Array = NDArray[np.float64]

# A search that has gone this far in a log or a logit is running away.
FAR = 25.0
# Steps in the log of a scale, and how many coordinates are looked at.
_STEPS = np.array([4.0, 8.0, 12.0, 16.0, 20.0])
_SCALES = 8
_DYING = 0.75


def running(objective: Objective, end: Climb, start: Array, noise: float) -> Track | None:
    """Return a track on which the density grows without end, where the search ran."""
    ran = np.flatnonzero(objective.is_transformed & (np.abs(end.x - start) > FAR))
    for j in ran[:_SCALES]:
        track = _track(objective, end, int(j), float(np.sign(end.x[j] - start[j])), -12.0, noise)
        if track is not None:
            return track
    return None


def shrinking(objective: Objective, end: Climb, noise: float) -> Track | None:
    """Return a track on which the density grows without end, as a scale goes to zero."""
    for j in _scales(objective):
        # A pole at zero can be beyond a barrier, and a local maximum says nothing of it.
        track = _track(objective, end, j, -1.0, 0.0, noise)
        if track is not None:
            return track
    return None


def _scales(objective: Objective) -> Iterator[int]:
    """Yield the coordinates that are the log of a single scale."""
    density = objective.density
    scales = scale_variables(density, tuple(objective.weights))
    found = 0
    sizes = Counter(density.variables)
    for j in np.flatnonzero(density.kinds == "log"):
        name = density.variables[j]
        if name in scales and sizes[name] == 1 and found < _SCALES:
            found += 1
            yield int(j)


def _track(
    objective: Objective, end: Climb, pivot: int, sign: float, before: float, noise: float
) -> Track | None:
    """Move one coordinate by equal steps, the others maximised over; None unless it grows."""
    free = np.arange(len(end.x)) != pivot
    x = end.x.copy()
    x[pivot] += sign * before
    points, values, distances = [x.copy()], [end.value], [0.0]
    for distance in _STEPS:
        x = x.copy()
        x[pivot] = points[0][pivot] + sign * distance
        value, gradient = objective.evaluate(x[None])
        if not np.isfinite(value[0]) or not np.all(np.isfinite(gradient)):
            break
        there = climb(objective, x, free=free)
        x = there.x
        if distances[-1] and there.value < values[-1]:
            return None
        points.append(x)
        values.append(there.value)
        distances.append(sign * float(distance))
    gains = np.diff(values[1:])
    if len(gains) < 3 or not np.all(gains > max(100 * noise, 1e-3)):
        return None
    if not np.all(gains[1:] > _DYING * gains[:-1]):
        return None
    return Track(pivot, np.array(distances), np.array(points), np.array(values), noise)
