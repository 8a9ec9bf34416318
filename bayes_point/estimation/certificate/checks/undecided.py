"""Directions of which it could not be decided whether the density falls."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import not_still
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict

__all__ = ["undecided"]


def undecided(case: Case) -> Verdict:
    """Claim that a maximum along some parameters could not be proven.

    Asked of the directions in which a maximum is not evident.

    Evidence: followed outwards both ways, the density neither falls off to both sides nor is it the
    same on either.

    Blind spot: none of its own; what is not decided is said to be so.

    Source: the tracks of growing and flat.
    """
    if np.isnan(case.point.curvature[0]) and len(case.point.quadratic.curvature[0]) < len(case.x):
        finding = not_still(case.objective, case.point, [])
        return Claim(case.point, Status.NOT_CONVERGED, (finding,))
    if not case.pairs:
        return None
    open_ = [
        up.pivot
        for up, down in case.pairs
        if not (up.is_flat or down.is_flat or (up.falls and down.falls))
    ]
    if not open_:
        return Passed({"directions followed": float(len(case.pairs))})
    finding = not_still(case.objective, case.point, open_)
    return Claim(case.point, Status.NOT_CONVERGED, (finding,))
