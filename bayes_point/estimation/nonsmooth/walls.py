"""Staying on the inner side of walls, beyond which the density is zero.

The argument of a wall is positive inside.  A point on a wall is outside as often as not, by
rounding; and a straight step along a wall that is curved leaves it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import EPS, PLAIN
from bayes_point.model.variables.kinks import Kinks

__all__ = ["along_walls", "centred", "inside", "inwards"]

Array = NDArray[np.float64]

# Sine of the angle to a wall above which a way leads off it.
_SHALLOW = 0.1
Rows = NDArray[np.int_]

# Walls that a point may be on, relative to the size of the arguments.
_CLOSE = 1e-9
# Steps off the walls, in units in the last place, each twice the one before.
_ULPS = 2.0 ** np.arange(1, 9)
_RETURNS = 20
# Linear programs on the way to the centre, and a step that is none.
_CENTRINGS, _CENTRED = 8, 1e-12


def inside(objective: Objective, kinks: Kinks, x: Array) -> Array:
    """Return the point next to `x`, (p,), at which the density is not zero for rounding alone."""
    if not np.any(kinks.is_wall) or np.isfinite(objective.evaluate(x[None])[0][0]):
        return x
    u = kinks.values(x[None])[0]
    close = np.flatnonzero(kinks.is_wall & (np.abs(u) <= _CLOSE * (1 + np.nanmedian(np.abs(u)))))
    normals = kinks.jacobian(x, close)
    away = inwards(normals, np.abs(normals) @ np.abs(x) + EPS, 1 + np.abs(x))
    if away is None:
        return x
    points = x + EPS * _ULPS[:, None] * away
    finite = np.flatnonzero(np.isfinite(objective.evaluate(points)[0]))
    return points[finite[0]] if finite.size else x


def inwards(normals: Array, size: Array, scale: Array) -> Array | None:
    """Return a short direction whose products with the normals are `size` or more; None if none."""
    moves = np.any(normals != 0, axis=1)
    rows, size = normals[moves] * scale, size[moves]
    with np.errstate(all="ignore"):
        if not len(rows) or not np.all(np.isfinite(rows / size[:, None])):
            return None
    least = np.linalg.lstsq(rows, size)[0]
    if (short := float(np.min(rows @ least / size))) > _SHALLOW:
        return scale * least / min(short, 1.0)
    # More walls than dimensions: the one that is best for the worst of them.
    p = rows.shape[1]
    program = linprog(
        np.append(np.zeros(p), -1.0),
        A_ub=np.column_stack([-rows / size[:, None], np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=[(-1, 1)] * p + [(None, None)],
    )
    if program.status != 0 or not program.x[-1] > 0:
        return None
    return scale * program.x[:-1] / program.x[-1]


def along_walls(kinks: Kinks, points: Array, which: Rows, normals: Array, scale: Array) -> Array:
    """Return points, (batch, p), that left a surface of kinks and walls, put back on to it.

    `which` are the kinks of the surface, `normals` their gradients at a point of it.
    """
    if not np.any(kinks.is_wall[which]):
        return points
    back = np.linalg.pinv(normals * scale).T * scale
    margin = 4 * EPS * (np.abs(points) @ np.abs(normals).T + EPS) * kinks.is_wall[which]
    for _ in range(_RETURNS):
        u = kinks.values(points)[:, which]
        off = margin - u
        # A straight wall is not left but for rounding.
        outside = np.where(kinks.is_wall[which], off > 0, np.abs(off) > PLAIN * margin.max())
        off = np.nan_to_num(np.where(outside.any(axis=1, keepdims=True), off, 0.0))
        if not np.any(off):
            break
        points = points + off @ back
    return points


def centred(kinks: Kinks, x: Array, free: NDArray[np.bool_]) -> Array:
    """Return a point as far inside of all walls as the `free` coordinates can go from `x`.

    By linear programs, each with the walls as they are where the last one led to.
    """
    walls = np.flatnonzero(kinks.is_wall)
    for _ in range(_CENTRINGS):
        u, normals = kinks.values(x[None])[0, walls], kinks.jacobian(x, walls)
        scale = np.where(free, 1 + np.abs(x), 0.0)
        rows = normals * scale
        length = np.linalg.norm(rows, axis=1)
        matter = (length > 0) & np.isfinite(length) & np.isfinite(u)
        if not np.any(matter):
            return x
        rows, length, u = rows[matter], length[matter], u[matter]
        # A linear program has absolute tolerances: between narrow walls in units of their distance.
        unit = min(1.0, float(np.max(np.abs(u))) + EPS)
        program = linprog(
            np.append(np.zeros(len(x)), -1.0),
            A_ub=np.column_stack([-rows, length]),
            b_ub=u / unit,
            bounds=[(-1 / unit, 1 / unit)] * len(x) + [(None, 1.0)],
        )
        if program.status != 0:
            return x
        step = unit * program.x[:-1]
        x = x + scale * step
        if np.max(np.abs(step)) < _CENTRED:
            break
    return x
