"""What is compiled of a density's graphs: each function once, at its first use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import NullTypeGradError
from pytensor.graph.utils import MethodNotDefined

from bayes_point.errors import ModelError
from bayes_point.model.density.building import building
from bayes_point.model.density.evaluation import quiet
from bayes_point.model.density.graphs import Graphs
from bayes_point.model.interpreter.compiling import (
    NO_DERIVATIVE,
    NO_NUMBER,
    NOT_VECTORISED,
    SLOW_TO_DIFFERENTIATE,
    compiled,
    gradient,
    over_rows,
    rows_of,
    simplified,
)
from bayes_point.model.interpreter.designs import Design, design_of
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.rows import Loop, row_function

__all__ = ["ALWAYS", "Functions"]

# The terms that every function of terms has: likelihood and prior cost one compile, not two.
ALWAYS = ("likelihood", "prior")


class Functions:
    """The functions of a density: each takes a batch of vectors, then one of each of the inputs.

    Parameters
    ----------
    graphs : Graphs
        What they are made of.
    mode : pytensor.compile.mode.Mode
        How.
    """

    def __init__(self, graphs: Graphs, mode: Mode) -> None:
        self.graphs, self.mode = graphs, mode
        self._gradients: dict[tuple[str, ...], tuple[list[Any], list[Any]]] = {}
        self._kept: dict[Hashable, Any] = {}
        # The latest results, for the density that these are the functions of.
        self.recent: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, graphs: Graphs) -> Functions:
        """Return the functions of other graphs of the same shapes; nothing compiled is shared."""
        other = Functions(graphs, self.mode)
        # Other graphs of the same shapes are vectorised, or are not, as well.
        if "is_vectorised" in self.__dict__:  # which costs a compile to find out
            other.is_vectorised = self.is_vectorised
        return other

    def compile(
        self, inputs: Sequence[Any], outputs: Sequence[Any], rewrites: Sequence[str] = ()
    ) -> Callable:
        """Return a function from `inputs` to `outputs` in the mode of this density."""
        return compiled(inputs, outputs, self.mode, rewrites)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` made when it was first asked for by this key."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def built(self, kind: str, names: tuple[str, ...], build: Callable[[bool], Any]) -> Any:
        """Return what `build` makes, which is told whether to vectorise; once a kind and names."""
        vectorised = self.is_vectorised

        def make() -> Any:
            with building():
                return build(vectorised)

        return self.kept((kind, *names), make)

    @cached_property
    def is_vectorised(self) -> bool:
        """Whether the graph runs on a whole batch; if not, rows are looped over."""
        terms = tuple(term for term in ALWAYS if term in self.graphs.terms)
        try:
            with building():
                batch = self._vectorised_gradient(terms)
            x = 0.1 * np.random.default_rng(0).standard_normal((3, self.graphs.p))
            # The model's own data, turned a little further in each row.
            rows = [
                np.stack([np.roll(one.own, i) for i in range(3)])
                for one in self.graphs.inputs.values()
            ]
            with quiet():
                together = batch(x, *rows)
                singly = [
                    batch(*(part[i : i + 1] for part in (x, *rows)))  # what one row gives alone
                    for i in range(3)
                ]
                apart = [np.concatenate(o) for o in zip(*singly, strict=True)]
        except NO_NUMBER:
            pass  # no value at these rows; the graph itself ran
        except (MethodNotDefined, NullTypeGradError) as err:
            raise _no_gradient(err) from err
        except NOT_VECTORISED:
            return False
        else:
            same = [
                a.shape == b.shape and np.allclose(a, b, rtol=1e-9, equal_nan=True)
                for a, b in zip(together, apart, strict=True)
            ]
            if not all(same):
                return False
        self._kept["gradient", *terms] = batch
        return True

    # ------------------------------------------------------------------- functions of the terms

    def value(self, terms: tuple[str, ...]) -> Callable:
        """Return the function of the values of some terms."""

        def build(vectorised: bool) -> Callable:
            values = [self.graphs.term(term) for term in terms]
            return row_function(self.compile, self.graphs.row, values, vectorised=vectorised)

        return self.built("value", terms, build)

    def value_and_gradient(self, terms: tuple[str, ...]) -> Callable:
        """Return the function of the values, then the gradients."""

        def build(vectorised: bool) -> Callable:
            if vectorised:
                return self._vectorised_gradient(terms)
            values = [self.graphs.term(term) for term in terms]
            try:
                grads = [gradient(value, self.graphs.x) for value in values]
            except NO_DERIVATIVE as err:
                raise _no_gradient(err) from err
            return Loop(self.compile(self.graphs.row, values + grads))

        return self.built("gradient", terms, build)

    def hessian_product(self, terms: tuple[str, ...]) -> Callable | None:
        """Return the function of Hessians times a vector a row, which follows x.

        None where differences of the gradient serve better.
        """

        def build(vectorised: bool) -> Callable | None:
            if self._is_slow_to_differentiate(terms):
                return None
            p = self.graphs.p
            if vectorised:
                (x, *others), out = self._gradient_graphs(terms)
                grads = out[len(terms) :]
                v = pt.matrix("V", shape=(None, p), dtype="float64")
            else:
                x, *others = self.graphs.row
                v = pt.vector("v", shape=(p,), dtype="float64")
                grads = [gradient(self.graphs.term(term).sum(), x) for term in terms]
            try:
                products = [gradient((grad * v).sum(), x) for grad in grads]
            except NO_DERIVATIVE:
                return None
            function = self.compile([x, v, *others], products)
            return function if vectorised else Loop(function)

        return self.built("hessian", terms, build)

    def hessian_columns(self, terms: tuple[str, ...]) -> Callable | None:
        """Return the function of Hessians at one point times many vectors, or None.

        What does not depend on the vectors, all that has the length of the data, is computed once.
        """

        def build(vectorised: bool) -> Callable | None:
            if self._is_slow_to_differentiate(terms):
                return None
            p = self.graphs.p
            v, rows = pt.vector("v", shape=(p,)), pt.matrix("V", shape=(None, p))
            x, *others = self.graphs.row
            try:
                grads = [gradient(self.graphs.term(term), x) for term in terms]
                products = [gradient((grad * v).sum(), x) for grad in grads]
                out = over_rows(products, [v], [rows])
            except (*NO_DERIVATIVE, *NOT_VECTORISED):
                return None
            return self.compile([x, rows, *others], out)

        return self.built("hessian columns", terms, build)

    def design(self, term: str) -> Design | None:
        """Return the design through which a term sees most of the vector; None if it has none."""

        def make() -> Design | None:
            with building():
                return design_of(
                    self.graphs.term(term), self.graphs.x, self.graphs.row, self.compile
                )

        return self.kept(("design", term), make)

    @property
    def natural(self) -> Callable:
        """The function of every free variable and Deterministic on the natural scale."""

        def build(vectorised: bool) -> Callable:
            out = self.graphs.natural_of_x(list(self.graphs.natural))
            return row_function(self.compile, self.graphs.row, out, vectorised=vectorised)

        return self.built("natural", (), build)

    # ------------------------------------------------------------------------------- private

    def _vectorised_gradient(self, terms: tuple[str, ...]) -> Callable:
        return self.compile(*self._gradient_graphs(terms))

    def _gradient_graphs(self, terms: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
        """Return the rows of a batch, and the terms and their gradients as graphs of them.

        Simplified here once for all: what is derived from them again is a graph a third as large.
        """
        if terms not in self._gradients:
            row = self.graphs.row
            rows = rows_of(row)
            values = over_rows([self.graphs.term(term) for term in terms], row, rows)
            # Rows do not see one another, so the gradient of their sum holds each row's own.
            grads = [gradient(value.sum(), rows[0]) for value in values]
            self._gradients[terms] = (rows, simplified(rows, values + grads))
        return self._gradients[terms]

    def _is_slow_to_differentiate(self, terms: tuple[str, ...]) -> bool:
        """Whether the interpreter is quicker with differences than PyTensor with derivatives."""
        if self.mode is not INTERPRETED:
            return False
        function: Any = self.value_and_gradient(terms)
        function = getattr(function, "function", function)
        nodes = function.maker.fgraph.apply_nodes
        return any(isinstance(node.op, SLOW_TO_DIFFERENTIATE) for node in nodes)


def _no_gradient(err: Exception) -> ModelError:
    return ModelError(
        f"The log density of this model has no gradient: {err}. Give the Op in question a "
        "gradient, or write the term with PyTensor's own functions."
    )
