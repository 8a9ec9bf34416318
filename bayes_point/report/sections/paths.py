"""The path of the estimates as the prior weighs more, where the fit holds one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bayes_point.comparison.inputs.selection import free_names
from bayes_point.comparison.plots.paths import plot_prior_path
from bayes_point.report.sections.figures import draw

if TYPE_CHECKING:
    from bayes_point.report.request import Request

MAX_PATHS = 6

PANEL = (3.2, 2.6)
"""Inches of one path, two of which stand side by side."""


def path_section(request: Request) -> dict[str, Any]:
    """Return the figure of the estimates at the likelihood times the prior to a power."""
    path = request.tree["prior_path"].to_dataset()
    n = min(MAX_PATHS, request.n_varying)
    columns = min(max(n, 1), 2)
    selection = dict(request.selection)
    if selection["var_names"] is None:
        selection["var_names"] = [name for name in free_names(request.tree) if name in path] or None

    def make() -> Any:
        return plot_prior_path(
            path,
            posterior=request.tree,
            backend="matplotlib",
            max_parameters=MAX_PATHS,
            ci_kind=request.ci_kind,
            ci_prob=request.ci_prob,
            col_wrap=columns,
            figure_kwargs={
                "figsize": (2 * PANEL[0], PANEL[1] * math.ceil(max(n, 1) / columns) + 0.7),
                "figsize_units": "inches",
            },
            **selection,
        )

    alt = (
        "The estimate of each parameter against the power to which the prior is raised, from 0, "
        "the MLE, through 1, the MAP, to a prior that weighs many times as much, with the "
        "posterior mean and interval beside it."
    )
    caption = (
        "The estimate as the prior weighs more: at power 0 it is the MLE, at 1 the MAP. A flat "
        "line is a parameter that the prior does not move."
    )
    return {"figure": draw(make, alt=alt, caption=caption), "note": ""}
