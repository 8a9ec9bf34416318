"""A pole at the point itself: the density is infinite where a coordinate has just this value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective

__all__ = ["pole_here", "rises_to_infinity", "unbounded_at"]

# In the log density, over a thousandth of the way.
_LEAST_GAIN = 1e-3

# Distances to a wall, relative to the parameter, each a thousandth of the last.
_TO_THE_WALL = 10.0 ** -np.array([4.0, 7.0, 10.0, 13.0])


def pole_here(case: Case) -> Verdict:
    """Claim that the density is infinite at the point, in coordinates at a kink or a slope.

    Evidence: from a ten thousandth of the coordinate away to 1e-13 of it, each thousandth of the
    way gains at least a thousandth, and the last at least half as much as the first: a logarithm or
    a power of the distance, which has no end.

    Blind spot: a rise that is slower than a logarithm, or that begins nearer than 1e-13.

    Source: the gamma density with a shape below one at zero; Johnson, Kotz and Balakrishnan (1994),
    Continuous Univariate Distributions, ch. 17.
    """
    point = case.point
    where = case.held if point.is_still else case.held | point.is_steep
    if not np.any(where):
        return None
    poles = rises_to_infinity(case.objective, point, where)
    if np.any(poles):
        return unbounded_at(case.objective, point, poles)
    return Passed({"coordinates looked at": float(where.sum())})


def rises_to_infinity(
    objective: Objective, point: Point, where: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """In which coordinates the point is a pole: equal gains with each thousandth of the way."""
    poles = np.zeros_like(where)
    for j in np.flatnonzero(where):
        points = np.tile(point.x, (2 * len(_TO_THE_WALL), 1))
        points[:, j] += (1 + abs(point.x[j])) * np.concatenate([_TO_THE_WALL, -_TO_THE_WALL])
        for side in np.split(objective.evaluate(points)[0], 2):
            gains = np.diff(side)
            poles[j] |= bool(
                np.all(np.isfinite(side)) and gains[0] > _LEAST_GAIN and gains[-1] > 0.5 * gains[0]
            )
    return poles


def unbounded_at(objective: Objective, point: Point, poles: NDArray[np.bool_]) -> Claim:
    """Judge a density that is infinite at the point, in the coordinates `poles`."""
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(poles))
    values = [f"{name} nears {x:.6g}" for name, x in zip(names, point.x[poles], strict=True)]
    finding = Finding(
        f"The density grows without limit as {', '.join(values)}.",
        names,
        {"log density as near as rounding allows": point.value},
        "No estimate exists. Keep the parameter away from that value with a prior.",
    )
    return Claim(point, Status.UNBOUNDED, (finding,), is_proof=True, undefined=poles, value=np.inf)
