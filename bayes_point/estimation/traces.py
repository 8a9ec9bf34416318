"""Following a constrained maximum as the level that is held moves away from the estimate.

Each ray starts at a maximum and moves the levels in one direction.  The next point is guessed along
the tangent of the path, which the implicit function theorem gives from the matrix of the
stationarity equations; so the path is followed even where the other parameters move far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.constraint import Points, Problem, Rows, Saddle, saddle_at, solve

__all__ = [
    "BLOCKED",
    "FLAT",
    "OPEN",
    "REACHED",
    "STUCK",
    "Better",
    "Rays",
    "Trace",
    "cross",
    "points_along",
    "walk",
]

Array = NDArray[np.float64]

# How a walk ended.
REACHED = "reached"  # the signed root got as far as asked
OPEN = "open"  # as far out as arithmetic goes
FLAT = "flat"  # as OPEN, without having fallen at all
BLOCKED = "blocked"  # no further point: the density ends, or the scalar has its extreme value
STUCK = "stuck"  # a further point exists and could not be maximised

_MOST = 200
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
# Relative change of a curvature between two points up to which it may be interpolated.
_SIMILAR = 3.0
# Ends of an interval are found to this part of the deviance that they stand for.
_CROSSING = 1e-8


@dataclass(frozen=True)
class Rays:
    """Directions in which levels move.

    Attributes
    ----------
    which : ndarray of int, (R, m)
        The scalars held.
    origin, direction : ndarray, (R, m)
        The levels are ``origin + s * direction``, s from 0 upwards.
    start : ndarray, (R, p)
        The maximum at s = 0.
    """

    which: Rows
    origin: Array
    direction: Array
    start: Array

    def levels(self, rows: Rows, s: Array) -> Array:
        """Return the levels of some rays at s, one each: (len(rows), m)."""
        return self.origin[rows] + s[:, None] * self.direction[rows]


class Trace:
    """The path along one ray: points in order of s.

    ``s``, (n,); ``x``, (n, p); ``z``, (n,), the root of the deviance; ``ds_dz``, (n,), by how much
    s grows with it; ``tangent``, (n, p), dx/ds; ``multiplier``, (n, m); ``hessian``, (n, p, p), of
    the Lagrangian.
    """

    def __init__(self) -> None:
        self.s: list[float] = []
        self.x: list[Array] = []
        self.z: list[float] = []
        self.value: list[float] = []
        self.ds_dz: list[float] = []
        self.tangent: list[Array] = []
        self.multiplier: list[Array] = []
        self.hessian: list[Array] = []
        self.end = STUCK

    def add(
        self,
        s: float,
        x: Array,
        value: float,
        z: float,
        ds_dz: float,
        tangent: Array,
        multiplier: Array,
        hessian: Array,
    ) -> None:
        """Put a point in its place."""
        at = int(np.searchsorted(self.s, s))
        self.s.insert(at, s)
        self.x.insert(at, x)
        self.value.insert(at, value)
        self.z.insert(at, z)
        self.ds_dz.insert(at, ds_dz)
        self.tangent.insert(at, tangent)
        self.multiplier.insert(at, multiplier)
        self.hessian.insert(at, hessian)

    def guess(self, s: float) -> tuple[Array, Array, Array, bool]:
        """Interpolate x (by its tangents, of third degree), multiplier and Hessian at s.

        Return also whether the Hessian changes too much for that to mean anything.
        """
        i = int(np.clip(np.searchsorted(self.s, s) - 1, 0, max(len(self.s) - 2, 0)))
        j = min(i + 1, len(self.s) - 1)
        width = self.s[j] - self.s[i]
        if width == 0:
            return self.x[i], self.multiplier[i], self.hessian[i], False
        t = (s - self.s[i]) / width
        x = _hermite(t, width, self.x[i], self.x[j], self.tangent[i], self.tangent[j])
        # What has not moved stays, to the last digit: it may stand at a wall.
        x = np.where(self.x[i] == self.x[j], self.x[i], x)
        near = (1 - t) * self.multiplier[i] + t * self.multiplier[j]
        a, b = np.diagonal(self.hessian[i]), np.diagonal(self.hessian[j])
        rough = np.any(~(np.abs(a - b) <= _SIMILAR * np.minimum(np.abs(a), np.abs(b)) + 1e-300))
        return x, near, (1 - t) * self.hessian[i] + t * self.hessian[j], bool(rough)


def _hermite(t: float, width: float, a: Array, b: Array, da: Array, db: Array) -> Array:
    """Cubic through a and b with slopes da and db, `width` apart, at the part t of the way."""
    return (
        (1 + 2 * t) * (1 - t) ** 2 * a
        + t * (1 - t) ** 2 * width * da
        + t**2 * (3 - 2 * t) * b
        + t**2 * (t - 1) * width * db
    )


class Better(Exception):
    """A point with a higher density than the estimate was met: the estimate is not the best."""

    def __init__(self, x: Array, value: float) -> None:
        super().__init__(f"log density {value}")
        self.x, self.value = x, value


def walk(problem: Problem, rays: Rays, *, top: float, reach: float, noise: float) -> list[Trace]:
    """Follow each ray outwards until the root of the deviance is `reach`, or there is an end.

    `top` is the value of the estimate, `noise` what a value has to exceed it by to count as better.

    Raises
    ------
    Better
        At the first such point.
    """
    n = len(rays.which)
    every = np.arange(n)
    traces = [Trace() for _ in range(n)]
    x, s = rays.start.copy(), np.zeros(n)
    lam = _least_squares(problem, x, rays.which)
    points = Points(rays.start, problem.objective.evaluate(x)[0], lam, np.ones(n, bool))
    steps, z = np.zeros(n), np.zeros(n)
    tangent = np.zeros_like(x)
    _record(problem, rays, traces, every, s, points, top, tangent, steps, z)
    steps = _first_steps(problem, rays, steps, tangent)
    shortest = 1e-11 * steps
    active = every[np.isfinite(steps)]
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
        _record(problem, rays, traces, rows, s, kept, top, tangent, rates, z)
        grow = np.clip(_AIM / np.maximum(np.abs(jump), 1e-12), 0.3, _GROWTH)
        steps[active] *= np.where(take, grow, 0.25)
        over = np.zeros(len(active), bool)
        for i, row in enumerate(active):
            end = _ended(problem, rays.which[row], traces[row], reach) if take[i] else None
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
    return traces


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


def _record(
    problem: Problem,
    rays: Rays,
    traces: list[Trace],
    rows: Rows,
    s: Array,
    points: Points,
    top: float,
    tangent: Array,
    rates: Array,
    z: Array,
) -> None:
    """Add a point to the trace of each of `rows`; set their tangents, rates ds/dz and roots."""
    if rows.size == 0:
        return
    which, d = rays.which[rows], rays.direction[rows]
    _, normal = problem.levels(points.x, which)
    hessian = problem.hessian(points.x, which, points.multiplier)
    saddle = Saddle.at(points.x, hessian, normal, problem.free(which))
    dx, dlam = saddle.along(d)
    tangent[rows] = dx
    z[rows] = np.sqrt(np.maximum(0.0, 2 * (top - points.value)))
    slope = np.sum(points.multiplier * d, axis=1)
    bend = np.sum(dlam * d, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        smooth = 1 / np.sqrt(np.maximum(-bend, 0.0))
        # dz/ds = -slope / z, and at a smooth maximum, where both are zero, its limit.
        at_top = (z[rows] < 2e-3) & (slope**2 < 1e-5 * np.abs(bend))
        rates[rows] = np.where(at_top, smooth, z[rows] / -slope)
    for i, row in enumerate(rows):
        traces[row].add(
            float(s[row]),
            points.x[i].copy(),
            float(points.value[i]),
            float(z[row]),
            float(rates[row]),
            dx[i],
            points.multiplier[i].copy(),
            hessian[i],
        )


def _least_squares(problem: Problem, x: Array, which: Rows) -> Array:
    """Multipliers that come nearest to balancing the gradient."""
    _, gradient = problem.objective.evaluate(x)
    _, normal = problem.levels(x, which)
    diagonal = np.abs(np.diagonal(problem.objective.hessian(x), axis1=1, axis2=2))
    scale = np.where(problem.free(which), 1 / np.sqrt(np.maximum(diagonal, 1e-20)), 0.0)
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


def cross(problem: Problem, rays: Rays, traces: list[Trace], *, top: float, height: float) -> Array:
    """Return the s at which the root of the deviance first is `height`, (R,); NaN where it is not.

    The points that the search makes are added to the traces.
    """
    n = len(traces)
    out = np.full(n, np.nan)
    active = np.array([i for i, t in enumerate(traces) if max(t.z) >= height], int)
    scratch = np.zeros((n, rays.start.shape[1])), np.zeros(n), np.zeros(n)
    s = np.zeros(n)
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
        _record(problem, rays, traces, active[taken], s, kept, top, *scratch)
        close = taken & (np.abs(z**2 - height**2) <= _CROSSING * height**2)
        width = np.array([_bracket(traces[row], height)[2] for row in active])
        close |= width <= 1e-14 * (1 + np.abs(s[active]))
        out[active[close]] = s[active[close]]
        active = active[~close & taken]
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
        guess = float(
            _hermite(t, rise, trace.s[i], trace.s[j], trace.ds_dz[i], trace.ds_dz[j])  # type: ignore[arg-type]
        )
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
    saddle = replace(Saddle.at(x, hessian, normal, problem.free(which)), rough=rough)
    return solve(problem, x, which, rays.levels(rows, s), lam, saddle)
