"""Posterior means of one model given many data sets, by importance sampling, as one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from bayes_point.estimation.laplace.importance import Cloud, Proposal, effective_size, smoothed

__all__ = ["PosteriorMeans", "importance_means"]

Array = NDArray[np.float64]
Rows = NDArray[np.int_]

# Independent randomisations of the points: what they differ by is the Monte Carlo error.
_REPLICATES = 8


@dataclass(frozen=True)
class PosteriorMeans:
    """Mean and sd of the posterior given each of many data sets.

    Attributes
    ----------
    mean, mcse, sd : ndarray, (batch, k)
        Posterior mean of each scalar, its Monte Carlo standard error, and the posterior sd.  NaN
        where a data set has no mode to sample around.
    pareto_k : ndarray, (batch,)
        Of the importance weights: above 0.7 the mean, and its error, are not to be trusted.  NaN
        where there is no mode, or hardly a point has any density.
    effective_size : ndarray, (batch,)
        How many points of equal weight the points are worth.
    """

    mean: Array
    mcse: Array
    sd: Array
    pareto_k: Array
    effective_size: Array


def importance_means(
    log_density: Callable[[Rows, Array], Array],
    natural: Callable[[Rows, Array], Array],
    mode: Array,
    hessian: Array,
    *,
    n_points: int,
    points_at_once: int,
    rng: np.random.Generator,
) -> PosteriorMeans:
    """Estimate the posterior mean given each data set, from points around its mode.

    Half of the points are normal, with the mode and curvature given, half of Student's t with the
    same; they are randomised quasi-Monte Carlo points [1]_ in pairs on either side of the mode.
    Each data set has points of its own, moved at random: with the same points for all, their errors
    would be alike, and an average over data sets would not average them out.

    Parameters
    ----------
    log_density : callable
        Takes the numbers of data sets, (n,), and unconstrained points, (n, p), and returns the log
        posterior density with the log Jacobian, (n,), up to a constant for each data set: row i
        holds the density given data set ``rows[i]``.
    natural : callable
        Takes the same and returns the scalars whose means are wanted, (n, k).
    mode : ndarray, (batch, p)
        Mode of that density; NaN where there is none.
    hessian : ndarray, (batch, p, p)
        Its Hessian there.
    n_points : int
        Points for each data set: a power of two, at least 256.
    points_at_once : int
        About how many points to evaluate together: bounds the memory.
    rng : Generator
        Of the points.

    Returns
    -------
    PosteriorMeans

    References
    ----------
    .. [1] Owen (1998), Scrambling Sobol' and Niederreiter-Xing points,
       https://doi.org/10.1006/jcom.1998.0487
    """
    usable = np.all(np.isfinite(mode), axis=1) & np.all(np.isfinite(hessian), axis=(1, 2))
    usable[usable] = Proposal.at(mode[usable], hessian[usable]).exists
    numbers = np.flatnonzero(usable)
    at_once = max(1, points_at_once // n_points)
    points = _Points.of(n_points, mode.shape[1], rng)
    parts = [
        _part(log_density, natural, rows, Proposal.at(mode[rows], hessian[rows]), points, rng)
        for rows in np.split(numbers, range(at_once, len(numbers), at_once))
        if rows.size
    ]
    if not parts:
        columns = natural(np.zeros(1, int), np.zeros((1, mode.shape[1]))).shape[1]
        parts = [PosteriorMeans(*np.empty((3, 0, columns)), *np.empty((2, 0)))]
    return _scattered(parts, numbers, len(mode))


@dataclass(frozen=True)
class _Points:
    """Replicates of points in the unit cube, of which the last coordinate makes Student's t."""

    cube: Array  # (replicate, points, p + 1)

    @classmethod
    def of(cls, n_points: int, p: int, rng: np.random.Generator) -> _Points:
        n = n_points // (2 * _REPLICATES)
        sets = [
            qmc.Sobol(p + 1, rng=rng).random_base2(n.bit_length() - 1) for _ in range(_REPLICATES)
        ]
        return cls(np.array(sets))

    def cloud(self, batch: int, rng: np.random.Generator) -> Cloud:
        """Return the points for as many data sets, (batch, n_points, p)."""
        replicates, n, dims = self.cube.shape
        shift = rng.uniform(size=(batch, replicates, 1, dims))
        u = np.clip((self.cube + shift) % 1.0, 1e-12, 1 - 1e-12)
        z = ndtri(u[..., :-1])
        z = np.concatenate([z, -z], axis=2).reshape(batch, 2 * replicates * n, dims - 1)
        chi_squared = np.tile(-2 * np.log(u[..., -1]), (1, 1, 2)).reshape(batch, -1)
        # The second half of such a set is one of the same kind; every other point is not.
        heavy = np.tile(np.arange(n) >= n // 2, 2 * replicates)
        return Cloud.defensive(z, chi_squared, heavy)


def _part(
    log_density: Callable[[Rows, Array], Array],
    natural: Callable[[Rows, Array], Array],
    rows: Rows,
    proposal: Proposal,
    points: _Points,
    rng: np.random.Generator,
) -> PosteriorMeans:
    """Estimate the means given some of the data sets, in memory at once."""
    x, log_q = proposal.place(points.cloud(len(rows), rng))
    b, n, p = x.shape
    x, each = x.reshape(b * n, p), np.repeat(rows, n)
    log_weight, k = smoothed(log_density(each, x).reshape(b, n) - log_q)
    w = np.exp(log_weight)[:, :, None]
    # A point of no weight has no say, whatever its value.
    values = np.where(w == 0, 0.0, natural(each, x).reshape(b, n, -1))
    mean = np.sum(w * values, axis=1)
    off = values - mean[:, None, :]
    # The error of a ratio of two means, by the delta method, from what the replicates pull.
    pull = np.sum((w * off).reshape(b, _REPLICATES, n // _REPLICATES, -1), axis=2)
    mcse = np.sqrt(np.sum(pull**2, axis=1) * _REPLICATES / (_REPLICATES - 1))
    sd = np.sqrt(np.sum(w * off**2, axis=1))
    return PosteriorMeans(mean, mcse, sd, k, effective_size(log_weight))


def _scattered(parts: list[PosteriorMeans], numbers: Rows, batch: int) -> PosteriorMeans:
    """Put the parts together, with NaN for the data sets that have no mode."""
    out = {}
    for field in fields(PosteriorMeans):
        found = np.concatenate([getattr(part, field.name) for part in parts])
        out[field.name] = np.full((batch, *found.shape[1:]), np.nan)
        out[field.name][numbers] = found
    return PosteriorMeans(**out)
