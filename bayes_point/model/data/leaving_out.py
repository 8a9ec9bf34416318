"""A model without one of its observations."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.model.density.pointwise import Pointwise
from bayes_point.model.variables.initial_values import cloned

__all__ = ["all_but_one", "without"]

Array = NDArray[np.float64]


def all_but_one(pointwise: Pointwise) -> dict[str, Array]:
    """Return weights of the observed variables, one row an observation that is left out."""
    n, out, start = pointwise.size, {}, 0
    for name, shape in pointwise.shapes.items():
        size = int(np.prod(shape))
        weights = np.ones((n, size))
        weights[start + np.arange(size), np.arange(size)] = 0
        out[name] = weights.reshape(n, *shape)
        start += size
    return out


def without(model: pm.Model, pointwise: Pointwise, i: int) -> pm.Model:
    """Return a model whose density is that of all observations but number i, by a potential."""
    sizes = {name: int(np.prod(shape)) for name, shape in pointwise.shapes.items()}
    for name in sizes:
        if i < sizes[name]:
            break
        i -= sizes[name]
    other = cloned(model)
    term = pm.logp(other[name], other.rvs_to_values[other[name]])
    with other:
        pm.Potential("_left_out", -term.ravel()[i])
    return other
