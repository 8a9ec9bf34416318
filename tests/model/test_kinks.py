"""The arguments of kinks, read from a model's graph, and the density with its kinks rounded off."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.kinks import kinks_of

X = np.array([0.5, -1.0, 2.0])


def of_all_kinds() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Laplace("a", 0.5, 1), pm.Flat("b", shape=2)
        pm.Laplace("y", pm.math.exp(a) + X * b[0], pm.HalfNormal("s", 1), observed=[1.0, 2.0, 0.3])
        pm.Potential("hinge", -pm.math.maximum(b[1] ** 2 - 1, a))
        pm.Potential("step", -pm.math.switch(b[0] > a, b[0] - a, 2 * (a - b[0])))
    return model


def test_arguments_are_found_with_their_terms() -> None:
    density = LogDensity(of_all_kinds())
    kinks = kinks_of(density, ("likelihood", "prior", "potential"))
    a, b0, b1, _ = x = np.array([0.2, -0.7, 1.3, 0.1])
    u = kinks.values(x[None])[0]
    assert sorted(kinks.term_of) == ["likelihood"] * 3 + ["potential"] * 2 + ["prior"]
    # Each but for its sign. The scale, which is an exponential, is not among them.
    expected = [*(np.array([1.0, 2.0, 0.3]) - np.exp(a) - X * b0), a - 0.5, b1**2 - 1 - a, b0 - a]
    np.testing.assert_allclose(np.sort(np.abs(u)), np.sort(np.abs(expected)), rtol=1e-12)


def test_derivatives_of_the_arguments() -> None:
    density = LogDensity(of_all_kinds())
    kinks = kinks_of(density, density.terms)
    x, h, w = np.array([0.2, -0.7, 1.3, 0.1]), 1e-5, np.arange(1.0, kinks.size + 1)
    steps = h * np.eye(4)
    jacobian = (kinks.values(x + steps) - kinks.values(x - steps)).T / (2 * h)
    every = np.arange(kinks.size)
    np.testing.assert_allclose(kinks.jacobian(x, every), jacobian, atol=1e-9)
    pulled = [w @ (kinks.jacobian(x + e, every) - kinks.jacobian(x - e, every)) for e in steps]
    np.testing.assert_allclose(kinks.hessian(x, w), np.array(pulled) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("width", [1e-2, 1e-4])
def test_rounding_off(width: float) -> None:
    # The root of u^2 + w^2 is above |u| by at most w, and by w^2 / (2 |u|) from far away.
    density = LogDensity(of_all_kinds())
    kinks = kinks_of(density, density.terms)
    x = np.array([[0.2, -0.7, 1.3, 0.1], [0.5, 0.5, 0.0, 0.3]])
    rounded = kinks.rounded(density, np.full(kinks.size, width))
    exact = density.evaluate(x, density.terms)[0].sum(axis=1)
    smooth = rounded.evaluate(x, density.terms)[0].sum(axis=1)
    assert 0 < abs(smooth[0] - exact[0]) < 20 * width**2
    # The second point is on the prior's kink and on the step.
    assert 0.5 * width < exact[1] - smooth[1] < 3 * width
    assert np.all(np.isfinite(rounded.hessian(x, density.terms)))


def test_a_smooth_density_has_none() -> None:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu", 0, 1), pm.Gamma("s", 2, 1), observed=[1.0, 2.0])
        pm.Uniform("z", 0, pm.Uniform("top", 1, 5), observed=0.3)
    density = LogDensity(model)
    assert kinks_of(density, density.terms).is_empty
