"""The curvature at an estimate: in which directions it measures anything, and in which not.

A standard error exists along a direction in which the density curves.  It does not along a null
direction, at a kink, at an edge of the support or at infinity; which those are the certificate
says.  They are set apart here, so that nothing is inverted that has no inverse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from bayes_point.errors import EstimationError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.record import EstimateRecord, once
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import finite_hessian
from bayes_point.estimation.optimise.ridge import is_top, sharpened

__all__ = ["Information", "has_failed", "information", "refuse_failed"]

Array = NDArray[np.float64]

# Of the scaled information, whose diagonal is one: below this an eigenvalue is rounding.
_FLAT = 1e-13
# A parabola falls by 1/2 over one standard error.  What falls by this on both sides is flat only in
# a neighbourhood far smaller than the standard error, like the top of a fourth power.
_STEEP = 500.0
# What is left of the information along a direction that goes to infinity.
_VANISHED = 1e-3
# Relative change of the log density that is rounding.
_LEVEL = 1e-10
# A gradient of this many standard errors is a kink's: at a stationary point it is rounding.
_KINK = 1e-2

_WORDS = {
    "edge": "at the edge of the support",
    "infinite": "at infinity",
    "kink": "at a kink of the density",
    "flat": "not identified",
}


@dataclass(frozen=True)
class Information:
    """The curvature of what was maximised, on the unconstrained scale.

    Attributes
    ----------
    x : ndarray, (p,)
        The point; where the estimate is at infinity, one far on the way there.
    fixed : tuple of str, (p,)
        Why a coordinate has no curvature of its own and is held while the others are measured:
        ``"edge"``, ``"infinite"``, ``"kink"``, ``"flat"``; empty where it is measured.
    axes : ndarray, (p, r)
        Directions of the coordinates that are measured, in which the information is `curvature`.
    curvature : ndarray, (r,)
        The information along each of them, positive.
    null : ndarray, (p, k)
        Directions along which the density does not change.
    weak : ndarray, (p, m)
        Directions along which it falls, but without a curvature.
    lost : ndarray, (p, l)
        Directions along which several fixed coordinates go together to an edge or to infinity,
        while others between the same coordinates are measured: a simplex with one zero.
    """

    x: Array
    fixed: tuple[str, ...]
    axes: Array
    curvature: Array
    null: Array
    weak: Array
    lost: Array

    @property
    def factor(self) -> Array:
        """A matrix, (p, r), that times its transpose is the inverse information."""
        return self.axes / np.sqrt(self.curvature)

    def where(self, *kinds: str) -> NDArray[np.bool_]:
        """Which coordinates are fixed for one of these reasons: (p,)."""
        return np.array([why in kinds for why in self.fixed], bool)

    def words(self, coordinate: int) -> str:
        """Why a coordinate is fixed, in words."""
        return _WORDS[self.fixed[coordinate]]


def has_failed(estimate: EstimateRecord) -> bool:
    """Whether the estimate is no maximum, so that nothing can be said of its error."""
    return estimate.status in (Status.UNBOUNDED, Status.NOT_CONVERGED)


def refuse_failed(estimate: EstimateRecord, what: str) -> None:
    """Raise if an estimate is no maximum, of which there is no `what`."""
    if not has_failed(estimate):
        return
    advice = " ".join(finding.advice for finding in estimate.findings if finding.advice)
    raise EstimationError(
        f"There is no {what}: the {estimate.estimator} is not at a maximum. "
        f"{estimate.status.value} {advice or 'See .findings.'}",
        estimate,
    )


@once
def information(estimate: EstimateRecord) -> Information:
    """Return the observed information at an estimate that is a maximum, or the limit of one."""
    certificate, objective = estimate.certificate, estimate.objective
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        x = certificate.x
        fixed = _fixed(estimate)
        hessian = finite_hessian(objective, x[None, :])[0]
        # A flat direction of one coordinate alone is that coordinate, to the last digit; so is one
        # of which all others are at infinity.
        rows = (np.atleast_2d(certificate.null_space) != 0) & (fixed != "infinite")
        flat = rows[rows.sum(axis=1) == 1].any(axis=0)
        fixed = np.where(flat & (fixed == ""), "flat", fixed)
        gradient = objective.evaluate(x[None, :])[1][0]
        # As far as rounding of the density lets the search come near.
        rounding = certificate.evidence.get("rounding of the log density", 0.0)
        fixed = _without_kinks(fixed, gradient, hessian, max(_KINK, 2 * np.sqrt(rounding)))
        k = int(np.sum(rows.sum(axis=1) > 1))
        kept, lost = _together(estimate, hessian, fixed)
        basis = np.column_stack([np.eye(len(x))[:, fixed == ""], kept])
        axes, curvature = _eigen(hessian, basis)
        flat = curvature <= _FLAT
        if k == 0 and (sharp := sharpened(objective, x, axes, curvature)) is not None:
            axes, curvature = sharp
            flat = np.zeros(len(curvature), bool)
        # An edge or infinity is looked into first by the certificate: beside one there can be null
        # directions that it does not speak of.
        is_null = np.arange(len(curvature)) < k
        is_null[flat] |= _is_level(objective, x, axes[:, flat])
        null, axes, curvature = axes[:, is_null], axes[:, ~is_null], curvature[~is_null]
        curved = ~flat[~is_null]
        errors = axes[:, curved] / np.sqrt(curvature[curved])
        # On a ridge that bends, a straight step of one standard error leaves it.
        held = _is_parabola(objective, x, errors)
        held[~held] = is_top(objective, x, errors[:, ~held])
        curved[curved] = held
    return Information(
        x,
        tuple(map(str, fixed)),
        axes[:, curved],
        curvature[curved],
        null,
        axes[:, ~curved],
        lost,
    )


def _fixed(estimate: EstimateRecord) -> NDArray[np.str_]:
    """Return why coordinates do not move, as far as the certificate says."""
    density, certificate = estimate.objective.density, estimate.certificate
    fixed = np.full(density.p, "", dtype="<U8")
    infinite = {
        label
        for name in dict.fromkeys(density.variables)
        for label, value in density.elements(name, estimate.point[name].values)
        if np.isinf(value)
    }
    for j in np.flatnonzero(certificate.direction):
        fixed[j] = "infinite" if density.parameters[j] in infinite else "edge"
    kinds = {Status.CONVERGED: "kink", Status.ON_BOUNDARY: "edge"}
    why = {
        name: kinds[finding.of(estimate.status)]
        for finding in estimate.findings
        if finding.of(estimate.status) in kinds
        for name in finding.parameters
    }
    for j in np.flatnonzero(fixed == ""):
        fixed[j] = why.get(density.parameters[j], "")
    return fixed


def _without_kinks(
    fixed: NDArray[np.str_], gradient: Array, hessian: Array, least: float
) -> NDArray[np.str_]:
    diagonal = -np.diagonal(hessian)
    slope = np.abs(gradient) / np.sqrt(np.where(diagonal > 0, diagonal, np.inf))
    return np.where((fixed == "") & (slope > least), "kink", fixed)


def _together(
    estimate: EstimateRecord, hessian: Array, fixed: NDArray[np.str_]
) -> tuple[Array, Array]:
    """Return the directions between the coordinates at an edge that are measured, and the others.

    Where several coordinates go to infinity for one zero of a simplex, only one direction of theirs
    does.  Along it the information has vanished since the path began, along the others it has not.
    """
    p, moving = len(hessian), np.flatnonzero((fixed == "edge") | (fixed == "infinite"))
    moving = moving[estimate.certificate.direction[moving] != 0]
    nothing = np.empty((p, 0))
    if len(moving) < 2:
        return nothing, nothing
    block = np.ix_(moving, moving)
    began = -finite_hessian(estimate.objective, estimate.certificate.path[:1])[0][block]
    if np.linalg.eigvalsh(began)[0] <= _FLAT * np.abs(began).max():
        return nothing, nothing
    ratio, vectors = eigh(-hessian[block], began)
    directions = np.zeros((p, len(moving)))
    directions[moving] = vectors
    vanished = ratio < _VANISHED
    return directions[:, ~vanished], directions[:, vanished]


def _eigen(hessian: Array, basis: Array) -> tuple[Array, Array]:
    """Return the axes of the information in the space of a basis, the least curved first.

    In units in which its diagonal is one: what is small then does not depend on the parameters'
    units.
    """
    part = -basis.T @ hessian @ basis
    diagonal = np.abs(np.diagonal(part))
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    curvature, vectors = np.linalg.eigh(part * scale[:, None] * scale)
    return basis @ (scale[:, None] * vectors), curvature


def _is_level(objective: Objective, x: Array, axes: Array) -> NDArray[np.bool_]:
    """Whether the density does not change along each axis, a step as long as the parameters."""
    steps = axes * ((1 + np.linalg.norm(x)) / np.linalg.norm(axes, axis=0))
    around = np.concatenate([[x], x + steps.T, x - steps.T])
    value = objective.evaluate(around)[0]
    change = np.abs(value[1:] - value[0]).reshape(2, -1)
    return np.all(change <= _LEVEL * (1 + np.abs(value[0])), axis=0)


def _is_parabola(objective: Objective, x: Array, errors: Array) -> NDArray[np.bool_]:
    """Whether the density falls, over a standard error along each axis, no more than it may."""
    r = errors.shape[1]
    around = np.concatenate([[x], x + errors.T, x - errors.T])
    value = objective.evaluate(around)[0]
    fall = value[0] - value[1:].reshape(2, r)
    return ~(np.min(np.where(np.isnan(fall), np.inf, fall), axis=0) > _STEEP)
