"""The figures of the comparison as sections of the page, each with what it shows in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.densities import draw_estimates
from bayes_point.comparison.plots.forest import draw_gaps
from bayes_point.comparison.plots.marks import Marks, marked
from bayes_point.comparison.plots.pairs import draw_joint
from bayes_point.report.request import Request
from bayes_point.report.sections.figures import draw
from bayes_point.report.wording import number

MAX_GAPS, MAX_MARGINALS, MAX_JOINT = 24, 8, 4
"""Parameters in each figure: of more, those with the largest gaps."""

MAX_WORDS = 10
"""Parameters whose values an alternative text spells out; the table has all."""

PANEL = (3.2, 2.5)
"""Inches of one density, two of which stand side by side: legible on a telephone."""

NOTHING = "The draws of every parameter are constant or not finite: there is nothing to draw."


def gaps_section(request: Request) -> dict[str, Any]:
    """Return the figure of all estimates in posterior sd from the posterior mean."""
    if not request.n_varying:
        return _words(NOTHING)
    marks = marked(request.selected, None, MAX_GAPS, sort=True)
    inner = 0.5 if request.ci_prob > 0.5 else request.ci_prob / 2
    alt = (
        "One row for each parameter: its posterior interval around the mean at 0, with MLE and "
        f"MAP marked at their distance in posterior sd. {_each(marks, marks.gap, signed=True)}"
    )
    caption = (
        "Distance of the estimates from the posterior mean, in posterior sd, over the "
        f"{inner:.0%} and {request.ci_prob:.0%} intervals of the posterior. The line through "
        "an estimate extends two Monte Carlo standard errors of its gap to either side; where it "
        "reaches 0, estimate and mean agree to within that error."
    )
    return _drawn(
        draw_gaps, marks, alt, caption,
        ci_kind=request.ci_kind, ci_probs=(inner, request.ci_prob),
        figure_kwargs={"figsize": _forest_size(marks), "figsize_units": "inches"},
    )  # fmt: skip


def marginals_section(request: Request) -> dict[str, Any]:
    """Return the figure of the posterior densities with the estimates as lines."""
    if not request.n_varying:
        return _words(NOTHING)
    marks = marked(request.selected, None, MAX_MARGINALS, sort=True)
    means = {"mean": marks.mean}
    alt = (
        "The posterior density of each parameter with vertical lines at its MLE, MAP and mean. "
        f"{_each(marks, {**marks.points, **means}, signed=False)}"
    )
    caption = (
        "Posterior density of each parameter with its point estimates. The bar below is the "
        f"{request.ci_prob:.0%} interval."
    )
    n = len(marks.names)
    columns = min(n, 2)
    size = (2 * PANEL[0], PANEL[1] * math.ceil(n / columns) + 0.7)
    return _drawn(
        draw_estimates, marks, alt, caption,
        ci_kind=request.ci_kind, ci_prob=request.ci_prob, col_wrap=columns,
        figure_kwargs={"figsize": size, "figsize_units": "inches"},
    )  # fmt: skip


def joint_section(request: Request) -> dict[str, Any]:
    """Return the figure of the pairs of parameters with the estimates as points."""
    if request.n_varying < 2:
        return _words("A joint posterior needs two parameters that vary; there is no such pair.")
    marks = marked(request.selected, None, MAX_JOINT, sort=True)
    alt = (
        f"Posterior draws of each pair of {', '.join(marks.labels.values())}, with MLE, MAP and "
        f"posterior mean marked. {_correlation(marks)}"
    )
    caption = (
        "Posterior draws of the pairs of parameters with the point estimates marked. An estimate "
        "may look central in each parameter and still lie off the ridge of two."
    )
    tree = request.tree
    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree else None
    return _drawn(draw_joint, marks, alt, caption, sample_stats=stats)


def _forest_size(marks: Marks) -> tuple[float, float]:
    """As wide as two panels, and more where long labels would squeeze the rows."""
    longest = max(len(label) for label in marks.labels.values())
    return 2 * PANEL[0] + 0.08 * max(0, min(longest, 50) - 24), 1.7 + 0.42 * len(marks.names)


def _drawn(
    drawn: Callable[..., Any], marks: Marks, alt: str, caption: str, **options: Any
) -> dict[str, Any]:
    def make() -> Any:
        return drawn(marks, backend="matplotlib", **options)

    if marks.left_out:
        caption += f" Shown: {marks.left_out}. The summary table has every parameter."
    return {"figure": draw(make, alt=alt.strip(), caption=caption), "note": ""}


def _words(note: str) -> dict[str, Any]:
    return {"figure": None, "note": note}


def _each(marks: Marks, values: Any, *, signed: bool) -> str:
    """Spell out the values by parameter and estimate, and why one has none."""
    sentences = []
    for i, name in enumerate(marks.names[:MAX_WORDS]):
        said = []
        for estimator, of_all in values.items():
            value = float(of_all[i])
            if math.isnan(value) and estimator in ESTIMATORS:
                said.append(f"{estimator} {marks.statuses[estimator].words}")
            elif signed and math.isfinite(value):
                said.append(f"{estimator} {abs(value):.2f} {'above' if value > 0 else 'below'}")
            else:
                said.append(f"{estimator} {number(value, digits=3)}")
        sentences.append(f"{marks.labels[name]}: {', '.join(said)}.")
    if len(marks.names) > MAX_WORDS:
        sentences.append(f"And {len(marks.names) - MAX_WORDS} more.")
    return " ".join(sentences)


def _correlation(marks: Marks) -> str:
    """Name the pair with the strongest correlation of their draws."""
    n = len(marks.names)
    r = np.asarray(np.corrcoef(marks.x.reshape(-1, n), rowvar=False))
    i, j = divmod(int(np.argmax(np.abs(np.tril(r, -1)))), n)
    a, b = marks.labels[marks.names[j]], marks.labels[marks.names[i]]
    return f"The strongest correlation is {number(float(r[i, j]), digits=2)}, of {a} and {b}."
