"""Profiles of a density with several maxima: what begins at each of them, put together.

Following the profile from the best maximum outwards finds the piece of the interval that it lies
in.  Another maximum whose own deviance is below the cut-off lies in the interval as well: in the
same piece, or in one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.assemble import optima_of
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.profile.curve import End, Grid
from bayes_point.estimation.progress import OutOfTime
from bayes_point.model.variables.circular import wrapped

__all__ = ["joined", "other_maxima", "together"]

Array = NDArray[np.float64]

# Of more maxima than this within the cut-off the highest are followed.
_MOST = 8


def other_maxima(
    estimate: EstimateRecord, objective: Objective, top: float, height: float
) -> Array:
    """Return the other maxima known whose deviance is below the cut-off, (k, p).

    None of a local maximum, whose profile is that of its own basin, and none where the time is up:
    `objective` is that of the estimate, watched.
    """
    if estimate.status is Status.LOCAL:
        return np.empty((0, objective.p))
    lowest = top - 0.5 * height**2
    values = estimate.optima["log_density"].values
    starts = optima_of(estimate, np.flatnonzero(values[1 : _MOST + 1] > lowest) + 1)
    if not len(starts):
        return starts
    try:
        ends = maximise(objective, starts)
    except OutOfTime:
        return starts[:0]
    found = ends.x[ends.settled & (ends.value > lowest)]
    # Angles on the same turn as those of the estimate, which are between -pi and pi.
    is_angle = objective.density.kinds == "circular"
    return np.where(is_angle, wrapped(found), found)


def joined(pairs: Sequence[tuple[End, End]]) -> tuple[End, End]:
    """Return the ends of the union of intervals, the first being that of the best maximum."""
    known = [pair for pair in pairs[1:] if not any(np.isnan(end.at) for end in pair)]
    if not known or any(np.isnan(end.at) for end in pairs[0]):
        return pairs[0]
    pieces: list[tuple[End, End]] = []
    for low, high in sorted([pairs[0], *known], key=lambda pair: pair[0].at):
        # Two maxima in one piece find the same ends, up to rounding.
        slack = 1e-6 * (1 + abs(low.at)) if np.isfinite(low.at) else 0.0
        if pieces and low.at <= pieces[-1][1].at + slack:
            last = pieces[-1][1]
            pieces[-1] = (pieces[-1][0], high if high.at > last.at else last)
        else:
            pieces.append((low, high))
    if len(pieces) == 1:
        return pieces[0]
    words = " and ".join(f"from {low.at:.6g} to {high.at:.6g}" for low, high in pieces)
    why = f"the deviance is below the cut-off in pieces, {words}"
    outer = pieces[0][0], pieces[-1][1]
    return tuple(End(end.at, "disjoint", "; ".join(filter(None, (why, end.why)))) for end in outer)  # type: ignore[return-value]


def together(grids: Sequence[Grid]) -> Grid:
    """Return the upper envelope of several grids, the first being that of the best maximum."""
    first = grids[0]
    if len(grids) == 1:
        return first
    keep = [
        np.all([~_is_below(grid, other) for other in grids if other is not grid], axis=0)
        for grid in grids
    ]
    parts = [
        np.concatenate([getattr(grid, name)[kept] for grid, kept in zip(grids, keep, strict=True)])
        for name in ("value", "log_density", "root", "x", "ok")
    ]
    centre = first.value[int(np.nanargmin(np.abs(first.root)))]
    parts[2] = np.where(parts[0] < centre, -1.0, 1.0) * np.abs(parts[2])
    _, order = np.unique(parts[0], return_index=True)
    return Grid(*(part[order] for part in parts))


def _is_below(grid: Grid, other: Grid) -> NDArray[np.bool_]:
    """Whether each point of a grid lies below the profile that another one draws there."""
    known = other.ok & np.isfinite(other.root)
    if not np.any(known):
        return np.zeros(len(grid.value), bool)
    above = np.interp(
        grid.value, other.value[known], np.abs(other.root[known]), left=np.inf, right=np.inf
    )
    # Between two points of the other its root is not exactly on the line.
    return np.where(grid.ok, np.abs(grid.root) > above + 0.02, True)
