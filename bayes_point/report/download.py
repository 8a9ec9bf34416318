"""Every number of every parameter as a file inside the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_point.comparison.causes.explain import STEPS

if TYPE_CHECKING:
    from bayes_point.comparison.causes.explain import Explanation
    from bayes_point.comparison.distance.verdict import Verdict


def csv_uri(
    summary: pd.DataFrame,
    explanation: Explanation,
    verdicts: Mapping[str, Verdict],
    coefficients: Mapping[str, pd.DataFrame | None],
) -> str:
    """Return the summary, the causes of the gaps and the verdicts as a CSV, in a data URI.

    One row a scalar parameter. ``shift_prior`` and the like are the terms of `explain` in posterior
    sd, ``mcse_prior`` their Monte Carlo errors; ``se_MLE`` and the like are of the coefficient
    table, where the fit has one.
    """
    table = pd.DataFrame(summary).copy()
    for estimator, verdict in verdicts.items():
        table[f"verdict_{estimator}"] = verdict.parameters["verdict"].to_numpy()
        table[f"gap_mcse_{estimator}"] = verdict.parameters["gap_mcse"].to_numpy()
    for term in STEPS:
        table[f"shift_{term}"] = explanation.shift[term]
        table[f"mcse_{term}"] = explanation.mcse[term]
    for estimator, own in coefficients.items():
        if own is not None:
            own = own.reindex(table.index)
            for column in ("se", "lower", "upper", "status", "notes"):
                table[f"{column}_{estimator}"] = own[column].to_numpy()
    table.index = [_harmless(label) for label in table.index]
    for column in table.columns[[dtype.kind == "O" for dtype in table.dtypes]]:
        table[column] = [_harmless(cell) for cell in table[column]]
    text = table.to_csv(index_label="parameter", float_format="%.10g", lineterminator="\r\n")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula.

    A label may come from data of others, and ``=HYPERLINK(...)`` in a CSV is run as it is opened.
    An apostrophe in front makes it text, as OWASP advises
    (https://owasp.org/www-community/attacks/CSV_Injection).

    Examples
    --------
    >>> _harmless("=1+1"), _harmless("theta[-1]"), _harmless(-1.5)
    ("'=1+1", 'theta[-1]', -1.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell
