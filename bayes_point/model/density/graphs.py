"""What a log density is made of: the terms of a model as graphs of one flat vector and of inputs.

Everything that is computed from a model is a graph of the same few variables, its `row`: the
unconstrained vector x, and the inputs.  Nothing is compiled here.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import graph_replace
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import ancestors
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.type import XTensorType

from bayes_point.model.density.inputs import Input, freeze, weights_of
from bayes_point.model.interpreter.compiling import BEFORE_DERIVATIVES, zero_density_for_checks
from bayes_point.model.interpreter.differenced import give_differences
from bayes_point.model.interpreter.double import double_of, replaced
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.simpler import data_chosen
from bayes_point.model.variables.bounds import evaluated

__all__ = ["Graphs"]


class Graphs:
    """The terms of a model's log density, and its variables on the natural scale, as graphs.

    Parameters
    ----------
    model : pymc.Model
        The model; its dims and data are frozen as they stand now.
    inputs : sequence of str
        Names of the observed variables, data containers and discrete free variables that stand for
        themselves in the graphs, instead of their values.
    weights : bool
        Whether each observation has a weight, one more input.

    Attributes
    ----------
    frozen : pymc.Model
        The model that the graphs are made from.
    free : list of TensorVariable
        Its free variables but for the inputs, in the order in which they were declared.
    value_vars : list of TensorVariable
        Their values on the unconstrained scale.
    shapes, free_shapes : list of tuple of int
        The shapes of these values, and of the variables themselves.
    p : int
        Length of the vector, which has these values one after the other.
    x : TensorVariable
        The vector, (p,).
    natural : dict of str to TensorVariable
        The free variables and the Deterministics, by name.
    natural_shapes : dict of str to tuple of int
        Their shapes.
    inputs : dict of str to Input
        What the graphs are of besides the vector.
    terms : tuple of str
        The terms of the density that the model has, without ``"jacobian"``, which all have.
    data_size : int
        Elements of the largest array of data.
    is_of_model : bool
        Whether the terms are those of the frozen model.
    """

    is_of_model = True
    # Variables whose own terms are part of the likelihood, with discrete ones summed out.
    in_likelihood: tuple[str, ...] = ()
    _likelihood_parts: list[Any] | None = None

    def __init__(self, model: pm.Model, *, inputs: Sequence[str], weights: bool) -> None:
        self.frozen, given, self._replaced = freeze(model, inputs)
        frozen = self.frozen
        # Freezing sorts the variables anew; the vector keeps the order of their declaration.
        self.free = [frozen[rv.name] for rv in model.free_RVs if rv.name not in inputs]
        self.value_vars = [frozen.rvs_to_values[rv] for rv in self.free]
        self.free_shapes, self.shapes = _shapes(model, self.free, self.value_vars)
        self.natural = {
            var.name: var
            for var in [*self.free, *(frozen[var.name] for var in model.deterministics)]
        }
        sizes = [math.prod(shape) for shape in self.shapes]
        self.p = sum(sizes)
        self.x = pt.vector("x", shape=(self.p,), dtype="float64")
        self._values = self.as_values(_split(self.x, self.shapes, sizes))
        # No Jacobian here: MLE and MAP are defined on the natural scale.
        terms = {
            "likelihood": frozen.logp(vars=frozen.observed_RVs, jacobian=False),
            "prior": frozen.logp(vars=frozen.free_RVs, jacobian=False),
        }
        if weights:
            terms["likelihood"], more = self._weighted(model)
            given += more
        if frozen.potentials:
            terms["potential"] = frozen.logp(vars=frozen.potentials, jacobian=False)
        self.terms = tuple(terms)
        self.inputs: dict[str, Input] = {one.name: one for one in given}
        data = [frozen.rvs_to_values[rv] for rv in frozen.observed_RVs]
        self.data_size = max(
            [_static_size(value) for value in data] + [one.own.size for one in given], default=1
        )
        self.natural_shapes = self._natural_shapes()
        self._of_values = terms
        self._of_x = dict(zip(terms, self.of_x(list(terms.values())), strict=True))

    def remade(self, terms: Mapping[str, Any], inputs: Mapping[str, Input]) -> Graphs:
        """Return graphs of the same vector with other terms, of x, and with other inputs."""
        other = copy.copy(self)
        other.inputs, other._of_x = dict(inputs), dict(terms)
        other.terms = tuple(name for name in terms if name != "jacobian")
        other.is_of_model = False
        return other

    def restricted(
        self, names: Collection[str], others: Mapping[str, Any], terms: Mapping[str, Any]
    ) -> Graphs:
        """Return graphs of the vector of some of the free variables alone.

        Parameters
        ----------
        names : collection of str
            These variables.
        others : mapping of str to ndarray
            What the unconstrained values of the others are held at.
        terms : mapping of str to Variable
            The terms that they have, of the value variables.

        Notes
        -----
        What is computed from the others is none of its natural-scale variables.
        """
        other = copy.copy(self)
        kept = [i for i, rv in enumerate(self.free) if rv.name in names]
        held = {
            value: pt.constant(np.asarray(others[rv.name], dtype=double_of(value.type.dtype)))
            for rv, value in zip(self.free, self.value_vars, strict=True)
            if rv.name not in names
        }
        other.free, other.value_vars, other.shapes, other.free_shapes = (
            [part[i] for i in kept]
            for part in (self.free, self.value_vars, self.shapes, self.free_shapes)
        )
        sizes = [math.prod(shape) for shape in other.shapes]
        other.p = sum(sizes)
        other.x = pt.vector("x", shape=(other.p,), dtype="float64")
        other._values = {
            **other.as_values(_split(other.x, other.shapes, sizes)),
            **{value: _as(value, constant) for value, constant in held.items()},
        }
        graphs = self.frozen.replace_rvs_by_values(list(self.natural.values()))
        other.natural = {
            name: var
            for (name, var), graph in zip(self.natural.items(), graphs, strict=True)
            if not held.keys() & set(ancestors([graph]))
        }
        other.natural_shapes = {name: self.natural_shapes[name] for name in other.natural}
        other.terms = tuple(name for name in terms if name != "jacobian")
        other.is_of_model = False
        other._of_values = dict(terms)
        other._of_x = dict(zip(terms, other.of_x(list(terms.values())), strict=True))
        return other

    def summed(
        self,
        names: Collection[str],
        summed: Any,
        rest: Mapping[str, Any],
        in_likelihood: Sequence[str],
    ) -> Graphs:
        """Return graphs of the same vector with inputs summed out.

        Parameters
        ----------
        names : collection of str
            These inputs.
        summed : TensorVariable
            The logs of the sums, a vector; a graph of the value variables.
        rest : mapping of str to TensorVariable
            What is left of the terms of likelihood, prior and potential, vectors.
        in_likelihood : sequence of str
            Potentials and free variables whose own terms are in the likelihood.

        Notes
        -----
        What is computed from the inputs is none of its natural-scale variables.
        """
        other = copy.copy(self)
        gone = {self.inputs[name].variable for name in names}
        other.inputs = {name: one for name, one in self.inputs.items() if name not in names}
        parts = [summed, *([rest["likelihood"]] if "likelihood" in rest else [])]
        terms = {
            "likelihood": pt.add(*(part.sum() for part in parts)) if parts[1:] else summed.sum(),
            "prior": rest["prior"].sum() if "prior" in rest else pt.zeros((), dtype="float64"),
        }
        if "potential" in rest:
            terms["potential"] = rest["potential"].sum()
        other._likelihood_parts, other.in_likelihood = parts, tuple(in_likelihood)
        free = [rv for rv in self.frozen.free_RVs if rv.name not in names]
        terms["jacobian"] = self.frozen.logp(vars=free, jacobian=True) - self.frozen.logp(
            vars=free, jacobian=False
        )
        graphs = self.frozen.replace_rvs_by_values(list(self.natural.values()))
        other.natural = {
            name: var
            for (name, var), graph in zip(self.natural.items(), graphs, strict=True)
            if not gone & set(ancestors([graph]))
        }
        other.natural_shapes = {name: self.natural_shapes[name] for name in other.natural}
        other.terms = tuple(name for name in terms if name != "jacobian")
        other.is_of_model = False
        other._of_values, other._of_x = terms, {}
        return other

    def likelihood_parts(self) -> list[Any]:
        """Return the arrays that the likelihood is the sum of, as graphs of the values."""
        if self._likelihood_parts is None:
            observed = self.frozen.observed_RVs
            return list(self.frozen.logp(vars=observed, jacobian=False, sum=False))
        return self._likelihood_parts

    @property
    def row(self) -> list[Any]:
        """The variables that one row of a batch consists of: the vector, then the inputs."""
        return [self.x, *(one.variable for one in self.inputs.values())]

    def term(self, name: str) -> Any:
        """Return a term as a graph of the row."""
        if name not in self._of_x:
            self._of_x[name] = self.of_x([self.term_of_values(name)])[0]
        return self._of_x[name]

    def term_of_values(self, name: str) -> Any:
        """Return a term as a graph of the value variables."""
        if name == "jacobian" and name not in self._of_values:
            free = self.frozen.free_RVs
            self._of_values[name] = self.frozen.logp(vars=free, jacobian=True) - self.frozen.logp(
                vars=free, jacobian=False
            )
        return self._of_values[name]

    def natural_of_x(self, names: Sequence[str]) -> list[Any]:
        """Return free variables and Deterministics on the natural scale as graphs of the row."""
        wanted = self.frozen.replace_rvs_by_values([self.natural[name] for name in names])
        return self.of_x([pt.as_tensor(out, allow_xtensor_conversion=True) for out in wanted])

    def of_x(self, graphs: Sequence[Any]) -> list[Any]:
        """Make graphs of the value variables graphs of the row."""
        return self.of(graphs, self._values, self.row)

    def of(self, graphs: Sequence[Any], values: Mapping[Any, Any], row: list[Any]) -> list[Any]:
        """Put graphs of `row` in the place of the value variables and of the data."""
        outs = replaced(graphs, {**values, **self._replaced})
        outs = _with_constants(outs)
        # A parameter outside its domain means density zero.  It must say so row by row, and so
        # before the graph is vectorised: afterwards one bad row would condemn the whole batch.
        fgraph = FunctionGraph(row, outs, clone=True, copy_inputs=False)
        with interpreting():
            zero_density_for_checks.rewrite(fgraph)
            rewrite_graph(fgraph, include=BEFORE_DERIVATIVES, clone=False)
            before = set(fgraph.apply_nodes)
            data_chosen.rewrite(fgraph)
            if fgraph.apply_nodes != before:
                rewrite_graph(fgraph, include=BEFORE_DERIVATIVES, clone=False)
        give_differences(fgraph, self.x)
        return list(fgraph.outputs)

    def as_values(self, pieces: Sequence[Any]) -> dict[Any, Any]:
        """Map each value variable to the graph that stands for it."""
        out = {}
        for value, piece in zip(self.value_vars, pieces, strict=True):
            # What was declared in single precision is computed in double all the same.
            dtype = value.type.dtype
            out[value] = _as(value, piece if dtype.startswith("float") else piece.astype(dtype))
        return out

    def _natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the variables on the natural scale; those not known by running."""
        known = dict(zip((rv.name for rv in self.free), self.free_shapes, strict=True))
        for name, var in self.natural.items():
            if name not in known and None not in var.type.shape:
                known[name] = tuple(var.type.shape)
        unknown = [name for name in self.natural if name not in known]
        if unknown:
            own = {self.x: np.zeros(self.p)} | {i.variable: i.own for i in self.inputs.values()}
            values = evaluated(*self.natural_of_x(unknown), at=own)
            known |= {name: np.shape(value) for name, value in zip(unknown, values, strict=True)}
        return {name: known[name] for name in self.natural}

    def _weighted(self, model: pm.Model) -> tuple[Any, list[Input]]:
        """Return the log-likelihood with a weight at each observation, and these weights."""
        observed = [self.frozen[rv.name] for rv in model.observed_RVs]
        terms = [
            pt.as_tensor(term, allow_xtensor_conversion=True)
            for term in self.frozen.logp(vars=observed, jacobian=False, sum=False)
        ]
        weights = weights_of(
            model, {rv.name: term for rv, term in zip(observed, terms, strict=True)}
        )
        # Nothing times an impossible observation is nothing.
        parts = [
            pt.switch(pt.eq(one.variable, 0), 0.0, one.variable * term).sum()
            for one, term in zip(weights, terms, strict=True)
        ]
        return pt.add(*parts) if len(parts) > 1 else parts[0], weights


