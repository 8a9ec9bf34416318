"""A PointEstimate in words, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.coefficients import coefficients
from bayes_point.estimation.uncertainty.criteria import (
    aic,
    bic,
    counts_observations,
    n_observations,
    n_parameters,
)
from bayes_point.estimation.uncertainty.information import has_failed
from bayes_point.estimation.uncertainty.labelled import in_words
from bayes_point.model.variables.roles import completed

__all__ = ["as_html", "as_text"]

_ROWS = 30
_NAMES = {"MLE": "Maximum likelihood estimate", "MAP": "Maximum a posteriori estimate"}


@dataclass(frozen=True)
class _Table:
    """The head and the rows of the coefficient table as text; the last column is of words."""

    head: list[str]
    rows: list[list[str]]
    left_out: int

    @property
    def texts(self) -> list[list[str]]:
        return [self.head, *self.rows]


def as_text(estimate: EstimateRecord) -> str:
    """Return the estimate as plain text."""
    table = _table(estimate)
    widths = [max(map(len, column)) for column in zip(*table.texts, strict=True)]
    lines = [
        f"{_NAMES[estimate.estimator]} ({estimate.estimator})",
        f"  maximises {estimate.maximised}",
        f"  {estimate.status.value}",
    ]
    for name, *numbers, words in table.texts:
        cells = [f"{cell:>{w}}" for cell, w in zip(numbers, widths[1:], strict=False)]
        lines.append("  ".join(["", f"{name:<{widths[0]}}", *cells, words]).rstrip())
    if table.left_out:
        lines.append(f"  ... and {table.left_out} more: see .to_dataframe()")
    lines += [f"  {line}" for line in _summary(estimate)]
    lines += [f"  - {finding}" for finding in estimate.findings]
    return "\n".join(lines)


def as_html(estimate: EstimateRecord) -> str:
    """Return the estimate as HTML for a notebook; every text from the user is escaped."""
    table = _table(estimate)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    body = "".join(
        f"<tr><th>{escape(name)}</th>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"
        for name, *cells in table.rows
    )
    more = f"<p>… and {table.left_out} more: see .to_dataframe()</p>" if table.left_out else ""
    summary = "<br>".join(map(escape, _summary(estimate)))
    findings = "".join(f"<li>{escape(str(finding))}</li>" for finding in estimate.findings)
    return (
        f"<div><strong>{_NAMES[estimate.estimator]} ({estimate.estimator})</strong>"
        f"<p>maximises {escape(estimate.maximised)}</p>"
        f"<p><em>{escape(estimate.status.value)}</em></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
        f"<p>{summary}</p>" + (f"<ul>{findings}</ul>" if findings else "") + "</div>"
    )


def _table(estimate: EstimateRecord) -> _Table:
    frame = coefficients(estimate, ci_prob=None, kind="hessian", cluster=None)
    # Data that are filled up are data, and what is filled in stands under a name of its own.
    filled = completed(estimate.model)
    frame = frame[[str(name).split("[")[0] not in filled for name in frame.index]]
    shown = frame.iloc[:_ROWS]
    prob = str(frame.columns[2]).removeprefix("ci").removesuffix("_lb")
    head = ["", "estimate", "se", f"{prob}% from", "to", ""]
    rows = [_row(str(name), row) for name, row in shown.iterrows()]
    return _Table(head, rows, len(frame) - len(shown))


def _row(name: str, row: pd.Series) -> list[str]:
    status, note = str(row["status"]).replace("_", " "), str(row["error notes"])
    words = [] if status == Status.CONVERGED.key else [status]
    # "at infinity: at infinity" would say it twice.
    words += [note] if note and note not in words else []
    estimate = float(row["estimate"])
    numbers = [f"{estimate:.6g}" if not np.isnan(estimate) else "-"]
    numbers += [_short(float(value)) for value in row.iloc[1:4]]
    return [name, *numbers, ": ".join(words)]


def _short(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4g}"


def _summary(estimate: EstimateRecord) -> list[str]:
    lines = []
    if not has_failed(estimate):
        lines.append(f"se: {in_words(estimate, 'hessian', None)}; intervals: Wald")
    parts = {
        "log-likelihood": estimate.log_likelihood,
        "log-prior": estimate.log_prior,
        "log joint": estimate.log_joint,
    }
    texts = [f"{k} {'undefined' if np.isnan(v) else f'{v:.6g}'}" for k, v in parts.items()]
    counted = counts_observations(estimate)
    reached = int(estimate.optima["reached"][0])
    lines.append(", ".join(texts))
    size = _plural(n_parameters(estimate), "free parameter")
    if counted:
        size = f"{_plural(n_observations(estimate), 'observation')}, {size}"
    if estimate.estimator == "MLE" and not has_failed(estimate):
        size += f"; AIC {aic(estimate):.6g}" + (f", BIC {bic(estimate):.6g}" if counted else "")
    if estimate.n_starts == 1:
        return [*lines, size, "from one start"]
    return [*lines, size, f"best of {estimate.n_starts} starts, reached by {reached}"]


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
