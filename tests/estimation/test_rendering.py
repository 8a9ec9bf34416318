"""What an estimate shows of itself, held against golden files; ``tests/golden/README.md``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.face.point_estimate import PointEstimate
from tests.estimation.test_point_estimate import NASTY, labelled
from tests.reference import case_models

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
GOLDEN = Path(__file__).parents[1] / "golden"


def coin() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    return model


def separated() -> PointEstimate:
    with pm.Model() as model:
        slope, b = pm.Flat("slope"), pm.Flat("b")
        x = np.array([-1.0, -0.5, 0.5, 2.0])
        pm.Bernoulli("y", logit_p=slope * x, observed=[0, 0, 1, 1])
        pm.Normal("z", b, 1, observed=[1.0, 2.0])
    return bp.find_MLE(model, **QUIET)


def only_a_sum() -> PointEstimate:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Deterministic("sum", a + b)
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 6.0])
    return bp.find_MLE(model, **QUIET)


def one_observation() -> PointEstimate:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 3), pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=[1.5])
    return bp.find_MLE(model, **QUIET)


@cache
def many() -> PointEstimate:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=40)
        pm.Normal("y", mu, 1, observed=np.arange(40.0))
    return bp.find_MAP(model, **QUIET)


CASES: dict[str, Callable[[], PointEstimate]] = {
    "regression": lambda: bp.find_MLE(case_models.quine(), **QUIET),
    "map": lambda: bp.find_MAP(coin(), **QUIET),
    "map_jacobian": lambda: bp.find_MAP(coin(), jacobian=True, **QUIET),
    "labels": labelled,
    "many": many,
    "kink": lambda: bp.find_MAP(case_models.swiss_lasso(), **QUIET),
    "on_boundary": lambda: bp.find_MLE(coin(), **QUIET),
    "at_infinity": separated,
    "not_identified": only_a_sum,
    "unbounded": one_observation,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_golden(name: str) -> None:
    estimate = CASES[name]()
    shown = {
        "txt": str(estimate) + "\n",
        # One element a line, so that a difference can be read.
        "html": estimate._repr_html_().replace("><", ">\n<") + "\n",
    }
    for suffix, text in shown.items():
        path = GOLDEN / f"{name}.{suffix}"
        if os.environ.get("REWRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


def test_every_golden_file_is_of_a_case() -> None:
    files = {path.name for path in GOLDEN.iterdir() if path.suffix != ".md"}
    assert files == {f"{name}.{suffix}" for name in CASES for suffix in ("txt", "html")}


def test_the_text_of_a_coin() -> None:
    estimate = bp.find_MAP(coin(), **QUIET)
    assert repr(estimate) == str(estimate)
    lines = str(estimate).splitlines()
    assert lines[0] == "Maximum a posteriori estimate (MAP)"
    assert lines[2].strip() == bp.Status.CONVERGED.value
    assert lines[3].split() == ["estimate", "se", "89%", "from", "to"]
    # 4 log(t) + log(1 - t) at 4/5 is curved by 4/t^2 + 1/(1 - t)^2 = 31.25.
    assert lines[4].split()[:3] == ["theta", "0.8", "0.1789"]
    assert "Laplace" in lines[6]
    # 3 log(0.8), log(6 * 0.8 * 0.2) and their sum.
    assert lines[7].strip() == "log-likelihood -0.669431, log-prior -0.040822, log joint -0.710253"


def test_html_escapes_what_comes_from_the_user() -> None:
    html = labelled()._repr_html_()
    assert NASTY not in html
    assert "<script>" not in html
    assert "<b>a</b>" not in html
    assert "&lt;script&gt;alert(1)&lt;b&gt;[&lt;b&gt;a&lt;/b&gt;, 1]" in html
    assert "c &amp; d" in html
    assert "<td>0.5</td>" in html


def test_many_parameters_are_cut_short() -> None:
    estimate = many()
    assert "... and 10 more: see .to_dataframe()" in str(estimate)
    assert "mu[29]" in str(estimate)
    assert "mu[30]" not in str(estimate)
    assert "and 10 more" in estimate._repr_html_()
    assert len(estimate.to_dataframe()) == 40


def test_missing_data_are_said_to_be_unknowns() -> None:
    y = np.array([1.0, np.nan, 3.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyMC says that it imputes
        with pm.Model() as model:
            mu = pm.Normal("mu", 0, 10)
            pm.Normal("y", mu, 1, observed=y)
    with pytest.warns(EstimationWarning, match=r"missing values \(NaN\) of y .*y_unobserved"):
        mle = bp.find_MLE(model, progressbar=False)
    assert str(mle.findings[0]).endswith(
        "Leave these observations out, or integrate y_unobserved out: bp.find_MLE(model, "
        'marginalize="latents").'
    )
    rows = [line.split()[0] for line in str(mle).splitlines() if line.startswith("  ")]
    assert "y_unobserved[0]" in rows
    # The filled up data are no estimates.
    assert not [row for row in rows if row.startswith("y[")]
    # The mean of what was observed, integrated out.
    marginal = bp.find_MLE(model, marginalize="latents", progressbar=False)
    np.testing.assert_allclose(float(marginal.point["mu"]), 8 / 3)
