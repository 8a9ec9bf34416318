"""Poles beside a maximum: a component of a mixture that collapses on one observation.

A local maximum, however well it is proven, says nothing of a pole elsewhere: where the mean of a
component is exactly an observation and its scale goes to zero, the density of that observation
grows without limit, and the others are looked after by the other components.  No search gets there
by itself, because the pole is as narrow as it is high.  (Day 1969,
https://doi.org/10.1093/biomet/56.3.463)
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.shrunk import FAR, GAIN, NEAR, downwards, moved
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.model.components import with_one_at
from bayes_point.model.variables.scales import scale_variables

__all__ = ["collapse", "pole_observation"]

Array = NDArray[np.float64]

# What the density may lose between two steps down and still be said to level off.
_LEVEL = 5.0
_CANDIDATES = 4
# To make a component narrow: down in the log of an sd, or up twice as far in that of a precision.
_WAYS = np.array([-1.0, 2.0])


def pole_observation(case: Case) -> Verdict:
    """Claim that a component of a mixture collapses on an observation, with no limit to it.

    Asked of a maximum, and of what could not be decided.

    Evidence: a location is put exactly on an observation, a scale made 5e-5 and 2e-9 of its size:
    between the two the density gains more than two, and no more than that of each observation;
    followed down, the others maximised over, no gain dies out.

    Blind spot: of many observations only some are tried; a location that is computed from others,
    as in a regression (see pole_scale).

    Source: Day (1969), https://doi.org/10.1093/biomet/56.3.463
    """
    status = case.certificate.status
    if not (status.is_point or status is Status.NOT_CONVERGED):
        return None
    pole = collapse(case.objective, case.certificate.x, case.world.observed)
    return Passed() if pole is None else unbounded_along(case.objective, case.outlook, [pole])


def collapse(objective: Objective, x: Array, observed: Array) -> Track | None:
    """Return a track along which the density grows without bound, if one begins near `x`.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    x : ndarray, (p,)
        A point at which the density is positive: where the others are has no part in it.
    observed : ndarray, (n,)
        Values that a location may collapse on.
    """
    density = objective.density
    names = scale_variables(density, tuple(objective.weights))
    scales, ways = _that_level_off(objective, x, names)
    if not scales.size or not len(observed):
        return None
    places, held = with_one_at(density, x, observed, names)
    which, row = np.nonzero(~held[:, scales].T)
    points, pivot, way = places[row], scales[which], ways[which]
    if not len(points):
        return None
    near, far = (moved(objective, points, pivot, way * step) for step in (NEAR, FAR))
    gain = np.where(np.isfinite(near) & np.isfinite(far), far - near, -np.inf)
    # A scale that shrinks gains its own logarithm at each observation that it is right for, and no
    # more: what gains more comes back from where it was put, as a regression does.
    gain = np.where(gain > (FAR - NEAR) * len(observed) + GAIN, -np.inf, gain)
    best = np.argsort(-np.where(gain > GAIN, far, -np.inf))[:_CANDIDATES]
    for k in best[gain[best] > GAIN]:
        holds = np.flatnonzero(held[row[k]])
        track = downwards(objective, points[k], int(pivot[k]), holds, float(way[k]))
        if track.grows_without_bound:
            return track
    return None


def _that_level_off(
    objective: Objective, x: Array, names: Collection[str]
) -> tuple[NDArray[np.int_], Array]:
    """Return the coordinates whose density, going far in a log, stops falling, and which way.

    The sd of a regression is none of them: without it the density falls to nothing.
    """
    own = np.flatnonzero(np.isin(objective.density.variables, list(names)))
    if not own.size:
        return own, np.zeros(0)
    columns, ways = np.repeat(own, 2), np.tile(_WAYS, len(own))
    points = np.tile(x, (len(columns), 1))
    near, far = (moved(objective, points, columns, ways * step) for step in (NEAR, FAR))
    level = np.isfinite(near) & (far > near - _LEVEL)
    return columns[level], ways[level]
