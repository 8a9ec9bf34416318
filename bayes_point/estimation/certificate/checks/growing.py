"""A direction out of the point along which the density grows for ever."""

from __future__ import annotations

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict

__all__ = ["growing"]


def growing(case: Case) -> Verdict:
    """Claim that the density is unbounded along a direction in which it does not fall off.

    Asked of the directions in which a maximum is not evident: where the density falls by less than
    0.02 over a standard error (a parabola falls by 1/2), or is curved by less than 1e-8.

    Evidence: followed in steps that double, the other parameters maximised over at each, no gain
    dies out: each is at least three quarters of the one before.

    Blind spot: a growth that ends beyond what arithmetic can follow.

    Source: Day (1969), https://doi.org/10.1093/biomet/56.3.463
    """
    if not case.pairs:
        return None
    found = [t for pair in case.pairs for t in pair if t.grows_without_bound]
    if found:
        return unbounded_along(case.objective, case.point, found)
    return Passed({"directions followed": float(len(case.pairs))})
