"""The audit: what is reported is looked at again, by a density that is not ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.estimation.certificate.checks.audit import audited, contradictions
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed
from bayes_point.estimation.face.point_estimate import PointEstimate

QUIET = {"progressbar": False, "random_seed": 1}


def coin(tosses: list[int]) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=tosses)
    return model


@pytest.fixture(scope="module")
def estimate() -> PointEstimate:
    return bp.find_MLE(coin([1, 1, 0, 1]), **QUIET)


def complaints(estimate: PointEstimate, certificate: Certificate, **kwargs: float) -> list[str]:
    given = {"in_hand": -np.inf, **kwargs}
    return contradictions(estimate.objective, certificate, **given)


def at_the_end_of_a_path(estimate: PointEstimate, **kwargs: object) -> Certificate:
    path = np.repeat(estimate.certificate.path, 5, axis=0)
    return replace(estimate.certificate, path=path, direction=np.ones(1), **kwargs)


def test_what_is_reported_is_what_pymc_says() -> None:
    # The audit is not asked here: the value is that of the model's own log density.
    model = coin([1, 1, 0, 1])
    for found, parts in (
        (bp.find_MLE(model, **QUIET), model.observed_RVs),
        (bp.find_MAP(model, **QUIET), model.basic_RVs),
    ):
        logp = model.compile_logp(vars=parts, jacobian=False)
        theta = float(found.point["theta"])
        there = logp({"theta_logodds__": np.log(theta / (1 - theta))})
        assert found.certificate.value == pytest.approx(float(there), rel=1e-12)
        assert found.certificate.checks[-1].check == "audit"
        assert found.certificate.checks[-1].verdict == "passed"


def test_an_honest_certificate_has_no_contradiction(estimate: PointEstimate) -> None:
    assert complaints(estimate, estimate.certificate) == []
    # The same value, summed in another order.
    rounded = replace(estimate.certificate, value=estimate.certificate.value * (1 + 1e-13))
    assert complaints(estimate, rounded) == []


def test_a_value_that_is_not_the_density_there(estimate: PointEstimate) -> None:
    value = estimate.certificate.value
    off = replace(estimate.certificate, value=value - 1e-6)
    # 3 log(3/4) + log(1/4)
    assert value == pytest.approx(3 * np.log(0.75) + np.log(0.25), rel=1e-12)
    [first, second] = complaints(estimate, off)
    assert first.startswith("The log density at the point is -2.24934058, not -2.24934158")
    assert second.startswith("A point was seen with log density -2.24934058, above")


def test_a_value_that_is_infinite(estimate: PointEstimate) -> None:
    for value in (np.inf, np.nan):
        off = replace(estimate.certificate, value=value)
        assert complaints(estimate, off) == [f"The log density reported is {value}."]


def test_a_better_point_in_hand(estimate: PointEstimate) -> None:
    [words] = complaints(estimate, estimate.certificate, in_hand=-2.0)
    assert words == "A point was seen with log density -2, above -2.24934058."
    # A limit that was extrapolated may be a millionth off, and no more.
    limit = at_the_end_of_a_path(estimate, status=Status.AT_INFINITY)
    near = limit.value + 1e-6
    assert not [w for w in complaints(estimate, limit, in_hand=near) if "seen" in w]
    assert [w for w in complaints(estimate, limit, in_hand=near + 1e-5) if "seen" in w]


def test_more_than_the_model_allows(estimate: PointEstimate) -> None:
    limit = at_the_end_of_a_path(estimate, status=Status.ON_BOUNDARY, value=0.5)
    [words] = complaints(estimate, limit)
    assert words == "The log density reported is 0.5, and at most 0 possible."


def test_what_fails_is_demoted_and_the_best_point_kept(estimate: PointEstimate) -> None:
    honest = audited(estimate.objective, estimate.certificate, np.zeros(1), -3.0)
    assert isinstance(honest, Passed)
    lying = replace(estimate.certificate, path=np.array([[3.0]]))
    best = estimate.certificate.x
    claim = audited(estimate.objective, lying, best, estimate.certificate.value)
    assert isinstance(claim, Claim)
    assert claim.status is Status.NOT_CONVERGED
    np.testing.assert_array_equal(claim.point.x, best)
    assert "So nothing was proven; the best point seen is given." in claim.findings[0].what
    # Whatever else was claimed.
    other = [Claim(claim.point, Status.UNBOUNDED, is_proof=True), claim]
    assert Certificate.concluded(other).status is Status.NOT_CONVERGED
