"""What a certificate says, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.judged_point import Point
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.status import Finding

__all__ = ["kink_finding", "not_still", "null_finding", "wall_finding"]

Array = NDArray[np.float64]

# Parameters of a direction that are named one by one.
_NAMED = 20


def null_finding(objective: Objective, row: Array) -> Finding:
    """Say along what the density does not change."""
    names = [objective.density.parameters[j] for j in np.flatnonzero(row)]
    if len(names) == 1:
        what = f"The density does not depend on {names[0]} at all."
    else:
        moving = np.flatnonzero(row)
        moves = ", ".join(
            f"{objective.density.parameters[j]} {row[j]:+.3g}" for j in moving[:_NAMED]
        )
        if len(moving) > _NAMED:
            moves += f" and {len(moving) - _NAMED} more"
        what = f"The density does not change along a direction: {moves}."
        if len(names) == 2:
            a, b = (row[j] for j in np.flatnonzero(row))
            ratio = -a / b
            if np.isclose(abs(ratio), 1.0):
                what += f" {names[0]} and {names[1]} enter only as {names[0]} "
                what += f"{'+' if ratio > 0 else '-'} {names[1]}."
    return Finding(
        what,
        tuple(names),
        {},
        "Drop or fix it, or use the prior: find_MAP."
        if len(names) == 1
        else "Their values are one choice among equals. Drop or fix one of them, or use the prior: "
        "find_MAP.",
        is_flat=True,
    )


def kink_finding(objective: Objective, point: Point) -> Finding:
    """Say which coordinates are held at a kink."""
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(point.held))
    return Finding(
        f"The maximum is at a kink of the density in {', '.join(names)}: the derivative changes "
        "sign there without being zero.",
        names,
        {},
        "This is a proper maximum, as in a lasso; it has no standard error in these parameters.",
    )


def wall_finding(objective: Objective, point: Point, walls: NDArray[np.bool_]) -> Finding:
    """Say where the density ends."""
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(walls))
    return Finding(
        f"The density ends at this value of {', '.join(names)}: beyond it the data are impossible.",
        names,
        {},
        "The estimate is exact, but the usual standard errors do not hold here.",
    )


def not_still(objective: Objective, point: Point, unresolved: list[int]) -> Finding:
    """Say why this is no maximum that could be proven."""
    if unresolved:
        names = tuple(objective.density.parameters[j] for j in unresolved)
        return Finding(
            f"Whether this is a maximum along {', '.join(names)} could not be decided.",
            names,
            {"log density": point.value},
            "Look at the density along these parameters, or give them a more informative prior.",
        )
    return Finding(
        "The gradient is not zero, yet no step improves the density.",
        tuple(objective.density.parameters[j] for j in np.flatnonzero(point.is_steep)),
        {"distance to a stationary point in standard errors": point.distance},
        "The density may have a kink or a wall here; look at it along the parameters named.",
    )
