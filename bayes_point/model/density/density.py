"""A model as log densities: functions of one unconstrained vector, batched, with derivatives."""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from pymc.distributions.custom import CustomDistRV, CustomSymbolicDistRV

from bayes_point.errors import ModelError
from bayes_point.model.concavity.proof import concave_in
from bayes_point.model.density.building import building
from bayes_point.model.density.evaluation import evaluate, products_at, widest
from bayes_point.model.density.functions import ALWAYS, Functions
from bayes_point.model.density.graphs import Graphs
from bayes_point.model.density.inputs import Input
from bayes_point.model.density.labels import Labels
from bayes_point.model.differences import FOURTH_ORDER_STEP, ROUGH_STEP, central_difference
from bayes_point.model.interpreter.compiling import mode_of
from bayes_point.model.variables.kinds import kind_of

__all__ = ["LogDensity"]

Array = NDArray[np.float64]
Inputs = Mapping[str, NDArray]
# What calls a function of vectors, given the shapes of one row of its results, in place of `call`.
Evaluator = Callable[
    [Callable, Sequence[tuple[int, ...]], Sequence[NDArray[np.float64]]], list[NDArray]
]

# Elements of data times coordinates from which a Hessian is made one point at a time, its columns
# together: the rows of a batch would each go through the data again.
_LARGE = 100_000

# Observations from which time goes into the data, and none of it into what is done around them.
_COSTLY = 20_000

