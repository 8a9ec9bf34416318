"""What is asked for of a tree: its variables and coords, and the same of both groups."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import xarray as xr
from arviz_base.utils import _var_names

from bayes_point.comparison.inputs.fingerprints import check_fingerprints
from bayes_point.comparison.inputs.marginal import JOINT, headline
from bayes_point.comparison.inputs.scalars import scalars
from bayes_point.comparison.inputs.validate import (
    ESTIMATORS,
    MARGINAL,
    SAMPLE_DIMS,
    check_estimators,
    check_same,
    in_words,
    posterior_of,
)
from bayes_point.errors import ComparisonError

__all__ = ["free_names", "n_free", "select", "select_all", "select_mode", "select_posterior"]


def free_names(dt: xr.DataTree) -> list[str]:
    """Names of the parameters: what was maximised over, and not what is computed from it.

    All variables where the tree does not say which they are. What was integrated out, or is
    computed from that, is none.
    """
    names = [str(name) for name in dt["posterior"].data_vars]
    if "mle" not in dt.children or "optima" not in dt["mle"].children:
        return names
    free = set(dt["mle/optima"].data_vars)
    if "latents" in dt.children:
        free -= set(dt["latents"].data_vars)
    return [name for name in names if name in free] or names


def n_free(dt: xr.DataTree) -> int:
    """How many scalar parameters there are."""
    return len(scalars(dt["posterior"].dataset[free_names(dt)], SAMPLE_DIMS))


def select(
    dt: xr.DataTree,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Check a tree of ``fit`` and take the variables and coords asked for.

    Parameters
    ----------
    dt : xarray.DataTree
        A tree with ``posterior`` and ``point_estimates``.
    var_names, filter_vars, coords
        As in ArviZ, but that without `var_names` those are taken which have a prior: what is
        computed from them (a Deterministic) has to be asked for.

    Returns
    -------
    posterior : xarray.Dataset
        The draws, dims ``chain`` and ``draw`` first.
    points : xarray.Dataset
        The same variables, dim ``estimator`` (MLE, MAP) first, with the coord ``status``: the
        marginal estimates where the tree has them.

    Raises
    ------
    ComparisonError
        If groups are missing, are of different models or data, the two groups differ in variables,
        dims or coords, or the selection names what is not there.
    """
    dt = headline(dt)
    posterior = posterior_of(dt)
    if "point_estimates" not in dt.children:
        raise ComparisonError(
            f"The tree has no group point_estimates (its groups: {in_words(dt.children)}). A"
            " posterior alone holds no MLE and no MAP: bp.fit(model, idata=dt) adds them to it."
        )
    check_fingerprints(dt)
    points = dt["point_estimates"].to_dataset()
    check_estimators(points)
    # Arithmetic on Datasets keeps the common variables and drops the rest without a word, so the
    # equality is checked here, once, before any difference is taken.
    check_same(posterior, points, "point_estimates")
    points = points.sel(estimator=list(ESTIMATORS))[list(posterior.data_vars)]
    points = points.transpose("estimator", ...)
    var_names = free_names(dt) if var_names is None else var_names
    return (
        _subset(posterior, var_names, filter_vars, coords),
        _subset(points, var_names, filter_vars, coords),
    )


def select_all(
    dt: xr.DataTree,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the same as `select`, with the joint estimates after the marginal ones if both are."""
    posterior, points = select(dt, var_names, filter_vars, coords)
    if JOINT[0] not in headline(dt).children:
        return posterior, points
    points = dt["point_estimates"].to_dataset().sel(estimator=[*MARGINAL, *ESTIMATORS])
    points = points[list(posterior.data_vars)].transpose("estimator", ...)
    return posterior, _subset(points, None, None, coords)


def select_mode(
    dt: xr.DataTree,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset | None:
    """Take the mode on the unconstrained scale, of the variables that `select` takes.

    Returns
    -------
    xarray.Dataset or None
        On the natural scale, dim ``estimator`` (mode) first. None if the tree holds no such mode.

    Raises
    ------
    ComparisonError
        If it is of other variables, dims or coords than the posterior.
    """
    posterior = posterior_of(dt)
    if "mode" not in dt.children or "posterior" not in dt["mode"].children:
        return None
    mode = dt["mode/posterior"].to_dataset().isel(chain=0, draw=0, drop=True)
    mode = mode.expand_dims(estimator=["mode"])
    check_same(posterior, mode, "mode")
    var_names = free_names(dt) if var_names is None else var_names
    return _subset(mode[list(posterior.data_vars)], var_names, filter_vars, coords)


def select_posterior(
    dt: xr.DataTree,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset:
    """Take the draws asked for from a tree which need hold no estimates."""
    return _subset(posterior_of(dt), var_names, filter_vars, coords)


def _subset(
    ds: xr.Dataset,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset:
    several = [var_names] if isinstance(var_names, str | None) else var_names
    if not isinstance(several, Collection) or not all(isinstance(v, str | None) for v in several):
        raise ComparisonError(
            f"var_names must be the name of a variable, or a list of names, got {var_names!r}."
        )
    if not isinstance(coords, Mapping | None):
        raise ComparisonError(
            f"coords must be a dict of labels by dim, such as {{'group': ['a']}}, got {coords!r}."
        )
    try:
        names = _var_names(var_names, ds, filter_vars)  # type: ignore[arg-type]
    except (KeyError, ValueError) as error:
        raise ComparisonError(
            f"var_names={var_names!r}, filter_vars={filter_vars!r} cannot be selected"
            f" ({_text(error)}). The variables are: {in_words(ds.data_vars)}; filter_vars is None,"
            " 'like' or 'regex'."
        ) from error
    if names is not None:
        # "like" and "regex" may match a variable once for each name that is given
        ds = ds[list(dict.fromkeys(names))]
    if not ds.data_vars:
        raise ComparisonError(
            f"var_names={var_names!r}, filter_vars={filter_vars!r} select no variable."
        )
    if coords:
        try:
            ds = ds.sel(dict(coords))
        except (KeyError, ValueError, TypeError) as error:
            own = [d for d in ds.dims if d not in (*SAMPLE_DIMS, "estimator")]
            raise ComparisonError(
                f"coords={dict(coords)!r} cannot be selected ({_text(error)}). The coords are:"
                f" {'; '.join(_coord(ds, d) for d in own) or 'none'}."
            ) from error
        empty = [str(name) for name, da in ds.data_vars.items() if da.size == 0]
        if empty:
            raise ComparisonError(f"coords={dict(coords)!r} leaves nothing of {in_words(empty)}.")
    return ds


def _coord(ds: xr.Dataset, dim: Hashable) -> str:
    labels = [str(v) for v in ds[dim].values[:8]]
    more = ", ..." if ds.sizes[dim] > 8 else ""
    return f"{dim} ({', '.join(labels)}{more})"


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
