"""What the page says of the search for each estimate."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayes_point.report.sections.estimates import (
    MAX_COLUMNS,
    MAX_OPTIMA,
    estimates,
    findings_in_words,
)
from tests.trees import coin_tree, many_tree


def with_optima(tree: xr.DataTree, densities: list[float], reached: list[int]) -> xr.DataTree:
    best = tree["mle/optima"].to_dataset().isel(optimum=0, drop=True)
    tree["mle/optima"] = best.expand_dims(optimum=np.arange(len(reached))).assign(
        log_density=("optimum", densities), reached=("optimum", reached)
    )
    return tree


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        ([8], "8 starts, all of which reached this point"),
        ([5], "8 starts, 5 of which reached this point"),
        ([0], "8 starts, none of which reached this point"),
        ([2, 6], "8 starts, 2 distinct optima; 2 reached the best of them"),
    ],
)
def test_how_many_starts_reached_the_optimum(reached: list[int], words: str) -> None:
    tree = with_optima(coin_tree(draws=10), [0.0] * len(reached), reached)
    assert estimates(tree)[0]["search"] == words


def test_one_start_is_one_start() -> None:
    tree = with_optima(coin_tree(draws=10), [0.0], [1])
    tree["mle"].attrs["n_starts"] = 1
    assert estimates(tree)[0]["search"] == "1 start"


def test_several_optima_make_a_table() -> None:
    tree = with_optima(coin_tree(draws=10), [-1.5, -2.25], [3, 5])
    mle, map_ = estimates(tree)
    assert map_["optima"] is None
    assert mle["optima"]["columns"] == ["optimum", "log density", "starts", "theta"]
    rows = [[r["name"], *(c["text"] for c in r["cells"])] for r in mle["optima"]["rows"]]
    assert rows == [["best", "−1.5", "3", "1"], ["2", "−2.25", "5", "1"]]


def test_many_optima_of_many_parameters_are_cut_and_counted() -> None:
    n = MAX_OPTIMA + 3
    tree = with_optima(many_tree(20, draws=10), [-float(i) for i in range(n)], [1] * n)
    table = estimates(tree)[0]["optima"]
    assert "3 more are left out" in table["caption"]
    assert len(table["rows"]) == MAX_OPTIMA
    assert table["columns"][3:] == [f"theta[item{i:02d}]" for i in range(MAX_COLUMNS)]


def test_the_coefficients_and_why_some_have_no_error() -> None:
    tree = coin_tree(draws=10)
    assert estimates(tree)[0]["coefficients"] is None  # a tree that holds no errors
    point = tree["mle/posterior"].to_dataset().isel(chain=0, draw=0, drop=True)
    se = (point * np.nan).assign_attrs(text="the inverse of the observed information")
    se["theta"].attrs["notes"] = "theta: at the edge of the support"
    ends = xr.concat([point * 0 + 0.25, point * 0 + 0.5], dim="ci_bound")
    ends = ends.assign_coords(ci_bound=["lower", "upper"]).assign_attrs(ci_prob=0.89)
    tree["mle/stderr"], tree["mle/interval"] = xr.DataTree(se), xr.DataTree(ends)
    table = estimates(tree)[0]["coefficients"]
    assert table["caption"] == "The MLE and its errors"
    assert table["note"] == (
        "Standard errors from the inverse of the observed information; 89% Wald intervals."
    )
    columns = ["parameter", "estimate", "se", "89% from", "89% to", "status", "error notes"]
    assert table["columns"] == columns
    rows = [[r["name"], *(c["text"] for c in r["cells"])] for r in table["rows"]]
    assert rows[0] == [
        *("theta", "1", "–", "0.25", "0.5"),
        *("on boundary", "at the edge of the support"),
    ]


def test_findings_as_the_command_prints_them() -> None:
    assert findings_in_words(coin_tree(draws=10)) == [
        "MLE: theta = 1 lies on the edge of its support [0, 1]. Use the MAP or the posterior mean, "
        "or collect data with both outcomes."
    ]
    assert findings_in_words(many_tree(3, draws=10)) == []
