"""The coefficient table: each estimate with its standard error, interval, status and notes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_point.comparison.inputs.scalars import flatten, scalars
from bayes_point.report.wording import number, row

if TYPE_CHECKING:
    import xarray as xr

MOST = 40
"""Rows of the table on the page; the file has them all."""

TALL = 15
"""A table with more rows scrolls inside a box of its own."""


def coefficients(node: xr.DataTree) -> pd.DataFrame | None:
    """Return what the tree of an estimate says of each scalar; None if it holds no errors.

    Columns ``estimate``, ``se``, ``lower``, ``upper``, ``status`` and ``notes``.
    """
    if not {"stderr", "interval"} <= set(node.children):
        return None
    point = node["posterior"].dataset.isel(chain=0, draw=0, drop=True)
    se, interval = node["stderr"].dataset, node["interval"].dataset
    labels = [scalar.label for scalar in scalars(point, ())]
    notes = dict(
        line.rsplit(": ", 1)
        for array in se.data_vars.values()
        for line in array.attrs.get("notes", "").splitlines()
    )
    if "scalar_status" in node.children:
        held = node["scalar_status"].dataset.data_vars.values()
        status = np.concatenate([np.ravel(array.values) for array in held]).astype(str)
    else:
        status = np.full(len(labels), node.attrs["status"])
    return pd.DataFrame(
        {
            "estimate": flatten(point, ()),
            "se": flatten(se, ()),
            "lower": flatten(interval.sel(ci_bound="lower", drop=True), ()),
            "upper": flatten(interval.sel(ci_bound="upper", drop=True), ()),
            "status": status,
            "notes": [notes.get(label, "") for label in labels],
        },
        index=pd.Index(labels, name="parameter"),
    )


def coefficient_table(
    node: xr.DataTree, name: str, shown: Collection[str] | None
) -> dict[str, Any] | None:
    """Return the table of the estimate `name`, of the parameters `shown` or the first of all."""
    found = coefficients(node)
    if found is None:
        return None
    labels = [label for label in found.index if shown is None or label in shown][:MOST]
    some = found.loc[labels]
    numbers = ["estimate", "se", "lower", "upper"]
    rows = []
    for label, values in zip(labels, some[numbers].to_numpy(), strict=True):
        status, note = some.loc[label, ["status", "notes"]]
        cells = [*(_cell(float(v)) for v in values), status.replace("_", " "), note]
        kinds = ["", "", "", "", "text" if status == "converged" else "text words", "text"]
        rows.append(row(label, cells, kinds))
    interval = node["interval"].dataset
    prob = f"{100 * interval.attrs['ci_prob']:g}%"
    columns = ["parameter", "estimate", "se", f"{prob} from", f"{prob} to", "status"]
    if any(some["notes"]):
        columns.append("error notes")
    else:
        for one in rows:
            one["cells"].pop()
    left_out = len(found) - len(labels)
    notes = []
    if np.isfinite(found[["se", "lower", "upper"]]).any(axis=None):
        text = node["stderr"].dataset.attrs["text"]
        notes.append(f"Standard errors from {text}; {prob} Wald intervals.")
    if left_out:
        notes.append(f"{left_out:,} more rows are in the saved fit.")
    return {
        "caption": f"The {name} and its errors",
        "note": " ".join(notes),
        "columns": columns,
        "rows": rows,
        "tall": len(rows) > TALL,
    }


def _cell(value: float) -> str:
    return "–" if np.isnan(value) else number(value, digits=4)
