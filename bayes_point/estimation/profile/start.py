"""Where a profile begins: at the best maximum known, and anew where it meets a better one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayes_point.errors import EstimationError, EstimationWarning
from bayes_point.estimation.certificate.certify import certify
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.assemble import assemble
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimate.stopped import stopped, when_stopped
from bayes_point.estimation.nonsmooth.kinks import _one_sided, ascend, vertex_at
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.optima import distinct
from bayes_point.estimation.optimise.precision import rounding
from bayes_point.estimation.profile.branch import Better
from bayes_point.estimation.profile.lagrangian import Problem
from bayes_point.estimation.progress import Deadline, OutOfTime, Watch, watched
from bayes_point.model.density.scalar import Scalars
from bayes_point.model.variables.circular import wrapped

__all__ = ["until_best"]

Array = NDArray[np.float64]

_PACKAGE = str(Path(__file__).parents[2])
# A better optimum is followed so many times.
_CORRECTIONS = 5
# So far out, in a log, a search may be led by rounding; and what rounding does not matter to it.
_OUT = 12
_CALM = 1e-6
# Relative change of the log density over a unit of a log that is none.
_LEVEL = 1e-12
# An estimate at infinity is profiled from the nearest point that is this near to its supremum.
_NOTHING = 1e-7


def until_best[T](
    estimate: EstimateRecord,
    scalars: Scalars,
    is_slice: bool,
    trace: Callable[[Problem, EstimateRecord, Array, float], T],
    deadline: Deadline,
    show: bool,
) -> tuple[T, EstimateRecord, str]:
    """Trace from the estimate, or from the better one that this leads to.

    Returns
    -------
    T
        What `trace` returns.
    EstimateRecord
        What it was traced from.
    str
        That it was stopped, if the time was up; else empty.
    """
    with (
        threadpool_limits(limits=1, user_api="blas"),
        np.errstate(all="ignore"),
        watched(estimate.objective, "profile", show, deadline) as (objective, watch),
    ):
        watch.phase = "following the profile"
        for _ in range(_CORRECTIONS):
            start, top = _start(estimate)
            outwards = _outwards(estimate, start)
            movable = _movable(estimate.objective, start)
            vertex = vertex_at(estimate.objective, start, between=True)
            kinked = vertex is not None and len(vertex.which) > 0
            try:
                problem = Problem(
                    objective,
                    scalars,
                    movable,
                    start,
                    outwards,
                    is_slice,
                    kinked,
                    is_local=estimate.status is Status.LOCAL,
                )
                traced = trace(problem, estimate, start, top)
                words = when_stopped(watch, "profile") if watch.has_stopped else ""
                return traced, estimate, words
            except Better as better:
                estimate = _corrected(estimate, objective, watch, better, top)
    raise EstimationError(
        f"Each of {_CORRECTIONS} profiles led on to a better optimum. Give starting values nearer "
        "to the optimum with initvals=, or more of them with n_starts=.",
        estimate,
    )


def _start(estimate: EstimateRecord) -> tuple[Array, float]:
    """Return a finite point at the estimate, or as near as its log density can tell, and the top.

    Raises
    ------
    EstimationError
        If the estimate does not exist.
    """
    if estimate.status in (Status.UNBOUNDED, Status.NOT_CONVERGED):
        findings = " ".join(map(str, estimate.findings))
        raise EstimationError(
            f"There is no maximum to profile from: the {estimate.estimator} is "
            f"{estimate.status.key.replace('_', ' ')}. {findings}",
            estimate,
        )
    certificate = estimate.certificate
    values, _ = estimate.objective.evaluate(certificate.path)
    top = max(certificate.value, float(values[-1]))
    near = np.flatnonzero(values >= top - _NOTHING * (1 + abs(top)))
    start = certificate.path[near[0] if near.size else -1]
    if not near.size:
        start = _further_out(estimate, start)
    # The coordinate of an angle is the angle itself, on any of its turns.
    is_angle = estimate.objective.density.kinds == "circular"
    return np.where(is_angle, wrapped(start), start), top


def _further_out(estimate: EstimateRecord, x: Array) -> Array:
    """Return the point beyond the end of a path to infinity that is highest but for rounding."""
    objective, path = estimate.objective, estimate.certificate.path
    rows = x + np.arange(_OUT)[:, None] * (path[-1] - path[-2])
    free = np.tile(estimate.certificate.direction == 0, (len(rows), 1))
    ends = maximise(objective, rows, free=free)
    least = ends.value - rounding(objective, ends.x)
    return ends.x[np.argmax(np.where(np.isfinite(least), least, -np.inf))]


def _movable(objective: Objective, x: Array) -> NDArray[np.bool_]:
    """Return the coordinates along which the density is smooth: not at a kink, not at a wall."""
    left, right = _one_sided(objective, x)
    error = 1 / np.sqrt(np.abs(np.diagonal(objective.hessian(x[None, :])[0])))
    return ~((left > 0) & (right < 0) & ((left - right) * error > 1e-3))


def _outwards(estimate: EstimateRecord, x: Array) -> Array:
    """Return the signs of the logs at infinity where nothing is left, or nothing but rounding."""
    objective = estimate.objective
    signs = np.sign(estimate.certificate.direction) * objective.is_transformed
    values = objective.values(np.concatenate([x - np.diag(signs), x[None]]))
    level = np.abs(values[:-1] - values[-1]) <= _LEVEL * (1 + np.abs(values[-1]))
    noisy = ~(rounding(objective, x + _OUT * np.diag(signs)) <= _CALM)
    return np.where(level | noisy, signs, 0.0)


def _corrected(
    estimate: EstimateRecord, objective: Objective, watch: Watch, better: Better, top: float
) -> EstimateRecord:
    """Climb from a point that is better than the estimate; warn."""
    start = better.x[None, :]
    try:
        ends = ascend(objective, start, max_iterations=200)
        certificate = certify(
            objective, ends.x[0], start=start[0], centre=start[0], settled=ends.settled[0]
        )
        optima = distinct(ends, objective.density)
    except OutOfTime:
        found = stopped(watch, 1)
        certificate, optima = found.certificate, found.optima
    record = assemble(
        estimate.model,
        estimate.objective,
        estimate.estimator,
        certificate,
        optima,
        estimate.n_starts + 1,
    )
    corrected = type(estimate).of(record)
    warnings.warn(
        f"The profile met a better optimum than the {estimate.estimator} that it began from: log "
        f"density {certificate.value:.6g} against {top:.6g}. It was made anew from there. "
        "Find the estimate anew as well, with more starts (n_starts=).",
        EstimationWarning,
        skip_file_prefixes=(_PACKAGE,),
    )
    return corrected
