"""Results go to other processes: pickled and cloudpickled they are what they were."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationError

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


def normal() -> pm.Model:
    with pm.Model(coords={"k": ["a", "b"]}) as model:
        mu = pm.Normal("mu", 0, 1, dims="k")
        # A function of the user's own, which pickle alone cannot take along.
        pm.CustomDist("y", mu, logp=lambda y, m: -((y - m) ** 2), observed=[[1.0, 2], [0, 1]])
    return model


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_an_estimate_is_what_it_was(dumps: Callable[[Any], bytes]) -> None:
    model = normal()
    first = bp.find_MLE(model, **QUIET)
    first.stderr()
    again = pickle.loads(dumps(first))
    assert again.model is not model
    assert str(again) == str(first)
    # -(y - mu)^2 twice each: mean, and information 4.
    np.testing.assert_allclose(again.point["mu"], [0.5, 1.5], rtol=1e-8)
    np.testing.assert_allclose(again.stderr()["mu"], 0.5, rtol=1e-8)
    ends = again.conf_int(ci_prob=0.95)["mu"].values
    np.testing.assert_allclose(ends, first.conf_int(ci_prob=0.95)["mu"].values, rtol=1e-8)


def test_a_choice_of_discrete_values_is_kept() -> None:
    with pm.Model() as model:
        k = pm.Categorical("k", [0.5, 0.5])
        mu = pm.Normal("mu", 0, 1)
        pm.Normal("y", mu + 3.0 * k, 1, observed=[2.0, 4.0])
    first = bp.find_MAP(model, **QUIET)
    again = pickle.loads(pickle.dumps(first))
    x = first.certificate.x[None]
    np.testing.assert_array_equal(again.objective.values(x), first.objective.values(x))
    assert int(again.point["k"]) == int(first.point["k"]) == 1


def test_other_results() -> None:
    model = normal()
    with pm.Model() as lone:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0])
    with pytest.raises(EstimationError) as info:
        bp.find_MLE(lone, strict=True, **QUIET)
    error = pickle.loads(pickle.dumps(info.value))
    assert str(error) == str(info.value)
    assert error.estimate.status is bp.Status.NOT_IDENTIFIED
    density = bp.LogDensity(model)
    x = np.array([[0.3, 0.4]])
    for other in (pickle.loads(cloudpickle.dumps((model, density)))[1], copy.copy(density)):
        np.testing.assert_array_equal(other.log_likelihood(x), density.log_likelihood(x))


def test_a_marginal_estimate_is_what_it_was() -> None:
    y = np.array([[1.0, 2.0], [4.0, 6.0], [2.0, 3.0]])
    with pm.Model() as model:
        mu, tau = pm.Flat("mu"), pm.HalfFlat("tau")
        a = pm.Normal("a", mu, tau, shape=3)
        pm.Normal("y", a[:, None], 1.0, observed=y)
    first = bp.find_MLE(model, marginalize="latents", **QUIET)
    again = pickle.loads(cloudpickle.dumps(first))
    assert str(again) == str(first)
    # The groups' means are 1.5, 5 and 2.5, each with the variance tau^2 + 1/2.
    np.testing.assert_allclose(again.point["mu"], 3.0, rtol=1e-8)
    np.testing.assert_allclose(again.point["tau"] ** 2, 6.5 / 3 - 0.5, rtol=1e-7)
    value = again.objective.values(again.certificate.x[None])[0]
    np.testing.assert_allclose(value, first.log_likelihood, rtol=1e-12)
