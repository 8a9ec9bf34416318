"""The profile of one scalar put together: its two traces, its interval and its grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.limits import natural_limit
from bayes_point.estimation.nonsmooth.smoothing import corners_in
from bayes_point.estimation.nonsmooth.vertices import near_kinks
from bayes_point.estimation.profile.branch import Better, walk
from bayes_point.estimation.profile.crossing import cross, points_along
from bayes_point.estimation.profile.lagrangian import Problem
from bayes_point.estimation.profile.trace import BLOCKED, FLAT, LEFT, OPEN, STOPPED, Rays, Trace
from bayes_point.estimation.progress import OutOfTime
from bayes_point.model.differences import FOURTH_ORDER_STEP, central_difference

__all__ = ["Curves", "End", "Grid", "trace_curves"]

Array = NDArray[np.float64]

# How much of a side that goes to infinity is drawn, in widths of the other side.
_WIDE = 3.0


@dataclass(frozen=True)
class End:
    """One end of an interval: where, how that is known, and why, in a sentence if it is open."""

    at: float
    kind: str
    why: str


@dataclass(frozen=True)
class Grid:
    """Points of a profile in the order of the scalar; arrays of length n, `x` is (n, p)."""

    value: Array
    log_density: Array
    root: Array
    x: Array
    ok: NDArray[np.bool_]


@dataclass(frozen=True)
class Curves:
    """The traces of n scalars away from an estimate: ray 2k goes up in its level, 2k + 1 down.

    Attributes
    ----------
    chosen : ndarray of int, (n,)
        Which of the problem's scalars they are.
    problem : Problem
    rays : Rays
    traces : list of Trace
    crossing : ndarray, (2n,)
        Where along each ray the deviance passes the cut-off; NaN where it does not.
    top : float
        Log density of the estimate.
    height : float
        Root of the cut-off.
    noise : float
        By how much a value has to exceed `top` to count as better.
    """

    chosen: NDArray[np.int_]
    problem: Problem
    rays: Rays
    traces: list[Trace]
    crossing: Array
    top: float
    height: float
    noise: float

    def natural(self, k: int, x: Array) -> Array:
        """Values of scalar k at the rows of x; angles beyond the cut of the circle go on."""
        if self.problem.is_angle[self.chosen[k]]:
            return np.asarray(x[:, self.problem.held[self.chosen[k]]])
        return self.problem.scalars.values(x)[:, self.chosen[k]]

    def sides(self, k: int) -> tuple[int, int]:
        """Return the rays on which scalar k falls and on which it grows."""
        for ray in (2 * k, 2 * k + 1):
            at = self.natural(k, np.array(self.traces[ray].x))
            moved = at[-1] - at[0]
            if moved != 0:
                grows = (moved > 0) == (ray == 2 * k)
                return (2 * k + 1, 2 * k) if grows else (2 * k, 2 * k + 1)
        return 2 * k + 1, 2 * k

    def interval(self, k: int) -> tuple[End, End]:
        """Return the lower and the upper end of the set where the deviance is below the cut-off."""
        low, high = self.sides(k)
        flat = all(self.traces[ray].end == FLAT for ray in (low, high))
        return self._end(k, low, -1, flat), self._end(k, high, 1, flat)

    def _end(self, k: int, ray: int, sign: int, flat: bool) -> End:
        trace, s = self.traces[ray], self.crossing[ray]
        if np.isfinite(s):
            x = trace.x[int(np.searchsorted(trace.s, s))]
            return End(float(self.natural(k, x[None, :])[0]), "crossing", "")
        if flat:
            limit = self._limit(k, ray, sign)
            return End(limit, "not identified", "the density does not depend on it")
        if trace.end in (OPEN, FLAT) and self.problem.is_angle[self.chosen[k]]:
            return End(sign * np.pi, "whole circle", "the deviance is below the cut-off all around")
        if trace.end in (OPEN, FLAT):
            limit = self._limit(k, ray, sign)
            if np.isinf(limit):
                return End(limit, "infinity", "the deviance stays below the cut-off for ever")
            return End(
                limit,
                "edge of the support",
                f"the deviance is still below the cut-off at the edge of the support, {limit:.6g}",
            )
        at = float(self.natural(k, np.array(trace.x[-1:]))[0])
        if trace.end == STOPPED:
            return End(
                np.nan,
                "stopped",
                f"the time was up where the profile had been followed to {at:.6g}; give it more "
                "with max_seconds=",
            )
        if trace.end == LEFT:
            return End(
                np.nan,
                "left the basin",
                f"beyond {at:.6g} the density rises towards another maximum than the local one",
            )
        if trace.end == BLOCKED and not _others_could_follow(self.problem, trace.x[-1]):
            return End(at, "edge", f"the density, or the scalar itself, ends at {at:.6g}")
        return End(np.nan, "not converged", f"no maximum was found beyond {at:.6g}")

    def _limit(self, k: int, ray: int, sign: int) -> float:
        """Return the value of scalar k at the end of a trace that goes to infinity."""
        trace, scalars = self.traces[ray], self.problem.scalars
        own = int(self.chosen[k])
        j = int(scalars.coordinate[own])
        if j >= 0:
            if not self.problem.objective.is_transformed[j]:
                return sign * np.inf
            x = np.array(trace.x[-1])
            x[j] = np.copysign(np.inf, self.rays.direction[ray, 0])
            at = float(self.natural(k, x[None, :])[0])
            if not np.isnan(at):
                return at
        values = self.natural(k, np.array(trace.x))
        if abs(values[-1]) > 1e5 * (1 + abs(values[0])) and abs(values[-1]) > 1.5 * abs(values[-2]):
            return sign * np.inf
        path = np.array(trace.x[-3:] if len(trace.x) > 2 else [*trace.x] * 3)
        moved = path[-1] - path[-2]
        direction = np.where(np.abs(moved) > 0.1 * np.abs(moved).max(), moved, 0.0)
        limits = natural_limit(self.problem.objective.density, path, direction)
        return float(np.ravel(limits[scalars.names[own]])[scalars.indices[own]])

    def stderr(self, k: int) -> float:
        """Return the standard error on the natural scale, from the curvature; inf where none is."""
        trace = self.traces[2 * k]
        rate, j = trace.ds_dz[0], int(self.problem.scalars.coordinate[self.chosen[k]])
        if j < 0 or rate == 0:
            return float(rate) if rate > 0 else np.nan
        h = FOURTH_ORDER_STEP * (1 + abs(trace.x[0][j]))
        at = np.tile(trace.x[0], (4, 1))
        at[:, j] += h * np.array([2, 1, -1, -2])
        far, near, back, far_back = self.natural(k, at)
        return float(abs(rate * central_difference(far, near, back, far_back, h)))

    def grids(self, n: int) -> list[Grid]:
        """Maximise on a grid of up to n points for each scalar, all scalars as one batch.

        Where the time is up, the points are those of the traces.

        Raises
        ------
        Better
            If a point is higher than the estimate.
        """
        count = len(self.traces) // 2
        where = [self._where(k, n) for k in range(count)]
        rays = np.concatenate([part[0] for part in where])
        s = np.concatenate([part[1] for part in where])
        try:
            points = points_along(self.problem, self.rays, self.traces, rays, s)
        except OutOfTime:
            return [self._traced(k) for k in range(count)]
        better = points.ok & (points.value > self.top + self.noise)
        if self.problem.is_local:
            points.ok[better] = False  # what belongs to another maximum
        elif better.any():
            best = int(np.argmax(np.where(points.ok, points.value, -np.inf)))
            raise Better(points.x[best], float(points.value[best]))
        values = self.problem.scalars.values(points.x)
        for j in self.chosen[self.problem.is_angle[self.chosen]]:
            values[:, j] = points.x[:, self.problem.held[j]]  # on, beyond the cut
        out, start = [], 0
        for k, (own, _) in enumerate(where):
            rows = slice(start, start + len(own))
            start += len(own)
            low, _ = self.sides(k)
            root = np.sqrt(np.maximum(0.0, 2 * (self.top - points.value[rows])))
            ok = points.ok[rows] & np.isfinite(points.value[rows])
            out.append(
                Grid(
                    values[rows, self.chosen[k]],
                    np.where(ok, points.value[rows], np.nan),
                    np.where(ok, np.where(own == low, -root, root), np.nan),
                    points.x[rows],
                    ok,
                )
            )
        return out

    def _traced(self, k: int) -> Grid:
        """Return the points of the traces of scalar k, in the order of the scalar."""
        low, high = (self.traces[ray] for ray in self.sides(k))
        x = np.array([*low.x[:0:-1], *high.x])
        root = np.array([*(-z for z in low.z[:0:-1]), *high.z])
        value = np.array([*low.value[:0:-1], *high.value])
        return Grid(self.natural(k, x), value, root, x, np.ones(len(x), bool))

    def _where(self, k: int, n: int) -> tuple[NDArray[np.int_], Array]:
        """Return the ray and the s of each grid point of scalar k, in the order of the scalar.

        They are spread evenly, half by the scalar and half by the root of the deviance, so that
        both a spike and a long tail are seen; the estimate and the ends are among them.
        """
        low, high = self.sides(k)
        parts = [self._drawn(k, ray, other) for ray, other in ((low, high), (high, low))]
        signed = np.concatenate([-parts[0][0][::-1], parts[1][0][1:]])
        value = np.concatenate([parts[0][1][::-1], parts[1][1][1:]])
        root = np.concatenate([-parts[0][2][::-1], parts[1][2][1:]])
        measure = (value - value[0]) / max(np.ptp(value), 1e-300)
        measure = measure + (root - root[0]) / max(np.ptp(root), 1e-300)
        at = np.interp(np.linspace(0, measure[-1], n), measure, signed)
        for special in (0.0, -self.crossing[low], self.crossing[high]):
            if np.isfinite(special) and at[0] <= special <= at[-1]:
                at[np.argmin(np.abs(at - special))] = special
        at = np.unique(at)
        return np.where(at < 0, low, high), np.abs(at)

    def _drawn(self, k: int, ray: int, other: int) -> tuple[Array, Array, Array]:
        """Return s, value and root of the part of a trace that is worth drawing."""
        trace = self.traces[ray]
        s, z = np.array(trace.s), np.maximum.accumulate(trace.z)
        value = self.natural(k, np.array(trace.x))
        if trace.end in (OPEN, FLAT) and not np.isfinite(self.crossing[ray]):
            if np.isfinite(self._limit(k, ray, 1)):
                return s, value, z
            across = self.natural(k, np.array(self.traces[other].x))
            width = abs(across[-1] - across[0]) if self.traces[other].end not in (OPEN, FLAT) else 0
            known = np.flatnonzero(z > 0.9 * z[-1]) if z[-1] > 1e-3 else np.array([1])
            width = max(_WIDE * width, 2 * abs(value[min(known[0], len(value) - 1)] - value[0]))
            keep = np.abs(value - value[0]) <= width
            end = np.interp(width, np.abs(value - value[0]), s)
            return (
                np.append(s[keep], end),
                np.append(value[keep], np.interp(end, s, value)),
                np.append(z[keep], np.interp(end, s, z)),
            )
        most = 1.25 * self.height
        if z[-1] > most:
            end = float(np.interp(most, z, s))
            keep = s < end
            return (
                np.append(s[keep], end),
                np.append(value[keep], np.interp(end, s, value)),
                np.append(z[keep], most),
            )
        return s, value, z


def trace_curves(
    problem: Problem,
    chosen: NDArray[np.int_],
    start: Array,
    *,
    top: float,
    height: float,
    reach: float,
    noise: float,
) -> Curves:
    """Follow the profile of the scalars `chosen` both ways from `start`, to the root `reach`.

    Raises
    ------
    Better
        If a point is higher than the estimate by more than `noise`.
    """
    which = np.repeat(chosen, 2)[:, None]
    x = np.tile(start, (len(which), 1))
    origin, _ = problem.levels(x, which)
    direction = np.tile([[1.0], [-1.0]], (len(chosen), 1))
    rays = Rays(which, origin, direction, x)
    traces = walk(problem, rays, top=top, reach=reach, noise=noise)
    crossing = cross(problem, rays, traces, top=top, height=height)
    return Curves(chosen, problem, rays, traces, crossing, top, height, noise)


def _others_could_follow(problem: Problem, x: Array) -> bool:
    """Whether the density ends at x for want of a move of others: on an edge that they share."""
    corners = corners_in(problem.objective)
    if problem.is_slice or corners.is_empty:
        return False
    which = near_kinks(corners, x)
    normals = corners.jacobian(x, which[corners.is_wall[which]])
    return bool(np.any(np.sum(normals != 0, axis=1) > 1))
