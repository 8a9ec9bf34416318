"""The graphs that a refit runs: the same numbers as the density's own, with less to compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.scalar.math import Log1mexp, Sigmoid, Softplus
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import All
from scipy import special

from bayes_point.model.density.curvature import Curvature
from bayes_point.model.density.density import LogDensity

RNG = np.random.default_rng(8)
X = RNG.normal(size=(7, 3))


def logistic(y: Any) -> None:
    pm.Bernoulli("y", logit_p=X @ pm.Normal("b", 0, 1, shape=3), observed=y > 0)


def poisson(y: Any) -> None:
    eta = pm.Normal("a") + X @ pm.Normal("b", 0, 1, shape=3)
    pm.Poisson("y", pm.math.exp(eta), observed=np.abs(y).round().astype(int))


def censored_weibull(y: Any) -> None:
    life = pm.Weibull.dist(pm.HalfNormal("alpha", 2), pm.HalfNormal("beta", 2))
    pm.Censored("y", life, lower=0.3, upper=1.5, observed=np.clip(np.abs(y), 0.3, 1.5))


def two_groups(y: Any) -> None:
    mu = pm.Normal("mu", 0, 1, shape=2)
    sigma = pm.HalfNormal("sigma", 1, shape=2)
    group = np.array([0, 1, 0, 1, 1, 0, 1])
    pm.Normal("y", mu[group], sigma[group], observed=y)


def heavy_tails(y: Any) -> None:
    pm.StudentT(
        "y", pm.Gamma("nu", 2, 0.1), mu=X @ pm.Normal("b", 0, 1, shape=3), sigma=1, observed=y
    )


def shares(y: Any) -> None:
    theta = pm.Beta("theta", 1, 1)
    pm.Binomial("y", 5, theta, observed=np.clip(np.abs(y).round(), 0, 5).astype(int))


def mixture(y: Any) -> None:
    pm.NormalMixture("y", [0.4, 0.6], pm.Normal("mu", 0, 2, shape=2), 1.0, observed=y)


@pytest.mark.parametrize(
    "likelihood",
    [logistic, poisson, censored_weibull, two_groups, heavy_tails, shares, mixture],
)
def test_the_same_numbers(likelihood: Callable) -> None:
    terms, weights = ("likelihood", "prior"), np.array([1.0, 0.7])
    with pm.Model() as model:
        likelihood(RNG.normal(size=7))
    density = LogDensity(model, inputs=["y"])
    curvature = Curvature(density, terms)
    # Rows that differ in their data and in their parameters, also far out.
    own = density.inputs["y"].own
    rows = {"y": np.stack([np.roll(own, i) for i in range(5)])}
    x = RNG.normal(size=(5, density.p)) * np.array([0.1, 1, 1, 2, 4])[:, None]
    data = curvature.data(rows)
    value, gradient, hessian = curvature.all(np.ascontiguousarray(x.T), data, weights)
    v, g = density.evaluate(x, terms, rows)
    h = density.hessian(x, terms, rows)
    np.testing.assert_allclose(value, v @ weights, rtol=1e-10)
    np.testing.assert_allclose(curvature.value(x.T, data, weights), v @ weights, rtol=1e-10)
    exact = np.einsum("btp,t->pb", g, weights)
    np.testing.assert_allclose(gradient, exact, rtol=1e-8, atol=1e-8 * np.abs(exact).max())
    exact = np.einsum("btpq,t->pqb", h, weights)
    # What is computed by way of log(1 - exp(log(1 - exp(x)))) there loses digits.
    np.testing.assert_allclose(hessian, exact, rtol=1e-6, atol=1e-8 * np.abs(exact).max())


def count(function: Any, op: Any) -> int:
    nodes = function.maker.fgraph.apply_nodes
    return sum(
        isinstance(n.op, op) or (isinstance(n.op, Elemwise) and isinstance(n.op.scalar_op, op))
        for n in nodes
    )


def test_a_logistic_regression_needs_one_function_of_each_kind() -> None:
    with pm.Model() as model:
        logistic(RNG.normal(size=7))
    density = LogDensity(model, inputs=["y"])
    curvature = Curvature(density, ("likelihood",))
    curvature.all(np.zeros((3, 2)), curvature.data({"y": np.zeros((2, 7), int)}), np.ones(1))
    function = curvature._functions["all"]
    # -softplus(+-eta) has the derivative sigmoid(+-eta), and the second one s (1 - s).
    assert (count(function, Softplus), count(function, Sigmoid), count(function, All)) == (1, 1, 0)


def test_a_survival_function_loses_nothing() -> None:
    # log S(t) = -(t / beta)^alpha: its derivatives are those of a power, however small it is.
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        life = pm.Weibull.dist(alpha, beta)
        pm.Censored("y", life, lower=None, upper=1.0, observed=np.ones(1))
    density = LogDensity(model, inputs=["y"])
    curvature = Curvature(density, ("likelihood",))
    a, b = 20.0, 5.0
    x = np.log([[a], [b]])
    data = curvature.data({"y": np.ones((1, 1))})
    value, gradient, hessian = curvature.all(x, data, np.ones(1))
    power = (1 / b) ** a
    np.testing.assert_allclose(value, [-power], rtol=1e-12)
    # With u = log alpha, w = log beta: -exp(-alpha w), and d/du = alpha d/dalpha.
    log_b = np.log(b)
    np.testing.assert_allclose(gradient[:, 0], [a * log_b * power, a * power], rtol=1e-12)
    expected = [
        [a * log_b * power * (1 - a * log_b), a * power * (1 - a * log_b)],
        [a * power * (1 - a * log_b), -(a**2) * power],
    ]
    np.testing.assert_allclose(hessian[:, :, 0], expected, rtol=1e-11)
    assert count(curvature._functions["all"], Log1mexp) == 0


def test_what_a_choice_shields_stays_shielded() -> None:
    """Where(c, log a, log b) is the log of what is chosen, and of nothing else."""
    from bayes_point.model.interpreter.simpler import simpler

    c, a = pt.vector("c", dtype="bool"), pt.vector("a")
    graph = pytensor.graph.FunctionGraph([c, a], [pt.switch(c, pt.log(a), pt.log(-a))], clone=False)
    simpler.rewrite(graph)
    f = pytensor.function([c, a], graph.outputs[0], mode="FAST_COMPILE")
    np.testing.assert_allclose(f([True, False], [2.0, -3.0]), np.log([2.0, 3.0]))
    assert count(f, pytensor.scalar.Log) == 1


@pytest.mark.parametrize("outcomes", [X[:, 0] > 0, X[:, 0] < 0, X[:, 0] > -np.inf])
def test_the_data_choose_the_sign_of_a_logit(outcomes: np.ndarray) -> None:
    with pm.Model() as model:
        pm.Bernoulli("y", logit_p=X @ pm.Normal("b", 0, 1, shape=3), observed=outcomes)
    density = LogDensity(model)
    # Also where a probability is one to the last digit, and its complement is not zero.
    x = np.array([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0], [40.0, -20.0, 9.0], [-700.0, 1.0, 300.0]])
    values, gradients = density.evaluate(x, ("likelihood",))
    sign = np.where(outcomes, 1.0, -1.0)
    eta = sign * (x @ X.T)
    np.testing.assert_allclose(values[:, 0], special.log_expit(eta).sum(axis=1), rtol=1e-13)
    score = (sign * special.expit(-eta)) @ X
    np.testing.assert_allclose(gradients[:, 0], score, rtol=1e-12, atol=1e-300)
    own = X.T * (special.expit(eta[0]) * special.expit(-eta[0])) @ X
    np.testing.assert_allclose(density.hessian(x[:1], ("likelihood",))[0, 0], -own, rtol=1e-9)
    # One logarithm and one probability for each observation, and nothing is checked.
    function = density.functions.value_and_gradient(("likelihood", "prior"))
    ops = [node.op for node in function.maker.fgraph.apply_nodes]
    scalar = [type(op.scalar_op) for op in ops if isinstance(op, Elemwise)]
    assert scalar.count(Softplus) == scalar.count(Sigmoid) == 1
    assert not any(isinstance(op, All) for op in ops)
