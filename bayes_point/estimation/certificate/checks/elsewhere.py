"""Before it is said that there is no maximum: whether there is one on other scales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case, World, where_finite
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Further, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search
from bayes_point.estimation.tolerances import SAME_VALUE

__all__ = ["elsewhere", "on_other_scales"]

Array = NDArray[np.float64]

# Verdicts that a maximum found from elsewhere would overturn.
_DOUBTFUL = (Status.AT_INFINITY, Status.NOT_CONVERGED)
_VERY_FAR = 1e6
_OTHERS = 16


def elsewhere(case: Case) -> Verdict:
    """Look for a maximum from the centre and from starts on other scales.

    Asked where a supremum at infinity is claimed, where nothing could be decided, and where what is
    not identified is a million away.

    Evidence: sixteen starts, each coordinate off by anything from a millionth to ten; one leads
    higher than what is known, by more than 1e-9 of it.

    Blind spot: a maximum that none of the starts leads to.

    Source: Boender and Rinnooy Kan (1987), https://doi.org/10.1007/BF02591684, of random starts.
    """
    known = case.certificate
    far = np.abs(known.x).max() > _VERY_FAR
    if not (known.status in _DOUBTFUL or (far and known.status is Status.NOT_IDENTIFIED)):
        return None
    starts, ends = on_other_scales(case.objective, case.centre, case.world)
    case.world.add(starts[1:], ends.rows(slice(1, None)))
    best = float(np.nanmax(ends.value, initial=-np.inf))
    evidence = {"log density from elsewhere": best}
    # A value above a limit by no more than its rounding is on the way there.
    if best > known.value + SAME_VALUE * (1 + abs(known.value)):
        return Further(starts, ends, is_apart=True, evidence=evidence)
    return Passed(evidence)


def on_other_scales(objective: Objective, centre: Array, world: World) -> tuple[Array, Search]:
    """Climb from the centre and from starts on other scales; return them and where they led to."""
    if world.elsewhere is None:
        objective.announce("searching on other scales")
        starts = np.concatenate([centre[None], _other_scales(objective, centre, world.rng)])
        world.elsewhere = starts, world.climb(starts)
    return world.elsewhere


def _other_scales(objective: Objective, centre: Array, rng: np.random.Generator) -> Array:
    """Return starts around `centre`, each coordinate off by anything from a millionth to ten."""
    size = 10.0 ** rng.uniform(-6, 1, size=(_OTHERS, objective.p))
    size = np.where(objective.is_transformed, np.minimum(3.0, size), size)
    rows = centre + rng.choice([-1.0, 1.0], size=size.shape) * size
    return where_finite(objective, rows)
