"""Where a log density may have a kink, or ends, read from its graph.

An absolute value, a maximum, a sign, a comparison: each has an argument u(x) that is zero where the
derivative can jump.  These arguments are compiled here, with their derivatives, and so is the
density with every kink rounded off over a given width.  Nothing is compiled before it is asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.scalar as ps
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.traversal import toposort
from pytensor.scalar.math import Sigmoid
from pytensor.tensor.elemwise import Elemwise

from bayes_point.model.density import LogDensity, _grad, _Loop, _over_rows
from bayes_point.model.edges import edges_in, is_edge
from bayes_point.model.inputs import Input
from bayes_point.model.simpler import is_constant, made_by

__all__ = ["Kinks", "kinks_of"]

Array = NDArray[np.float64]

_WIDTH = "width of the kinks"
_ORDER = ps.GT | ps.GE | ps.LT | ps.LE
_EXTREME = ps.Maximum | ps.Minimum


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
        self._source = copy.copy(density)
        self._source.asks = None
        self._sites: list[_Site] = []
        self._term_of: list[str] = []
        for term in self.terms:
            for site in _sites(density, term):
                if not any(site.key == other.key for other in self._sites):
                    self._sites.append(site)
                    self._term_of.append(term)
        self._n_kinks = len(self._sites)
        for term in self.terms if with_walls else ():
            if term == "prior":
                continue  # its own support is what its transform keeps to
            for big, small in edges_in(density._term(term), density._row):
                if not any(site.key == (big, small) for site in self._sites[self._n_kinks :]):
                    self._sites.append(_Site(big, small))
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
        out = self.density._call(self._values, self.shapes, [x], None)
        return np.concatenate([part.reshape(len(x), -1) for part in out], axis=1)

    def pulled(self, x: Array, w: Array) -> Array:
        """Return the gradient of the sum of the arguments weighed by `w`, (batch, K)."""
        return self.density._call(self._pulled, [(self.density.p,)], [x, w], None)[0]

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
        rows, weights = np.tile(x, (p, 1)), np.tile(w, (p, 1))
        [bent] = self.density._call(self._bent, [(p,)], [rows, weights, np.eye(p)], None)
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
        bound = copy.copy(self._functions["smooth"])
        bound._bound = {**density._bound, _WIDTH: width[None, :]}
        return bound

    # ------------------------------------------------------------------------------- private

    @property
    def _inputs(self) -> list[Input]:
        return list(self._source.inputs.values())

    def _function(self, kind: str, build: Callable[[list[Any], list[Any]], tuple]) -> Callable:
        """Compile what `build` makes of the row's variables and the arguments, batched or not."""
        if kind not in self._functions:
            density = self._source
            row = density._row
            if density.is_vectorised:
                rows = density._rows
                inputs, outputs = build(rows, _over_rows(self._arguments, row, rows))
                self._functions[kind] = density._function(inputs, outputs)
            else:
                inputs, outputs = build(row, self._arguments)
                self._functions[kind] = _Loop(density._function(inputs, outputs))
        return self._functions[kind]

    @property
    def _values(self) -> Callable:
        return self._function("values", lambda row, arguments: (row, arguments))

    @property
    def _pulled(self) -> Callable:
        def build(row: list[Any], arguments: list[Any]) -> tuple:
            w, total = self._weighed(row, arguments)
            return [row[0], w, *row[1:]], [_grad(total, row[0])]

        return self._function("pulled", build)

    @property
    def _bent(self) -> Callable:
        """Products of vectors with the Hessian."""

        def build(row: list[Any], arguments: list[Any]) -> tuple:
            w, total = self._weighed(row, arguments)
            v = row[0].type("v")
            bent = _grad((_grad(total, row[0]) * v).sum(), row[0])
            return [row[0], w, v, *row[1:]], [bent]

        return self._function("bent", build)

    def _weighed(self, row: list[Any], arguments: list[Any]) -> tuple[Any, Any]:
        batch = row[0].type.ndim - 1
        w = pt.tensor("w", shape=(None,) * batch + (self.size,), dtype="float64")
        total, start = pt.zeros(()), 0
        for argument, shape in zip(arguments, self.shapes, strict=True):
            end = start + int(np.prod(shape))
            own = w[..., start:end]
            flat = argument.reshape((argument.shape[0], -1)) if batch else argument.reshape((-1,))
            total, start = total + (own * flat).sum(), end
        return w, total

    def _make_smooth(self) -> LogDensity:
        """Return the density with every absolute value of u as the root of u^2 + width^2."""
        density = self._source
        width = Input(_WIDTH, pt.vector(shape=(self.size,), dtype="float64"), np.ones(self.size))
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        widths = [
            width.variable[int(a) : int(b)].reshape(shape)
            for a, b, shape in zip(ends[:-1], ends[1:], self.shapes, strict=True)
        ]
        graphs = {term: self._rounded_off(term, widths) for term in dict.fromkeys(density.terms)}
        return density.remade(graphs, {**density.inputs, _WIDTH: width})

    def _rounded_off(self, term: str, widths: list[Any]) -> Any:
        """Make the graph of a term anew, with each site of a kink replaced by a smooth one."""
        own = {site.key: width for site, width in zip(self._sites, widths, strict=True)}
        graph = self._source._term(term)
        new: dict[Any, Any] = {}
        # What a comparison says, rounded off: from 0 to 1 as its argument goes through zero.
        steps: dict[Any, Any] = {}
        for node in toposort([graph], self._source._row):
            inputs = [new.get(var, var) for var in node.inputs]
            site = _site(node)
            width = None if site is None else own.get(site.key)
            if width is not None:
                left, right = inputs[0], (inputs[1] if len(inputs) > 1 else pt.zeros(()))
                made = _rounded_site(node, left, right, width)
                if made is not None:
                    new[node.outputs[0]] = made
                    continue
                u = left - right
                up = 0.5 + 0.5 * u / pt.sqrt(u**2 + width**2)
                is_less = isinstance(node.op.scalar_op, ps.LT | ps.LE)
                steps[node.outputs[0]] = 1 - up if is_less else up
            made = _blended(node, inputs, steps)
            if made is not None:
                new[node.outputs[0]] = made
            elif any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
                clone = node.clone_with_new_inputs(inputs, strict=False)
                new.update(zip(node.outputs, clone.outputs, strict=True))
        return new.get(graph, graph)


