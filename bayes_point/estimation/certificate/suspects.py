"""The directions in which a maximum is not evident, and the density along them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.tracks import Track, follow_each
from bayes_point.estimation.certificate.verdicts import Judged
from bayes_point.estimation.nonsmooth.kinks import is_maximum_along
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.tolerances import CLEAR, LEAST_PART, NOTHING, PLAIN

__all__ = [
    "WEAK_CURVATURE",
    "WEAK_FALL",
    "both_ways",
    "is_answer",
    "is_loose",
    "least_fall",
    "longest",
    "rises_aslant",
    "suspects",
]

Array = NDArray[np.float64]

# A fall of less than this over one standard error (a parabola falls by 1/2) is looked into.
WEAK_FALL = 0.02
# So is a curvature that is this small against the diagonal: on a ridge that bends, a straight
# step of one standard error leaves the ridge and falls.
WEAK_CURVATURE = 1e-8
# A search that has gone this far in a log or a logit is running away.
_FAR = 25.0
# So many times its own size is more than a parameter's standard error ever is.
_LOOSE = 1e4
_HALVINGS = 4
# Numbers in the points that are evaluated together (32 MB).
_AT_ONCE = 1 << 22
# Directions between the axes that are tried at a kink.
_ASLANT = 500


def suspects(objective: Objective, point: Point) -> list[int]:
    """Return coordinates that stand for the directions in which a maximum is not evident."""
    curvature, axes = point.quadratic.curvature[0], point.quadratic.axes[0]
    error = axes * point.quadratic.scale[0][:, None] / np.sqrt(np.maximum(np.abs(curvature), 1e-16))
    # Where a standard error is far longer than the parameters are large, look nearer as well: in a
    # log or a logit a step of more than five leads to where arithmetic ends.
    limit = np.where(objective.is_transformed, 5.0, 1.0 + np.abs(point.x))[:, None]
    part = 1 / np.maximum(1.0, np.max(np.abs(error) / limit, axis=0))
    falls = least_fall(objective, point, error.T), least_fall(objective, point, (error * part).T)
    weak = (falls[0] < WEAK_FALL) | (curvature < WEAK_CURVATURE)
    weak |= falls[1] < np.maximum(LEAST_PART * part**2, CLEAR * point.noise)
    # Along a coordinate that is held the curvature is nothing, and the kink is proof enough.
    kink = is_maximum_along(objective, point.x, point.held)
    weak &= np.square(axes[kink]).sum(axis=0) < 0.5
    # Where the curvature is the same in several directions the axes are any mixture of them, and a
    # coordinate that falls along them may hide one that does not.
    alone = _slack(objective, point, limit[:, 0]) & ~point.held & ~kink
    if not np.any(weak):
        return np.flatnonzero(alone)[: len(curvature)].tolist()
    # As many coordinates as there are weak directions, chosen so that they span them.
    _, _, order = qr(axes[:, weak].T, mode="economic", pivoting=True)
    chosen = [int(j) for j in order[: int(weak.sum())]]
    # No more than there are axes, of which few are known where coordinates are many.
    more = [int(j) for j in np.flatnonzero(alone) if j not in chosen]
    return (chosen + more)[: max(len(curvature), len(chosen))]


def _slack(objective: Objective, point: Point, limit: Array) -> NDArray[np.bool_]:
    """Which coordinates, each moved alone, do not fall off over what would be a standard error."""
    scale = point.quadratic.scale[0]
    part = 1 / np.maximum(1.0, scale / limit)
    far, near = (
        np.concatenate([least_fall(objective, point, rows) for rows in _diagonal(length)])
        for length in (scale, scale * part)
    )
    return (far < WEAK_FALL) | (near < np.maximum(LEAST_PART * part**2, CLEAR * point.noise))


def _diagonal(lengths: Array) -> Iterator[Array]:
    """Yield the rows of a diagonal matrix, so many at a time as can be evaluated together."""
    p = len(lengths)
    rows = max(1, _AT_ONCE // p)
    for i in range(0, p, rows):
        yield np.eye(min(rows, p - i), p, i) * lengths


def least_fall(objective: Objective, point: Judged, steps: Array) -> Array:
    """Return how far the density falls over each step, or over its opposite if that is less."""
    values = objective.values(np.concatenate([point.x + steps, point.x - steps]))
    # What is not a number is no evidence of a fall.
    return point.value - np.where(np.isnan(values), np.inf, values).reshape(2, -1).max(axis=0)


def is_loose(objective: Objective, point: Point, elsewhere: Array) -> bool:
    """Whether there is a direction in which the point is held by next to nothing, here only.

    A standard error thousands of times as long as the parameters are large: what the density does
    not depend on is such a direction, but everywhere.  If it is so only here, this may be the
    plateau at the end of a rise without end, where what is left of the slope is rounding.
    """
    curvature, axes = point.quadratic.curvature[0], point.quadratic.axes[0]
    error = axes * point.quadratic.scale[0][:, None] / np.sqrt(np.maximum(np.abs(curvature), 1e-16))
    long = np.any(np.abs(error) > longest(objective, point.x)[:, None], axis=0) | (
        curvature < WEAK_CURVATURE
    )
    _, gradient = objective.evaluate(elsewhere)
    with np.errstate(invalid="ignore"):
        slope = np.abs(gradient @ error) > NOTHING * (np.abs(gradient) @ np.abs(error))
    return bool(np.any(long & np.any(slope, axis=0)))


def longest(objective: Objective, x: Array) -> Array:
    """Return how long, (p,), a standard error can be of what is held by more than nothing."""
    return np.where(objective.is_transformed, _FAR, _LOOSE * (1.0 + np.abs(x)))


def both_ways(
    objective: Objective, point: Point, pivots: Sequence[int]
) -> list[tuple[Track, Track]]:
    """Follow the density along each of some coordinates, up and down."""
    size = 1.0 + np.abs(point.x[list(pivots)])
    steps = np.where(objective.is_transformed[list(pivots)], 0.5, 0.5 * size)
    pairs = _outwards(objective, point, pivots, steps)
    for i, (up, down) in enumerate(pairs):
        told = up.rises or down.rises or (up.is_flat and down.is_flat)
        if told or not _is_plateau(objective, point, pivots[i], 1e-4 * size[i]):
            continue
        pairs[i : i + 1] = _outwards(objective, point, pivots[i : i + 1], 1e-5 * size[i : i + 1])
    return pairs


def _outwards(
    objective: Objective, point: Point, pivots: Sequence[int], steps: Array
) -> list[tuple[Track, Track]]:
    """Follow the density along coordinates, up and down, as far as it goes or it is flat."""
    pivots = [pivot for pivot in pivots for _ in range(2)]
    moves = np.repeat(steps, 2) * np.tile([1.0, -1.0], len(steps))
    tracks = follow_each(
        objective,
        point.x,
        point.value,
        pivots=pivots,
        moves=moves.tolist(),
        noise=point.noise,
    )
    again = [
        i
        for i, track in enumerate(tracks)
        if len(track.value) >= 2
        and not track.is_flat
        and not track.value[1] < track.value[0] - point.noise
    ]
    # A null direction can be bent, and come to an end: on a circle no coordinate exceeds the
    # radius.  Where the density has not changed a step away, it may not have on the way there.
    if again:
        nearer = follow_each(
            objective,
            point.x,
            point.value,
            pivots=[pivots[i] for i in again],
            moves=[float(moves[i]) * 0.5**_HALVINGS for i in again],
            noise=point.noise,
            steps=_HALVINGS + 1,
        )
        for i, track in zip(again, nearer, strict=True):
            if track.is_flat and not _is_wide_parabola(tracks[i], track):
                tracks[i] = track
    return list(zip(tracks[::2], tracks[1::2], strict=True))


def _is_wide_parabola(far: Track, near: Track) -> bool:
    """Whether a parabola that falls as the far track does is flat where the near one is."""
    fall, distance = far.value[0] - far.value[1:], np.abs(far.distance[1:])
    seen = np.flatnonzero(fall > PLAIN * far.noise)
    if far.rises or not seen.size:
        return False
    ratio = float(np.abs(near.distance).max() / distance[seen[0]])
    return bool(fall[seen[0]] * ratio**2 < far.noise)


def is_answer(up: Track, down: Track) -> bool:
    """Whether two tracks tell: flat both ways, or falling both ways."""
    # Where a track is blocked at once, the density may end there, or only the arithmetic.
    blocked = min(len(up.value), len(down.value)) < 3
    return not blocked and ((up.is_flat and down.is_flat) or (up.falls and down.falls))


def _is_plateau(objective: Objective, point: Point, pivot: int, h: float) -> bool:
    """Whether the density is constant to the last digit on one side or both, without any slope."""
    around = np.tile(point.x, (2, 1))
    around[:, pivot] += [h, -h]
    value, gradient = objective.evaluate(around)
    return bool(np.any((value == point.value) & (gradient[:, pivot] == 0)))


def rises_aslant(objective: Objective, point: Point) -> bool:
    """Whether the density rises between the axes, away from a kink or a wall.

    Kinks of absolute deviations run along directions of their own: a point can be a maximum along
    each coordinate and not be one.
    """
    if not np.any(point.held):
        return False
    rng = np.random.default_rng(2)
    directions = rng.standard_normal((_ASLANT, len(point.x)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = 10.0 ** -np.arange(2.0, 9.0, 2.0)
    steps = (directions[:, None, :] * lengths[:, None]).reshape(-1, len(point.x))
    values, _ = objective.evaluate(point.x + steps * (1 + np.abs(point.x)))
    return bool(np.any(values > point.value + point.noise))
