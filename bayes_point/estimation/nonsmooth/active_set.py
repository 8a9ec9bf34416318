"""A maximum on kinks found from one nearby: what is crossed is held, what pulls away is let go.

The steps are Newton's, on the surface where the kinks held are zero.  A step ends where it comes to
another kink, which is held from then on; where no step is left to make, a kink from which the
density rises to one side is let go of, to that side.  For a quadratic with absolute values this is
the homotopy of a lasso's path; for absolute values alone it is the simplex method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.nonsmooth.vertices import (
    Step,
    independent,
    near_kinks,
    newton_step,
    onto_kinks,
    slopes,
)
from bayes_point.estimation.nonsmooth.walls import along_walls, inside
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import EPS, STILL, SUM_ULPS
from bayes_point.model.variables.kinks import Kinks

__all__ = ["follow_kinks"]

Array = NDArray[np.float64]
Rows = NDArray[np.int_]

# Squared distance, in standard errors, at which nothing is left to gain along the surface.
_STILL = 1e-20
_LEVEL = 1e-9
# How far a kink is left at once, relative to the parameters.
_OFF = 1e-9
# A step is compared with its linear forecast over this part of the parameters' size.
_PROBE = 1e-4
# Parts of a step that is too long.
_SHORTER = 0.25 ** np.arange(1, 11)
# Steps from one wall to the next among many coordinates, each of which takes matrices of all.
_WIDE = 100
# Steps back to a curved surface, before the next step along it.
_RETURNS = 8
# Furthest that a step goes in a log or a logit.
_REACH = 5.0
# Part of the fastest change below which an argument does not change along a step.
_PARALLEL = 1e-9
# How far before a wall, relative to the way there, a step ends.
_BEFORE = 1e-3
# A wall that is not nearer than this part of what it was is not where the step goes.
_REACHED = 0.1
# Kinks on the way that are looked at together.
_AT_ONCE = 256


def follow_kinks(
    objective: Objective,
    kinks: Kinks,
    x: Array,
    which: Rows,
    free: NDArray[np.bool_],
) -> tuple[Array, Rows] | None:
    """Return a maximum near `x`, (p,), and the kinks that it is on; None if none was found.

    `which` are the kinks that are held to begin with; coordinates that are not `free` stay.
    """
    which = which[independent(kinks.jacobian(x, which) * free)]
    held = list(map(int, which))
    last, returns = np.inf, 0
    # Walls are met one after the other, some steps each, and cannot be rounded off instead.
    patience = left = _WIDE if objective.is_wide else 40 + 3 * len(x)
    for _ in range(10 * patience):
        if not left:
            return None
        left -= 1
        now = np.array(held, int)
        step = newton_step(objective, kinks, x, now, free)
        if step is None or not np.all(np.isfinite(step.whole)):
            return None
        off = float(np.max(np.abs(step.back), initial=0.0))
        if off**2 > _STILL and returns < _RETURNS:
            # First back to the surface, whatever lies between.
            x = inside(objective, kinks, x + step.scale * step.back)
            returns += 1
            continue
        returns = 0
        ahead, crossed = _as_far_as_it_rises(objective, kinks, x, step, now)
        if ahead is None:
            return None
        x = ahead
        if crossed is not None:
            held.append(crossed)
            last = np.inf
            left = patience if kinks.is_wall[crossed] else left
            if len(held) > len(x):
                return None
            continue
        size = step.decrement + off**2
        if size > _STILL and (size > STILL or size < 0.5 * last):
            last = size
            continue
        found = onto_kinks(objective, kinks, x, now, step)
        if found is None:
            return None
        x, last = found, np.inf
        rising = _rising(objective, kinks, x, now, step.scale)
        if rising is None:
            there = np.union1d(near_kinks(kinks, x), now)
            return x, there
        k, away = rising
        del held[k]
        x = inside(objective, kinks, x + away)
    return None


def _as_far_as_it_rises(
    objective: Objective, kinks: Kinks, x: Array, step: Step, held: Rows
) -> tuple[Array | None, int | None]:
    """Go on with a step up to the kink on its way that is best; return where, and which that is.

    None where the density has no value on the way.
    """
    whole = step.whole
    # In a log the density has to be followed, not jumped at.
    whole = whole / max(1.0, np.max(np.abs(whole[objective.is_transformed]), initial=0.0) / _REACH)
    longest = float(np.max(np.abs(whole) / (1 + np.abs(x)), initial=0.0))
    if longest == 0:
        return x, None
    probe = min(1.0, _PROBE / longest)
    u, wall = kinks.values(x[None])[0], kinks.is_wall
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (kinks.values((x + probe * whole)[None])[0] - u) / probe
        at = np.where(u * rate < 0, -u / rate, np.inf)
        leaves = rate < -_PARALLEL * np.max(np.abs(rate), initial=0.0, where=np.isfinite(rate))
        at = np.where(wall, np.where(leaves, np.maximum(u, 0.0) / -rate, np.inf), at)
    at[held] = np.inf
    crossed = np.flatnonzero(at < 1)
    crossed = crossed[np.argsort(at[crossed])[:_AT_ONCE]]
    parts = at[crossed] if len(crossed) == _AT_ONCE else np.append(at[crossed], 1.0)
    # At the first wall it ends, a little before it.
    if (walls := np.flatnonzero(wall[crossed])).size:
        crossed, parts = crossed[: walls[0] + 1], parts[: walls[0] + 1]
        parts[-1] *= 1 - _BEFORE

    def points(parts: Array) -> Array:
        ahead = x + parts[:, None] * whole
        return along_walls(kinks, ahead, held, step.normals, step.scale)

    ahead = points(parts)
    values = objective.evaluate(ahead)[0]
    # The first fall ends it: what comes after belongs to other steps.
    values = np.where(np.isfinite(values), values, -np.inf)
    here = float(objective.evaluate(x[None])[0][0])
    if not values[0] >= here - SUM_ULPS * EPS * (1 + abs(here)):
        # Farther than the quadratic model holds, and no kink on the way there.
        ahead = points(parts[0] * _SHORTER)
        values = objective.evaluate(ahead)[0]
        values = np.where(np.isfinite(values), values, -np.inf)
        best = int(np.argmax(values))
        return (ahead[best] if np.isfinite(values[best]) else None), None
    falls = np.flatnonzero(np.diff(values) <= 0)
    best = int(falls[0]) if falls.size else len(parts) - 1
    if best == len(crossed):
        return ahead[best], None
    k = int(crossed[best])
    if wall[k] and kinks.values(ahead[[best]])[0, k] > _REACHED * u[k]:
        return ahead[best], None  # it curves away, as that of a scale at zero does in its log
    return ahead[best], k


def _rising(
    objective: Objective, kinks: Kinks, x: Array, held: Rows, scale: Array
) -> tuple[int, Array] | None:
    """Return the kink from which the density rises most, and a small step off it; None if none."""
    if not len(held):
        return None
    directions = np.linalg.pinv(kinks.jacobian(x, held) * scale).T * scale
    left, right = slopes(objective, kinks, x, directions, held, kinks.is_wall[held])
    tolerance = _LEVEL * (_finite(left) + _finite(right))
    gain = np.maximum(np.maximum(right, -left) - tolerance, 0.0)
    k = int(np.argmax(gain))
    if not gain[k] > 0:
        return None
    size = _OFF / np.max(np.abs(directions[k]) / (1 + np.abs(x)))
    return k, np.copysign(size, 1.0 if right[k] >= -left[k] else -1.0) * directions[k]


def _finite(slope: Array) -> Array:
    return np.where(np.isfinite(slope), np.abs(slope), 0.0)
