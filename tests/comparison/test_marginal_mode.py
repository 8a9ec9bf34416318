"""The mode of a marginal density from draws: near the truth by the error that it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayes_point.comparison.causes.log_polynomial import (
    basis,
    fit_log_polynomial,
    highest,
    slope_of_basis,
)
from bayes_point.comparison.causes.marginal_mode import FEWEST, MarginalModes, marginal_modes
from tests.trees import ar1

# Each with its mode: standard results, e.g. (a - 1)/(a + b - 2) of Beta(a, b), 1/(a + 1) of
# InverseGamma(a, 1), exp(-1) of a standard log-normal.
FAMILIES: dict[str, tuple[Any, float]] = {
    "normal": (stats.norm(), 0.0),
    "t3": (stats.t(3), 0.0),
    "laplace": (stats.laplace(), 0.0),
    "gamma": (stats.gamma(3), 2.0),
    "gamma20": (stats.gamma(20), 19.0),
    "inverse gamma": (stats.invgamma(5), 1 / 6),
    "log-normal": (stats.lognorm(1), np.exp(-1)),
    "beta": (stats.beta(9, 3), 0.8),
    "exponential": (stats.expon(), 0.0),
    "beta at 0": (stats.beta(1, 5), 0.0),
    "beta at 1": (stats.beta(6, 1), 1.0),
    "pole": (stats.gamma(0.5), 0.0),
    "half-normal": (stats.halfnorm(), 0.0),
}
AT_THE_EDGE = ("exponential", "beta at 0", "beta at 1", "pole")


def error(found: MarginalModes) -> np.ndarray:
    """Error of the modes of independent draws."""
    n = found.influence.shape[0] * found.influence.shape[1]
    return np.hypot(found.influence.std((0, 1)) / np.sqrt(n), found.excess)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mode_is_within_its_error(family: str) -> None:
    law, mode = FAMILIES[family]
    x = law.rvs((4, 500, 60), random_state=np.random.default_rng(3))
    found = marginal_modes((x - law.mean()) / law.std())
    off = (found.mode * law.std() + law.mean() - mode) / law.std()
    z = off / error(found)
    # Whether a density has its mode at the end of its support, or near it, is decided wrongly now
    # and then: one of 60 may be.
    assert (np.abs(z) > 4).sum() <= (2 if family == "half-normal" else 1)
    # Not so large that it says nothing, either.
    assert np.sqrt((z**2).mean()) < (1.8 if family == "half-normal" else 1.3)
    assert np.median(error(found)) < (0.5 if family == "half-normal" else 0.17)
    if family in AT_THE_EDGE:
        assert np.median(np.abs(off)) < 0.002


def test_autocorrelation_is_seen() -> None:
    z = ar1(np.random.default_rng(1), (4, 2000, 40), 0.9)
    found = marginal_modes(z)
    # A batch of 45 draws sees most of an autocorrelation time of 19.
    length = z.shape[1] // 40
    means = found.influence[:, : 40 * length].reshape(4, 40, length, -1).mean(2).reshape(160, -1)
    off = found.mode / np.hypot(means.std(0) / np.sqrt(160), found.excess)
    assert np.sqrt((off**2).mean()) < 1.5


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_it_moves_with_the_draws(scale: float) -> None:
    x = stats.gamma(3).rvs((2, 400, 3), random_state=np.random.default_rng(5))
    one, other = marginal_modes(x), marginal_modes(scale * (x - 2))
    np.testing.assert_allclose(other.mode, scale * (one.mode - 2), rtol=1e-5)
    np.testing.assert_allclose(other.excess, scale * one.excess, rtol=1e-3)
    mirrored = marginal_modes(-x)
    # The quantiles that straighten the scale are order statistics, not quite symmetric ones.
    np.testing.assert_allclose(mirrored.mode, -one.mode, rtol=2e-3)


def test_influence_is_the_derivative_of_the_mode() -> None:
    # One draw moved by a little moves the mode by the difference of its influences over n.
    x = stats.gamma(5).rvs((1, 2000, 1), random_state=np.random.default_rng(7))
    found = marginal_modes(x)
    near = np.abs(x - found.mode) < 0.3
    moved = np.where(near, x + 1e-6, x)
    again = marginal_modes(moved)
    predicted = (again.influence - found.influence).mean()
    # The polynomial's window stays; what the scale of the logarithm does is of second order.
    assert float(again.mode[0] - found.mode[0]) == pytest.approx(0, abs=1e-5)
    assert abs(float(predicted)) < 1e-5
    # And the influences have mean 0: they are errors.
    assert abs(float(found.influence.mean())) < 1e-9 * float(found.influence.std())


def test_discrete_draws_have_the_most_frequent_value() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.poisson(2.9, (2, 500)), rng.random((2, 500)) < 0.8], axis=-1).astype(float)
    found = marginal_modes(x)
    assert found.mode.tolist() == [2.0, 1.0]
    # P(2) / P(3) = 3 / 2.9: these two cannot be told apart in 1,000 draws; 1 and 0 can.
    assert found.excess.tolist() == [0.5, 0.0]


def test_few_draws_have_no_mode() -> None:
    few = marginal_modes(np.random.default_rng(0).normal(size=(3, FEWEST // 3, 2)))
    assert np.isnan(few.mode).all()
    assert marginal_modes(np.zeros((2, 50, 0))).mode.shape == (0,)


def test_a_log_polynomial_is_recovered_from_its_moments() -> None:
    coefficients = np.array([[0.4, -1.5, 0.3, -0.2], [3.0, 0.5, 0.0, 0.1]])
    t = np.linspace(-1, 1, 20001)
    density = np.exp(coefficients @ basis(t))
    mean = (density[:, None] * basis(t)).sum(2) / density.sum(1)[:, None]
    found, expected, _ = fit_log_polynomial(mean)
    np.testing.assert_allclose(found, coefficients, atol=2e-3)
    np.testing.assert_allclose(expected, mean, atol=1e-12)
    position, curvature, at_end = highest(coefficients)
    assert at_end.tolist() == [False, True]
    assert position[1] == 1
    assert float(coefficients[0] @ slope_of_basis(position[:1])[:, 0]) == pytest.approx(0, abs=1e-9)
    h = 1e-4
    slopes = coefficients[0] @ slope_of_basis(position[0] + np.array([-h, h]))
    assert curvature[0] == pytest.approx((slopes[0] - slopes[1]) / (2 * h), rel=1e-6)
