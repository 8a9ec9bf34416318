"""A maximum at several kinks at once: found exactly, and proven by its one-sided slopes.

The arguments u of the kinks are held at zero, a surface, and on it the density is smooth.  There a
maximum is where the gradient is a combination of the gradients of the arguments (the multipliers
of Lagrange), and the Lagrangian is concave along the surface.  Across it zero has to be a
subgradient: the density falls along both sides of every kink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.optimize import linprog

from bayes_point.estimation.nonsmooth.walls import inside, inwards
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Quadratic, finite_hessian
from bayes_point.estimation.tolerances import CLEAR, EPS, FEW_ULPS, NOTHING
from bayes_point.model.variables.kinks import Kinks

__all__ = [
    "Step",
    "Vertex",
    "hold",
    "independent",
    "near_kinks",
    "newton_step",
    "onto_kinks",
    "slopes",
]

Array = NDArray[np.float64]

# Of a unit vector, a part that is rounding; a relative step, or argument, that is next to nothing;
# and one that leads astray.
_NO_PART, _CLOSE, _ASTRAY = 1e-12, 1e-9, 1e6
Rows = NDArray[np.int_]

_STEPS = 30
# Of the scaled gradients of the arguments: below this one depends on the others.
_DEPENDENT = 1e-9
# An argument is zero if it is within so much of the rounding of its terms.
_ZERO = 1e3 * EPS
# An argument that changes by less than this over the size of the parameters stays.
_MOVES = 1e-10
# How far to the side the slopes are looked at, relative to the parameters.
_ASIDE = 10.0 ** -np.arange(7.0, 13.0)
# How far to the inside of walls, relative to that.
_INWARDS = 1e-3
# A slope of this part of those around is none.
_LEVEL = 1e-6
_FLAT = 1e-11
# A slope of this part of the gradient is rounding.
_ROUNDING = 1e-8
# Squared distance, in standard errors, to the stationary point of the surface.
_STILL = 1e-12


@dataclass(frozen=True)
class Vertex:
    """A point that is held on kinks, and the density around it.

    Attributes
    ----------
    x : ndarray, (p,)
        The point.
    which : ndarray of int, (k,)
        The kinks that it is on, of the K of the objective: all of them, dependent ones as well.
    walls : ndarray of bool, (k,)
        At which of them the density ends.
    normals : ndarray, (k, p)
        Gradients of their arguments.
    gradient : ndarray, (p,)
        A gradient of the objective: one of many.
    hessian : ndarray, (p, p)
        Of the Lagrangian.
    left, right : ndarray, (r,)
        Derivatives of the objective into, and away from, the surface, along the rows of
        `directions`; infinite where the density ends.
    directions : ndarray, (r, p)
        Along each of them one kink is left, and no other.
    is_strict : bool
        Whether the density falls on both sides of every kink.
    is_weak : bool
        Whether it falls, or has no slope, on both sides of every kink.
    level : ndarray of int
        Rows of `directions` along which, on one side, it has no slope.
    """

    x: Array
    which: Rows
    walls: NDArray[np.bool_]
    normals: Array
    gradient: Array
    hessian: Array
    left: Array
    right: Array
    directions: Array
    is_strict: bool
    is_weak: bool
    level: Rows

    @property
    def held(self) -> NDArray[np.bool_]:
        """Which coordinates move some kink's argument: (p,)."""
        return self._moving(np.ones(len(self.which), bool))

    @property
    def walled(self) -> NDArray[np.bool_]:
        """Which coordinates a wall holds: (p,)."""
        return self._moving(self.walls)

    def _moving(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        size = np.abs(self.normals)
        return np.any(
            (size > _NO_PART * size.max(axis=1, keepdims=True, initial=0.0))[rows], axis=0
        )

    @property
    def quadratic(self) -> Quadratic:
        """The objective's quadratic model along the surface.

        Its last axes lead off the surface; theirs is a curvature that no other axis can have.
        """
        p = len(self.x)
        free = np.ones((1, p), bool)
        scale = Quadratic.at(self.x[None], self.gradient[None], self.hessian[None], free).scale[0]
        across, _ = _split(self.normals * scale)
        project = np.eye(p) - across @ across.T
        scaled = np.nan_to_num(-self.hessian * scale[:, None] * scale)
        bound = 10.0 + 2 * p
        curvature, axes = np.linalg.eigh(project @ scaled @ project + bound * across @ across.T)
        slope = axes.T @ (project @ (np.nan_to_num(self.gradient) * scale))
        return Quadratic(scale[None], curvature[None], axes[None], slope[None])

    @property
    def n_across(self) -> int:
        """How many axes of `quadratic`, the last ones, lead off the surface."""
        return len(self.directions)


def near_kinks(kinks: Kinks, x: Array) -> Rows:
    """Return the kinks that a point is on, to the last digits."""
    u = np.abs(kinks.values(x[None])[0])
    close = np.flatnonzero(u <= NOTHING * (1 + np.median(u)) + _CLOSE)
    if not close.size:
        return close
    normals = kinks.jacobian(x, close)
    # What a probability of zero has come to, by rounding, is no wall: nothing moves it any more.
    moves = np.abs(normals) @ (1 + np.abs(x)) > _MOVES
    return close[(u[close] <= _rounding(normals, x)) & (moves | ~kinks.is_wall[close])]


def _rounding(normals: Array, x: Array) -> Array:
    """Return what rounding may make of arguments that are zero."""
    return _ZERO * (np.abs(normals) @ np.abs(x) + EPS)


def hold(objective: Objective, kinks: Kinks, x: Array, which: Rows) -> Vertex | None:
    """Maximise from near a maximum with the kinks `which` held; None if that leads nowhere."""
    found = _newton(objective, kinks, x, which)
    if found is None:
        return None
    # A point can lie on more kinks than were held.
    there = np.union1d(near_kinks(kinks, found), which)
    if len(there) > len(which):
        found = _newton(objective, kinks, found, there)
        if found is None:
            return None
    if not np.all(np.isfinite(objective.evaluate(found[None])[0])):
        return None
    return _looked_at(objective, kinks, found, there)


@dataclass(frozen=True)
class Step:
    """A Newton step with kinks held: back to their surface, and along it."""

    scale: Array
    normals: Array
    back: Array
    along: Array
    decrement: float
    is_concave: bool

    @property
    def whole(self) -> Array:
        """Both parts together, in the coordinates' own units."""
        return self.scale * (self.back + self.along)


def newton_step(
    objective: Objective, kinks: Kinks, x: Array, which: Rows, free: NDArray[np.bool_]
) -> Step | None:
    """Return a step on the stationarity equations of the Lagrangian; None without derivatives."""
    _, gradient = objective.evaluate(x[None])
    u, normals = kinks.values(x[None])[0, which], kinks.jacobian(x, which)
    # A hair's breadth inside of a wall is on it.
    on = kinks.is_wall[which] & (u > 0) & (u <= _rounding(normals, x))
    u = np.where(on, 0.0, u)
    if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(normals))):
        return None
    hessian = finite_hessian(objective, x[None])[0]
    scale = np.where(free, _scale(hessian, x), 0.0)
    across, along = _split(normals * scale)
    weights = _multipliers(kinks, normals * (scale > 0), gradient[0] * (scale > 0), which)
    hessian = hessian + kinks.hessian(x, weights)
    back = _onto(normals * scale, across, -u)
    scaled = -hessian * scale[:, None] * scale
    pull = along.T @ (gradient[0] * scale - scaled @ back)
    curvature, axes = np.linalg.eigh(along.T @ scaled @ along)
    pull = axes.T @ pull
    # Without a curvature the way is as long as it takes to come to another kink.
    bend = np.maximum(np.abs(curvature), _FLAT)
    small = _ROUNDING * np.linalg.norm(gradient[0] * scale)
    level = (np.abs(curvature) <= _FLAT) & (np.abs(pull) <= small)
    step = np.where(level, 0.0, pull / bend)
    concave = bool(np.all(curvature > -_FLAT))
    return Step(scale, normals, back, along @ (axes @ step), float(pull @ step), concave)


