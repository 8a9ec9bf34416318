"""Log density and distribution function of each observation, against SciPy."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pymc.dims as pmd
from scipy import stats

from bayes_point.model.density.pointwise import Pointwise

RNG = np.random.default_rng(1)


def test_several_variables_and_draws() -> None:
    y, k = RNG.normal(size=5), RNG.poisson(3, size=(2, 3))
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        sigma = pm.HalfNormal("sigma", 1)
        rate = pm.Deterministic("rate", pm.math.exp(mu))
        pm.Normal("y", mu, sigma, observed=y)
        pm.Poisson("k", rate, observed=k)
    pointwise = Pointwise(model)
    assert pointwise.shapes == {"y": (5,), "k": (2, 3)}
    assert pointwise.size == 11
    assert pointwise.without_cdf == ()
    m, s = RNG.normal(size=(7, 1)), RNG.uniform(0.5, 2, size=(7, 1))
    log_density, lower, upper = pointwise({"mu": m[:, 0], "sigma": s[:, 0]})
    normal, poisson = stats.norm(m, s), stats.poisson(np.exp(m))
    np.testing.assert_allclose(log_density[:, :5], normal.logpdf(y), rtol=1e-10)
    np.testing.assert_allclose(log_density[:, 5:], poisson.logpmf(k.ravel()), rtol=1e-10)
    # PyMC's normal distribution function is exact to eight digits.
    np.testing.assert_allclose(upper[:, :5], normal.cdf(y), atol=1e-7)
    np.testing.assert_array_equal(lower[:, :5], upper[:, :5])
    np.testing.assert_allclose(upper[:, 5:], poisson.cdf(k.ravel()), atol=1e-10)
    np.testing.assert_allclose(lower[:, 5:], poisson.cdf(k.ravel() - 1), atol=1e-10)


def test_an_event_is_one_observation_and_has_no_distribution_function() -> None:
    z = RNG.normal(size=(4, 2))
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=2)
        pm.MvNormal("z", mu, np.eye(2), observed=z)
    pointwise = Pointwise(model)
    assert pointwise.shapes == {"z": (4,)}
    assert pointwise.without_cdf == ("z",)
    m = RNG.normal(size=(3, 2))
    log_density, lower, _ = pointwise({"mu": m})
    expected = [stats.multivariate_normal(row).logpdf(z) for row in m]
    np.testing.assert_allclose(log_density, expected, rtol=1e-9)
    assert np.all(np.isnan(lower))


def test_atoms_have_no_distribution_function_here_and_mixtures_have_one() -> None:
    y = np.array([0.5, 1.0, 1.0])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Censored("y", pm.Normal.dist(mu, 1), lower=None, upper=1.0, observed=y)
        weight = pm.Dirichlet("weight", [1, 1])
        pm.NormalMixture("z", weight, [0.0, 1.0], 1.0, observed=y)
    pointwise = Pointwise(model)
    assert pointwise.without_cdf == ("y",)
    values = {"mu": np.zeros(1), "weight": np.array([[0.25, 0.75]])}
    log_density, _, upper = (row[0] for row in pointwise(values))
    atom = stats.norm.logsf(1.0)
    np.testing.assert_allclose(log_density[:3], [stats.norm.logpdf(0.5), atom, atom], rtol=1e-7)
    mixed = 0.25 * stats.norm.pdf(y) + 0.75 * stats.norm.pdf(y, 1)
    np.testing.assert_allclose(log_density[3:], np.log(mixed), rtol=1e-7)
    below = 0.25 * stats.norm.cdf(y) + 0.75 * stats.norm.cdf(y, 1)
    np.testing.assert_allclose(upper[3:], below, atol=1e-7)
    assert np.all(np.isnan(upper[:3]))


def test_a_parameter_outside_its_domain_has_density_zero() -> None:
    with pm.Model() as model:
        sigma = pm.Flat("sigma")
        pm.Normal("y", 0, sigma, observed=[1.0])
    log_density, _, _ = Pointwise(model)({"sigma": np.array([1.0, -1.0])})
    np.testing.assert_allclose(log_density[:, 0], [stats.norm.logpdf(1.0), -np.inf])


def test_a_model_of_named_dims_has_the_terms_of_its_twin() -> None:
    # The rows come last in the mean, and first in the data.
    rng = np.random.default_rng(7)
    design, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    with pm.Model(coords={"row": range(6), "column": ["u", "v"]}) as named:
        x = pmd.Data("x", design.T, dims=("column", "row"))
        b = pmd.Normal("b", 0, 5, dims="column")
        s = pmd.HalfNormal("s", 1)
        pmd.Normal("y", x.dot(b), s, observed=pmd.as_xtensor(y, dims=("row",)))
    with pm.Model() as plain:
        b, s = pm.Normal("b", 0, 5, shape=2), pm.HalfNormal("s", 1)
        pm.Normal("y", design @ b, s, observed=y)
    at = {"b": np.array([[1.0, -0.5], [0.2, 0.3]]), "s": np.array([0.4, 1.0])}
    found = Pointwise(named)
    assert found.shapes == {"y": (6,)}
    assert not found.without_cdf
    for own, twin in zip(found(at), Pointwise(plain)(at), strict=True):
        np.testing.assert_allclose(own, twin, rtol=1e-12)
