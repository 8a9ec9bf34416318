"""The PointEstimate as a table."""

from __future__ import annotations

from functools import cache
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.face.point_estimate import PointEstimate

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
NASTY = "<script>alert(1)<b>"


@cache
def labelled() -> PointEstimate:
    coords = {"group": ["<b>a</b>", "c & d"], "k": [1, 2]}
    with pm.Model(coords=coords) as model:
        nasty = pm.Normal(NASTY, 0, 1, dims=("group", "k"))
        pm.Deterministic("total", nasty.sum())
        pm.Normal("y", nasty, 1, observed=[[1.0, 2.0], [3.0, 4.0]], dims=("group", "k"))
    return bp.find_MAP(model, **QUIET)


def test_the_coefficient_table() -> None:
    table = labelled().to_dataframe(ci_prob=0.95)
    assert table.index.name == "parameter"
    assert table.index.tolist() == [
        *(f"{NASTY}[{group}, {k}]" for group in ("<b>a</b>", "c & d") for k in (1, 2)),
        "total",
    ]
    assert table.columns.tolist() == [
        *("estimate", "se", "ci95_lb", "ci95_ub", "status", "error notes")
    ]
    # Halfway between prior mean and observation, with half the variance; the total of four.
    np.testing.assert_allclose(table["estimate"], [0.5, 1, 1.5, 2, 5], rtol=1e-12)
    se = np.array([*[np.sqrt(0.5)] * 4, np.sqrt(2)])
    np.testing.assert_allclose(table["se"], se, rtol=1e-8)
    half = 1.959963984540054 * se
    np.testing.assert_allclose(table["ci95_lb"], table["estimate"] - half, rtol=1e-8)
    np.testing.assert_allclose(table["ci95_ub"], table["estimate"] + half, rtol=1e-8)
    assert table["status"].tolist() == ["converged"] * 5
    assert table["error notes"].tolist() == [""] * 5


def test_the_interval_is_arviz_s_by_default() -> None:
    prob = az.rcParams["stats.ci_prob"]
    assert labelled().to_dataframe().columns[2] == f"ci{100 * prob:g}_lb"


def test_robust_standard_errors_in_the_table() -> None:
    y = np.array([0.5, 1.0, 4.0])
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Normal("y", mu, 1, observed=y)
    mle = bp.find_MLE(model, **QUIET)
    table = mle.to_dataframe(kind="sandwich")
    assert table.loc["mu", "se"] == pytest.approx(y.std() / np.sqrt(3), rel=1e-8)


def test_a_table_of_what_is_not_one_point() -> None:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 3), pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=[1.5])
    with pytest.warns(EstimationWarning):
        table = bp.find_MLE(model, **QUIET).to_dataframe()
    assert np.isnan(table.loc["sigma", "estimate"])
    assert table.loc["sigma", "status"] == "unbounded"
    assert table["se"].isna().all()
    assert table["error notes"].tolist() == ["the MLE is unbounded"] * 2
    with pm.Model() as model:
        theta, mu = pm.Beta("theta", 2, 2), pm.Flat("mu")
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        pm.Normal("y", mu, 1, observed=[0.0, 2.0])
    table = bp.find_MLE(model, **QUIET).to_dataframe()
    assert table["status"].to_dict() == {
        "theta": "on_boundary",
        "mu": "converged",
        "odds": "on_boundary",
    }
    assert table["error notes"].tolist() == [
        "at the edge of the support",
        "holds theta fixed",
        "at infinity",
    ]
    assert table.loc["mu", "se"] == pytest.approx(np.sqrt(0.5), rel=1e-8)
