"""Roles of variables, and the checks of a model before any search."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pymc.dims as pmd
import pytensor.tensor as pt
import pytest
from pymc.distributions import transforms as tr

from bayes_point.errors import ModelError
from bayes_point.model.variables.flat_priors import flat_priors
from bayes_point.model.variables.roles import check_model, model_roles, roles


@pytest.fixture
def schools() -> pm.Model:
    with pm.Model(coords={"school": ["A", "B", "C"]}) as model:
        se = pm.Data("se", [15.0, 10.0, 16.0], dims="school")
        mu = pm.Normal("mu", 0, 10)
        tau = pm.HalfNormal("tau", 5)
        theta = pm.Normal("theta", mu, tau, dims="school")
        pm.Deterministic("best", theta.max())
        pm.Potential("soft", -(theta.sum() ** 2))
        pm.Normal("effect", theta, se, observed=[28.0, 8.0, -3.0], dims="school")
    return model


def test_the_table_of_a_hierarchical_model(schools: pm.Model) -> None:
    expected = pd.DataFrame(
        {
            "role": [
                "data",
                "parameter",
                "parameter",
                "latent",
                "deterministic",
                "potential",
                "observed",
            ],
            "support": ["", "real", "positive", "real", "", "", "real"],
            "shape": [(3,), (), (), (3,), (), (), (3,)],
            "dims": [("school",), (), (), ("school",), (), (), ("school",)],
            "prior": [
                "",
                "Normal(0, 10)",
                "HalfNormal(0, 5)",
                "Normal(mu, tau)",
                "f(theta)",
                "f(theta)",
                "Normal(theta, <shared>)",
            ],
            "depends_on": [(), (), (), ("mu", "tau"), ("theta",), ("theta",), ("theta",)],
        },
        index=pd.Index(
            ["se", "mu", "tau", "theta", "best", "soft", "effect"], name="name", dtype=object
        ),
    )
    pd.testing.assert_frame_equal(roles(schools), expected)
    with schools:
        pd.testing.assert_frame_equal(roles(), roles(schools))


def test_a_role_is_frozen_and_knows_whether_it_is_estimated(schools: pm.Model) -> None:
    table = model_roles(schools)
    assert [name for name, role in table.items() if role.is_free] == ["mu", "tau", "theta"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        table["mu"].role = "data"  # type: ignore[misc]


def _lkj(name: str) -> Any:
    return pm.LKJCholeskyCov(name, eta=1, n=2, sd_dist=pm.Exponential.dist(1), compute_corr=False)


SUPPORTS: dict[str, tuple[Callable[[str], Any], str, Any, Any]] = {
    "normal": (lambda n: pm.Normal(n), "real", -np.inf, np.inf),
    "gamma": (lambda n: pm.Gamma(n, 2, 1), "positive", 0, np.inf),
    "beta": (lambda n: pm.Beta(n, 2, 2), "[0, 1]", 0, 1),
    "uniform": (lambda n: pm.Uniform(n, -1, 2.5), "[-1, 2.5]", -1, 2.5),
    "by_element": (lambda n: pm.Uniform(n, 0, [1, 2]), "[0, varies]", 0, [1, 2]),
    "pareto": (lambda n: pm.Pareto(n, 3, 2), "[2, inf)", 2, np.inf),
    "from_below": (lambda n: pm.TruncatedNormal(n, upper=3), "(-inf, 3]", -np.inf, 3),
    "truncated": (
        lambda n: pm.Truncated(n, pm.Gamma.dist(2, 1), lower=-1, upper=4),
        "[0, 4]",
        0,
        4,
    ),
    "von_mises": (lambda n: pm.VonMises(n, 0, 1), "[-3.14159, 3.14159]", -np.pi, np.pi),
    "in_an_interval": (
        lambda n: pm.Normal(n, transform=tr.Interval(-1, 2)),
        "[-1, 2]",
        -1,
        2,
    ),
    "interval_within_the_support": (
        lambda n: pm.HalfNormal(n, default_transform=tr.Interval(-1, 2)),
        "[0, 2]",
        0,
        2,
    ),
    "ordered": (
        lambda n: pm.Normal(n, shape=2, transform=tr.ordered, initval=[0, 1]),
        "ordered",
        -np.inf,
        np.inf,
    ),
    "ordered_positive": (
        lambda n: pm.HalfNormal(n, shape=2, transform=tr.ordered, initval=[1, 2]),
        "ordered, positive",
        0,
        np.inf,
    ),
    "simplex": (lambda n: pm.Dirichlet(n, [1.0, 1.0]), "simplex", 0, 1),
    "zero_sum": (lambda n: pm.ZeroSumNormal(n, shape=3), "sums to zero", -np.inf, np.inf),
    "lkj": (
        _lkj,
        "Cholesky factor of a covariance, packed by rows",
        [0, -np.inf, 0],
        np.inf,
    ),
    "wishart": (
        lambda n: pm.Wishart(n, nu=3, V=np.eye(2)),
        "positive definite matrix",
        -np.inf,
        np.inf,
    ),
    "custom": (
        lambda n: pm.CustomDist(n, logp=lambda value: -value),
        "where its density is positive",
        -np.inf,
        np.inf,
    ),
    "bernoulli": (lambda n: pm.Bernoulli(n, 0.5), "{0, 1}", 0, 1),
    "binomial": (lambda n: pm.Binomial(n, 7, 0.5), "{0, ..., 7}", 0, 7),
    "categorical": (lambda n: pm.Categorical(n, [0.2, 0.3, 0.5]), "{0, ..., 2}", 0, 2),
    "discrete_uniform": (lambda n: pm.DiscreteUniform(n, 2, 4), "{2, ..., 4}", 2, 4),
    "poisson": (lambda n: pm.Poisson(n, 3), "non-negative integer", 0, np.inf),
    "geometric": (lambda n: pm.Geometric(n, 0.3), "positive integer", 1, np.inf),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_support_in_words_and_in_numbers(name: str) -> None:
    prior, words, lower, upper = SUPPORTS[name]
    with pm.Model() as model:
        prior("x")
    for one in (model, flat_priors(model)):
        role = model_roles(one)["x"]
        assert role.support == words
        assert role.discrete == (role.role == "discrete")
        if name == "custom":
            assert role.structure is None
        else:
            np.testing.assert_array_equal(role.lower, lower)
            np.testing.assert_array_equal(role.upper, upper)


def test_bounds_that_depend_on_another_parameter_are_no_numbers() -> None:
    with pm.Model() as model:
        alpha = pm.Uniform("alpha", 0, 1)
        pm.Uniform("beta", 0, 1 - alpha)
    role = model_roles(model)["beta"]
    assert (role.role, role.support, role.parents) == ("latent", "[0, f(alpha)]", ("alpha",))
    assert (role.lower, role.upper) == (0.0, None)


def test_bounds_that_depend_on_data_follow_the_data() -> None:
    with pm.Model() as model:
        limit = pm.Data("limit", 3.0)
        pm.Uniform("x", 0, 2 * limit)
    assert model_roles(model)["x"].upper == 6.0
    limit.set_value(4.0)
    assert model_roles(model)["x"].upper == 8.0


def test_a_shape_is_no_parent_and_shapes_follow_data() -> None:
    with pm.Model() as model:
        x = pm.Data("x", np.zeros((2, 3)))
        beta = pm.Normal("beta", shape=x.shape[1])
        pm.Normal("same_shape", 0, 1, shape=beta.shape)
        mu = pm.Deterministic("mu", x @ beta)
        pm.Normal("y", mu, observed=np.zeros(2))
    x.set_value(np.zeros((2, 5)))
    table = model_roles(model)
    assert table["same_shape"].parents == ()
    assert table["same_shape"].role == "parameter"
    assert table["y"].parents == ("beta",)
    shapes = {name: role.shape for name, role in table.items()}
    assert shapes == {"x": (2, 5), "beta": (5,), "same_shape": (5,), "mu": (2,), "y": (2,)}


@pytest.mark.filterwarnings("ignore::pymc.exceptions.ImputationWarning")
def test_imputed_values() -> None:
    with pm.Model() as model:
        scale = pm.HalfNormal("scale")
        pm.Normal("x", 0, scale, observed=np.array([1.0, np.nan, 2.0]))
        pm.HalfCauchy("h", scale, observed=np.array([np.nan, 1.0]))
        pm.Bernoulli("z", 0.3, observed=np.ma.masked_array([0, 1], [True, False]))
        pm.Normal("y_unobserved", scale)  # a name like PyMC's, and yet an ordinary variable
    table = model_roles(model)
    assert {name: role.role for name, role in table.items()} == {
        "scale": "parameter",
        "x_observed": "observed",
        "x_unobserved": "imputed",
        "x": "deterministic",
        "h_observed": "observed",
        "h_unobserved": "imputed",
        "h": "deterministic",
        "z_observed": "observed",
        "z_unobserved": "imputed",
        "z": "deterministic",
        "y_unobserved": "latent",
    }
    assert table["h_unobserved"].support == "positive"
    assert table["h_unobserved"].prior == "HalfCauchy(scale)"
    assert table["h_unobserved"].parents == ("scale",)
    assert table["h"].parents == ("h_unobserved",)
    assert [table[name].discrete for name in ("x_unobserved", "z_unobserved")] == [False, True]
    assert table["x_unobserved"].shape == (1,)


def test_pymc_dims() -> None:
    with pm.Model(coords={"g": range(3), "k": range(2)}) as model:
        a = pmd.Normal("a", 0, 1, dims=("k", "g"))
        b = pmd.HalfNormal("b", pmd.math.exp(a), dims=("g", "k"))
        pmd.Deterministic("total", b.sum("k"))
        pmd.Beta("y", b.sum("k"), 1, observed=pmd.as_xtensor([0.1, 0.2, 0.3], dims=("g",)))
    table = roles(model)
    assert list(table["role"]) == ["parameter", "latent", "deterministic", "observed"]
    assert list(table["support"]) == ["real", "positive", "", "[0, 1]"]
    assert list(table["shape"]) == [(2, 3), (3, 2), (3,), (3,)]
    assert list(table["depends_on"]) == [(), ("a",), ("b",), ("b",)]
    check_model(model)


def test_something_else_than_a_model() -> None:
    with pytest.raises(ModelError, match=r"^roles needs a pymc\.Model, got list\.$"):
        roles([])  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"^roles was given no model, and there is none in the"):
        roles()


# ------------------------------------------------------------------------------ check_model


def _raises(model: pm.Model, *sentences: str) -> None:
    with pytest.raises(ModelError) as error:
        check_model(model)
    for sentence in sentences:
        assert sentence in str(error.value)


def test_sound_models_pass(schools: pm.Model) -> None:
    check_model(schools)
    check_model(flat_priors(schools))
    with pm.Model():
        z = pm.Bernoulli("z", 0.5)
        pm.Normal("y", z, observed=0.3)
        check_model()
    with pm.Model() as only_a_potential:
        x = pm.Normal("x")
        pm.Potential("p", -(x**2))
    check_model(only_a_potential)


def test_no_free_variables() -> None:
    with pm.Model() as model:
        pm.Normal("y", observed=[1.0])
    _raises(model, "The model has no free variables", "pm.Flat('mu')")


def test_no_observed_variables() -> None:
    with pm.Model() as model:
        pm.Normal("mu")
        pm.HalfNormal("sigma")
    _raises(model, "no observed variable and no Potential", "learn mu, sigma from", "observed=")


# PyMC's own Simulator calls its Op in deprecated ways.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_simulator() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Simulator("sim", lambda rng, mu, size: rng.normal(mu, size=size), mu, observed=[1.0])
    _raises(model, "'sim' is a pm.Simulator", "pm.sample_smc")


def test_minibatch() -> None:
    batch = pm.Minibatch(np.arange(20.0), batch_size=5)
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, observed=batch, total_size=20)
    assert roles(model).loc["y", "shape"] == (20,)  # the rows that the batch is drawn from


OUTSIDE: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "poisson": (
        lambda p: pm.Poisson("y", p, observed=[3, -1, 2]),
        "non-negative integer",
        "1 of 3 elements, the first y[1] = -1",
    ),
    "beta": (
        lambda p: pm.Beta("y", p, 1, observed=[[0.5, 0.2], [1.5, 2.5]]),
        "[0, 1]",
        "2 of 4 elements, the first y[1, 0] = 1.5",
    ),
    "binomial": (
        lambda p: pm.Binomial("y", 5, p / 2, observed=7),
        "{0, ..., 5}",
        "y = 7",
    ),
    "categorical": (
        lambda p: pm.Categorical("y", pt.stack([p / 2, 1 - p / 2]), observed=[0, 2]),
        "{0, 1}",
        "the first y[1] = 2",
    ),
    "dirichlet": (
        lambda p: pm.Dirichlet("y", pt.stack([p, p]), observed=[[0.5, 0.5], [-0.5, 1.5]]),
        "simplex",
        "the first y[1] = [-0.5  1.5]",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_observed_data_outside_of_the_support(name: str) -> None:
    likelihood, words, where = OUTSIDE[name]
    with pm.Model() as model:
        likelihood(pm.HalfNormal("p", initval=1.0))
    _raises(
        model,
        f"Observed data of 'y' lie outside the support of its distribution, which is {words}",
        where,
        "Correct the data, or choose another distribution.",
    )


def test_data_that_only_the_start_excludes() -> None:
    with pm.Model() as model:
        top = pm.HalfNormal("top", initval=1.0)
        pm.Uniform("y", 0, top, observed=[0.5, 7.25])
    _raises(
        model,
        "The density of the observed 'y' is zero at the model's starting point: "
        "1 of 2 elements, the first y[1] = 7.25. Its support is [0, top].",
        "start elsewhere with initval= or initvals=",
    )
    check_model(model, start=False)


def test_missing_values_in_observed_data() -> None:
    with pm.Model() as model:
        y = pm.Data("data", np.zeros(3))
        pm.Normal("y", pm.Normal("mu"), observed=y)
    y.set_value(np.array([1.0, np.nan, np.nan]))
    _raises(
        model,
        "The observed data of 'y' hold missing values: 2 of 3 are NaN, the first at y[1].",
        "Leave them out; or pass the array itself as observed=",
    )


def test_missing_values_in_a_covariate() -> None:
    with pm.Model() as model:
        x = pm.Data("x", np.zeros(3))
        pm.Normal("y", x * pm.Normal("b", initval=1.0), observed=np.zeros(3))
    x.set_value(np.array([1.0, np.nan, 2.0]))
    _raises(
        model,
        "The log density of 'y' is not a number at the model's starting point "
        "(1 of 3 elements, the first y[1] = 0.).",
        "There are NaN in the data x.",
    )


def test_start_outside_of_the_support() -> None:
    with pm.Model() as model:
        theta = pm.Uniform("theta", 0, 1, default_transform=None, initval=1.5)
        pm.Normal("y", theta, observed=0.5)
    _raises(
        model,
        "The prior density of 'theta' is zero at the model's starting point: theta = 1.5. "
        "Its support is [0, 1].",
    )


def test_parameters_that_are_impossible_at_the_start() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, initval=-2.0)
        pm.Normal("y", 0, mu, observed=[0.5, 1.5])
    _raises(
        model,
        "The distribution of 'y' has no density at the model's starting point",
        "break the condition 'sigma > 0'",
    )


def test_potential_that_forbids_the_start() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", initval=-2.0)
        pm.Potential("positive", pt.switch(mu > 0, 0.0, -np.inf))
    _raises(model, "The Potential 'positive' is -inf at the model's starting point")


def test_rounding_is_no_reason_to_refuse_a_start() -> None:
    # As written, log(1 - sigmoid(50)) is log(0); rewritten, as it is evaluated, it is -50.
    with pm.Model() as model:
        logit = pm.Normal("logit", 0, 100, initval=50.0)
        pm.Bernoulli("y", p=pt.sigmoid(logit), observed=[0, 1])
    check_model(model)


def test_a_nested_model_is_checked_as_a_whole() -> None:
    with pm.Model(name="outer") as outer:
        mu = pm.Normal("mu")
        with pm.Model(name="inner"):
            pm.Poisson("y", pm.math.exp(mu), observed=[-1])
    _raises(outer, "Observed data of 'outer::inner::y' lie outside the support")
