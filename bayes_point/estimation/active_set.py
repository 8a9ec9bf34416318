"""A maximum on kinks found from one nearby: what is crossed is held, what pulls away is let go.

The steps are Newton's, on the surface where the kinks held are zero.  A step ends where it comes to
another kink, which is held from then on; where no step is left to make, a kink from which the
density rises to one side is let go of, to that side.  For a quadratic with absolute values this is
the homotopy of a lasso's path; for absolute values alone it is the simplex method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import EPS
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.vertices import independent, near_kinks, newton_step, onto_kinks, slopes
from bayes_point.model.kinks import Kinks

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
# Steps back to a curved surface, before the next step along it.
_RETURNS = 8
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
    for _ in range(40 + 3 * len(x)):
        now = np.array(held, int)
        step = newton_step(objective, kinks, x, now, free)
        if step is None or not np.all(np.isfinite(step.whole)):
            return None
        off = float(np.max(np.abs(step.back), initial=0.0))
        if off**2 > _STILL and returns < _RETURNS:
            # First back to the surface, whatever lies between.
            x, returns = x + step.scale * step.back, returns + 1
            continue
        u, returns = kinks.values(x[None])[0], 0
        part, crossed = _as_far_as_it_rises(objective, kinks, x, step.whole, u, now)
        x = x + part * step.whole
        if crossed is not None:
            held.append(crossed)
            last = np.inf
            if len(held) > len(x):
                return None
            continue
        size = step.decrement + off**2
        if size > _STILL and (size > 1e-12 or size < 0.5 * last):
            last = size
            continue
        found = onto_kinks(kinks, x, now, step)
        if found is None:
            return None
        x, last = found, np.inf
        rising = _rising(objective, kinks, x, now, step.scale)
        if rising is None:
            there = np.union1d(near_kinks(kinks, x), now)
            return x, there
        k, away = rising
        del held[k]
        x = x + away
    return None


def _as_far_as_it_rises(
    objective: Objective, kinks: Kinks, x: Array, step: Array, u: Array, held: Rows
) -> tuple[float, int | None]:
    """Return the part of a step up to the kink on its way that is best, and which that is."""
    longest = float(np.max(np.abs(step) / (1 + np.abs(x)), initial=0.0))
    if longest == 0:
        return 1.0, None
    probe = min(1.0, _PROBE / longest)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (kinks.values((x + probe * step)[None])[0] - u) / probe
        at = np.where(u * rate < 0, -u / rate, np.inf)
    at[held] = np.inf
    crossed = np.flatnonzero(at < 1)
    crossed = crossed[np.argsort(at[crossed])[:_AT_ONCE]]
    parts = at[crossed] if len(crossed) == _AT_ONCE else np.append(at[crossed], 1.0)
    values = objective.evaluate(x + parts[:, None] * step)[0]
    # The first fall ends it: what comes after belongs to other steps.
    values = np.where(np.isfinite(values), values, -np.inf)
    here = float(objective.evaluate(x[None])[0][0])
    if not values[0] >= here - 64 * EPS * (1 + abs(here)):
        # Farther than the quadratic model holds, and no kink on the way there.
        parts = parts[0] * _SHORTER
        values = objective.evaluate(x + parts[:, None] * step)[0]
        best = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
        return float(parts[best]), None
    falls = np.flatnonzero(np.diff(values) <= 0)
    best = int(falls[0]) if falls.size else len(parts) - 1
    return float(parts[best]), (int(crossed[best]) if best < len(crossed) else None)


def _rising(
    objective: Objective, kinks: Kinks, x: Array, held: Rows, scale: Array
) -> tuple[int, Array] | None:
    """Return the kink from which the density rises most, and a small step off it; None if none."""
    if not len(held):
        return None
    directions = np.linalg.pinv(kinks.jacobian(x, held) * scale).T * scale
    left, right = slopes(objective, kinks, x, directions, held)
    tolerance = _LEVEL * np.nan_to_num(np.abs(left) + np.abs(right), posinf=0.0)
    gain = np.maximum(np.maximum(right, -left) - tolerance, 0.0)
    k = int(np.argmax(gain))
    if not gain[k] > 0:
        return None
    size = _OFF / np.max(np.abs(directions[k]) / (1 + np.abs(x)))
    return k, np.copysign(size, 1.0 if right[k] >= -left[k] else -1.0) * directions[k]
