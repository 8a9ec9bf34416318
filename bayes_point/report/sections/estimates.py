"""What each point estimate maximised, and what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.comparison.inputs.marginal import JOINT, headline, shown_name
from bayes_point.comparison.inputs.scalars import flatten, scalars
from bayes_point.report.sections.coefficients import MOST, coefficient_table
from bayes_point.report.wording import number, plural, row, sentence

if TYPE_CHECKING:
    import xarray as xr

    from bayes_point.report.request import Request

GROUPS = ("mle", "map", *JOINT)
"""Those of the joint estimates are there only beside marginal ones."""

STATUS_NAMES = {
    "converged": "converged",
    "on_boundary": "on the boundary",
    "at_infinity": "at infinity",
    "not_identified": "not identified",
    "unbounded": "unbounded: does not exist",
    "not_converged": "not converged",
    "local": "a local maximum: unbounded elsewhere",
}

MAX_OPTIMA = 10

MAX_COLUMNS = 6


def estimates_section(request: Request) -> dict[str, Any]:
    """Return what there is to say of each estimate, the parameters with the largest gaps first."""
    return {"estimates": estimates(request.tree, set(request.order[:MOST]))}


def estimates(tree: xr.DataTree, shown: Collection[str] | None = None) -> list[dict[str, Any]]:
    """For each estimate its status, findings, log densities, coefficients and the optima found.

    The coefficients are those of the parameters `shown`, by label; by default of the first of all.
    """
    return [_estimate(tree, group, shown) for group in GROUPS if group in tree.children]


def findings_in_words(tree: xr.DataTree) -> list[str]:
    """Return each finding about an estimate with its advice, as the command prints them."""
    tree = headline(tree)
    return [
        f"{_name(tree, group)}: {f['what']} {f['advice']}"
        for group in GROUPS
        if group in tree.children
        for f in map(_finding, json.loads(tree[group].attrs["findings"]))
    ]


def _name(tree: xr.DataTree, group: str) -> str:
    estimator = str(tree[group].attrs["estimator"])
    return f"joint {estimator}" if group in JOINT else shown_name(tree, estimator)


def _estimate(tree: xr.DataTree, group: str, shown: Collection[str] | None) -> dict[str, Any]:
    node = tree.children[group]
    attrs, name = node.attrs, _name(tree, group)
    return {
        "name": name,
        "status": attrs["status"],
        "badge": STATUS_NAMES.get(attrs["status"], attrs["status"].replace("_", " ")),
        "sentence": sentence(attrs["status_text"]),
        "maximised": attrs["maximised"],
        "densities": _densities(attrs),
        "search": plural(int(attrs["n_starts"]), "start")
        if attrs["status"] == "unbounded"  # no point is there to be reached
        else _search(int(attrs["n_starts"]), node["optima"]["reached"].to_numpy().tolist()),
        "coefficients": coefficient_table(node, name, shown),
        "optima": _optima(name, node["optima"].dataset),
        # Of a maximum that was found the checks have seen to it: these numbers are rounding.
        "evidence": _evidence(json.loads(attrs.get("evidence", "{}")))
        if attrs["status"] == "not_converged"
        else [],
        "findings": [_finding(f) for f in json.loads(attrs["findings"])],
    }


def _densities(attrs: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Return log densities by name; of a sum without upper bound, the sum alone."""
    total = ("their sum", number(attrs["log_joint"]))
    if np.isposinf(attrs["log_joint"]):
        return [total]
    parts = (("log-likelihood", "log_likelihood"), ("log-prior", "log_prior"))
    return [*((name, number(attrs[key])) for name, key in parts), total]


def _search(n_starts: int, reached: list[int]) -> str:
    starts = plural(n_starts, "start")
    if len(reached) == 1:
        if n_starts == 1:
            return starts
        who = {0: "none", n_starts: "all"}.get(reached[0], str(reached[0]))
        return f"{starts}, {who} of which reached this point"
    return f"{starts}, {len(reached)} distinct optima; {reached[0]} reached the best of them"


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    names = finding["parameters"]
    return {
        "what": sentence(finding["what"], names),
        "advice": sentence(finding["advice"], names),
        "evidence": _evidence(finding["evidence"]),
    }


def _evidence(numbers: dict[str, float | str]) -> list[str]:
    # JSON has no infinity: what is not finite is stored as its name.
    return [
        f"{re.sub(r'-(?=[0-9])', '−', k.replace('_', ' '))}: {number(float(v), digits=3)}"
        for k, v in numbers.items()
    ]


def _optima(estimator: str, optima: xr.Dataset) -> dict[str, Any] | None:
    """Return a table of the distinct optima, where there are several."""
    n = optima.sizes["optimum"]
    if n < 2:
        return None
    columns = _scalars(optima)
    rows = []
    for i in range(min(MAX_OPTIMA, n)):
        cells = [number(float(optima["log_density"][i])), str(int(optima["reached"][i]))]
        cells += [number(float(values[i]), digits=4) for values in columns.values()]
        rows.append(row("best" if i == 0 else str(i + 1), cells))
    left_out = f"; {n - MAX_OPTIMA} more are left out" if n > MAX_OPTIMA else ""
    return {
        "caption": f"Optima that the search for the {estimator} reached{left_out}",
        "columns": ["optimum", "log density", "starts", *columns],
        "rows": rows,
    }


def _scalars(optima: xr.Dataset) -> dict[str, Any]:
    """Return the first few scalar parameters of the optima by label."""
    points = optima.drop_vars(["log_density", "reached"])
    values = flatten(points, ("optimum",))
    labels = [scalar.label for scalar in scalars(points, ("optimum",))]
    return {label: values[:, j] for j, label in enumerate(labels[:MAX_COLUMNS])}
