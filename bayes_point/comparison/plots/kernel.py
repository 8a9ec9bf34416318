"""Posterior densities to be drawn: those of bounded parameters with their bounds known."""

from __future__ import annotations

import numpy as np
import xarray as xr
from arviz_plots.plots.utils import compute_dist
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import ndtr

from bayes_point.comparison.inputs.validate import SAMPLE_DIMS
from bayes_point.comparison.plots.marks import Marks

__all__ = ["bounded_density", "densities"]

Array = NDArray[np.float64]

# Points of a curve, as many as ArviZ has; and bandwidths beyond which a normal kernel is 0.
_POINTS, _REACH = 512, 5.0


def bounded_density(x: Array, lower: float | None, upper: float | None) -> tuple[Array, Array]:
    """Estimate the density of draws between bounds: a grid, and the density at its points.

    The local linear estimator [1]_: its bias at a bound is as small as inside. Where the density
    falls to 0 there, as that of a Beta(5, 2) does at 1, a mirrored sample shows it flat.

    Parameters
    ----------
    x : ndarray
        Draws, none beyond a bound.
    lower, upper : float or None
        The bounds; None where there is none.

    References
    ----------
    .. [1] Jones (1993). Simple boundary correction for kernel density estimation. Statistics and
       Computing 3(3), 135-146. https://doi.org/10.1007/BF00147776
    """
    x = np.ravel(x)
    _, _, width = array_stats.kde(x)
    # A bound beyond the reach of the draws is none, and the curve ends where ArviZ has it end.
    low = lower if lower is not None and x.min() - lower < _REACH * width else None
    high = upper if upper is not None and upper - x.max() < _REACH * width else None
    ends = (x.min() if low is None else low, x.max() if high is None else high)
    counts, edges = np.histogram(x, bins=_POINTS, range=ends)
    centres = (edges[1:] + edges[:-1]) / 2
    grid = np.linspace(*ends, _POINTS)
    u = (grid[:, None] - centres) / width
    kernel = np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)
    s0, s1 = kernel @ counts / (len(x) * width), (kernel * u) @ counts / (len(x) * width)
    # Moments of the part of the kernel that lies between the bounds.
    a, b = ((grid - end) / width if end is not None else None for end in (high, low))
    mass, a1, a2 = np.ones(_POINTS), np.zeros(_POINTS), np.ones(_POINTS)
    for end, sign in ((a, 1), (b, -1)):
        if end is not None:
            height = np.exp(-0.5 * end * end) / np.sqrt(2 * np.pi)
            beyond = ndtr(sign * end)
            mass -= beyond
            a1 += sign * height
            a2 -= beyond - sign * end * height
    density = np.maximum((a2 * s0 - a1 * s1) / (a2 * mass - a1 * a1), 0.0)
    return grid, density / np.trapezoid(density, grid)


def densities(marks: Marks, kind: str | None) -> xr.Dataset:
    """Compute what ArviZ draws of the parameters, curves of bounded ones with their bounds."""
    found = compute_dist(marks.draws(standardised=False), list(SAMPLE_DIMS), [], kind=kind)
    for i, name in enumerate(marks.names):
        curve = found[name]
        if curve.attrs["kind"] == "kde" and marks.supports[i] != (None, None):
            grid, density = bounded_density(marks.x[..., i], *marks.supports[i])
            curve.loc[{"plot_axis": "x"}], curve.loc[{"plot_axis": "y"}] = grid, density
    return found
