"""The mode of a marginal posterior from its draws, with an error that counts its bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.comparison.causes.log_polynomial import (
    DEGREE,
    GRID,
    basis,
    fit_log_polynomial,
    highest,
    slope_of_basis,
)

__all__ = ["FEWEST", "MarginalModes", "marginal_modes"]

Array = NDArray[np.float64]

SHARES = (0.9, 0.8, 0.65, 0.5)
"""Share of the draws in each window, the shortest that holds so many: a wide one is less noisy, a
narrow one less biased."""

AGREE = 3.0
"""A window is too wide if its mode is more than so many errors away from that of a narrower one."""

EDGE = 0.02
"""Where a window leaves out a smaller share than this on a side, it reaches to the last draw there:
so close to the end of the support it is chance where the shortest window begins."""

FEWEST = 40
"""With fewer draws than these there is no window to speak of."""

ATOM = 0.1
"""A value that so large a share of the draws have is an atom: the variable is discrete."""

# Numbers worked on at a time: what stays in a processor's cache.
_CHUNK = 200_000


@dataclass(frozen=True)
class MarginalModes:
    """Modes of n marginal densities.

    Attributes
    ----------
    mode : ndarray of shape (n,)
        NaN where there are fewer than `FEWEST` draws.
    influence : ndarray of shape (chain, draw, n)
        What each draw contributes to the error of the mode: to first order, that is their mean.
    excess : ndarray of shape (n,)
        What the Monte Carlo error holds besides the noise of that mean: bias, a peak so flat that
        first order does not describe it, the distance from the last draw to the end of the support.
    """

    mode: Array
    influence: Array
    excess: Array


def marginal_modes(z: Array) -> MarginalModes:
    """Estimate the modes of the marginal densities that draws come from.

    In the shortest window that holds a given share of the draws, the log density is taken for a
    polynomial and fitted to the draws inside by maximum likelihood [1]_; the mode is its highest
    point, be it the end of the support. Skewed draws are first put on a log scale that makes their
    centre symmetric, where polynomials are nearer to the truth. Of several windows the widest is
    used whose mode agrees with those of all narrower ones [2]_, and what they differ by beyond
    their noise is counted as bias.

    Parameters
    ----------
    z : ndarray of shape (chain, draw, n)
        Finite draws of n scalar parameters, not constant.

    Returns
    -------
    MarginalModes

    Notes
    -----
    A mode at which the density has a kink, with slopes that differ much in size, is found too far
    on the gentler side, by up to a tenth of an sd more than the error says.

    References
    ----------
    .. [1] Loader (1996). Local likelihood density estimation. Annals of Statistics 24(4),
       1602-1618. https://doi.org/10.1214/aos/1032298287
    .. [2] Lepski, Mammen, Spokoiny (1997). Optimal spatial adaptation to inhomogeneous smoothness.
       Annals of Statistics 25(3), 929-947. https://doi.org/10.1214/aos/1069362731
    """
    chains, length, n = z.shape
    draws = z.reshape(chains * length, n)
    mode, excess = np.full(n, np.nan), np.full(n, np.nan)
    influence = np.zeros_like(draws)
    if n and len(draws) >= FEWEST:
        starts = _batch_starts(chains, length)
        for part in np.array_split(np.arange(n), -(-draws.size // _CHUNK)):
            # What is not finite is looked for where it matters.
            with np.errstate(all="ignore"):
                mode[part], influence[:, part], excess[part] = _modes(draws[:, part], starts)
    return MarginalModes(mode, influence.reshape(z.shape), excess)


def _batch_starts(chains: int, length: int) -> NDArray[np.intp]:
    """First draw of each batch; the spread of batch means is noise with its autocorrelation."""
    size = max(1, round(length**0.5))
    first = np.arange(0, length - size + 1, size)
    return np.asarray((np.arange(chains)[:, None] * length + first).ravel())


def _modes(draws: Array, starts: NDArray[np.intp]) -> tuple[Array, Array, Array]:
    """Mode, influence and excess of draws of shape (draw, n)."""
    ordered = np.sort(draws, axis=0)
    scale = _Scale.of(ordered)
    u, ordered_u = scale.bent(draws), scale.bent(ordered)
    fits = [_Fit.of(u, ordered_u, share, starts, scale) for share in SHARES]
    chosen, excess = _choose(fits, ordered)
    mode, influence = np.empty(len(chosen)), np.empty_like(draws)
    for k, fit in enumerate(fits):
        own = np.flatnonzero(chosen == k)
        mode[own], influence[:, own] = fit.mode[own], fit.influence(u, own)
    atom = max(1, round(ATOM * len(draws)))
    for i in np.flatnonzero((ordered[atom:] == ordered[:-atom]).any(0)):
        (mode[i], excess[i]), influence[:, i] = _most_frequent(ordered[:, i]), 0.0
    return mode, influence, excess


@dataclass(frozen=True)
class _Scale:
    """A scale u = log(1 + bend (x - centre)) / bend on which the draws are about symmetric.

    `hard` says where the densest half of the draws begins at their very end, as on a support which
    ends there; those are left as they are, since such an end has no business in a logarithm.
    `low` and `high` are how far into the draws the `EDGE` share reaches from either end.
    """

    centre: Array
    bend: Array
    hard: NDArray[np.bool_]
    low: Array
    high: Array

    @classmethod
    def of(cls, ordered: Array) -> _Scale:
        total = len(ordered)
        low, centre, high = (ordered[round(p * (total - 1))] for p in (0.1, 0.5, 0.9))
        below, above = centre - low, high - centre
        # The log that maps the quantiles to -q, 0, q.
        bend = np.where((below > 0) & (above > 0), (above - below) / (above * below), 0.0)
        # So nearly straight that the logarithm would be rounding.
        bend = np.where(np.abs(above - below) < 1e-6 * (above + below), 0.0, bend)
        limit = 0.9 / np.where(bend > 0, centre - ordered[0], ordered[-1] - centre)
        first, last = _shortest(ordered, total // 2)
        hard = (first == 0) | (last == total - 1)
        edge = max(1, round(EDGE * total))
        return cls(
            centre,
            np.where(hard, 0.0, np.clip(bend, -limit, limit)),
            hard,
            ordered[edge] - ordered[0],
            ordered[-1] - ordered[-1 - edge],
        )

    def bent(self, x: Array) -> Array:
        v, safe = x - self.centre, np.where(self.bend == 0, 1.0, self.bend)
        return np.where(self.bend == 0, v, np.log1p(self.bend * v) / safe)

    def straight(self, u: Array) -> Array:
        safe = np.where(self.bend == 0, 1.0, self.bend)
        return self.centre + np.where(self.bend == 0, u, np.expm1(self.bend * u) / safe)


@dataclass(frozen=True)
class _Fit:
    """The fits in the windows of one share, one a parameter; positions t in them are in [-1, 1].

    `weight` is what a draw's statistics, less those expected, add to the mode; `noise` the sums of
    that over batches; `extent` the error that the mode has at least for all the positions that are
    as high as it but for noise.
    """

    middle: Array
    half: Array
    mode: Array
    weight: Array  # (n, degree)
    expected: Array  # (n, degree)
    noise: Array  # (batch, n)
    extent: Array
    usable: NDArray[np.bool_]

    @classmethod
    def of(
        cls, u: Array, ordered: Array, share: float, starts: NDArray[np.intp], scale: _Scale
    ) -> _Fit:
        total, columns = len(u), np.arange(u.shape[1])
        first, last = _shortest(ordered, min(int(np.ceil(share * total)), total - 1))
        low, high = ordered[first, columns], ordered[last, columns]
        middle, half = (low + high) / 2, (high - low) / 2
        statistics, inside = _statistics(u, middle, half)
        count = np.maximum(inside.sum(0), 1)
        density, expected, covariance = fit_log_polynomial(statistics.sum(1).T / count[:, None])
        scores = np.add.reduceat(statistics, starts, axis=1) - expected.T[:, None] * (
            np.add.reduceat(inside, starts, axis=0, dtype=float)
        )
        inverse = np.linalg.pinv(covariance, hermitian=True) / count[:, None, None]
        moved = np.einsum("nkl,lbn->nbk", inverse, scores)

        # The density of x is that of u times exp(-bend u), whose logarithm is linear in u.
        density[:, 0] -= scale.bend * half
        t, curvature, at_end = highest(density)
        mode = scale.straight(middle + half * t)
        stretch = half * np.exp(scale.bend * (middle + half * t))
        slope = np.where(at_end, 0.0, stretch / curvature)[:, None] * slope_of_basis(t).T

        contrast = basis(t).T[:, None] - basis(GRID).T  # (n, grid, degree)
        drop = np.einsum("ngk,nk->ng", contrast, density)
        unsure = np.sqrt(((contrast @ moved.transpose(0, 2, 1)) ** 2).sum(2))
        there = scale.straight(middle + half * GRID[:, None]).T
        reach = np.where(drop <= 2 * unsure, np.abs(there - mode[:, None]), 0.0).max(1)
        # As high but for two errors is, about a round peak, as far as four errors of its position;
        # at the end of a support that rule is too bold.
        extent = np.where(scale.hard, reach / 2, reach / 4)
        at_edge = np.where(t < 0, scale.low, scale.high) / 2
        is_edge = np.where(t < 0, first == 0, last == total - 1)
        return cls(
            middle, half, mode,
            weight=np.einsum("nk,nkl->nl", slope, inverse),
            expected=expected,
            noise=np.einsum("nk,nbk->bn", slope, moved),
            extent=np.where(at_end, np.maximum(extent, at_edge), extent),
            usable=(count > 4 * DEGREE) & (half > 0) & np.isfinite(mode) & (~at_end | is_edge),
        )  # fmt: skip

    def influence(self, u: Array, own: NDArray[np.intp]) -> Array:
        """Influence of each draw on the modes of the parameters `own`: shape (draw, own)."""
        statistics, inside = _statistics(u[:, own], self.middle[own], self.half[own])
        weight = self.weight[own].T[:, None]
        shift = (self.weight[own] * self.expected[own]).sum(1)
        return len(u) * ((statistics * weight).sum(0) - inside * shift)


def _shortest(ordered: Array, size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last draw of the shortest window of `size` draws, or to the end if that is near."""
    total = len(ordered)
    first = (ordered[size:] - ordered[:-size]).argmin(0)
    last = first + size
    return (
        np.where(first < EDGE * total, 0, first),
        np.where(last >= (1 - EDGE) * total - 1, total - 1, last),
    )


