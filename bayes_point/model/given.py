"""Models as they are given: those of Bambi, and those of which parameters are fixed for a call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm

from bayes_point.errors import ModelError
from bayes_point.model.variables.bounds import bounds_of
from bayes_point.model.variables.initial_values import (
    carry_initial_values_over,
    cloned,
    put_in_order,
    without_initial_values,
)

__all__ = ["behind_formula", "with_fixed"]

# The dim along which Bambi lays the rows of the data.
_ROWS = "__obs__"

# The same copy for the same model, so that what is compiled of it is found again.
_COPIES: WeakKeyDictionary[pm.Model, pm.Model] = WeakKeyDictionary()


def behind_formula(model: Any) -> Any:
    """Return the PyMC model that a model of Bambi has built, and any other as it is.

    Bambi is not imported: a model that can be built and then has a backend is taken to be one of
    its.  What it computes for each row of the data, such as the mean ``mu``, is left out, as Bambi
    leaves it out of its own results.
    """
    if not (hasattr(model, "formula") and hasattr(model, "backend") and hasattr(model, "build")):
        return model
    if not getattr(model, "built", False):
        model.build()
    built = model.backend.model
    if built not in _COPIES:
        copy = cloned(built)
        for rv in list(copy.deterministics):
            if _ROWS in (copy.named_vars_to_dims.get(rv.name) or ()):
                copy.deterministics.remove(rv)
                copy.named_vars.pop(rv.name)
                copy.named_vars_to_dims.pop(rv.name)
        _COPIES[built] = copy
    return _COPIES[built]


def with_fixed(model: pm.Model, fix: Mapping[str, Any] | None) -> pm.Model:
    """Return the model with free variables fixed at values; they are data of it then.

    Raises
    ------
    ModelError
        If `fix` names what is no free variable, gives a value that has not its shape or is not in
        its support, or leaves nothing to estimate.
    """
    if fix is None:
        return model
    free = {str(rv.name): rv for rv in model.free_RVs}
    if not isinstance(fix, Mapping) or not fix:
        raise ModelError(
            "fix must be a mapping from names of free variables to values, such as "
            f"{{{next(iter(free), 'sigma')!r}: 1.0}}; got {fix!r}."
        )
    with without_initial_values(model):
        shapes = model.eval_rv_shapes()
    values = {}
    for name, value in fix.items():
        if name not in free:
            raise ModelError(
                f"fix names {name!r}, which is not a free variable of the model. Its free "
                f"variables are {sorted(free)}; an element of one cannot be fixed by itself."
            )
        values[name] = _value(model, free[name], shapes[name], value)
    if len(values) == len(free):
        raise ModelError(
            "fix leaves nothing to estimate: it names every free variable of the model. To "
            "evaluate the density at a point, use bp.LogDensity."
        )
    with without_initial_values(model):
        fixed = pm.do(model, values)
    carry_initial_values_over(model, fixed)
    put_in_order(fixed, model)
    return fixed


def _value(model: pm.Model, rv: Any, shape: tuple[int, ...], value: Any) -> Any:
    """Return a value in the shape and type of a variable; raise where it is none of its."""
    try:
        array = np.broadcast_to(np.asarray(value, dtype=float), shape)
    except (TypeError, ValueError) as error:
        wanted = f"numbers of shape {shape}" if shape else "a number"
        raise ModelError(f"fix gives {rv.name!r} the value {value!r}: give {wanted}.") from error
    bounds = bounds_of(model, rv)
    low = -math.inf if bounds.lower is None else bounds.lower
    high = math.inf if bounds.upper is None else bounds.upper
    if not np.all(np.isfinite(array)) or np.any(array < low) or np.any(array > high):
        raise ModelError(
            f"fix gives {rv.name!r} the value {value!r}, which is outside of its support, "
            f"{bounds.words}. Give a value inside of it."
        )
    return array.astype(rv.type.dtype)
