"""Where a density ends, read from a model's graph: the arguments are positive inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.kinks import kinks_of

AT = np.array([0.3, -0.4])
Pair = tuple[pt.TensorVariable, pt.TensorVariable]


def walls_of(model: pm.Model, x: np.ndarray, term: str) -> np.ndarray:
    """The arguments at a point, sorted."""
    kinks = kinks_of(LogDensity(model), (term,), with_walls=True)
    return np.sort(kinks.values(x[None])[0, kinks.is_wall]) if not kinks.is_empty else np.empty(0)


def test_a_uniform_ends_at_each_observation() -> None:
    with pm.Model() as model:
        a, w = pm.Normal("a"), pm.HalfNormal("w")
        pm.Uniform("y", a - w, a + w, observed=[1.0, 2.0])
    half = np.exp(-0.4)
    # Above the lower bound, below the upper one, and the lower bound is the lower one.
    expected = [1 - (0.3 - half), 2 - (0.3 - half), 0.3 + half - 1, 0.3 + half - 2, 2 * half]
    values = np.unique(walls_of(model, AT, "likelihood").round(12))
    np.testing.assert_allclose(values, np.sort(expected), rtol=1e-10)


def test_a_truncated_normal_ends_at_its_bound() -> None:
    with pm.Model() as model:
        pm.TruncatedNormal("y", 0.0, 1.0, upper=pm.Normal("upper"), observed=[0.5, 1.0])
    np.testing.assert_allclose(walls_of(model, np.array([1.5]), "likelihood"), [0.5, 1.0])


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (lambda a, b: pt.and_(a > b, b < 1), [0.7, 1.4]),
        (lambda a, b: pt.invert(pt.or_(a < b, b >= 1)), [0.7, 1.4]),
        (lambda a, b: pt.all(pt.stack([a, b, 2.0]) >= -1), [0.6, 1.3, 3.0]),
        # Where one of two is enough, neither has to be.
        (lambda a, b: pt.or_(a > b, b < 1), []),
        # Not an edge that the parameters can come to.
        (lambda a, b: pt.and_(pt.exp(a) * pt.sigmoid(b) > 0, pt.sigmoid(b) <= 1), []),
    ],
)
def test_conditions(allowed: Callable[..., pt.TensorVariable], expected: list[float]) -> None:
    def either_way(a: pt.TensorVariable, b: pt.TensorVariable) -> Pair:
        inside = allowed(a, b)
        return pt.switch(inside, a, -np.inf), pt.switch(pt.invert(inside), -np.inf, a)

    for k in range(2):
        with pm.Model() as model:
            pm.Potential("p", either_way(pm.Normal("a"), pm.Normal("b"))[k])
        np.testing.assert_allclose(walls_of(model, AT, "potential"), expected, rtol=1e-10)


def test_walls_come_after_the_kinks() -> None:
    with pm.Model() as model:
        a, b = pm.Normal("a"), pm.Normal("b")
        pm.Potential("p", pt.switch(a > b, -pt.abs(a - 1), -np.inf))
    density = LogDensity(model)
    kinks = kinks_of(density, ("potential",))
    both = kinks_of(density, ("potential",), with_walls=True)
    np.testing.assert_allclose(np.abs(kinks.values(AT[None])), [[0.7]])
    np.testing.assert_array_equal(both.is_wall, [False, True])
    np.testing.assert_allclose(both.values(AT[None])[0, 1], 0.7)
