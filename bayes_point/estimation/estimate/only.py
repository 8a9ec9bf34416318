"""The only maximum of a density that is concave, from one start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case, World, where_finite
from bayes_point.estimation.certificate.certify import audit, is_proven
from bayes_point.estimation.certificate.checks.audit import audited_claim
from bayes_point.estimation.certificate.checks.concave import concave, only_at
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.verdicts import Claim
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.factor import climb_concave
from bayes_point.estimation.optimise.maximise import Search
from bayes_point.estimation.optimise.optima import Optimum, distinct
from bayes_point.estimation.optimise.precision import precision

__all__ = ["only_maximum"]

Array = NDArray[np.float64]

# Coordinates up to which a few dense matrices fit in two gigabytes.
_MOST = 6000


@dataclass(frozen=True)
class _Top:
    """A point of many coordinates, and the smallest and the largest curvature there."""

    x: Array
    value: float
    curvature: Array
    distance: float
    noise: float


def only_maximum(
    objective: Objective,
    start: Array,
    rng: np.random.Generator,
    observed: Array,
    climb: Callable[[Array], Search] | None,
) -> tuple[Certificate, list[Optimum], int] | None:
    """Return the only maximum of a density that is concave, from one start; None if in doubt.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    start : ndarray, (1, p)
        Where to begin.
    rng, observed
        As in `search`.
    climb : callable, optional
        From starts, (k, p), to where they lead; by default by a few dense factors of the curvature.
    """
    if not objective.concave_in or not len(where_finite(objective, start)):
        return None
    if climb is None:
        return _by_factors(objective, start[0]) if objective.p <= _MOST else None
    world = World(start, observed, rng, climb, climb(start))
    x, settled = world.ends.x[0], bool(world.ends.settled[0])
    if not np.isfinite(world.ends.value[0]):
        return None
    objective.announce("certifying")
    case = Case(objective, x, start=start[0], centre=start[0], settled=settled, world=world)
    if not is_proven(case):
        return None
    case.hear("audit", audit(case))
    return case.certificate, distinct(world.ends, objective.density, 0), 1


def _by_factors(
    objective: Objective, start: Array
) -> tuple[Certificate, list[Optimum], int] | None:
    top = climb_concave(objective, start)
    if top is None:
        return None
    objective.announce("certifying")
    there = (np.array([top.value]), top.gradient[None], np.diagonal(top.hessian)[None])
    noise, spike = precision(objective, top.x[None], *there)
    point = _Top(top.x, top.value, top.factor.ends, top.distance, float(noise[0]))
    claim = only_at(objective, point, top.factor, float(spike[0]))
    if not isinstance(claim, Claim):
        return None
    certificate = audited_claim(objective, concave.__name__, claim, top.x, top.value)
    return certificate, [Optimum(top.x, top.value, (0,), False)], 1
