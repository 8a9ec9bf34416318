"""A maximum at kinks in many dimensions: rounded off at first, then less and less.

The zeros of a lasso are found by climbing with products alone; only at the end, where it is known
which they are, are matrices made to hold the kinks and prove the maximum.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.nonsmooth.vertices import Vertex, hold
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.truncated import climb

__all__ = ["vertex_from"]

Array = NDArray[np.float64]

# Widths of the rounding, relative to the size of the arguments.
_WIDTHS = 10.0 ** -np.arange(1.0, 7.0)
# An argument that is at its kink shrinks in proportion to the width, and is near it.
_SHRINKS = 0.4
_NEAR = 1e3
# Coordinates up to which there is time for matrices.
_MOST = 3000


def vertex_from(objective: Objective, start: Array) -> Vertex | None:
    """Return the maximum at kinks that a climb from `start` leads to; None if it is at none."""
    kinks = kinks_in(objective)
    if kinks.is_empty or len(start) > _MOST:
        return None
    x = start
    size = np.ones(kinks.size)
    before = after = np.full(kinks.size, np.inf)
    for width in _WIDTHS:
        smooth = replace(objective, density=kinks.rounded(objective.density, width * size))
        x = climb(smooth, x).x
        before, after = after, np.abs(kinks.values(x[None])[0])
        size = np.maximum(size, after) if width == _WIDTHS[0] else size
    which = np.flatnonzero((after <= _NEAR * _WIDTHS[-1] * size) & ~(after > _SHRINKS * before))
    if not len(which):
        return None
    vertex = hold(objective, kinks, x, which)
    return vertex if vertex is not None and (vertex.is_strict or len(vertex.level)) else None
