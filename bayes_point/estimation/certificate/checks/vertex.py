"""The proof of a maximum at which kinks meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.concave import only_maximum
from bayes_point.estimation.certificate.checks.pole_here import rises_to_infinity, unbounded_at
from bayes_point.estimation.certificate.checks.runaway import runaways
from bayes_point.estimation.certificate.checks.spike import spiked
from bayes_point.estimation.certificate.findings import (
    ends_along,
    null_findings,
    vertex_finding,
    wall_finding,
)
from bayes_point.estimation.certificate.point import SPIKE, Point
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.suspects import (
    WEAK_CURVATURE,
    WEAK_FALL,
    least_fall,
    rises_aslant,
)
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.nonsmooth.smoothing import corners_in
from bayes_point.estimation.nonsmooth.vertices import Vertex
from bayes_point.estimation.nonsmooth.walls import along_walls
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import NOTHING

__all__ = ["is_evident_vertex", "judge_vertex", "vertex"]

Array = NDArray[np.float64]

# Directions between sides without slope that are tried.
_BETWEEN = 200
# How far, relative to the parameters, a direction is followed to see that nothing changes.
_LEVEL_FOR = 1e-2
# A step leads along a wall if this part of it is across.
_ALONG = 1e-6
# Part of the way to the next kink that it is followed.
_SHY = 0.9


def vertex(case: Case) -> Verdict:
    """Claim a maximum at which kinks meet, or a wall, or what is flat off them.

    Asked of the point that the search led to, where the model shows kinks there.

    Evidence: zero is a subgradient across the kinks, strictly; along the surface that they leave
    the density falls over a standard error both ways, and the Lagrangian is concave.

    Blind spot: of sides without any slope, some hundred directions between them are tried, not all.

    Source: Rockafellar and Wets (1998), Variational Analysis, https://doi.org/10.1007/978-3-642-02431-3
    """
    at = case.vertex if case.is_first else None
    if at is None or not len(at.which):
        return None
    claim = judge_vertex(case.objective, at, case.start)
    return Passed({"kinks at the point": float(len(at.which))}) if claim is None else claim


def judge_vertex(objective: Objective, vertex: Vertex, start: Array) -> Claim | None:
    """Say what kind of optimum a point on kinks is; None where it takes more to tell.

    It is a maximum if zero is a subgradient across the kinks, strictly, and the Lagrangian is
    concave along the surface that they leave.
    """
    if growing := runaways(objective, vertex.x, start):
        return unbounded_along(objective, Point.on(objective, vertex), growing)
    point = Point.on(objective, vertex)
    if point.spike > SPIKE:
        return spiked(objective, point, start)
    level = _level_directions(objective, vertex, point)
    still = point.is_still
    rises = rises_aslant(objective, point)
    if len(level) and still and not rises:
        ends = [ends_along(objective, row, vertex.x) for row in level]
        findings = tuple(null_findings(objective, level, ends))
        return Claim(point, Status.NOT_IDENTIFIED, findings, is_proof=True, null_space=level)
    weakly = vertex.is_weak and len(vertex.level) and _falls_from_level(objective, vertex, point)
    if not (still and (vertex.is_strict or weakly) and len(vertex.which)) or rises:
        return None
    if np.any(poles := rises_to_infinity(objective, point, point.held)):
        return unbounded_at(objective, point, poles)
    if not _falls_off(objective, vertex, point):
        return None
    if np.any(vertex.walls):
        finding = wall_finding(objective, point, vertex.walled)
        return Claim(point, Status.ON_BOUNDARY, (finding,), is_proof=True)
    finding = vertex_finding(objective, vertex)
    proof = only_maximum(objective) if vertex.is_strict else ""
    return Claim(point, Status.CONVERGED, (finding,), is_proof=True, proof=proof)


def is_evident_vertex(objective: Objective, vertex: Vertex) -> bool:
    """Whether a point on kinks is a maximum beyond doubt, without following anything."""
    point = Point.on(objective, vertex)
    sound = (
        point.is_still and vertex.is_strict and point.spike <= SPIKE and not np.any(vertex.walls)
    )
    return sound and _falls_off(objective, vertex, point)


def _level_directions(objective: Objective, vertex: Vertex, point: Point) -> Array:
    """Return directions along which nothing changes: off a kink to one side, or along them all."""
    n = len(point.x) - point.n_across
    flat = point.quadratic.curvature[0][:n] < WEAK_CURVATURE
    along = (point.quadratic.axes[0][:, :n] * point.quadratic.scale[0][:, None])[:, flat].T
    rows = []
    off = np.array([_followed(point, vertex, vertex.directions[k]) for k in vertex.level])
    off = off.reshape(-1, len(point.x))
    for k, row in enumerate(np.concatenate([off, along])):
        back, ahead = _room(objective, vertex, row)
        lengths = np.array([-back, -0.1 * back, 0.1 * ahead, ahead])
        values = objective.evaluate(_put_back(objective, vertex, lengths[:, None] * row))[0]
        same = np.abs(values - point.value) <= point.noise
        one_sided = k < len(vertex.level)
        if np.all(same) or (one_sided and (np.all(same[:2]) or np.all(same[2:]))):
            rows.append(row / np.max(np.abs(row)))
    found = np.array(rows).reshape(len(rows), len(vertex.x))
    return np.where(np.abs(found) > NOTHING, found, 0.0)


def _falls_from_level(objective: Objective, vertex: Vertex, point: Point) -> bool:
    """Whether the density falls by its curvature wherever it is left by a side without slope.

    Zero is on the edge of the subgradients there.  With what moves along the surface at once, in
    some hundred directions between all these sides.
    """
    n = len(point.x) - point.n_across
    curvature = np.maximum(point.quadratic.curvature[0][:n], WEAK_CURVATURE)
    errors = point.quadratic.axes[0][:, :n] * point.quadratic.scale[0][:, None] / np.sqrt(curvature)
    slopes = np.abs([vertex.left, vertex.right])[:, vertex.level]
    side = np.where(slopes[1] < slopes[0], 1.0, -1.0)[:, None]
    off = np.array([_followed(point, vertex, vertex.directions[k]) for k in vertex.level]) * side
    size = np.maximum(np.max(np.abs(off) / (1 + np.abs(vertex.x)), axis=1, keepdims=True), 1e-300)
    off /= size
    rng = np.random.default_rng(4)
    shares = np.abs(rng.standard_normal((_BETWEEN, len(off))))
    # Each alone, and all together with a move along the surface.
    leave = np.concatenate([np.eye(len(off)), shares]) @ off
    leave[len(off) :] += rng.standard_normal((_BETWEEN, n)) @ errors.T / 3
    values = [
        objective.values(_put_back(objective, vertex, length * leave)) for length in (1e-2, 1e-3)
    ]
    far, near = (np.where(np.isfinite(v), v, -np.inf) - point.value for v in values)
    return bool(np.all(far < -point.noise) and np.all(near <= point.noise))


def _put_back(objective: Objective, vertex: Vertex, steps: Array) -> Array:
    """Return the points at some steps from a vertex, on the walls that the steps lead along."""
    points, away = vertex.x + steps, np.abs(steps) @ np.abs(vertex.normals).T
    along = np.all(np.abs(steps @ vertex.normals.T) <= _ALONG * away, axis=0)
    scale = 1 + np.abs(vertex.x)
    corners = corners_in(objective)
    return along_walls(corners, points, vertex.which[along], vertex.normals[along], scale)


def _room(objective: Objective, vertex: Vertex, row: Array) -> tuple[float, float]:
    """Return how far a direction goes, back and ahead, before it comes to other kinks."""
    kinks = corners_in(objective)
    far = _LEVEL_FOR / np.max(np.abs(row) / (1 + np.abs(vertex.x)))
    around = kinks.values(vertex.x + np.array([[-far], [0.0], [far]]) * row)
    out = []
    for side in (0, 2):
        with np.errstate(divide="ignore", invalid="ignore"):
            at = around[1] / (around[1] - around[side])
        at[vertex.which] = np.inf
        part = float(np.min(at, where=(at > 0) & (at < 1), initial=1.0 / _SHY))
        out.append(_SHY * part * far)
    return out[0], out[1]


def _followed(point: Point, vertex: Vertex, row: Array) -> Array:
    """Return a direction off the kinks with what moves along the surface to make up for it."""
    n = len(point.x) - point.n_across
    axes = point.quadratic.axes[0][:, :n] * point.quadratic.scale[0][:, None]
    curvature = point.quadratic.curvature[0][:n]
    curved = curvature > WEAK_CURVATURE
    pull = axes.T @ (vertex.hessian @ row)
    return row + axes @ np.where(curved, pull / np.where(curved, curvature, 1.0), 0.0)


def _falls_off(objective: Objective, vertex: Vertex, point: Point) -> bool:
    """Whether the density falls over a standard error along the kinks, both far and near."""
    n = len(point.x) - point.n_across
    if n == 0:
        return True
    if point.quadratic.curvature[0][0] < WEAK_CURVATURE:
        return False
    axes = point.quadratic.axes[0][:, :n] * point.quadratic.scale[0][:, None]
    errors = (axes / np.sqrt(point.quadratic.curvature[0][:n])).T
    limit = np.where(objective.is_transformed, 5.0, 1.0 + np.abs(point.x))
    part = 1 / np.maximum(1.0, np.max(np.abs(errors) / limit, axis=1))
    near = _least_fall(objective, vertex, point, errors * part[:, None])
    enough = np.maximum(0.05 * part**2, 10 * point.noise)
    far = _least_fall(objective, vertex, point, errors)
    return bool(np.all(far >= WEAK_FALL) and np.all(near >= enough))


def _least_fall(objective: Objective, vertex: Vertex, point: Point, steps: Array) -> Array:
    """Return how far the density falls over each step along the kinks, or over its opposite."""
    if not np.any(vertex.walls):
        return least_fall(objective, point, steps)
    points = _put_back(objective, vertex, np.concatenate([steps, -steps]))
    values = objective.values(points).reshape(2, -1)
    return point.value - np.where(np.isnan(values), np.inf, values).max(axis=0)
