"""A face of equal maxima between kinks, too short for a track to see."""

from __future__ import annotations

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.vertex import judge_vertex
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.nonsmooth.kinks import vertex_at

__all__ = ["face"]

# With so much of a curvature in every direction a maximum is a point.
_CURVED = 1e-3


def face(case: Case) -> Verdict:
    """Claim that the maximum is a face between kinks, as is the median of an even sample.

    Asked where nothing else was claimed, and the curvature is less than 1e-3 in some direction.

    Evidence: that of vertex, on the surface that the point is on, with no kink there.

    Blind spot: as in vertex.

    Source: Rockafellar and Wets (1998), Variational Analysis, https://doi.org/10.1007/978-3-642-02431-3
    """
    if not case.is_undisputed or case.point.curvature[0] > _CURVED:
        return None
    between = vertex_at(case.objective, case.x, between=True)
    if between is None:
        return None
    claim = judge_vertex(case.objective, between, case.start)
    return Passed() if claim is None else claim
