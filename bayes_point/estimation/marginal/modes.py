"""Conditional modes: where the latents are most probable, given the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.marginal.joint import Joint
from bayes_point.estimation.marginal.structure import Structure

__all__ = ["ITERATIONS", "TRIED", "Anchor", "Modes", "find_modes", "hessians", "predicted"]

Array = NDArray[np.float64]
Inputs = Mapping[str, NDArray] | None

# Newton iterations; and for parameters that a search only tries.
ITERATIONS, TRIED = 200, 15
# Squared distance to the mode, in standard deviations, at which no digit is left to gain; and that
# from which a Newton step, whose error is of the square of this, leads there.
_STILL, _LAST = 1e-20, 1e-9
# Times that a step which does not lead uphill is shortened, and that of what is only tried; the
# least and the most of it that is taken then, and the part of the promised gain that is enough.
_SHORTENED, _SHORTENED_OF_TRIED = 30, 4
_SHORTEST, _LONGEST, _ENOUGH = 0.1, 0.5, 1e-4
# A fall of the value, relative to it, that may still be rounding.
_LEVEL = 1e-10
# How far, on the unconstrained scale, an extrapolation of known modes is taken as it is.
_NEAR = 1.0


@dataclass(frozen=True)
class Anchor:
    """Modes that are known for some parameters, and how they change with these, where known."""

    theta: Array  # (P,)
    u: Array  # (d,)
    slope: Array | None  # (d, P)


@dataclass(frozen=True)
class Modes:
    """The modes for a batch of parameters.

    Attributes
    ----------
    x : ndarray, (batch, p)
        Parameters and modes, as a whole vector.
    value, gradient : ndarray, (batch,) and (batch, p)
        Of the joint density there.
    factors : ndarray
        Cholesky factors of the negative Hessian by the latents.
    found : ndarray of bool, (batch,)
        Whether there is a mode, with a Hessian that is definite.
    iterations : int
        Newton iterations of the slowest row.
    """

    x: Array
    value: Array
    gradient: Array
    factors: Array
    found: NDArray[np.bool_]
    iterations: int


def hessians(joint: Joint, structure: Structure, x: Array, inputs: Inputs) -> Array:
    """Return the negative Hessians by the latents, in the structure's own form."""
    n, c = len(x), len(structure.seeds)
    v = np.zeros((c, joint.p))
    v[:, joint.inner] = structure.seeds
    again = inputs and {name: np.repeat(rows, c, axis=0) for name, rows in inputs.items()}
    products = joint.hessian_product(np.repeat(x, c, axis=0), np.tile(v, (n, 1)), again)
    return structure.assemble(-products[:, joint.inner].reshape(n, c, joint.d))


def predicted(
    joint: Joint, anchors: list[Anchor], start: Array, theta: Array, inputs: Inputs
) -> Array:
    """Return where the search for the modes begins, (batch, d): what the nearest anchor says.

    Far from all anchors, the best of what it says, its own modes, and `start`, (d,).
    """
    if not anchors:
        return np.tile(start, (len(theta), 1))
    away = np.array([np.abs(theta - anchor.theta).max(axis=1) for anchor in anchors])
    away = np.where(np.isnan(away), np.inf, away)
    # An extrapolation is off by the square of the way.
    power = np.array([1.0 if anchor.slope is None else 2.0 for anchor in anchors])
    nearest = np.argmin(away ** power[:, None], axis=0)
    here = np.array([anchor.u for anchor in anchors])[nearest]
    ahead = here.copy()
    for k in np.unique(nearest):
        rows, slope = nearest == k, anchors[k].slope
        if slope is not None:
            ahead[rows] += (theta[rows] - anchors[k].theta) @ slope.T
    far = np.flatnonzero(~(away.min(axis=0) <= _NEAR))
    if far.size:
        choices = np.stack([ahead[far], here[far], np.tile(start, (len(far), 1))])
        x = joint.whole(np.tile(theta[far], (3, 1)), choices.reshape(-1, joint.d))
        again = inputs and {k: np.tile(v[far], (3, *[1] * (v.ndim - 1))) for k, v in inputs.items()}
        value = joint.evaluate(x, again)[0].reshape(3, len(far))
        best = np.argmax(np.where(np.isfinite(value), value, -np.inf), axis=0)
        ahead[far] = choices[best, np.arange(len(far))]
    return ahead


