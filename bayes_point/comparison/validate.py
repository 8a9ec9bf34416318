"""What can be compared: the groups, variables, dims and coords that a tree must hold."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_base import rcParams
from arviz_base.utils import _var_names

from bayes_point.comparison.fingerprints import check_fingerprints
from bayes_point.errors import ComparisonError

__all__ = [
    "SAMPLE_DIMS",
    "interval_arguments",
    "posterior_of",
    "select",
    "select_mode",
    "select_posterior",
]

SAMPLE_DIMS = ("chain", "draw")
ESTIMATORS = ("MLE", "MAP")


def posterior_of(dt: xr.DataTree) -> xr.Dataset:
    """Check that `dt` is a tree with posterior draws, and return them.

    Parameters
    ----------
    dt : xarray.DataTree
        A tree with the group ``posterior``.

    Returns
    -------
    xarray.Dataset
        The draws, every variable with the dims ``chain`` and ``draw`` first.

    Raises
    ------
    ComparisonError
        If `dt` is no such tree.
    """
    if not isinstance(dt, xr.DataTree):
        raise ComparisonError(_not_a_tree(dt))
    if "posterior" not in dt.children:
        held = _names(dt.children) or "none"
        inside = (
            f" This looks like the tree of the {dt.attrs['estimator']} alone: pass the tree"
            " that holds it."
            if "estimator" in dt.attrs
            else " Pass the DataTree that bp.fit(model) returns."
        )
        raise ComparisonError(f"The tree has no group posterior (its groups: {held}).{inside}")
    posterior = dt["posterior"].to_dataset()
    if not posterior.data_vars:
        raise ComparisonError("The group posterior holds no variables: nothing to compare.")
    for name, da in posterior.data_vars.items():
        if not set(SAMPLE_DIMS) <= set(da.dims):
            raise ComparisonError(
                f"Posterior variable {name} has dims {_names(da.dims) or 'none'}: the draws must"
                " have the dims chain and draw. Rename or expand them first."
            )
        if da.dtype.kind not in "biuf":
            raise ComparisonError(
                f"Posterior variable {name} has dtype {da.dtype}: only numbers can be compared."
                f" Leave it out: dt['posterior'] = dt['posterior'].drop_vars({name!r})."
            )
        if da.size == 0:
            raise ComparisonError(
                f"Posterior variable {name} is empty (sizes {dict(da.sizes)}): no draws."
            )
    return posterior.transpose(*SAMPLE_DIMS, ...)


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
        As in ArviZ.

    Returns
    -------
    posterior : xarray.Dataset
        The draws, dims ``chain`` and ``draw`` first.
    points : xarray.Dataset
        The same variables, dim ``estimator`` (MLE, MAP) first, with the coord ``status``.

    Raises
    ------
    ComparisonError
        If groups are missing, are of different models or data, the two groups differ in variables,
        dims or coords, or the selection names what is not there.
    """
    posterior = posterior_of(dt)
    if "point_estimates" not in dt.children:
        raise ComparisonError(
            f"The tree has no group point_estimates (its groups: {_names(dt.children)}). A"
            " posterior alone holds no MLE and no MAP: bp.fit(model, idata=dt) adds them to it."
        )
    check_fingerprints(dt)
    points = dt["point_estimates"].to_dataset()
    _check_estimators(points)
    # Arithmetic on Datasets keeps the common variables and drops the rest without a word, so the
    # equality is checked here, once, before any difference is taken.
    _check_same(posterior, points, "point_estimates")
    points = points.sel(estimator=list(ESTIMATORS))[list(posterior.data_vars)]
    points = points.transpose("estimator", ...)
    return (
        _subset(posterior, var_names, filter_vars, coords),
        _subset(points, var_names, filter_vars, coords),
    )


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
    _check_same(posterior, mode, "mode")
    return _subset(mode[list(posterior.data_vars)], var_names, filter_vars, coords)