# Of so many evaluations the results are at hand, unless they are large and quickly made again.
_RECENT = 16
_SMALL = 20_000


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
        observed variable, by the name that ``bayes_point.model.density.inputs.weight_of`` gives.

    Attributes
    ----------
    labels : list of str
        Names of the p coordinates of the unconstrained vector, such as ``"beta[age]"`` or
        ``"sigma_log__"``.
    parameters : list of str
        For each coordinate the natural-scale parameter behind it, such as ``"sigma"``.
    variables : list of str
        For each coordinate the name of the free variable that it belongs to.
    kinds : ndarray of str, (p,)
        What each coordinate is, as ``bayes_point.model.variables.kinds.kind_of`` has it: the
        parameter itself (``"identity"``), its ``"log"``, ``"logit"`` and so on.
    graphs : Graphs
        What it is made of.
    functions : Functions
        What was compiled of that, at its first use.

    Raises
    ------
    ModelError
        If the model has no free variables, or discrete ones that are not among the inputs.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from bayes_point.model.density.density import LogDensity
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

    _elsewhere: Evaluator | None = None
    _is_rough = False
    # Whether the likelihood is an integral over latent variables: smooth, and never cheap.
    is_integral = False

    def __init__(
        self,
        model: pm.Model,
        *,
        backend: str | None = None,
        inputs: Sequence[str] = (),
        weights: bool = False,
    ) -> None:
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
        mode = mode_of(backend)
        # Weakly: the cache of densities must not keep its models alive.
        self._made_from = (weakref.ref(model), backend, tuple(inputs), weights)
        self.graphs = graphs = Graphs(model, inputs=inputs, weights=weights)
        self.functions = Functions(graphs, mode)
        self._names = Labels(model)
        self._discrete = [rv.name for rv in model.free_RVs if rv.name in graphs.inputs]
        self._bound: dict[str, NDArray] = {}
        self.labels: list[str] = []
        self.parameters: list[str] = []
        self.variables: list[str] = []
        for rv, value, natural, shape in zip(
            graphs.free, graphs.value_vars, graphs.free_shapes, graphs.shapes, strict=True
        ):
            self.labels += self._names.of_values(rv.name, value.name, shape)
            self.parameters += self._names.of_parameters(rv.name, natural, shape)
            self.variables += [rv.name] * math.prod(shape)
        own = [kind_of(graphs.frozen.rvs_to_transforms[rv], rv.owner.inputs) for rv in graphs.free]
        self.kinds = np.repeat(np.array(own, dtype=str), [math.prod(s) for s in graphs.shapes])

    def __copy__(self) -> LogDensity:
        """Share all that was derived and compiled."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model that this was made from, and what was bound; nothing compiled."""
        model, *made_from = self._made_from
        return _made_again, (model(), *made_from, self.bound, self._is_rough)

    @property
    def p(self) -> int:
        """Number of coordinates of the vector."""
        return self.graphs.p

    @cached_property
    def most(self) -> float:
        """An upper bound of the log-likelihood: a probability, of discrete data, is at most one."""
        if self.is_integral:
            return np.inf  # an approximation of a probability can be above one
        for rv in self.graphs.frozen.observed_RVs:
            # What a user wrote need not be a probability.
            is_own = isinstance(rv.owner.op, CustomDistRV | CustomSymbolicDistRV)
            if is_own or not rv.type.dtype.startswith(("int", "uint", "bool")):
                return np.inf
        return 0.0

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that the model has, without ``"jacobian"``, which all have."""
        return self.graphs.terms

    @property
    def inputs(self) -> dict[str, Input]:
        """What the methods have to be given besides the vectors, by name."""
        return self.graphs.inputs

    # ------------------------------------------------------------------ values and derivatives

    def log_likelihood(self, x: ArrayLike, inputs: Inputs | None = None) -> Array:
        """Log-likelihood of the observed variables, shape (batch,), at `x`, (batch, p)."""
        return self.evaluate(_batch(x, self.p), ("likelihood",), inputs)[0][:, 0]

    def log_prior(self, x: ArrayLike, inputs: Inputs | None = None) -> Array:
        """Log-prior on the natural scale, without Jacobian, shape (batch,), at `x`, (batch, p)."""
        return self.evaluate(_batch(x, self.p), ("prior",), inputs)[0][:, 0]

    def evaluate(
        self, x: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> tuple[Array, Array]:
        """Return the values, (batch, term), and gradients, (batch, term, p), of `terms` at `x`."""
        wanted = _with(terms)
        shapes = [()] * len(wanted) + [(self.p,)] * len(wanted)
        function = self.functions.value_and_gradient(wanted)
        out = self._recent(("gradient", *wanted), x, inputs, partial(self.call, function, shapes))
        return _pick(out[: len(wanted)], wanted, terms), _pick(out[len(wanted) :], wanted, terms)

    def values(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """Return the values of `terms` at `x` without their gradients, (batch, term)."""
        wanted = _with(terms)
        known = self._at_hand(("gradient", *wanted), x, inputs)
        if known is not None:
            return _pick(known[: len(wanted)], wanted, terms)
        shapes = [()] * len(wanted)
        call = partial(self.call, self.functions.value(wanted), shapes)
        return _pick(self._recent(("value", *wanted), x, inputs, call), wanted, terms)

    def hessian_product(
        self, x: Array, v: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> Array:
        """Return the Hessians of `terms` at `x` times `v`, row by row: (batch, term, p)."""
        wanted = _with(terms)
        function = self.functions.hessian_product(wanted)
        if function is None:
            return self._differences(x, v, terms, inputs)
        out = self.call(function, [(self.p,)] * len(wanted), [x, v], inputs)
        return _pick(out, wanted, terms)

    def _differences(
        self, x: Array, v: Array, terms: Sequence[str], inputs: Inputs | None
    ) -> Array:
        """Return Hessian products from differences of the exact gradient."""
        length = np.linalg.norm(v, axis=1, keepdims=True) + np.finfo(float).tiny
        step = ROUGH_STEP if self._is_rough else FOURTH_ORDER_STEP
        h = step * (1 + np.linalg.norm(x * v, axis=1, keepdims=True)) / length
        steps = [h, -h] if self._is_rough else [2 * h, h, -h, -2 * h]
        n = len(steps)
        again = inputs and {name: np.concatenate([rows] * n) for name, rows in inputs.items()}
        _, g = self.evaluate(np.concatenate([x + step * v for step in steps]), terms, again)
        if self._is_rough:
            ahead, behind = np.split(g, 2)
            return (ahead - behind) / (2 * h[:, :, None])
        far, near, back, far_back = np.split(g, 4)
        return central_difference(far, near, back, far_back, h[:, :, None])

    def hessian(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """Return the Hessians of `terms` at `x`: (batch, term, p, p), symmetric.

        Exact, or to nine digits or so where second derivatives would compile too slowly.
        """
        b, p = x.shape
        if p == 0:  # discrete variables alone
            return np.zeros((b, len(terms), 0, 0))
        if inputs is None and p * self._largest > _LARGE:
            key = ("hessian", *terms)
            each = [
                self._recent(key, row, inputs, lambda row, _: self._large_hessian(row[0], terms))
                for row in x
            ]
            if all(one is not None for one in each):
                return np.stack(each)

        def made(vectors: list[Array], inputs: Inputs | None) -> Array:
            return self._small_hessian(vectors[0], terms, inputs)

        hessian: Array = self._recent(("hessian", *terms), x, inputs, made)
        return hessian.copy()

    def _small_hessian(self, x: Array, terms: Sequence[str], inputs: Inputs | None) -> Array:
        """Return the Hessians of `terms`, all their columns at all of `x` in one batch."""
        b, p = x.shape
        points, axes = np.repeat(x, p, axis=0), np.tile(np.eye(p), (b, 1))
        again = inputs and {name: np.repeat(rows, p, axis=0) for name, rows in inputs.items()}
        rows = self.hessian_product(points, axes, terms, again)
        h = rows.reshape(b, p, len(terms), p).swapaxes(1, 2)
        return 0.5 * (h + h.swapaxes(-1, -2))

    def _large_hessian(self, x: Array, terms: Sequence[str]) -> Array | None:
        """Return the Hessians of `terms` at a point, (p,), of much data; None if none is known."""
        h, own = np.zeros((len(terms), self.p, self.p)), list(self.bound.values())
        for term, hessian in zip(terms, h, strict=True):
            columns, design = self.functions.hessian_columns((term,)), self.functions.design(term)
            if columns is None:
                return None
            # What the term sees by a matrix product is one product more, and not one a column.
            rest = np.ones(self.p, bool)
            if design is not None:
                rest[design.start : design.stop] = False
            if np.any(rest):
                axes = np.zeros((np.count_nonzero(rest), self.p))
                axes[np.arange(len(axes)), np.flatnonzero(rest)] = 1
                rows = products_at(columns, x, axes, own, self._largest)[0]
                hessian[rest] = rows
                hessian[:, rest] = rows.T
            if np.all(rest):
                hessian[:] = 0.5 * (hessian + hessian.T)
            elif design is not None:
                hessian[design.start : design.stop, design.start : design.stop] = design(x, *own)
        return h

    @property
    def is_costly(self) -> bool:
        """Whether an evaluation goes through so much data that a compile is nothing to it."""
        return self.graphs.data_size >= _COSTLY

    def _recent(
        self, key: tuple[Any, ...], x: Array, inputs: Inputs | None, make: Callable[..., Any]
    ) -> Any:
        """Return ``make([x], inputs)``: what was made of this x a moment ago, if it was.

        A search, the proof of where it ended, and the record of that ask for the same.
        """
        is_kept = self.is_costly or x.size * self.p <= _SMALL
        if inputs is not None or self._bound or self._elsewhere or not is_kept:
            return make([x], inputs)
        known = self._at_hand(key, x, inputs)
        if known is None:
            recent = self.functions.recent
            known = recent[self._key(key, x)] = make([x], inputs)
            if len(recent) > _RECENT:
                recent.popitem(last=False)
        return known

    def _at_hand(self, key: tuple[Any, ...], x: Array, inputs: Inputs | None) -> Any:
        if inputs is not None or self._bound or self._elsewhere:
            return None
        return self.functions.recent.get(self._key(key, x))

    def _key(self, key: tuple[Any, ...], x: Array) -> tuple[Any, ...]:
        return (*key, self._is_rough, x.shape, x.tobytes())

    def forget(self) -> None:
        """Let go of the latest results: what one call of a user made the next one does not know."""
        self.functions.recent.clear()

    def call(
        self,
        function: Callable,
        shapes: Sequence[tuple[int, ...]],
        vectors: Sequence[Array],
        inputs: Inputs | None,
    ) -> list[NDArray]:
        """Return a function of vectors and of the inputs, which follow them: of any batch.

        It is in chunks that fit in memory, and a row at which there is no value is NaN.  `shapes`
        are those of one row of each array that the function returns.
        """
        if self._elsewhere is not None and inputs is None:
            return self._elsewhere(function, shapes, vectors)
        if inputs is None:
            n = len(vectors[0])
            inputs = {
                name: np.broadcast_to(row, (n, *row.shape[1:])) for name, row in self._bound.items()
            }
        rows = [*vectors, *(inputs[name] for name in self.inputs)]
        inside = self.functions.kept(("widest", function), lambda: widest(function))
        return evaluate(function, shapes, rows, max(self._largest, inside))

    @property
    def _largest(self) -> int:
        """Elements of the largest array that one row needs."""
        return max(self.graphs.data_size, self.p)

    # ------------------------------------------------------------------- other data, other graphs

    def bind(self, values: Mapping[str, ArrayLike]) -> LogDensity:
        """Return the density with the same inputs in every row: `values`, each of one row's shape.

        It shares all that is compiled, and is used as a density without inputs is.
        """
        bound = copy.copy(self)
        bound._bound = {
            name: one.batch(np.asarray(values[name])[None]) for name, one in self.inputs.items()
        }
        return bound

    @property
    def bound(self) -> dict[str, NDArray]:
        """The values that `bind` gave the inputs, by name; empty where none were given."""
        return {name: rows[0] for name, rows in self._bound.items()}

    @property
    def bound_key(self) -> str:
        """What tells one binding from another, where its values are compiled as constants."""
        return repr([(name, value.tolist()) for name, value in self.bound.items()])

    def evaluated_by(self, evaluator: Evaluator | None) -> LogDensity:
        """Return the density, bound as it is, with another that calls its functions, or none.

        Where many searches run side by side, one evaluation answers the questions of all of them.
        """
        other = copy.copy(self)
        other._elsewhere = evaluator
        return other

    def rough(self) -> LogDensity:
        """Return the density with Hessians good to nine digits only, where they are differences.

        For a search that needs no more; they take half the time.
        """
        other = copy.copy(self)
        other._is_rough = True
        return other

    def remade(self, graphs: Mapping[str, Any], inputs: Mapping[str, Input]) -> LogDensity:
        """Return a density with other graphs of the terms, and other inputs, of the same vector.

        It shares nothing that was derived or compiled, but what is known of the shapes.
        """
        other = copy.copy(self)
        other.graphs = self.graphs.remade(graphs, inputs)
        other.functions = self.functions.of(other.graphs)
        other._bound = {}
        return other

    def concave_in(self, terms: Sequence[str]) -> str:
        """Return in which coordinates the sum of `terms` is proven to be concave; else empty."""
        if self.inputs or not self.graphs.is_of_model:
            return ""

        def proven() -> str:
            with building():
                return concave_in(self.graphs.frozen, terms)

        words: str = self.functions.kept(("concave", *terms), proven)
        return words

    # ------------------------------------------------------------------------- natural scale

    @property
    def natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every free variable and Deterministic on the natural scale, by name."""
        return self.graphs.natural_shapes

    def natural(self, x: Array, inputs: Inputs | None = None) -> dict[str, NDArray]:
        """Every free variable and Deterministic on the natural scale, each ``(batch, *shape)``."""
        # Discrete variables are inputs, not coordinates, and still are variables of the model.
        rows = inputs if inputs is not None else self._bound
        discrete = {
            name: np.broadcast_to(rows[name], (len(x), *rows[name].shape[1:]))
            for name in self._discrete
            if name in rows
        }
        return {**discrete, **self.own_natural(x, inputs)}

    def draws(
        self,
        x: Array,
        rng: np.random.Generator,
    ) -> dict[str, NDArray]:
        """Return the same at draws of the parameters, with what else is random given these."""
        return self.natural(x)

    def own_natural(self, x: Array, inputs: Inputs | None = None) -> dict[str, NDArray]:
        """Return the same, of the variables that are functions of the vector alone."""
        shapes = self.graphs.natural_shapes
        out = self.call(self.functions.natural, list(shapes.values()), [x], inputs)
        return dict(zip(shapes, out, strict=True))

    def elements(self, name: str, *values: NDArray) -> list[tuple[Any, ...]]:
        """Pair the elements of a natural-scale variable with their labels."""
        return self._names.elements(name, values)

    def dataset(self, values: dict[str, NDArray], batch_dims: Sequence[str] = ()) -> xr.Dataset:
        """Label natural-scale values as ArviZ labels the model's draws.

        They have no batch, or lead with the dims `batch_dims`.
        """
        return self._names.dataset(values, batch_dims)


def _made_again(
    model: pm.Model,
    backend: str | None,
    inputs: Sequence[str],
    weights: bool,
    bound: Mapping[str, NDArray],
    is_rough: bool,
) -> LogDensity:
    density = LogDensity(model, backend=backend, inputs=inputs, weights=weights)
    density = density.bind(bound) if bound else density
    return density.rough() if is_rough else density


def _with(terms: Sequence[str]) -> tuple[str, ...]:
    """Return the terms compiled together where some are wanted."""
    return (*ALWAYS, *(term for term in ("potential", "jacobian") if term in terms))


def _pick(out: Sequence[NDArray], made: Sequence[str], terms: Sequence[str]) -> Array:
    """Return the arrays of some of the terms that were made, (batch, term, ...)."""
    return np.stack([out[made.index(term)] for term in terms], axis=1)


def _batch(x: ArrayLike, p: int) -> Array:
    array = np.asarray(x, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != p:
        raise ModelError(
            f"Got an array of shape {array.shape}; expected (batch, {p}): one row a point, one "
            "column a coordinate of the unconstrained vector (see `.labels`)."
        )
    return array
