"""The zoo's truths are true: proved with PyMC's own log density, without bayes_point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tests.reference.pathologies import PATHOLOGIES
from tests.reference.proof import NaturalDensity
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import Estimator, Truth, ZooModel

# Other starting points are another test of the package, and no other truth.
ZOO = [z for z in WELLBEHAVED + PATHOLOGIES if not z.name.endswith(("_start1", "_start2"))]
CLAIMS = [
    pytest.param(zoo_model, estimator, id=f"{zoo_model.name}-{estimator}")
    for zoo_model in ZOO
    for estimator in zoo_model.estimators
]
# Rounding of a log density, which is a sum of some hundred terms.
ROUNDING = 1e-10
# Far out the log densities are differences of large numbers.
FAR_ROUNDING = 1e-6


@pytest.mark.parametrize(("zoo_model", "estimator"), CLAIMS)
def test_truth(zoo_model: ZooModel, estimator: Estimator) -> None:
    density = natural_density(zoo_model.name)
    density.estimator = estimator
    truth = zoo_model.truth(estimator)
    PROOFS[truth.statuses[0]](density, truth)


@lru_cache(maxsize=1)
def natural_density(name: str) -> NaturalDensity:
    """The density of a model of the zoo, kept while the same model is asked for."""
    return NaturalDensity(next(z for z in ZOO if z.name == name))


def prove_converged(density: NaturalDensity, truth: Truth) -> None:
    """Gradient zero to the truth's digits, curvature negative, nothing better around."""
    for point in (truth.point, *truth.others):
        height = check_height(density, truth, point)
        if not density.continuous:
            pass  # nothing to differentiate: the other values are tried below
        elif truth.kink:
            prove_kink(density, point, height)
        else:
            prove_stationary(density, truth, point)
        check_never_exceeded(density, point, height)
        check_deterministics(density, truth, point)


def prove_stationary(density: NaturalDensity, truth: Truth, point: Mapping[str, ArrayLike]) -> None:
    tangent = density.tangent(point)
    gradient, hessian = density.gradient(point), density.hessian(point)
    curvature = -np.diag(hessian)
    assert (curvature > 0).all(), f"curvature {curvature}"
    scale = 1 / np.sqrt(curvature)
    scaled = hessian * np.outer(scale, scale)
    assert np.linalg.eigvalsh(scaled).max() < 0, "the Hessian is not negative definite"
    # What Newton's step would still change must be within the digits that the truth claims.
    step = tangent @ (scale * np.linalg.solve(scaled, -scale * gradient))
    moved = density.unflatten(point, density.flatten(point) + step)
    free = {name: moved[name] for name in density.values}
    complaint = Truth(
        "converged",
        {name: point[name] for name in density.values},
        "",
        rtol=truth.rtol,
        atol=truth.atol,
    ).distance(free)
    assert complaint is None, complaint


def prove_kink(density: NaturalDensity, point: Mapping[str, ArrayLike], height: float) -> None:
    """The density falls in every direction, at every small step."""
    x, tangent = density.flatten(point), density.tangent(point)
    for direction in [*tangent.T, *random_directions(tangent, 20)]:
        unit = direction / np.linalg.norm(direction)
        for step in (1e-2, 1e-3, -1e-3, -1e-2):
            assert density(density.unflatten(point, x + step * unit)) < height
        for step in (1e-4, 1e-5, -1e-5, -1e-4):  # the fall may be under the rounding
            assert density(density.unflatten(point, x + step * unit)) <= height


def check_height(density: NaturalDensity, truth: Truth, point: Mapping[str, ArrayLike]) -> float:
    height = density(point)
    if truth.log_density is not None:
        # PyMC takes log gamma of a short integer, as in Beta("theta", 9, 9), in single precision.
        np.testing.assert_allclose(height, truth.log_density, rtol=1e-6, atol=1e-6)
    return height


def check_never_exceeded(
    density: NaturalDensity, point: Mapping[str, ArrayLike], height: float
) -> None:
    """No point of the support around, near or far, is higher."""
    for trial in points_around(density, point):
        value = density.inside(trial)
        assert not value > height + ROUNDING * (1 + abs(height)), (value, trial)


def check_deterministics(
    density: NaturalDensity, truth: Truth, point: Mapping[str, ArrayLike]
) -> None:
    values = {**density.deterministics(point), **{n: point[n] for n in density.values}}
    truth.check_point({name: values[name] for name in truth.point})


