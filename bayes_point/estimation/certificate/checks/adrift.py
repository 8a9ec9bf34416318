"""A point so far out, and so loosely held, that it may be on the way to infinity."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.escape import escaping, leads_away
from bayes_point.estimation.certificate.checks.lost import is_lost
from bayes_point.estimation.certificate.point import held_at
from bayes_point.estimation.certificate.verdicts import Passed, Verdict

__all__ = ["adrift"]

# In units of the size of a parameter at the start, what is too far out to look back from, and how
# far from the start it is looked from instead.
_FAR, _NEAR = 1e4, 10.0


def adrift(case: Case) -> Verdict:
    """Claim a supremum at infinity where a far point leads away from where it was reached from.

    Asked of a point that is lost (see lost).

    Evidence: as in escape, with the penalty about the origin of the point, from where it may lead
    away as the density does from the centre elsewhere; of an origin that is lost itself, about what
    is best with the lost parameters brought back to ten times their size at the start.

    Blind spot: as in escape.

    Source: Albert and Anderson (1984), https://doi.org/10.1093/biomet/71.1.1
    """
    lost = is_lost(case.objective, case.point, case.start)
    if not np.any(lost):
        return None
    origin, size = case.origin, 1 + np.abs(case.start)
    if np.any(lost & (np.abs(origin - case.start) > _FAR * size)):
        # It lies on the plateau as well, and nothing leads away from it.
        back = case.start + np.sign(case.x - case.start) * _NEAR * size
        origin = held_at(case.objective, np.where(lost, back, case.x), lost)
    path = case.path_from(origin)
    if leads_away(path, case.point):
        return escaping(case.objective, case.point, path)
    return Passed({"log density at the end of the path": float(path.value[-1])})
