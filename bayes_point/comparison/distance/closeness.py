"""How near one set of draws is to a sampled posterior, with Monte Carlo error."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from bayes_point.comparison.inputs.draws import Draws, gap_mcse
from bayes_point.comparison.inputs.scalars import flatten
from bayes_point.comparison.inputs.selection import select_posterior
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS
from bayes_point.errors import ComparisonError

__all__ = ["QUANTITIES", "closeness"]

QUANTITIES = (
    "mean_difference",
    "mean_difference_mcse",
    "sd_difference",
    "sd_difference_mcse",
    "wasserstein",
    "wasserstein_noise",
)


def closeness(
    dt: xr.DataTree,
    reference: xr.DataTree,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> xr.Dataset:
    """Distance of the draws of an approximation to those of a posterior, parameter by parameter.

    All in posterior sd, that is in the sd of the reference's draws.

    Parameters
    ----------
    dt : xarray.DataTree
        A tree with the group ``posterior``: what `laplace` returned, or any other draws.
    reference : xarray.DataTree
        A tree with the group ``posterior`` that it is compared with, such as `fit` or
        `pymc.sample` returned it.
    var_names, filter_vars, coords
        What to compare, as in ArviZ; by default everything in either.

    Returns
    -------
    xarray.Dataset
        The variables, each with the dim ``quantity`` before its own:

        - ``mean_difference``: mean of `dt` less mean of the reference
        - ``sd_difference``: sd of `dt` over that of the reference, less one
        - ``mean_difference_mcse``, ``sd_difference_mcse``: their Monte Carlo standard errors, those
          of both sets of draws counted
        - ``wasserstein``: the Wasserstein distance of order one [1]_, the area between the two
          distribution functions
        - ``wasserstein_noise``: about what that distance would be if both were draws of the same
          distribution, from the distances between the halves of each.  Unlike a difference, a
          distance is never zero.

        NaN where draws are not all finite, or the reference's are constant.

    Raises
    ------
    ComparisonError
        If a tree has no posterior, or the two differ in variables, dims or coords.

    See Also
    --------
    laplace : Approximate the posterior by a normal at its mode, and say how good that is.

    References
    ----------
    .. [1] Ramdas, García Trillos & Cuturi (2017), On Wasserstein two-sample testing and related
       families of nonparametric tests, https://doi.org/10.3390/e19020047

    Examples
    --------
    The draws of a coin's posterior, and the same moved up by 0.1:

    >>> import bayes_point as bp
    >>> moved = dt.copy()
    >>> moved["posterior"] = dt["posterior"] + 0.1
    >>> found = bp.closeness(moved, dt, var_names="theta")["theta"]
    >>> sd = dt["posterior"]["theta"].std(ddof=1)
    >>> bool(abs(found.sel(quantity="mean_difference") - 0.1 / sd) < 1e-9)
    True
    """
    ours = select_posterior(dt, var_names, filter_vars, coords)
    theirs = select_posterior(reference, var_names, filter_vars, coords)
    _check_same(ours, theirs)
    variables = {}
    for name, da in theirs.data_vars.items():
        own = [d for d in da.dims if d not in SAMPLE_DIMS]
        mine = ours[name].transpose(*SAMPLE_DIMS, *own).to_dataset(name=name)
        values = _quantities(
            Draws.of(flatten(mine, SAMPLE_DIMS)),
            Draws.of(flatten(theirs[[name]], SAMPLE_DIMS)),
        )
        variables[name] = (
            ["quantity", *own],
            values.reshape(len(QUANTITIES), *(da.sizes[d] for d in own)),
        )
    kept = {k: v for k, v in theirs.coords.items() if not set(v.dims) & set(SAMPLE_DIMS)}
    return xr.Dataset(variables, coords=kept | {"quantity": list(QUANTITIES)})


def _quantities(ours: Draws, theirs: Draws) -> NDArray[np.float64]:
    """Shape (quantity, n) from draws of n scalars."""
    out = np.full((len(QUANTITIES), len(ours.mean)), np.nan)
    known = ours.finite & theirs.varies
    unit = np.where(known, theirs.sd, np.nan)
    shift, ratio = (ours.mean - theirs.mean) / unit, ours.sd / unit
    out[0], out[2] = shift, ratio - 1
    # The reference's mean and sd both enter the gap; the other mean is independent of them.
    out[1] = np.hypot(gap_mcse(theirs.z, shift, known), ours.mean_mcse / unit)
    out[3] = np.hypot(ours.sd_mcse / unit, ratio * theirs.sd_mcse / unit)
    for i in np.flatnonzero(known):
        a, b = ours.x[..., i] / unit[i], theirs.x[..., i] / unit[i]
        out[4, i] = wasserstein_distance(a.ravel(), b.ravel())
        out[5, i] = np.hypot(_halves(a), _halves(b)) / 2
    return out


def _halves(draws: NDArray[np.float64]) -> float:
    """Distance between the first and the second half of the draws, (chain, draw).

    Its square falls as 4/n, where that of draws to others falls as 1/n for each of the two.
    """
    half = draws.shape[1] // 2
    if half == 0:
        return float("nan")
    return float(wasserstein_distance(draws[:, :half].ravel(), draws[:, half : 2 * half].ravel()))


def _check_same(ours: xr.Dataset, theirs: xr.Dataset) -> None:
    """Raise unless both hold the same variables, with the same dims and labels."""
    names, others = {*map(str, ours)}, {*map(str, theirs)}
    for has, lacks, which in ((names, others, "reference"), (others, names, "first tree")):
        if missing := sorted(has - lacks):
            raise ComparisonError(
                f"The {which} has no {', '.join(missing)} among its variables "
                f"({', '.join(sorted(lacks))}). Compare what both have, with var_names=."
            )
    for name, da in theirs.data_vars.items():
        mine = ours[name]
        sizes, there = (
            {d: n for d, n in array.sizes.items() if d not in SAMPLE_DIMS} for array in (mine, da)
        )
        if sizes != there:
            raise ComparisonError(
                f"{name} has the dims {sizes or 'none'} in the first tree and {there or 'none'} "
                "in the reference: draws of the same parameter have the same."
            )
        for dim in sizes:
            one, two = mine.indexes.get(dim), da.indexes.get(dim)
            if one is not None and two is not None and not one.equals(two):
                raise ComparisonError(
                    f"{name} has the labels {list(one)} along {dim} in the first tree and "
                    f"{list(two)} in the reference: they must be the same, in the same order."
                )
