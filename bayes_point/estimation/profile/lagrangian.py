"""The maximum of an objective where some scalars are held: a batch of constrained maximisations.

Each row holds one scalar (a profile) or two (a contour) at given levels.  Newton steps on the
stationarity equations of the Lagrangian (the Karush-Kuhn-Tucker system) with its exact Hessian
converge in a few evaluations from a good start.  Where they do not, or end at a saddle, the
constraint is solved for as many coordinates as there are scalars and the general maximiser climbs
over the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.nonsmooth.active_set import follow_kinks
from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.nonsmooth.vertices import independent, near_kinks, newton_step
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Quadratic, Search, maximise
from bayes_point.estimation.tolerances import EPS
from bayes_point.model.density.scalar import Scalars
from bayes_point.model.variables.kinks import Kinks

__all__ = ["Points", "Problem", "Saddle", "solve"]

Array = NDArray[np.float64]
Rows = NDArray[np.int_]

# Newton steps with the Hessian of the start, as long as each gains a factor; then a fresh Hessian.
_STEPS = 12
_FRESH = 3
_CONTRACTION = 0.3
# What a step may still promise, in the log density, where a point counts as converged.
_GAIN = 1e-11
# The same where rounding, or a rough guess of the Hessian, asks for more.
_STILL = 1e-7
# How near a scalar has to be to its level, in units in which the objective curves by one.
_NEAR = 1e-9
_SINGULAR = 1e-12
# Movement, in a log or relative, after which a maximum is no longer taken for granted.
_WIDE = 0.5
# How far back from infinity, in a log, it is looked for something higher, and by how much more than
# what is still to come there; nearer than this is there.
_INWARD = np.array([3.0, 6.0, 9.0, 12.0])
_HIGHER = 1e-4
_NEARLY = 0.5
# Newton steps towards the levels, in the coordinates that they are solved for.
_PROJECTIONS = 30


@dataclass(frozen=True)
class Problem:
    """What is maximised and what may be held.

    Attributes
    ----------
    objective : Objective
    scalars : Scalars
        What may be held.
    movable : ndarray of bool, (p,)
        Coordinates that may move; the others stay where they are (at a kink, at a wall).
    start : ndarray, (p,)
        The maximum, or what stands for it.
    outwards : ndarray, (p,)
        Signs of the coordinates that are at infinity there, as far as arithmetic goes: further out
        there is nothing but rounding.  They stay, unless they are better finite.
    is_slice : bool
        Whether all coordinates but those held stay where they are.
    is_kinked : bool
        Whether the maximum is at kinks of the density, so that those on the way have to be told
        anew at each point.
    is_local : bool
        Whether the density is known to be higher elsewhere, so that only what belongs to this
        maximum counts.
    """

    objective: Objective
    scalars: Scalars
    movable: NDArray[np.bool_]
    start: Array
    outwards: Array
    is_slice: bool
    is_kinked: bool
    is_local: bool = False

    @property
    def unhurried(self) -> Problem:
        """The same, for what is needed whatever time is left."""
        return replace(self, objective=replace(self.objective, observer=None))

    @cached_property
    def held(self) -> Rows:
        """For each scalar the coordinate that holding it amounts to, or -1: (K,)."""
        return self.scalars.coordinate

    @cached_property
    def is_angle(self) -> NDArray[np.bool_]:
        """Whether each scalar is an angle, whose coordinate counts its turns: (K,)."""
        kinds = np.append(self.objective.density.kinds, "")
        return np.asarray(kinds[self.held] == "circular")

    def is_held(self, which: Rows) -> NDArray[np.bool_]:
        """Whether each row holds coordinates alone: (batch,)."""
        return np.all(self.held[which] >= 0, axis=1)

    def levels(self, x: Array, which: Rows) -> tuple[Array, Array]:
        """Return the scalars of each row, (batch, m), and their gradients, (batch, m, p).

        A scalar that is a transform of one coordinate stands for that coordinate.
        """
        level = np.empty(which.shape)
        normal = np.zeros((*which.shape, x.shape[1]))
        coordinate = self.held[which]
        for i in range(which.shape[1]):
            plain = np.flatnonzero(coordinate[:, i] >= 0)
            level[plain, i] = x[plain, coordinate[plain, i]]
            normal[plain, i, coordinate[plain, i]] = 1.0
            other = np.flatnonzero(coordinate[:, i] < 0)
            if other.size:
                level[other, i], normal[other, i] = self.scalars.evaluate(x[other], which[other, i])
        return level, normal

    def hessian(self, x: Array, which: Rows, multiplier: Array) -> Array:
        """Return the Hessian of the Lagrangian, objective - multiplier * scalar: (batch, p, p)."""
        out = self.objective.hessian(x)
        for i in range(which.shape[1]):
            other = np.flatnonzero(self.held[which[:, i]] < 0)
            if other.size:
                bend = self.scalars.hessian(x[other], which[other, i])
                out[other] -= multiplier[other, i, None, None] * bend
        return out

    def is_infinite(self, x: Array) -> NDArray[np.bool_]:
        """Which coordinates of each row are at infinity, as far as arithmetic goes: (batch, p)."""
        return (self.outwards != 0) & ((x - self.start) * self.outwards > -_NEARLY)

    def free(self, which: Rows, x: Array) -> NDArray[np.bool_]:
        """Return which coordinates take part in each row, which is at `x`: (batch, p)."""
        free = ~self.is_infinite(x) & self.movable & (not self.is_slice)
        for held in self.held[which].T:
            plain = np.flatnonzero(held >= 0)
            free[plain, held[plain]] = True
        return free


@dataclass(frozen=True)
class Points:
    """Constrained maxima, one a row.

    Attributes
    ----------
    x : ndarray, (batch, p)
    value : ndarray, (batch,)
        The objective.
    multiplier : ndarray, (batch, m)
        Derivative of the maximum by each level.
    ok : ndarray of bool, (batch,)
        Whether the row is a constrained maximum, converged.
    """

    x: Array
    value: Array
    multiplier: Array
    ok: NDArray[np.bool_]


@dataclass(frozen=True)
class Saddle:
    """The matrix of the stationarity equations, inverted on its range.

    Attributes
    ----------
    inverse : ndarray, (batch, p + m, p + m)
    unit : ndarray, (batch, m)
        How far each level may move for the objective to curve by one: the scale of its error.
    is_maximum : ndarray of bool, (batch,)
        Whether the objective is concave along what is held.
    rough : ndarray of bool, (batch,)
        Whether it is so rough a guess that what it says of an end has to be looked at anew.
    """

    inverse: Array
    unit: Array
    is_maximum: NDArray[np.bool_]
    rough: NDArray[np.bool_]

    @classmethod
    def at(cls, x: Array, hessian: Array, normal: Array, free: NDArray[np.bool_]) -> Saddle:
        """Build it from the Hessian of the Lagrangian and the gradients of the scalars."""
        m, p = normal.shape[1:]
        diagonal = np.abs(np.diagonal(hessian, axis1=1, axis2=2))
        with np.errstate(divide="ignore"):
            scale = np.minimum(1 / np.sqrt(diagonal), 1e10 * (1 + np.abs(x)))
        # Without curvature of its own a coordinate has that which it shares with stiffer ones.
        stiffer = scale[:, None, :] < scale[:, :, None]
        shared = np.where(stiffer, np.abs(hessian) * scale[:, None, :], 0.0)
        with np.errstate(divide="ignore"):
            scale = np.minimum(scale, 1 / np.nan_to_num(shared).max(axis=2))
        scale = np.where(free, scale, 0.0)
        unit = np.linalg.norm(normal * scale[:, None, :], axis=2)
        both = np.concatenate([scale, 1 / np.maximum(unit, 1e-300)], axis=1)
        matrix = np.zeros((len(x), p + m, p + m))
        matrix[:, :p, :p] = -hessian
        matrix[:, :p, p:] = normal.swapaxes(1, 2)
        matrix[:, p:, :p] = normal
        matrix *= both[:, :, None] * both[:, None, :]
        root, axes = np.linalg.eigh(np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0))
        # Along a direction in which nothing changes nothing has to be solved.
        zero = np.abs(root) < _SINGULAR * np.abs(root).max(axis=1, keepdims=True)
        inverse = np.where(zero, 0.0, 1 / np.where(zero, 1.0, root))
        inverse = np.einsum("bik,bk,bjk->bij", axes, inverse, axes)
        inverse *= both[:, :, None] * both[:, None, :]
        # One negative eigenvalue for each scalar held, and no more, is concavity along the rest.
        negative = np.sum((root < 0) & ~zero, axis=1)
        return cls(inverse, unit, negative <= m, np.zeros(len(x), bool))

    def step(self, residual: Array, gap: Array) -> tuple[Array, Array]:
        """Return the steps of x and of the multipliers for the residuals of both equations."""
        p = residual.shape[1]
        both = np.einsum("bij,bj->bi", self.inverse, np.concatenate([residual, gap], axis=1))
        return both[:, :p], both[:, p:]

    def along(self, direction: Array) -> tuple[Array, Array]:
        """Return how x and the multipliers move as the levels move along `direction`, (b, m)."""
        return self.step(
            np.zeros((len(direction), self.inverse.shape[1] - direction.shape[1])), direction
        )

    def rows(self, which: NDArray) -> Saddle:
        """Return some rows of the batch."""
        return Saddle(
            self.inverse[which], self.unit[which], self.is_maximum[which], self.rough[which]
        )


def saddle_at(problem: Problem, x: Array, which: Rows, multiplier: Array) -> Saddle:
    """Build the saddle at points, with the exact Hessian there."""
    _, normal = problem.levels(x, which)
    hessian = problem.hessian(x, which, multiplier)
    return Saddle.at(x, hessian, normal, problem.free(which, x))


def solve(
    problem: Problem, x: Array, which: Rows, level: Array, multiplier: Array, saddle: Saddle
) -> Points:
    """Maximise with the scalars `which` of each row, (batch, m), held at `level`, from `x`.

    `multiplier` and `saddle` are guesses: of the multipliers, and of the matrix of the equations.
    """
    plain = problem.is_held(which) & (problem.is_kinked and not problem.is_slice)
    if np.all(plain):
        p, m = x.shape[1], which.shape[1]
        failed = np.ones(len(x), bool)
        value, slope = np.full(len(x), -np.inf), np.zeros((len(x), m))
        points = Points(np.zeros((len(x), p)), value, slope, ~failed)
    else:
        points = _newton(problem, x, which, level, multiplier, saddle)
        failed = ~points.ok | plain
    kinks = kinks_in(problem.objective)
    for row in np.flatnonzero(failed & np.all(np.isfinite(x), axis=1)):
        climbed = None
        if not kinks.is_empty and problem.is_held(which[[row]])[0]:
            climbed = _from_kink_to_kink(problem, kinks, x[row], which[row], level[row])
        if climbed is None:
            climbed = _climb(problem, x[row], which[row], level[row])
        if climbed is not None:
            points.x[row], points.value[row], points.multiplier[row], points.ok[row] = climbed
    if np.any(problem.outwards):
        _let_go(problem, points, which, level)
    return points


def _let_go(problem: Problem, points: Points, which: Rows, level: Array) -> None:
    """Solve anew where a coordinate at infinity had better be finite; stop those that ran there."""
    own = np.zeros(points.x.shape, bool)
    np.put_along_axis(own, np.maximum(problem.held[which], 0), problem.held[which] >= 0, axis=1)
    out = problem.is_infinite(points.x) & ~own
    ran = out & (points.x != problem.start)
    if np.any(ran):
        points.x[ran] = np.broadcast_to(problem.start, ran.shape)[ran]
        points.value[:] = problem.objective.values(points.x)
    back = _INWARD[:, None] * (out * problem.outwards)[:, None, :]
    values = problem.objective.around(points.x[:, None, :] - back)
    best = np.argmax(np.where(np.isfinite(values), values, -np.inf), axis=1)
    rows = np.arange(len(best))
    finite = np.flatnonzero(points.ok & (values[rows, best] > points.value + _HIGHER))
    if finite.size and not problem.is_slice:
        x, lam = (points.x - back[rows, best])[finite], points.multiplier[finite]
        saddle = saddle_at(problem, x, which[finite], lam)
        found = solve(problem, x, which[finite], level[finite], lam, saddle)
        points.x[finite], points.value[finite] = found.x, found.value
        points.multiplier[finite], points.ok[finite] = found.multiplier, found.ok


def _newton(
    problem: Problem, x: Array, which: Rows, level: Array, multiplier: Array, saddle: Saddle
) -> Points:
    first, x, lam = x, x.copy(), multiplier.copy()
    size = ~problem.objective.is_transformed
    value, ok = np.full(len(x), -np.inf), np.zeros(len(x), bool)
    inverse = saddle.rows(np.arange(len(x)))  # copies
    before, fresh = np.full(len(x), np.inf), np.zeros(len(x), int)
    free = problem.free(which, x)
    active = np.arange(len(x))
    for _ in range(_STEPS):
        now, gradient = problem.objective.evaluate(x[active])
        at, normal = problem.levels(x[active], which[active])
        residual = gradient - np.einsum("bmp,bm->bp", normal, lam[active])
        residual = np.where(free[active], residual, 0.0)
        gap = level[active] - at
        some = inverse.rows(active)
        dx, dlam = some.step(residual, gap)
        # The step's promise, and what the way to the level is worth.
        gain = np.abs(np.sum(residual * dx, axis=1)) + np.abs(np.sum(lam[active] * gap, axis=1))
        off = np.max(np.abs(gap) / some.unit, axis=1)
        finite = np.isfinite(now) & np.isfinite(gain) & np.all(np.isfinite(gradient), axis=1)
        done = finite & (gain <= np.maximum(_GAIN, 64 * EPS * (1 + np.abs(now)))) & (off <= _NEAR)
        value[active] = now
        ok[active[done]] = some.is_maximum[done]
        moved = np.abs(x[active] - first[active]) / (1 + size * np.abs(x[active]))
        far = np.flatnonzero(done & (some.rough | np.any(moved > _WIDE, axis=1)))
        if far.size:
            # Far from the guess its curvature proves nothing.
            exact = saddle_at(problem, x[active[far]], which[active[far]], lam[active[far]])
            way, _ = exact.step(residual[far], gap[far])
            still = np.abs(np.sum(residual[far] * way, axis=1)) <= _STILL
            ok[active[far]] = exact.is_maximum & still
        error = np.where(finite, gain + off**2, np.inf)
        stalled = finite & ~done & (error > _CONTRACTION * before[active])
        lam[active] += np.where((finite & ~stalled)[:, None], dlam, 0.0)
        fresh[active[stalled]] += 1
        go = finite & ~done & (fresh[active] <= _FRESH)
        again = active[stalled & go]
        if again.size:
            exact = saddle_at(problem, x[again], which[again], lam[again])
            inverse.inverse[again], inverse.unit[again] = exact.inverse, exact.unit
            inverse.is_maximum[again] = exact.is_maximum
            # From the exact matrix the step is another one: the next round makes it.
            before[again] = np.inf
        before[active] = np.where(stalled, np.inf, error)
        moving = go & ~stalled
        x[active[moving]] += _shortened(problem, x[active[moving]], dx[moving])
        active = active[go]
        if active.size == 0:
            break
    return Points(x, value, lam, ok)


def _from_kink_to_kink(
    problem: Problem, kinks: Kinks, x: Array, which: Rows, level: Array
) -> tuple[Array, float, Array, bool] | None:
    """Maximise one row with coordinates held, wherever the density has kinks; None if that fails.

    The multiplier is the slope of the maximum along the kinks that it stays on.
    """
    objective = problem.objective
    pivots = problem.held[which]
    x = x.copy()
    x[pivots] = level
    free = np.full(len(x), not problem.is_slice)
    free[pivots] = False
    begin = near_kinks(kinks, x)
    found = follow_kinks(objective, kinks, x, begin, free)
    if found is None and len(begin):
        found = follow_kinks(objective, kinks, x, begin[:0], free)
    if found is None:
        return None
    end, on = found
    step = newton_step(objective, kinks, end, on[independent(kinks.jacobian(end, on) * free)], free)
    if step is None or not step.is_concave:
        return None
    value, gradient = objective.evaluate(end[None])
    pull = np.linalg.lstsq(step.normals[:, free].T, gradient[0, free])[0]
    slope = gradient[0, pivots] - pull @ step.normals[:, pivots]
    return end, float(value[0]), slope, bool(np.isfinite(value[0]))


def _shortened(problem: Problem, x: Array, step: Array) -> Array:
    """Limit steps in the log of a parameter, or in another transform: far out lies overflow."""
    reach = np.where(problem.objective.is_transformed, 3.0, np.inf)
    return step / np.maximum(1.0, np.max(np.abs(step) / reach, axis=1, keepdims=True))


def _climb(
    problem: Problem, x: Array, which: Rows, level: Array
) -> tuple[Array, float, Array, bool] | None:
    """Maximise one row with the general maximiser; None where it cannot even start."""
    _, normal = problem.levels(x[None, :], which[None, :])
    objective = problem.objective
    free = problem.free(which[None, :], x[None, :])
    pivots = _pivots(problem, x, which, normal[0], free[0])
    conditioned = Conditioned(
        objective.density,
        objective.weights,
        problem=problem,
        which=which,
        level=level,
        pivots=pivots,
        anchor=x,
    )
    start = conditioned.project(x[None, :])
    if not np.all(np.isfinite(start)):
        return None
    free[0, pivots] = False
    if not np.isfinite(conditioned.evaluate(start)[0][0]):
        return None
    search = maximise(conditioned, start, free=free, max_iterations=60)
    end = conditioned.project(search.x)
    value, gradient = objective.evaluate(end)
    _, normal = problem.levels(end, which[None, :])
    multiplier = np.linalg.solve(normal[0][:, pivots].T, gradient[0, pivots])
    return end[0], float(value[0]), multiplier, _is_at_rest(search, free)


def _is_at_rest(search: Search, free: NDArray[np.bool_]) -> bool:
    """Whether a search ended at a maximum, or so near a supremum that nothing is left to gain."""
    quadratic = Quadratic.at(search.x, search.gradient, search.hessian, free)
    still = quadratic.decrement(quadratic.slope) <= _STILL
    return bool(np.isfinite(search.value[0]) and (search.settled | still)[0])


def _pivots(
    problem: Problem, x: Array, which: Rows, normal: Array, free: NDArray[np.bool_]
) -> Rows:
    """Return the coordinates that the levels are solved for, one a scalar."""
    held = problem.held[which]
    size = np.where(free, np.abs(normal) * (1 + np.abs(x)), 0.0)
    out: list[int] = []
    for i, coordinate in enumerate(held):
        taken = np.isin(np.arange(len(x)), [*out, *held[held >= 0]])
        out.append(int(coordinate if coordinate >= 0 else np.argmax(np.where(taken, -1, size[i]))))
    return np.array(out)


@dataclass(frozen=True, kw_only=True)
class Conditioned(Objective):
    """An objective of the coordinates that are left when levels are solved for the others.

    The entries of a vector at `pivots` are not looked at: they follow from the rest.
    """

    problem: Problem
    which: Rows
    level: Array
    pivots: Rows
    anchor: Array

    def project(self, x: Array) -> Array:
        """Return `x` with the pivots put where the scalars have their levels; NaN if nowhere."""
        x = x.copy()
        which = np.tile(self.which, (len(x), 1))
        x[:, self.pivots] = self.anchor[self.pivots]
        if np.all(self.problem.held[self.which] >= 0):
            x[:, self.pivots] = self.level
            return x
        size = 1 + np.abs(self.anchor[self.pivots])
        for _ in range(_PROJECTIONS):
            at, normal = self.problem.levels(x, which)
            jacobian = np.nan_to_num(normal[:, :, self.pivots])
            step = np.einsum("bij,bj->bi", np.linalg.pinv(jacobian), np.nan_to_num(self.level - at))
            step /= np.maximum(1.0, np.max(np.abs(step) / (2 * size), axis=1, keepdims=True))
            x[:, self.pivots] += step
            if np.all(np.abs(step) <= 4 * EPS * size):
                break
        at, _ = self.problem.levels(x, which)
        missed = ~np.all(np.abs(at - self.level) <= 1e-9 * (1 + np.abs(self.level)), axis=1)
        x[missed] = np.nan
        return x

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient by what is not a pivot, (batch, p)."""
        x = self.project(x)
        value, gradient = self.problem.objective.evaluate(x)
        return value, np.einsum("bpq,bp->bq", self._follow(x), gradient)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian by what is not a pivot, (batch, p, p)."""
        x = self.project(x)
        which = np.tile(self.which, (len(x), 1))
        _, gradient = self.problem.objective.evaluate(x)
        _, normal = self.problem.levels(x, which)
        jacobian = np.nan_to_num(normal[:, :, self.pivots])
        multiplier = np.einsum("bji,bj->bi", np.linalg.pinv(jacobian), gradient[:, self.pivots])
        hessian = self.problem.hessian(x, which, multiplier)
        follow = self._follow(x)
        return np.einsum("bpi,bpq,bqj->bij", follow, hessian, follow)

    def _follow(self, x: Array) -> Array:
        """Return how all coordinates move with each that is not a pivot: (batch, p, p)."""
        _, normal = self.problem.levels(x, np.tile(self.which, (len(x), 1)))
        normal = np.nan_to_num(normal)
        out = np.tile(np.eye(x.shape[1]), (len(x), 1, 1))
        inverse = np.linalg.pinv(normal[:, :, self.pivots])
        out[:, self.pivots, :] = -np.einsum("bij,bjp->bip", inverse, normal)
        out[:, :, self.pivots] = 0.0
        return out
