"""A point that is better than this one, on a track away from it or from a little way off."""

from __future__ import annotations

import numpy as np

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.verdicts import Better, Passed, Verdict
from bayes_point.estimation.optimise.maximise import finite_hessian, maximise
from bayes_point.estimation.optimise.precision import precision

__all__ = ["better_nearby"]

# Standard errors, over the root of their number, that a restart begins away.
_ASIDE = 0.5


def better_nearby(case: Case) -> Verdict:
    """Look for a better point: at the top of what rises, or else from half a standard error off.

    Evidence: a search from the best point of each track that rises; where nothing was suspicious
    enough to be followed, one from each of two random points half a standard error away.  What is
    higher by more than rounding is better.

    Blind spot: a maximum further off than a standard error, across a valley: the further starts
    look for those.

    Source: the restart of Nocedal and Wright (2006), https://doi.org/10.1007/978-0-387-40065-5
    """
    objective, point = case.objective, case.point
    starts = [
        track.x[track.peak]
        for pair in case.pairs
        for track in pair
        if track.rises and not track.grows_without_bound
    ]
    if not starts and not case.pairs:
        # Nothing suspicious: still come back to it from a little way off.
        rng = np.random.default_rng(1)
        away = rng.standard_normal((2, point.quadratic.curvature.size))
        away *= _ASIDE / np.sqrt(away.shape[1] * np.maximum(point.quadratic.curvature, 1e-16))
        starts = list(point.x + point.quadratic.step(away[:, None, :].reshape(1, 2, -1))[0])
    if not starts:
        return None
    # That of an integral was computed at the point, and is remembered.
    hessian = finite_hessian(objective, point.x[None])[0] if objective.is_integral else None
    search = maximise(objective, np.array(starts), hessian=hessian)
    best = int(np.argmax(np.where(np.isfinite(search.value), search.value, -np.inf)))
    end = (search.x, search.value, search.gradient, search.diagonal)
    noise, _ = precision(objective, *(array[[best]] for array in end))
    gain = float(search.value[best] - point.value)
    evidence = {"log density gained": gain}
    if gain > max(point.noise, float(noise[0])):
        return Better(search.x[best], starts[best], evidence=evidence)
    return Passed(evidence)
