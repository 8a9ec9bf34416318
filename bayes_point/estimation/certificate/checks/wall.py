"""A point at which the density ends."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import wall_finding
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.nonsmooth.kinks import at_wall

__all__ = ["wall"]


def wall(case: Case) -> Verdict:
    """Claim that the maximum is at a wall, beyond which the data are impossible.

    Asked where coordinates are held at a kink, and nothing else was claimed.

    Evidence: 1e-8 of the coordinate away, to one side, the density is zero.

    Blind spot: a wall that runs along no coordinate, unless the model shows it (see vertex).

    Source: Smith (1985), https://doi.org/10.1093/biomet/72.1.67, of such maxima.
    """
    if not (np.any(case.held) and case.is_undisputed):
        return None
    walls = at_wall(case.objective, case.x, case.held)
    if not np.any(walls):
        return Passed({"coordinates held": float(case.held.sum())})
    finding = wall_finding(case.objective, case.point, walls)
    return Claim(case.point, Status.ON_BOUNDARY, (finding,))
