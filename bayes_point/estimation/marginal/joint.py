"""The density that latent variables are integrated out of, and its derivatives."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike, NDArray
from pytensor.graph.traversal import ancestors

from bayes_point.model.density.density import Evaluator, LogDensity
from bayes_point.model.differences import central_difference
from bayes_point.model.interpreter.unrolled import unrolled

__all__ = ["Joint", "joint_of"]

Array = NDArray[np.float64]
Inputs = Mapping[str, NDArray] | None

# Step of a difference of fourth order, in standard deviations of the latent that moves most: its
# fourth power is 1e-10, and rounding over it 1e-13.
_STEP = 3e-3
# The same of two points, whose error is of second order: 1e-8, for what only climbs.
_ROUGH_STEP = 1e-4
_TERM = ("likelihood",)
# Latents and data from which an evaluation takes longer than to call what computes it.
_LARGE = 5_000


class Joint:
    """log p(y, u | theta), as a function of the whole unconstrained vector of theta and u.

    On the scale of u on which PyMC samples it, with the Jacobian of the latents' transforms: it is
    integrated over that scale.  The parameters' own priors are no part of it.

    Parameters
    ----------
    density : LogDensity
        The model's.
    latents : sequence of str
        The free variables that are integrated out.
    flat : sequence of str
        Some of them that are integrated with a flat measure on the natural scale instead of their
        prior: the fixed effects of REML.

    Attributes
    ----------
    inner : ndarray of int, (d,)
        Which coordinates of the vector are those of u.
    outer : ndarray of int, (P,)
        Which are those of theta.
    """

    def __init__(
        self, density: LogDensity, latents: Sequence[str], flat: Sequence[str] = ()
    ) -> None:
        graphs, frozen = density.graphs, density.graphs.frozen
        self.model: pm.Model = frozen
        self.latents, self.flat = tuple(latents), tuple(flat)
        is_inner = np.isin(density.variables, list(latents))
        self.inner, self.outer = np.flatnonzero(is_inner), np.flatnonzero(~is_inner)
        self.p, self.d = density.p, len(self.inner)
        # Where discrete variables were summed out, the prior of what depends on them was as well.
        whole = graphs.in_likelihood
        proper = [frozen[name] for name in latents if name not in flat and name not in whole]
        flat = [name for name in latents if name in flat or name in whole]
        total = graphs.term_of_values("likelihood")
        if proper:
            total = total + frozen.logp(vars=proper, jacobian=True)
        if flat:
            rvs = [frozen[name] for name in flat]
            total = total + frozen.logp(vars=rvs, jacobian=True)
            total = total - frozen.logp(vars=rvs, jacobian=False)
        values = {graphs.frozen.rvs_to_values[frozen[name]] for name in latents}
        self.potentials = [
            var
            for var in frozen.potentials
            if var.name not in whole and values & set(ancestors([self._of_values(var)]))
        ]
        if self.potentials:
            total = total + frozen.logp(vars=self.potentials, jacobian=False)
        terms = {"likelihood": unrolled(graphs.of_x([total])[0], graphs.row)}
        self.density = density.remade(terms, density.inputs)
        if density.bound:
            self.density = self.density.bind(density.bound)
        self.natural_of = density

    @cached_property
    def terms(self) -> pt.TensorVariable:
        """A vector of all that the density is the sum of, as a graph of a row."""
        frozen, graphs = self.model, self.natural_of.graphs
        whole = {*self.flat, *graphs.in_likelihood}
        proper = [frozen[name] for name in self.latents if name not in whole]
        more = self.potentials
        parts = [
            *graphs.likelihood_parts(),
            *(frozen.logp(vars=more, jacobian=False, sum=False) if more else []),
            *(frozen.logp(vars=proper, jacobian=True, sum=False) if proper else []),
        ]
        flat = [frozen[name] for name in self.latents if name in whole]
        if flat:
            parts += frozen.logp(vars=flat, jacobian=True, sum=False)
            parts += [-part for part in frozen.logp(vars=flat, jacobian=False, sum=False)]
        vector = pt.concatenate([pt.atleast_1d(part).ravel() for part in parts])
        return unrolled(graphs.of_x([vector])[0], graphs.row)

    def _of_values(self, variable: pt.TensorVariable) -> pt.TensorVariable:
        return self.model.replace_rvs_by_values([variable])[0]

    def bound(self, values: Mapping[str, ArrayLike]) -> Joint:
        """Return the same for other data."""
        other = copy.copy(self)
        other.density, other.natural_of = self.density.bind(values), self.natural_of.bind(values)
        return other

    def evaluated_by(self, evaluator: Evaluator | None) -> Joint:
        """Return the same with another that calls its functions, or none: see `LogDensity`."""
        other = copy.copy(self)
        other.density = self.density.evaluated_by(evaluator)
        return other

    def whole(self, theta: Array, u: Array) -> Array:
        """Join parameters, (batch, P), and latents, (batch, d), to vectors, (batch, p)."""
        x = np.empty((len(theta), self.p))
        x[:, self.outer], x[:, self.inner] = theta, u
        return x

    def evaluate(self, x: Array, inputs: Inputs) -> tuple[Array, Array]:
        """Return value, (batch,), and gradient, (batch, p)."""
        function = self.density.functions.value_and_gradient(_TERM)
        value, gradient = self.density.call(function, [(), (self.p,)], [x], inputs)
        return value, gradient

    def hessian_product(self, x: Array, v: Array, inputs: Inputs) -> Array:
        """Return the Hessian at each row of `x` times that row of `v`, (batch, p)."""
        function = self.density.functions.hessian_product(_TERM)
        if function is None:
            return self.density.hessian_product(x, v, _TERM, inputs)[:, 0]
        return self.density.call(function, [(self.p,)], [x, v], inputs)[0]

    def third_product(
        self,
        x: Array,
        v: Array,
        w: Array,
        deviations: Array,
        inputs: Inputs,
        *,
        is_gaussian: bool = False,
        is_rough: bool = False,
    ) -> Array:
        """Return the derivative by x of ``w' H(x) v``, row by row: (batch, p).

        Along latents alone, whose standard deviations are `deviations`, (batch, d).  Where the
        density is Gaussian in them ``H v`` is linear along them, and two points tell its slope;
        two do, to 1e-8, where `is_rough`.
        """
        # By symmetry the derivative of H v along w.  Third derivatives take seconds to build.
        size = np.max(np.abs(w[:, self.inner]) / deviations, axis=1, keepdims=True)
        step = 1.0 if is_gaussian else _ROUGH_STEP if is_rough else _STEP
        h = step / (size + np.finfo(float).tiny)
        steps = (1, -1) if is_gaussian or is_rough else (2, 1, -1, -2)
        n = len(steps)
        again = inputs and {name: np.concatenate([rows] * n) for name, rows in inputs.items()}
        rows = np.concatenate([x + step * h * w for step in steps])
        products = self.hessian_product(rows, np.tile(v, (n, 1)), again)
        if n == 2:
            ahead, behind = np.split(products, 2)
            return np.asarray((ahead - behind) / (2 * h))
        far, near, back, far_back = np.split(products, 4)
        return central_difference(far, near, back, far_back, h)

    @property
    def is_large(self) -> bool:
        """Whether an evaluation takes so long that what saves some of them is worth a compile."""
        return self.d + self.density.graphs.data_size >= _LARGE


def joint_of(density: LogDensity, latents: Sequence[str], flat: Sequence[str] = ()) -> Joint:
    """Return the density that these are integrated out of; made once, with what is compiled."""
    key = ("joint", *latents, "flat", *flat)
    joint: Joint = density.functions.kept(key, lambda: Joint(density, latents, flat))
    return joint
