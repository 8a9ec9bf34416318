"""The kinks of a log density, and where it ends: what is zero there, as functions.

The arguments of the graph's sites are compiled here, with their derivatives, and so is the density
with every kink rounded off over a given width.  Nothing is compiled before it is asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.inputs import Input
from bayes_point.model.interpreter.compiling import gradient
from bayes_point.model.rows import row_function
from bayes_point.model.variables.edges import edges_in
from bayes_point.model.variables.kink_sites import Site, sites_of
from bayes_point.model.variables.rounding import rounded_off

__all__ = ["Kinks", "kinks_of"]

Array = NDArray[np.float64]

_WIDTH = "width of the kinks"


class Kinks:
    """The arguments of a density that are zero at its kinks.

    Parameters
    ----------
    density : LogDensity
        The density; what is compiled here is kept with it.
    terms : sequence of str
        Which of its terms.
    with_walls : bool
        Whether also what is zero where the density ends, and positive where it does not.
    """

    def __init__(
        self, density: LogDensity, terms: Sequence[str], *, with_walls: bool = False
    ) -> None:
        self.density, self.terms = density, tuple(terms)
        # What the graphs are of: the same, whatever the density is bound to.
        self._source = density.evaluated_by(None)
        self._sites: list[Site] = []
        self._term_of: list[str] = []
        for term in self.terms:
            for site in sites_of(density, term):
                if not any(site.key == other.key for other in self._sites):
                    self._sites.append(site)
                    self._term_of.append(term)
        self._n_kinks = len(self._sites)
        for term in self.terms if with_walls else ():
            if term == "prior":
                continue  # its own support is what its transform keeps to
            for big, small in edges_in(density.graphs.term(term), density.graphs.row):
                if not any(site.key == (big, small) for site in self._sites[self._n_kinks :]):
                    self._sites.append(Site(big, small))
                    self._term_of.append(term)
        self._arguments = [site.argument for site in self._sites]
        self._functions: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        """Whether the graph has nothing that could be a kink."""
        return not self._sites

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of each argument at one row."""
        if "shapes" not in self._functions:
            row = [np.zeros((1, self.density.p)), *(one.own[None] for one in self._inputs)]
            with np.errstate(all="ignore"):
                self._functions["shapes"] = [np.shape(out)[1:] for out in self._values(*row)]
        return self._functions["shapes"]

    @cached_property
    def term_of(self) -> NDArray[np.str_]:
        """The term that each of the K elements belongs to, (K,)."""
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        return np.repeat(self._term_of, sizes)

    @cached_property
    def site_of(self) -> NDArray[np.int_]:
        """Number of the place in the graph that each of the K elements belongs to, (K,)."""
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        return np.repeat(np.arange(len(sizes)), sizes)

    @cached_property
    def is_wall(self) -> NDArray[np.bool_]:
        """Which of the K elements are positive where the density is not zero, (K,)."""
        return self.site_of >= self._n_kinks

    @property
    def has_kinks(self) -> bool:
        """Whether there is a place in the graph that could be a kink, beside the walls."""
        return self._n_kinks > 0

    @property
    def size(self) -> int:
        """Number K of elements of all arguments."""
        return len(self.term_of)

    def values(self, x: Array) -> Array:
        """Return the arguments at each row of `x`: (batch, K)."""
        out = self.density.call(self._values, self.shapes, [x], None)
        return np.concatenate([part.reshape(len(x), -1) for part in out], axis=1)

    def pulled(self, x: Array, w: Array) -> Array:
        """Return the gradient of the sum of the arguments weighed by `w`, (batch, K)."""
        return self.density.call(self._pulled, [(self.density.p,)], [x, w], None)[0]

    def jacobian(self, x: Array, which: NDArray[np.int_]) -> Array:
        """Return the gradients at one point, (p,), of some of the elements: (len(which), p)."""
        if not len(which):
            return np.zeros((0, len(x)))
        w = np.zeros((len(which), self.size))
        w[np.arange(len(which)), which] = 1.0
        return self.pulled(np.tile(x, (len(which), 1)), w)

    def hessian(self, x: Array, w: Array) -> Array:
        """Return the Hessian at one point of the sum of the arguments weighed by `w`, (K,)."""
        p = len(x)
        if not np.any(w):
            return np.zeros((p, p))
        rows, weights = np.tile(x, (p, 1)), np.tile(w, (p, 1))
        [bent] = self.density.call(self._bent, [(p,)], [rows, weights, np.eye(p)], None)
        return 0.5 * (bent + bent.T)

    def bound_to(self, density: LogDensity) -> Kinks:
        """Return the kinks of `density`, which is this one, or the same bound to other inputs."""
        bound = copy.copy(self)
        bound.density = density
        return bound

    def rounded(self, density: LogDensity, width: Array) -> LogDensity:
        """Return `density`, this one or one bound to inputs, with its kinks `width`, (K,), wide."""
        if "smooth" not in self._functions:
            self._functions["smooth"] = self._make_smooth()
        smooth: LogDensity = self._functions["smooth"]
        return smooth.bind({**density.bound, _WIDTH: width})

    # ------------------------------------------------------------------------------- private

    @property
    def _inputs(self) -> list[Input]:
        return list(self._source.inputs.values())

    def _function(
        self,
        kind: str,
        make: Callable[..., list[Any]] | None = None,
        vectors: Sequence[int] = (),
    ) -> Callable:
        """Compile what `make` makes of the arguments, batched or not."""
        if kind not in self._functions:
            functions, row = self._source.functions, self._source.graphs.row
            self._functions[kind] = row_function(
                functions.compile,
                row,
                self._arguments,
                make,
                vectors,
                vectorised=functions.is_vectorised,
            )
        return self._functions[kind]

    @property
    def _values(self) -> Callable:
        return self._function("values")

    @property
    def _pulled(self) -> Callable:
        def make(arguments: list[Any], x: Any, w: Any) -> list[Any]:
            return [gradient(self._weighed(arguments, w), x)]

        return self._function("pulled", make, [self.size])

    @property
    def _bent(self) -> Callable:
        """Products of vectors with the Hessian."""

        def make(arguments: list[Any], x: Any, w: Any, v: Any) -> list[Any]:
            slope = gradient(self._weighed(arguments, w), x)
            return [gradient((slope * v).sum(), x)]

        return self._function("bent", make, [self.size, self.density.p])

    def _weighed(self, arguments: list[Any], w: Any) -> Any:
        """Return the sum over the rows of the arguments, each times its part of `w`."""
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        total = pt.zeros(())
        for argument, start, end in zip(arguments, ends[:-1], ends[1:], strict=True):
            total += (w[..., int(start) : int(end)] * argument.flatten(w.type.ndim)).sum()
        return total

    def _make_smooth(self) -> LogDensity:
        """Return the density with every absolute value of u as the root of u^2 + width^2."""
        density = self._source
        width = Input(_WIDTH, pt.vector(shape=(self.size,), dtype="float64"), np.ones(self.size))
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        widths = [
            width.variable[int(a) : int(b)].reshape(shape)
            for a, b, shape in zip(ends[:-1], ends[1:], self.shapes, strict=True)
        ]
        own = {site.key: one for site, one in zip(self._sites, widths, strict=True)}
        graphs = {
            term: rounded_off(density.graphs.term(term), density.graphs.row, own)
            for term in dict.fromkeys(density.terms)
        }
        return density.remade(graphs, {**density.inputs, _WIDTH: width})


def kinks_of(density: LogDensity, terms: Sequence[str], *, with_walls: bool = False) -> Kinks:
    """Return the kinks of some terms of a density; found once, and kept with what it is made of."""
    kind = "walls" if with_walls else "kinks"
    kinks: Kinks = density.functions.kept(
        (kind, *terms), lambda: Kinks(density, terms, with_walls=with_walls)
    )
    return kinks.bound_to(density)
