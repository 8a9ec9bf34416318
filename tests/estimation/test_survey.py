"""A plateau is no maximum where the density is higher on the scale of the data."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.checks.plateau import beyond_plateau
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.numbers import numbers_in

WAVELENGTHS = np.linspace(400.0, 500.0, 41)
# A bell at 450, 5 wide and 20 high, and what a measurement adds to it.
READINGS = 20 * np.exp(-0.5 * ((WAVELENGTHS - 450) / 5) ** 2) + 0.1 * np.cos(7 * WAVELENGTHS)


def spectral_line() -> pm.Model:
    with pm.Model() as model:
        height, centre, width = (pm.Flat(name) for name in ("height", "centre", "width"))
        sigma = pm.HalfFlat("sigma")
        bell = height * pm.math.exp(-0.5 * ((WAVELENGTHS - centre) / width) ** 2)
        pm.Normal("reading", bell, sigma, observed=READINGS)
    return model


def test_a_bell_far_from_all_starts_is_found() -> None:
    # At centre = 0 the bell is zero at 400 to the last digit: nothing depends on any of the three.
    near = {"height": 15.0, "centre": 440.0, "width": 10.0, "sigma": 1.0}
    expected = bp.find_MLE(spectral_line(), initvals=near, random_seed=1, progressbar=False)
    assert expected.status is Status.CONVERGED
    found = bp.find_MLE(spectral_line(), random_seed=1, progressbar=False)
    assert found.status is Status.CONVERGED
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(found.point["centre"], expected.point["centre"], rtol=1e-9)
    # A width of either sign is the same bell.
    np.testing.assert_allclose(abs(found.point["width"]), expected.point["width"], rtol=1e-7)


def objective_of(model: pm.Model) -> Objective:
    return Objective(LogDensity(model), {"likelihood": 1.0})


def test_what_is_returned_is_higher_than_the_plateau() -> None:
    objective = objective_of(spectral_line())
    rng = np.random.default_rng(1)
    plateau = np.array([1.0, 0.0, 1.0, np.log(READINGS.std())])
    points = beyond_plateau(objective, plateau, rng)
    assert len(points)
    assert np.all(points[:, 3] == plateau[3])  # there the density has a slope
    heights = objective.values(points)
    assert np.all(heights > objective.values(plateau[None])[0])
    assert np.all(np.diff(heights) <= 0)


def test_a_point_on_a_slope_is_on_no_plateau() -> None:
    objective = objective_of(spectral_line())
    on_the_line = np.array([1.0, 440.0, 10.0, 0.0])
    assert len(beyond_plateau(objective, on_the_line, np.random.default_rng(1))) == 0


def test_a_straight_slope_is_no_plateau() -> None:
    # The absolute values of a Laplace likelihood have a slope and no curvature.
    with pm.Model() as model:
        pm.Laplace("y", pm.Flat("mu"), 1.0, observed=[1.0, 2.0, 4.0])
    assert len(beyond_plateau(objective_of(model), np.array([9.0]), np.random.default_rng(1))) == 0


def uniform_of_free_place() -> pm.Model:
    with pm.Model() as model:
        middle = pm.Flat("middle")
        pm.Uniform("y", middle - 5, middle + 5, observed=[1.0, 2.0, 4.0])
    return model


def test_nothing_is_higher_than_a_highest_plateau() -> None:
    objective = objective_of(uniform_of_free_place())
    assert len(beyond_plateau(objective, np.zeros(1), np.random.default_rng(1))) == 0


def test_a_plateau_that_nothing_is_higher_than_stays_one() -> None:
    # A uniform likelihood is the same for every middle from which it covers all of the data.
    with pytest.warns(EstimationWarning, match="around it the density does not change"):
        estimate = bp.find_MLE(uniform_of_free_place(), random_seed=1, progressbar=False)
    assert estimate.status is Status.NOT_IDENTIFIED
    assert -1.0 <= float(estimate.point["middle"]) <= 6.0


def test_what_does_not_matter_anywhere_is_said_to_be_so() -> None:
    with pm.Model() as model:
        mu, idle = pm.Flat("mu"), pm.Flat("idle")
        pm.Deterministic("both", mu + idle)
        pm.Normal("y", mu, 1.0, observed=[1.0, 2.0, 4.0])
    with pytest.warns(EstimationWarning, match="does not depend on idle at all"):
        bp.find_MLE(model, random_seed=1, progressbar=False)


def test_a_ridge_that_bends_goes_on() -> None:
    # Of a product the ridge is a hyperbola, which has no end; a straight step would leave it.
    with pm.Model() as model:
        a, b = pm.Flat("a", initval=1.0), pm.Flat("b", initval=1.0)
        pm.Normal("y", a * b, 1.0, observed=[1.0, 2.0, 4.0])
    with pytest.warns(EstimationWarning, match="The density does not change along a direction: a"):
        bp.find_MLE(model, random_seed=1, progressbar=False)


def test_numbers_of_a_bound_density_are_those_it_was_bound_to() -> None:
    with pm.Model() as model:
        x = pm.Data("x", np.zeros(3))
        pm.Normal("y", pm.Flat("b") * x, 1.0, observed=[1.0, 2.0, 4.0])
    density = LogDensity(model, inputs=("x",))
    assert (1.0, 5.0, 9.0) not in [tuple(numbers) for numbers in numbers_in(density)]
    bound = density.bind({"x": np.array([5.0, 1.0, 9.0])})
    assert (1.0, 5.0, 9.0) in [tuple(numbers) for numbers in numbers_in(bound)]


def test_numbers_are_those_of_data_and_covariates() -> None:
    found = [tuple(numbers) for numbers in numbers_in(LogDensity(spectral_line()))]
    assert tuple(np.unique(READINGS)) in found
    assert tuple(np.unique(WAVELENGTHS)) in found
    assert all(len(numbers) > 1 for numbers in found)