def _newton(objective: Objective, kinks: Kinks, x: Array, which: Rows) -> Array | None:
    """Newton steps with kinks held, to the last digit; None where they go astray."""
    free = np.ones(len(x), bool)
    last, step = np.inf, None
    for _ in range(_STEPS):
        step = newton_step(objective, kinks, x, which, free)
        if step is None:
            return None
        x = inside(objective, kinks, x + step.whole)
        size = float(np.max(np.abs(step.whole) / (1e-3 * step.scale + np.abs(x) + 1e-300)))
        if not np.isfinite(size) or size > _ASTRAY:
            return None
        if size <= FEW_ULPS * EPS or (size < _CLOSE and size >= 0.5 * last):
            break
        last = size
    arrived = step is not None and step.decrement <= _STILL
    return onto_kinks(objective, kinks, x, which, step) if step is not None and arrived else None


def onto_kinks(
    objective: Objective, kinks: Kinks, x: Array, which: Rows, step: Step
) -> Array | None:
    """Put a point that is near some kinks on them, to the last digit; None if that fails."""
    u, normals = kinks.values(x[None])[0, which], kinks.jacobian(x, which)
    across, _ = _split(normals * step.scale)
    x = x + step.scale * _onto(normals * step.scale, across, -u)
    x = _exactly(kinks, x, which, normals * (step.scale > 0))
    left = np.abs(kinks.values(x[None])[0, which])
    on = bool(np.all(left <= CLEAR * _rounding(normals, x)))
    return inside(objective, kinks, x) if on else None


