"""The summary table: its numbers are those of ArviZ, its digits those of the Monte Carlo error."""

from __future__ import annotations

import pickle

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_point.comparison.distance.digits import decimals_of, number_text, round_to_spec
from bayes_point.comparison.distance.gaps import gaps
from bayes_point.comparison.tables import summary
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree


@pytest.mark.parametrize("kind", ["eti", "hdi"])
@pytest.mark.parametrize("prob", [None, 0.5, 0.94])
def test_numbers_and_names_are_those_of_arviz(kind: str, prob: float | None) -> None:
    dt = regression_tree()
    every = ["beta", "sigma", "effect_of_age"]
    got = summary(dt, ci_kind=kind, ci_prob=prob, var_names=every)
    theirs = arviz_stats.summary(dt, kind="stats", ci_kind=kind, ci_prob=prob, round_to="none")
    assert list(got.columns) == ["MLE", "MAP", *theirs.columns, "gap_MLE", "gap_MAP"]
    assert list(got.index) == list(theirs.index)
    np.testing.assert_allclose(got[list(theirs.columns)], theirs, rtol=1e-12)


def test_estimates_and_gaps_are_those_of_the_tree() -> None:
    dt = regression_tree()
    got, distance = summary(dt), gaps(dt)
    points = dt["point_estimates"]
    for estimator in ("MLE", "MAP"):
        expected = points["beta"].sel(estimator=estimator)
        np.testing.assert_array_equal(got[estimator].iloc[:3], expected)
        gap = distance["beta"].sel(estimator=estimator, quantity="gap")
        np.testing.assert_allclose(got[f"gap_{estimator}"].iloc[:3], gap, rtol=1e-12)


def test_the_coin_as_it_is_shown() -> None:
    assert str(summary(coin_tree(), var_names=["theta", "two_heads"])) == (
        "               MLE     MAP   mean     sd eti89_lb eti89_ub gap_MLE gap_MAP\n"
        "theta      1.0000*  0.8000  0.713  0.162     0.42    0.941   +1.76   +0.53\n"
        "two_heads  1.0000   0.6400  0.535  0.219     0.18     0.88   +2.12   +0.48\n"
        "* MLE (on boundary): the maximum lies on the boundary of the support"
    )


def test_failed_estimates_never_look_like_good_numbers() -> None:
    table = summary(failed_tree())
    texts = table.texts()
    assert texts.loc[["tau", "slope"], "MLE"].tolist() == ["unbounded ", "unbounded "]
    assert texts.loc["mu", ["MLE", "gap_MLE"]].tolist() == ["8.00?", "+1.34?"]
    assert texts.loc["tau", "gap_MLE"].strip() == "-"
    assert texts.loc["slope", ["MAP", "gap_MAP"]].tolist() == ["inf*", "+inf"]
    assert texts.loc["mu", "MAP"] == "4.40 "
    assert table.notes == (
        "? MLE (unbounded): the density has no maximum: it grows without bound",
        "* MAP (at infinity): the density keeps rising as parameters go to infinity",
    )
    assert str(table).endswith("\n".join(table.notes))
    assert table.attrs["status"] == {"MLE": "unbounded", "MAP": "at_infinity"}
    # inside are the numbers
    assert np.isnan(table.loc["tau", "MLE"])
    assert table.loc["slope", "gap_MAP"] == np.inf


def test_marks_go_to_all_if_the_findings_name_none() -> None:
    dt = regression_tree()
    for group in ("mle", "map"):
        dt[group].attrs["status"] = "not_identified"
    points = dt["point_estimates"].to_dataset()
    points["status"] = ("estimator", ["not_identified", "not_identified", "sampled"])
    dt["point_estimates"] = points
    assert summary(dt).texts()["MLE"].str.endswith("*").all()
    for name, marked in {
        "beta[age]": ["beta[age]"],
        "beta": ["beta[intercept]", "beta[age]", "beta[income]"],
        "sigma_log__": ["sigma"],
    }.items():
        dt["mle"].attrs["findings"] = (
            f'[{{"what": "", "parameters": ["{name}"], "evidence": {{}}, "advice": ""}}]'
        )
        texts = summary(dt).texts()["MLE"]
        assert list(texts.index[texts.str.endswith("*")]) == marked


