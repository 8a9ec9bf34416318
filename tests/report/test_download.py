"""The CSV in the page: what a spreadsheet would run is text."""

from __future__ import annotations

import base64
import csv
import io

import pandas as pd
import xarray as xr

import bayes_point as bp
from bayes_point.comparison.causes.explain import explained
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.report.download import csv_uri
from tests.trees import coin_tree

FORMULA = '=HYPERLINK("http://x","y")'


def test_no_cell_is_a_formula_and_numbers_stay_numbers() -> None:
    tree = coin_tree(draws=50)
    explanation = explained(Selected.of(tree, None, None, None))
    mean = xr.DataArray(tree["posterior/theta"]).mean().item()
    for label in (FORMULA, "@theta"):
        summary = pd.DataFrame(bp.summary(tree))
        summary.index = [label]
        summary.iloc[:, summary.columns.get_loc("mean")] *= -1
        uri = csv_uri(summary, explanation, {}, {})
        text = base64.b64decode(uri.partition(",")[2]).decode()
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["parameter"] == "'" + label
        assert abs(float(row["mean"]) + mean) < 1e-6
