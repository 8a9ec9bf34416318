"""Where the parameters go as a penalty that keeps them near a centre is let go.

With a quadratic penalty every density that is bounded above has its maximum at a finite point.  As
the penalty vanishes, parameters with a finite maximum settle, and those that are driven to infinity
go on by about the same amount at every reduction: the path tells them apart, and leads to
the limits of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.maximise import maximise
from bayes_point.estimation.objective import Objective, Penalised
from bayes_point.estimation.precision import precision

__all__ = ["Path", "release"]

Array = NDArray[np.float64]

_WEIGHTS = 10.0 ** -np.arange(-2, 10.5, 0.5)
# Movement at one reduction of the penalty, against the last: a third, like the penalty, where a
# parameter settles; about one or more where it does not.  In a log or a logit little movement is
# much.  A parameter that follows another to its limit can settle as slowly as that goes there.
_STILL_MOVING, _STILL_MOVING_TRANSFORMED = 0.9, 0.6
# Points that a path needs before its direction means anything.
_ENOUGH = 6


@dataclass(frozen=True)
class Path:
    """The points of the path, (steps, p), from the heaviest penalty to the lightest."""

    x: Array
    value: Array
    scale: Array
    is_transformed: NDArray[np.bool_]

    @property
    def direction(self) -> Array:
        """What each coordinate moved in the last step, where it has not settled; else zero."""
        if len(self.x) < _ENOUGH:
            return np.zeros(self.x.shape[1])
        last, before = self.x[-1] - self.x[-2], self.x[-2] - self.x[-3]
        ratio = np.where(self.is_transformed, _STILL_MOVING_TRANSFORMED, _STILL_MOVING)
        moving = (np.abs(last) > 1e-3 * self.scale) & (np.abs(last) > ratio * np.abs(before))
        return np.where(moving, last, 0.0)

    @property
    def limit(self) -> float:
        """The value that the objective nears, by Aitken's extrapolation of the last three."""
        before, last = np.diff(self.value[-3:])
        if not 0 < last < 0.95 * before:
            return float(self.value[-1])
        return float(self.value[-1] + last**2 / (before - last))


def release(objective: Objective, x: Array, centre: Array) -> Path:
    """Follow the penalised maximum from near `centre`, or from near `x` where that is better."""
    scale = _scale(objective, centre)
    points: list[Array] = []
    values: list[float] = []
    starts = np.stack([centre, x])
    for weight in _WEIGHTS:
        penalised = Penalised(
            objective.density, objective.weights, centre=centre, scale=scale, weight=weight
        )
        search = maximise(penalised, starts, max_iterations=30)
        reached = np.where(np.isfinite(search.value), search.value, -np.inf)
        # Of two that came to the same, the one that came to rest there.
        best = int(np.argmax(reached + np.where(search.settled, 1e-12 * (1 + abs(reached)), 0.0)))
        point = search.x[best]
        value = float(objective.evaluate(point[None, :])[0][0])
        blocked = not search.settled[best] or not np.isfinite(value)
        if len(values) > 2 and (blocked or value < values[-1] - 1e-9 * (1 + abs(value))):
            break  # at the end of what arithmetic can do
        points.append(point)
        values.append(value)
        starts = np.stack([point, x])
    path = Path(np.array(points), np.array(values), scale, objective.is_transformed)
    return _as_far_as_exact(objective, path)


def _as_far_as_exact(objective: Objective, path: Path) -> Path:
    """Cut the path where its gains are lost in the rounding of the objective."""
    value, gradient = objective.evaluate(path.x)
    noise, _ = precision(objective, path.x, value, gradient, objective.hessian(path.x))
    gains = np.diff(path.value, prepend=-np.inf)
    lost = np.flatnonzero((gains < 3 * noise) & (noise > 1e-9 * (1 + np.abs(value))))
    end = max(int(lost[0]), _ENOUGH) if lost.size else len(path.x)
    return Path(path.x[:end], path.value[:end], path.scale, path.is_transformed)


def _scale(objective: Objective, centre: Array) -> Array:
    """Return a unit for each coordinate: one for a log or a logit, else a standard error."""
    hessian = objective.hessian(centre[None, :])[0]
    diagonal = np.abs(np.nan_to_num(np.diagonal(hessian)))
    size = 1 + np.abs(centre)
    error = np.where(diagonal > 0, 1 / np.sqrt(np.maximum(diagonal, 1e-300)), size)
    return np.where(objective.is_transformed, 1.0, np.clip(error, 1e-8 * size, 1e8 * size))