def test_a_note_does_not_say_the_status_twice() -> None:
    dt = coin_tree()
    dt["mle"].attrs["status_text"] = "On a boundary: the maximum is at the edge of a support."
    assert summary(dt).notes == ("* MLE (on boundary): the maximum is at the edge of a support.",)
    dt["mle"].attrs["status_text"] = "Theta: 2 of its bounds are active: lower, upper"
    assert (
        summary(dt)
        .notes[0]
        .endswith("(on boundary): Theta: 2 of its bounds are active: lower, upper")
    )


def test_an_estimate_that_is_not_a_number_though_converged() -> None:
    # A Deterministic may be undefined (0/0) at a good estimate of its parameters.
    dt = regression_tree()
    points = dt["point_estimates"].to_dataset()
    points["effect_of_age"] = points["effect_of_age"].where(points["estimator"] != "MLE")
    dt["point_estimates"] = points
    assert summary(dt, var_names="effect_of_age").texts().loc[
        "effect_of_age", ["MLE", "gap_MLE"]
    ].tolist() == ["nan", "-"]


def test_digits_follow_the_monte_carlo_error() -> None:
    # The mean of theta: sd 0.16, 2000 draws, error 0.0036, twice that 0.0072: three decimals. With
    # 100 times the draws one more.
    few, many = (summary(coin_tree(draws=d)).texts().loc["theta"] for d in (500, 50_000))
    assert len(few["mean"]) == len("0.713")
    assert len(many["mean"]) == len("0.7143")
    assert len(many["MAP"].strip()) == len("0.80000")
    assert many["gap_MAP"] == "+0.537", "(0.8 - 5/7) / 0.15972"


def test_an_end_at_an_edge_is_not_written_to_its_own_error() -> None:
    # A chance close to 1 in most draws: its upper end is known to 1e-9, the mean to three decimals.
    dt = coin_tree(draws=500)
    posterior = dt["posterior"].dataset
    near_one = 1 / (1 + np.exp(-40 * (posterior["theta"] - 0.4)))
    dt["posterior"] = xr.DataTree(posterior.assign(theta=near_one))
    assert len(summary(dt).texts().loc["theta", "eti89_ub"]) <= len("1.00000")


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.71285, 0.0037, "0.713"),
        (0.71285, 0.06, "0.7"),
        (0.99999, 0.0037, "1.000"),
        (-0.0004, 0.0037, "0.000"),
        (123456.0, 3000.0, "123000"),
        (123456.0, 3e4, "120000"),
        (123456789.0, 3000.0, "1.23457e+08"),
        (1.23456e-9, 2e-12, "1.235e-09"),
        (3.0, 30.0, "0"),
        (1e-30, 1e-20, "0"),
        (0.123456789, float("nan"), "0.1235"),
        (2.0, 0.0, "2"),
        (float("nan"), 0.1, "nan"),
        (float("-inf"), 0.1, "-inf"),
    ],
)
def test_number_text(value: float, error: float, text: str) -> None:
    assert number_text(value, decimals_of(error)) == text


def test_a_note_has_no_mark_where_no_number_does() -> None:
    found = summary(failed_tree(), var_names=["tau"])
    assert "?" not in str(found).partition("MLE (unbounded)")[0]
    assert any(note.startswith("MLE (unbounded): ") for note in found.notes)
    assert any(note.startswith("? MLE (unbounded): ") for note in summary(failed_tree()).notes)


def test_signs() -> None:
    assert number_text(0.5, 2, sign=True) == "+0.50"
    assert number_text(-0.5, 2, sign=True) == "-0.50"
    assert number_text(-0.001, 2, sign=True) == "0.00"  # zero has no sign
    assert number_text(float("inf"), None, sign=True) == "+inf"


def test_rounded_and_raw_tables_carry_the_status_in_columns() -> None:
    dt = failed_tree()
    raw = summary(dt, round_to="none")
    assert (raw["status_MLE"] == "unbounded").all()
    assert (raw["status_MAP"] == "at_infinity").all()
    pd.testing.assert_frame_equal(
        pd.DataFrame(raw.drop(columns=["status_MLE", "status_MAP"])), pd.DataFrame(summary(dt))
    )
    assert summary(dt, round_to=1).loc["mu", "mean"] == 4.0
    assert summary(dt, round_to="3g").loc["mu", "mean"] == 3.96
    assert round_to_spec(0.0, "3g") == 0.0
    assert round_to_spec(1234.5, -2) == 1200.0


