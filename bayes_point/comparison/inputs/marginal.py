"""Fits with latent variables: which of their estimates are set beside the posterior."""

from __future__ import annotations

import json

import xarray as xr

from bayes_point.comparison.inputs.validate import ESTIMATORS, MARGINAL, in_words
from bayes_point.errors import ComparisonError

__all__ = ["JOINT", "headline", "is_marginal", "latent_names", "shown_name"]

JOINT = ("joint_mle", "joint_map")
"""Groups of the joint estimates, where the marginal ones stand in their place."""

# Groups whose numbers are those of the joint estimates.
_OF_JOINT = ("laplace", "prior_path", "predictive_cost")


def headline(dt: xr.DataTree) -> xr.DataTree:
    """Return the tree with the marginal estimates, if it has them, as its MLE, MAP and mode.

    With latent variables these are compared with the posterior; the joint estimates are the groups
    `JOINT` of what is returned, and the conditional modes ``latents``.  A tree without marginal
    estimates is returned as it is.

    Raises
    ------
    ComparisonError
        If a part of the marginal estimates is there, and another is not.
    """
    if not isinstance(dt, xr.DataTree) or "point_estimates" not in dt.children:
        return dt
    points = dt["point_estimates"].to_dataset()
    held = {*map(str, points.coords.get("estimator", xr.DataArray([])).values.ravel())}
    there = {name: (name in held, _group(name) in dt.children) for name in MARGINAL}
    if not any(map(any, there.values())):
        # Discrete latents of too many values: there is no joint estimate, and these are marginal.
        if is_marginal(dt) and "map" in dt.children and "latents" in dt["map"].children:
            dt = dt.copy(deep=False)
            dt["latents"] = dt["map/latents"]
        return dt
    if lost := [name for name, found in there.items() if not all(found)]:
        raise ComparisonError(
            f"Of the {in_words(lost)} the tree has lost the point or the group "
            f"{in_words(map(_group, lost))}: make the tree anew with bp.fit(model)."
        )
    tree = dt.copy(deep=False)
    for group, joint in zip(map(_group, ESTIMATORS), JOINT, strict=True):
        tree[joint] = tree[group]
        tree[group] = tree[f"marginal_{group}"]
        del tree[f"marginal_{group}"]
    for group in {"mode", *_OF_JOINT} & {*tree.children}:
        del tree[group]
    if "marginal_mode" in tree.children:
        tree["mode"] = tree["marginal_mode"]
        del tree["marginal_mode"]
    if "latents" in tree["map"].children:
        tree["latents"] = tree["map/latents"]
    attrs = dt["point_estimates"].attrs
    points = points.sel(estimator=[*MARGINAL, "mean"])
    points = points.assign_coords(estimator=[*ESTIMATORS, "mean"]).assign_attrs(attrs)
    tree["point_estimates"] = xr.DataTree(points)
    return tree


def _group(estimator: str) -> str:
    return estimator.lower().replace(" ", "_")


def is_marginal(dt: xr.DataTree) -> bool:
    """Whether MLE and MAP of a tree, as `headline` returns it, are marginal ones."""
    return "mle" in dt.children and "latents" in dt["mle"].attrs


def latent_names(dt: xr.DataTree) -> list[str]:
    """Return the variables that were integrated out of the estimates of such a tree."""
    return list(json.loads(dt["mle"].attrs["latents"])) if is_marginal(dt) else []


def shown_name(dt: xr.DataTree, estimator: str) -> str:
    """Return what an estimator of such a tree is called: "marginal MAP", or "MAP"."""
    return f"marginal {estimator}" if is_marginal(dt) and estimator in ESTIMATORS else estimator
