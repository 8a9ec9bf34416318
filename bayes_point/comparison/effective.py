"""Effective sample sizes of many parameters at once.

The definition is ArviZ's, which takes one parameter after the other: for thousands of them, and a
dozen statistics of each, that is most of the time that a report takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

__all__ = ["effective_size"]

Array = NDArray[np.float64]

# Numbers transformed at a time.
_CHUNK = 2_000_000


def effective_size(x: Array) -> Array:
    """Effective sample size for the mean of each column, by Geyer's initial monotone sequence [1]_.

    Parameters
    ----------
    x : ndarray of shape (chain, draw, n)
        Finite draws; at least 4 in each chain.

    Returns
    -------
    ndarray of shape (n,)
        The number of draws where a column is constant.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and
       localization: an improved R-hat, https://doi.org/10.1214/20-BA1221
    """
    chains, length, n = x.shape
    half = length // 2
    out = np.empty(n)
    step = max(1, _CHUNK // (chains * length))
    for start in range(0, n, step):
        part = np.moveaxis(x[..., start : start + step], 2, 0).astype(float)
        split = np.concatenate([part[:, :, :half], part[:, :, length - half :]], axis=1)
        out[start : start + step] = _effective(split)
    return out


def _effective(x: Array) -> Array:
    """Effective sizes of chains that have been split already, (n, chain, draw)."""
    n, chains, length = x.shape
    total = chains * length
    means = x.mean(axis=2)
    f = rfft(x - means[..., None], n=next_fast_len(2 * length, real=True), axis=2)
    lags = irfft(np.abs(f) ** 2, n=next_fast_len(2 * length, real=True), axis=2)[..., :length]
    covariance = lags.mean(axis=1) / length
    within = covariance[:, :1] * length / (length - 1)
    whole = covariance[:, :1] + means.var(axis=1, ddof=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (within - covariance) / whole
    rho[:, 0] = 1.0
    pairs = rho[:, 0 : length - length % 2 : 2] + rho[:, 1::2]
    # The sequence ends at the first pair that is not positive, or where the lags do.
    most = max(0, -(-(length - 4) // 2))
    ends = ~(pairs[:, : most + 1] > 0)
    end = np.where(ends.any(axis=1), ends.argmax(axis=1), most)
    falling = np.minimum.accumulate(pairs, axis=1)
    before = np.where(np.arange(pairs.shape[1]) < end[:, None], falling, 0.0).sum(axis=1)
    row = np.arange(n)
    last = rho[row, 2 * end]
    last = np.where((pairs[row, end] >= 0) | (last > 0), last, 0.0)
    tau = np.maximum(-1 + 2 * before + last, 1 / np.log10(total))
    constant = np.ptp(x, axis=(1, 2)) < np.finfo(float).resolution
    return np.where(constant, total, total / tau)
