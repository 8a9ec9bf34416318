"""Angles: what lies on a circle, which is cut open at plus and minus pi."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.model.variables.kinds import kind_of

__all__ = ["arc", "circular_names", "wrapped"]

Array = NDArray[np.float64]


def wrapped(angle: Array) -> Array:
    """Return the same angles between -pi and pi; those that are there already, to the last digit.

    What is infinite is no angle: NaN.

    Examples
    --------
    >>> wrapped(np.array([1.0, 4.0])).round(4).tolist()
    [1.0, -2.2832]
    """
    outside = np.abs(angle) > np.pi
    with np.errstate(invalid="ignore"):
        return np.where(outside, (angle + np.pi) % (2 * np.pi) - np.pi, angle)


def arc(ends: Array) -> Array:
    """Return intervals of angles, (..., 2), with their ends between -pi and pi.

    The lower end is above the upper one where the arc crosses the cut.  What is as wide as the
    circle is the whole of it, from -pi to pi.
    """
    with np.errstate(invalid="ignore"):  # an end at infinity, of what is no angle
        width = ends[..., 1] - ends[..., 0]
    whole = (width >= 2 * np.pi)[..., None]
    return np.where(whole, np.pi * np.array([-1.0, 1.0]), wrapped(ends))


def circular_names(model: pm.Model) -> list[str]:
    """Return the names of the free variables that are angles on the whole circle."""
    return [
        str(rv.name)
        for rv in model.free_RVs
        if kind_of(model.rvs_to_transforms[rv], rv.owner.inputs) == "circular"
    ]
