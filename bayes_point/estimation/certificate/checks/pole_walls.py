"""Poles between walls: a density that grows without bound as the walls close in on the data.

A uniform of free place and width is the higher the narrower it is; where it can be made to hold the
data however narrow, as one observation, or data that lie exactly on a line, its density has no
bound.  No search gets there by itself, because the place has to follow between walls that move.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.nonsmooth.smoothing import corners_in
from bayes_point.estimation.nonsmooth.walls import centred
from bayes_point.estimation.objective import Objective

__all__ = ["closes_in", "pole_walls"]

Array = NDArray[np.float64]

# More walls than these are more than linear programs and their gradients are worth.
_MOST_WALLS = 500
# Steps in the log of a scale, to 1e-9 of it.
_STEPS = np.full(10, 2.0)
# So many rates of growth in a row, as equal as this, are a proportion.
_RATES, _EQUAL = 4, 0.05
# A slower growth, by e-fold of the scale, may be one that comes to an end.
_LEAST_RATE = 0.1


def pole_walls(case: Case) -> Verdict:
    """Claim that the density grows without bound as walls close in on the data.

    Asked of a maximum that is no interior one, and of what could not be decided.

    Evidence: a scale that moves walls is made smaller, or larger, by ten steps of two in its log,
    the places kept amid the walls by linear programs; the last four rates of growth are equal to a
    twentieth, and more than a tenth an e-fold.

    Blind spot: more than five hundred walls are not looked at, and other scales are held.

    Source: Cheng and Amin (1983), https://doi.org/10.1111/j.2517-6161.1983.tb01268.x
    """
    status = case.certificate.status
    if status not in (Status.ON_BOUNDARY, Status.NOT_CONVERGED):
        return None
    # What closes in on the data pushes against a wall at its best.
    if corners_in(case.objective).is_empty:
        return None
    pole = closes_in(case.objective, case.certificate.x)
    return Passed() if pole is None else unbounded_along(case.objective, case.outlook, [pole])


def closes_in(objective: Objective, x: Array) -> Track | None:
    """Return a track along which the density grows without bound between walls, if there is one."""
    corners = corners_in(objective)
    if corners.is_empty or not 0 < np.sum(corners.is_wall) <= _MOST_WALLS:
        return None
    normals = corners.jacobian(x, np.flatnonzero(corners.is_wall))
    moves = objective.is_transformed & np.any(np.nan_to_num(normals) != 0, axis=0)
    for j in np.flatnonzero(moves):
        for sign in (-1.0, 1.0):
            track = _narrowing(objective, x, int(j), sign)
            if track is not None:
                return track
    return None


def _narrowing(objective: Objective, x: Array, pivot: int, sign: float) -> Track | None:
    corners = corners_in(objective)
    free = np.arange(len(x)) != pivot
    # Other scales are no place.
    free &= ~objective.is_transformed
    points: list[Array] = []
    values: list[float] = []
    for distance in np.concatenate([[0.0], np.cumsum(_STEPS)]):
        ahead = (points[-1] if points else x).copy()
        ahead[pivot] = x[pivot] + sign * distance
        ahead = centred(corners, ahead, free)
        value = float(objective.evaluate(ahead[None])[0][0])
        if not np.isfinite(value):
            return None
        points.append(ahead)
        values.append(value)
    rates = np.diff(values)[-_RATES:] / _STEPS[-_RATES:]
    proportional = np.ptp(rates) <= _EQUAL * np.abs(rates).min() and rates.min() > _LEAST_RATE
    if not proportional:
        return None
    distances = sign * np.concatenate([[0.0], np.cumsum(_STEPS)])
    return Track(pivot, distances, np.array(points), np.array(values), 0.0)
