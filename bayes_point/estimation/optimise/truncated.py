"""Climbing in many dimensions: L-BFGS far from a maximum, Newton steps by products near it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.krylov import Curved, scale_at
from bayes_point.estimation.tolerances import EPS, STILL, STILL_NOISES

__all__ = ["Climb", "approach", "climb", "descend"]

Array = NDArray[np.float64]

# Part of the promised gain that a step has to make: Armijo's constant.
_ARMIJO = 1e-4

_LBFGS_ITERATIONS, _MEMORY = 400, 20
_NEWTON_ITERATIONS = 60
# Squared distance to the maximum, in standard errors, at which no digit is left to gain.
_STILL = 1e-26
# Steps that gain no more than rounding.
_LAST_STEPS = 6
_HALVINGS = 30
# Furthest that a step goes in a log or a logit.
_REACH = 5.0
_ESCAPES = np.array([0.1, 1.0, 10.0, -0.1, -1.0, -10.0])


@dataclass(frozen=True)
class Climb:
    """Where a climb ended, with the units of the coordinates there; squared distance to the top."""

    x: Array
    value: float
    gradient: Array
    scale: Array
    decrement: float
    settled: bool
    stopped: bool


def climb(
    objective: Objective,
    start: Array,
    *,
    free: NDArray[np.bool_] | None = None,
    stop: Callable[[Array], bool] | None = None,
) -> Climb:
    """Climb from `start`, (p,), to a maximum over the `free` coordinates.

    `stop` says of a point that the rest of the way need not be gone.

    J. Nocedal & S. J. Wright (2006), Numerical Optimization, chapter 7,
    https://doi.org/10.1007/978-0-387-40065-5
    """
    free = np.ones(len(start), bool) if free is None else free
    value, gradient = _at(objective, start, free)
    if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
        return Climb(start, value, gradient, np.ones_like(start), np.nan, False, False)
    unit = np.where(free, scale_at(objective, start), 0.0)
    x, stopped = approach(objective, start, unit, free, stop)
    if stopped:
        value, gradient = _at(objective, x, free)
        return Climb(x, value, gradient, np.ones_like(x), np.nan, False, True)
    return _newton(objective, x, free)


def _at(objective: Objective, x: Array, free: NDArray[np.bool_]) -> tuple[float, Array]:
    value, gradient = objective.evaluate(x[None])
    return float(value[0]), np.where(free, gradient[0], 0.0)


def approach(
    objective: Objective,
    start: Array,
    unit: Array,
    free: NDArray[np.bool_],
    stop: Callable[[Array], bool] | None,
) -> tuple[Array, bool]:
    """Go from `start` to near a maximum by gradients alone; say also whether `stop` ended it.

    `unit`, (p,), is a length for each coordinate; one that is not `free` has none.
    """
    reach = np.where(objective.is_transformed, 30.0 / np.maximum(unit, 1e-300), np.inf)
    return descend(
        objective, start, lambda z: unit * z, lambda g: unit * g, free, stop=stop, reach=reach
    )


def descend(
    objective: Objective,
    start: Array,
    step: Callable[[Array], Array],
    slope: Callable[[Array], Array],
    free: NDArray[np.bool_],
    *,
    stop: Callable[[Array], bool] | None = None,
    reach: Array | float = np.inf,
    tolerance: float = 1e-7,
) -> tuple[Array, bool]:
    """Go from `start` to near a maximum by L-BFGS; say also whether `stop` ended it.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    start : ndarray, (p,)
        Where to begin.
    step, slope : callable
        A linear change of coordinates, from z to a step of x; and its transpose, from the gradient
        by x to that by z.
    free : ndarray of bool, (p,)
        Which coordinates of x may move.
    stop : callable, optional
        Says of a point that the rest of the way need not be gone.
    reach : ndarray, (p,), or float
        The largest absolute value of each z.
    tolerance : float
        Largest absolute gradient by z at which this ends.
    """
    from scipy.optimize import minimize  # slow to import

    worst, stopped = 0.0, False

    def cost(z: Array) -> tuple[float, Array]:
        nonlocal worst
        value, gradient = _at(objective, start + step(z), free)
        if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
            # No value there: a wall, from which the line search turns back.
            return worst + 1e6 * (1 + abs(worst)), np.zeros_like(z)
        worst = max(worst, -value)
        return -value, -slope(gradient)

    def callback(z: Array) -> None:
        nonlocal stopped
        if stop is not None and stop(start + step(z)):
            stopped = True
            raise StopIteration

    reach = np.broadcast_to(reach, start.shape)
    found = minimize(
        cost,
        np.zeros_like(start),
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([-reach, reach], axis=1),
        callback=callback,
        options={"maxcor": _MEMORY, "maxiter": _LBFGS_ITERATIONS, "ftol": 1e-11, "gtol": tolerance},
    )
    return start + step(found.x), stopped


def _newton(objective: Objective, x: Array, free: NDArray[np.bool_]) -> Climb:
    value, gradient = _at(objective, x, free)
    decrement, settled, scale = np.inf, False, np.ones_like(x)
    left = _LAST_STEPS
    for _ in range(_NEWTON_ITERATIONS):
        scale = scale_at(objective, x)
        curved = Curved(objective, x, scale, free)
        slope = np.where(free, scale, 0.0) * gradient
        norm = float(np.linalg.norm(slope))
        step, bent = curved.solve(slope, min(1e-2, max(norm, 1e-5)))
        decrement = float(slope @ step)
        noise = 64 * EPS * (1 + abs(value))
        moved = _line(objective, x, value, gradient, scale, step, free, decrement, noise)
        if bent is not None:
            better = _escape(objective, x, value, scale * bent, free, noise)
            if better is not None and (moved is None or better[1] > moved[1]):
                moved = better
        if moved is None:
            settled = bent is None and decrement <= max(STILL, STILL_NOISES * noise)
            break
        x, value, gradient = moved
        # Next to a maximum a step or two take all that is left; on the way to infinity each takes
        # the same part of it.
        left -= decrement < noise
        if (0 <= decrement < _STILL or not left) and bent is None:
            settled = True
            break
    return Climb(x, value, gradient, scale, decrement, settled, False)


def _line(
    objective: Objective,
    x: Array,
    value: float,
    gradient: Array,
    scale: Array,
    step: Array,
    free: NDArray[np.bool_],
    decrement: float,
    noise: float,
) -> tuple[Array, float, Array] | None:
    """Return a point on the way of a step that is better, or has a smaller slope at the top."""
    way = np.where(free, scale * step, 0.0)
    long = np.max(np.where(objective.is_transformed, np.abs(way), 0.0), initial=0.0)
    way = way * min(1.0, _REACH / max(long, 1e-300))
    for k in range(_HALVINGS):
        new = x + 0.5**k * way
        new_value, new_gradient = _at(objective, new, free)
        if not np.isfinite(new_value) or not np.all(np.isfinite(new_gradient)):
            continue
        # Near the top the gain drowns in rounding, and the gradient has to fall instead.
        if decrement < 2 * noise:
            small = np.linalg.norm(scale * new_gradient) < 0.5 * np.linalg.norm(scale * gradient)
            return (new, new_value, new_gradient) if small and new_value > value - noise else None
        if new_value > value + _ARMIJO * 0.5**k * abs(decrement):
            return new, new_value, new_gradient
    return None


def _escape(
    objective: Objective,
    x: Array,
    value: float,
    direction: Array,
    free: NDArray[np.bool_],
    noise: float,
) -> tuple[Array, float, Array] | None:
    """Return the best point along a direction of negative curvature, if it is better."""
    points = x + _ESCAPES[:, None] * np.where(free, direction, 0.0)
    values, gradients = objective.evaluate(points)
    usable = np.isfinite(values) & np.all(np.isfinite(gradients), axis=1)
    k = int(np.argmax(np.where(usable, values, -np.inf)))
    if not usable[k] or values[k] <= value + noise:
        return None
    return points[k], float(values[k]), np.where(free, gradients[k], 0.0)
