"""Where the parameters go as a penalty that keeps them near a centre is let go.

With a quadratic penalty every density that is bounded above has its maximum at a finite point.  As
the penalty vanishes, parameters with a finite maximum settle, and those that are driven to infinity
go on by about the same amount at every reduction: the path tells them apart, and leads to
the limits of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective, Penalty
from bayes_point.estimation.optimise.curvature import Curvature, diagonal_at
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.precision import precision
from bayes_point.estimation.tolerances import NOTHING, SAME_VALUE

__all__ = ["Path", "release"]

Array = NDArray[np.float64]

# Movement at one reduction of the penalty, in units of a coordinate, that is none.
_AT_REST = 1e-3

_WEIGHTS = 10.0 ** -np.arange(-2, 10.5, 0.5)
# How much less than at a better point a path may come to, relative to the density.
_AS_GOOD = 1e-6
# How far from the centre a log may be where a search begins.
_NEARER = 15.0
# Squared distance in standard errors from a maximum that is near enough to one to go on from.
_NEAR = 1e-9
# Movement at one reduction of the penalty, against the last: a third, like the penalty, where a
# parameter settles; about one or more where it does not.  In a log or a logit little movement is
# much.  A parameter that follows another to its limit can settle as slowly as that goes there.
_STILL_MOVING, _STILL_MOVING_TRANSFORMED = 0.9, 0.6
_UNDECIDED = 2.5
_CRAWL = 1e-2
# Points that a path needs before its direction means anything.
_ENOUGH = 6


@dataclass(frozen=True)
class Path:
    """The points of the path, (steps, p), from the heaviest penalty to the lightest."""

    x: Array
    value: Array
    noise: Array
    scale: Array
    is_transformed: NDArray[np.bool_]

    @property
    def direction(self) -> Array:
        """What each coordinate moved in the last step, where it has not settled; else zero."""
        if len(self.x) < _ENOUGH:
            return np.zeros(self.x.shape[1])
        last, before = self.x[-1] - self.x[-2], self.x[-2] - self.x[-3]
        ratio = np.where(self.is_transformed, _STILL_MOVING_TRANSFORMED, _STILL_MOVING)
        moving = (np.abs(last) > _AT_REST * self.scale) & (np.abs(last) > ratio * np.abs(before))
        # What crawls beside those that run is carried along by the penalty, not by the density; or,
        # if it is a log, it goes on for ever only if it does not slow down.
        speed = np.abs(last) / self.scale
        crawls = speed <= _CRAWL * np.max(speed)
        slows = np.abs(last) <= _STILL_MOVING * np.abs(before)
        moving &= ~crawls | (self.is_transformed & ~slows)
        # In proportion to 1 / penalty it moves against a slope that has not changed at all yet:
        # too early to tell (nearly collinear columns have their maximum very far out).
        undecided = ~self.is_transformed & (np.abs(last) > _UNDECIDED * np.abs(before))
        if np.any(moving & undecided):
            return np.zeros(self.x.shape[1])
        return np.where(moving, last, 0.0)

    def leads_to(self, x: Array) -> bool:
        """Whether `x` is further out than the path has come, wherever that goes to infinity."""
        away = self.direction != 0
        beyond = (x - self.x[-1]) * np.sign(self.direction) > 0
        return bool(np.any(away) and np.all(beyond[away]))

    @property
    def pivot(self) -> int:
        """The coordinate that goes fastest."""
        return int(np.argmax(np.abs(self.direction) / self.scale))

    @property
    def unit(self) -> Array:
        """The direction, as long as a unit of the coordinate that goes fastest."""
        direction = self.direction
        return direction / np.max(
            np.abs(direction) / np.minimum(self.scale, np.abs(direction) + 1e-300)
        )

    def without(self, null: Array) -> Path:
        """Return the path with as few coordinates going anywhere as can be.

        Along the rows of `null`, (k, p), the density does not change, and the penalty alone decides
        how far the path goes there: any other mixture would do as well.
        """
        if not len(null) or not np.any(self.direction):
            return self
        from scipy.optimize import linprog  # slow to import, and hardly ever needed

        k, p = null.shape
        # The smallest sum of absolute movements, as a linear program: |d + N'c| <= t.
        d = (self.x[-1] - self.x[-2]) / self.scale
        rows = (null / self.scale).T
        eye = np.eye(p)
        program = linprog(
            np.concatenate([np.zeros(k), np.ones(p)]),
            A_ub=np.block([[rows, -eye], [-rows, -eye]]),
            b_ub=np.concatenate([-d, d]),
            bounds=[(None, None)] * k + [(0, None)] * p,
        )
        still = np.abs(d + rows @ program.x[:k]) < NOTHING * np.abs(d).max()
        moved = self.x - self.x[0]
        back, *_ = np.linalg.lstsq(null[:, still].T, -moved[:, still].T)
        return replace(self, x=self.x + back.T @ null)


def release(objective: Objective, x: Array, centre: Array) -> Path:
    """Follow the penalised maximum from near `centre`, or from near `x` where that is better."""
    path, alone = _follow(objective, centre, x, alone=len(_WEIGHTS))
    value = float(objective.evaluate(x[None, :])[0][0])
    reached = path.value[-1]
    if path.leads_to(x):
        # Further out on the same way; or, as high as that, on another one.
        away = path.direction != 0
        ahead = np.where(away, x, path.x[-1])
        reached = maximise(objective, ahead[None], free=~away[None], max_iterations=100).value[0]
    if alone and not value <= reached + _AS_GOOD * (1 + abs(value)):
        return _follow(objective, centre, x, alone=0)[0]
    return path


def _follow(objective: Objective, centre: Array, x: Array, *, alone: int) -> tuple[Path, int]:
    """Return the path, and at how many penalties it was followed without looking from `x` as well.

    At no more than `alone`, and at none from where it leads no further: always to look from `x`
    takes several times as long.
    """
    scale = _scale(objective, centre)
    # From where a log has run off to, a search is not let back all the way.
    near = np.clip(x, centre - _NEARER, centre + _NEARER)
    rival = np.where(objective.is_transformed, near, x)
    points: list[Array] = []
    values: list[float] = []
    for k, weight in enumerate(_WEIGHTS):
        penalised = replace(objective, penalty=Penalty(centre, scale, weight))
        start = _next_start(penalised, points, centre)
        for rivals in ([], [rival]) if k < alone else ([rival],):
            point, settled = _highest(penalised, np.array([start, *rivals]))
            value = float(objective.evaluate(point[None, :])[0][0])
            blocked = not settled or not np.isfinite(value)
            blocked |= len(values) > 0 and value < values[-1] - SAME_VALUE * (1 + abs(value))
            if not blocked:
                break
            alone = min(alone, k)
        if len(values) > 2 and blocked:
            break  # at the end of what arithmetic can do
        points.append(point)
        values.append(value)
    return _as_far_as_exact(objective, np.array(points), np.array(values), scale), alone


def _highest(objective: Objective, starts: Array) -> tuple[Array, bool]:
    """Return the highest point that the starts lead to, and whether the search came to rest."""
    search = maximise(objective, starts, max_iterations=30)
    reached = np.where(np.isfinite(search.value), search.value, -np.inf)
    # Of two that came to the same, the one that came to rest there.
    best = int(np.argmax(reached + np.where(search.settled, 1e-12 * (1 + abs(reached)), 0.0)))
    end = search.rows(slice(best, best + 1))
    if not end.settled[0]:
        # Rounding may have ended it, next to the maximum.
        around = Curvature.at(objective, end.x[0], end.gradient[0], np.ones(objective.p, bool))
        near = bool(around.quadratic.is_concave[0]) and around.distance**2 < _NEAR
        return end.x[0], near
    return end.x[0], True


def _next_start(objective: Objective, points: list[Array], centre: Array) -> Array:
    """Return where the path goes next, if the steps of each coordinate go on as they did."""
    if len(points) < 3:
        return points[-1] if points else centre
    last, before = points[-1] - points[-2], points[-2] - points[-3]
    ratio = np.divide(last, before, out=np.zeros_like(last), where=before != 0)
    both = np.stack([points[-1], points[-1] + np.clip(ratio, 0.0, 1.0) * last])
    value, gradient = objective.evaluate(both)
    return both[int(value[1] > value[0] and np.all(np.isfinite(gradient[1])))]


def _as_far_as_exact(objective: Objective, x: Array, values: Array, scale: Array) -> Path:
    """Return the path, cut where its gains are lost in the rounding of the objective."""
    value, gradient = objective.evaluate(x)
    noise, _ = precision(objective, x, value, gradient, diagonal_at(objective, x))
    gains = np.diff(values, prepend=-np.inf)
    lost = np.flatnonzero((gains < 3 * noise) & (noise > SAME_VALUE * (1 + np.abs(value))))
    end = max(int(lost[0]), _ENOUGH) if lost.size else len(x)
    return Path(x[:end], values[:end], noise[:end], scale, objective.is_transformed)


def _scale(objective: Objective, centre: Array) -> Array:
    """Return a unit for each coordinate: one for a log or a logit, else a standard error."""
    diagonal = np.abs(np.nan_to_num(diagonal_at(objective, centre[None])[0]))
    size = 1 + np.abs(centre)
    error = np.where(diagonal > 0, 1 / np.sqrt(np.maximum(diagonal, 1e-300)), size)
    return np.where(objective.is_transformed, 1.0, np.clip(error, 1e-8 * size, 1e8 * size))
