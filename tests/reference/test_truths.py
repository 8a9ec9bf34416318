"""The zoo's truths are true: proved with PyMC's own log density, without bayes_point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tests.reference.proof import NaturalDensity
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import Estimator, Truth, ZooModel

ZOO = WELLBEHAVED
CLAIMS = [
    pytest.param(zoo_model, estimator, id=f"{zoo_model.name}-{estimator}")
    for zoo_model in ZOO
    for estimator in zoo_model.estimators
]
# Rounding of a log density, which is a sum of some hundred terms.
ROUNDING = 1e-10


@pytest.mark.parametrize(("zoo_model", "estimator"), CLAIMS)
def test_truth(zoo_model: ZooModel, estimator: Estimator) -> None:
    density = NaturalDensity(zoo_model, estimator)
    truth = zoo_model.truth(estimator)
    PROOFS[truth.statuses[0]](density, truth)


def prove_converged(density: NaturalDensity, truth: Truth) -> None:
    """Gradient zero to the truth's digits, curvature negative, nothing better around."""
    for point in (truth.point, *truth.others):
        height = check_height(density, truth, point)
        if truth.kink:
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
        for step in (1e-2, 1e-4, -1e-4, -1e-2):
            assert density(density.unflatten(point, x + step * direction)) < height


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
    values = {**density.deterministics(point), **point}
    truth.check_point({name: values[name] for name in truth.point})


def random_directions(tangent: np.ndarray, number: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(4)
    for _ in range(number):
        yield tangent @ rng.standard_normal(tangent.shape[1])


def points_around(
    density: NaturalDensity, point: Mapping[str, ArrayLike]
) -> Iterator[dict[str, ArrayLike]]:
    x, tangent = density.flatten(point), density.tangent(point)
    size = np.maximum(np.abs(x), 1e-3)
    for scale in (1e-4, 1e-2, 0.1, 1.0, 10.0):
        for direction in random_directions(tangent, 8):
            stretched = tangent @ (tangent.T @ (size * direction))
            yield density.unflatten(point, x + scale * stretched)
            yield density.unflatten(point, x + scale * direction)


PROOFS = {"converged": prove_converged}