def _scale(hessian: Array, x: Array) -> Array:
    """Return a unit for each coordinate: a standard error, or its size."""
    diagonal = np.abs(np.nan_to_num(np.diagonal(hessian)))
    size = 1 + np.abs(x)
    with np.errstate(divide="ignore"):
        return np.where(diagonal > 0, np.minimum(1 / np.sqrt(diagonal), 1e3 * size), size)


def independent(rows: Array) -> Rows:
    """Return rows that span the same space, no more of them than it takes."""
    length = np.linalg.norm(rows, axis=1)
    some = np.flatnonzero(length > 0)
    if not some.size:
        return some
    _, r, order = qr((rows[some] / length[some, None]).T, mode="economic", pivoting=True)
    return some[np.sort(order[: int(np.sum(np.abs(np.diagonal(r)) > _DEPENDENT))])]


def _split(rows: Array) -> tuple[Array, Array]:
    """Return orthonormal bases of the space that rows span and of the rest: (p, r), (p, p - r)."""
    k, p = rows.shape
    if k == 0:
        return np.zeros((p, 0)), np.eye(p)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    q, r, _ = qr((rows / np.where(length > 0, length, 1.0)).T, pivoting=True)
    rank = int(np.sum(np.abs(np.diagonal(r)) > _DEPENDENT))
    return q[:, :rank], q[:, rank:]


def _onto(rows: Array, across: Array, target: Array) -> Array:
    """Return the shortest step whose products with the rows are `target`."""
    if across.shape[1] == 0:
        return np.zeros(rows.shape[1])
    length = np.linalg.norm(rows, axis=1)
    weight = 1 / np.where(length > 0, length, 1.0)
    inner = (rows * weight[:, None]) @ across
    return across @ np.linalg.lstsq(inner, target * weight)[0]


def _exactly(kinks: Kinks, x: Array, which: Rows, normals: Array) -> Array:
    """Put a coordinate that alone moves an argument where it is zero to the last digit."""
    alone = np.flatnonzero(np.sum(normals != 0, axis=1) == 1)
    columns = np.argmax(normals[alone] != 0, axis=1)
    x = x.copy()
    u = kinks.values(x[None])[0, which[alone]]
    x[columns] -= u / normals[alone, columns]
    return x


def _multipliers(kinks: Kinks, normals: Array, gradient: Array, which: Rows) -> Array:
    """Return weights of the K arguments that balance the gradient, zero where none is held."""
    out = np.zeros(kinks.size)
    if len(which):
        out[which] = -np.linalg.lstsq(normals.T, gradient)[0]
    return out


def _looked_at(objective: Objective, kinks: Kinks, x: Array, which: Rows) -> Vertex:
    """Look at the density on all sides of a point that is on kinks."""
    normals = kinks.jacobian(x, which)
    _, gradient = objective.evaluate(x[None])
    plain = finite_hessian(objective, x[None])[0]
    gradient = np.nan_to_num(gradient[0])
    hessian = plain + kinks.hessian(x, _multipliers(kinks, normals, gradient, which))
    scale = _scale(plain, x)
    walls = kinks.is_wall[which]
    own = _grouped(normals * scale)
    rows = (normals * scale)[own]
    across, _ = _split(rows)
    if across.shape[1] < len(own):
        strict = _balances(objective, x, scale, rows, across, walls[own])
        empty = np.empty(0)
        around = (empty, empty, across.T * scale)
        level = np.empty(0, int)
        return Vertex(x, which, walls, normals, gradient, hessian, *around, strict, strict, level)
    directions = np.linalg.pinv(rows).T * scale if len(own) else rows
    left, right = slopes(objective, kinks, x, directions, which, walls[own])
    size = np.where(np.isfinite(left), np.abs(left), 0) + np.where(
        np.isfinite(right), np.abs(right), 0
    )
    around = np.maximum(size, _LEVEL * (np.abs(directions) @ np.abs(gradient)))
    falls = (left > _LEVEL * around) & (right < -_LEVEL * around)
    level = ((np.abs(left) <= _LEVEL * around) & ~(right > _LEVEL * around)) | (
        (np.abs(right) <= _LEVEL * around) & ~(left < -_LEVEL * around)
    )
    return Vertex(
        x,
        which,
        walls,
        normals,
        gradient,
        hessian,
        left,
        right,
        directions,
        bool(np.all(falls)),
        bool(np.all(falls | level)),
        np.flatnonzero(level),
    )


