"""The predictive distribution observation by observation, at given values of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.censored import CensoredRV
from pymc.distributions.distribution import PartialObservedRV
from pymc.model.transform.optimization import freeze_dims_and_data
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import graph_replace
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.type import XTensorType

from bayes_point.errors import ModelError
from bayes_point.model.interpreter.compiling import (
    NOT_VECTORISED,
    compiled,
    zero_density_for_checks,
)
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.rows import row_function
from bayes_point.model.variables.bounds import value_of
from bayes_point.model.variables.initial_values import without_half_named

__all__ = ["Pointwise"]

Array = NDArray[np.float64]

# Rows are evaluated together as long as the arrays stay near this many numbers (32 MB).
_AT_ONCE = 4_000_000


class Pointwise:
    """Log density and distribution function of each observation, given the free variables.

    Parameters
    ----------
    model : pymc.Model
        The model; its dims and data are frozen as they stand now.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        For each observed variable the shape of its terms: its own, without the dims of an event.
    without_cdf : tuple of str
        The observed variables whose distribution function PyMC does not know.
    size : int
        Number of observations, those of all variables together.
    """

    def __init__(self, model: pm.Model) -> None:
        with without_half_named(model):
            frozen = freeze_dims_and_data(model)
        self._free = [rv.name for rv in model.free_RVs]
        self._inputs, given = [], {}
        for name in self._free:
            x, put = _input(frozen[name])
            self._inputs.append(x)
            given[frozen[name]] = put
        terms: list[list[Any]] = []
        missing: list[str] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name in (rv.name for rv in model.observed_RVs):
            if isinstance(frozen[name].owner.op, PartialObservedRV):
                raise ModelError(
                    f"Observations cannot be predicted one by one: some values of {name!r} are "
                    "missing, and the others have one density with them. Observe the rows without "
                    "missing values by themselves."
                )
            value = frozen.rvs_to_values[frozen[name]]
            # Put in before the density is derived: of a censored variable or a mixture it would
            # otherwise hold copies of the free variables.
            (rv,) = graph_replace([frozen[name]], given, strict=False)
            log_density = _as_tensor(pm.logp(rv, value), value)
            upper, lower = _cdf(rv, value, log_density)
            if upper is None:
                missing.append(name)
                upper = lower = pt.full_like(log_density, np.nan)
            terms.append([log_density, lower, upper])
            # Without the dims of an event, whose elements have one density together.
            self.shapes[name] = np.shape(value_of(value))[: log_density.type.ndim]
        self.without_cdf = tuple(missing)
        self._graphs = [
            pt.concatenate([part.ravel() for part in parts]) for parts in zip(*terms, strict=True)
        ]
        self.size = sum(int(np.prod(shape)) for shape in self.shapes.values())
        self._function: Callable | None = None

    def __call__(self, values: Mapping[str, NDArray]) -> tuple[Array, Array, Array]:
        """Return log density, P(Y < y) and P(Y <= y), each (batch, observation).

        `values` holds the free variables on the natural scale, each (batch, *shape).
        """
        rows = [
            np.ascontiguousarray(values[name], dtype=x.type.dtype)
            for name, x in zip(self._free, self._inputs, strict=True)
        ]
        n = len(rows[0])
        at_once = max(1, _AT_ONCE // max(self.size, 1))
        with np.errstate(all="ignore"):
            parts = [self._call([r[i : i + at_once] for r in rows]) for i in range(0, n, at_once)]
        log_density, lower, upper = (np.concatenate(part) for part in zip(*parts, strict=True))
        return log_density, np.clip(lower, 0, 1), np.clip(upper, 0, 1)

    def _call(self, rows: list[NDArray]) -> list[Array]:
        if self._function is None:
            self._function = self._compiled()
        return [np.asarray(out, float) for out in self._function(*rows)]

    def _compiled(self) -> Callable:
        inputs, graphs = _unchecked(self._inputs, self._graphs)
        build = partial(row_function, partial(compiled, mode=INTERPRETED), inputs, graphs)
        two = [np.ones((2, *(n or 1 for n in x.type.shape)), x.type.dtype) for x in inputs]
        try:
            function = build()
            # Only running it tells whether a graph runs on a batch.
            function(*two)
        except NOT_VECTORISED:
            return build(vectorised=False)
        return function


def _input(rv: Any) -> tuple[Any, Any]:
    """Return a tensor to be given the values of a variable, and what stands for the variable."""
    if not isinstance(rv.type, XTensorType):
        x = rv.type(name=rv.name)
        return x, x
    x = pt.tensor(rv.name, dtype=rv.type.dtype, shape=rv.type.shape)
    return x, as_xtensor(x, dims=rv.type.dims)


def _as_tensor(term: Any, value: Any) -> Any:
    """Return a term without the names of its dims, which are put in the order of the data."""
    if isinstance(term.type, XTensorType):
        term = term.transpose(*(dim for dim in value.type.dims if dim in term.type.dims))
    return pt.as_tensor(term, allow_xtensor_conversion=True)


def _cdf(rv: Any, value: Any, log_density: Any) -> tuple[Any, Any]:
    """Return P(Y <= y) and P(Y < y) as graphs, or None twice where PyMC does not know them."""
    # A censored variable is continuous with atoms: P(Y < y) cannot be told from P(Y <= y).
    if isinstance(rv.owner.op, CensoredRV):
        return None, None
    try:
        upper = pt.exp(_as_tensor(pm.logcdf(rv, value), value))
        discrete = not rv.type.dtype.startswith("float")
        lower = pt.exp(_as_tensor(pm.logcdf(rv, value - 1), value)) if discrete else upper
    except NotImplementedError:
        return None, None
    if upper.type.ndim != log_density.type.ndim:
        return None, None  # of a whole event: not one number an observation
    return upper, lower


def _unchecked(inputs: list[Any], graphs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the graphs with checks of parameters turned into a density of zero."""
    fgraph = FunctionGraph(inputs, graphs, clone=True)
    with interpreting():
        zero_density_for_checks.rewrite(fgraph)
    return list(fgraph.inputs), list(fgraph.outputs)
