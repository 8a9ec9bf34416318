"""Natural-scale values where coordinates of the unconstrained vector go to infinity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.optimise.path_limits import TAIL, extrapolated
from bayes_point.estimation.tolerances import NOTHING
from bayes_point.model.density.density import LogDensity

__all__ = ["at_infinity", "natural_limit"]

Array = NDArray[np.float64]

# Part of the last step that the next one keeps where a value goes on for ever, or to zero; of what
# it was at first, where it has vanished; relative distance to a limit, and the part of it that is
# left one point on, where it is come nearer to.
_GOES_ON, _VANISHED, _NEAR, _NEARER = 0.6, 1e-4, 1e-3, 0.95


def natural_limit(density: LogDensity, path: Array, direction: Array) -> dict[str, NDArray]:
    """Return every variable on the natural scale, in the limit of a path that goes to infinity.

    Parameters
    ----------
    density : LogDensity
        The model.
    path : ndarray, (steps, p)
        Points on the unconstrained scale, the last five equally far apart.
    direction : ndarray, (p,)
        Signs of the coordinates that go to infinity; zero for the others.

    Notes
    -----
    A value that grows without limit is infinite, one that vanishes is exactly zero: the edge of a
    support is that edge and not a number near it.
    """
    along = density.natural(path)
    if not np.any(direction):
        return {name: value[-1] for name, value in along.items()}
    at_end = at_infinity(density, path, direction)
    limits = {name: _limit(np.asarray(along[name], float), at_end[name]) for name in along}
    # The transform of a parameter itself has a limit, and it is that.
    for name in set(density.variables):
        limits[name] = np.where(np.isnan(at_end[name]), limits[name], at_end[name])
    return limits


def at_infinity(density: LogDensity, path: Array, direction: Array) -> dict[str, NDArray]:
    """Return what the transforms themselves say at infinity; NaN where that is nothing."""
    with np.errstate(invalid="ignore"):
        settled = extrapolated(path[-TAIL:])
        end = np.where(direction != 0, np.copysign(np.inf, direction), settled)
        return {name: value[0] for name, value in density.natural(end[None, :]).items()}


def _limit(values: NDArray, at_end: NDArray) -> NDArray:
    """Combine the values along the path with the one at infinite coordinates, if it has any."""
    before, middle, last = values[-3], values[-2], values[-1]
    with np.errstate(all="ignore"):
        moves = np.abs(last - middle)
        grows = (moves > _GOES_ON * np.abs(middle - before)) & (
            moves > NOTHING * (1 + np.abs(middle))
        )
        vanishes = np.abs(last) < _VANISHED * np.abs(values[0])
        vanishes &= (np.abs(last) < _GOES_ON * np.abs(middle)) & (
            np.abs(middle) < _GOES_ON * np.abs(before)
        )
        limit = np.where(grows, np.copysign(np.inf, last - middle), extrapolated(values[-TAIL:]))
        limit = np.where(vanishes, 0.0, limit)
        # Where the transform has a value at infinity, and the path agrees, it is the exact one:
        # it is there already, or nears it, however slowly.
        near = np.abs(at_end - last) < _NEAR * (1 + np.abs(last))
        nears = np.abs(at_end - last) < _NEARER * np.abs(at_end - middle)
        nears &= np.abs(at_end - middle) < _NEARER * np.abs(at_end - before)
        # What is the same at infinity as before it has no part in this.
        exact = np.isfinite(at_end) & (near & ~grows | nears | (at_end == last))
        exact |= np.isinf(at_end) & grows
    return np.where(exact, at_end, limit)
