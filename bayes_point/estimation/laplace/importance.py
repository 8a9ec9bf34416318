"""Pareto-smoothed importance sampling: what the draws of an approximation weigh in the posterior.

Weights are smoothed, and their tail judged, by ArviZ; here stands what ArviZ leaves to its callers:
weights that do not vary, points without density, and the moments with their Monte Carlo errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from bayes_point.estimation.optimise.maximise import Quadratic

__all__ = [
    "DF",
    "LEAST_POINTS",
    "Cloud",
    "Moments",
    "Proposal",
    "effective_size",
    "highest_k",
    "moments",
    "smoothed",
    "systematic",
    "tail_k",
    "tail_size",
]

Array = NDArray[np.float64]

LEAST_POINTS = 1000
"""With fewer points the k of the best of approximations is too noisy to be told from a bad one's.

Where the log weights are .003 z³ for a normal z, which is nothing, k is above its limit in half of
the samples of 100 points, in a tenth of those of 400, and in one of a hundred of those of 1000.
"""

DF = 2.0
"""Degrees of freedom of the heavy half of a defensive cloud.

With two the chi-squared variable behind Student's t is exponential, and its quantile a logarithm.
"""

# Weights whose tail is equal to this many parts are constant: the rest is rounding, in the density
# or in a Hessian made of differences.
_CONSTANT = 1e-6
# Share of a squared error above which one point decides of it.  Where the errors are right it is
# some hundredths in thousands of points, where they are not a tenth and more.
_DECIDES = 0.05
# Curvature, against a scaled diagonal of one, below which a direction is flat.
_FLAT = 1e-10


@dataclass(frozen=True)
class Cloud:
    """Points of a distribution around zero, before they are moved to a mode and given its shape.

    Attributes
    ----------
    z : ndarray, (batch, n, p)
        The points.
    log_q : ndarray, (batch, n)
        Their log density.
    """

    z: Array
    log_q: Array

    @classmethod
    def normal(cls, z: Array) -> Cloud:
        """Build the cloud of standard normal points, (batch, n, p)."""
        return cls(z, _log_normal(z))

    @classmethod
    def defensive(cls, z: Array, chi_squared: Array, heavy: NDArray[np.bool_]) -> Cloud:
        """Stretch half of standard normal points, (batch, n, p), to Student's t.

        The other half stays normal, for a posterior that is; the heavy tails are for one that has
        them.  The weights of the mixture are at most twice those of either (Owen & Zhou 2000,
        https://doi.org/10.1080/01621459.2000.10473909).

        Parameters
        ----------
        z : ndarray, (batch, n, p)
            Standard normal points.
        chi_squared : ndarray, (batch, n)
            Draws of the chi-squared distribution with `DF` degrees of freedom.
        heavy : ndarray of bool, (n,)
            Which half to stretch.
        """
        z = z * np.where(heavy, np.sqrt(DF / chi_squared), 1.0)[:, :, None]
        p = z.shape[-1]
        half = 0.5 * (DF + p)
        log_t = -half * np.log1p(np.sum(z**2, axis=-1) / DF) - 0.5 * p * math.log(DF * math.pi)
        log_t += gammaln(half) - gammaln(0.5 * DF)
        return cls(z, np.logaddexp(_log_normal(z), log_t) - math.log(2))


def _log_normal(z: Array) -> Array:
    return -0.5 * np.sum(z**2, axis=-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)


@dataclass(frozen=True)
class Proposal:
    """Places for a cloud of points, one a data set: at a mode, and as wide as its curvature says.

    Attributes
    ----------
    mode : ndarray, (batch, p)
        Centres.
    quadratic : Quadratic
        The curvature of the log density there.
    """

    mode: Array
    quadratic: Quadratic

    @classmethod
    def at(cls, mode: Array, hessian: Array) -> Proposal:
        """Build those of modes at which the log density has these Hessians."""
        everything = np.ones(mode.shape, bool)
        return cls(mode, Quadratic.at(mode, np.zeros_like(mode), hessian, everything))

    @property
    def exists(self) -> NDArray[np.bool_]:
        """Whether the density falls in every direction from the mode, (batch,)."""
        finite = np.all(np.isfinite(self.mode), axis=1)
        return finite & (self.quadratic.curvature[:, 0] > _FLAT)

    @property
    def root(self) -> Array:
        """Matrices R, (batch, p, p), with R'R the inverse negative Hessian."""
        p = self.mode.shape[1]
        return self.quadratic.step(np.eye(p) / np.sqrt(self.quadratic.curvature)[:, None, :])

    @property
    def covariance(self) -> Array:
        """Inverse negative Hessian, (batch, p, p)."""
        return np.einsum("bki,bkj->bij", self.root, self.root)

    def place(self, cloud: Cloud) -> tuple[Array, Array]:
        """Return the points, (batch, n, p), and their log densities, (batch, n).

        The cloud has as many batches as there are modes, or one for all.
        """
        x = self.mode[:, None, :] + cloud.z @ self.root
        q = self.quadratic
        log_det = 2 * np.sum(np.log(q.scale), axis=1) - np.sum(np.log(q.curvature), axis=1)
        return x, cloud.log_q - 0.5 * log_det[:, None]


def smoothed(log_ratio: Array) -> tuple[Array, Array]:
    """Pareto-smooth importance ratios.

    Parameters
    ----------
    log_ratio : ndarray, (batch, n)
        Log density of the target less that of the approximation; minus infinity or NaN where the
        target has no density.

    Returns
    -------
    log_weight : ndarray, (batch, n)
        Logs of the smoothed weights, which sum to one; NaN where no point has a density.
    pareto_k : ndarray, (batch,)
        Shape of the tail of the ratios: minus infinity where they are constant, NaN where too few
        points have any density for a tail to be seen.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling,
    https://doi.org/10.48550/arXiv.1507.02646
    """
    log_ratio = np.where(np.isnan(log_ratio), -np.inf, log_ratio)
    known = np.isfinite(log_ratio)
    total = logsumexp(log_ratio, axis=1, keepdims=True)
    log_weight = log_ratio - np.where(np.isfinite(total), total, np.nan)
    k = np.full(len(log_ratio), np.nan)
    m = tail_size(log_ratio.shape[1])
    top = np.sort(np.where(known, log_ratio, np.finfo(float).min), axis=1)[:, -m:]
    enough = np.sum(known, axis=1) > m
    constant = enough & (top[:, -1] - top[:, 0] < _CONSTANT)
    k[constant] = -np.inf
    rows = np.flatnonzero(enough & ~constant)
    if rows.size:
        # ArviZ takes the negative: its weights are the reciprocals of likelihoods.
        log_weight[rows], k[rows] = array_stats.psislw(-log_ratio[rows], axis=-1)
    return log_weight, k


def tail_size(n: int) -> int:
    """Return how many of n points are the tail, as ArviZ counts them."""
    return int(3 * math.sqrt(n)) if n > 225 else n // 5


def tail_k(values: Array) -> Array:
    """Return the Pareto k of the heavier tail of each row of values, (rows, n).

    NaN where a value is not finite; minus infinity where the values do not vary.
    """
    k = np.full(len(values), np.nan)
    finite = np.all(np.isfinite(values), axis=1)
    k[finite] = -np.inf
    m = tail_size(values.shape[1])
    ordered = np.sort(values, axis=1)
    for tail, low, high in (("left", 0, m - 1), ("right", -m, -1)):
        # What is as good as constant has no tail, and there is nothing to fit.
        extent = np.abs(ordered[:, high] - ordered[:, low])
        rows = np.flatnonzero(finite & (extent > _CONSTANT * np.abs(ordered).max(axis=1)))
        if rows.size:
            found = array_stats.pareto_khat(values[rows][:, None, :], r_eff=1.0, tail=tail)
            k[rows] = np.maximum(k[rows], found)
    return k


def highest_k(n: int) -> float:
    """Return the Pareto k up to which n points suffice: 0.7, or less where they are few.

    Above it, the error of a weighted mean falls too slowly with n to be of use, and its estimate
    is itself not reliable (Vehtari et al. 2024, section 3.2.4).
    """
    return min(0.7, 1 - 1 / math.log10(n))


def effective_size(log_weight: Array) -> Array:
    """Return how many equally weighted points are worth as much, of weights (..., n)."""
    return 1 / np.sum(np.exp(2 * log_weight), axis=-1)


@dataclass(frozen=True)
class Moments:
    """Weighted mean and sd of each column of values, their standard errors, and their Pareto k.

    Attributes
    ----------
    mean, mean_mcse, sd, sd_mcse : ndarray, (columns,)
    mean_k, sd_k : ndarray, (columns,)
        Shape of the tail of a point's pull on the mean, its weight times its distance from it, and
        of its pull on the sd.
    mean_share, sd_share : ndarray, (columns,)
        Share of the one point that pulls most in the squared error.
    """

    mean: Array
    mean_mcse: Array
    mean_k: Array
    mean_share: Array
    sd: Array
    sd_mcse: Array
    sd_k: Array
    sd_share: Array

    def doubtful(self, limit: float) -> NDArray[np.bool_]:
        """Say of which columns mean or sd, and their standard errors, are not to be trusted.

        Those with a Pareto k above the limit, unless no point decides: a tail of that shape may end
        before it matters, and then the error is small and rightly known.
        """
        heavy = (self.mean_k > limit) & (self.mean_share > _DECIDES)
        heavy |= (self.sd_k > limit) & (self.sd_share > _DECIDES)
        return heavy | ~np.isfinite(self.sd)


def moments(values: Array, log_weight: Array, log_ratio: Array) -> Moments:
    """Estimate the moments of values, (n, columns), under smoothed weights, (n,).

    The errors are those of a ratio of two means, by the delta method; n is large.
    """
    w = np.exp(log_weight)
    # A point of no weight has no say, whatever its value.
    values = np.where(w[:, None] > 0, values, 0.0)
    mean = w @ values
    off = values - mean
    variance = w @ off**2
    sd = np.sqrt(variance)
    # To first order a point moves the mean by its weight times this, and the sd by that.
    on_sd = (off**2 - variance) / np.where(sd > 0, 2 * sd, 1.0)
    mean_mcse, sd_mcse = (np.sqrt(w**2 @ pull**2) for pull in (off, on_sd))
    mean_share, sd_share = (
        np.max((w[:, None] * pull) ** 2, axis=0) / np.where(mcse > 0, mcse**2, 1.0)
        for pull, mcse in ((off, mean_mcse), (on_sd, sd_mcse))
    )
    # The tail is that of the weights before smoothing.
    raw = np.exp(np.nan_to_num(log_ratio - np.nanmax(log_ratio, initial=-np.inf), nan=-np.inf))
    mean_k, sd_k = (tail_k((raw[:, None] * pull).T) for pull in (off, on_sd))
    return Moments(mean, mean_mcse, mean_k, mean_share, sd, sd_mcse, sd_k, sd_share)


def systematic(log_weight: Array, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return n indices of n weighted points, each as often as its weight says, rounded at random.

    Systematic resampling adds less noise than independent draws do.  Copies of a point stay next to
    each other, so that an effective sample size, which looks for neighbours that are alike, does
    not count them twice.

    References
    ----------
    Kitagawa (1996), Monte Carlo filter and smoother for non-Gaussian nonlinear state space models,
    https://doi.org/10.1080/10618600.1996.10474692
    """
    n = len(log_weight)
    upto = np.cumsum(np.exp(log_weight))
    at = (np.arange(n) + rng.uniform()) / n * upto[-1]
    return np.minimum(np.searchsorted(upto, at, side="right"), n - 1)