def _with_constants(graphs: list[Any]) -> list[Any]:
    """Put their values in the place of shared variables that the model does not know by name."""
    own = {
        var: pt.constant(var.get_value(), name=var.name)
        for var in ancestors(graphs)
        if isinstance(var, SharedVariable) and isinstance(var.type, pt.TensorType)
    }
    return graph_replace(graphs, own, strict=False) if own else graphs


def _shapes(
    model: pm.Model, free: list[Any], values: list[Any]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the shapes of the free variables, and of their values on the unconstrained scale."""
    natural, shapes = [rv.type.shape for rv in free], [value.type.shape for value in values]
    if any(n is None for shape in natural + shapes for n in shape):
        # Some transforms and distributions hide the static shape.
        with interpreting():
            known = model.eval_rv_shapes()
        natural = [known[rv.name] for rv in free]
        shapes = [known[value.name] for value in values]
    return (
        [tuple(int(n) for n in shape) for shape in natural],
        [tuple(int(n) for n in shape) for shape in shapes],
    )


def _as(value: Any, graph: Any) -> Any:
    """Return a graph in the type of a value variable."""
    is_labelled = isinstance(value.type, XTensorType)
    return as_xtensor(graph, dims=value.type.dims) if is_labelled else graph


def _split(x: Any, shapes: list[tuple], sizes: list[int]) -> list[Any]:
    """Cut the flat vector into a piece for each value variable."""
    ends = list(itertools.accumulate(sizes))
    return [
        x[end - size : end].reshape(shape) if shape else x[end - size]
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]


def _static_size(value: Any) -> int:
    return math.prod(n for n in value.type.shape if n is not None)
