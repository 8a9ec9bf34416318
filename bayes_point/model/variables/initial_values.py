"""Models that PyMC's `fgraph_from_model` cannot make graphs of, and how it can all the same.

It refuses initial values, and data some of whose axes have no name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pymc as pm
from pymc.model.core import BaseModel
from pymc.model.fgraph import clone_model
from pytensor.graph.basic import Variable
from pytensor.graph.replace import graph_replace

__all__ = [
    "carry_initial_values_over",
    "cloned",
    "put_in_order",
    "without_half_named",
    "without_initial_values",
]


@contextmanager
def without_half_named(model: BaseModel) -> Iterator[None]:
    """Take the dims of data some of whose axes have no name out of a model for a while.

    PyMC can make such data, as ``pm.Data("x", x, dims=(None, "k"))``, and cannot copy a model that
    has them, nor nutpie sample it.
    """
    dims = model.named_vars_to_dims
    taken = {name: dims.pop(name) for name, some in list(dims.items()) if None in (some or ())}
    try:
        yield
    finally:
        dims.update(taken)


@contextmanager
def without_initial_values(model: BaseModel) -> Iterator[None]:
    """Take initial values out of a model, and such dims, as long as PyMC makes a graph of it."""
    values = dict(model.rvs_to_initial_values)
    try:
        model.rvs_to_initial_values.update(dict.fromkeys(values))
        with without_half_named(model):
            yield
    finally:
        model.rvs_to_initial_values.update(values)


def carry_initial_values_over(
    old: BaseModel, new: pm.Model, *, without_prior: Iterable[str] = ()
) -> None:
    """Give a model made from another the initial values of that one.

    Variables `without_prior` do not start from a draw of it.
    """
    # An initial value may be computed from data, which must then be the new model's.
    shared = {old[var.name]: new[var.name] for var in old.data_vars if var.name in new} | {
        length: new.dim_lengths[dim]
        for dim, length in old.dim_lengths.items()
        if dim in new.dim_lengths
    }
    free = {rv.name for rv in new.free_RVs}
    for rv, value in old.rvs_to_initial_values.items():
        if rv.name not in free:
            continue
        if isinstance(value, str) and value == "prior" and rv.name in without_prior:
            value = None  # nothing can be drawn from a flat prior: start at the support point
        elif isinstance(value, Variable):
            value = graph_replace(value, shared, strict=False)
        new.set_initval(new[rv.name], value)


def cloned(model: pm.Model) -> pm.Model:
    """Return a copy of a model, with its initial values and the order of its variables."""
    with without_initial_values(model):
        other = clone_model(model)
    carry_initial_values_over(model, other)
    put_in_order(other, model)
    return other


def put_in_order(copy: pm.Model, model: pm.Model) -> None:
    """Give the variables of a copy, which PyMC puts in that of its graph, the model's order."""
    order = {name: i for i, name in enumerate(model.named_vars)}
    for variables in (copy.free_RVs, copy.deterministics):
        variables.sort(key=lambda var: order.get(str(var.name), len(order)))
