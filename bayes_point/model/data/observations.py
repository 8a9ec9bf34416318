"""The observed numbers of a model."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.model.variables.bounds import value_of

__all__ = ["some_observations"]

# On each of them the collapse of a mixture's component is tried.
_MOST = 24


def some_observations(model: pm.Model) -> NDArray[np.float64]:
    """Return values observed of continuous variables: all, or some that spread over them all."""
    arrays = [
        np.ravel(value_of(model.rvs_to_values[rv])).astype(float)
        for rv in model.observed_RVs
        if rv.type.dtype.startswith("float")
    ]
    values = np.unique(np.concatenate([np.empty(0), *arrays]))
    values = values[np.isfinite(values)]
    if len(values) <= _MOST:
        return values
    return values[np.linspace(0, len(values) - 1, _MOST).round().astype(int)]
