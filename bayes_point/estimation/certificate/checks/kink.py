"""A maximum at which the derivative changes sign without being zero."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import kink_finding
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Verdict

__all__ = ["kink"]


def kink(case: Case) -> Verdict:
    """Claim a maximum at a kink in some parameters, as in a lasso.

    Asked where coordinates are held at a kink, and nothing else was claimed.

    Evidence: that of settle and stationary: the density falls to both sides, with a slope.

    Blind spot: as there.

    Source: Tibshirani (1996), https://doi.org/10.1111/j.2517-6161.1996.tb02080.x
    """
    if not (np.any(case.held) and case.is_undisputed):
        return None
    return Claim(case.point, Status.CONVERGED, (kink_finding(case.objective, case.point),))
