"""A maximum on a narrow ridge, at the limits of double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import SPIKE, Point, is_still
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.ridge import Ridge

__all__ = ["on_ridge", "ridge"]

Array = NDArray[np.float64]


def ridge(case: Case) -> Verdict:
    """Claim an interior maximum on a narrow ridge, of which the Hessian alone cannot tell.

    Asked of the point that the search led to, where it is on such a ridge.

    Evidence: in coordinates in which the curvature is of size one all round, what is left of the
    way to the maximum is rounding, and the curvature is negative in every direction.

    Blind spot: a ridge that is flat to more digits than double precision has.

    Source: Higham (2002), Accuracy and Stability of Numerical Algorithms,
    https://doi.org/10.1137/1.9780898718027
    """
    if not case.is_first or case.ridge is None:
        return None
    claim = on_ridge(case.objective, case.ridge)
    return Passed({"distance in standard errors": case.ridge.distance}) if claim is None else claim


def on_ridge(objective: Objective, ridge: Ridge) -> Claim | None:
    """Return the claim of a maximum on a narrow ridge, if that is what it is."""
    point = Point.at(objective, ridge.x, np.zeros(len(ridge.x), bool))
    if not is_still(ridge.distance, point.noise) or point.spike > SPIKE:
        return None
    least, most = float(ridge.curvature[0]), float(ridge.curvature[-1])
    evidence = {
        "distance to the maximum in standard errors": ridge.distance,
        "smallest eigenvalue of the scaled curvature": least,
        "largest eigenvalue of the scaled curvature": most,
        "condition number": most / least,
    }
    return Claim(point, Status.CONVERGED, is_proof=True, evidence=evidence)
