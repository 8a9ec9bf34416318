"""A search that stopped without coming to rest goes on, held where the density has a kink."""

from __future__ import annotations

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.verdicts import Better, Verdict
from bayes_point.estimation.nonsmooth import kinks

__all__ = ["settle"]


def settle(case: Case) -> Verdict:
    """Go on from where a search stopped, with coordinates held at the kinks they come to.

    Asked where the search did not come to rest.

    Evidence: a derivative that jumps through zero between two numbers a unit in the last place
    apart, and is the same a little further away; such a coordinate stays there, exactly.

    Blind spot: kinks along no coordinate, unless the model shows what they are (see vertex).

    Source: Nesterov (2012), https://doi.org/10.1137/100802001, of coordinatewise ascent.
    """
    if not case.is_open:
        return None
    if case.point.is_still:
        # Where rounding alone ended the search there is no kink to be looked for.
        return Better(case.x, case.origin, case.held)
    end, held = kinks.settle(case.objective, case.x)
    moved = {"log density gained": float(end.value[0]) - case.point.value}
    return Better(end.x[0], case.origin, held, moved)
