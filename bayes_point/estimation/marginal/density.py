"""The marginal likelihood of a model, as a density of the parameters alone."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_point.estimation.marginal.find_structure import find_structure
from bayes_point.estimation.marginal.integration import Integration
from bayes_point.estimation.marginal.joint import Joint
from bayes_point.estimation.marginal.modes import (
    ITERATIONS,
    TRIED,
    Anchor,
    Modes,
    find_modes,
    predicted,
)
from bayes_point.estimation.marginal.structure import Structure
from bayes_point.model.density.density import Inputs, LogDensity
from bayes_point.model.density.derivatives import natural_derivatives
from bayes_point.model.density.functions import Functions
from bayes_point.model.differences import central_difference

__all__ = ["MOST_SPREAD", "MarginalDensity"]

Array = NDArray[np.float64]

# Step of the differences that the Hessian is made of, in standard errors: its fourth power is
# 1e-9, and rounding of the gradient over it not much more.
_STEP = 0.005
# Where no curvature is known, relative to the size of a coordinate; and in a log, at most.
_FIRST_STEP, _LOG_STEP = 1e-4, 0.01
# Latents up to which covariances between them are computed: a matrix of 8 MB.
MOST_SPREAD = 1_000
# Points whose modes are remembered, to begin the search for those of others nearby.
_ANCHORS = 16


class MarginalDensity(LogDensity):
    r"""The log densities of a model's parameters, its latent variables integrated out.

    The term ``"likelihood"`` is the log of the integral of p(y, u | theta) over the latents u, by
    Laplace's method [1]_: exact where that density is Gaussian in u.  With its maximum at
    :math:`\hat u`, its negative Hessian H there, and d latents, it is

    .. math:: \log p(y, \hat u | \theta) + \tfrac d2 \log 2\pi - \tfrac12 \log |H|

    and its gradient is exact as well.  The other terms are those of the parameters alone.

    Parameters
    ----------
    full : LogDensity
        The model's, of parameters and latents.
    latents : sequence of str
        The free variables that are integrated out.
    start : ndarray, (p,)
        A point from which the modes of the latents are first searched.
    flat : sequence of str
        Those of them that are integrated with a flat measure: the fixed effects of REML.
    structure : Structure, optional
        How the latents depend on each other; by default that is found out.

    Attributes
    ----------
    reasons : mapping of str to str
        What is integrated out, and why.
    is_exact : bool
        Whether the density is Gaussian in the latents, which makes Laplace's method exact.

    References
    ----------
    .. [1] L. Tierney, J. B. Kadane (1986), Accurate approximations for posterior moments and
       marginal densities, https://doi.org/10.1080/01621459.1986.10478240; the gradient as in
       H. J. Skaug, D. A. Fournier (2006), https://doi.org/10.1016/j.csda.2006.03.005
    """

    is_integral = True

    def __init__(
        self,
        full: LogDensity,
        latents: Sequence[str],
        start: Array,
        *,
        flat: Sequence[str] = (),
        structure: Structure | None = None,
    ) -> None:
        names = [name for name in dict.fromkeys(full.variables) if name not in latents]
        self._made_of = (tuple(latents), start, tuple(flat))
        self.full, self.joint = full, Joint(full, latents, flat)
        joint = self.joint
        self.structure = structure or find_structure(joint, start, np.random.default_rng(0))
        self._start = start[joint.inner]
        self._anchors: list[Anchor] = []
        self._step = np.full(len(joint.outer), np.nan)
        self.graphs = _parameters(full, joint, names, start)
        self.functions = Functions(self.graphs, full.functions.mode)
        self._names, self._discrete, self._bound = full._names, full._discrete, {}
        self.labels, self.parameters, self.variables = (
            [part[i] for i in joint.outer]
            for part in (full.labels, full.parameters, full.variables)
        )
        self.reasons: Mapping[str, str] = dict.fromkeys(latents, "named")
        self.is_exact = False
        self.kinds = full.kinds[joint.outer]
        self._is_log = self.kinds != "identity"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what this was made of; nothing compiled."""
        known = {"reasons": dict(self.reasons), "is_exact": self.is_exact}
        return _made_again, (self.full, *self._made_of, known)

    @property
    def has_deviations_alone(self) -> bool:
        """Whether the latents are too many for how they vary together, given the parameters."""
        return self.joint.d > MOST_SPREAD

    # ------------------------------------------------------------------ values and derivatives

    def evaluate(
        self, x: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> tuple[Array, Array]:
        """See `LogDensity`."""
        value, gradient = super().evaluate(x, terms, inputs)
        if "likelihood" in terms:
            k = list(terms).index("likelihood")
            value[:, k], gradient[:, k] = self.marginal(x, inputs)
        return value, gradient

    def values(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """See `LogDensity`."""
        value = super().values(x, terms, inputs)
        if "likelihood" in terms:
            value[:, list(terms).index("likelihood")] = self._values_of(self.modes(x, inputs))
        return value

    def hessian(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """See `LogDensity`; that of the likelihood by differences of its gradient."""
        parts = [
            self._curvature(x, inputs)
            if term == "likelihood"
            else super(MarginalDensity, self).hessian(x, (term,), inputs)[:, 0]
            for term in terms
        ]
        return np.stack(parts, axis=1)

    def hessian_product(
        self, x: Array, v: Array, terms: Sequence[str], inputs: Inputs | None = None
    ) -> Array:
        """See `LogDensity`."""
        product = super().hessian_product(x, v, terms, inputs)
        if "likelihood" in terms:
            curvature = self._curvature(x, inputs)
            product[:, list(terms).index("likelihood")] = np.einsum("bpq,bq->bp", curvature, v)
        return product

    def marginal(self, x: Array, inputs: Inputs | None = None) -> tuple[Array, Array]:
        """Return the log marginal likelihood, (batch,), and its gradient, (batch, P)."""
        with np.errstate(all="ignore"):
            modes = self.modes(x, inputs)
            return self._values_of(modes), self._gradients_of(modes, inputs)

    def modes(self, x: Array, inputs: Inputs | None = None) -> Modes:
        """Return the modes of the latents for each row of parameters `x`, (batch, P)."""
        with np.errstate(all="ignore"):
            starts = predicted(self.joint, self._anchors, self._start, x, inputs)
            return find_modes(
                self.joint,
                self.structure,
                x,
                starts,
                self._start,
                inputs,
                is_gaussian=self.is_exact,
                most=TRIED if self._is_rough else ITERATIONS,
            )

    def _values_of(self, modes: Modes) -> Array:
        half = 0.5 * self.structure.log_determinant(modes.factors)
        value = modes.value + 0.5 * self.joint.d * math.log(2 * math.pi) - half
        return np.where(modes.found, value, np.nan)

    def _gradients_of(self, modes: Modes, inputs: Inputs | None) -> Array:
        joint, structure = self.joint, self.structure
        n, c = len(modes.x), len(structure.seeds)
        v, w = np.zeros((n * c, joint.p)), np.zeros((n * c, joint.p))
        v[:, joint.inner] = np.tile(structure.seeds, (n, 1))
        w[:, joint.inner] = structure.inverse_products(modes.factors).reshape(n * c, -1)
        again = inputs and {name: np.repeat(rows, c, axis=0) for name, rows in inputs.items()}
        deviations = np.repeat(np.sqrt(structure.variances(modes.factors)), c, axis=0)
        third = joint.third_product(np.repeat(modes.x, c, axis=0), v, w, deviations, again)
        # Half the derivative of -log|H| where the latents stay, and as far as they move.
        trace = 0.5 * third.reshape(n, c, -1).sum(axis=1)
        moved = np.zeros_like(modes.x)
        pull = trace[:, joint.inner] + modes.gradient[:, joint.inner]
        moved[:, joint.inner] = structure.solve(modes.factors, pull)
        gradient = modes.gradient + trace + joint.hessian_product(modes.x, moved, inputs)
        return np.where(modes.found[:, None], gradient[:, joint.outer], np.nan)

    def slopes_of(self, modes: Modes, inputs: Inputs | None = None) -> Array:
        """Return how the modes change with the parameters, (batch, d, P)."""
        joint = self.joint
        n, p = len(modes.x), len(joint.outer)
        v = np.zeros((n * p, joint.p))
        v[np.arange(n * p), np.tile(joint.outer, n)] = 1.0
        again = inputs and {name: np.repeat(rows, p, axis=0) for name, rows in inputs.items()}
        mixed = joint.hessian_product(np.repeat(modes.x, p, axis=0), v, again)[:, joint.inner]
        factors = np.repeat(modes.factors, p, axis=0)
        return self.structure.solve(factors, mixed).reshape(n, p, joint.d).swapaxes(1, 2)

    def _remember(self, x: Array, inputs: Inputs | None) -> None:
        """Let the search for modes near these rows begin at theirs, or where they lead to."""
        modes = self.modes(x, inputs)
        slopes = self.slopes_of(modes, inputs)
        for theta, whole, slope in zip(
            x[modes.found], modes.x[modes.found], slopes[modes.found], strict=True
        ):
            if np.isfinite(slope).all():
                self._anchors.append(Anchor(theta.copy(), whole[self.joint.inner], slope))
        del self._anchors[:-_ANCHORS]

    def _curvature(self, x: Array, inputs: Inputs | None) -> Array:
        with np.errstate(all="ignore"):
            self._remember(x[-_ANCHORS:], inputs and {k: v[-_ANCHORS:] for k, v in inputs.items()})
            longest = np.where(self._is_log, _LOG_STEP, np.inf)
            known = np.isfinite(self._step)
            step = np.where(known, self._step, _FIRST_STEP * (1 + np.abs(x)))
            hessian = self._differences_of(x, np.minimum(step, longest), inputs)
            wanted = _STEP / np.sqrt(np.abs(np.diagonal(hessian, axis1=1, axis2=2)))
            wanted = np.minimum(wanted, np.minimum(longest, 1e-2 * (1 + np.abs(x))))
            # A step that is far off is a difference of rounding, or of another part of the density.
            off = ~((wanted < 10 * step) & (wanted > 0.1 * step)) & np.isfinite(wanted)
            if off.any():
                rows = np.flatnonzero(off.any(axis=1))
                again = inputs and {name: part[rows] for name, part in inputs.items()}
                better = np.where(off, wanted, step)[rows]
                hessian[rows] = self._differences_of(x[rows], better, again)
            typical = np.nanmedian(np.where(np.isfinite(wanted), wanted, np.nan), axis=0)
            self._step = np.where(np.isfinite(typical), typical, self._step)
        return hessian

    def _differences_of(self, x: Array, step: Array, inputs: Inputs | None) -> Array:
        """Return the Hessian, (batch, P, P), from differences of the exact gradient."""
        n, p = x.shape
        each = np.broadcast_to(step, x.shape)[:, :, None] * np.eye(p)
        multiples = np.array([1.0, -1.0] if self._is_rough else [2.0, 1.0, -1.0, -2.0])
        k = len(multiples)
        rows = (x[:, None, None] + multiples[:, None, None] * each[:, None]).reshape(-1, p)
        again = inputs and {name: np.repeat(part, k * p, axis=0) for name, part in inputs.items()}
        gradients = self.marginal(rows, again)[1].reshape(n, k, p, p).swapaxes(0, 1)
        h = np.broadcast_to(step, x.shape)[:, :, None]
        if self._is_rough:
            hessian = (gradients[0] - gradients[1]) / (2 * h)
        else:
            far, near, back, far_back = gradients
            hessian = central_difference(far, near, back, far_back, h)
        return np.asarray(0.5 * (hessian + hessian.swapaxes(1, 2)))

    @property
    def integration(self) -> Integration:
        """What is integrated out, and how."""
        return Integration(
            latents=dict(self.reasons),
            n_latents=self.joint.d,
            method="exact" if self.is_exact else "laplace",
            structure=self.structure.name,
            flat=self.joint.flat,
            laplace_shift=dict.fromkeys(self.labels, 0.0) if self.is_exact else {},
        )

    @property
    def is_costly(self) -> bool:
        """See `LogDensity`; an evaluation is a search for the modes."""
        return self.joint.is_large

    # ------------------------------------------------------------------- other data, other scales

    def bind(self, values: Mapping[str, ArrayLike]) -> MarginalDensity:
        """See `LogDensity`."""
        bound = super().bind(values)
        assert isinstance(bound, MarginalDensity)
        bound.full, bound.joint = self.full.bind(values), self.joint.bound(values)
        bound._anchors = list(self._anchors)
        return bound

    def remade(self, graphs: Mapping[str, Any], inputs: Mapping[str, Any]) -> MarginalDensity:
        """See `LogDensity`; the marginal likelihood stays as it is."""
        other = copy.copy(self)
        other.graphs = self.graphs.remade(graphs, inputs)
        other.functions = self.functions.of(other.graphs)
        return other

    @property
    def natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """See `LogDensity`."""
        return self.full.natural_shapes

    def natural(self, x: Array, inputs: Inputs | None = None) -> dict[str, NDArray]:
        """See `LogDensity`; the latents are at their modes."""
        modes = self.modes(x, inputs)
        whole = modes.x.copy()
        whole[np.ix_(~modes.found, self.joint.inner)] = np.nan
        return self.full.natural(whole, inputs)

    def natural_jacobian(self, x: Array) -> dict[str, Array]:
        """Return the derivatives of every natural-scale variable by the parameters, at `x`, (P,).

        The modes of the latents move with the parameters: each (*shape, P).
        """
        with np.errstate(all="ignore"):
            modes = self.modes(x[None])
            along = np.zeros((len(x), self.joint.p))
            along[np.arange(len(x)), self.joint.outer] = 1.0
            along[:, self.joint.inner] = self.slopes_of(modes)[0].T
            return self._pushed(modes.x[0], along)

    def natural_spread(self, x: Array) -> dict[str, Array]:
        """Return how every natural-scale variable spreads given the parameters `x`, (P,).

        Each (*shape, d): times its transpose it is the covariance, by the delta method, that comes
        from the latents.  Where they are too many for that, one column: the standard deviations,
        NaN for what is computed from several of them.
        """
        with np.errstate(all="ignore"):
            modes = self.modes(x[None])
            if self.has_deviations_alone:
                return self._deviations(modes)
            factors = modes.factors
            roots = self.structure.spread(
                np.repeat(factors, self.joint.d, axis=0), np.eye(self.joint.d)
            )
            along = np.zeros((self.joint.d, self.joint.p))
            along[:, self.joint.inner] = roots
            return self._pushed(modes.x[0], along)

    def _deviations(self, modes: Modes) -> dict[str, Array]:
        """Return the standard deviations given the parameters, each (*shape, 1)."""
        along = np.zeros((1, self.joint.p))
        along[0, self.joint.inner] = np.sqrt(self.structure.variances(modes.factors)[0])
        # A latent, transformed or not, is a function of its own coordinate; others may be of many.
        alone = {
            rv.name
            for rv, natural, shape in zip(
                self.full.graphs.free,
                self.full.graphs.free_shapes,
                self.full.graphs.shapes,
                strict=True,
            )
            if natural == shape
        }
        return {
            name: rows if name in alone or name in self.graphs.natural else rows * np.nan
            for name, rows in self._pushed(modes.x[0], along).items()
        }

    def _pushed(self, whole: Array, along: Array) -> dict[str, Array]:
        pushed = natural_derivatives(self.full).along(whole, along)
        return {name: np.moveaxis(np.asarray(rows, float), 0, -1) for name, rows in pushed.items()}


def _made_again(
    full: LogDensity,
    latents: Sequence[str],
    start: Array,
    flat: Sequence[str],
    known: Mapping[str, Any],
) -> MarginalDensity:
    """Return the density again, from what was pickled."""
    density = MarginalDensity(full, latents, start, flat=flat)
    density.__dict__.update(known)
    return density


def _parameters(full: LogDensity, joint: Joint, names: Sequence[str], start: Array) -> Any:
    """Return the terms of the parameters alone as graphs of their part of the vector."""
    graphs, frozen = full.graphs, full.graphs.frozen
    variables = np.array(full.variables)
    others = {
        rv.name: start[variables == rv.name].reshape(shape)
        for rv, shape in zip(graphs.free, graphs.shapes, strict=True)
        if rv.name in joint.latents
    }
    rvs = [frozen[name] for name in names]
    prior = frozen.logp(vars=rvs, jacobian=False)
    terms = {
        "likelihood": 0.0 * prior,
        "prior": prior,
        "jacobian": frozen.logp(vars=rvs, jacobian=True) - prior,
    }
    left = [potential for potential in frozen.potentials if potential not in joint.potentials]
    if left:
        terms["potential"] = frozen.logp(vars=left, jacobian=False)
    return graphs.restricted(names, others, terms)
