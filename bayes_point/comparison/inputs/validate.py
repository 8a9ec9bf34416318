"""What can be compared: the groups, variables, dims and coords that a tree must hold."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable

import numpy as np
import xarray as xr
from arviz_base import rcParams

from bayes_point.errors import ComparisonError

__all__ = [
    "ESTIMATORS",
    "MARGINAL",
    "SAMPLE_DIMS",
    "check_estimators",
    "check_same",
    "in_words",
    "interval_arguments",
    "posterior_of",
]

SAMPLE_DIMS = ("chain", "draw")
ESTIMATORS = ("MLE", "MAP")
MARGINAL = ("marginal MLE", "marginal MAP")
"""The same with latent variables integrated out."""


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
        held = in_words(dt.children) or "none"
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
                f"Posterior variable {name} has dims {in_words(da.dims) or 'none'}: the draws must"
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


def check_estimators(points: xr.Dataset) -> None:
    """Raise unless the estimates are those of a fit, with their statuses."""
    if "estimator" not in points.coords or "estimator" not in points.dims:
        raise ComparisonError(
            f"The group point_estimates has dims {in_words(points.dims) or 'none'}: it must have"
            " the dim and coord estimator (MLE, MAP, mean), as bp.fit(model) makes it."
        )
    held = [str(e) for e in points["estimator"].values]
    missing = [e for e in ESTIMATORS if e not in held]
    if missing:
        raise ComparisonError(
            f"The group point_estimates holds {in_words(held)} but not {in_words(missing)}:"
            " make the tree anew with bp.fit(model)."
        )
    if "status" not in points.coords:
        raise ComparisonError(
            "The group point_estimates lacks the coord status, without which a failed estimate"
            " looks like a good one: make the tree anew with bp.fit(model)."
        )


def check_same(posterior: xr.Dataset, points: xr.Dataset, group: str) -> None:
    """Raise unless a group has the variables, dims and coords of the posterior."""
    ours, theirs = set(posterior.data_vars), set(points.data_vars)
    if ours != theirs:
        parts = []
        if ours - theirs:
            parts.append(f"only in posterior: {in_words(sorted(map(str, ours - theirs)))}")
        if theirs - ours:
            parts.append(f"only in {group}: {in_words(sorted(map(str, theirs - ours)))}")
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


def in_words(names: Iterable[Hashable]) -> str:
    """Return names in a line."""
    return ", ".join(str(n) for n in names)
