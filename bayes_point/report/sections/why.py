"""How far the estimates lie from the posterior mean, and why: the largest gaps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.comparison.causes.explanation import draws_in_words
from bayes_point.comparison.plots.waterfall import draw_waterfall, largest
from bayes_point.report.sections.figures import draw
from bayes_point.report.sections.plots import NOTHING
from bayes_point.report.sections.verdicts import (
    CANNOT_TELL,
    KINDS,
    MATTERS,
    NEGLIGIBLE,
    NO_VERDICT,
    SMALL,
    SMALL_AT_MOST,
)
from bayes_point.report.wording import plural, sentence

if TYPE_CHECKING:
    import pandas as pd

    from bayes_point.comparison.causes.explain import Explanation
    from bayes_point.report.request import Request

MAX_ROWS, MAX_PICTURES = 12, 4
"""Parameters in the table and the figure: those with the largest gaps."""

PANEL = (3.3, 2.0)
"""Inches of one waterfall, two of which stand side by side."""

COLUMNS = {
    "prior": "prior",
    "parametrisation": "parametrisation",
    "marginal": "joint against marginal",
    "skew": "skew",
}
"""What the columns of the causes are headed."""

WORDS = {
    NEGLIGIBLE: "negligible",
    SMALL: "small",
    SMALL_AT_MOST: "small or negligible",
    MATTERS: "matters",
    CANNOT_TELL: "undecided",
    NO_VERDICT: "no verdict",
}


def why_section(request: Request) -> dict[str, Any]:
    """Return a table of the largest gaps with their causes, the sentences, and the waterfalls."""
    found = request.explanation
    order = largest(found)
    if not len(order):
        return {"note": NOTHING}
    if not any(np.isfinite(found.shift[term][order]).any() for term in ("MAP", "total")):
        return {"note": "Neither estimate exists: there is no gap to explain."}
    nothing = np.stack(
        [_is_nothing(v.parameters, request.thresholds.margin) for v in request.verdicts.values()]
    ).all(0)
    order = order[~nothing[order]]
    if not len(order):
        return {"note": "All gaps are negligible: there is nothing to explain."}
    shown = order[:MAX_ROWS].tolist()
    more = len(found.rows) - len(shown)
    explanation = (
        "Steps from the MLE to the posterior mean, in posterior sd; a gap is measured the other "
        "way round, so its sign is opposite. Prior: it moves the MLE to the MAP. "
        "Parametrisation: the mode of a density moves when a parameter is replaced by its log. "
        "Joint against marginal: the highest point of the joint density is not where the marginal "
        "density of each parameter is highest. Skew: the mean of a skewed distribution is not its "
        "mode. The four sum to the distance from the MLE to the mean."
    )
    if more and len(order) == len(shown):
        explanation += " Listed: those whose gaps are not negligible; the download has all."
    elif more:
        explanation += (
            f" Listed: the {plural(len(shown), 'parameter')} with the largest gaps that are not "
            "negligible; the download has all."
        )
    return {
        "note": "",
        "explanation": explanation,
        "caption": "The largest gaps, in posterior sd, and their causes",
        "columns": ["parameter", "verdict on MAP", "gap MLE", "gap MAP", *COLUMNS.values()],
        "rows": [_row(request, found, i) for i in shown],
        "legend": _legend(found, shown),
        "sentences": [_split(found, i) for i in shown[:MAX_PICTURES]],
        "figure": _figure(found, order),
    }


def _is_nothing(table: pd.DataFrame, margin: float) -> NDArray[np.bool_]:
    """Whether a gap is negligible; where there is no verdict, whether it is smaller than that."""
    small = (table["verdict"] == NO_VERDICT) & (table["gap"].abs() < margin)
    return np.asarray((table["verdict"] == NEGLIGIBLE) | small)


def _legend(found: Explanation, shown: list[int]) -> str:
    """Say what grey means, and what these draws leave open."""
    text = "Grey numbers are within two Monte Carlo standard errors of 0."
    needed = np.stack([found.needed[term][shown] for term in COLUMNS])
    if not (needed > 0).any():
        return text
    text += " Not determined: the Monte Carlo error exceeds the gap"
    most = draws_in_words(float(np.nanmax(needed)))
    return f"{text}; about {most} would tell them all apart; the verdicts do not depend on it."


def _row(request: Request, found: Explanation, i: int) -> dict[str, Any]:
    label = found.rows[i].label
    key = str(request.verdicts["MAP"].parameters["verdict"].iloc[i])
    cells = [{"text": WORDS[key], "kind": f"verdict {KINDS[key]}"}]
    for estimator in ("MLE", "MAP"):
        term = "total" if estimator == "MLE" else "MAP"
        cells.append(_cell(-float(found.shift[term][i]), found, term, i, estimator))
    for term, ends in (
        ("prior", ("MLE", "MAP")),
        ("parametrisation", ("MAP", "mode")),
        ("marginal", ("mode", "marginal mode")),
        ("skew", ("marginal mode",)),
    ):
        cells.append(_cell(float(found.shift[term][i]), found, term, i, *ends))
    return {"name": label, "cells": [c | {"room": False} for c in cells]}


def _cell(value: float, found: Explanation, term: str, i: int, *points: str) -> dict[str, str]:
    if not math.isfinite(value):
        why = next((found.missing[i][p] for p in points if p in found.missing[i]), "–")
        return {"text": why, "kind": "words"}
    if found.needed[term][i] > 0:
        return {"text": "not determined", "kind": "noise"}
    return {
        "text": signed(value, float(found.mcse[term][i])),
        "kind": "noise" if found.noise[term][i] else "",
    }


def signed(value: float, error: float) -> str:
    """Write a number of posterior sd with its sign and the digits that its error leaves."""
    text = f"{value:+.{1 if error >= 0.25 else 2}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _split(found: Explanation, i: int) -> dict[str, str]:
    label, text = found.rows[i].label, found.sentences[i]
    return {"label": label, "text": sentence(text.removeprefix(f"{label}: "))}


def _figure(found: Explanation, order: np.ndarray) -> Any:
    n = min(MAX_PICTURES, len(order))
    columns = min(n, 2)
    # One alone is as wide as two: a page has that room.
    size = (2 * PANEL[0], PANEL[1] * math.ceil(n / columns) + 0.6)

    def make() -> Any:
        return draw_waterfall(
            found,
            sort=True,
            max_parameters=n,
            plot_collection=None,
            backend="matplotlib",
            labeller=None,
            visuals=None,
            col_wrap=columns,
            figure_kwargs={"figsize": size, "figsize_units": "inches"},
        )

    shown = order[:n].tolist()
    alt = (
        "Waterfalls: for each parameter bars that lead from the MLE by way of prior, "
        "parametrisation, joint against marginal and skew to the posterior mean at 0. "
    )
    alt += " ".join(found.sentences[i] for i in shown)
    caption = (
        "Each bar begins where the one above it ends; the last ends at the posterior mean. Grey "
        "bars are within twice their Monte Carlo error of 0, which the line across a bar shows; of "
        "twenty causes that are 0, about one is coloured all the same."
    )
    if any((found.needed[term][shown] > 0).any() for term in COLUMNS):
        caption += (
            " A step whose Monte Carlo error exceeds the gap is not determined: it has no bar, and "
            "says about how many draws in all would determine it."
        )
    if n < len(order):
        caption += f" Shown: the {n} of {len(order):,} parameters with the largest gaps."
    return draw(make, alt=alt, caption=caption)
