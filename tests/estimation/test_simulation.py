"""Data sets that a model makes at given values of its free variables."""

from __future__ import annotations

import numpy as np
import pymc as pm

from bayes_point.estimation.resample.simulation import simulate


def test_each_data_set_is_of_its_own_point() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        sigma = pm.HalfNormal("sigma")
        y = pm.Normal("y", mu, sigma, observed=np.zeros(3))
        pm.Poisson("counts", pm.math.exp(y[:2]), observed=[1, 2])
    points = {"mu": np.linspace(-5, 5, 40), "sigma": np.full(40, 1e-9)}
    data = simulate(model, points, np.random.default_rng(1))
    assert data["y"].shape == (40, 3)
    np.testing.assert_allclose(data["y"], np.repeat(points["mu"][:, None], 3, axis=1), atol=1e-7)
    assert data["counts"].dtype.kind == "i"
    # What depends on another observed variable depends on the one drawn, e^-5 to e^5.
    assert data["counts"][:5].max() <= 1
    assert data["counts"][-5:].min() > 20


def test_what_depends_on_no_parameter_is_drawn_anew_as_well() -> None:
    with pm.Model() as model:
        step = pm.HalfNormal("step")
        start = pm.Normal.dist(0, 1)
        pm.GaussianRandomWalk("walk", 0, step, init_dist=start, observed=np.zeros(4))
    data = simulate(model, {"step": np.full(300, 1e-6)}, np.random.default_rng(1))
    first = data["walk"][:, 0]
    assert len(np.unique(first)) == 300
    assert abs(first.std() - 1) < 4 / np.sqrt(600)
    np.testing.assert_allclose(data["walk"], np.repeat(first[:, None], 4, axis=1), atol=1e-4)


def test_the_models_own_data_and_discrete_variables() -> None:
    with pm.Model() as model:
        x = pm.Data("x", np.array([0.0, 1.0, 2.0]))
        k = pm.Poisson("k", 3)
        pm.Normal("y", k * x, 1e-9, observed=np.zeros(3))
    data = simulate(model, {"k": np.array([2, 5])}, np.random.default_rng(1))
    np.testing.assert_allclose(data["y"], [[0, 2, 4], [0, 5, 10]], atol=1e-7)
