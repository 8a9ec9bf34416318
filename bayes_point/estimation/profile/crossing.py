"""Where a trace passes a given height, and the points between those that it has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.profile.lagrangian import Points, Problem, Rows, Saddle, solve
from bayes_point.estimation.profile.trace import STOPPED, Rays, Trace, hermite, record
from bayes_point.estimation.progress import OutOfTime

__all__ = ["cross", "points_along"]

Array = NDArray[np.float64]

# Ends of an interval are found to this part of the deviance that they stand for.
_CROSSING = 1e-8


def cross(problem: Problem, rays: Rays, traces: list[Trace], *, top: float, height: float) -> Array:
    """Return the s at which the root of the deviance first is `height`, (R,); NaN where it is not.

    The points that the search makes are added to the traces.
    """
    n = len(traces)
    out = np.full(n, np.nan)
    active = np.array([i for i, t in enumerate(traces) if max(t.z) >= height], int)
    scratch = np.zeros((n, rays.start.shape[1])), np.zeros(n), np.zeros(n)
    s = np.zeros(n)
    try:
        for _ in range(60):
            if active.size == 0:
                break
            for row in active:
                s[row] = _crossing_guess(traces[row], height)
            points = points_along(problem, rays, traces, active, s[active])
            taken = points.ok & np.isfinite(points.value)
            z = np.sqrt(np.maximum(0.0, 2 * (top - points.value)))
            kept = Points(
                points.x[taken], points.value[taken], points.multiplier[taken], points.ok[taken]
            )
            record(problem, rays, traces, active[taken], s, kept, top, *scratch)
            close = taken & (np.abs(z**2 - height**2) <= _CROSSING * height**2)
            width = np.array([_bracket(traces[row], height)[2] for row in active])
            close |= width <= 1e-14 * (1 + np.abs(s[active]))
            out[active[close]] = s[active[close]]
            active = active[~close & taken]
    except OutOfTime:
        for row in active:
            traces[row].end = STOPPED
    return out


def _bracket(trace: Trace, height: float) -> tuple[int, int, float]:
    """Return the two points between which the root passes `height`, and how far they are apart."""
    above = next(i for i, z in enumerate(trace.z) if z >= height)
    below = max(above - 1, 0)
    return below, above, trace.s[above] - trace.s[below]


def _crossing_guess(trace: Trace, height: float) -> float:
    i, j, width = _bracket(trace, height)
    rise = trace.z[j] - trace.z[i]
    t = (height - trace.z[i]) / rise if rise > 0 else 0.5
    guess = np.nan
    if np.isfinite(trace.ds_dz[i]) and np.isfinite(trace.ds_dz[j]) and rise > 0:
        slopes = trace.ds_dz[i], trace.ds_dz[j]
        guess = float(hermite(t, rise, trace.s[i], trace.s[j], *slopes))
    low, high = trace.s[i] + 1e-6 * width, trace.s[j] - 1e-6 * width
    # Halved every fourth time, so that a bracket closes whatever the shape.
    if not low <= guess <= high or (len(trace.s) % 4 == 3 and width > 1e-3 * trace.s[j]):
        guess = trace.s[i] + width * min(max(t, 0.1), 0.9)
    return guess


def points_along(problem: Problem, rays: Rays, traces: list[Trace], rows: Rows, s: Array) -> Points:
    """Maximise at s along the rays `rows`, one each, from what the traces say."""
    which = rays.which[rows]
    guesses = [traces[row].guess(float(at)) for row, at in zip(rows, s, strict=True)]
    x, lam, hessian, rough = (np.array(part) for part in zip(*guesses, strict=True))
    # Where the path bends, the matrix of the point itself.
    bends = np.flatnonzero(rough)
    if bends.size:
        hessian[bends] = problem.hessian(x[bends], which[bends], lam[bends])
    _, normal = problem.levels(x, which)
    saddle = replace(Saddle.at(x, hessian, normal, problem.free(which, x)), rough=rough)
    return solve(problem, x, which, rays.levels(rows, s), lam, saddle)
