"""Models of minibatches, with all of their data."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import pymc as pm
from pymc.data import MinibatchOp
from pymc.model.fgraph import fgraph_from_model, model_from_fgraph
from pytensor.graph.basic import Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import ancestors

from bayes_point.model.variables.bounds import value_of
from bayes_point.model.variables.initial_values import without_half_named

__all__ = ["drawn_from", "with_whole_data"]

# Rows of data, of models made here.
_DRAWN: WeakKeyDictionary[pm.Model, int] = WeakKeyDictionary()


def with_whole_data(model: pm.Model) -> pm.Model:
    """Return the model with the data themselves in the place of each ``pm.Minibatch`` of them.

    Their whole likelihood is what ``total_size=`` makes up for, and a maximum of a likelihood that
    is another one at every evaluation does not exist.  A model without a minibatch is returned as
    it is.
    """
    batches = _batches([*model.basic_RVs, *model.potentials, *model.rvs_to_values.values()])
    if not batches:
        return model
    whole = _without(model)
    _DRAWN[whole] = max(len(value_of(source)) for _, source in batches)
    return whole


def drawn_from(model: pm.Model) -> int | None:
    """Return the rows of data of a model that had minibatches of them, None if it had none."""
    return _DRAWN.get(model)


def _batches(graphs: list[Variable]) -> list[tuple[Variable, Variable]]:
    """Return each minibatch in graphs with the array that it is drawn from."""
    return [
        (var, var.owner.inputs[var.owner.outputs.index(var)])
        for var in ancestors(graphs)
        if var.owner is not None
        and isinstance(var.owner.op, MinibatchOp)
        and var is not var.owner.outputs[-1]  # the state of the random number generator
    ]


def _without(model: pm.Model) -> pm.Model:
    initial: dict[Any, Any] = dict(model.rvs_to_initial_values)
    try:  # PyMC refuses to copy a model that has initial values
        model.rvs_to_initial_values.update(dict.fromkeys(initial))
        with without_half_named(model):
            fgraph, _ = fgraph_from_model(model)
    finally:
        model.rvs_to_initial_values.update(initial)
    outputs = clone_replace(
        fgraph.outputs, dict(_batches(list(fgraph.outputs))), rebuild_strict=False
    )
    new = FunctionGraph(outputs=outputs, clone=False)
    new._coords, new._dim_lengths = fgraph._coords, fgraph._dim_lengths
    whole = model_from_fgraph(new, mutate_fgraph=True)
    for rv, value in initial.items():
        if value is not None:
            whole.set_initval(whole[rv.name], value)
    return whole
