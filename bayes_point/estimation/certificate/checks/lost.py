"""A point of whose parameters nothing is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import not_still
from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective

__all__ = ["is_lost", "lost"]

Array = NDArray[np.float64]

# So many times its own size is more than a parameter's standard error ever is.
_LOOSE = 1e4
# So many times as large as at the start is where a parameter has run away to.
_LOST = 1e8


def lost(case: Case) -> Verdict:
    """Claim that it was not decided what a point is that is far out and loosely held.

    Evidence: a coordinate that is a parameter itself is 1e8 times as large as at the start, and its
    standard error 1e4 times as large as it is.

    Blind spot: data in units so small that a parameter is rightly that large, and known so badly.

    Source: none; of the test zoo no well-behaved model comes near.
    """
    far = is_lost(case.objective, case.point, case.start)
    if not np.any(far):
        return Passed()
    finding = not_still(case.objective, case.point, np.flatnonzero(far).tolist())
    return Claim(case.point, Status.NOT_CONVERGED, (finding,))


def is_lost(objective: Objective, point: Point, start: Array) -> NDArray[np.bool_]:
    """Which coordinates are so far out, and so loosely held, that nothing is known of them."""
    q = point.quadratic
    variance = np.square(q.axes[0]) @ (1 / np.maximum(np.abs(q.curvature[0]), 1e-16))
    far = np.abs(point.x) > _LOST * (1 + np.abs(start))
    wide = q.scale[0] * np.sqrt(variance) > _LOOSE * np.abs(point.x)
    return ~objective.is_transformed & ~point.held & far & wide
