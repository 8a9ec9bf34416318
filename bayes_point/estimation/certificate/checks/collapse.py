"""Poles beside a maximum: a component of a mixture that collapses on one observation.

A local maximum, however well it is proven, says nothing of a pole elsewhere: where the mean of a
component is exactly an observation and its scale goes to zero, the density of that observation
grows without limit, and the others are looked after by the other components.  No search gets there
by itself, because the pole is as narrow as it is high.  (Day 1969,
https://doi.org/10.1093/biomet/56.3.463)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.tracks import Track, follow
from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.precision import precision
from bayes_point.model.variables.scales import scale_variables

__all__ = ["collapse", "collapse_on_kinks"]

Array = NDArray[np.float64]

# Steps in the log of a scale: one to 5e-5 of its size, one to 2e-9.
_NEAR, _FAR = 10.0, 20.0
# What the density may lose between the two and still be said to level off.
_LEVEL = 5.0
# What it has to gain between the two where there is a pole.
_GAIN = 2.0
_CANDIDATES = 4
# Doublings of a step of one: to e^-16 of where it began, and then what rounding allows.
_STEPS = 5


def collapse(objective: Objective, x: Array, observed: Array) -> Track | None:
    """Return a track along which the density grows without bound, if one begins near `x`.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    x : ndarray, (p,)
        A maximum.
    observed : ndarray, (n,)
        Values that a location may collapse on.
    """
    scales = _that_level_off(objective, x)
    places = np.flatnonzero(~objective.is_transformed)
    rows, pivots, placed = [], [], []
    for j in scales:
        for place in places[places != j]:
            block = np.tile(x, (len(observed), 1))
            block[:, place] = observed
            rows.append(block)
            pivots += [j] * len(observed)
            placed += [int(place)] * len(observed)
    if not rows or not len(observed):
        return None
    points, pivot = np.concatenate(rows), np.array(pivots)
    near, far = (_moved(objective, points, pivot, -step) for step in (_NEAR, _FAR))
    gain = np.where(np.isfinite(near) & np.isfinite(far), far - near, -np.inf)
    # A scale that shrinks gains its own logarithm at each observation that it is right for, and no
    # more: what gains more comes back from where it was put, as a regression does.
    gain = np.where(gain > (_FAR - _NEAR) * len(observed) + _GAIN, -np.inf, gain)
    best = np.argsort(-np.where(gain > _GAIN, far, -np.inf))[:_CANDIDATES]
    for k in best[gain[best] > _GAIN]:
        track = _downwards(objective, points[k], int(pivot[k]), np.array([placed[k]]))
        if track.grows_without_bound:
            return track
    return None


def collapse_on_kinks(objective: Objective, x: Array) -> Track | None:
    """Return a track along which a prior collapses on its kink, if its scale is free to go there.

    Coefficients with a Laplace prior whose scale has a prior too: where all of them are zero the
    density of the prior grows without limit as the scale goes to zero.
    """
    kinks = kinks_in(objective)
    if kinks.is_empty or not np.any(objective.is_transformed):
        return None
    scales = np.flatnonzero(objective.is_transformed)
    for site in np.unique(kinks.site_of[kinks.term_of == "prior"]):
        which = np.flatnonzero(kinks.site_of == site)
        normals = kinks.jacobian(x, which)
        point = x - np.linalg.pinv(normals) @ kinks.values(x[None])[0, which]
        held = np.flatnonzero(np.any(normals != 0, axis=0))
        points = np.tile(point, (len(scales), 1))
        near, far = (_moved(objective, points, scales, -step) for step in (_NEAR, _FAR))
        gain = np.where(np.isfinite(near) & np.isfinite(far), far - near, -np.inf)
        for j in scales[(gain > _GAIN) & ~np.isin(scales, held)]:
            track = _downwards(objective, point, int(j), held)
            if track.grows_without_bound:
                return track
    return None


def _that_level_off(objective: Objective, x: Array) -> list[int]:
    """Return the coordinates whose density, going down in a log, stops falling.

    The sd of a regression is none of them: without it the density falls to nothing.
    """
    names = scale_variables(objective.density, tuple(objective.weights))
    columns = np.flatnonzero(np.isin(objective.density.variables, list(names)))
    if not columns.size:
        return []
    points = np.tile(x, (len(columns), 1))
    near, far = (_moved(objective, points, columns, -step) for step in (_NEAR, _FAR))
    return [int(j) for j in columns[np.isfinite(near) & (far > near - _LEVEL)]]


def _moved(objective: Objective, points: Array, columns: NDArray[np.int_], step: float) -> Array:
    moved = points.copy()
    moved[np.arange(len(points)), columns] += step
    return objective.evaluate(moved)[0]


def _downwards(objective: Objective, x: Array, pivot: int, held: NDArray[np.int_]) -> Track:
    """Follow a scale down, with locations held on what they collapse on: exactly, or not at all."""
    base = x.copy()
    base[pivot] -= _NEAR
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
