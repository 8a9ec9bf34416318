"""The progress bar of find_MLE and find_MAP: drawn when it takes long, on a terminal, else not."""

import io

import numpy as np
import pymc as pm
import pytest
from rich.console import Console

from bayes_point.estimation import progress
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.progress import search_bar
from bayes_point.model.density.density import LogDensity


@pytest.fixture(scope="module")
def objective() -> Objective:
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 1)
        pm.Normal("y", theta, 1, observed=[1.0, 2.0])
    return Objective(LogDensity(model), {"likelihood": 1.0})


def drawn(objective: Objective, *, show: bool, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with search_bar(objective, "MLE", show, console) as watched:
        watched.evaluate(np.array([[0.0], [1.5]]))
        watched.announce("certifying")
        watched.evaluate(np.array([[1.0]]))
    return out.getvalue()


def test_a_long_search_is_shown_with_its_evaluations_and_best_log_density(
    objective, monkeypatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    text = drawn(objective, show=True, terminal=True)
    # At the mean, 1.5, two residuals of a half: -log(2 pi) - 1/4 = -2.08788.
    assert "MLE: certifying" in text
    assert "3 evaluations" in text
    assert "log density -2.08788" in text


def test_a_short_search_draws_nothing(objective, monkeypatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    assert drawn(objective, show=True, terminal=True) == ""


@pytest.mark.parametrize(("show", "terminal"), [(False, True), (True, False)])
def test_silenced_or_in_a_pipe_nothing_is_written(objective, monkeypatch, show, terminal) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert drawn(objective, show=show, terminal=terminal) == ""


def test_a_watched_objective_is_the_same_function(objective) -> None:
    x = np.array([[0.3], [2.0]])
    with search_bar(objective, "MLE", True, Console(file=io.StringIO())) as watched:
        for got, expected in zip(watched.evaluate(x), objective.evaluate(x), strict=True):
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(watched.hessian(x), objective.hessian(x))
