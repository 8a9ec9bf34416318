"""Whether the groups of a tree are of one model and its data, and if not, in what they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayes_point.comparison.inputs.scalars import listed
from bayes_point.errors import ComparisonError

__all__ = ["check_fingerprints", "differences"]

GROUPS = (
    *("posterior", "point_estimates", "mle", "map", "mode"),
    *("marginal_mle", "marginal_map", "marginal_mode"),
)
"""Groups that are compared with one another."""

Prints = Mapping[str, Any]


def check_fingerprints(dt: xr.DataTree) -> None:
    """Refuse a tree whose groups are of different models or data.

    A group that has no fingerprint, such as draws that the user had, is not checked.

    Raises
    ------
    ComparisonError
        Says which two groups, and in what they differ.
    """
    first, known = "", None
    for group in GROUPS:
        prints = dt[group].attrs.get("fingerprints") if group in dt.children else None
        if prints is None:
            continue
        if known is None:
            first, known = group, str(prints)
        elif str(prints) != known:
            how = differences(json.loads(known), json.loads(str(prints)))
            raise ComparisonError(
                f"The groups {first} and {group} are not of the same model and data: {how}. What"
                " is compared must come from one fit: make the tree anew with bp.fit(model)."
            )


def differences(one: Prints, other: Prints) -> str:
    """Say in what two fingerprints differ; "" if in nothing that can be compared.

    Parameters
    ----------
    one, other : mapping
        As `fit` stores them: ``graph``, ``constants`` and ``data``, each a mapping of names to
        digests; ``parameters``, the names of those that have a prior; ``pymc``, its version, for a
        graph can be compared only with one that the same version made.
    """
    parts = []
    data = _differing(one["data"], other["data"])
    if one["pymc"] == other["pymc"]:
        only = set(one["graph"]) ^ set(other["graph"])
        if only:
            parts.append(f"only one of them has {listed(sorted(only))}")
        graph = [n for n in _differing(one["graph"], other["graph"]) if n not in only]
        if graph:
            parts.append(f"what is computed for {listed(graph)} differs")
        # Where the data differ, so do constants that come from their shape.
        other_than = {*only, *graph, *data}
        constants = [
            n for n in _differing(one["constants"], other["constants"]) if n not in other_than
        ]
        has_prior = {*one["parameters"]} & {*other["parameters"]}
        for words, names in (
            ("the prior constants of", [n for n in constants if n in has_prior]),
            ("the constants of", [n for n in constants if n not in has_prior]),
        ):
            if names:
                parts.append(f"{words} {listed(names)} differ")
    if data:
        parts.append(f"the data of {listed(data)} differ")
    return ", and ".join(parts)


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
