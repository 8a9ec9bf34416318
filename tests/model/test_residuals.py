"""Which parameters are residual sd, and of how many observations and coefficients."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pymc.dims as pmd
import xarray as xr

from bayes_point.model.data.residuals import residual_freedom

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0.0, 2.0, 1.0, 4.0, 3.0, 6.0])


def test_of_a_regression() -> None:
    with pm.Model() as model:
        a, b = pm.Normal("a"), pm.Normal("b", shape=2)
        mu = pm.Deterministic("mu", a + X @ b)
        pm.Normal("y", mu, pm.HalfNormal("sigma"), observed=Y)
    assert residual_freedom(model) == {"sigma": (6, 3)}


def test_of_named_dims() -> None:
    with pm.Model(coords={"i": range(6)}) as model:
        a, sigma = pmd.Normal("a"), pmd.HalfNormal("sigma")
        pmd.Normal("y", a, sigma, observed=xr.DataArray(Y, dims="i"), dims="i")
    assert residual_freedom(model) == {"sigma": (6, 1)}


def test_not_of_what_has_another_use_or_shrunk_coefficients() -> None:
    with pm.Model() as hierarchical:
        tau = pm.HalfNormal("tau")
        b = pm.Normal("b", 0, tau, shape=2)
        pm.Normal("y", X @ b, pm.HalfNormal("sigma"), observed=Y)
    with pm.Model() as twice:
        sigma, a = pm.HalfNormal("sigma"), pm.Normal("a")
        pm.Normal("y", a, sigma, observed=Y)
        pm.Normal("z", a, 2 * sigma, observed=Y)
    with pm.Model() as conjugate:
        sigma = pm.HalfNormal("sigma")
        pm.Normal("y", pm.Normal("a", 0, sigma), sigma, observed=Y)
    with pm.Model() as made:
        pm.Normal("y", pm.Normal("a"), pm.math.exp(pm.Normal("log_sigma")), observed=Y)
    with pm.Model() as poisson:
        pm.Poisson("y", pm.HalfNormal("rate"), observed=[1, 2, 3])
    for model in (hierarchical, twice, conjugate, made, poisson):
        assert residual_freedom(model) == {}
