"""The numbers in a density: data and covariates, which tell how large its parameters may be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import ancestors

from bayes_point.model.density.density import LogDensity

__all__ = ["numbers_in"]


def numbers_in(density: LogDensity) -> list[NDArray[np.float64]]:
    """Return the different finite numbers of each array that the density is made with."""
    graphs = density.graphs
    # Of an input, what the density was bound to, or else the model's own.
    arrays = [density.bound.get(name, one.own) for name, one in graphs.inputs.items()]
    arrays += [
        var.data
        for var in ancestors([graphs.term(term) for term in graphs.terms])
        if isinstance(var, Constant)
    ]
    out = []
    for array in arrays:
        if np.size(array) < 2 or np.asarray(array).dtype.kind not in "fiu":
            continue
        numbers = np.unique(np.asarray(array, dtype=float))
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers) > 1:
            out.append(numbers)
    return out
