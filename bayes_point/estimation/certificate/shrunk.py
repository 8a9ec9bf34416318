"""A scale made small, with locations held on what they collapse on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.tracks import Track, follow
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.precision import precision

__all__ = ["FAR", "GAIN", "NEAR", "downwards", "moved"]

Array = NDArray[np.float64]

# Steps in the log of a scale: one to 5e-5 of its size, one to 2e-9.
NEAR, FAR = 10.0, 20.0
# What the log density has to gain between the two where there is a pole.
GAIN = 2.0
# Doublings of a step of one: to e^-16 of where it began, and then what rounding allows.
_STEPS = 5


def moved(
    objective: Objective, points: Array, columns: NDArray[np.int_], step: Array | float
) -> Array:
    """Return the density at each point with its column moved by a step, (batch,)."""
    ahead = points.copy()
    ahead[np.arange(len(points)), columns] += step
    return objective.evaluate(ahead)[0]


def downwards(
    objective: Objective, x: Array, pivot: int, held: NDArray[np.int_], way: float = -1.0
) -> Track:
    """Follow a scale down, with locations held on what they collapse on: exactly, or not at all.

    A precision is followed up, by two for each step of an sd: that is its `way`.
    """
    base = x.copy()
    base[pivot] += way * NEAR
    free = ~np.isin(np.arange(len(x)), [pivot, *held])
    search = maximise(objective, base[None, :], free=free[None, :], max_iterations=100)
    noise, _ = precision(objective, search.x, search.value, search.gradient, search.diagonal)
    value = float(search.value[0])
    track = follow(
        objective,
        search.x[0],
        value,
        pivot=pivot,
        step=way,
        # One ulp of the location is all the world here, and is not moved.
        noise=min(float(noise[0]), 1e-9 * (1 + abs(value))),
        steps=_STEPS,
        held=held,
    )
    return track.up_to_rounding(float(x[pivot])) if objective.is_transformed[pivot] else track