@pytest.mark.parametrize("wrong", ["2", "g", "0g", 1.5, True, "nine"])
def test_round_to_that_is_not_understood(wrong: object) -> None:
    with pytest.raises(ComparisonError, match="round_to must be None or 'auto'") as caught:
        summary(coin_tree(), round_to=wrong)  # type: ignore[arg-type]
    assert repr(wrong) in str(caught.value)


def test_what_is_derived_from_the_table_never_shows_a_stale_text() -> None:
    table = summary(coin_tree(draws=500), var_names=["theta", "two_heads"])
    twice = table[["mean"]] * 2
    assert float(str(twice).split()[-3]) == pytest.approx(2 * table.loc["theta", "mean"], rel=1e-5)
    assert str(table[["mean"]].head(1)).split() == ["mean", "theta", "0.713"]
    assert "0.713" in str(table.T)
    assert str(pickle.loads(pickle.dumps(table))) == str(table)
    assert table["mean"].mean() == pytest.approx(table["mean"].to_numpy().mean())
    # the notes are about the estimates
    assert "boundary" not in str(table[["mean", "sd"]])


def test_html_is_escaped() -> None:
    dt = many_tree(1)
    for group in ("posterior", "point_estimates"):
        dt[group] = dt[group].to_dataset().assign_coords(item=["<b>"])
    points = dt["point_estimates"].to_dataset()
    points["status"] = ("estimator", ["not_converged", "converged", "sampled"])
    dt["point_estimates"] = points
    dt["mle"].attrs.update(status="not_converged", status_text="<script>")
    page = summary(dt)._repr_html_()
    assert "theta[&lt;b&gt;]" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_constant_draws_have_no_gap() -> None:
    dt = coin_tree()
    ds = dt["posterior"].to_dataset()
    dt["posterior"] = ds.assign(two_heads=ds["two_heads"] * 0 + 0.5)
    row = summary(dt, var_names="two_heads").loc["two_heads"]
    assert row["sd"] == 0.0
    assert np.isnan(row["gap_MLE"])
    assert summary(dt, var_names="two_heads").texts().loc[
        "two_heads", ["mean", "gap_MLE"]
    ].tolist() == ["0.5", "-"]


# ------------------------------------------------------------------------------------- causes


def test_the_causes_add_up_to_the_distance() -> None:
    tree = regression_tree(draws=1000)
    frame = summary(tree, kind="causes")
    assert list(frame.columns) == ["prior", "parametrisation", "marginal", "skew", "total"]
    assert frame.index.tolist() == summary(tree).index.tolist()
    np.testing.assert_allclose(frame.iloc[:, :4].sum(axis=1), frame["total"], atol=1e-12)
    np.testing.assert_allclose(frame["total"], -summary(tree)["gap_MLE"], rtol=1e-12)
    texts = frame.texts()
    # The prior on beta is on its own scale: nothing by parametrisation, to the digit.
    assert texts.loc["beta[age]", "parametrisation"] == "0"
    assert texts.loc["beta[age]", "skew"].startswith("(")
    assert texts.loc["sigma", "total"] == "+1.14"
    assert "in brackets: within twice the Monte Carlo error of 0" in repr(frame)


def test_causes_that_are_missing_say_why() -> None:
    frame = summary(failed_tree(), kind="causes", var_names=["tau", "slope"])
    assert frame.texts().loc["tau", "prior"] == "-"
    assert {"tau: MLE unbounded", "slope: MAP at infinity"} <= set(frame.notes)


def test_causes_are_rounded_as_numbers_are() -> None:
    frame = summary(regression_tree(draws=200), kind="causes", round_to=2)
    total = summary(regression_tree(draws=200), kind="causes", round_to="none")["total"]
    assert frame.loc["sigma", "total"] == round(float(total["sigma"]), 2)
    with pytest.raises(ComparisonError, match="kind must be 'estimates' or 'causes', got 'why'"):
        summary(regression_tree(draws=20), kind="why")


def test_tables_for_papers_hold_the_rounded_texts() -> None:
    frame = summary(coin_tree(draws=100))
    head, rule, *rows = frame.to_markdown().splitlines()
    assert head.split("|")[2].strip() == frame.columns[0]
    assert rule.count("--:") == len(frame.columns)
    assert [cell.strip() for cell in rows[0].split("|")[2:-1]] == list(frame.texts().iloc[0])
    assert "\\toprule" in frame.to_latex()