def _grouped(rows: Array) -> Rows:
    """Return one row of each group that are multiples of one another: one kink, not several."""
    kept: list[int] = []
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for i in range(len(rows)):
        if not kept or np.all(np.abs(unit[kept] @ unit[i]) < 1 - _NO_PART):
            kept.append(i)
    return np.array(kept, int)


def slopes(
    objective: Objective,
    kinks: Kinks,
    x: Array,
    directions: Array,
    which: Rows,
    walls: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Return the derivatives along each direction a little before x and a little after it.

    Along a direction one of the kinks `which` is left and no other; `walls` says which of them,
    (r,), lead off a wall.
    """
    r = len(directions)
    left, right = np.full(r, np.nan), np.full(r, np.nan)
    others = np.setdiff1d(np.arange(kinks.size), which)
    sides = np.sign(kinks.values(x[None])[0, others])
    longest = np.max(np.abs(directions) / (1 + np.abs(x)), axis=1, keepdims=True, initial=1e-300)
    todo = np.arange(r)
    for aside in _ASIDE:
        if not todo.size:
            break
        step = directions * (aside / longest)
        # Along a wall, or by rounding, the density could end: a little to the inside of the others.
        inner = _INWARDS * (np.sum(step[walls], axis=0) - np.where(walls[:, None], step, 0.0))
        points = np.concatenate([x + (inner - step)[todo], x + (inner + step)[todo]])
        value, gradient = objective.evaluate(points)
        slope = np.einsum("bp,bp->b", gradient, np.concatenate([directions[todo]] * 2))
        outside = ~np.isfinite(value) | ~np.isfinite(slope)
        slope = np.where(outside, np.repeat([np.inf, -np.inf], len(todo)), slope)
        left[todo], right[todo] = np.split(slope, 2)
        # Not beyond another kink that happens to be near.
        crossed = np.any(np.sign(kinks.values(points)[:, others]) != sides, axis=1)
        todo = todo[crossed.reshape(2, -1).any(axis=0)]
    return left, right


def _balances(
    objective: Objective,
    x: Array,
    scale: Array,
    rows: Array,
    across: Array,
    walls: NDArray[np.bool_],
) -> bool:
    """Whether zero is inside the set of subgradients, where more kinks meet than dimensions.

    That set is spanned by the gradient at a point nearby, and by what every kink that lies between
    it and the other side adds: as a linear program, the largest share that every kink can keep.
    A wall adds whatever it takes, to its inner side.
    """
    rng = np.random.default_rng(3)
    away = across @ rng.standard_normal(across.shape[1])
    length = np.linalg.norm(rows, axis=1)
    if np.any(walls):
        inner = inwards(rows[walls], length[walls], np.ones(len(x)))
        if inner is None:
            return False
        away = away / np.linalg.norm(away) * np.min(rows[walls] @ inner / length[walls]) / 2 + inner
    unit = 1e-5 / np.max(np.abs(away * scale) / (1 + np.abs(x)))
    bent = rows[~walls]
    k, m = len(bent), int(walls.sum())
    points = [x + unit * scale * away]
    for row in bent:
        # On this kink alone, a little to both of its sides.
        on = away - row * (row @ away) / (row @ row)
        aside = 1e-3 * row / np.linalg.norm(row)
        points += [x + unit * scale * (on + aside), x + unit * scale * (on - aside)]
    value, gradient = objective.evaluate(np.array(points))
    if not (np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))):
        return False
    inner_gradient = (gradient * scale) @ across
    jumps = inner_gradient[1::2] - inner_gradient[2::2]
    concave = np.einsum("kr,kr->k", jumps, bent @ across) < 0
    if not np.all(concave):
        return False
    side = np.sign(bent @ away)
    size = max(float(np.linalg.norm(inner_gradient[0])), 1e-300)
    push = size * (rows[walls] @ across) / length[walls, None]
    # gradient - sum of side * share * jump + sum of weight * wall = 0, share from t to 1 - t and
    # weight from t; the largest t.
    equal = np.column_stack([-(side[:, None] * jumps).T, push.T, np.zeros(across.shape[1])])
    least = np.column_stack([-np.eye(k + m), np.ones(k + m)])
    most = np.column_stack([np.eye(k, k + m), np.ones(k)])
    program = linprog(
        np.append(np.zeros(k + m), -1.0),
        A_eq=equal,
        b_eq=-inner_gradient[0],
        A_ub=np.vstack([least, most]),
        b_ub=np.concatenate([np.zeros(k + m), np.ones(k)]),
        bounds=[(None, None)] * (k + m) + [(None, 1.0)],
    )
    return bool(program.status == 0 and -program.fun > _LEVEL)
