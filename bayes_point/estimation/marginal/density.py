"""The marginal likelihood of a model, as a density of the parameters alone."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_point.estimation.marginal.find_structure import find_structure
from bayes_point.estimation.marginal.integration import Integration, Method, OtherModes, sums_of
from bayes_point.estimation.marginal.joint import Joint, joint_of
from bayes_point.estimation.marginal.modes import (
    ITERATIONS,
    TRIED,
    Anchor,
    Modes,
    find_modes,
    predicted,
)
from bayes_point.estimation.marginal.quadrature import Quadrature, quadrature_of
from bayes_point.estimation.marginal.structure import Structure
from bayes_point.model.density.density import Evaluator, Inputs, LogDensity
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
# The same of what quadrature adds, which is small and smooth: of its slope, and its curvature.
_SLOPE_STEP, _BENT_STEP = 0.02, 0.05
# Latents up to which covariances between them are computed: a matrix of 8 MB.
MOST_SPREAD = 1_000
# Points whose modes are remembered, to begin the search for those of others nearby.
_ANCHORS = 16
# Points whose value, gradient or Hessian is remembered.
_RECENT = 1_000
# Numbers of one array, 32 MB, that gradients are made with at a time.
_AT_ONCE = 4_000_000


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
    nodes : int
        Of the quadrature, in each direction of a block of latents; 1 is Laplace's method.
    laplace_shift : mapping of str to float
        By how many standard errors Laplace's method moves each parameter; empty if not known.
    other_modes : OtherModes or None
        Further modes of the latents at the estimate, where some were found.

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
        self.full, self.joint = full, joint_of(full, latents, flat)
        joint = self.joint
        self.structure = structure or find_structure(joint, start, np.random.default_rng(0))
        self._start, self._start_of_parameters = start[joint.inner], start[joint.outer]
        self._anchors: list[Anchor] = []
        self._recent_rows: OrderedDict[tuple[Any, ...], tuple[Array, ...]] = OrderedDict()
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
        self.nodes = 1
        self.laplace_shift: Mapping[str, float] = {}
        self.other_modes: OtherModes | None = None
        self.kinds = full.kinds[joint.outer]
        self._is_log = self.kinds != "identity"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what this was made of; nothing compiled."""
        known = {
            "reasons": dict(self.reasons),
            "is_exact": self.is_exact,
            "nodes": self.nodes,
            "laplace_shift": dict(self.laplace_shift),
            "other_modes": self.other_modes,
        }
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
            (found,) = self._remembered("value", x, inputs, self._heights)
            value[:, list(terms).index("likelihood")] = found
        return value

    def _heights(self, x: Array, inputs: Inputs | None) -> tuple[Array]:
        modes = self.modes(x, inputs)
        return (self._values_of(modes) + self._corrections(modes, inputs),)

    def hessian(self, x: Array, terms: Sequence[str], inputs: Inputs | None = None) -> Array:
        """See `LogDensity`; that of the likelihood by differences of its gradient."""
        parts = [
            self._remembered(f"hessian {self._is_rough}", x, inputs, self._curvature)[0]
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
            (curvature,) = self._remembered(f"hessian {self._is_rough}", x, inputs, self._curvature)
            product[:, list(terms).index("likelihood")] = np.einsum("bpq,bq->bp", curvature, v)
        return product

    def marginal(self, x: Array, inputs: Inputs | None = None) -> tuple[Array, Array]:
        """Return the log marginal likelihood, (batch,), and its gradient, (batch, P)."""
        value, gradient = self._remembered("gradient", x, inputs, self._slopes)
        return value, gradient

    def _slopes(self, x: Array, inputs: Inputs | None) -> tuple[Array, Array]:
        value, gradient = self.laplace(x, inputs)
        if self.nodes > 1:
            more, slope = self.correction(x, inputs)
            value, gradient = value + more, gradient + slope
        return value, gradient

    def _remembered(
        self,
        kind: str,
        x: Array,
        inputs: Inputs | None,
        make: Callable[[Array, Inputs | None], tuple[Array, ...]],
    ) -> tuple[Array, ...]:
        """Return ``make(x, inputs)``, arrays of a row each; of known rows what was made of them.

        The search, the proof and the record ask for the same points, and none of them is cheap.
        """
        if inputs is not None or self._bound or not len(x):
            return make(x, inputs)
        keys = [(kind, self.nodes, row.tobytes()) for row in x]
        known = self._recent_rows
        new = [i for i, key in enumerate(keys) if key not in known]
        if new:
            made = make(x[new], None)
            rows = zip(*made, strict=True)
            known.update((keys[i], row) for i, row in zip(new, rows, strict=True))
        out = tuple(np.array(parts) for parts in zip(*(known[key] for key in keys), strict=True))
        while len(known) > _RECENT:
            known.popitem(last=False)
        return out

    def forget(self) -> None:
        """See `LogDensity`."""
        super().forget()
        self._recent_rows.clear()

    def laplace(
        self, x: Array, inputs: Inputs | None = None, starts: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the same by Laplace's method, whatever the number of nodes.

        The modes are searched from `starts`, (batch, d), if given.
        """
        at_once = max(1, _AT_ONCE // (4 * len(self.structure.seeds) * self.joint.p))
        parts = []
        with np.errstate(all="ignore"):
            for i in range(0, max(len(x), 1), at_once):
                rows = slice(i, i + at_once)
                some = inputs and {name: part[rows] for name, part in inputs.items()}
                modes = self.modes(x[rows], some, None if starts is None else starts[rows])
                parts.append((self._values_of(modes), self._gradients_of(modes, some)))
                if inputs is None and starts is None:
                    self._anchor(modes, None)
        value, gradient = (np.concatenate(part) for part in zip(*parts, strict=True))
        return value, gradient

    def correction(self, x: Array, inputs: Inputs | None = None) -> tuple[Array, Array]:
        """Return what quadrature adds to the value, (batch,), and to the gradient, (batch, P)."""
        n, p = x.shape
        step = self.widths(x, _SLOPE_STEP)
        multiples = np.array([0.0, 2.0, 1.0, -1.0, -2.0])
        away = multiples[:, None, None] * np.eye(p)
        steps = np.concatenate([np.zeros((1, p)), away[1:].reshape(-1, p)])
        values = self._corrections_at(x, step, steps, inputs)
        far, near, back, far_back = (part.T for part in values[1:].reshape(4, p, n))
        return values[0], central_difference(far, near, back, far_back, step)

    def _corrections_at(self, x: Array, step: Array, steps: Array, inputs: Inputs | None) -> Array:
        """Return corrections at so many steps from each row, (len(steps), batch)."""
        n, k = len(x), len(steps)
        rows = (x + steps[:, None] * step).reshape(k * n, -1)
        again = inputs and {
            name: np.tile(part, (k, *[1] * (part.ndim - 1))) for name, part in inputs.items()
        }
        with np.errstate(all="ignore"):
            return self._corrections(self.modes(rows, again), again).reshape(k, n)

    def _corrections(self, modes: Modes, inputs: Inputs | None) -> Array:
        if self.nodes == 1:
            return np.zeros(len(modes.x))
        assert self.quadrature is not None
        return self.quadrature.corrections(self.joint, modes, self.nodes, inputs).sum(axis=1)

    def widths(self, x: Array, part: float) -> Array:
        """Return a part of each standard error, as far as it is known, (batch, P)."""
        longest = np.where(self._is_log, part, np.inf)
        known = np.where(np.isfinite(self._step), self._step / _STEP, 0.1 * (1 + np.abs(x)))
        return np.minimum(part * known, longest)

    @property
    def quadrature(self) -> Quadrature | None:
        """Integrals over blocks of latents, beyond Laplace's method, where there are small ones."""
        whole = self.joint.whole(self._start_of_parameters[None], self._start[None])[0]
        found: Quadrature | None = self.joint.density.functions.kept(
            "quadrature", lambda: quadrature_of(self.joint, self.structure, whole)
        )
        return found

    def with_nodes(self, nodes: int) -> MarginalDensity:
        """Return the density by quadrature with so many nodes; 1 is Laplace's method."""
        other = copy.copy(self)
        other.nodes = nodes
        return other

    def with_other_modes(self, found: OtherModes | None) -> MarginalDensity:
        """Return the density with what is known of further modes of the latents."""
        other = copy.copy(self)
        other.other_modes = found
        return other

    def with_shift(self, shift: Mapping[str, float]) -> MarginalDensity:
        """Return the density with what is known of how far off Laplace's method is."""
        other = copy.copy(self)
        other.laplace_shift = shift
        return other

    def modes(self, x: Array, inputs: Inputs | None = None, starts: Array | None = None) -> Modes:
        """Return the modes of the latents for each row of parameters `x`, (batch, P).

        They are searched from `starts`, (batch, d); by default from where known ones lead to.
        """
        with np.errstate(all="ignore"):
            if starts is None:
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
        inverse = structure.inverse_products(modes.factors)
        w[:, joint.inner] = inverse.reshape(n * c, -1)
        again = inputs and {name: np.repeat(rows, c, axis=0) for name, rows in inputs.items()}
        # Of the columns that a seed is the sum of, each meets its own row once.
        variances = np.einsum("ncd,cd->nd", inverse, structure.seeds)
        deviations = np.repeat(np.sqrt(variances), c, axis=0)
        third = joint.third_product(
            np.repeat(modes.x, c, axis=0),
            v,
            w,
            deviations,
            again,
            is_gaussian=self.is_exact,
            is_rough=self._is_rough,
        )
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

    def remember(self, modes: Modes, inputs: Inputs | None = None) -> None:
        """Let the search for modes nearby begin at these, or where they lead to."""
        self._anchor(modes, self.slopes_of(modes, inputs))

    def _anchor(self, modes: Modes, slopes: Array | None) -> None:
        """Remember the last of these modes, and how they change where that is known."""
        joint = self.joint
        for i in np.flatnonzero(modes.found)[-_ANCHORS:]:
            theta, u = modes.x[i, joint.outer], modes.x[i, joint.inner]
            slope = None if slopes is None else slopes[i]
            if slope is None or np.isfinite(slope).all():
                self._anchors.append(Anchor(theta, u, slope))
        while len(self._anchors) > _ANCHORS:
            del self._anchors[_crowded(np.array([anchor.theta for anchor in self._anchors]))]

    def _curvature(self, x: Array, inputs: Inputs | None) -> tuple[Array]:
        with np.errstate(all="ignore"):
            modes = self.modes(x, inputs)
            slopes = self.slopes_of(modes, inputs)
            self._anchor(modes, slopes)
            there = (modes.x[:, self.joint.inner], slopes)
            longest = np.where(self._is_log, _LOG_STEP, np.inf)
            known = np.isfinite(self._step)
            step = np.where(known, self._step, _FIRST_STEP * (1 + np.abs(x)))
            step = np.minimum(step, longest)
            hessian = self._differences_of(x, step, inputs, *there)
            wanted = _STEP / np.sqrt(np.abs(np.diagonal(hessian, axis1=1, axis2=2)))
            wanted = np.minimum(wanted, np.minimum(longest, 1e-2 * (1 + np.abs(x))))
            # A step that is far off is a difference of rounding, or of another part of the density.
            off = ~((wanted < 10 * step) & (wanted > 0.1 * step)) & np.isfinite(wanted)
            if off.any():
                rows = np.flatnonzero(off.any(axis=1))
                again = inputs and {name: part[rows] for name, part in inputs.items()}
                better = np.where(off, wanted, step)[rows]
                near = [part[rows] for part in there]
                hessian[rows] = self._differences_of(x[rows], better, again, *near)
            # It is small beside the rest: what only climbs does without.
            if self.nodes > 1 and not self._is_rough:
                hessian += self._bent(x, inputs)
            # In place: a rough copy, which the search climbs with, knows it for all.
            for j, column in enumerate(wanted.T):
                if (some := column[np.isfinite(column)]).size:
                    self._step[j] = np.median(some)
        return (hessian,)

    def _bent(self, x: Array, inputs: Inputs | None) -> Array:
        """Return the Hessian of the correction, by second differences of it."""
        n, p = x.shape
        step = self.widths(x, _BENT_STEP)
        pairs = [(i, j) for i in range(p) for j in range(i)]
        unit = np.eye(p)
        steps = [np.zeros(p)]
        for h in (1.0, 2.0):
            steps += [h * sign * unit[i] for i in range(p) for sign in (1, -1)]
            for i, j in pairs:
                alike, opposite = unit[i] + unit[j], unit[i] - unit[j]
                steps += [h * alike, -h * alike, h * opposite, -h * opposite]
        values = self._corrections_at(x, step, np.array(steps), inputs)
        here, rings = values[0], values[1:].reshape(-1, 2 * p + 4 * len(pairs), n)
        found = []
        for h, ring in zip((1.0, 2.0), rings, strict=True):
            out = np.empty((n, p, p))
            both = ring[: 2 * p].reshape(p, 2, n).sum(axis=1) - 2 * here
            out[:, range(p), range(p)] = both.T / (h * step) ** 2
            cross = ring[2 * p :].reshape(-1, 2, 2, n).sum(axis=2)
            for (i, j), (alike, opposite) in zip(pairs, cross, strict=True):
                out[:, i, j] = out[:, j, i] = (alike - opposite) / (
                    4 * h**2 * step[:, i] * step[:, j]
                )
            found.append(out)
        return np.asarray((4 * found[0] - found[1]) / 3)

    def _differences_of(
        self, x: Array, step: Array, inputs: Inputs | None, u: Array, slopes: Array
    ) -> Array:
        """Return the Hessian, (batch, P, P), from differences of the exact gradient.

        The modes there are `u`, (batch, d), and how they change `slopes`, (batch, d, P).
        """
        n, p = x.shape
        each = np.broadcast_to(step, x.shape)[:, :, None] * np.eye(p)
        multiples = np.array([1.0, -1.0] if self._is_rough else [2.0, 1.0, -1.0, -2.0])
        k = len(multiples)
        rows = (x[:, None, None] + multiples[:, None, None] * each[:, None]).reshape(-1, p)
        again = inputs and {name: np.repeat(part, k * p, axis=0) for name, part in inputs.items()}
        moved = multiples[:, None, None] * (each @ slopes.swapaxes(1, 2))[:, None]
        starts = (u[:, None, None] + moved).reshape(n * k * p, -1)
        gradients = self.laplace(rows, again, starts)[1].reshape(n, k, p, p).swapaxes(0, 1)
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
        method: Method = "exact" if self.is_exact else "quadrature" if self.nodes > 1 else "laplace"
        return Integration(
            latents=dict(self.reasons),
            n_latents=self.joint.d,
            method=method,
            structure=self.structure.name,
            nodes=self.nodes if self.nodes > 1 else None,
            flat=self.joint.flat,
            laplace_shift=dict.fromkeys(self.labels, 0.0) if self.is_exact else self.laplace_shift,
            summed=sums_of(self.full),
            other_modes=self.other_modes,
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
        bound._anchors, bound._step = list(self._anchors), self._step.copy()
        return bound

    def evaluated_by(self, evaluator: Evaluator | None) -> MarginalDensity:
        """See `LogDensity`; the density of data and latents is as well."""
        other = super().evaluated_by(evaluator)
        assert isinstance(other, MarginalDensity)
        other.joint = self.joint.evaluated_by(evaluator)
        return other

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
        return self.joint.density.natural(whole, inputs)

    def draws(self, x: Array, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `LogDensity`; the latents are drawn from the normal at their modes."""
        joint = self.joint
        at_once = max(1, _AT_ONCE // (len(self.structure.seeds) * joint.p))
        parts = []
        with np.errstate(all="ignore"):
            for rows in np.split(x, range(at_once, len(x), at_once)):
                modes = self.modes(rows)
                whole = modes.x.copy()
                z = rng.standard_normal((len(rows), joint.d))
                whole[:, joint.inner] += self.structure.spread(modes.factors, z)
                whole[np.ix_(~modes.found, joint.inner)] = np.nan
                parts.append(joint.density.draws(whole, rng))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def natural_jacobian(self, x: Array) -> dict[str, Array]:
        """Return the derivatives of every natural-scale variable by the parameters, at `x`, (P,).

        The modes of the latents move with the parameters: each (*shape, P).
        """
        with np.errstate(all="ignore"):
            modes = self.modes(x[None])
            return self._pushed(modes.x[0], self._along(modes))

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
            return self._pushed(modes.x[0], self._roots(modes))

    def whole_with_errors(self, x: Array, covariance: Array) -> tuple[Array, Array]:
        """Return parameters and modes, (p,), at `x`, (P,), and how they vary together, (p, p).

        The parameters vary by `covariance`, (P, P), and the latents given these by their own.
        """
        with np.errstate(all="ignore"):
            modes = self.modes(x[None])
            along, roots = self._along(modes), self._roots(modes)
        return modes.x[0], along.T @ covariance @ along + roots.T @ roots

    def _along(self, modes: Modes) -> Array:
        """Return how the whole vector changes with each parameter, (P, p)."""
        joint = self.joint
        along = np.zeros((len(joint.outer), joint.p))
        along[np.arange(len(along)), joint.outer] = 1.0
        along[:, joint.inner] = self.slopes_of(modes)[0].T
        return along

    def _roots(self, modes: Modes) -> Array:
        """Return rows, (d, p), with ``rows.T @ rows`` the covariance given the parameters."""
        d = self.joint.d
        rows = np.zeros((d, self.joint.p))
        factors = np.repeat(modes.factors, d, axis=0)
        rows[:, self.joint.inner] = self.structure.spread(factors, np.eye(d))
        return rows

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


def _crowded(rows: Array) -> int:
    """Return which of these, (n, P), is missed least: the earlier of the two next to each other.

    What is left is spread out, so that a search from another start finds what it began with.
    """
    away = np.abs(rows[:, None] - rows).max(axis=2)
    away[np.tril_indices(len(rows))] = np.inf
    return int(np.unravel_index(np.argmin(away), away.shape)[0])


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
    gone = {*joint.potentials, *(frozen[name] for name in graphs.in_likelihood)}
    left = [potential for potential in frozen.potentials if potential not in gone]
    if left:
        terms["potential"] = frozen.logp(vars=left, jacobian=False)
    return graphs.restricted(names, others, terms)
