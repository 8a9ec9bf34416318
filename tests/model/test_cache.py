"""One density a model, made anew when the model has changed."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.model.density.cache import log_density

X = np.array([[0.5]])


def mean(y: list[float] | None = None, sd: float = 1.0) -> pm.Model:
    with pm.Model(coords={"obs": range(3)}) as model:
        data = pm.Data("data", [1.0, 2.0, 6.0] if y is None else y, dims="obs")
        spread = pm.Data("spread", sd)
        mu = pm.Normal("mu", 0, 2)
        pm.Normal("y", mu, spread, observed=data, dims="obs")
    return model


def test_one_density_a_model_and_backend() -> None:
    model = mean()
    density = log_density(model, backend=None)
    assert log_density(model, backend=None) is density
    assert log_density(model, backend="py") is not density
    assert log_density(mean(), backend=None) is not density
    assert log_density(model, backend=None) is density


def test_new_data_are_seen() -> None:
    model = mean()
    before = log_density(model, backend=None).log_likelihood(X)
    np.testing.assert_allclose(before, stats.norm(0.5).logpdf([1, 2, 6]).sum(), rtol=1e-13)
    pm.set_data({"data": [3.0, 3.0, 4.0]}, model=model)
    after = log_density(model, backend=None).log_likelihood(X)
    np.testing.assert_allclose(after, stats.norm(0.5).logpdf([3, 3, 4]).sum(), rtol=1e-13)
    pm.set_data({"spread": 2.0}, model=model)
    wider = log_density(model, backend=None).log_likelihood(X)
    np.testing.assert_allclose(wider, stats.norm(0.5, 2).logpdf([3, 3, 4]).sum(), rtol=1e-13)


def test_data_of_another_length_are_seen() -> None:
    model = mean()
    log_density(model, backend=None)
    pm.set_data({"data": [3.0, 5.0]}, model=model, coords={"obs": [0, 1]})
    got = log_density(model, backend=None).log_likelihood(X)
    np.testing.assert_allclose(got, stats.norm(0.5).logpdf([3, 5]).sum(), rtol=1e-13)


def test_a_new_potential_is_seen() -> None:
    model = mean()
    assert log_density(model, backend=None).terms == ("likelihood", "prior")
    with model:
        pm.Potential("soft", -(model["mu"] ** 2))
    density = log_density(model, backend=None)
    value, _ = density.evaluate(X, ("potential",))
    assert value[0, 0] == pytest.approx(-0.25, rel=1e-14)


def test_a_new_deterministic_and_a_new_variable_are_seen() -> None:
    model = mean()
    log_density(model, backend=None)
    with model:
        pm.Deterministic("twice", 2 * model["mu"])
    assert log_density(model, backend=None).natural(X)["twice"][0] == 1.0
    with model:
        pm.Normal("nu")
    assert log_density(model, backend=None).labels == ["mu", "nu"]


def test_a_new_transform_is_seen() -> None:
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("y", 0, sigma, observed=1.0)
    assert log_density(model, backend=None).labels == ["sigma_log__"]
    other = pm.model.transform.conditioning.remove_value_transforms(model)
    assert log_density(other, backend=None).labels == ["sigma"]
    assert log_density(model, backend=None).labels == ["sigma_log__"]


def test_estimates_follow_the_data() -> None:
    model = mean()
    assert float(find_MLE(model, progressbar=False).point["mu"]) == pytest.approx(3.0, rel=1e-12)
    pm.set_data({"data": [3.0, 3.0, 9.0]}, model=model)
    assert float(find_MLE(model, progressbar=False).point["mu"]) == pytest.approx(5.0, rel=1e-12)
    # Precisions add: 15 / (3 + 1/4).
    map_ = find_MAP(model, progressbar=False)
    assert float(map_.point["mu"]) == pytest.approx(15 / 3.25, rel=1e-12)


def test_a_model_is_not_kept_alive() -> None:
    model = mean()
    log_density(model, backend=None)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
