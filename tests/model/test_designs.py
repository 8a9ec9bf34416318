"""The second derivative through a design, as one product, against the columns of the Hessian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit

from bayes_point.model.density import density as density_module
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter import designs
from bayes_point.model.interpreter.designs import weighted_product

N, P = 300, 4
rng = np.random.default_rng(3)
X = rng.normal(size=(N, P))
COUNTS = rng.poisson(1.0, size=N)
Y = rng.normal(size=N)
TERMS = ("likelihood", "prior")


def beta(n: int = P) -> object:
    return pm.Normal("beta", 0, 1, shape=n)


def logistic() -> None:
    pm.Bernoulli("y", logit_p=pm.math.dot(X, beta()), observed=COUNTS > 0)


def linear() -> None:
    a, sigma = pm.Flat("a"), pm.HalfNormal("sigma")
    pm.Normal("y", a + X @ beta(), sigma, observed=Y)


def poisson_with_offset() -> None:
    pm.Poisson("y", pm.math.exp(X @ beta() + np.log1p(np.arange(N))), observed=COUNTS)


def student() -> None:
    pm.StudentT("y", nu=pm.Gamma("nu", 2, 1), mu=X @ beta(), sigma=1, observed=Y)


def two_designs() -> None:
    other = pm.Normal("other", 0, 1, shape=2)
    pm.Normal("y", X @ beta(), pm.math.exp(X[:, :2] @ other), observed=Y)


def one_coefficient() -> None:
    slope = pm.Normal("slope", 0, 1, shape=1)
    pm.Normal("y", X[:, :1] @ slope, pm.HalfNormal("sigma"), observed=Y)


def mean_taken_off() -> None:
    eta = X @ beta()
    pm.Normal("y", eta - eta.mean(), 1, observed=Y)


def coefficient_used_twice() -> None:
    b = beta()
    pm.Normal("y", X @ b, pm.math.exp(b[0]), observed=Y)


def design_of_a_parameter() -> None:
    pm.Normal("y", (X * pm.HalfNormal("tau")) @ beta(), 1, observed=Y)


def softmax() -> None:
    weights = pm.Normal("weights", 0, 1, shape=(P, 2))
    pm.Categorical("y", logit_p=X @ weights, observed=COUNTS > 0)


def autoregression() -> None:
    eta = X @ beta()
    pm.Normal("y", eta[1:] - 0.5 * eta[:-1], 1, observed=Y[1:])


@pytest.mark.parametrize(
    ("build", "places"),
    [
        (logistic, (0, P)),
        (linear, (2, P + 2)),
        (poisson_with_offset, (0, P)),
        (student, (1, P + 1)),
        (two_designs, (2, P + 2)),
        (one_coefficient, None),
        (mean_taken_off, None),
        (coefficient_used_twice, None),
        (design_of_a_parameter, None),
        (softmax, None),
        (autoregression, None),
    ],
)
def test_one_product_is_the_hessian(
    build: Callable[[], None], places: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pm.Model() as model:
        build()
    density = LogDensity(model)
    design = density.functions.design("likelihood")
    assert (design and (design.start, design.stop)) == places
    x = 0.3 * rng.normal(size=(2, density.p))
    by_products = density.hessian(x, TERMS)
    monkeypatch.setattr(density_module, "_LARGE", 0)
    np.testing.assert_allclose(density.hessian(x, TERMS), by_products, rtol=1e-9, atol=1e-9)


def test_the_diagonal_of_a_logistic_regression() -> None:
    with pm.Model() as model:
        logistic()
    density = LogDensity(model)
    x = rng.normal(size=P)
    design = density.functions.design("likelihood")
    assert design is not None
    mu = expit(X @ x)
    # McCullagh and Nelder (1989), section 4.4.
    np.testing.assert_allclose(design.weights(x)[0], -mu * (1 - mu), rtol=1e-12)
    np.testing.assert_allclose(design(x), -(X.T * (mu * (1 - mu))) @ X, rtol=1e-12)


@pytest.mark.parametrize("signs", ["positive", "negative", "mixed"])
@pytest.mark.parametrize("columns", [P, 10 * P])
def test_a_weighted_product_in_blocks(
    signs: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"positive": np.abs(Y), "negative": -np.abs(Y), "mixed": Y}[signs]
    matrix = np.random.default_rng(4).normal(size=(N, columns))
    monkeypatch.setattr(designs, "_BLOCK", 28 * columns)
    got = weighted_product(matrix, weights)
    np.testing.assert_allclose(got, (matrix.T * weights) @ matrix, rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(got, got.T)


def test_a_weight_that_is_no_number_is_no_number() -> None:
    assert np.all(np.isnan(weighted_product(X, np.full(N, np.nan))))
