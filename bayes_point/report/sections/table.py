"""The summary as a table of the page."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from bayes_point.comparison.inputs.marginal import is_marginal
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.waterfall import largest
from bayes_point.comparison.tables import summarised
from bayes_point.report.download import csv_uri
from bayes_point.report.request import Request
from bayes_point.report.sections.coefficients import coefficients
from bayes_point.report.wording import sentence

MOST = 200
"""So many parameters are listed, those with the largest gaps; the download has all."""

TALL = 40
"""A table with more rows scrolls inside a box of its own."""

KINDS = {"eti": "equal-tailed", "hdi": "highest density"}

_NUMBER = re.compile(r"^[+-]?(\d|inf$)")


def summary_section(request: Request) -> dict[str, Any]:
    """Return the rows of `summary` as text, and what the marks in them mean."""
    frame = summarised(request.selected, request.ci_prob, request.ci_kind, None)
    texts = frame.texts()
    columns = [_heading(str(column), request.ci_prob) for column in texts.columns]
    # Constant draws have no gap: those last, in the order of the model.
    first = largest(request.explanation)
    order = np.r_[first, np.setdiff1d(np.arange(len(texts)), first)][:MOST]
    labels, cells = texts.index[order], texts.to_numpy()[order]
    rows: list[dict[str, Any]] = [
        {"name": str(label), "cells": [_cell(str(text)) for text in values]}
        for label, values in zip(labels, cells, strict=True)
    ]
    # Where one number of a column has a mark behind it, all leave room for one: digits line up.
    for j in range(len(columns)):
        marked = any(r["cells"][j]["mark"] for r in rows)
        for r in rows:
            r["cells"][j]["room"] = marked
    kind = "Marginal point estimates" if is_marginal(request.tree) else "Point estimates"
    explanation = (
        f"The interval is the {request.ci_prob:.0%} {KINDS[request.ci_kind]} interval of the "
        "posterior. A gap is the estimate minus the posterior mean, in posterior "
        "sd. Numbers are rounded to their Monte Carlo error."
    )
    if len(texts) > len(rows):
        explanation += (
            f" Listed: the {len(rows)} of {len(texts):,} parameters with the largest gaps."
        )
    explanation += " The download adds causes, standard errors and all digits."
    return {
        "explanation": explanation,
        "caption": f"{kind} and posterior",
        "columns": ["parameter", *columns],
        "rows": rows,
        "tall": len(rows) > TALL,
        "notes": [sentence(note) for note in frame.notes],
        "csv": csv_uri(
            frame,
            request.explanation,
            request.verdicts,
            {e: coefficients(request.tree.children[e.lower()]) for e in ESTIMATORS},
        ),
    }


def _heading(column: str, prob: float) -> str:
    if column.endswith("_lb"):
        return f"{prob:.0%} from"
    if column.endswith("_ub"):
        return f"{prob:.0%} to"
    return column.replace("_", " ")


def _cell(text: str) -> dict[str, Any]:
    text = text.strip()
    mark = text[-1] if text.endswith(("*", "?")) else ""
    text = text.removesuffix(mark)
    if text == "-":
        return {"text": "–", "mark": mark, "kind": ""}
    if not _NUMBER.match(text):
        return {"text": text, "mark": mark, "kind": "words"}
    text = text.replace("-", "−").replace("inf", "∞")
    return {"text": text, "mark": mark, "kind": "doubt" if mark == "?" else ""}
