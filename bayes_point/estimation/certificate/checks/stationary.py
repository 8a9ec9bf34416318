"""A point whose gradient is not zero, or that a kink leads up from."""

from __future__ import annotations

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import not_still
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict

__all__ = ["stationary"]


def stationary(case: Case) -> Verdict:
    """Claim that the point is no maximum, as the density has a slope there.

    Asked unless the density is flat besides, which asks the same.

    Evidence: the way to the stationary point of the local quadratic model, in standard errors, is
    more than a millionth, and more than the rounding of the log density makes of it; or the density
    rises to one side of a kink that the point is held at, or aslant of several.

    Blind spot: aslant of kinks five hundred directions are tried, not all.

    Source: Dennis and Schnabel (1996), https://doi.org/10.1137/1.9781611971200, sec. 7.2
    """
    if any(claim.status is Status.NOT_IDENTIFIED for claim in case.claims):
        return None
    point = case.point
    evidence = {"distance in standard errors": point.distance, "rounding": point.noise}
    if point.is_still and case.is_maximum_across:
        return Passed(evidence)
    finding = not_still(case.objective, point, [])
    return Claim(point, Status.NOT_CONVERGED, (finding,), evidence=evidence)
