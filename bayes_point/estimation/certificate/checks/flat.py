"""Directions along which the density does not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.findings import null_findings
from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import NOTHING

__all__ = ["flat"]

Array = NDArray[np.float64]

# So many times its own size, or in a log or a logit so much, is further than what ends goes on.
_FAR, _FAR_LOG = 100.0, 10.0
# This many standard errors from a stationary point is no maximum, flat as it may be besides.
_STEEP = 0.03


def flat(case: Case) -> Verdict:
    """Claim that the maximum is not one point, as nothing changes along a direction.

    Asked of the directions in which a maximum is not evident.

    Evidence: followed outwards, the other parameters maximised over, the density is the same to its
    rounding; the point is within 0.03 standard errors of a stationary one, and no kink that it is
    held at leads up.  Each direction is given in as few parameters as can be.

    Blind spot: a density that changes by less than its rounding is the same to us.

    Source: Rothenberg (1971), https://doi.org/10.2307/1913267
    """
    if not case.pairs:
        return None
    objective, point = case.objective, case.point
    rows = _null_space(point, case.null)
    if not len(rows):
        return Passed({"directions followed": float(len(case.pairs))})
    ends = [_is_short(objective, track) for track in case.null]
    findings = tuple(null_findings(objective, list(rows), ends))
    proven = case.is_maximum_across and point.distance < _STEEP
    # Flat besides, but no maximum.
    status = Status.NOT_IDENTIFIED if proven else Status.NOT_CONVERGED
    return Claim(point, status, findings, null_space=rows)


def _null_space(point: Point, null: list[Track]) -> Array:
    """Return a basis of the flat directions, each in as few parameters as can be."""
    rows = []
    for track in null:
        row = (track.x[1] - track.x[0]) / track.distance[1]
        rows.append(np.where(np.abs(row) > NOTHING * np.abs(row).max(), row, 0.0))
    return np.array(rows).reshape(len(rows), len(point.x))


def _is_short(objective: Objective, track: Track) -> bool:
    """Whether a track that is flat comes to an end: further off the density was found to fall."""
    size = 1.0 + abs(float(track.x[0, track.pivot]))
    far = _FAR_LOG if objective.is_transformed[track.pivot] else _FAR * size
    return bool(np.abs(track.distance).max() < far)
