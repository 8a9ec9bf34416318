"""Whether the tree of a fit is whole: a file may have lost or garbled a part of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from bayes_point.comparison.inputs.marginal import JOINT
from bayes_point.errors import ComparisonError

__all__ = ["check_readable", "check_whole"]

_ESTIMATES = ("mle", "map")
# There where latent variables were integrated out; of a report, the joint ones have other names.
_FURTHER = ("marginal_mle", "marginal_map", *JOINT)
_WORDS = ("estimator", "status", "status_text", "maximised")
_NUMBERS = ("log_likelihood", "log_prior", "log_joint", "n_starts")
_JSON = {"findings": list, "evidence": dict, "fingerprints": dict, "details_left_out": dict}
_ANEW = "make the tree anew with bp.fit(model)."


def check_readable(dt: xr.DataTree) -> None:
    """Raise a ComparisonError if what is there of a fit cannot be read.

    That is an attribute that is no longer the JSON it was written as, or a posterior in which no
    draw is a number.
    """
    for node in dt.subtree:
        for name, kind in _JSON.items():
            if name in node.attrs and not _is_json(node.attrs[name], kind, name):
                raise ComparisonError(
                    f"The attribute {name} of {_named(node)} is damaged, it reads "
                    f"{str(node.attrs[name])[:40]!r}: {_ANEW}"
                )
    posterior = dt["posterior"].dataset if "posterior" in dt.children else {}
    numbers = [da for da in posterior.values() if da.dtype.kind == "f" and da.size]
    if numbers and all(bool(np.all(np.isnan(da.values))) for da in numbers):
        raise ComparisonError(
            "The posterior holds no number, every draw is NaN: sample it anew, with bp.fit(model)."
        )


def check_whole(dt: xr.DataTree) -> None:
    """Raise a ComparisonError if a tree lacks a group or an attribute that a report shows."""
    there = set(dt.groups)
    estimates = [*_ESTIMATES, *(name for name in dt.children if name in _FURTHER)]
    needed = [g for name in estimates for g in (name, f"{name}/optima")]
    if missing := [group for group in needed if f"/{group}" not in there]:
        raise ComparisonError(
            f"The tree lacks the groups {', '.join(missing)}, which say how each estimate was "
            f"found: {_ANEW}"
        )
    for group in estimates:
        attrs = dt[group].attrs
        wrong = [name for name in (*_WORDS, "findings") if name not in attrs]
        wrong += [name for name in _NUMBERS if not _is_number(attrs.get(name))]
        if wrong:
            raise ComparisonError(
                f"The group {group} has lost {', '.join(wrong)}, without which nothing can be said "
                f"of that estimate: {_ANEW}"
            )
    check_readable(dt)


def _named(node: xr.DataTree) -> str:
    return f"the group {node.path.strip('/')}" if node.path != "/" else "the tree"


def _is_json(text: Any, kind: type, name: str) -> bool:
    try:
        held = json.loads(str(text))
    except ValueError:
        return False
    whole = isinstance(held, kind)
    if name == "findings":
        whole = whole and all(
            isinstance(one, dict) and {"what", "advice"} <= {*one} for one in held
        )
    return whole


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
