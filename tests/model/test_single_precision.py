"""A model that was made in single precision is evaluated in double."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import bayes_point as bp
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.double import replaced

# Numbers that single precision holds exactly, so that both models are the same.
X = np.array([-1.5, -0.5, 0.25, 1.0, 2.0])
Y = np.array([-2.0, 0.5, 1.25, 3.0, 5.5])


@pytest.fixture
def single() -> Iterator[None]:
    with pytensor.config.change_flags(floatX="float32"):
        yield


def line() -> pm.Model:
    with pm.Model() as model:
        x = pm.Data("x", X.astype(pytensor.config.floatX))
        a, b = pm.Normal("a", 0, 10), pm.StudentT("b", nu=3, sigma=2.5)
        s = pm.HalfNormal("s", 5)
        mixed = pt.stack([a, b]).sum() + pt.as_tensor(np.array(0.25, pytensor.config.floatX))
        pm.Deterministic("mixed", mixed)
        pm.Normal("y", a + b * x, s, observed=Y)
    return model


def test_density_and_derivatives_are_those_of_double_precision(single: None) -> None:
    with pytensor.config.change_flags(floatX="float64"):
        wide = LogDensity(line())
    narrow = bp.find_MLE(line(), progressbar=False).objective.density
    assert line()["a"].type.dtype == "float32"
    x = np.array([[0.1, 0.2, 0.3], [1.0, -2.0, 0.5]])
    terms = ("likelihood", "prior")
    for got, expected in zip(narrow.evaluate(x, terms), wide.evaluate(x, terms), strict=True):
        assert got.dtype == np.float64
        # In the model of doubles PyMC has some constants in single precision, of 24 bits.
        np.testing.assert_allclose(got, expected, rtol=2**-23)
    hessians = narrow.hessian(x, terms), wide.hessian(x, terms)
    np.testing.assert_allclose(*hessians, rtol=2**-23, atol=1e-12)
    np.testing.assert_allclose(narrow.natural(x)["mixed"], x[:, 0] + x[:, 1] + 0.25, rtol=1e-15)


def test_estimates_and_errors_are_those_of_least_squares(single: None) -> None:
    mle = bp.find_MLE(line(), progressbar=False)
    assert mle.status.key == "converged"
    assert not mle.findings
    design = np.column_stack([np.ones(5), X])
    (a, b), rss, *_ = np.linalg.lstsq(design, Y)
    assert [float(mle[n]) for n in ("a", "b", "s")] == pytest.approx(
        [a, b, np.sqrt(rss[0] / 5)], rel=1e-9
    )
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * rss[0] / 5)
    assert [float(mle.stderr()[n]) for n in ("a", "b")] == pytest.approx(errors, rel=1e-8)
    assert bp.find_MAP(line(), progressbar=False).status.key == "converged"


def test_data_sets_are_not_rounded(single: None) -> None:
    # 0.1 is none of the numbers of single precision.
    fits = bp.refit(line(), {"y": np.stack([Y + 0.1, Y - 0.3])}, progressbar=False)
    a, b = np.linalg.lstsq(np.column_stack([np.ones(5), X]), Y)[0]
    np.testing.assert_allclose(fits["a"], [a + 0.1, a - 0.3], rtol=1e-9)
    np.testing.assert_allclose(fits["b"], [b, b], rtol=1e-9)


def test_what_cannot_be_widened_is_computed_as_it_was(single: None) -> None:
    x = pt.vector("x", dtype="float32")
    total = pytensor.scan(
        lambda one, sum_: sum_ + one,
        sequences=[x],
        outputs_info=[np.float32(0)],
        return_updates=False,
    )
    wide = pt.vector("wide", dtype="float64")
    [out] = replaced([2 * total[-1]], {x: wide})
    assert out.type.dtype == "float64"
    assert float(out.eval({wide: np.array([0.5, 0.25])}, mode="FAST_COMPILE")) == 1.5


def test_a_graph_in_double_precision_is_left_alone() -> None:
    x = pt.vector("x")
    y = (x**2).sum()
    [out] = replaced([y], {})
    assert out is y
