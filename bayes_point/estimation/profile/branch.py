"""Following a constrained maximum as the level that is held moves away from the estimate.

The next point is guessed along the tangent of the path, which the implicit function theorem gives
from the matrix of the stationarity equations; so the path is followed even where the other
parameters move far.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.optimise.precision import rounding_on_the_way
from bayes_point.estimation.profile.lagrangian import Points, Problem, Rows, saddle_at, solve
from bayes_point.estimation.profile.trace import (
    BLOCKED,
    FLAT,
    LEFT,
    OPEN,
    REACHED,
    STOPPED,
    STUCK,
    Rays,
    Trace,
    record,
)
from bayes_point.estimation.progress import OutOfTime

__all__ = ["Better", "walk"]

Array = NDArray[np.float64]

_MOST = 200
# In shortest steps, how near to where a basin ends is near enough.
_NEAR_THERE = 1e6
# Change of the signed root that a step aims at, and the largest that it may make.
_AIM, _LARGEST = 0.5, 1.5
_GROWTH = 3.0
# Fifteen orders of magnitude of a parameter are as far as arithmetic can be trusted.
_FARTHEST = 35.0
_ONE_STEP = 4.0
_NUMB = 8.0
_RUNAWAY = 12.0
_FAR = 1e12
# Where nothing has changed any more over several steps, less will do.
_FAR_ENOUGH = 1e6


class Better(Exception):
    """A point with a higher density than the estimate was met: the estimate is not the best."""

    def __init__(self, x: Array, value: float) -> None:
        super().__init__(f"log density {value}")
        self.x, self.value = x, value


def walk(problem: Problem, rays: Rays, *, top: float, reach: float, noise: float) -> list[Trace]:
    """Follow each ray outwards until the root of the deviance is `reach`, or there is an end.

    `top` is the value of the estimate, `noise` what a value has to exceed it by to count as better.
    A trace that had not ended when the time was up says that it was stopped.

    Raises
    ------
    Better
        At the first such point.
    """
    traces = [Trace() for _ in rays.which]
    with suppress(OutOfTime):
        _walk(problem, rays, traces, top, reach, noise)
    return traces


def _walk(
    problem: Problem, rays: Rays, traces: list[Trace], top: float, reach: float, noise: float
) -> None:
    n = len(rays.which)
    every = np.arange(n)
    x, s = rays.start.copy(), np.zeros(n)
    first = problem.unhurried  # each trace has a first point, however little time there is
    lam = _least_squares(first, x, rays.which)
    points = Points(rays.start, first.objective.evaluate(x)[0], lam, np.ones(n, bool))
    steps, z = np.zeros(n), np.zeros(n)
    tangent = np.zeros_like(x)
    record(first, rays, traces, every, s, points, top, tangent, steps, z)
    steps = _first_steps(first, rays, steps, tangent)
    shortest = 1e-11 * steps
    active = every[np.isfinite(steps)]
    for row in active:
        traces[row].end = STOPPED
    for _ in range(_MOST):
        if active.size == 0:
            break
        steps[active] = _limited(problem, rays, active, steps[active], tangent[active])
        ahead = x[active] + _clipped(problem, rays, active, steps[active, None] * tangent[active])
        further, level = _targets(problem, rays, active, ahead, s[active] + steps[active])
        forward = further > s[active]
        found = _tried(problem, rays.which[active], ahead, level, lam[active], forward)
        found = _pulled_back(problem, rays, active, found)
        good = found.ok & np.isfinite(found.value)
        last = np.array([traces[row].value[-1] for row in active])
        # What rises again on the way out is another maximum, or no more than rounding.
        lost = good & (found.value > last + noise)
        way = rounding_on_the_way(problem.objective, x[active[lost]], found.x[lost])
        lost[lost] = found.value[lost] - last[lost] < way
        good &= ~lost
        lowest = np.array([min(traces[row].value) for row in active])
        away = problem.is_local & good & (found.value > lowest + noise)
        good &= ~away  # with a shorter step its own maximum may be met further on
        if np.any(found.value[good] > top + noise):
            best = int(np.argmax(np.where(good, found.value, -np.inf)))
            raise Better(found.x[best], float(found.value[best]))
        jump = np.sqrt(np.maximum(0.0, 2 * (top - found.value))) - z[active]
        short = steps[active] < shortest[active] + 1e-13 * np.abs(s[active])
        take = good & ((np.abs(jump) < _LARGEST) | short)
        rows = active[take]
        x[rows], s[rows], lam[rows] = found.x[take], further[take], found.multiplier[take]
        kept = Points(found.x[take], found.value[take], found.multiplier[take], found.ok[take])
        rates = np.zeros(n)
        record(problem, rays, traces, rows, s, kept, top, tangent, rates, z)
        grow = np.clip(_AIM / np.maximum(np.abs(jump), 1e-12), 0.3, _GROWTH)
        steps[active] *= np.where(take, grow, 0.25)
        over = np.zeros(len(active), bool)
        for i, row in enumerate(active):
            end = _ended(problem, rays.which[row], traces[row], reach) if take[i] else None
            if lost[i]:
                end = OPEN
            if away[i] and steps[row] < _NEAR_THERE * shortest[row]:
                end = LEFT
            if end is None and short[i] and not take[i]:
                end = _stopped(
                    problem,
                    rays.which[row],
                    traces[row],
                    bool(forward[i] and np.isfinite(found.value[i])),
                )
            if end is not None:
                traces[row].end, over[i] = end, True
        active = active[~over]
    for row in active:
        traces[row].end = _stopped(problem, rays.which[row], traces[row], True)


def _tried(
    problem: Problem, which: Rows, x: Array, level: Array, lam: Array, forward: NDArray[np.bool_]
) -> Points:
    """Solve where the guess has a density and lies ahead; elsewhere say that nothing was found."""
    value, gradient = problem.objective.evaluate(x)
    usable = forward & np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)
    usable &= np.all(np.isfinite(level), axis=1)
    out = Points(x.copy(), np.where(usable, value, -np.inf), lam.copy(), np.zeros(len(x), bool))
    rows = np.flatnonzero(usable)
    if rows.size:
        saddle = saddle_at(problem, x[rows], which[rows], lam[rows])
        found = solve(problem, x[rows], which[rows], level[rows], lam[rows], saddle)
        out.x[rows], out.value[rows] = found.x, found.value
        out.multiplier[rows], out.ok[rows] = found.multiplier, found.ok
    return out


def _pulled_back(problem: Problem, rays: Rays, rows: Rows, found: Points) -> Points:
    """Bring back coordinates that ran far out in a log without gain: arithmetic ends out there."""
    away = found.x - rays.start[rows]
    far = problem.objective.is_transformed & (np.abs(away) > _RUNAWAY)
    np.put_along_axis(far, np.maximum(problem.held[rays.which[rows]], 0), False, axis=1)
    some = np.flatnonzero(found.ok & far.any(axis=1) & problem.is_held(rays.which[rows]))
    if some.size == 0:
        return found
    x = np.where(far, rays.start[rows] + np.clip(away, -_RUNAWAY, _RUNAWAY), found.x)[some]
    value, _ = problem.objective.evaluate(x)
    same = np.abs(value - found.value[some]) < 1e-7 * (1 + np.abs(value))
    found.x[some[same]], found.value[some[same]] = x[same], value[same]
    return found


def _least_squares(problem: Problem, x: Array, which: Rows) -> Array:
    """Multipliers that come nearest to balancing the gradient."""
    _, gradient = problem.objective.evaluate(x)
    _, normal = problem.levels(x, which)
    diagonal = np.abs(np.diagonal(problem.objective.hessian(x), axis1=1, axis2=2))
    scale = np.where(problem.free(which, x), 1 / np.sqrt(np.maximum(diagonal, 1e-20)), 0.0)
    inverse = np.linalg.pinv((normal * scale[:, None, :]).swapaxes(1, 2))
    return np.einsum("bmp,bp->bm", inverse, np.nan_to_num(gradient) * scale)


def _first_steps(problem: Problem, rays: Rays, rate: Array, tangent: Array) -> Array:
    """Return half a standard error, or a part of the size of what moves if that is shorter."""
    size = np.where(problem.objective.is_transformed, 1.0, 1.0 + np.abs(rays.start))
    speed = np.max(np.abs(tangent) / size, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        longest = 0.5 / speed
        step = np.where((rate > 0) & np.isfinite(rate), np.minimum(_AIM * rate, longest), longest)
    # A wall at the very start: the root rises at once, and the step finds its own length.
    return np.where(rate == 0, 1e-3 * longest, step)


def _limited(problem: Problem, rays: Rays, rows: Rows, steps: Array, tangent: Array) -> Array:
    """Shorten steps that are long in a log: in what is held, or in anything where it is curved."""
    driven = np.tile(problem.objective.is_transformed, (len(rows), 1))
    plain = problem.is_held(rays.which[rows])
    own = np.zeros_like(driven)
    np.put_along_axis(own, np.maximum(problem.held[rays.which[rows]], 0), True, axis=1)
    driven &= own | ~plain[:, None]
    speed = np.max(np.where(driven, np.abs(tangent), 0.0), axis=1)
    return np.minimum(steps, _ONE_STEP / np.maximum(speed, 1e-300))


def _clipped(problem: Problem, rays: Rays, rows: Rows, step: Array) -> Array:
    """Limit what is guessed of the coordinates that are not held, in a log; the rest is exact."""
    limit = np.where(problem.objective.is_transformed, _ONE_STEP, np.inf)
    plain = problem.is_held(rays.which[rows])[:, None]
    return np.where(plain, np.clip(step, -limit, limit), step)


def _targets(
    problem: Problem, rays: Rays, rows: Rows, ahead: Array, s: Array
) -> tuple[Array, Array]:
    """Return how far out the points guessed are, and the levels there.

    A single curved scalar is held at its value at the guess: a level outside of its range has no
    solution, a value always has one.
    """
    level = rays.levels(rows, s)
    which = rays.which[rows]
    curved = np.flatnonzero(~problem.is_held(which)) if which.shape[1] == 1 else np.empty(0, int)
    if curved.size:
        at, _ = problem.levels(ahead[curved], which[curved])
        level[curved] = at
        d = rays.direction[rows[curved]]
        s = s.copy()
        s[curved] = ((at - rays.origin[rows[curved]]) / d)[:, 0]
    return s, level


def _stopped(problem: Problem, which: Rows, trace: Trace, exists: bool) -> str:
    """Say how a walk ended that can go no further; `exists` is whether there is a point beyond."""
    moved = np.abs(trace.x[-1] - trace.x[0])
    own = problem.held[which]
    driven = np.isin(np.arange(len(moved)), own) | np.any(own < 0)
    moved = moved[driven & problem.objective.is_transformed]
    if moved.max(initial=0.0) > _NUMB and np.ptp(trace.value[-3:]) < 1e-7:
        # In a log or a logit, where arithmetic ends before the density has changed any more.
        return OPEN if trace.value[0] - min(trace.value) > 1e-6 else FLAT
    return STUCK if exists else BLOCKED


def _ended(problem: Problem, which: Rows, trace: Trace, reach: float) -> str | None:
    """Say whether and how a walk has come to its end."""
    if trace.z[-1] >= reach:
        return REACHED
    if len(which) == 1 and problem.is_angle[which[0]] and trace.s[-1] >= 2 * np.pi:
        return FLAT if trace.value[0] - min(trace.value) <= 1e-6 else OPEN  # once around
    moved = np.abs(trace.x[-1] - trace.x[0])
    if np.all(problem.held[which] >= 0):
        # The others may run away to their own ends: this is not what is asked here.
        moved = np.where(np.isin(np.arange(len(moved)), problem.held[which]), moved, 0.0)
    away = moved[problem.objective.is_transformed].max(initial=0.0) > _FARTHEST
    size = 1 + np.abs(trace.x[0][~problem.objective.is_transformed])
    plain = moved[~problem.objective.is_transformed] / size
    rises = trace.value[-8:]
    still = len(rises) == 8 and max(rises) - min(rises) < 1e-9 * (1 + reach)
    far = max(plain.max(initial=0.0), trace.s[-1] / trace.s[min(1, len(trace.s) - 1)])
    if away or plain.max(initial=0.0) > _FAR or (still and far > _FAR_ENOUGH):
        fallen = trace.value[0] - min(trace.value)
        return OPEN if fallen > 1e-6 else FLAT
    return None
