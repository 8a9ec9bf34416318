"""The observed numbers of a model."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray

__all__ = ["some_observations"]


def some_observations(model: pm.Model, most: int) -> NDArray[np.float64]:
    """Return up to `most` of the values observed of continuous variables, spread over them all."""
    arrays = [
        np.ravel(model.rvs_to_values[rv].eval()).astype(float)
        for rv in model.observed_RVs
        if rv.type.dtype.startswith("float")
    ]
    values = np.unique(np.concatenate([np.empty(0), *arrays]))
    values = values[np.isfinite(values)]
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(int)]
