"""Searching an integral over latents, whose Hessian is many gradients."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.estimation.estimator import Estimator
from bayes_point.estimation.marginal.density import MarginalDensity, _crowded
from bayes_point.estimation.marginal.modes import Modes
from bayes_point.estimation.marginal.penalised import penalised
from bayes_point.estimation.optimise.maximise import _carried, maximise
from bayes_point.model.density.cache import log_density


def test_steps_in_all_directions_teach_a_quadratic_its_hessian() -> None:
    # Of a quadratic the symmetric rank-one update is exact after as many steps as dimensions.
    rng = np.random.default_rng(0)
    root = rng.standard_normal((4, 4))
    true = -root @ root.T - np.eye(4)
    learnt = -np.eye(4)[None]
    for step in rng.standard_normal((4, 1, 4)):
        learnt = _carried(learnt, step, step @ true, np.zeros(1))
    np.testing.assert_allclose(learnt[0], true, rtol=1e-9)


def groups() -> pm.Model:
    rng = np.random.default_rng(2)
    y = rng.poisson(np.exp(1 + 0.5 * rng.standard_normal((20, 1)) * np.ones((20, 3))))
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 10), pm.HalfNormal("tau", 5)
        effect = pm.Normal("effect", mu, tau, shape=20)
        pm.Poisson("y", pm.math.exp(effect[:, None]), observed=y)
    return model


def test_a_point_is_integrated_once_in_a_call_and_not_known_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, made = groups(), []
    density = MarginalDensity(log_density(model, backend=None), ["effect"], np.zeros(22))
    modes = density.modes

    def count(x: np.ndarray, inputs: None = None, starts: None = None) -> Modes:
        made.append(len(x))
        return modes(x, inputs, starts)

    monkeypatch.setattr(density, "modes", count)
    x = np.array([[1.0, -0.5], [0.9, -0.6]])
    first = density.evaluate(x, ("likelihood",))
    again = density.evaluate(x[::-1], ("likelihood",))
    assert made == [2]
    np.testing.assert_array_equal(first[1], again[1][::-1])
    # Of one that is new, only that.
    density.evaluate(np.vstack([x, [[0.8, -0.5]]]), ("likelihood",))
    assert made == [2, 1]
    density.forget()
    density.evaluate(x, ("likelihood",))
    assert made == [2, 1, 2]


def test_few_searches_for_modes_make_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two starts, the certificate and the record.  A Hessian is eight gradients, and was computed
    # at each step of each search.
    counted = []
    modes = MarginalDensity.modes

    def count(self: MarginalDensity, x: np.ndarray, *more: None) -> Modes:
        counted.append(len(x))
        return modes(self, x, *more)

    monkeypatch.setattr(MarginalDensity, "modes", count)
    # The second start is drawn; from one far out the search takes twice as many.
    options = {"quadrature": 1, "n_starts": 2, "random_seed": 1, "progressbar": False}
    found = bp.find_MLE(groups(), marginalize="latents", **options)  # type: ignore[arg-type]
    assert found.status.key == "converged"
    assert sum(counted) < 500


def test_maxima_along_a_track_are_those_of_what_is_held_there() -> None:
    # Two starts that differ by a hundredth of a standard error in what is held are two maxima.
    model = groups()
    density = MarginalDensity(log_density(model, backend=None), ["effect"], np.zeros(22))
    objective = Estimator("MLE", {"likelihood": 1.0}).objective(density)
    starts = np.array([[1.0, -0.7], [1.1, -0.7001]])
    free = np.tile([True, False], (2, 1))
    ends = maximise(objective, starts, free=free)
    np.testing.assert_array_equal(ends.x[:, 1], starts[:, 1])
    slopes = density.marginal(ends.x)[1]
    assert np.abs(slopes[:, 0]).max() < 1e-6


def test_a_penalised_fit_is_least_squares_with_the_latents_shrunken() -> None:
    # With all variances one, groups of four: the means of groups about mu, whatever the start.
    y = np.arange(12.0).reshape(3, 4) ** 1.5
    with pm.Model() as model:
        mu, tau = pm.Flat("mu"), pm.HalfFlat("tau")
        u = pm.Normal("u", 0, tau, shape=3)
        pm.Normal("y", mu + u[:, None], 1.0, observed=y)
    full = log_density(model, backend=None)
    density = MarginalDensity(full, ["u"], np.zeros(full.p))
    objective = Estimator("MLE", {"likelihood": 1.0}).objective(density)
    starts = np.array([[-300.0, 0.5], [40.0, -1.0]])
    found = penalised(objective, starts)
    assert np.allclose(found[:, 0], y.mean(), rtol=1e-9)
    assert np.array_equal(found[:, 1], starts[:, 1])  # a scale stays
    # Where the penalised fit is lower, as there is none better, a start stays.
    best = np.array([[y.mean(), 0.5]])
    assert np.array_equal(penalised(objective, best), best)


def test_modes_that_are_far_from_the_others_are_remembered() -> None:
    rows = np.array([[0.0, 0.0], [9.0, 1.0], [0.1, 0.0], [0.4, 0.3], [0.12, 0.0]])
    assert _crowded(rows) == 2  # 0.02 from the last, which is newer
