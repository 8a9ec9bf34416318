"""What people expect who come from other tools: fix, restart, correlation, tests, predict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import ModelError

X = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
Y = np.array([1.0, 0.5, 2.5, 2.0, 4.0])


def line(**initial: Any) -> pm.Model:
    with pm.Model() as model:
        x = pm.Data("x", X)
        a, b = pm.Normal("a", 0, 100), pm.Normal("b", 0, 100)
        sigma = pm.HalfNormal("sigma", 100, **initial)
        mu = pm.Deterministic("mu", a + b * x)
        pm.Normal("y", mu, sigma, observed=Y)
    return model


def found(model: Any, **options: Any) -> bp.PointEstimate:
    return bp.find_MLE(model, progressbar=False, n_starts=2, random_seed=1, **options)


def test_a_fixed_parameter_is_data() -> None:
    # With sigma = 2 the least squares line has the covariance 4 (X'X)**-1.
    design = np.column_stack([np.ones(5), X])
    for model in (line(), line(initval=3.0)):  # pm.do alone refuses initial values
        mle = found(model, fix={"sigma": 2})
        assert list(mle.point.data_vars) == ["a", "b", "mu"]
        beta = np.linalg.lstsq(design, Y, rcond=None)[0]
        np.testing.assert_allclose([mle["a"], mle["b"]], beta, rtol=1e-8)
        covariance = mle.covariance(var_names=["a", "b"])
        np.testing.assert_allclose(covariance, 4 * np.linalg.inv(design.T @ design), rtol=1e-6)
    # Through the origin the slope is x'y / x'x.
    assert float(found(line(), fix={"a": 0.0})["b"]) == pytest.approx(X @ Y / (X @ X), rel=1e-8)


@pytest.mark.parametrize(
    ("fix", "said"),
    [
        ({"tau": 1}, r"fix names 'tau'.*\['a', 'b', 'sigma'\]"),
        ({"sigma": -1}, "outside of its support, positive"),
        ({"sigma": [1, 2]}, "give a number"),
        ({"sigma": "one"}, "give a number"),
        ({"a": 1, "b": 1, "sigma": 1}, "leaves nothing to estimate"),
        ({}, "must be a mapping"),
        (3, "must be a mapping"),
    ],
)
def test_what_cannot_be_fixed(fix: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        found(line(), fix=fix)


def test_a_search_begins_at_an_estimate() -> None:
    first = found(line())
    again = bp.find_MLE(line(), n_starts=1, initvals=first, progressbar=False)
    np.testing.assert_allclose(again.unconstrained, first.unconstrained, atol=1e-8)
    both = bp.find_MLE(line(), n_starts=2, initvals=[first, {"sigma": 1.0}], progressbar=False)
    np.testing.assert_allclose(both.unconstrained, first.unconstrained, atol=1e-6)
    with pytest.raises(ModelError, match="an estimate of find_MLE"):
        found(line(), initvals=3)


def test_wald_tests_and_correlation() -> None:
    mle = found(line())
    table = mle.to_dataframe(tests=True)
    np.testing.assert_allclose(table["z"], (table["estimate"] / table["se"]).where(table.z.notna()))
    assert table.loc["b", "p"] == pytest.approx(2 * 0.5 * _erfc(table.loc["b", "z"] / 2**0.5))
    assert np.isnan(table.loc["sigma", "p"])  # it cannot be on both sides of 0
    # Of intercept and slope: -mean(x) / sqrt(mean(x**2)) = -2 / sqrt(6).
    correlation = mle.correlation(var_names=["a", "b"])
    np.testing.assert_allclose(correlation, [[1, -2 / 6**0.5], [-2 / 6**0.5, 1]], rtol=1e-6)
    with pytest.raises(ModelError, match="tests an MLE, and this is a MAP"):
        bp.find_MAP(line(), progressbar=False, n_starts=1).to_dataframe(tests=True)


def _erfc(x: float) -> float:
    from math import erfc

    return erfc(x)


def test_predictions_at_new_data() -> None:
    mle = found(line())
    model = mle.model
    new = mle.predict({"x": [10.0, 2.0]})["mu"]
    a, b = float(mle["a"]), float(mle["b"])
    np.testing.assert_allclose(new.sel(quantity="estimate"), [a + 10 * b, a + 2 * b], rtol=1e-8)
    # The variance of the line at x is s**2 (1 / n + (x - mean)**2 / Sxx).
    s2 = np.mean((Y - a - b * X) ** 2)
    expected = np.sqrt(s2 * (1 / 5 + np.array([8.0, 0.0]) ** 2 / 10))
    np.testing.assert_allclose(new.sel(quantity="se"), expected, rtol=1e-6)
    np.testing.assert_array_equal(model["x"].get_value(), X)  # the model keeps its data
    with pytest.raises(ModelError, match=r"z, which is no pm.Data of the model"):
        mle.predict({"z": [1.0]})
    with pytest.raises(ModelError, match=r"data must be a dict of new values .*, got 3\."):
        mle.predict(3)
    with pytest.raises(ModelError, match=r"which are \['mu'\]"):
        mle.predict(var_names="a")


def test_a_model_that_is_built_from_a_formula() -> None:
    """What Bambi's models have: a formula, `build`, and then a backend with a PyMC model.

    Bambi itself is no dependency; `docs/pages/from_bambi.md` has its numbers.
    """
    with pm.Model(coords={"__obs__": range(5)}) as built:
        intercept = pm.Normal("Intercept", 0, 100)
        mu = pm.Deterministic("mu", intercept + np.zeros(5), dims="__obs__")
        pm.Normal("y", mu, pm.HalfNormal("sigma", 100), observed=Y, dims="__obs__")

    class Formula:
        formula, backend, built = "y ~ 1", None, False

        def build(self) -> None:
            self.backend, self.built = SimpleNamespace(model=built), True

    model = Formula()
    mle = found(model)
    assert list(mle.point.data_vars) == ["Intercept", "sigma"]  # without a row for each datum
    assert float(mle["Intercept"]) == pytest.approx(Y.mean())
    assert "mu" in built.named_vars
    assert found(model).model is mle.model
