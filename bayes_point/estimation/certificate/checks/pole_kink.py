"""Poles of a prior on its kink: coefficients at zero whose scale goes to zero with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.shrunk import FAR, GAIN, NEAR, downwards, moved
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.objective import Objective

__all__ = ["collapse_on_kinks", "pole_kink"]

Array = NDArray[np.float64]


def pole_kink(case: Case) -> Verdict:
    """Claim that a prior collapses on its kink, with no limit to it.

    Asked of a maximum, and of what could not be decided, where a prior has kinks.

    Evidence: the coefficients are put exactly on the kink, a scale made 5e-5 and 2e-9 of its size:
    between the two the density gains more than two; followed down, the others maximised over, no
    gain dies out.

    Blind spot: kinks of several priors that share a scale are put there one prior at a time.

    Source: Park and Casella (2008), https://doi.org/10.1198/016214508000000337, sec. 2
    """
    status = case.certificate.status
    if not (status.is_point or status is Status.NOT_CONVERGED):
        return None
    if kinks_in(case.objective).is_empty:
        return None
    pole = collapse_on_kinks(case.objective, case.certificate.x)
    return Passed() if pole is None else unbounded_along(case.objective, case.outlook, [pole])


def collapse_on_kinks(objective: Objective, x: Array) -> Track | None:
    """Return a track along which a prior collapses on its kink, if its scale is free to go there.

    Coefficients with a Laplace prior whose scale has a prior too: where all of them are zero the
    density of the prior grows without limit as the scale goes to zero.
    """
    kinks = kinks_in(objective)
    if kinks.is_empty or not np.any(objective.is_transformed):
        return None
    scales = np.flatnonzero(objective.is_transformed)
    for site in np.unique(kinks.site_of[kinks.term_of == "prior"]):
        which = np.flatnonzero(kinks.site_of == site)
        normals = kinks.jacobian(x, which)
        point = x - np.linalg.pinv(normals) @ kinks.values(x[None])[0, which]
        held = np.flatnonzero(np.any(normals != 0, axis=0))
        points = np.tile(point, (len(scales), 1))
        near, far = (moved(objective, points, scales, -step) for step in (NEAR, FAR))
        gain = np.where(np.isfinite(near) & np.isfinite(far), far - near, -np.inf)
        for j in scales[(gain > GAIN) & ~np.isin(scales, held)]:
            track = downwards(objective, point, int(j), held)
            if track.grows_without_bound:
                return track
    return None
