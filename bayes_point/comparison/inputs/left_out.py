"""What draws predict of an observation that was left out, by importance sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

__all__ = ["LeftOut", "k_limit", "leave_out", "log_mean_exp", "relative_efficiency"]

Array = NDArray[np.float64]

# Logs of weights that differ by less are equal but for rounding.
_CONSTANT = 1e-10


@dataclass(frozen=True)
class LeftOut:
    """Predictions of each observation given all others.

    Attributes
    ----------
    log_density : ndarray, (observation,)
        Log predictive density of what was observed.
    lower, upper : ndarray, (observation,)
        Predictive probability of less than what was observed, and of as much or less.
    pareto_k : ndarray, (observation,)
        Shape of the tail of the importance weights.
    """

    log_density: Array
    lower: Array
    upper: Array
    pareto_k: Array


def leave_out(log_density: Array, lower: Array, upper: Array, r_eff: float) -> LeftOut:
    """Weigh draws so that they are draws given all observations but one (PSIS-LOO).

    Parameters
    ----------
    log_density, lower, upper : ndarray, (draw, observation)
        Of each observation, given the parameters of each draw.
    r_eff : float
        Relative efficiency of the draws.

    References
    ----------
    A. Vehtari, A. Gelman and J. Gabry (2017), Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC, https://doi.org/10.1007/s11222-016-9696-4
    """
    n = len(log_density)
    rows = log_density.T
    log_weight = -rows - _log_sum_exp(-rows)[:, None]
    k = np.full(len(rows), np.nan)
    # Of as good as constant weights there is no tail to be smoothed; where a draw makes what was
    # observed impossible, they are infinite, and there is no k.
    finite = np.all(np.isfinite(rows), axis=1)
    tail = np.sort(rows, axis=1)[:, : int(min(0.2 * n, 3 * np.sqrt(n / r_eff)))]
    constant = finite & (np.ptp(tail, axis=1) < _CONSTANT)
    k[constant] = -np.inf
    smooth = np.flatnonzero(finite & ~constant)
    if smooth.size:
        # ArviZ takes the log-likelihood and not the log of the weights, which is less that.
        log_weight[smooth], k[smooth] = array_stats.psislw(rows[smooth], r_eff=r_eff)
    with np.errstate(invalid="ignore"):
        total = rows + log_weight
    # The weights are normalised: their logs sum to that of one.
    weight = np.exp(log_weight)
    return LeftOut(
        _log_sum_exp(total),
        np.clip(np.sum(weight * lower.T, axis=1), 0, 1),
        np.clip(np.sum(weight * upper.T, axis=1), 0, 1),
        k,
    )


def log_mean_exp(log_density: Array) -> Array:
    """Return the log of the mean density over the draws, (observation,)."""
    return _log_sum_exp(log_density.T) - np.log(len(log_density))


def relative_efficiency(draws: Array) -> float:
    """Return the effective number of draws of the mean over their number, as ArviZ does for LOO.

    `draws` are (chain, draw, n); the mean over the n parameters is taken.  One for one chain.
    """
    if draws.shape[0] == 1:
        return 1.0
    ess = [float(array_stats.ess(draws[..., i], method="mean")) for i in range(draws.shape[2])]
    return float(np.mean(ess)) / (draws.shape[0] * draws.shape[1])


def k_limit(draws: int) -> float:
    """Return the Pareto k above which so many draws are too few: 0.7 or less."""
    return float(min(1 - 1 / np.log10(draws), 0.7)) if draws > 10 else 0.0


def _log_sum_exp(rows: Array) -> Array:
    top = np.max(rows, axis=1)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(np.exp(rows - shift[:, None]), axis=1)) + shift
