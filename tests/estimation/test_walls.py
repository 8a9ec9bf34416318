"""Points next to walls: put inside, back on to them, and between them."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.stats import chi2

from bayes_point.estimation.certificate.checks.pole_walls import closes_in
from bayes_point.estimation.face.find import find_MLE
from bayes_point.estimation.nonsmooth.smoothing import corners_in
from bayes_point.estimation.nonsmooth.walls import along_walls, centred, inside, inwards
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity

TINY = 1e-12


def disk(radius: float) -> Objective:
    with pm.Model() as model:
        u, v = pm.Normal("u"), pm.Normal("v")
        pm.Potential("disk", pt.switch(u**2 + v**2 <= radius**2, 0.0, -np.inf))
    return Objective(LogDensity(model), {"potential": 1.0})


def between(observed: list[float]) -> Objective:
    with pm.Model() as model:
        m, w = pm.Normal("m"), pm.HalfNormal("w")
        pm.Uniform("y", m - w, m + w, observed=observed)
    return Objective(LogDensity(model), {"likelihood": 1.0})


def test_a_point_outside_by_rounding_is_put_inside() -> None:
    objective = disk(1.0)
    corners = corners_in(objective)
    angle = np.linspace(0, 6, 1000)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    outside = points[~np.isfinite(objective.evaluate(points)[0])]
    assert len(outside) > 10
    for x in outside:
        moved = inside(objective, corners, x)
        assert np.isfinite(objective.evaluate(moved[None])[0][0])
        np.testing.assert_allclose(moved, x, atol=TINY)
    # What is outside by more is not next to a point inside.
    far = np.array([1.0, 0.1])
    np.testing.assert_array_equal(inside(objective, corners, far), far)


def test_a_tangent_leads_back_to_a_curved_wall() -> None:
    objective = disk(1.0)
    x = np.array([1.0, 0.0])
    ahead = x + np.array([[0.0, 0.1], [0.0, -0.3]])
    normals = corners_in(objective).jacobian(x, np.array([0]))
    back = along_walls(corners_in(objective), ahead, np.array([0]), normals, np.ones(2))
    np.testing.assert_allclose(np.hypot(*back.T), 1, atol=1e-9)
    assert np.all(np.isfinite(objective.evaluate(back)[0]))


def test_a_direction_inwards_of_more_walls_than_dimensions() -> None:
    # Of a wedge cut off by a third line, all three meet; and of opposite walls there is none.
    normals = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    away = inwards(normals, np.ones(3), np.ones(2))
    assert away is not None
    assert np.all(normals @ away >= 1 - 1e-9)
    assert inwards(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones(2), np.ones(2)) is None


def test_the_centre_is_as_far_from_either_wall() -> None:
    # From m - w <= 1 and 3 <= m + w: with w = 2, m is between 1 and 3.
    objective = between([1.0, 3.0])
    x = centred(corners_in(objective), np.array([1.1, np.log(2.0)]), np.array([True, False]))
    np.testing.assert_allclose(x, [2.0, np.log(2.0)], rtol=1e-9)


@pytest.mark.parametrize(("observed", "is_pole"), [([1.5], True), ([1.5, 1.5], True), ([1, 2], 0)])
def test_walls_close_in_on_ties_only(observed: list[float], is_pole: bool) -> None:
    track = closes_in(between(observed), np.array([1.2, 1.0]))
    assert (track is not None) == is_pole
    if track is not None:
        # n log(1 / 2w): n an e-fold of w.
        rates = np.diff(track.value) / np.abs(np.diff(track.distance))
        np.testing.assert_allclose(rates, len(observed), rtol=1e-9)
        np.testing.assert_allclose(track.x[-1, 0], 1.5, rtol=1e-8)


def test_a_wall_is_named_and_a_kink_beside_it_is_not() -> None:
    with pm.Model() as model:
        a, top = pm.Normal("a"), pm.Normal("top", 4, 1)
        pm.Laplace("y", a, 1.0, observed=[0.5, 1.0, 3.0])
        pm.TruncatedNormal("z", 0.0, 1.0, upper=top, observed=[0.5, 2.0])
    estimate = find_MLE(model, progressbar=False, random_seed=1)
    assert estimate.status.key == "on_boundary"
    assert (float(estimate.point["a"]), float(estimate.point["top"])) == (1.0, 2.0)
    [finding] = estimate.findings
    assert finding.parameters == ("top",)
    assert "The density ends at this value of top" in finding.what


def test_an_interval_does_not_end_where_others_could_follow() -> None:
    # With half the range w as it is the middle cannot move at all; with w larger it can.
    with pm.Model() as model:
        m, w = pm.Normal("m"), pm.HalfNormal("w", 5, initval=9)
        pm.Uniform("y", m - w, m + w, observed=[0.0, 3.0, 4.0])
    interval = find_MLE(model, progressbar=False, random_seed=1).conf_int(ci_prob=0.89)
    assert np.isnan(interval["m"]).all()
    # The deviance of w is 2 n log(w / 2).
    expected = 2 * np.exp(chi2(1).ppf(0.89) / 6)
    np.testing.assert_allclose(interval["w"][1], expected, rtol=1e-6)
