"""The progress of find_MLE and find_MAP, when they take long: a bar, or lines in a pipe."""

import io

import numpy as np
import pymc as pm
import pytest
from rich.console import Console

from bayes_point.estimation import progress
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.progress import watched
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
    with watched(objective, "MLE", show, console=console) as (seen, _):
        seen.evaluate(np.array([[0.0], [1.5]]))
        seen.announce("certifying")
        seen.evaluate(np.array([[1.0]]))
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


@pytest.mark.parametrize("terminal", [True, False])
def test_silenced_nothing_is_written(objective, monkeypatch, terminal) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert drawn(objective, show=False, terminal=terminal) == ""


def test_in_a_pipe_each_stage_is_a_line(objective, monkeypatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert drawn(objective, show=True, terminal=False) == "MLE: searching\nMLE: certifying\n"


def test_the_standard_output_is_left_to_the_results(objective, monkeypatch, capsys) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    with watched(objective, "MLE", True) as (seen, _):
        seen.evaluate(np.array([[0.0]]))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "MLE: searching\n")


def test_a_watched_objective_is_the_same_function(objective) -> None:
    x = np.array([[0.3], [2.0]])
    with watched(objective, "MLE", True, console=Console(file=io.StringIO())) as (seen, _):
        for got, expected in zip(seen.evaluate(x), objective.evaluate(x), strict=True):
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(seen.hessian(x), objective.hessian(x))


def test_a_notebook_without_ipywidgets_gets_lines_and_no_warnings(monkeypatch) -> None:
    # There, rich warns at each step that it cannot draw.
    notebook = Console(file=io.StringIO(), force_jupyter=True)
    monkeypatch.setattr(progress, "find_spec", lambda _: None)
    assert not progress.can_draw(notebook)
    monkeypatch.setattr(progress, "find_spec", lambda _: object())
    assert progress.can_draw(notebook)