def select_posterior(
    dt: xr.DataTree,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset:
    """Take the draws asked for from a tree which need hold no estimates."""
    return _subset(posterior_of(dt), var_names, filter_vars, coords)


def interval_arguments(ci_prob: float | None, ci_kind: str | None) -> tuple[float, str]:
    """Fill `ci_prob` and `ci_kind` from ArviZ's ``rcParams`` where they are None, and check them.

    Returns
    -------
    tuple of (float, str)
        Probability in (0, 1] and "hdi" or "eti".
    """
    prob = rcParams["stats.ci_prob"] if ci_prob is None else ci_prob
    kind = rcParams["stats.ci_kind"] if ci_kind is None else ci_kind
    if isinstance(prob, bool) or not isinstance(prob, (int, float, np.number)):
        raise ComparisonError(f"ci_prob must be a number above 0 and up to 1, got {prob!r}.")
    if not 0 < prob <= 1:
        raise ComparisonError(
            f"ci_prob must be above 0 and at most 1, got {prob}. For a percentage divide by 100."
        )
    if kind not in ("hdi", "eti"):
        raise ComparisonError(
            f"ci_kind must be 'hdi' (highest density) or 'eti' (equal tails), got {kind!r}."
        )
    return float(prob), str(kind)


def _not_a_tree(got: object) -> str:
    wanted = "the DataTree that bp.fit(model) returns"
    if hasattr(got, "estimator") and hasattr(got, "unconstrained"):
        return (
            f"Got a PointEstimate ({got.estimator}), which has no posterior to be compared with:"
            f" pass {wanted}; it holds MLE, MAP and posterior."
        )
    if isinstance(got, (str, os.PathLike)):
        return (
            f"Got the path {os.fspath(got)!r}: open it first, with"
            " xarray.open_datatree(path).load(), and pass the tree."
        )
    if isinstance(got, (xr.Dataset, xr.DataArray)):
        return (
            f"Got an xarray {type(got).__name__}, which is one group or variable of a fit:"
            f" pass the whole tree, {wanted}."
        )
    if hasattr(got, "posterior"):
        return (
            f"Got {type(got).__name__}, which has a posterior but no MLE and MAP:"
            " convert it with arviz_base.convert_to_datatree and pass it to"
            " bp.fit(model, idata=...), then pass the tree which that returns."
        )
    return f"Got {type(got).__name__}: pass {wanted}."


def _check_estimators(points: xr.Dataset) -> None:
    if "estimator" not in points.coords or "estimator" not in points.dims:
        raise ComparisonError(
            f"The group point_estimates has dims {_names(points.dims) or 'none'}: it must have the"
            " dim and coord estimator (MLE, MAP, mean), as bp.fit(model) makes it."
        )
    held = [str(e) for e in points["estimator"].values]
    missing = [e for e in ESTIMATORS if e not in held]
    if missing:
        raise ComparisonError(
            f"The group point_estimates holds {_names(held)} but not {_names(missing)}:"
            " make the tree anew with bp.fit(model)."
        )
    if "status" not in points.coords:
        raise ComparisonError(
            "The group point_estimates lacks the coord status, without which a failed estimate"
            " looks like a good one: make the tree anew with bp.fit(model)."
        )


def _check_same(posterior: xr.Dataset, points: xr.Dataset, group: str) -> None:
    ours, theirs = set(posterior.data_vars), set(points.data_vars)
    if ours != theirs:
        parts = []
        if ours - theirs:
            parts.append(f"only in posterior: {_names(sorted(map(str, ours - theirs)))}")
        if theirs - ours:
            parts.append(f"only in {group}: {_names(sorted(map(str, theirs - ours)))}")
        raise ComparisonError(
            f"posterior and {group} hold different variables ({'; '.join(parts)})."
            " Drop these from the group that has them, or make the tree anew with bp.fit(model)."
        )
    for name, draws in posterior.data_vars.items():
        point = points[name]
        own = {d: n for d, n in draws.sizes.items() if d not in SAMPLE_DIMS}
        its = {d: n for d, n in point.sizes.items() if d != "estimator"}
        if own != its or "estimator" not in point.dims:
            raise ComparisonError(
                f"{name} has the dims {own or 'none'} in posterior and {its or 'none'} in"
                f" {group}: they must be equal. Make the tree anew with bp.fit(model)."
            )
        for dim in own:
            if (dim in draws.coords) != (dim in point.coords) or not np.array_equal(
                draws[dim].values, point[dim].values
            ):
                raise ComparisonError(
                    f"The coord {dim} of {name} differs between posterior and {group}:"
                    " the labels must be equal and in the same order. Select the same labels in"
                    " both groups, or make the tree anew with bp.fit(model)."
                )


def _subset(
    ds: xr.Dataset,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.Dataset:
    try:
        names = _var_names(var_names, ds, filter_vars)  # type: ignore[arg-type]
    except (KeyError, ValueError) as error:
        raise ComparisonError(
            f"var_names={var_names!r}, filter_vars={filter_vars!r} cannot be selected"
            f" ({_text(error)}). The variables are: {_names(ds.data_vars)}; filter_vars is None,"
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
            raise ComparisonError(f"coords={dict(coords)!r} leaves nothing of {_names(empty)}.")
    return ds


def _coord(ds: xr.Dataset, dim: Hashable) -> str:
    labels = [str(v) for v in ds[dim].values[:8]]
    more = ", ..." if ds.sizes[dim] > 8 else ""
    return f"{dim} ({', '.join(labels)}{more})"


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _names(names: Iterable[Hashable]) -> str:
    return ", ".join(str(n) for n in names)
