"""The paths of constrained maxima as the levels that are held move: their points, and between.

Each ray starts at a maximum and moves the levels in one direction; its trace is what is known of
the path along it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.profile.lagrangian import Points, Problem, Rows, Saddle

__all__ = [
    "BLOCKED",
    "FLAT",
    "LEFT",
    "OPEN",
    "REACHED",
    "STOPPED",
    "STUCK",
    "Rays",
    "Trace",
    "hermite",
    "record",
]

Array = NDArray[np.float64]

# How a walk ended.
REACHED = "reached"  # the signed root got as far as asked
OPEN = "open"  # as far out as arithmetic goes
FLAT = "flat"  # as OPEN, without having fallen at all
BLOCKED = "blocked"  # no further point: the density ends, or the scalar has its extreme value
STUCK = "stuck"  # a further point exists and could not be maximised
LEFT = "left"  # further on is what belongs to another maximum than the local one begun from
STOPPED = "stopped"  # the time was up

# Relative change of a curvature between two points up to which it may be interpolated.
_SIMILAR = 3.0


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
        x = hermite(t, width, self.x[i], self.x[j], self.tangent[i], self.tangent[j])
        # What has not moved stays, to the last digit: it may stand at a wall.
        x = np.where(self.x[i] == self.x[j], self.x[i], x)
        near = (1 - t) * self.multiplier[i] + t * self.multiplier[j]
        a, b = np.diagonal(self.hessian[i]), np.diagonal(self.hessian[j])
        rough = np.any(~(np.abs(a - b) <= _SIMILAR * np.minimum(np.abs(a), np.abs(b)) + 1e-300))
        return x, near, (1 - t) * self.hessian[i] + t * self.hessian[j], bool(rough)


def hermite(t: float, width: float, a: Any, b: Any, da: Any, db: Any) -> Any:
    """Cubic through a and b with slopes da and db, `width` apart, at the part t of the way."""
    return (
        (1 + 2 * t) * (1 - t) ** 2 * a
        + t * (1 - t) ** 2 * width * da
        + t**2 * (3 - 2 * t) * b
        + t**2 * (t - 1) * width * db
    )


def record(
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
    saddle = Saddle.at(points.x, hessian, normal, problem.free(which, points.x))
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
