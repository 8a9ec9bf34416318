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


def moved(objective: Objective, points: Array, columns: NDArray[np.int_], step: float) -> Array:
    """Return the density at each point with its column moved by a step, (batch,)."""
    ahead = points.copy()
    ahead[np.arange(len(points)), columns] += step
    return objective.evaluate(ahead)[0]


def downwards(objective: Objective, x: Array, pivot: int, held: NDArray[np.int_]) -> Track:
    """Follow a scale down, with locations held on what they collapse on: exactly, or not at all."""
    base = x.copy()
    base[pivot] -= NEAR
    free = ~np.isin(np.arange(len(x)), [pivot, *held])
    search = maximise(objective, base[None, :], free=free[None, :], max_iterations=100)
    noise, _ = precision(objective, search.x, search.value, search.gradient, search.hessian)
    value = float(search.value[0])
    return follow(
        objective,
        search.x[0],
        value,
        pivot=pivot,
        step=-1.0,
        # One ulp of the location is all the world here, and is not moved.
        noise=min(float(noise[0]), 1e-9 * (1 + abs(value))),
        steps=_STEPS,
        held=held,
    )
