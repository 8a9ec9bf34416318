"""A model as log densities: functions of one unconstrained vector, batched, with derivatives."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from arviz_base import dict_to_dataset
from numpy.typing import ArrayLike, NDArray
from pymc.backends.arviz import coords_and_dims_for_inferencedata
from pymc.exceptions import ShapeError
from pymc.logprob.utils import ParameterValueError, local_check_parameter_to_ninf_switch
from pytensor.compile.mode import Mode, get_mode
from pytensor.gradient import NullTypeGradError
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.rewriting.basic import in2out
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.utils import MethodNotDefined
from pytensor.scan.op import Scan
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.core import SolveBase
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.type import XTensorType

from bayes_point.errors import ModelError
from bayes_point.model.building import building
from bayes_point.model.inputs import Input, freeze, weights_of
from bayes_point.model.interpreted import INTERPRETED

__all__ = ["LogDensity"]

Array = NDArray[np.float64]
Inputs = Mapping[str, NDArray]

# Rows of a batch are evaluated together as long as the largest array stays near this many
# elements, which stay in the cache: larger batches gain nothing from vectorisation.
_ELEMENTS_AT_ONCE = 400_000

# Elements of data times coordinates from which a Hessian is made one point at a time, its columns
# together: the rows of a batch would each go through the data again.
_LARGE = 100_000

# Observations from which time goes into the data, and none of it into what is done around them.
_COSTLY = 20_000

_ALWAYS = ("likelihood", "prior")

# What an interpreted graph raises where the density has no value: for one row of a batch this
# means "not a number here", and must not take the other rows with it.
_NO_VALUE = (np.linalg.LinAlgError, ParameterValueError)

# What PyTensor raises for an op that it cannot vectorise; the loop then gives the same results.
_NOT_VECTORISED = (
    NotImplementedError,
    TypeError,
    ValueError,
    IndexError,
    AssertionError,
    ShapeError,
)

# What PyTensor raises where an op has no derivative.
_NO_DERIVATIVE = (MethodNotDefined, NotImplementedError, NullTypeGradError)
# Relative step of a difference of fourth order: rounding and truncation are both near 1e-12.
_DIFFERENCE = 1e-4

# Rewrites made before derivatives are taken and rows are batched.  log(1 - sigmoid(x)) has to be
# known as -softplus(x) by then: no rewrite finds it again in its second derivative, and there
# cancellation eats every digit.  With its shapes known, a graph also compiles in half the time.
_BEFORE_DERIVATIVES = ("ShapeOpt", "canonicalize", "stabilize")

_no_check = in2out(local_check_parameter_to_ninf_switch)


class LogDensity:
    r"""The log densities of a PyMC model as functions of one unconstrained vector.

    The terms are ``"likelihood"`` (the observed variables), ``"prior"`` (the free variables, on
    the natural scale: **no** Jacobian), ``"potential"`` (the model's potentials, where there are
    any) and ``"jacobian"`` (the log absolute Jacobian determinant of the transforms, which turns
    a density on the natural scale into one on the unconstrained scale).  Every method takes a
    batch of vectors and returns the terms separately; to weigh and add them is the caller's part.

    Parameters
    ----------
    model : pymc.Model
        The model; its dims and data are frozen as they stand now.
    backend : str, optional
        A PyTensor mode: ``"numba"``, ``"c"``, ``"jax"``, or ``"py"`` for the interpreter.  By
        default the interpreter, which needs no compile time.
    inputs : sequence of str
        Observed variables, data containers and discrete free variables whose values are not fixed:
        each row of a batch has its own, and every method takes them after the vectors, as a mapping
        from the name to an array (batch, \*shape).
    weights : bool
        Whether each observation has a weight that multiplies its log-likelihood: an input for every
        observed variable, by the name that ``bayes_point.model.inputs.weight_of`` gives.

    Attributes
    ----------
    labels : list of str
        Names of the p coordinates of the unconstrained vector, such as ``"beta[age]"`` or
        ``"sigma_log__"``.
    parameters : list of str
        For each coordinate the natural-scale parameter behind it, such as ``"sigma"``.
    variables : list of str
        For each coordinate the name of the free variable that it belongs to.
    inputs : dict of str to Input
        What the methods have to be given besides the vectors.

    Raises
    ------
    ModelError
        If the model has no free variables, or discrete ones that are not among the inputs.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from bayes_point.model.density import LogDensity
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    >>> density = LogDensity(coin)
    >>> density.labels
    ['theta_logodds__']
    >>> at_half = density.log_likelihood(np.zeros((1, 1)))  # theta = 1/2: three times log(1/2)
    >>> float(np.exp(at_half[0]).round(6))
    0.125
    """

    # Where many searches run side by side: what answers the questions of this one with those of the
    # others.
    asks: Any = None

    def __init__(
        self,
        model: pm.Model,
        *,
        backend: str | None = None,
        inputs: Sequence[str] = (),
        weights: bool = False,
    ) -> None:
        free = [rv for rv in model.free_RVs if rv.name not in inputs]
        if not model.free_RVs:
            raise ModelError(
                "The model has no free variables, so there is nothing to estimate. "
                "Give at least one parameter a prior, for instance pm.Flat('mu')."
            )
        discrete = [value.name for value in model.discrete_value_vars if value.name not in inputs]
        if discrete:
            raise ModelError(
                f"The free variables {discrete} are discrete, and this density is a function of "
                "continuous ones. Marginalise them out, or hold them fixed with pm.do."
            )
        self.mode: Mode = _mode(backend)
        self._coords, self._dims = coords_and_dims_for_inferencedata(model)
        frozen, given, self._replaced = freeze(model, inputs)
        self._frozen = frozen
        # Freezing sorts the variables anew; the vector keeps the order of their declaration.
        self._natural_vars = [frozen[rv.name] for rv in free + model.deterministics]
        values = [frozen.rvs_to_values[frozen[rv.name]] for rv in free]
        natural_shapes, shapes = _shapes(model, [frozen[rv.name] for rv in free], values)
        self._natural_shapes = [tuple(n or 1 for n in var.type.shape) for var in self._natural_vars]
        sizes = [math.prod(shape) for shape in shapes]
        self.p = sum(sizes)
        self.variables = [
            rv.name for rv, size in zip(free, sizes, strict=True) for _ in range(size)
        ]
        self.labels = [
            label
            for rv, value, shape in zip(free, values, shapes, strict=True)
            for label in self._labels_of(value.name, self._dims.get(rv.name, ()), shape)
        ]
        self.parameters = [
            label
            for rv, natural, shape in zip(free, natural_shapes, shapes, strict=True)
            for label in self._parameters_of(rv.name, natural, shape)
        ]
        self._x = pt.vector("x", shape=(self.p,), dtype="float64")
        self._value_vars, self._shapes = values, shapes
        self._values = self.as_values(_split(self._x, shapes, sizes))
        # No Jacobian here: MLE and MAP are defined on the natural scale.
        graphs = {
            "likelihood": frozen.logp(vars=frozen.observed_RVs, jacobian=False),
            "prior": frozen.logp(vars=frozen.free_RVs, jacobian=False),
        }
        if weights:
            graphs["likelihood"], more = self._weighted(model)
            given += more
        if frozen.potentials:
            graphs["potential"] = frozen.logp(vars=frozen.potentials, jacobian=False)
        self.terms = tuple(graphs)
        self.inputs: dict[str, Input] = {one.name: one for one in given}
        self._bound: dict[str, NDArray] = {}
        self._discrete = [rv.name for rv in model.free_RVs if rv.name in self.inputs]
        self._logps = graphs
        self._graphs = dict(zip(graphs, self._of_x(list(graphs.values())), strict=True))
        data = [frozen.rvs_to_values[rv] for rv in frozen.observed_RVs]
        sizes = [_static_size(value) for value in data] + [one.own.size for one in given]
        self._data_size = max(sizes, default=1)
        self._gradients: dict[tuple[str, ...], tuple[list[Any], list[Any]]] = {}
        self._functions: dict[tuple[str, ...], Callable] = {}

    # ------------------------------------------------------------------ values and derivatives

    def log_likelihood(self, x: ArrayLike, inputs: Inputs | None = None) -> Array:
        """Log-likelihood of the observed variables, shape (batch,), at `x`, (batch, p)."""
        return self.evaluate(_batch(x, self.p), ("likelihood",), inputs)[0][:, 0]

    def log_prior(self, x: ArrayLike, inputs: Inputs | None = None) -> Array:
        """Log-prior on the natural scale, without Jacobian, shape (batch,), at `x`, (batch, p)."""
        return self.evaluate(_batch(x, self.p), ("prior",), inputs)[0][:, 0]

    def bind(self, values: Mapping[str, ArrayLike]) -> LogDensity:
        """Return the density with the same inputs in every row: `values`, each of one row's shape.

        It shares all that is compiled, and is used as a density without inputs is.
        """
        self.is_vectorised  # noqa: B018  found out once for all
        bound = copy.copy(self)
        rows = {
            name: one.batch(np.asarray(values[name])[None]) for name, one in self.inputs.items()
        }
        bound._bound = rows
        return bound

    def remade(self, graphs: Mapping[str, Any], inputs: Mapping[str, Input]) -> LogDensity:
        """Return a density with other graphs of the terms, and other inputs, of the same vector.

        It shares nothing that was derived or compiled, but what is known of the shapes.
        """
        self.is_vectorised  # noqa: B018  other graphs of the same shapes are, or are not, as well
        other = copy.copy(self)
        other.inputs, other._bound, other._graphs = dict(inputs), {}, dict(graphs)
        other._gradients, other._functions = {}, {}
        return other

    @property
    def bound(self) -> dict[str, NDArray]:
        """The values that `bind` gave the inputs, by name; empty where none were given."""
        return {name: rows[0] for name, rows in self._bound.items()}

    @property
    def bound_key(self) -> str:
        """What tells one binding from another, where its values are compiled as constants."""
        return repr([(name, value.tolist()) for name, value in self.bound.items()])

    def evaluate(
        self, x: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> tuple[Array, Array]:
        """Return the values, (batch, term), and gradients, (batch, term, p), of `terms` at `x`."""
        wanted = self._with(terms)
        shapes = [()] * len(wanted) + [(self.p,)] * len(wanted)
        out = self._call(self._value_and_gradient(wanted), shapes, [x], inputs)
        pick = [wanted.index(term) for term in terms]
        k = len(wanted)
        value = np.stack([out[i] for i in pick], axis=1)
        return value, np.stack([out[k + i] for i in pick], axis=1)

    @property
    def is_costly(self) -> bool:
        """Whether an evaluation goes through so much data that a compile is nothing to it."""
        return self._data_size >= _COSTLY

    def values(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """Return the values of `terms` at `x` without their gradients, (batch, term)."""
        wanted = self._with(terms)
        out = self._call(self._value(wanted), [()] * len(wanted), [x], inputs)
        return np.stack([out[wanted.index(term)] for term in terms], axis=1)

    def hessian_product(
        self, x: Array, v: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> Array:
        """Return the Hessians of `terms` at `x` times `v`, row by row: (batch, term, p)."""
        wanted = self._with(terms)
        function = self._hessian_product(wanted)
        if function is None:
            return self._differences(x, v, terms, inputs)
        out = self._call(function, [(self.p,)] * len(wanted), [x, v], inputs)
        return np.stack([out[wanted.index(term)] for term in terms], axis=1)

    def _differences(
        self, x: Array, v: Array, terms: Sequence[str], inputs: Inputs | None
    ) -> Array:
        """Return Hessian products from the exact gradient: central differences, extrapolated."""
        length = np.linalg.norm(v, axis=1, keepdims=True) + np.finfo(float).tiny
        h = _DIFFERENCE * (1 + np.linalg.norm(x * v, axis=1, keepdims=True)) / length
        steps = [2 * h, h, -h, -2 * h]
        again = inputs and {name: np.concatenate([rows] * 4) for name, rows in inputs.items()}
        _, g = self.evaluate(np.concatenate([x + step * v for step in steps]), terms, again)
        far, near, back, far_back = np.split(g, 4)
        # Richardson: the error of order h squared cancels.
        return (8 * (near - back) - (far - far_back)) / (12 * h[:, :, None])

    def hessian(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """Return the Hessians of `terms` at `x`: (batch, term, p, p), symmetric.

        Exact, or to nine digits or so where second derivatives would compile too slowly.
        """
        b, p = x.shape
        if p == 0:  # discrete variables alone
            return np.zeros((b, len(terms), 0, 0))
        wanted = self._with(terms)
        if inputs is None and p * max(self._data_size, p) > _LARGE:
            columns = self._hessian_columns(wanted)
            if columns is not None:
                pick = [wanted.index(term) for term in terms]
                return np.stack([self._hessian_at(columns, row, pick) for row in x])
        points, axes = np.repeat(x, p, axis=0), np.tile(np.eye(p), (b, 1))
        again = inputs and {name: np.repeat(rows, p, axis=0) for name, rows in inputs.items()}
        rows = self.hessian_product(points, axes, terms, again)
        h = rows.reshape(b, p, len(terms), p).swapaxes(1, 2)
        return 0.5 * (h + h.swapaxes(-1, -2))

    def _hessian_at(self, columns: Callable, x: Array, pick: list[int]) -> Array:
        """Return the Hessians at one point, as many columns at a time as fit in memory."""
        given = [rows[0] for rows in self._bound.values()]
        at_once = max(1, _ELEMENTS_AT_ONCE // max(self._data_size, self.p))
        h = np.empty((len(pick), self.p, self.p))
        with _quiet():
            for i in range(0, self.p, at_once):
                axes = np.eye(min(at_once, self.p - i), self.p, i)
                try:
                    out = columns(x, axes, *given)
                except _NO_VALUE:
                    return np.full_like(h, np.nan)
                for j, k in enumerate(pick):
                    h[j, i : i + at_once] = out[k]
        for one in h:
            one += one.T.copy()
            one *= 0.5
        return h

    # ------------------------------------------------------------------------- natural scale

    def natural(self, x: Array, inputs: Inputs | None = None) -> dict[str, NDArray]:
        """Every free variable and Deterministic on the natural scale, each ``(batch, *shape)``."""
        out = self._call(self._natural, self._natural_shapes, [x], inputs)
        values = {var.name: o for var, o in zip(self._natural_vars, out, strict=True)}
        # Discrete variables are inputs, not coordinates, and still are variables of the model.
        rows = inputs if inputs is not None else self._bound
        discrete = {
            name: np.broadcast_to(rows[name], (len(x), *rows[name].shape[1:]))
            for name in self._discrete
            if name in rows
        }
        return {**discrete, **values}

    def elements(self, name: str, *values: NDArray) -> list[tuple[Any, ...]]:
        """Pair the elements of a natural-scale variable with their labels."""
        shape = np.shape(values[0])
        labels = self._labels_of(name, self._dims.get(name, ()), shape)
        return list(zip(labels, *(np.ravel(value) for value in values), strict=True))

    def dataset(self, values: dict[str, NDArray], batch_dims: Sequence[str] = ()) -> xr.Dataset:
        """Label natural-scale values as ArviZ labels the model's draws.

        They have no batch, or lead with the dims `batch_dims`.
        """
        return dict_to_dataset(
            values,
            coords=self._coords,
            dims={k: v for k, v in self._dims.items() if k in values},
            sample_dims=list(batch_dims),
        ).drop_attrs()

    # ------------------------------------------------------------------------------- private

    def _with(self, terms: Sequence[str]) -> tuple[str, ...]:
        """Return the terms compiled together: likelihood and prior cost one compile, not two."""
        return (*_ALWAYS, *(t for t in ("potential", "jacobian") if t in terms))

    def as_values(self, pieces: Sequence[Any]) -> dict[Any, Any]:
        """Map each value variable to the graph that stands for it."""
        out = {}
        for value, piece in zip(self._value_vars, pieces, strict=True):
            piece = piece.astype(value.type.dtype)
            if isinstance(value.type, XTensorType):
                piece = as_xtensor(piece, dims=value.type.dims)
            out[value] = piece
        return out

    def _weighted(self, model: pm.Model) -> tuple[Any, list[Input]]:
        """Return the log-likelihood with a weight at each observation, and these weights."""
        observed = [self._frozen[rv.name] for rv in model.observed_RVs]
        terms = [
            pt.as_tensor(term, allow_xtensor_conversion=True)
            for term in self._frozen.logp(vars=observed, jacobian=False, sum=False)
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

    @property
    def _row(self) -> list[Any]:
        """The variables that one row of a batch consists of."""
        return [self._x, *(one.variable for one in self.inputs.values())]

    @property
    def _rows(self) -> list[Any]:
        """The same for a whole batch."""
        return [pt.tensor(shape=(None, *var.type.shape), dtype=var.type.dtype) for var in self._row]

    def _of_x(self, graphs: list[Any]) -> list[Any]:
        """Make graphs of the value variables graphs of the one flat vector, and of the inputs."""
        return self._of(graphs, self._values, self._row)

    def _of(self, graphs: list[Any], values: Mapping[Any, Any], row: list[Any]) -> list[Any]:
        """Put graphs of `row` in the place of the value variables and of the data."""
        outs = graph_replace(graphs, {**values, **self._replaced}, strict=False)
        # A parameter outside its domain means density zero.  It must say so row by row, and so
        # before the graph is vectorised: afterwards one bad row would condemn the whole batch.
        fgraph = FunctionGraph(row, outs, clone=True, copy_inputs=False)
        with pytensor.config.change_flags(cxx=""):
            _no_check.rewrite(fgraph)
            rewrite_graph(fgraph, include=_BEFORE_DERIVATIVES, clone=False)
        return list(fgraph.outputs)

    def _logp(self, term: str) -> Any:
        """Return a term as a graph of the value variables."""
        if term == "jacobian" and term not in self._logps:
            free = self._frozen.free_RVs
            self._logps[term] = self._frozen.logp(vars=free, jacobian=True) - self._frozen.logp(
                vars=free, jacobian=False
            )
        return self._logps[term]

    def _term(self, term: str) -> Any:
        """Return a term as a graph of the vector."""
        if term not in self._graphs:
            self._graphs[term] = self._of_x([self._logp(term)])[0]
        return self._graphs[term]

    def _batched(self, terms: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
        """Return the inputs and the terms vectorised over rows, each (batch,)."""
        rows = self._rows
        return rows, _over_rows([self._term(t) for t in terms], self._row, rows)

    @cached_property
    def is_vectorised(self) -> bool:
        """Whether the graph runs on a whole batch; if not, rows are looped over."""
        try:
            with building():
                batch = self._vectorised_gradient(_ALWAYS)
            x = 0.1 * np.random.default_rng(0).standard_normal((3, self.p))
            # The model's own data, turned a little further in each row.
            rows = [
                np.stack([np.roll(one.own, i) for i in range(3)]) for one in self.inputs.values()
            ]
            with _quiet():
                together = batch(x, *rows)
                singly = [
                    batch(*(part[i : i + 1] for part in (x, *rows)))  # what one row gives alone
                    for i in range(3)
                ]
                apart = [np.concatenate(o) for o in zip(*singly, strict=True)]
        except _NO_VALUE:
            pass  # no value at these rows; the graph itself ran
        except (MethodNotDefined, NullTypeGradError) as err:
            raise _no_gradient(err) from err
        except _NOT_VECTORISED:
            return False
        else:
            same = [
                a.shape == b.shape and np.allclose(a, b, rtol=1e-9, equal_nan=True)
                for a, b in zip(together, apart, strict=True)
            ]
            if not all(same):
                return False
        self._functions["gradient", *_ALWAYS] = batch
        return True

    def _compiled(self, kind: str, terms: tuple[str, ...], build: Callable) -> Any:
        """Return a function that is compiled at its first use."""
        vectorised = self.is_vectorised
        if (kind, *terms) not in self._functions:
            with building():
                self._functions[kind, *terms] = build(vectorised)
        return self._functions[kind, *terms]

    def _vectorised_gradient(self, terms: tuple[str, ...]) -> Callable:
        return self._function(*self._gradient_graphs(terms))

    def _gradient_graphs(self, terms: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
        """Return the rows of a batch, and the terms and their gradients as graphs of them.

        Simplified here once for all: what is derived from them again is a graph a third as large.
        """
        if terms not in self._gradients:
            rows, values = self._batched(terms)
            # Rows do not see one another, so the gradient of their sum holds each row's own.
            grads = [_grad(value.sum(), rows[0]) for value in values]
            fgraph = FunctionGraph(rows, values + grads, clone=True, copy_inputs=False)
            with pytensor.config.change_flags(cxx=""):
                rewrite_graph(fgraph, include=_BEFORE_DERIVATIVES, clone=False)
            self._gradients[terms] = (rows, list(fgraph.outputs))
        return self._gradients[terms]

    def _value_and_gradient(self, terms: tuple[str, ...]) -> Callable:
        def build(vectorised: bool) -> Callable:
            if vectorised:
                return self._vectorised_gradient(terms)
            values = [self._term(term) for term in terms]
            try:
                grads = [_grad(value, self._x) for value in values]
            except _NO_DERIVATIVE as err:
                raise _no_gradient(err) from err
            return _Loop(self._function(self._row, values + grads))

        return self._compiled("gradient", terms, build)

    def _value(self, terms: tuple[str, ...]) -> Callable:
        def build(vectorised: bool) -> Callable:
            if vectorised:
                return self._function(*self._batched(terms))
            return _Loop(self._function(self._row, [self._term(term) for term in terms]))

        return self._compiled("value", terms, build)

    def _hessian_product(self, terms: tuple[str, ...]) -> Callable | None:
        """Return the compiled product, or None where differences of the gradient serve better."""

        def build(vectorised: bool) -> Callable | None:
            if self.mode is INTERPRETED and _is_slow_to_differentiate(
                self._value_and_gradient(terms)
            ):
                return None
            if vectorised:
                (x, *others), out = self._gradient_graphs(terms)
                grads = out[len(terms) :]
                v = pt.matrix("V", shape=(None, self.p), dtype="float64")
            else:
                x, *others = self._row
                v = pt.vector("v", shape=(self.p,), dtype="float64")
                grads = [_grad(self._term(term).sum(), x) for term in terms]
            try:
                products = [_grad((grad * v).sum(), x) for grad in grads]
            except _NO_DERIVATIVE:
                return None
            function = self._function([x, v, *others], products)
            return function if vectorised else _Loop(function)

        return self._compiled("hessian", terms, build)

    def _hessian_columns(self, terms: tuple[str, ...]) -> Callable | None:
        """Return products with many vectors at one point, or None where there are none.

        What does not depend on the vectors, all that has the length of the data, is computed once.
        """

        def build(vectorised: bool) -> Callable | None:
            if self.mode is INTERPRETED and _is_slow_to_differentiate(
                self._value_and_gradient(terms)
            ):
                return None
            v, rows = pt.vector("v", shape=(self.p,)), pt.matrix("V", shape=(None, self.p))
            try:
                grads = [_grad(self._term(term), self._x) for term in terms]
                products = [_grad((grad * v).sum(), self._x) for grad in grads]
                out = [
                    many if many.type.ndim == 2 else pt.alloc(many, rows.shape[0], self.p)
                    for many in vectorize_graph(products, {v: rows})
                ]
            except (*_NO_DERIVATIVE, *_NOT_VECTORISED):
                return None
            x, *others = self._row
            return self._function([x, rows, *others], out)

        return self._compiled("hessian columns", terms, build)

    @property
    def _natural(self) -> Callable:
        def build(vectorised: bool) -> Callable:
            out = self._of_x(self._frozen.replace_rvs_by_values(self._natural_vars))
            out = [pt.as_tensor(o, allow_xtensor_conversion=True) for o in out]
            if not vectorised:
                return _Loop(self._function(self._row, out))
            rows = self._rows
            try:
                return self._function(rows, _over_rows(out, self._row, rows))
            except _NOT_VECTORISED:
                # A Deterministic can hold an op that cannot be vectorised where the density has
                # none.
                return _Loop(self._function(self._row, out))

        return self._compiled("natural", (), build)

    def _function(
        self, inputs: list[Any], outputs: list[Any], mode: Mode | None = None
    ) -> Callable:
        # Without a C compiler named, the interpreter also interprets the inside of a scan.
        cxx = "" if self.mode is INTERPRETED else pytensor.config.cxx
        with pytensor.config.change_flags(cxx=cxx):
            return pytensor.function(
                inputs, outputs, mode=mode or self.mode, trust_input=True, on_unused_input="ignore"
            )

    def _call(
        self,
        function: Callable,
        shapes: Sequence[tuple[int, ...]],
        vectors: Sequence[Array],
        inputs: Inputs | None,
    ) -> list[NDArray]:
        """Run a function on a batch: in chunks that fit in memory, bad rows as NaN."""
        if self.asks is not None and inputs is None:
            found: list[NDArray] = self.asks.call(function, shapes, vectors)
            return found
        at_once = max(1, _ELEMENTS_AT_ONCE // max(self._data_size, self.p, 1))
        n = len(vectors[0])
        if inputs is None:
            inputs = {
                name: np.broadcast_to(row, (n, *row.shape[1:])) for name, row in self._bound.items()
            }
        args = [*vectors, *(inputs[name] for name in self.inputs)]
        chunks = [
            _rowwise(function, shapes, [np.ascontiguousarray(a[i : i + at_once]) for a in args])
            for i in range(0, n, at_once)
        ]
        if len(chunks) == 1:
            return chunks[0]
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]

    def _labels_of(self, name: str, dims: Sequence[str], shape: tuple[int, ...]) -> list[str]:
        """Name the elements of one variable from its coords, where they apply."""
        if not shape:
            return [name]
        axes: list[Sequence[Any]] = [
            list(self._coords[dim]) if dim in self._coords else range(n)
            for dim, n in itertools.zip_longest(dims, shape)
        ]
        if len(dims) != len(shape) or [len(axis) for axis in axes] != list(shape):
            # A transform that changes the shape (a simplex) leaves coordinates without labels.
            axes = [range(n) for n in shape]
        return [f"{name}[{', '.join(map(str, i))}]" for i in itertools.product(*axes)]

    def _parameters_of(
        self, name: str, natural: tuple[int, ...], shape: tuple[int, ...]
    ) -> list[str]:
        """Name, for each coordinate, the natural-scale parameter behind it."""
        labels = self._labels_of(name, self._dims.get(name, ()), shape)
        # Behind a coordinate of a simplex stands the whole variable.
        return labels if natural == shape else [name] * len(labels)


class _Loop:
    """A function of one row, called for each row of a batch."""

    def __init__(self, function: Callable) -> None:
        self.function = function

    def __call__(self, *batches: Array) -> list[NDArray]:
        rows = [self.function(*map(np.asarray, row)) for row in zip(*batches, strict=True)]
        return [np.stack(parts) for parts in zip(*rows, strict=True)]


def _rowwise(
    function: Callable, shapes: Sequence[tuple[int, ...]], args: list[Array]
) -> list[NDArray]:
    """Call on a batch; if a row makes it raise, call row by row and give that row NaN."""
    n = len(args[0])
    with _quiet():
        try:
            return [np.asarray(out) for out in function(*args)]
        except _NO_VALUE:
            if n == 1:
                return [np.full((1, *shape), np.nan) for shape in shapes]
        rows = [_rowwise(function, shapes, [a[i : i + 1] for a in args]) for i in range(n)]
    return [np.concatenate(parts) for parts in zip(*rows, strict=True)]


def _no_gradient(err: Exception) -> ModelError:
    return ModelError(
        f"The log density of this model has no gradient: {err}. Give the Op in question a "
        "gradient, or write the term with PyTensor's own functions."
    )


def _quiet() -> Any:
    """NumPy's floating-point warnings off: overflow far from the optimum is expected."""
    return np.errstate(all="ignore")


