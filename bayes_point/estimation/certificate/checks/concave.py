"""A stationary point of a density that is log-concave, by its graph: the only maximum there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import SPIKE, Point
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.suspects import WEAK_CURVATURE, least_fall, longest
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective

__all__ = ["concave", "only_maximum"]

Array = NDArray[np.float64]

# How far around the curvature is looked at, in standard errors: half to one and a half of this
# along each axis, at random, so that no direction between them is left out ...
_AROUND = 0.1
# ... of which what is left of the way to the maximum may be this part, ...
_LEFT = 0.25
# ... and between what multiples of that at the point the curvature has to stay.
_KEPT = (0.5, 2.0)


def concave(case: Case) -> Verdict:
    """Claim the only maximum where the log density is concave, proven from the model's graph.

    Asked where the graph is proven to be concave by the rules of disciplined convex programming, in
    the parameters or in other coordinates that are named.

    Evidence: the slope is zero to rounding, the curvature negative in every direction, and no
    standard error out of all proportion; a tenth of a standard error away, both ways across all
    axes, the curvature is between half and twice as large, and the density has fallen.  So there
    is a stationary point within (Kantorovich), and of a concave density that is the only maximum.
    Where it is not so, as where data are separated, nothing is claimed.

    Blind spot: a curvature that vanishes between the three points at which it is looked at.

    Source: Grant, Boyd and Ye (2006), https://doi.org/10.1007/0-387-30528-9_7
    """
    if not case.objective.concave_in or np.any(case.held):
        return None
    point = case.point
    sound = point.is_still and point.spike <= SPIKE and point.distance <= _LEFT * _AROUND
    if not sound or not point.curvature[0] > WEAK_CURVATURE:
        return None
    error = point.quadratic.axes[0] * point.quadratic.scale[0][:, None]
    error = error / np.sqrt(point.quadratic.curvature[0])
    if np.any(np.abs(error) > longest(case.objective, point)[:, None]):
        return None
    rng = np.random.default_rng(0)
    part = rng.uniform(0.5, 1.5, len(error)) * rng.choice([-1.0, 1.0], len(error))
    step = error @ (_AROUND * part)
    least, most = _curvature_around(case.objective, point, error, step)
    fall = float(least_fall(case.objective, point, step[None])[0])
    evidence = {
        "distance in standard errors": point.distance,
        "least curvature nearby, of that at the point": least,
        "largest": most,
        "fall of the log density": fall,
    }
    if not (_KEPT[0] <= least <= most <= _KEPT[1] and fall > point.noise):
        return Passed(evidence)
    return Claim(
        point,
        Status.CONVERGED,
        is_proof=True,
        evidence=evidence,
        proof=only_maximum(case.objective),
    )


def only_maximum(objective: Objective) -> str:
    """Return in words that a strict local maximum is the only one; empty if that is not known."""
    where = objective.concave_in
    return where and f"log-concave in {where}: the only maximum, by proof"


def _curvature_around(
    objective: Objective, point: Point, error: Array, step: Array
) -> tuple[float, float]:
    """Return the least and the largest curvature nearby, in units of that at the point."""
    hessians = objective.hessian(np.stack([point.x + step, point.x - step]))
    relative = -error.T @ hessians @ error
    if not np.all(np.isfinite(relative)):
        return np.nan, np.nan
    eigenvalues = np.linalg.eigvalsh(relative)
    return float(eigenvalues.min()), float(eigenvalues.max())