@dataclass(frozen=True)
class _Site:
    """One place in a graph where u = left - right is compared with zero; right None is zero."""

    left: Any
    right: Any

    @property
    def key(self) -> tuple[Any, Any]:
        """What tells arguments apart."""
        return self.left, self.right

    @property
    def argument(self) -> Any:
        """The graph of u."""
        u = self.left if self.right is None else self.left - self.right
        return u.astype("float64")


def _sites(density: LogDensity, term: str) -> list[_Site]:
    """Return the sites of a term whose argument depends on the vector.

    Not those that only decide where the density ends: at an edge of the support there is no slope
    on the other side.
    """
    row = density._row
    graph = density._term(term)
    reached, todo = {graph}, [graph]
    while todo:
        node = todo.pop().owner
        if node is None or node.inputs == []:
            continue
        for var in node.inputs[1:] if is_edge(node) else node.inputs:
            if var not in reached:
                reached.add(var)
                todo.append(var)
    out, depends = [], {row[0]}
    for node in toposort([graph], row):
        if not any(var in depends for var in node.inputs):
            continue
        depends.update(node.outputs)
        site = _site(node) if node.outputs[0] in reached else None
        if site is not None:
            out.append(site)
    return out


def _site(node: Any) -> _Site | None:
    if not isinstance(node.op, Elemwise):
        return None
    op, inputs = node.op.scalar_op, node.inputs
    if any(var.type.dtype in ("bool", "complex128") for var in inputs):
        return None
    if isinstance(op, ps.Abs | ps.Sign):
        return None if _is_positive(inputs[0]) else _Site(inputs[0], None)
    if isinstance(op, _EXTREME):
        return _Site(inputs[0], inputs[1])
    if isinstance(op, _ORDER):
        big, small = inputs if isinstance(op, ps.GT | ps.GE) else reversed(inputs)
        if (_is_positive(big) and is_constant(small, 0)) or (
            made_by(small, Sigmoid) and is_constant(big, 1)
        ):
            return None
        return _Site(inputs[0], inputs[1])
    return None


def _rounded_site(node: Any, left: Any, right: Any, width: Any) -> Any:
    """Return the smooth form of an absolute value, a sign, a maximum or a minimum; else None."""
    op, u = node.op.scalar_op, left - right
    root = pt.sqrt(u**2 + width**2)
    if isinstance(op, ps.Abs):
        return root
    if isinstance(op, ps.Sign):
        return u / root
    if isinstance(op, ps.Maximum):
        return 0.5 * (left + right + root)
    if isinstance(op, ps.Minimum):
        return 0.5 * (left + right - root)
    return None


def _blended(node: Any, inputs: list[Any], steps: dict[Any, Any]) -> Any:
    """Return a switch, or a product with a comparison, with the steps that are smooth now."""
    if not isinstance(node.op, Elemwise) or not any(var in steps for var in node.inputs):
        return None
    op = node.op.scalar_op
    if isinstance(op, ps.Switch) and node.inputs[0] in steps:
        up, (yes, no) = steps[node.inputs[0]], inputs[1:]
        if is_edge(node):
            return None  # beyond it there is nothing to go over into
        return up * yes + (1 - up) * no
    if isinstance(op, ps.Mul | ps.Cast):
        known = [steps.get(var, new) for var, new in zip(node.inputs, inputs, strict=True)]
        return pt.mul(*known) if len(known) > 1 else known[0]
    return None


def _is_positive(graph: Any) -> bool:
    """Whether a graph is an exponential, a logistic function or a square."""
    return made_by(graph, ps.Exp | Sigmoid | ps.Sqr)


def kinks_of(density: LogDensity, terms: Sequence[str], *, with_walls: bool = False) -> Kinks:
    """Return the kinks of some terms of a density; found once, and kept with what it is made of."""
    key = ("walls" if with_walls else "kinks", *terms)
    if key not in density._functions:
        density._functions[key] = Kinks(  # type: ignore[assignment]
            density, terms, with_walls=with_walls
        )
    return density._functions[key].bound_to(density)  # type: ignore[attr-defined]
