"""Contours of the profile of two scalars: where their joint deviance passes a cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.profile.branch import walk
from bayes_point.estimation.profile.crossing import cross
from bayes_point.estimation.profile.curve import Curves
from bayes_point.estimation.profile.lagrangian import Problem, saddle_at
from bayes_point.estimation.profile.trace import BLOCKED, FLAT, OPEN, STOPPED, Rays

__all__ = ["Contour", "trace_contours"]

Array = NDArray[np.float64]

_WORDS = {BLOCKED: "edge", OPEN: "open", FLAT: "open", STOPPED: "stopped"}
_NOTHING = ("not converged", "stopped")


@dataclass(frozen=True)
class Contour:
    """A closed line around an estimate.

    Attributes
    ----------
    pair : tuple of int
        The two scalars.
    values : ndarray, (n, 2)
        Their values, in the order of the angle; NaN where nothing was found.
    kind : list of str
        For each point ``"crossing"``, ``"edge"`` (the density ends before the deviance has reached
        the cut-off), ``"open"`` (it never reaches it in this direction), ``"not converged"``, or
        ``"stopped"`` where the time was up.
    """

    pair: tuple[int, int]
    values: Array
    kind: list[str]


def trace_contours(
    problem: Problem,
    pairs: Sequence[tuple[int, int]],
    curves: Curves,
    start: Array,
    n: int,
    height: float,
) -> list[Contour]:
    """Find, for each pair of scalars and each of n directions, where the root is `height`.

    The directions are evenly spread around the ellipse of the quadratic approximation; along each
    of them the deviance is taken to pass the cut-off once.
    """
    which = np.repeat(np.array(pairs), n, axis=0)
    x = np.tile(start, (len(which), 1))
    origin, _ = problem.levels(x, which)
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    direction = np.concatenate([circle @ _axes(problem, pair, curves, start).T for pair in pairs])
    rays = Rays(which, origin, direction, x)
    traces = walk(problem, rays, top=curves.top, reach=height, noise=curves.noise)
    crossing = cross(problem, rays, traces, top=curves.top, height=height)
    out = []
    for i, pair in enumerate(pairs):
        kinds, points = [], []
        for ray in range(i * n, (i + 1) * n):
            trace, s = traces[ray], crossing[ray]
            at = int(np.searchsorted(trace.s, s)) if np.isfinite(s) else -1
            points.append(trace.x[at])
            kinds.append("crossing" if np.isfinite(s) else _WORDS.get(trace.end, "not converged"))
        values = problem.scalars.values(np.array(points))[:, list(pair)]
        values[[kind in _NOTHING for kind in kinds]] = np.nan
        out.append(Contour(pair, values, kinds))
    return out


def _axes(problem: Problem, pair: tuple[int, int], curves: Curves, start: Array) -> Array:
    """Return a matrix that takes the circle to about the contour of the root 1."""
    which = np.array([pair])
    saddle = saddle_at(problem.unhurried, start[None, :], which, np.zeros((1, 2)))
    bend = np.array([saddle.along(np.array([row]))[1][0] for row in np.eye(2)])
    try:
        axes = np.linalg.inv(np.linalg.cholesky(-0.5 * (bend + bend.T))).T
    except np.linalg.LinAlgError:
        axes = np.full((2, 2), np.nan)
    if problem_is_regular := bool(np.all(np.isfinite(axes))):
        # At an edge or at infinity the curvature at the start says nothing of the size.
        single = np.array([_size(curves, k) for k in pair])
        spread = np.sqrt(np.sum(axes**2, axis=1))
        problem_is_regular = bool(np.all((spread < 30 * single) & (single < 30 * spread)))
    return axes if problem_is_regular else np.diag([_size(curves, k) for k in pair])


def _size(curves: Curves, k: int) -> float:
    """Return about how far the level of scalar k goes for the root 1."""
    at = int(np.flatnonzero(curves.chosen == k)[0])
    far = curves.crossing[[2 * at, 2 * at + 1]] / curves.height
    return float(np.nanmax(far)) if np.any(np.isfinite(far)) else 1.0
