"""How far the point estimates lie from the posterior mean, with Monte Carlo error."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.inputs.draws import Draws, circular_names, gap_mcse, interval
from bayes_point.comparison.inputs.scalars import flatten
from bayes_point.comparison.inputs.selection import select_all
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS, interval_arguments

__all__ = ["QUANTITIES", "gaps"]

QUANTITIES = ("distance", "gap", "gap_mcse", "cdf", "inside_interval")


def gaps(
    dt: xr.DataTree,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
    ci_prob: float | None = None,
    ci_kind: str | None = "hdi",
) -> xr.Dataset:
    """Distance of MLE and MAP from the posterior mean, raw and in posterior sd.

    The gap of an estimate p is (p - posterior mean) / posterior sd, the two moments taken from the
    draws. Its Monte Carlo standard error counts the errors of both moments and their covariance,
    by the delta method: a gap within twice its error of 0 may as well be 0.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names : str or sequence of str, optional
        Variables to compare, all by default. As in ArviZ, ``~`` in front excludes.
    filter_vars : {None, "like", "regex"}, optional
        How `var_names` are understood, as in ArviZ.
    coords : mapping, optional
        Coordinate values to select.
    ci_prob : float, optional
        Probability of the interval, ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    ci_kind : {"hdi", "eti", None}, default "hdi"
        Kind of the interval; None takes ``rcParams["stats.ci_kind"]``. The default is the highest
        density interval because a mode on the edge of the support lies outside every equal-tailed
        one.

    Returns
    -------
    xarray.Dataset
        The variables of the model, each with the dims ``estimator`` (MLE, MAP; before these, where
        latent variables were integrated out, marginal MLE and marginal MAP) and ``quantity``
        before its own. The coord ``status`` says how good each estimate is. Quantities:

        - ``distance``: estimate - posterior mean, in the units of the parameter
        - ``gap``: the same in posterior sd
        - ``gap_mcse``: Monte Carlo standard error of the gap
        - ``cdf``: share of the draws that are at most the estimate
        - ``inside_interval``: 1 if the estimate lies in the interval, else 0

        An infinite estimate has an infinite distance and gap, cdf 0 or 1, and a gap_mcse of NaN. An
        estimate that does not exist (NaN) has NaN everywhere. Where the draws are constant, there
        is no spread to measure in: gap and gap_mcse are NaN. Draws that are not all finite have no
        mean, so all is NaN. Of an angle mean and sd are the mean direction and the circular sd,
        and the distance is the shorter way around; all is NaN where the draws have no direction.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or the selection names what is not there.

    See Also
    --------
    summary : Table of MLE, MAP, posterior mean, sd, interval and gaps, one row a scalar parameter.
    verdict : Whether the distance of a point estimate from the posterior mean matters.
    explain : Distance from the MLE to the posterior mean as a sum of causes, in posterior sd.
    plot_gaps : Draw MLE and MAP against the posterior, in posterior sd from the posterior mean.

    Notes
    -----
    The interval of finitely many draws never quite reaches the edge of the support, even where the
    density is highest there. An estimate beyond all draws counts as inside a highest density
    interval if the draws between the two lie as densely as at the interval's other end.

    The effective sample size behind the Monte Carlo error is that of [1]_.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021). Rank-normalization, folding, and
       localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16(2),
       667-718. https://doi.org/10.1214/20-BA1221

    Examples
    --------
    Three heads of three tosses under a Beta(2, 2) prior: the MLE is 1, the MAP 0.8, the posterior
    mean 5/7. With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> theta = bp.gaps(dt)["theta"]
    >>> print(theta.sel(quantity="gap").round(1).to_series())
    estimator
    MLE    1.8
    MAP    0.5
    Name: theta, dtype: float64
    >>> print(theta["status"].values)
    ['on_boundary' 'converged']
    """
    prob, kind = interval_arguments(ci_prob, ci_kind)
    posterior, points = select_all(dt, var_names, filter_vars, coords)
    variables, circular = {}, circular_names(dt)
    for name, da in posterior.data_vars.items():
        own = [d for d in da.dims if d not in SAMPLE_DIMS]
        flat = flatten(posterior[[name]], SAMPLE_DIMS)
        draws = Draws.of(flat, [name in circular] * flat.shape[2])
        own_points = draws.near(flatten(points[[name]], ("estimator",)))
        values = _quantities(draws, own_points, prob, kind)
        shape = (*values.shape[:2], *(da.sizes[d] for d in own))
        variables[name] = (["estimator", "quantity", *own], values.reshape(shape))
    return xr.Dataset(
        variables,
        coords=dict(points.coords) | {"quantity": list(QUANTITIES)},
        attrs={"ci_prob": prob, "ci_kind": kind},
    )


def _quantities(
    draws: Draws, points: NDArray[np.float64], prob: float, kind: str
) -> NDArray[np.float64]:
    """Shape (estimator, quantity, n) from points of shape (estimator, n)."""
    lower, upper = interval(draws, prob, kind)
    out = np.full((len(points), len(QUANTITIES), points.shape[1]), np.nan)
    for i, p in enumerate(points):
        known = draws.finite & ~np.isnan(p)
        distance = p - draws.mean
        gap = np.where(draws.varies, distance / np.where(draws.varies, draws.sd, 1.0), np.nan)
        cdf = (draws.x <= p).mean((0, 1))
        inside = (p >= lower) & (p <= upper)
        if kind == "hdi":
            inside |= _dense_to(draws, p, lower, upper)
        out[i, 0] = distance
        out[i, 1] = gap
        out[i, 2] = gap_mcse(draws.z, gap, draws.varies)
        out[i, 3] = np.where(known, cdf, np.nan)
        out[i, 4] = np.where(known, inside, np.nan)
    return out


def _dense_to(
    draws: Draws,
    points: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Say which points beyond all draws belong to the highest density region all the same.

    Those from which to the interval the draws lie as densely as at the interval's other end, but
    for the noise of counting them (two standard deviations of a Poisson count).
    """
    out = np.zeros(points.shape, bool)
    least, most = draws.x.min((0, 1)), draws.x.max((0, 1))
    beyond = draws.varies & np.isfinite(points) & ((points < least) | (points > most))
    for i in np.flatnonzero(beyond):
        # Mirrored if need be, so that the point lies above the draws.
        sign = 1.0 if points[i] > most[i] else -1.0
        x = np.sort(sign * draws.x[..., i].ravel())
        low, high = sorted((sign * lower[i], sign * upper[i]))
        start = int(np.searchsorted(x, low))
        end = min(start + max(len(x) // 20, 1), len(x) - 1)
        if x[end] == low:
            continue
        expected = (end - start) / (x[end] - low) * (sign * points[i] - high)
        out[i] = np.count_nonzero(x > high) >= expected - 2 * np.sqrt(expected)
    return out
