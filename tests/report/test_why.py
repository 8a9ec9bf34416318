"""The verdict at the top, the causes of the gaps, and the numbers that can be taken away."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_point.comparison.causes.explain import STEPS, explain
from bayes_point.comparison.distance.gaps import gaps
from bayes_point.comparison.distance.verdict import verdict
from bayes_point.report import report
from bayes_point.report.request import Request
from bayes_point.report.sections.verdicts import verdicts
from bayes_point.report.sections.why import MAX_PICTURES, MAX_ROWS, signed, why_section
from tests.report.page_parser import Page
from tests.tree_layout import assemble, estimate
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree


def request_of(tree: xr.DataTree, var_names: str | None = None) -> Request:
    selection = {"var_names": var_names, "filter_vars": None, "coords": None}
    return Request(tree, selection, 0.89, "eti")


def test_the_verdict_is_that_of_the_function() -> None:
    tree = regression_tree(draws=1000)
    found = verdicts(request_of(tree))
    for card in found["cards"]:
        own = verdict(tree, estimator=card["estimator"])
        assert card["sentence"] == own.sentence
    assert [card["estimator"] for card in found["cards"]] == ["MAP", "MLE"]
    assert found["lede"] == [verdict(tree).sentence]
    assert [(c["badge"], c["kind"]) for c in found["cards"]] == [
        ("undecided", "unsure"),
        ("gap matters", "bad"),
    ]
    assert found["cards"][1]["counts"] == [
        "1 parameter: gap matters",
        "3 parameters: negligible gap",
    ]
    assert "small if it is 0.1 posterior sd or more" in found["rule"]


def test_what_puts_a_verdict_under_reserve_is_beside_it() -> None:
    found = verdicts(request_of(coin_tree(divergences=3)))
    assert found["notes"][0] == "The sampler has 1 problem (see below)."
    assert found["notes"][1] == "The MLE lies on the boundary of the support."
    assert {card["badge"] for card in found["cards"]} == {"no verdict"}


def test_the_table_has_the_terms_of_the_explanation() -> None:
    tree = regression_tree(draws=1000)
    rows = {row["name"]: row["cells"] for row in why_section(request_of(tree))["rows"]}
    assert list(rows) == ["sigma"]
    texts = [cell["text"] for cell in rows["sigma"]]
    terms = explain(tree)["sigma"].sel(quantity="shift")
    gap = gaps(tree)["sigma"].sel(quantity="gap").values
    skew = float(terms.sel(term=["mode_to_median", "median_to_mean"]).sum())
    numbers = [*gap, *terms.sel(term=["prior", "parametrisation", "marginal"]).values, skew]
    assert texts[0] == "undecided"
    assert [float(t.replace("−", "-")) for t in texts[1:]] == pytest.approx(numbers, abs=0.0051)
    assert rows["sigma"][3]["kind"] == ""


def test_steps_without_an_end_say_why() -> None:
    rows = {r["name"]: r["cells"] for r in why_section(request_of(failed_tree()))["rows"]}
    texts = [cell["text"] for cell in rows["slope"]]
    assert texts[:4] == ["no verdict", "unbounded", "at infinity", "unbounded"]
    assert {cell["kind"] for cell in rows["slope"][1:4]} == {"words"}


def test_of_many_parameters_the_largest_are_shown() -> None:
    tree = many_tree(60, draws=100)
    content = why_section(request_of(tree))
    assert len(content["rows"]) == MAX_ROWS
    assert len(content["sentences"]) == MAX_PICTURES
    # The gaps run from -3 to 3: the largest are the first and the last.
    shown = {row["name"] for row in content["rows"]}
    assert shown <= {f"theta[item{i:02d}]" for i in (*range(8), *range(52, 60))}
    assert (
        "the 12 parameters with the largest gaps that are not negligible" in content["explanation"]
    )
    assert "Shown: the 4 of " in content["figure"].caption
    assert all(s["text"] in content["figure"].alt or s["label"] for s in content["sentences"])


def test_words_and_pictures_agree(tmp_path: object) -> None:
    content = why_section(request_of(coin_tree(), "theta"))
    (said,) = content["sentences"]
    assert said["label"] == "theta"
    assert said["text"].startswith("The mean lies 0.53 sd below the MAP; ")
    assert "the mean lies 0.53 sd below the MAP" in content["figure"].alt


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.523, 0.02, "+0.52"), (-0.523, 0.02, "−0.52"), (0.004, 0.001, "0"), (-1.26, 0.4, "−1.3")],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert signed(value, error) == text


def downloaded(page: str) -> pd.DataFrame:
    (link,) = [e for e in Page(page).all("a") if "download" in e.attrs]
    assert link.attrs["download"].endswith(".csv")
    kind, _, data = link.attrs["href"].partition(";base64,")
    assert kind == "data:text/csv;charset=utf-8"
    return pd.read_csv(io.BytesIO(base64.b64decode(data)), index_col="parameter")


def test_the_file_has_every_number() -> None:
    tree = regression_tree(draws=400)
    table = downloaded(report(tree).html)
    assert table.index.tolist()[:2] == ["beta[intercept]", "beta[age]"]
    found, own = explain(tree), verdict(tree).parameters
    for term in STEPS:
        sigma = found["sigma"].sel(term=term)
        expected = float(sigma.sel(quantity="shift"))
        assert table.loc["sigma", f"shift_{term}"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        expected = float(sigma.sel(quantity="shift_mcse"))
        assert table.loc["sigma", f"mcse_{term}"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert table["verdict_MAP"].tolist() == own["verdict"].tolist()
    np.testing.assert_allclose(table["gap_MAP"], own["gap"], rtol=1e-9)
    mean = float(tree["posterior"]["sigma"].mean())
    assert table.loc["sigma", "mean"] == pytest.approx(mean, rel=1e-9)


def test_names_of_the_user_survive_the_file() -> None:
    label = 'a, "b"\nc'
    x = np.random.default_rng(1).normal(size=(2, 60, 2))
    at = estimate({"v": [0.1, 0.2]})
    tree = assemble({"v": x}, mle=at, map=at, dims={"v": ["k"]}, coords={"k": [label, "=1+1"]})
    assert downloaded(report(tree).html).index.tolist() == [f"v[{label}]", "v[=1+1]"]


def test_a_page_of_many_parameters_scrolls() -> None:
    page = Page(report(many_tree(300, draws=60)).html)
    boxes = [e for e in page.all("div") if "tall" in e.attrs.get("class", "").split()]
    assert len(boxes) == 1
    assert len(page.all("th", scope="row")) > 200
    text = page.one("main").text
    assert "Listed: the 200 of 300 parameters with the largest gaps" in text
