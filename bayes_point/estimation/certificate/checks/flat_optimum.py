"""Whether the likelihood alone leads to a higher mode, where the prior is vague."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Further, Passed, Verdict
from bayes_point.estimation.optimise.maximise import maximise

__all__ = ["flat_optimum", "is_vague"]

Array = NDArray[np.float64]

# From one start to the next the likelihood changes by so many times as much as a vague prior.
_VAGUE = 10.0
# The starts of the highest likelihood, from which it is climbed, and Newton iterations of each.
_FROM, _ITERATIONS = 4, 60
# Gain of the log density, relative to it, that is more than rounding.
_CLEAR = 1e-9


def flat_optimum(case: Case) -> Verdict:
    """Look for a higher mode from where the likelihood alone is highest.

    Asked of a mode of the posterior where the prior is vague: from one start to another the
    log-likelihood changes by more than ten times as much (between their quartiles) as the prior.
    Not asked where all starts led to one maximum, nor of what has no upper bound.

    Evidence: the likelihood is climbed from the four starts at which it is highest, and the density
    from where that leads; one is higher than what is known by more than 1e-9 of it.

    Blind spot: a mode that the likelihood does not lead to from those four.

    Source: Gelman et al. (2013), Bayesian Data Analysis, ch. 4, of modes under vague priors.
    """
    objective, world, known = case.objective, case.world, case.certificate
    likelihood = objective.of_data
    if not 0 < len(likelihood.weights) < len(objective.weights):
        return None
    if known.status is Status.UNBOUNDED or world.all_the_same:
        return None
    if objective.is_integral or objective.density.is_costly:
        return None
    heights = likelihood.values(world.starts)
    if not is_vague(heights, objective.values(world.starts) - heights):
        return None
    highest = np.argsort(-np.where(np.isfinite(heights), heights, -np.inf))[:_FROM]
    ends = maximise(likelihood, world.starts[highest], max_iterations=_ITERATIONS)
    starts = ends.x[np.isfinite(objective.values(ends.x))]
    if not len(starts):
        return Passed()
    found = world.climb(starts)
    best = float(np.nanmax(found.value, initial=-np.inf))
    evidence = {"log density from the flat optimum": best}
    if best > known.value + _CLEAR * (1 + abs(known.value)):
        return Further(starts, found, is_apart=False, evidence=evidence)
    return Passed(evidence)


def is_vague(likelihood: Array, prior: Array) -> bool:
    """Whether the prior hardly tells points apart that the likelihood does, (n,) each."""
    both = np.stack([likelihood, prior])
    both = both[:, np.all(np.isfinite(both), axis=0)]
    if both.shape[1] < 2:
        return False
    low, high = np.quantile(both, [0.25, 0.75], axis=1)
    of_likelihood, of_prior = high - low
    return bool(of_likelihood > _VAGUE * of_prior)
