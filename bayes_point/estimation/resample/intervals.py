"""Intervals from the draws of a bootstrap: percentile and BCa."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from arviz_base.utils import _var_names
from numpy.typing import NDArray
from scipy.stats import norm

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.uncertainty.wald import checked_probability
from bayes_point.model.variables.circular import arc, wrapped

__all__ = ["IntervalMethod", "bootstrap_interval"]

Array = NDArray[np.float64]
IntervalMethod = Literal["percentile", "bca"]

# Where the maximum is none, or not one point, the refit says nothing of the estimator.
_FAILED = tuple(s.key for s in (Status.NOT_IDENTIFIED, Status.UNBOUNDED, Status.NOT_CONVERGED))
# Of the refits, this part may fail before the rest is no fair sample.
_MOST_FAILED = 0.05


def bootstrap_interval(
    dt: xr.DataTree,
    *,
    ci_prob: float | None = None,
    method: IntervalMethod = "bca",
    var_names: str | Sequence[str] | None = None,
    filter_vars: Literal["like", "regex"] | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> xr.Dataset:
    """Return confidence intervals from the draws of a bootstrap.

    Parameters
    ----------
    dt : xarray.DataTree
        What `bootstrap` returned.
    ci_prob : float, optional
        Probability of the intervals; ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    method : {"bca", "percentile"}
        Quantiles of the draws, as they are or corrected for bias and skewness [1]_: the bias from
        how many draws are below the estimate, the skewness (acceleration) from the jackknife.
    var_names, filter_vars, coords
        What to select, as in ArviZ; by default all variables.

    Returns
    -------
    xarray.Dataset
        With the dim ``ci_bound`` (lower, upper) last, on the natural scale.  An end is infinite
        where so many of the estimates are at infinity.  NaN where there is no such interval:
        more than one refit in twenty has failed, or, for BCa, all draws are on one side of the
        estimate or a jackknife estimate does not exist; ``attrs["notes"]`` of the variable says so,
        one scalar a line, and how many refits have failed otherwise.

    Raises
    ------
    ModelError
        If an argument is none of those allowed, or there is no jackknife for BCa.

    See Also
    --------
    bootstrap : Draw from the distribution of an estimator, by refits to new data sets.

    References
    ----------
    .. [1] B. Efron (1987), Better bootstrap confidence intervals,
       https://doi.org/10.1080/01621459.1987.10478410

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as model:
    ...     mu = pm.Flat("mu")
    ...     y = pm.Normal("y", mu, 1, observed=[1.0, 2.0, 4.0, 6.0])
    >>> dt = bp.bootstrap(model, kind="nonparametric", random_seed=1, progressbar=False)
    >>> ends = bp.bootstrap_interval(dt, ci_prob=0.8, method="percentile")
    >>> ends["mu"].values.tolist()
    [2.0, 4.5]
    """
    prob = checked_probability(ci_prob)
    if method not in ("percentile", "bca"):
        raise ModelError(f"Got method={method!r}. It must be 'percentile' or 'bca'.")
    if not isinstance(dt, xr.DataTree) or "refits" not in dt.children:
        raise ModelError(
            f"Got a {type(dt).__name__} without the group refits: pass the DataTree that "
            "bp.bootstrap(model) returns."
        )
    if method == "bca" and "jackknife" not in dt.children:
        raise ModelError(
            f"BCa intervals need the jackknife, and there is none: {dt.attrs['no_jackknife']} Give "
            "dims= to bootstrap, or take percentile intervals: method='percentile' here, "
            "interval='percentile' in conf_int."
        )
    refits = dt["refits"].dataset
    point = dt[str(dt.attrs["estimator"]).lower()]["posterior"].dataset.isel(chain=0, draw=0)
    names = _var_names(var_names, point, filter_vars) or list(point.data_vars)
    failed = np.isin(refits["status"].values.astype(str), _FAILED)
    circular = json.loads(str(dt.attrs.get("circular", "[]")))
    out = {}
    for name in map(str, names):
        near = partial(_near, point[name]) if name in circular else np.asarray
        draws = near(_rows(refits[name], "draw")[~failed])
        if method == "bca":
            jackknife = dt["jackknife"].dataset
            lost = np.isin(jackknife["status"].values.astype(str), _FAILED)
            left_out = np.where(lost[:, None], np.nan, near(_rows(jackknife[name], "left_out")))
            levels, notes = _bca_levels(
                draws, np.ravel(point[name].values).astype(float), left_out, prob
            )
        else:
            levels = np.tile([[0.5 - 0.5 * prob], [0.5 + 0.5 * prob]], draws.shape[1])
            notes = [""] * draws.shape[1]
        ends = _quantiles(draws, levels)
        ends = arc(ends.T).T if name in circular else ends
        _say_failures(int(failed.sum()), len(failed), ends, notes)
        out[name] = _labelled(point[name], ends, notes)
    chosen = xr.Dataset(out, attrs={"method": method, "ci_prob": prob, "kind": dt.attrs["kind"]})
    return chosen.sel(dict(coords or {}))


def _rows(array: xr.DataArray, dim: str) -> Array:
    values = array.transpose(dim, ...).values.astype(float)
    return values.reshape(len(values), -1)


def _near(point: xr.DataArray, angles: Array) -> Array:
    """Return angles on the turn on which they are nearest to those of the estimate."""
    centre = np.ravel(point.values).astype(float)
    return centre + wrapped(angles - centre)


def _quantiles(draws: Array, levels: Array) -> Array:
    """Return the order statistics of the draws, (n, k), at the levels, (2, k): no end is made up.

    To interpolate between them would be to subtract infinities where there are some.
    """
    ordered = np.sort(draws, axis=0)
    n = len(draws)
    ends = np.full(levels.shape, np.nan)
    known = np.isfinite(levels) & ~np.isnan(draws).any(axis=0) & (n > 0)
    at = np.ceil(n * np.where(known, levels, 0.5) - 1e-9).astype(int) - 1
    if n:
        ends = np.take_along_axis(ordered, np.clip(at, 0, n - 1), axis=0)
    return np.where(known, ends, np.nan)


def _bca_levels(
    draws: Array, point: Array, left_out: Array, prob: float
) -> tuple[Array, list[str]]:
    """Return the corrected levels, (2, k), NaN where there are none, and why."""
    below = np.mean(draws < point, axis=0) + 0.5 * np.mean(draws == point, axis=0)
    with np.errstate(all="ignore"):
        u = left_out.mean(axis=0) - left_out
        spread = np.sum(u**2, axis=0)
        acceleration = np.where(spread > 0, np.sum(u**3, axis=0) / (6 * spread**1.5), 0.0)
        acceleration = np.where(np.isfinite(spread), acceleration, np.nan)
        bias = norm.ppf(below)
        z = bias + norm.ppf([[0.5 - 0.5 * prob], [0.5 + 0.5 * prob]])
        levels = norm.cdf(bias + z / (1 - acceleration * z))
        broken = np.any(acceleration * z >= 1, axis=0)
    still = np.all(draws == point, axis=0)
    levels[:, still] = 0.5
    notes = []
    for k in range(len(point)):
        if still[k]:
            notes.append("all draws are the same")
        elif not np.isfinite(acceleration[k]):
            notes.append("an estimate of the jackknife does not exist")
        elif not np.isfinite(bias[k]):
            notes.append("all draws are on one side of the estimate")
        elif broken[k]:
            notes.append("the acceleration is too large for this probability")
        else:
            notes.append("")
            continue
        if not still[k]:
            levels[:, k] = np.nan
    return levels, notes


def _say_failures(failed: int, n: int, ends: Array, notes: list[str]) -> None:
    if not failed:
        return
    text = f"{failed} of {n} refits failed"
    if failed > _MOST_FAILED * n:
        ends[:] = np.nan
        text += ", too many for an interval"
    for k, note in enumerate(notes):
        notes[k] = f"{note}; {text}" if note else text


def _labelled(point: xr.DataArray, ends: Array, notes: Sequence[str]) -> xr.DataArray:
    lines = []
    for index, note in zip(np.ndindex(point.shape), notes, strict=True):
        if note:
            labels = [
                str(point.coords[dim].values[i]) if dim in point.coords else str(i)
                for dim, i in zip(point.dims, index, strict=True)
            ]
            lines.append(f"{point.name}{f'[{", ".join(labels)}]' if labels else ''}: {note}")
    own = {name: coord for name, coord in point.coords.items() if name in point.dims}
    return xr.DataArray(
        ends.T.reshape(*point.shape, 2),
        dims=(*point.dims, "ci_bound"),
        coords={**own, "ci_bound": ["lower", "upper"]},
        attrs={"notes": "\n".join(lines)} if lines else {},
    )
