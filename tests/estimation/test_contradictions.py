"""MLE and MAP of one model do not contradict each other."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from bayes_point.estimation.certificate.case import Case, World
from bayes_point.estimation.certificate.checks.flat_optimum import flat_optimum, is_vague
from bayes_point.estimation.certificate.verdicts import Further, Passed
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.face.reconcile import is_beaten_by
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.progress import Deadline
from bayes_point.fitting import _reconciled
from bayes_point.model.density.density import LogDensity

Array = NDArray[np.float64]

ONE: dict[str, Any] = {"progressbar": False, "random_seed": 0, "n_starts": 1}
T = np.linspace(0, 6, 40)
Y = np.sin(2.3 * T) + 0.3 * np.cos(17 * T)


@cache
def wave() -> pm.Model:
    """A frequency: its likelihood has a maximum next to each that fits some of the waves."""
    with pm.Model() as model:
        w = pm.Normal("w", 0, 50)
        pm.Normal("y", pm.math.sin(w * T), 0.3, observed=Y)
    return model


def log_likelihood(w: Array) -> Array:
    residual = Y - np.sin(np.multiply.outer(w, T))
    return -0.5 * np.sum((residual / 0.3) ** 2, axis=-1) - len(T) * np.log(0.3 * np.sqrt(2 * np.pi))


@cache
def best() -> tuple[float, float]:
    grid = np.linspace(0, 20, 20_001)  # beyond 20.4 they are aliases
    near = float(grid[np.argmax(log_likelihood(grid))])
    top = minimize_scalar(
        lambda w: -log_likelihood(np.array(w)), (near - 1e-3, near + 1e-3), tol=1e-12
    )
    return float(top.x), -float(top.fun)


@cache
def found(name: str, w: float) -> PointEstimate:
    return {"MLE": find_MLE, "MAP": find_MAP}[name](wave(), initvals={"w": w}, **ONE)


@pytest.mark.parametrize("wrong", ["MLE", "MAP"])
def test_the_one_that_the_other_proves_wrong_is_found_from_it(wrong: str) -> None:
    at = {"MLE": 2.3, "MAP": 2.3, wrong: 9.0}
    mle, map_ = found("MLE", at["MLE"]), found("MAP", at["MAP"])
    low = mle if wrong == "MLE" else map_
    w, top = best()
    assert low.log_likelihood < top - 10
    mle, map_ = _reconciled({"mle": mle, "map": map_}, None, ONE, Deadline(None))
    assert mle.log_likelihood == pytest.approx(top, abs=1e-6)
    assert abs(float(map_.point["w"])) == pytest.approx(w, abs=1e-3)
    told = {"MLE": mle, "MAP": map_}
    other = "MAP" if wrong == "MLE" else "MLE"
    assert f"found from the {other}" in str(told[wrong].findings[-1])
    assert not any("found from" in str(finding) for finding in told[other].findings)


def test_two_that_agree_stay_as_they_are() -> None:
    pair = found("MLE", 2.3), found("MAP", 2.3)
    both = {"mle": pair[0], "map": pair[1]}
    assert _reconciled(both, None, ONE, Deadline(None)) == pair
    # Each is the best in what it maximises, and lower in what the other does.
    assert not is_beaten_by(*pair)
    assert not is_beaten_by(*pair[::-1])


def test_what_is_unbounded_is_not_beaten() -> None:
    with pm.Model() as perfect:
        s = pm.HalfNormal("s", 1)
        pm.Normal("y", pm.Normal("mu", 0, 1), s, observed=[1.0, 1.0])
    with pytest.warns(UserWarning, match="unbounded|Unbounded"):
        mle = find_MLE(perfect, **ONE)
    with pytest.warns(UserWarning, match="unbounded|Unbounded"):
        assert not is_beaten_by(mle, find_MAP(perfect, **ONE))


# --------------------------------------------------------------------------- the flat optimum


def map_case(starts: Array, sd: float) -> Case:
    """The mode that the starts lead to, of a wave whose frequency has a prior of that sd."""
    with pm.Model() as model:
        w = pm.Normal("w", 0, sd)
        pm.Normal("y", pm.math.sin(w * T), 0.3, observed=Y)
    objective = Objective(LogDensity(model), {"likelihood": 1.0, "prior": 1.0})
    ends = maximise(objective, starts)
    world = World(starts, Y, np.random.default_rng(0), partial(maximise, objective), ends)
    x = ends.x[np.argmax(ends.value)]
    return Case(objective, x, start=starts[0], centre=starts[0], settled=True, world=world)


def test_flat_optimum() -> None:
    # Both starts lead to lesser modes; the likelihood alone is climbed from them to no better one.
    starts = np.array([[9.0], [12.0]])
    assert isinstance(flat_optimum(map_case(starts, 50.0)), Passed)
    # Of a strong prior nothing is asked, ...
    assert flat_optimum(map_case(starts, 0.05)) is None
    # ... nor of a likelihood.
    case = map_case(starts, 50.0)
    case.objective = case.objective.of_data
    assert flat_optimum(case) is None


def test_the_flat_optimum_leads_higher_where_the_prior_holds_a_search_back() -> None:
    """Beyond a slope that levels off is a bump, at 12; even a vague prior is steeper in between."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 30)
        pm.Potential("f", 30 * pt.exp(-((mu - 12) ** 2) / 2) - 20 * pt.softplus(-2 * mu))
    objective = Objective(LogDensity(model), {"potential": 1.0, "prior": 1.0})
    starts = np.array([[-0.4], [-0.2], [0.5], [0.7]])
    ends = maximise(objective, starts)
    assert ends.x.max() < 6
    world = World(starts, Y, np.random.default_rng(0), partial(maximise, objective), ends)
    case = Case(objective, ends.x[0], start=starts[0], centre=starts[0], settled=True, world=world)
    verdict = flat_optimum(case)
    assert isinstance(verdict, Further)
    # 30 * (mu - 12) = -mu / 900
    assert verdict.ends.x[np.nanargmax(verdict.ends.value), 0] == pytest.approx(
        12 / (1 + 1 / 27000), abs=1e-6
    )


def test_is_vague() -> None:
    likelihood = np.array([-100.0, -10.0, -1000.0, -5.0, -np.inf])
    assert is_vague(likelihood, np.array([-1.0, -2.0, -1.5, -1.0, -1.0]))
    assert not is_vague(likelihood, np.array([-1.0, -200.0, -150.0, -1.0, -1.0]))
    assert not is_vague(likelihood[-1:], np.zeros(1))
