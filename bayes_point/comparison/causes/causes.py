"""The causes of the gaps as a table."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from bayes_point.comparison.causes.explain import Explanation
from bayes_point.comparison.distance.digits import decimals_of, number_text
from bayes_point.comparison.inputs.frame import SummaryFrame

__all__ = ["COLUMNS", "causes_frame"]

COLUMNS = ("prior", "parametrisation", "marginal", "skew", "total")
"""Terms of `explain`, the two of the skew in one."""

NOTE = "(in brackets: within twice the Monte Carlo error of 0)"
OPEN = "(?: not determined, since the Monte Carlo error exceeds the gap)"


def causes_frame(found: Explanation) -> SummaryFrame:
    """One row a scalar parameter, one column a term, in posterior sd."""
    frame = SummaryFrame(
        {term: found.shift[term] for term in COLUMNS}, index=[row.label for row in found.rows]
    )
    cells: dict[tuple[Hashable, Hashable], tuple[float, str]] = {}
    for term in COLUMNS:
        for i, row in enumerate(found.rows):
            value, noise = float(found.shift[term][i]), bool(found.noise[term][i])
            text = number_text(value, decimals_of(float(found.mcse[term][i])), sign=True)
            if np.isnan(value):
                text = "-"
            elif value == 0:
                text = "0"
            elif found.needed[term][i] > 0:
                text = "?"
            elif noise:
                text = f"({text})"
            cells[row.label, term] = (value, text)
    missing = [
        f"{row.label}: {point} {why}"
        for row, of in zip(found.rows, found.missing, strict=True)
        for point, why in of.items()
    ]
    open_ = any((found.needed[term] > 0).any() for term in COLUMNS)
    return frame.with_texts(cells, (NOTE, *([OPEN] if open_ else []), *missing))