def find_modes(
    joint: Joint,
    structure: Structure,
    theta: Array,
    starts: Array,
    fallback: Array,
    inputs: Inputs,
    *,
    is_gaussian: bool = False,
    most: int = ITERATIONS,
) -> Modes:
    """Climb from `starts`, (batch, d), to the modes, by Newton steps with the exact Hessian.

    Where a start has no value, from `fallback`, (d,).  Where the density is Gaussian in the latents
    the first step ends at the mode, with the same Hessian.
    """
    x = joint.whole(theta, starts)
    value, gradient = joint.evaluate(x, inputs)
    lost = ~(np.isfinite(value) & np.isfinite(gradient).all(axis=1))
    if lost.any():
        x[np.ix_(lost, joint.inner)] = fallback
        value[lost], gradient[lost] = joint.evaluate(x[lost], _rows(inputs, lost))
    batch = len(theta)
    found = np.zeros(batch, bool)
    matrix = hessians(joint, structure, x, inputs)
    factors, definite = structure.factor(matrix)
    active = np.flatnonzero(np.isfinite(value))
    iterations = 0
    while active.size and iterations < most:
        iterations += 1
        use = factors[active]
        bent = ~definite[active]
        if bent.any():
            use[bent] = structure.modified(matrix[active[bent]])
        slope = gradient[active][:, joint.inner]
        step = structure.solve(use, slope)
        decrement = np.einsum("bi,bi->b", step, slope)
        still = definite[active] & (decrement <= _STILL)
        found[active[still]] = True
        go = np.flatnonzero(~still & np.isfinite(decrement))
        moved, full = _line_search(
            joint, x, value, gradient, active[go], step[go], decrement[go], inputs, most
        )
        here = active[go[moved]]
        if is_gaussian and full.all():
            found[here] = definite[here]
            break
        if here.size:
            matrix[here] = hessians(joint, structure, x[here], _rows(inputs, here))
            factors[here], definite[here] = structure.factor(matrix[here])
        # After a last full step nothing is left of the way.
        near = definite[active[go]] & ~bent[go] & (decrement[go] <= _LAST)
        arrived = near & (full | ~moved)
        found[active[go[arrived]]] = True
        active = active[go[moved & ~arrived]]
    return Modes(x, value, gradient, factors, found & definite, iterations)


def _line_search(
    joint: Joint,
    x: Array,
    value: Array,
    gradient: Array,
    rows: NDArray[np.int_],
    step: Array,
    decrement: Array,
    inputs: Inputs,
    most: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Make a step in each of `rows`, in place; return where one was made, and where in full."""
    moved, full = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    length = np.ones(len(rows))
    for attempt in range(_SHORTENED_OF_TRIED if most == TRIED else _SHORTENED):
        waiting = np.flatnonzero(~moved)
        if not waiting.size:
            break
        at, part = rows[waiting], length[waiting]
        trial = x[at].copy()
        trial[:, joint.inner] += part[:, None] * step[waiting]
        new, slope = joint.evaluate(trial, _rows(inputs, at))
        promised = part * decrement[waiting]
        least = value[at] + _ENOUGH * promised - _LEVEL * (1 + np.abs(value[at]))
        good = np.isfinite(new) & np.isfinite(slope).all(axis=1) & (new >= least)
        # The top of the parabola through the value and slope at the start and the value there.
        top = 0.5 * promised / (promised - (new - value[at]))
        top = np.where(np.isfinite(top), np.clip(top, _SHORTEST, _LONGEST), _SHORTEST)
        x[at[good]], value[at[good]], gradient[at[good]] = trial[good], new[good], slope[good]
        moved[waiting[good]] = True
        full[waiting[good]] = attempt == 0
        length[waiting] *= top
    return moved, full


def _rows(inputs: Inputs, which: NDArray) -> Inputs:
    return inputs and {name: rows[which] for name, rows in inputs.items()}
