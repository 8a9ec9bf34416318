"""The proof behind an estimate: what kind of optimum a point is, decided afresh at the point.

The certificate does not trust the search.  It asks a list of checks, each a file of its own: at the
reported point value, gradient and Hessian are computed anew, and a standard error moved along each
axis of the curvature, both ways: at an interior maximum the density falls.  Where it does not, the
direction is followed outwards, the other parameters maximised over at each step, to see whether the
density is flat, levels off, or grows.  Only a better point makes them begin anew, from there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.adrift import adrift
from bayes_point.estimation.certificate.checks.audit import audit
from bayes_point.estimation.certificate.checks.better_nearby import better_nearby
from bayes_point.estimation.certificate.checks.concave import concave
from bayes_point.estimation.certificate.checks.elsewhere import elsewhere
from bayes_point.estimation.certificate.checks.escape import escape
from bayes_point.estimation.certificate.checks.face import face
from bayes_point.estimation.certificate.checks.flat import flat
from bayes_point.estimation.certificate.checks.flat_optimum import flat_optimum
from bayes_point.estimation.certificate.checks.growing import growing
from bayes_point.estimation.certificate.checks.kink import kink
from bayes_point.estimation.certificate.checks.lost import lost
from bayes_point.estimation.certificate.checks.plateau import plateau
from bayes_point.estimation.certificate.checks.pole_factor import pole_factor
from bayes_point.estimation.certificate.checks.pole_here import pole_here
from bayes_point.estimation.certificate.checks.pole_kink import pole_kink
from bayes_point.estimation.certificate.checks.pole_observation import pole_observation
from bayes_point.estimation.certificate.checks.pole_scale import pole_scale
from bayes_point.estimation.certificate.checks.pole_walls import pole_walls
from bayes_point.estimation.certificate.checks.ridge import on_ridge, ridge
from bayes_point.estimation.certificate.checks.runaway import runaway
from bayes_point.estimation.certificate.checks.settle import settle
from bayes_point.estimation.certificate.checks.spike import spike
from bayes_point.estimation.certificate.checks.stationary import stationary
from bayes_point.estimation.certificate.checks.undecided import undecided
from bayes_point.estimation.certificate.checks.vertex import vertex
from bayes_point.estimation.certificate.checks.wall import wall
from bayes_point.estimation.certificate.point import SPIKE, Point
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.suspects import suspects
from bayes_point.estimation.certificate.verdicts import Better, Claim, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.ridge import ridge_at
from bayes_point.estimation.tolerances import SAME_VALUE

__all__ = [
    "CHECKS",
    "ELSEWHERE",
    "HERE",
    "Check",
    "audit",
    "certify",
    "is_evident",
    "is_on_ridge",
    "is_proven",
    "try_at",
]

Array = NDArray[np.float64]

type Check = Callable[[Case], Verdict]

# What is asked of the point, ...
HERE: tuple[Check, ...] = (
    vertex,
    concave,
    ridge,
    runaway,
    spike,
    escape,
    settle,
    adrift,
    better_nearby,
    growing,
    flat,
    pole_here,
    undecided,
    stationary,
    lost,
    wall,
    kink,
    face,
)
# ... and then of what is elsewhere, by a search as a whole.
ELSEWHERE: tuple[Check, ...] = (
    plateau,
    elsewhere,
    flat_optimum,
    pole_factor,
    pole_observation,
    pole_kink,
    pole_walls,
    pole_scale,
)
# Last of all, what trusts nothing that was said.
CHECKS = (*HERE, *ELSEWHERE, audit)

# Better points that are gone on to.
_ROUNDS = 6


def certify(
    objective: Objective, x: Array, *, start: Array, centre: Array, settled: bool
) -> Certificate:
    """Decide what kind of optimum `x`, found from `start`, is; go on where a better point shows.

    `centre` is a point well inside; `settled` says whether the search came to rest at `x`.
    """
    case = Case(objective, x, start=start, centre=centre, settled=settled)
    try_at(case)
    case.hear("audit", audit(case))
    return case.certificate


def try_at(case: Case) -> None:
    """Ask what is to be asked of the point of a case; go on where a better one shows."""
    while case.attempt < _ROUNDS:
        better = _ask(case)
        if better is None:
            return
        case.move(better)
    finding = Finding(
        "Each point that was checked led on to a better one.",
        evidence={"log density": case.point.value},
        advice="Give starting values nearer to the optimum with initvals=, or rescale.",
    )
    claim = Claim(case.point, Status.NOT_CONVERGED, (finding,), is_proof=True)
    case.hear("better_nearby", claim)


def _ask(case: Case) -> Better | None:
    """Ask one check after the other; return the better point that one shows, if one does."""
    for check in HERE:
        verdict = check(case)
        case.hear(check.__name__, verdict)
        if isinstance(verdict, Better):
            return verdict
        if isinstance(verdict, Claim) and verdict.is_proof:
            break
    return None


def is_proven(case: Case) -> bool:
    """Whether a point is the only maximum of a density that is concave."""
    for check in (vertex, concave):
        verdict = check(case)
        case.hear(check.__name__, verdict)
        if isinstance(verdict, Claim):
            return bool(verdict.proof)
    return False


def is_evident(objective: Objective, x: Array) -> bool:
    """Whether a point is an interior local maximum beyond doubt, without following anything."""
    point = Point.at(objective, x, np.zeros(len(x), bool))
    return point.is_still and point.spike <= SPIKE and not suspects(objective, point)


def is_on_ridge(objective: Objective, x: Array) -> bool:
    """Whether a point is an interior local maximum on a narrow ridge, beyond doubt."""
    found = ridge_at(objective, x)
    value = float(objective.evaluate(x[None, :])[0][0])
    if found is None or found.value - value > SAME_VALUE * (1 + abs(value)):
        return False
    return on_ridge(objective, found) is not None
