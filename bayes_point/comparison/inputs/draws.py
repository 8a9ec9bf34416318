"""Monte Carlo statistics of posterior draws: moments, intervals, and their standard errors.

Arrays here have the shape (chain, draw, n): n scalar parameters side by side.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.stats import beta

from bayes_point.comparison.distance.effective import effective_size

__all__ = ["MIN_DRAWS", "Draws", "circular_names", "gap_mcse", "interval", "interval_mcse", "mcse"]

Array = NDArray[np.float64]

# Fewer draws a chain than this and ArviZ cannot split the chains to estimate an ESS.
MIN_DRAWS = 4

# Rayleigh's test: n R**2 of n angles without a direction exceeds this with a probability of 5 %.
_RAYLEIGH = 3.0

# Probabilities of a standard normal to be below minus and plus one.
_ONE_ERROR = (0.1586553, 0.8413447)


def circular_names(dt: xr.DataTree) -> list[str]:
    """Names of the variables that are angles, as far as the tree knows."""
    return list(json.loads(str(dt.attrs.get("circular", "[]"))))


@dataclass(frozen=True)
class Draws:
    """Draws of n scalar parameters with their mean and sd.

    Of an angle these are the mean direction and the circular sd, sqrt(-2 log R) of the resultant
    length R [1]_, and the draws are on the turn on which they are nearest to that direction, so
    that what is counted from it needs no wrapping.

    Attributes
    ----------
    x : ndarray of shape (chain, draw, n)
    mean, sd : ndarray of shape (n,)
        NaN where a draw is not finite; `sd` is 0 where the draws are constant.
    z : ndarray of shape (chain, draw, n)
        Draws less the mean, in sd; 0 where they are constant or not finite.
    finite, varies : ndarray of bool, shape (n,)
        Whether all draws are finite; whether they are finite, not constant, and, of angles, not
        all around the circle, where R cannot be told from 0 (Rayleigh's test at 5 %).
    circular : ndarray of bool, shape (n,)
        Which are angles.

    References
    ----------
    .. [1] Mardia and Jupp (1999), Directional Statistics, https://doi.org/10.1002/9780470316979
    """

    x: Array
    mean: Array
    sd: Array
    z: Array
    finite: NDArray[np.bool_]
    varies: NDArray[np.bool_]
    circular: NDArray[np.bool_]

    @classmethod
    def of(cls, x: Array, circular: Sequence[bool] | None = None) -> Draws:
        """Compute the moments of draws of shape (chain, draw, n); say which are angles."""
        own = _straight(x)
        angles = np.flatnonzero(np.zeros(x.shape[2], bool) if circular is None else circular)
        angles = angles[own.finite[angles]]
        if not angles.size:
            return own
        around, moved, mean, sd = _directions(x[..., angles])
        x = x.copy()
        x[..., angles] = moved
        varies, is_angle = own.varies.copy(), np.zeros(x.shape[2], bool)
        varies[angles] &= ~around
        is_angle[angles] = True
        means, sds, z = own.mean.copy(), own.sd.copy(), own.z.copy()
        means[angles] = np.where(around, np.nan, mean)
        sds[angles] = np.where(around, np.nan, sd)
        safe = np.where(varies[angles], sd, 1.0)
        z[..., angles] = np.where(varies[angles], (moved - mean) / safe, 0.0)
        return cls(x, means, sds, z, own.finite, varies, is_angle)

    def near(self, points: Array) -> Array:
        """Return points, (..., n), those of angles on the turn on which they are nearest."""
        known = self.circular & np.isfinite(points) & np.isfinite(self.mean)
        away = np.where(known, points, 0.0) - np.where(known, self.mean, 0.0)
        return points - 2 * np.pi * np.round(away / (2 * np.pi))

    def shown(self, points: Array) -> Array:
        """Return points, (..., n), those of angles between -pi and pi."""
        beyond = self.circular & np.isfinite(points) & (np.abs(points) > np.pi)
        return points - 2 * np.pi * np.round(np.where(beyond, points, 0.0) / (2 * np.pi))

    def still(self, i: int) -> str:
        """Say why there is no spread to measure in: what the draws are; empty where there is."""
        if self.varies[i]:
            return ""
        if not self.finite[i]:
            return "not finite"
        return "all around the circle" if self.circular[i] and self.sd[i] != 0 else "constant"

    @cached_property
    def mean_mcse(self) -> Array:
        """Monte Carlo standard error of the mean; 0 where constant, NaN where not finite."""
        return self._scaled("mean")

    @cached_property
    def sd_mcse(self) -> Array:
        """Monte Carlo standard error of the sd; 0 where constant, NaN where not finite."""
        return self._scaled("sd")

    def _scaled(self, method: str) -> Array:
        # On z and not on x: ArviZ takes draws that differ by less than 1e-15 for constants,
        # whatever their scale.
        return np.where(self.finite, self.sd * mcse(self.z, self.varies, method), np.nan)


def _straight(x: Array) -> Draws:
    """Compute the moments of draws that are no angles."""
    finite = np.isfinite(x).all((0, 1))
    safe = np.where(finite, x, 0.0)
    spread = safe.max((0, 1)) - safe.min((0, 1))
    # A sum that is always one varies by rounding: its spread carries no information.
    varies = spread > 100 * np.finfo(float).eps * np.abs(safe).max((0, 1))
    count = x.shape[0] * x.shape[1]
    mean = safe.mean((0, 1))
    sd = np.where(varies & (count > 1), safe.std((0, 1), ddof=1 if count > 1 else 0), 0.0)
    z = np.where(varies, (safe - mean) / np.where(sd > 0, sd, 1.0), 0.0)
    return Draws(
        x,
        np.where(finite, mean, np.nan),
        np.where(finite, sd, np.nan),
        z,
        finite,
        finite & varies & (sd > 0),
        np.zeros(len(mean), bool),
    )


def _directions(x: Array) -> tuple[NDArray[np.bool_], Array, Array, Array]:
    """Return of angles whether they have no direction; them near it; it; and the circular sd."""
    cosine, sine = np.cos(x), np.sin(x)
    c, s = cosine.mean((0, 1)), sine.mean((0, 1))
    length = np.minimum(np.hypot(c, s), 1.0)
    size = np.full(len(c), float(x.shape[0] * x.shape[1]))
    if x.shape[1] >= MIN_DRAWS:
        size = np.minimum(effective_size(cosine), effective_size(sine))
    mean = np.arctan2(s, c)
    moved = mean + (x - mean + np.pi) % (2 * np.pi) - np.pi
    sd = np.sqrt(-2 * np.log(np.maximum(length, np.finfo(float).tiny)))
    return size * length**2 < _RAYLEIGH, moved, mean, sd


def gap_mcse(z: Array, gap: Array, varies: NDArray[np.bool_]) -> Array:
    """Monte Carlo standard error of gap = (p - mean) / sd, both moments estimated from the draws.

    By the delta method: to first order a draw moves the gap through the mean by -z and through the
    sd by -gap (z**2 - 1) / 2. The error of the gap is the error of the mean of their sum, in which
    the covariance of mean and sd, and the autocorrelation of the chain, are already counted.

    Parameters
    ----------
    z : ndarray of shape (chain, draw, n)
        Standardised draws.
    gap : ndarray of shape (n,)
    varies : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        NaN where the gap is not finite or the draws do not vary.
    """
    known = varies & np.isfinite(gap)
    g = np.where(known, gap, 0.0)
    error = mcse(-z - g * (z**2 - 1) / 2, known, "mean")
    return np.where(known, error, np.nan)


def interval(draws: Draws, prob: float, kind: str) -> tuple[Array, Array]:
    """Lower and upper bound of the highest-density or equal-tailed interval; NaN if not finite."""
    compute = array_stats.hdi if kind == "hdi" else array_stats.eti
    bounds = compute(np.where(draws.finite, draws.x, 0.0), prob, axis=(0, 1))
    bounds = np.where(draws.finite[:, None], bounds, np.nan)
    return bounds[:, 0], bounds[:, 1]


def interval_mcse(draws: Draws, bound: Array) -> Array:
    """Monte Carlo standard error of an interval's bound, as the quantile that it is.

    Half the distance between the quantiles of the draws within which the bound lies with the
    probability of one standard error, given the effective number of draws below it.
    """
    if draws.x.shape[1] < MIN_DRAWS:
        return np.full(bound.shape, np.nan)
    error = np.where(draws.finite, 0.0, np.nan)
    varies = np.flatnonzero(draws.varies)
    z = draws.z[..., varies]
    at = (bound[varies] - draws.mean[varies]) / draws.sd[varies]
    prob = (z <= at).mean((0, 1))
    inside = (prob > 0) & (prob < 1)
    error[varies[~inside]] = np.nan
    z, prob, own = z[..., inside], prob[inside], varies[inside]
    if own.size:
        error[own] = draws.sd[own] * _quantile_mcse(z, prob)
    return error


def _quantile_mcse(z: Array, prob: Array) -> Array:
    ordered = np.sort(z.reshape(-1, z.shape[2]), axis=0)
    total, columns = len(ordered), np.arange(z.shape[2])
    below = z <= _quantiles(ordered, prob)
    size = effective_size(below.astype(float))
    ends = [beta.ppf(p, size * prob + 1, size * (1 - prob) + 1) for p in _ONE_ERROR]
    low = np.floor(np.maximum(ends[0] * total - 1, 0)).astype(int)
    high = np.ceil(np.minimum(ends[1] * total - 1, total - 1)).astype(int)
    return np.asarray(ordered[high, columns] - ordered[low, columns]) / 2


def _quantiles(ordered: Array, prob: Array) -> Array:
    """Quantile of each sorted column, each at a probability of its own, by linear interpolation."""
    place = prob * (len(ordered) - 1)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(ordered) - 1)
    columns = np.arange(ordered.shape[1])
    share = place - low
    return np.asarray(ordered[low, columns] * (1 - share) + ordered[high, columns] * share)


def mcse(z: Array, which: NDArray[np.bool_], method: str) -> Array:
    """Monte Carlo standard error of the "mean" or "sd" of those `which` are asked for, else 0.

    NaN for all if there are too few draws to tell.
    """
    out = np.zeros(z.shape[2])
    if z.shape[1] < MIN_DRAWS:
        return np.full(z.shape[2], np.nan)
    if not which.any():
        return out
    own = z if which.all() else z[..., which]
    if method == "mean":
        out[which] = own.std((0, 1), ddof=1) / np.sqrt(effective_size(own))
        return out
    squares = (own - own.mean((0, 1))) ** 2
    variance = squares.mean((0, 1))
    spread = (squares**2).mean((0, 1)) - variance**2
    out[which] = np.sqrt(spread / effective_size(squares) / variance / 4)
    return out
