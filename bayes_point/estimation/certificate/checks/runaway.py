"""A coordinate that the search took far, and along which the density grows for ever."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import Point, held_at
from bayes_point.estimation.certificate.tracks import Track, follow
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.model.variables.scales import scale_variables

__all__ = ["runaway", "runaways"]

Array = NDArray[np.float64]

# A search that has gone this far in a log or a logit, six orders of magnitude, may be running away.
_FAR = 15.0
# In a parameter itself, which may be a log by the user's own hand, this is far enough to look.
_VERY_FAR = 100.0
# A slope in the log density of less than this leads nowhere.
_LEVEL = 1e-6
# So many, of those that went furthest, are followed.
_MOST = 16


def runaway(case: Case) -> Verdict:
    """Claim that the density is unbounded along coordinates that the search took far.

    Asked where the search did not come to rest.

    Evidence: each coordinate that moved by 15 in a log or a logit, or by 100 in a parameter itself
    that a scale is made of, is followed on from half way in steps that double, the others maximised
    over at each; no gain dies out.

    Blind spot: a growth that ends beyond the fifteen orders of magnitude that arithmetic can
    follow.

    Source: Day (1969), https://doi.org/10.1093/biomet/56.3.463, of such likelihoods.
    """
    if case.settled or case.attempt:
        return None
    growing = runaways(case.objective, case.x, case.start)
    if growing:
        return unbounded_along(case.objective, case.point, growing)
    return Passed({"furthest move": float(np.abs(case.x - case.start).max(initial=0.0))})


def runaways(objective: Objective, x: Array, start: Array) -> list[Track]:
    """Return the tracks of coordinates that the search took far, where there is no end to it."""
    distance = np.abs(x - start)
    far = distance > np.where(objective.is_transformed, _FAR, _VERY_FAR)
    if np.any(far & ~objective.is_transformed):
        # What is behind no scale has a bound by itself: a hundred levels on a scale of thousands.
        scales = [*scale_variables(objective.density, tuple(objective.weights))]
        far &= objective.is_transformed | np.isin(objective.density.variables, scales)
    # At an edge nothing is left of the slope; on the way to a pole it stays.
    slope = np.abs(objective.evaluate(x[None])[1][0])
    far &= ~(slope < _LEVEL)
    tracks = []
    for j in sorted(np.argsort(-distance * far, kind="stable")[: min(_MOST, int(far.sum()))]):
        # From half way, where rounding has not yet blurred the density.
        base = np.where(np.arange(len(x)) == j, 0.5 * (start + x), x)
        base = held_at(objective, base, np.arange(len(x)) == j)
        point = Point.at(objective, base, np.zeros(len(x), bool))
        step = float(np.sign(x[j] - start[j]))
        if not objective.is_transformed[j]:
            step *= float(distance[j]) / 64
        # On the way into a pole one ulp of the others is much; the gains are larger than that.
        noise = min(point.noise, 1e-3)
        track = follow(objective, base, point.value, pivot=int(j), step=step, noise=noise)
        if objective.is_transformed[j]:
            track = track.up_to_rounding(start[j])
        if track.grows_without_bound:
            tracks.append(track)
    return tracks
