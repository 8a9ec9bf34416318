"""Natural-scale values where coordinates of the unconstrained vector have gone to infinity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.model.density import LogDensity

__all__ = ["FAR", "natural_limit"]

Array = NDArray[np.float64]

# Distances along the ray: exp(-600) is still a number, and far below anything else.
FAR = np.array([150.0, 300.0, 600.0])


def natural_limit(density: LogDensity, x: Array, direction: Array) -> dict[str, NDArray]:
    """Return every variable on the natural scale, in the limit x + t * direction, t to infinity.

    With a zero direction this is the value at x.  A value that grows without limit is infinite, one
    that vanishes is exactly zero, so that the edge of a support is that edge and not a number near
    it.
    """
    if not np.any(direction):
        return {name: value[0] for name, value in density.natural(x[None, :]).items()}
    with np.errstate(invalid="ignore"):
        end = np.where(direction != 0, np.copysign(np.inf, direction), x)
    at_end = density.natural(end[None, :])
    unit = direction / np.max(np.abs(direction))
    ray = density.natural(x + FAR[:, None] * unit)
    return {
        name: np.where(np.isnan(at_end[name][0]), _extrapolate(ray[name]), at_end[name][0])
        for name in at_end
    }


def _extrapolate(values: NDArray) -> NDArray:
    """Return the limit of values at distances that double."""
    values = np.asarray(values, dtype=float)
    first, middle, last = values
    with np.errstate(all="ignore"):
        vanishes = np.abs(last) <= 1e-6 * np.abs(middle)
        grows = np.abs(last - middle) > 0.5 * np.abs(middle - first)
        grows &= np.abs(last - middle) > 1e-6 * (1 + np.abs(middle))
        limit = np.where(np.isfinite(last), last, np.where(np.isfinite(middle), middle, first))
        limit = np.where(grows & ~vanishes, np.copysign(np.inf, last - middle), limit)
    return np.where(vanishes, 0.0, limit)
