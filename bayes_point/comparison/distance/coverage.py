"""How much of a posterior an interval of its own width holds when it is centred on an estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.comparison.inputs.draws import mcse

__all__ = ["WIDTH", "centred_coverage"]

Array = NDArray[np.float64]

WIDTH = 0.95
"""Probability of the equal-tailed interval whose width is taken."""

# Share of the draws, on either side, in which the density at a quantile is counted; and posterior
# sd on either side of an end of the moved interval: both hold some dozens of a thousand draws.
_NEAR_QUANTILE, _NEAR_END = 0.01, 0.1


def centred_coverage(z: Array, gap: Array, which: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Share of the posterior within half the width of its 95 % interval of an estimate.

    Parameters
    ----------
    z : ndarray of shape (chain, draw, n)
        Standardised draws.
    gap : ndarray of shape (n,)
        Estimates, in posterior sd from the mean.
    which : ndarray of bool, shape (n,)
        Those asked for.

    Returns
    -------
    coverage, mcse : ndarray of shape (n,)
        NaN where not asked for. The Monte Carlo error counts, to first order, that of the share
        and that of the width.
    """
    coverage, error = np.full(gap.shape, np.nan), np.full(gap.shape, np.nan)
    if not which.any():
        return coverage, error
    own, g = z[..., which], gap[which]
    tail = (1 - WIDTH) / 2
    probs = np.array([tail - _NEAR_QUANTILE, tail, tail + _NEAR_QUANTILE])
    outer, low, inner = np.quantile(own, probs, axis=(0, 1))
    inner_high, high, outer_high = np.quantile(own, 1 - probs[::-1], axis=(0, 1))
    half = (high - low) / 2
    inside = np.abs(own - g) <= half
    share = inside.mean((0, 1))
    # A draw moves a quantile by (p - [z <= q]) / f(q), and half the width by half the difference.
    spread = 1 / (2 * _NEAR_QUANTILE)
    wider = ((1 - tail - (own <= high)) * (outer_high - inner_high)) * spread
    wider -= ((tail - (own <= low)) * (inner - outer)) * spread
    both = np.stack([own - (g - half), own - (g + half)])
    density = (np.abs(both) <= _NEAR_END).mean((1, 2)).sum(0) / (2 * _NEAR_END)
    influence = inside - share + density * wider / 2
    coverage[which] = share
    error[which] = mcse(influence, np.ones(len(g), bool), "mean")
    return coverage, error
