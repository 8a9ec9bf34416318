"""What a certificate says, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.nonsmooth.smoothing import corners_in
from bayes_point.estimation.nonsmooth.vertices import Vertex
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import NOTHING

__all__ = [
    "ends_along",
    "kink_finding",
    "not_still",
    "null_findings",
    "relabelled_finding",
    "vertex_finding",
    "wall_finding",
]

Array = NDArray[np.float64]

# Parameters of a direction that are named one by one.
_NAMED = 20
# Directions that are told one by one; more of them are a sentence.
_APART = 3


def null_findings(
    objective: Objective, rows: Sequence[Array] | Array, ends: Sequence[bool] = ()
) -> list[Finding]:
    """Say along what the density does not change: each direction, or how many there are.

    `ends` says of each whether it comes to an end; by default each goes on for ever.
    """
    ends = ends or [False] * len(rows)
    out: list[Finding] = []
    for kind in (False, True):
        some = [row for row, end in zip(rows, ends, strict=True) if end == kind]
        if len(some) <= _APART:
            out += [_null_finding(objective, row, ends=kind) for row in some]
        else:
            out.append(_many_directions(objective, np.array(some), ends=kind))
    return out


def _many_directions(objective: Objective, rows: Array, *, ends: bool) -> Finding:
    names = [objective.density.parameters[j] for j in np.flatnonzero(np.any(rows != 0, axis=0))]
    listed = ", ".join(names[:_NAMED])
    if len(names) > _NAMED:
        listed += f" and {len(names) - _NAMED} more"
    if ends:
        what = "The maximum is not one point: around it the density does not change along "
        what += f"{len(rows)} independent directions in {listed}."
    elif len(names) == len(rows):
        what = f"The density does not depend on {listed} at all."
    else:
        what = f"The density does not change along {len(rows)} independent directions in {listed}."
    return Finding(
        what,
        tuple(names),
        {"directions": float(len(rows))},
        "Their values are one choice among equals. Use the prior: find_MAP; or drop or fix as many "
        "of them as there are directions.",
        is_flat=True,
    )


def _null_finding(objective: Objective, row: Array, *, ends: bool = False) -> Finding:
    """Say along what the density does not change; that `ends`, or goes on."""
    names = [objective.density.parameters[j] for j in np.flatnonzero(row)]
    steps = list(zip(names, row[row != 0], strict=True))
    moves = ", ".join(f"{name} {step:+.3g}" for name, step in steps[:_NAMED])
    if len(steps) > _NAMED:
        moves += f" and {len(steps) - _NAMED} more"
    if ends:
        return Finding(
            f"The maximum is not one point: around it the density does not change along {moves}.",
            tuple(names),
            {},
            "Their values are one choice among equals, as is the median of an even sample. Report "
            "the range, or use a prior that prefers one of them.",
            is_flat=True,
        )
    if len(names) == 1:
        what = f"The density does not depend on {names[0]} at all."
    else:
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


def ends_along(objective: Objective, row: Array, x: Array) -> bool:
    """Whether a straight way along which nothing changes comes to an end, to one side at least."""
    far = np.array([[-1.0], [1.0]]) * 100 * (1 + np.abs(x).max()) * row / np.abs(row).max()
    value = objective.evaluate(np.concatenate([x[None], x + far]))[0]
    return bool(np.any(value[1:] < value[0] - NOTHING * (1 + abs(value[0]))))


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


def vertex_finding(objective: Objective, vertex: Vertex) -> Finding:
    """Say which kinks a maximum is exactly at."""
    density = objective.density
    names = tuple(density.parameters[j] for j in np.flatnonzero(vertex.held))
    of_prior = np.all(corners_in(objective).term_of[vertex.which] == "prior")
    where = "the prior's kink" if of_prior else "a kink of the density"
    evidence = {}
    if vertex.left.size:
        # A slope that is nearly level to one side is a maximum only just.
        smaller, larger = np.sort(np.abs([vertex.left, vertex.right]), axis=0)
        evidence = {"least ratio of the slopes to both sides": float(np.min(smaller / larger))}
    return Finding(
        f"The maximum is exactly at {where} in {', '.join(names)}: the derivative changes sign "
        "there without being zero.",
        names,
        evidence,
        "This is a proper maximum, as in a lasso or a median; it has no standard error in these "
        "parameters.",
    )


def relabelled_finding() -> Finding:
    """Say that the components of a maximum can change places."""
    return Finding(
        "The same maximum was found with its components in another order; it counts once.",
        (),
        {},
        "The posterior has such copies too: order the components, or summarise what does not "
        "depend on their labels.",
    )


def wall_finding(objective: Objective, point: Point, walls: NDArray[np.bool_]) -> Finding:
    """Say where the density ends."""
    names = tuple(objective.density.parameters[j] for j in np.flatnonzero(walls))
    return Finding(
        f"The density ends at this value of {', '.join(names)}: beyond it the data are impossible.",
        names,
        {},
        "The estimate is exact, but the usual standard errors do not hold here.",
        status=Status.ON_BOUNDARY,
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
