"""The scores of a marginal likelihood: its derivatives, block by block of independent latents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.marginal.blocks import Blocks
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.quadrature import block_of_terms, terms_at
from bayes_point.model.differences import central_difference

__all__ = ["block_codes", "block_scores"]

Array = NDArray[np.float64]

# Step of a difference of fourth order, in standard errors: see `MarginalDensity`.
_STEP = 0.005


def block_scores(density: MarginalDensity, x: Array) -> Array:
    """Return the derivatives of the log of each block's integral by the parameters at `x`, (P,).

    What depends on no latent, such as observations of none, stands beside them.

    Returns
    -------
    ndarray, (block, P)

    Raises
    ------
    ModelError
        If the latents are no independent blocks.
    """
    joint, p = density.joint, len(x)
    with np.errstate(all="ignore"):
        own, blocks = _blocks(density, x)
        step = density.widths(x[None], _STEP)
        away = np.array([2.0, 1.0, -1.0, -2.0])[:, None, None] * np.eye(p) * step
        modes = density.modes((x + away).reshape(-1, p))
        terms = terms_at(joint, modes.x, None)
        alone = terms[:, own == blocks.size]
        value = np.zeros((len(terms), blocks.size))
        for row, some in zip(value, terms, strict=True):
            row += np.bincount(own, some, minlength=blocks.size + 1)[: blocks.size]
        diagonal = np.diagonal(modes.factors, axis1=-2, axis2=-1)
        value -= np.log(diagonal).sum(axis=-1)
        if density.nodes > 1 and density.quadrature is not None:
            value += density.quadrature.corrections(joint, modes, density.nodes, None)
        far, near, back, far_back = np.concatenate([value, alone], axis=1).reshape(4, p, -1)
        return np.asarray(central_difference(far, near, back, far_back, step.T).T)


def block_codes(density: MarginalDensity, x: Array, codes: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the number of the cluster of each row of `block_scores`.

    Parameters
    ----------
    density : MarginalDensity
        The density.
    x : ndarray, (P,)
        The parameters.
    codes : ndarray of int, (observation,)
        The number of the cluster of each observation.

    Raises
    ------
    ModelError
        If observations of one block are in different clusters.
    """
    own, blocks = _blocks(density, x)
    observed, alone = own[: len(codes)], np.flatnonzero(own == blocks.size)
    out = np.zeros(blocks.size, int)
    shared = observed < blocks.size
    out[observed[shared]] = codes[shared]
    if np.any(split := out[observed[shared]] != codes[shared]):
        count = len(np.unique(observed[shared][split]))
        raise ModelError(
            f"cluster= puts observations that share latent variables into different clusters, in "
            f"{count} of {blocks.size} independent blocks: with them they depend on each other. "
            "Give all observations of a block the same cluster, or leave it out."
        )
    return np.concatenate([out, codes[alone]])


def _blocks(density: MarginalDensity, x: Array) -> tuple[NDArray[np.int_], Blocks]:
    """Return of which block each term of the joint density is, and the blocks."""
    joint, blocks = density.joint, density.structure
    with np.errstate(all="ignore"):
        here = density.modes(x[None])
        own = block_of_terms(joint, blocks, here.x[0]) if isinstance(blocks, Blocks) else None
    if own is None or not isinstance(blocks, Blocks):
        raise ModelError(
            f"The latent variables {list(joint.latents)} are no blocks independent of each "
            f"other ({blocks.name}), whose scores could be compared: with them the data are "
            "one event. Use kind='hessian', a profile, or a parametric bootstrap."
        )
    return own, blocks
