"""Effective sample sizes, and r-hat, of many parameters at once.

The definitions are ArviZ's, which takes one parameter after the other: for thousands of them, and a
dozen statistics of each, that is most of the time that a report takes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri
from scipy.stats import rankdata

__all__ = ["effective_size", "rank_diagnostics", "tail_size"]

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
    return _by_parts(lambda part: _effective(_split(part)), x)


def tail_size(x: Array, probs: tuple[float, float]) -> Array:
    """Effective sample size for the less certain of two quantiles of each column."""

    def of_part(part: Array) -> Array:
        ends = np.quantile(part, probs, axis=(1, 2))[..., None, None]
        return np.minimum(*(_effective(_split((part <= end).astype(float))) for end in ends))

    return _by_parts(of_part, x)


def rank_diagnostics(x: Array) -> tuple[Array, Array]:
    """r-hat and effective sample size of the rank-normalised draws of each column.

    The r-hat is that of the folded draws if that is larger, and infinite where each chain stays at
    a value of its own; NaN if there is but one chain.
    """

    def of_part(part: Array) -> Array:
        split = _split(part)
        scores = _normal_scores(split)
        if len(x) == 1:
            return np.stack([np.full(len(part), np.nan), _effective(scores)], axis=1)
        folded = np.abs(split - np.median(split, axis=(1, 2), keepdims=True))
        bulk, tail = _r_hat(scores), _r_hat(_normal_scores(folded))
        # Stuck chains are infinitely apart, and, folded, may be constant: that one is NaN.
        return np.stack([np.where(tail > bulk, tail, bulk), _effective(scores)], axis=1)

    r_hat, size = _by_parts(of_part, x, 2).T
    return r_hat, size


def _by_parts(of_part: Callable[[Array], Array], x: Array, *shape: int) -> Array:
    """Call with some columns at a time, (n, chain, draw), of x, (chain, draw, n).

    `shape` is that of what is found of one column.
    """
    chains, length, n = x.shape
    step = max(1, _CHUNK // (chains * length))
    parts = [
        of_part(np.ascontiguousarray(np.moveaxis(x[..., i : i + step], 2, 0), dtype=float))
        for i in range(0, n, step)
    ]
    return np.concatenate([np.empty((0, *shape)), *parts])


def _split(x: Array) -> Array:
    """Cut each chain in two halves, (n, 2 chain, draw / 2); the middle of an odd number is lost."""
    length = x.shape[2]
    half = length // 2
    return np.concatenate([x[:, :, :half], x[:, :, length - half :]], axis=1)


def _normal_scores(x: Array) -> Array:
    """Put in the place of each draw the normal quantile of its rank among all of its column."""
    n, size = len(x), x[0].size
    rank = rankdata(x.reshape(n, size), axis=1)
    return np.asarray(ndtri((rank - 3 / 8) / (size + 1 / 4))).reshape(x.shape)


def _r_hat(x: Array) -> Array:
    length = x.shape[2]
    between = length * x.mean(axis=2).var(axis=1, ddof=1)
    within = x.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((between / within + length - 1) / length))


def _effective(x: Array) -> Array:
    """Effective sizes of chains that have been split already, (n, chain, draw)."""
    n, chains, length = x.shape
    total = chains * length
    means = x.mean(axis=2)
    size = next_fast_len(2 * length, real=True)
    f = rfft(x - means[..., None], n=size, axis=2)
    # The mean over the chains first: of each column there is then one transform back.
    power = (f.real**2 + f.imag**2).mean(axis=1)
    covariance = irfft(power, n=size, axis=1)[:, :length] / length
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