def _statistics(u: Array, middle: Array, half: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Basis at the positions, 0 outside: shape (degree, draw, n); and who is inside.

    The two draws that mark the ends are outside: given these, those between are draws of the
    density within the window.
    """
    t = (u - middle) / half
    inside = np.abs(t) < 1
    statistics = basis(np.where(inside, t, 0.0))
    statistics *= inside
    return statistics, inside


def _choose(fits: list[_Fit], ordered: Array) -> tuple[NDArray[np.intp], Array]:
    """Which window each parameter's mode is taken from, and the excess of its error."""
    modes = np.stack([f.mode for f in fits])
    usable = np.stack([f.usable for f in fits])
    noise = np.stack([f.noise for f in fits])
    extent = np.stack([f.extent for f in fits])
    # Where no window shows a peak, it may be anywhere among the draws.
    chosen = np.zeros(modes.shape[1], dtype=int)
    excess = (ordered[-1] - ordered[0]) / 2
    done = np.zeros(modes.shape[1], dtype=bool)
    for k in range(len(fits)):
        apart = np.abs(modes[k + 1 :] - modes[k])
        own = ((noise[k + 1 :] - noise[k]) ** 2).sum(1)
        allowed = AGREE * np.maximum(np.sqrt(own), extent[k + 1 :])
        take = ~done & usable[k] & ((apart <= allowed) | ~usable[k + 1 :]).all(0)
        beyond = np.where(usable[k + 1 :], np.maximum(apart**2 - own, 0), 0.0)
        if len(beyond):
            # Of the next one, whose noise is not much larger, a part even where noise explains it.
            beyond[0] = np.where(usable[k + 1], apart[0] ** 4 / (apart[0] ** 2 + own[0]), 0.0)
        bias = np.nan_to_num(beyond).max(0, initial=0.0)
        if k:
            # What made the wider ones give way may be chance: the nearest of them may be right.
            wider = np.where(usable[:k], (modes[:k] - modes[k]) ** 2, np.inf).min(0)
            bias = np.where(np.isfinite(wider), np.maximum(bias, wider), bias)
        spread = np.maximum(extent[k] ** 2 - (noise[k] ** 2).sum(0), 0)
        chosen[take], excess[take] = k, np.sqrt(bias + spread)[take]
        done |= take
    return chosen, excess


def _most_frequent(ordered: Array) -> tuple[float, float]:
    """Return the most frequent value, and half the distance to those as frequent but for noise."""
    values, counts = np.unique(ordered, return_counts=True)
    top = int(counts.argmax())
    rivals = values[counts >= counts[top] - 2 * np.sqrt(2 * counts[top])]
    return float(values[top]), float(np.abs(rivals - values[top]).max() / 2)
