"""Searches side by side find what each finds alone, and leave no thread behind."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pymc as pm
import pytest

from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.paths import release
from bayes_point.estimation.refit.lockstep import side_by_side
from bayes_point.model.density.density import LogDensity


@pytest.fixture(scope="module")
def density() -> LogDensity:
    x = np.array([[1.0, -2.0], [1.0, -1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=2)
        pm.Bernoulli("y", logit_p=x @ b, observed=np.zeros(5, int))
    return LogDensity(model, inputs=["y"])


# Regular, separated, constant.
Y = [np.array(y) for y in ([0, 1, 0, 1, 1], [0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0])]
STARTS = np.array([[0.0, 0.0], [1.0, -1.0], [-2.0, 0.5]])


LIKELIHOOD = {"likelihood": 1.0}


def looked_at(objective: Objective, i: int) -> Certificate:
    with np.errstate(all="ignore"):
        return search(objective, STARTS, np.random.default_rng(0), np.empty(0))[0]


def test_as_each_alone(density: LogDensity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_point.estimation.refit.lockstep._AT_ONCE", 3)
    alone = [looked_at(Objective(density.bind({"y": y}), LIKELIHOOD), 0) for y in Y]
    with np.errstate(all="ignore"):
        found = side_by_side(density, [{"y": y} for y in Y], LIKELIHOOD, looked_at)
    assert [c.status.key for c in found] == [
        "converged",
        "at_infinity",
        "at_infinity",
        "converged",
    ]
    for one, other in zip(found, alone, strict=True):
        assert one.status is other.status
        np.testing.assert_array_equal(np.sign(one.direction), np.sign(other.direction))
        np.testing.assert_allclose(one.value, other.value, rtol=1e-9, atol=1e-9)


def test_paths_under_a_penalty(density: LogDensity) -> None:
    weights = {"likelihood": 1.0, "prior": 0.1}

    def path(objective: Objective, i: int) -> Any:
        # A centre of its own, and so a penalty of its own, for each.
        return release(objective, STARTS[1], np.array([0.1 * i, 0.0])).x

    with np.errstate(all="ignore"):
        found = side_by_side(density, [{"y": y} for y in Y], weights, path)
        alone = [path(Objective(density.bind({"y": y}), weights), i) for i, y in enumerate(Y)]
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def test_coordinates_that_are_held(density: LogDensity) -> None:
    weights = {"likelihood": 1.0, "prior": 1.0}

    def held(objective: Objective, i: int) -> float:
        free = np.array([[i != 0, i != 1]])
        return maximise(objective, STARTS[1:2], free=free).x[0]

    a, b, c, _ = side_by_side(density, [{"y": y} for y in Y], weights, held)
    assert (a[0], b[1]) == (1.0, -1.0)
    assert np.all(c != STARTS[1])


def test_what_one_raises_is_raised_and_ends_the_others(density: LogDensity) -> None:
    before = threading.active_count()

    def failing(objective: Objective, i: int) -> None:
        objective.evaluate(STARTS)
        if i == 1:
            raise KeyboardInterrupt("in the second")
        while True:
            objective.evaluate(STARTS)

    with pytest.raises(KeyboardInterrupt, match="in the second"):
        side_by_side(density, [{"y": y} for y in Y], LIKELIHOOD, failing)
    assert threading.active_count() == before


def test_none_and_questions_that_are_never_asked(density: LogDensity) -> None:
    assert side_by_side(density, [], LIKELIHOOD, lambda objective, i: i) == []
    assert side_by_side(density, [{"y": y} for y in Y], LIKELIHOOD, lambda objective, i: i) == [
        0,
        1,
        2,
        3,
    ]
