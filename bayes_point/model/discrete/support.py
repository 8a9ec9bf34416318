"""The values that each element of a discrete variable can take."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.model.variables.bounds import bounds_of

__all__ = ["finite_values", "is_finite", "some_values"]


def finite_values(model: pm.Model, rv: pm.Distribution) -> list[NDArray[np.int_]]:
    """Return the values of each element, flat; raise where they are no finite range."""
    if not is_finite(model, rv):
        words = bounds_of(model, rv).words
        raise ModelError(
            f"{rv.name!r} is discrete, and its support, {words}, is not a finite range of "
            "whole numbers for each of its elements: its values cannot be tried or summed one by "
            "one. Give it a finite support, as by pm.Truncated(name, pm.Poisson.dist(rate), "
            "lower=0, upper=200) with an upper bound that it will not reach, write the model with "
            "it summed out (pm.CustomDist or a Potential), or hold it fixed with pm.do."
        )
    lower, upper = _ends(model, rv)
    return [np.arange(int(a), int(b) + 1) for a, b in zip(lower, upper, strict=True)]


def is_finite(model: pm.Model, rv: pm.Distribution) -> bool:
    """Whether each element has a finite range of whole numbers of its own."""
    is_elementwise = bounds_of(model, rv).structure == "elementwise"
    return is_elementwise and bool(np.all(np.isfinite(_ends(model, rv))))


def some_values(model: pm.Model, rv: pm.Distribution, n: int) -> list[NDArray[np.int_]]:
    """Return up to `n` values of each element, from the finite end of its range on."""
    lower, upper = _ends(model, rv)
    out = []
    for a, b in zip(lower, upper, strict=True):
        if not np.isfinite(a):
            a = max(b - n + 1, -(n // 2)) if np.isfinite(b) else -(n // 2)
        out.append(np.arange(int(a), int(min(b, a + n - 1)) + 1))
    return out


def _ends(model: pm.Model, rv: pm.Distribution) -> NDArray[np.float64]:
    """Return the least and the largest value of each element, flat: (2, d)."""
    bounds = bounds_of(model, rv)
    shape = tuple(int(n) for n in model.eval_rv_shapes()[rv.name])
    lower = -np.inf if bounds.lower is None else np.ceil(np.asarray(bounds.lower, float))
    upper = np.inf if bounds.upper is None else np.floor(np.asarray(bounds.upper, float))
    return np.stack([np.broadcast_to(end, shape).ravel() for end in (lower, upper)])