def random_directions(tangent: np.ndarray, number: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(4)
    for _ in range(number):
        yield tangent @ rng.standard_normal(tangent.shape[1])


def points_around(
    density: NaturalDensity, point: Mapping[str, ArrayLike]
) -> Iterator[dict[str, ArrayLike]]:
    rng = np.random.default_rng(5)
    for name in density.discrete:
        value = np.asarray(point[name])
        for _ in range(60):
            jump = rng.integers(-2, 3, value.shape)
            yield {**point, name: value + jump}
    if not density.continuous:
        return
    x, tangent = density.flatten(point), density.tangent(point)
    size = np.maximum(np.abs(x), 1e-3)
    for scale in (1e-4, 1e-2, 0.1, 1.0, 10.0):
        for direction in random_directions(tangent, 8):
            stretched = tangent @ (tangent.T @ (size * direction))
            yield density.unflatten(point, x + scale * stretched)
            yield density.unflatten(point, x + scale * direction)


def prove_at_infinity(density: NaturalDensity, truth: Truth) -> None:
    """Along the path the density rises to the supremum and not above it."""
    path, top = truth.path, truth.log_density
    assert path is not None
    assert top is not None
    heights = np.array([density(path(t)) for t in range(1, 9)])
    slack = ROUNDING * (1 + abs(top)) + FAR_ROUNDING
    assert (heights <= top + slack).all(), heights - top
    assert (np.diff(heights) > -slack).all(), np.diff(heights)
    # The truth's digits: published suprema have fewer than a double.
    assert heights[-1] > top - max(1e-6, truth.rtol * 1e-3) * (1 + abs(top)), heights - top
    for name, value in truth.point.items():
        if name in density.values:
            infinite = np.isinf(value)
            far = np.array([np.asarray(path(t)[name]) for t in (2, 4, 8)])
            growth = np.diff(np.abs(far[:, infinite]), axis=0)
            assert (growth > 0).all(), f"{name} does not grow along the path"
            assert (np.sign(far[-1][infinite]) == np.sign(np.asarray(value)[infinite])).all()
            check_infinite_names(truth, name, infinite, density)
    for t in (1, 3):
        check_never_exceeded(density, path(t), top + slack)
    if not any(np.isinf(value).any() for value in truth.point.values()):
        raise AssertionError("nothing of the point is at infinity")


def check_infinite_names(
    truth: Truth, name: str, infinite: np.ndarray, density: NaturalDensity
) -> None:
    """What is infinite is named, and only that."""
    named = {p for p in truth.parameters if p.split("[")[0] == name}
    assert len(named) == int(np.sum(infinite)), (name, named, infinite)


def prove_on_boundary(density: NaturalDensity, truth: Truth) -> None:
    """The density rises to the edge, where what is named has nowhere further to go."""
    top = truth.log_density
    assert top is not None
    for point in (truth.point, *truth.others):
        if truth.path is None:
            height = check_height(density, truth, point)
        else:
            heights = np.array([density(truth.path(t)) for t in range(1, 7)])
            assert (np.diff(heights) > 0).all(), np.diff(heights)
            np.testing.assert_allclose(heights[-1], top, rtol=1e-5, atol=1e-5)
            height = top
        check_never_exceeded(density, point, height + ROUNDING)
        check_edge(density, truth, point)
        if truth.path is None:
            check_deterministics(density, truth, point)


def check_edge(density: NaturalDensity, truth: Truth, point: Mapping[str, ArrayLike]) -> None:
    """A small step of each variable that is named, one way or the other, leaves the support."""
    for name in {p.split("[")[0] for p in truth.parameters}:
        value = np.asarray(point[name], dtype=float)
        assert np.isfinite(value).all(), f"{name} is not at a finite edge"
        outside = []
        for index in np.ndindex(value.shape):
            for step in (-1e-4, 1e-4):
                moved = value.copy()
                moved[index] += step
                outside.append(density.inside({**point, name: moved}) == -np.inf)
        assert any(outside), f"{name} is not at an edge"


def prove_unbounded(density: NaturalDensity, truth: Truth) -> None:
    """Along the path the density rises, and its steps do not get smaller."""
    path = truth.path
    assert path is not None
    heights = np.array([density.inside(path(t)) for t in range(1, 13)])
    assert np.isfinite(heights).all(), heights
    steps = np.diff(heights)[3:]
    assert (steps > 0.3).all(), steps
    assert steps[-1] > 0.8 * steps[0], steps
    assert truth.parameters


def prove_not_identified(density: NaturalDensity, truth: Truth) -> None:
    """Along the path the density is constant and what is named moves; nothing is higher."""
    path = truth.path
    assert path is not None
    points = [path(s) for s in np.linspace(0, 1, 5)]
    heights = np.array([density(point) for point in points])
    np.testing.assert_allclose(heights, heights[0], rtol=1e-9, atol=1e-9)
    check_height(density, truth, points[0])
    moving = set()
    for name in density.values:
        change = np.abs(np.asarray(points[-1][name]) - np.asarray(points[0][name]))
        moving |= set(density.labels(name, change.shape)[change > 1e-6].ravel())
    assert not truth.missing_names(moving), f"along the path only {moving} move"
    every_name = [choice for name in truth.parameters for choice in name.split("|")]
    unnamed = {m for m in moving if m not in every_name and m.split("[")[0] not in every_name}
    assert not unnamed, f"{unnamed} move and are not named"
    for point in points:
        check_deterministics(density, truth, point)
        check_never_exceeded(density, point, heights[0])


PROOFS = {
    "converged": prove_converged,
    "at_infinity": prove_at_infinity,
    "on_boundary": prove_on_boundary,
    "unbounded": prove_unbounded,
    "not_identified": prove_not_identified,
}
