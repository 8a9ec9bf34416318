"""A point so far out, and so loosely held, that it may be on the way to infinity."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.escape import escaping, leads_away
from bayes_point.estimation.certificate.checks.lost import is_lost
from bayes_point.estimation.certificate.verdicts import Passed, Verdict

__all__ = ["adrift"]


def adrift(case: Case) -> Verdict:
    """Claim a supremum at infinity where a far point leads away from where it was reached from.

    Asked of a point that is lost (see lost).

    Evidence: as in escape, with the penalty about the origin of the point: from where it came it
    may lead away as the density does from the centre elsewhere.

    Blind spot: as in escape.

    Source: Albert and Anderson (1984), https://doi.org/10.1093/biomet/71.1.1
    """
    if not np.any(is_lost(case.objective, case.point, case.start)):
        return None
    path = case.path_from(case.origin)
    if leads_away(path, case.point):
        return escaping(case.objective, case.point, path)
    return Passed({"log density at the end of the path": float(path.value[-1])})
