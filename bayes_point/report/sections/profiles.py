"""The profiles of the parameters with the largest gaps, where the fit holds them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.comparison.plots.profiles import plot_profile
from bayes_point.report.sections.figures import draw
from bayes_point.report.wording import number, plural

if TYPE_CHECKING:
    import xarray as xr

    from bayes_point.report.request import Request

PANEL = (3.3, 2.5)
"""Inches of one profile, two of which stand side by side."""

# Why an end of an interval is open, in words.
_OPEN = {
    "edge of the support": "the edge of the support",
    "edge": "an edge",
    "infinity": "the curve does not fall to the cut-off",
    "not identified": "the data do not identify it",
    "not converged": "the search did not converge there",
    "stopped": "the time was up",
    "whole circle": "all around the circle",
    "left the basin": "the density rises there towards another maximum",
    "disjoint": "one of several pieces",
}


def profile_section(request: Request) -> dict[str, Any]:
    """Return the figure of the profiles over the posterior, and their intervals in words."""
    tree = request.tree.children["profile"]
    group = tree["profile"].dataset
    held = [str(label) for label in group["parameter"].values]
    shown = [label for label in request.order if label in held]
    if not shown:
        return {"figure": None, "note": "None of the parameters asked for was profiled."}
    n = len(shown)
    columns = min(n, 2)
    size = (2 * PANEL[0], PANEL[1] * math.ceil(n / columns) + 0.9)

    def make() -> Any:
        return plot_profile(
            tree,
            request.tree,
            var_names=shown,
            backend="matplotlib",
            col_wrap=columns,
            figure_kwargs={"figsize": size, "figsize_units": "inches"},
        )

    attrs = tree.attrs
    density = "likelihood" if attrs["estimator"] == "MLE" else "posterior density"
    prob = f"{100 * float(attrs['ci_prob']):g}%"
    alt = (
        f"One plot for each parameter: its profile {density}, the normal that its standard error "
        f"stands for, and its marginal posterior density. The {prob} intervals: "
        + " ".join(f"{label} {_interval(group.sel(parameter=label))}." for label in shown)
    )
    caption = (
        f"The profile (solid): the largest {density} that is possible at each value of the "
        "parameter, the others chosen as they fit best. "
    )
    if np.isfinite(group.sel(parameter=shown)["stderr"]).any():
        caption += (
            "Dotted: the normal curve that estimate and standard error alone stand for; where the "
            "two part, the standard error misleads. "
        )
    caption += (
        "Filled: the posterior density, in which the others are averaged over and the prior is "
        f"counted. The bar is the {prob} profile interval, written above. All are scaled to the "
        "same height."
    )
    total = request.n_varying
    if n < total:
        caption += f" Shown: {plural(n, 'parameter')} of {total:,}, those with the largest gaps."
    note = ""
    if attrs["estimator"] != "MLE":
        note = (
            "There is no MLE to profile from, or not one alone: these are profiles of the "
            "posterior density."
        )
    if int(attrs.get("corrected", 0)):
        note += (
            f" On the way a better optimum than the {attrs['estimator']} was met: find it anew "
            "with more starts (n_starts=)."
        )
    return {"figure": draw(make, alt=alt, caption=caption), "note": note.strip()}


def _interval(row: xr.Dataset) -> str:
    ends = []
    for at, why in zip(row["interval"].values, row["reason"].values.astype(str), strict=True):
        text = "unknown" if math.isnan(at) else number(float(at), digits=3)
        ends.append(f"{text} ({_OPEN[why]})" if why in _OPEN else text)
    return f"from {ends[0]} to {ends[1]}"
