"""MLE and MAP of one model, which may not contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.optimise.precision import rounding

__all__ = ["is_beaten_by", "reconciled"]

# Of a log density relative to 1 + its size: what a limit that was extrapolated may be off.
_SAME = 1e-6
# In a log or a logit, where exp and expit are still inside of the support.
_INSIDE = 30.0


def reconciled(
    estimate: PointEstimate,
    other: PointEstimate,
    again: Callable[[Mapping[str, NDArray]], PointEstimate],
) -> PointEstimate:
    """Return an estimate, or what is found from another one where that proves it wrong.

    The MLE has the highest likelihood there is, and the MAP the highest joint density: where the
    point of the one is higher than the other in what the other maximises, the other is no maximum.

    Parameters
    ----------
    estimate : PointEstimate
        What may be wrong.
    other : PointEstimate
        An estimate of the same model that maximises something else.
    again : callable
        From initial values, by free variable, to the estimate that is found from them.
    """
    if not is_beaten_by(estimate, other):
        return estimate
    density = estimate.objective.density
    # As far out as a variable can still be told from its edge.
    x = other.certificate.x
    x = np.where(estimate.objective.is_transformed, np.clip(x, -_INSIDE, _INSIDE), x)
    at = density.natural(x[None])
    found = again({rv.name: at[rv.name][0] for rv in other.model.free_RVs if rv.name in at})
    if not found.certificate.value > estimate.certificate.value:
        return estimate
    finding = Finding(
        f"At the {other.estimator} the density was higher than at the {estimate.estimator} that "
        f"was found first: this one was found from the {other.estimator}.",
        (),
        {"log density of the one found first": estimate.certificate.value},
        "There may be a better one yet: give starting values with initvals=, or raise n_starts.",
    )
    return PointEstimate.of(replace(found, findings=(*found.findings, finding)))


def is_beaten_by(estimate: PointEstimate, other: PointEstimate) -> bool:
    """Whether another estimate is higher in what this one is said to maximise."""
    value, x = estimate.certificate.value, other.certificate.x
    # On the way to a pole everything is higher than a local maximum.
    no_bound = other.status is Status.UNBOUNDED and estimate.status is Status.LOCAL
    if estimate.status is Status.UNBOUNDED or no_bound or estimate.certificate.is_stopped:
        return False
    there = float(estimate.objective.values(x[None])[0])
    if not np.isfinite(there) or there <= value + _SAME * (1 + abs(value)):
        return False
    return there - float(rounding(estimate.objective, x[None])[0]) > value
