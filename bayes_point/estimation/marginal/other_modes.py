"""Further modes of the latents given the parameters, of which Laplace's method knows nothing."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bayes_point.estimation.marginal.blocks import Blocks
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.integration import OtherModes
from bayes_point.estimation.marginal.modes import Modes, find_modes, hessians
from bayes_point.estimation.marginal.quadrature import block_of_terms, terms_at

__all__ = ["other_modes"]

Array = NDArray[np.float64]

# How far from the modes is looked, in standard deviations.
_AWAY = (1.5, 3.0, 6.0, 12.0)
# Latents of a block along each of which is looked; of more, along so many random directions.
_EACH, _RANDOM = 2, 2
# Numbers of one array, 32 MB.
_AT_ONCE = 4_000_000
# Standard deviations that two modes are apart, if they are two.
_APART = 0.1


def other_modes(density: MarginalDensity, x: Array) -> OtherModes | None:
    """Look for further modes of the latents at the parameters `x`, (P,); None if there are none.

    Newton's method starts at places around the modes known.  Where that is dear, only at those
    where the density is not log-concave, as it is not between two modes.
    """
    joint, structure = density.joint, density.structure
    own, at_once = None, max(1, _AT_ONCE // (len(structure.seeds) * joint.p))
    with np.errstate(all="ignore"):
        here = density.modes(x[None])
        if density.is_exact or not here.found[0]:
            return None
        z = _directions(density)
        u = here.x[:, joint.inner] + np.concatenate(
            [structure.spread(here.factors, row[None]) for row in z]
        )
        if density.is_costly:
            u = u[[_is_bent(density, x, row) for row in u]]
        if len(u) and isinstance(structure, Blocks):
            own = block_of_terms(joint, structure, here.x[0])
        starts = np.split(u, range(at_once, len(u), at_once)) if len(u) else []
        gained = [
            _gained(density, here, there, int(i), own)
            for rows in starts
            for there in [_climbed(density, x, rows)]
            for i in np.flatnonzero(there.found)
        ]
        best = np.fmax.reduce(gained) if gained else None
    if best is None or not np.any(np.isfinite(best)):
        return None
    return OtherModes(
        int(np.isfinite(best).sum()),
        len(best),
        float(expit(np.nanmax(best))),
    )


def _directions(density: MarginalDensity) -> list[Array]:
    """Return how far to go, in units in which the latents are standard normal, each (d,)."""
    structure, d = density.structure, density.joint.d
    if isinstance(structure, Blocks) and structure.k <= _EACH:
        units = list(structure.seeds)
    else:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (_RANDOM, d))
        units = [np.ones(d), *signs]
    return [sign * away * unit for away, unit, sign in itertools.product(_AWAY, units, (1.0, -1.0))]


def _is_bent(density: MarginalDensity, x: Array, u: Array) -> bool:
    """Whether the density has a value at `u`, (d,), and is not log-concave there."""
    row = density.joint.whole(x[None], u[None])
    if not np.isfinite(density.joint.evaluate(row, None)[0][0]):
        return False
    matrix = hessians(density.joint, density.structure, row, None)
    return not density.structure.factor(matrix)[1][0]


def _climbed(density: MarginalDensity, x: Array, u: Array) -> Modes:
    theta = np.repeat(x[None], len(u), axis=0)
    return find_modes(density.joint, density.structure, theta, u, u[0], None)


def _gained(
    density: MarginalDensity, here: Modes, there: Modes, i: int, own: NDArray[np.int_] | None
) -> Array:
    """Return the log of what is at one mode, over the other, block by block; NaN of the same."""
    joint, structure = density.joint, density.structure
    factors = there.factors[i][None]
    moved = there.x[i, joint.inner] - here.x[0, joint.inner]
    away = np.abs(moved) / np.sqrt(structure.variances(here.factors)[0])
    if own is None or not isinstance(structure, Blocks):
        # Half of each log determinant.
        first, second = (structure.log_determinant(one)[0] for one in (here.factors, factors))
        more = there.value[i] - here.value[0] - 0.5 * (second - first)
        return np.array([more if away.max() > _APART else np.nan])
    terms = terms_at(joint, np.stack([here.x[0], there.x[i]]), None)
    low, high = (np.bincount(own, row, minlength=structure.size + 1)[:-1] for row in terms)
    first, second = (
        np.log(np.diagonal(one[0], axis1=-2, axis2=-1)).sum(axis=-1)
        for one in (here.factors, factors)
    )
    is_other = away[structure.members].max(axis=1) > _APART
    return np.where(is_other, high - low - (second - first), np.nan)
