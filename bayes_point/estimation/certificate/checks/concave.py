"""A stationary point of a density that is log-concave, by its graph: the only maximum there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import SPIKE, is_still
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.suspects import WEAK_CURVATURE, least_fall, longest
from bayes_point.estimation.certificate.verdicts import Claim, Judged, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.factor import Factor, is_definite

__all__ = ["concave", "only_at", "only_maximum"]

Array = NDArray[np.float64]

# How far around the curvature is looked at, in standard errors: half to one and a half of this
# along each of p directions, at random, so that no direction between them is left out.  Of a
# thousand directions a tenth each is three standard errors, over which the curvature may change:
# in all it is at most one of these, the second where the first is too long ...
_AROUND, _IN_ALL = 0.1, (1.0, 0.1)
# ... of which what is left of the way to the maximum may be this part, ...
_LEFT = 0.25
# ... and between what multiples of that at the point the curvature has to stay.
_KEPT = (0.5, 2.0)


def concave(case: Case) -> Verdict:
    """Claim the only maximum where the log density is concave, proven from the model's graph.

    Asked where the graph is proven to be concave by the rules of disciplined convex programming, in
    the parameters or in other coordinates that are named.

    Evidence: the slope is zero to rounding, the curvature negative in every direction, and no
    standard error out of all proportion; a tenth of a standard error away across all directions (in
    all at most one, or a tenth), both ways, the curvature is between half and twice as large in
    each, and the density has fallen.  So there is a stationary point within (Kantorovich), and of a
    concave density that is the only maximum.  Where it is not so, as where data are separated,
    nothing is claimed.

    Blind spot: a curvature that vanishes between the three points at which it is looked at.

    Source: Grant, Boyd and Ye (2006), https://doi.org/10.1007/0-387-30528-9_7
    """
    if not case.objective.concave_in or np.any(case.held):
        return None
    quadratic = case.point.quadratic
    axes, curvature = quadratic.axes[0], quadratic.curvature[0]
    if len(curvature) < len(case.x):
        return None  # of many coordinates a factor was asked before
    factor = Factor.scaled(quadratic.scale[0], (axes * curvature) @ axes.T)
    return only_at(case.objective, case.point, factor, case.point.spike)


def only_at(objective: Objective, point: Judged, factor: Factor | None, spike: float) -> Verdict:
    """Say whether a point is the only maximum of a concave density, by a factor of its curvature.

    See `concave`; `spike` is the fall over one unit in the last place.
    """
    sound = is_still(point.distance, point.noise) and spike <= SPIKE
    sound &= point.distance <= _LEFT * _AROUND
    if factor is None or not sound or not factor.least > WEAK_CURVATURE:
        return None
    if np.any(factor.errors > longest(objective, point.x)):
        return None
    rng = np.random.default_rng(0)
    p = len(point.x)
    z = _AROUND * rng.uniform(0.5, 1.5, p) * rng.choice([-1.0, 1.0], p)
    length = float(np.linalg.norm(z))
    evidence = {"distance in standard errors": point.distance}
    for part in dict.fromkeys(min(1.0, most / length) for most in _IN_ALL):
        step = factor.step(part * z)
        fall = float(least_fall(objective, point, step[None])[0])
        evidence["fall of the log density"] = fall
        around = (point.x + step, point.x - step)
        if fall > point.noise and all(_is_kept(objective, x, factor) for x in around):
            proof = only_maximum(objective)
            return Claim(point, Status.CONVERGED, is_proof=True, evidence=evidence, proof=proof)
    return Passed(evidence)


def only_maximum(objective: Objective) -> str:
    """Return in words that a strict local maximum is the only one; empty if that is not known."""
    where = objective.concave_in
    return where and f"log-concave in {where}: the only maximum, by proof"


def _is_kept(objective: Objective, x: Array, factor: Factor) -> bool:
    """Whether the curvature at `x`, (p,), is in all directions much the same as a factor's."""
    least, most = (part * factor.matrix for part in _KEPT)
    scaled = -objective.hessian(x[None])[0] * factor.scale[:, None] * factor.scale
    return is_definite(scaled - least) and is_definite(most - scaled)