def _is_slow_to_differentiate(function: Any) -> bool:
    """Whether a gradient holds linear algebra or a scan.

    Their second derivatives take PyTensor seconds to build and rewrite, against milliseconds for
    the few gradients whose differences give the same to eleven digits.
    """
    function = getattr(function, "function", function)
    return any(
        isinstance(node.op, Scan | Blockwise | Cholesky | SolveBase)
        for node in function.maker.fgraph.apply_nodes
    )


def _mode(backend: str | None) -> Mode:
    if backend is None or backend in ("py", "python"):
        return INTERPRETED
    try:
        mode = get_mode("cvm" if backend == "c" else backend)
    except (ValueError, KeyError):
        mode = None
    if not isinstance(mode, Mode):
        raise ModelError(
            f"Unknown backend {backend!r}. Allowed are PyTensor's modes: 'numba', 'c', 'jax', or "
            "'py' for the interpreter; leave it out to have it chosen."
        )
    name = str(backend).lower()
    if name in ("jax", "numba") and find_spec(name) is None:
        raise ModelError(
            f"backend={backend!r} needs the package {name!r}, which is not installed. Install it, "
            "or leave backend out."
        )
    return mode


def _batch(x: ArrayLike, p: int) -> Array:
    array = np.asarray(x, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != p:
        raise ModelError(
            f"Got an array of shape {array.shape}; expected (batch, {p}): one row a point, one "
            "column a coordinate of the unconstrained vector (see `.labels`)."
        )
    return array


def _shapes(
    model: pm.Model, free: list[Any], values: list[Any]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the shapes of the free variables, and of their values on the unconstrained scale."""
    natural, shapes = [rv.type.shape for rv in free], [value.type.shape for value in values]
    if any(n is None for shape in natural + shapes for n in shape):
        # Some transforms and distributions hide the static shape.
        with pytensor.config.change_flags(cxx=""):
            known = model.eval_rv_shapes()
        natural = [known[rv.name] for rv in free]
        shapes = [known[value.name] for value in values]
    return (
        [tuple(int(n) for n in shape) for shape in natural],
        [tuple(int(n) for n in shape) for shape in shapes],
    )


def _split(x: Any, shapes: list[tuple], sizes: list[int]) -> list[Any]:
    """Cut the flat vector into a piece for each value variable."""
    ends = list(itertools.accumulate(sizes))
    return [
        x[end - size : end].reshape(shape) if shape else x[end - size]
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]


def _over_rows(graphs: list[Any], row: list[Any], rows: list[Any]) -> list[Any]:
    """Vectorise graphs of the variables of one row over the rows of a batch."""
    batched = vectorize_graph(graphs, dict(zip(row, rows, strict=True)))
    return [
        # What depends on nothing is the same in every row.
        out if out.type.ndim > graph.type.ndim else pt.alloc(out, rows[0].shape[0], *out.shape)
        for graph, out in zip(graphs, batched, strict=True)
    ]


def _static_size(value: Any) -> int:
    return math.prod(n for n in value.type.shape if n is not None)


def _grad(cost: Any, wrt: Any) -> Any:
    return pytensor.grad(cost, wrt, disconnected_inputs="ignore")
