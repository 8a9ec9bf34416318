"""A PointEstimate in words, as text and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from bayes_point.estimation.status import Status

if TYPE_CHECKING:
    from bayes_point.estimation.point_estimate import PointEstimate

__all__ = ["as_html", "as_text"]

_ROWS = 30
_NAMES = {"MLE": "Maximum likelihood estimate", "MAP": "Maximum a posteriori estimate"}


def as_text(estimate: PointEstimate) -> str:
    """Return the estimate as plain text."""
    rows, left_out = _rows(estimate)
    width = max((len(name) for name, _ in rows), default=0)
    lines = [
        f"{_NAMES[estimate.estimator]} ({estimate.estimator})",
        f"  maximises {estimate.maximised}",
        f"  {estimate.status.value}",
        *(f"  {name:<{width}}  {value}" for name, value in rows),
    ]
    if left_out:
        lines.append(f"  ... and {left_out} more: see .to_dataframe()")
    lines.append(f"  {_densities(estimate)}; {_starts(estimate)}")
    lines += [f"  - {finding}" for finding in estimate.findings]
    return "\n".join(lines)


def as_html(estimate: PointEstimate) -> str:
    """Return the estimate as HTML for a notebook; every text from the user is escaped."""
    rows, left_out = _rows(estimate)
    body = "".join(f"<tr><th>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in rows)
    more = f"<p>… and {left_out} more: see .to_dataframe()</p>" if left_out else ""
    findings = "".join(f"<li>{escape(str(finding))}</li>" for finding in estimate.findings)
    return (
        f"<div><strong>{_NAMES[estimate.estimator]} ({estimate.estimator})</strong>"
        f"<p>maximises {escape(estimate.maximised)}</p>"
        f"<p><em>{escape(estimate.status.value)}</em></p>"
        f"<table>{body}</table>{more}"
        f"<p>{escape(_densities(estimate))}; {escape(_starts(estimate))}</p>"
        f"<ul>{findings}</ul></div>"
    )


def _rows(estimate: PointEstimate) -> tuple[list[tuple[str, str]], int]:
    table = estimate.to_dataframe()
    shown = table.iloc[:_ROWS]
    rows = [
        (str(name), _value(float(row["value"]), str(row["status"])))
        for name, row in shown.iterrows()
    ]
    return rows, len(table) - len(shown)


def _value(value: float, status: str) -> str:
    """Show a number, or, where there is none, the status in its place."""
    words = status.replace("_", " ")
    if np.isnan(value):
        return words
    number = f"{value:.6g}"
    return number if status == Status.CONVERGED.key else f"{number} ({words})"


def _densities(estimate: PointEstimate) -> str:
    parts = {
        "log-likelihood": estimate.log_likelihood,
        "log-prior": estimate.log_prior,
        "log joint": estimate.log_joint,
    }
    return ", ".join(
        f"{name} {'undefined' if np.isnan(value) else f'{value:.6g}'}"
        for name, value in parts.items()
    )


def _starts(estimate: PointEstimate) -> str:
    reached = int(estimate.optima["reached"][0])
    return f"best of {estimate.n_starts} starts, reached by {reached}"
