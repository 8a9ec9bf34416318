"""flat_priors: the same model with log priors 0 on their support, and everything else untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.distributions import transforms as tr
from pymc.model.transform.conditioning import remove_value_transforms
from pymc.model.transform.optimization import freeze_dims_and_data, freeze_model
from pytensor.compile.mode import Mode

from bayes_point.errors import ModelError
from bayes_point.model.variables.flat_priors import flat_priors
from bayes_point.model.variables.flat_variable import with_old_priors

# Interpreted: compiling each of these small graphs would take a hundred times as long.
PY = Mode("py", "fast_compile")

SYMMETRIC = np.array([[2.0, 0.5], [0.5, 1.0]])
ADJACENCY = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])


def _gp(name: str) -> pt.TensorVariable:
    gp = pm.gp.Latent(cov_func=pm.gp.cov.ExpQuad(1, ls=0.5))
    return gp.prior(name, X=np.linspace(0, 1, 3)[:, None], reparameterize=False)


def _ordinary(name: str, *args: Any, **kwargs: Any) -> Callable[[str], Any]:
    def prior(label: str) -> Any:
        return getattr(pm, name)(label, *args, **kwargs)

    return prior


PRIORS: dict[str, Callable[[str], Any]] = {
    "normal": _ordinary("Normal", 1, 2, shape=3),
    "student_t": _ordinary("StudentT", nu=3),
    "skew_normal": _ordinary("SkewNormal", alpha=2),
    "laplace": _ordinary("Laplace", 0, 1),
    "asymmetric_laplace": _ordinary("AsymmetricLaplace", b=1, kappa=2, mu=0),
    "half_normal": _ordinary("HalfNormal", 1, shape=(2, 3)),
    "half_normal_untransformed": _ordinary("HalfNormal", 1, default_transform=None, initval=0.5),
    "half_cauchy": _ordinary("HalfCauchy", 1),
    "half_student_t": _ordinary("HalfStudentT", 3, 1),
    "exponential": _ordinary("Exponential", 2),
    "exponential_softplus": _ordinary("Exponential", 2, default_transform=tr.log_exp_m1),
    "gamma": _ordinary("Gamma", [2, 3], 1),
    "inverse_gamma": _ordinary("InverseGamma", 2, 3),
    "log_normal": _ordinary("LogNormal", 0, 1),
    "weibull": _ordinary("Weibull", 2, 1),
    "shifted_wald": _ordinary("Wald", 1, 1, alpha=0.2, default_transform=None, initval=1.0),
    "beta": _ordinary("Beta", 2, 2),
    "beta_infinite_at_edges": _ordinary("Beta", 0.5, 0.5),
    "kumaraswamy": _ordinary("Kumaraswamy", 2, 3),
    "logit_normal": _ordinary("LogitNormal", 0, 1, initval=0.4),
    "uniform": _ordinary("Uniform", -1, [2, 3]),
    "triangular": _ordinary("Triangular", 0, 2, 0.5),
    "pareto": _ordinary("Pareto", 3, 1),
    "truncated_normal": _ordinary("TruncatedNormal", 0, 1, lower=-1, upper=2),
    "interpolated": _ordinary("Interpolated", np.arange(4.0), np.array([0.0, 1.0, 2.0, 0.0])),
    "von_mises": _ordinary("VonMises", 0, 1),
    "truncated_gamma": lambda name: pm.Truncated(
        name, pm.Gamma.dist(2, 1), lower=0.5, upper=3, shape=2
    ),
    "censored": lambda name: pm.Censored(name, pm.Normal.dist(0, 1), lower=-1, upper=1),
    "normal_in_interval": _ordinary("Normal", 0, 1, transform=tr.Interval(-1, 2)),
    "ordered": _ordinary("Normal", 0, 1, shape=3, transform=tr.ordered, initval=[-1, 0, 1]),
    "positive_ordered": _ordinary(
        "Exponential", 1, shape=3, transform=tr.ordered, initval=[0.1, 1, 2]
    ),
    "dirichlet": _ordinary("Dirichlet", np.ones(3) * 2, shape=(2, 3)),
    "stick_breaking": _ordinary("StickBreakingWeights", 1.5, 2),
    "zero_sum": _ordinary("ZeroSumNormal", 1, shape=4),
    "zero_sum_two_axes": _ordinary("ZeroSumNormal", 1, n_zerosum_axes=2, shape=(2, 3, 4)),
    "mv_normal": _ordinary("MvNormal", np.zeros(2), SYMMETRIC, shape=(3, 2)),
    "mv_normal_precision": _ordinary("MvNormal", np.zeros(2), tau=SYMMETRIC),
    "mv_student_t": _ordinary("MvStudentT", nu=4, mu=np.zeros(2), scale=SYMMETRIC),
    "matrix_normal": _ordinary(
        "MatrixNormal", mu=np.zeros((2, 2)), rowcov=SYMMETRIC, colcov=SYMMETRIC
    ),
    "car": _ordinary("CAR", np.zeros(3), ADJACENCY, alpha=0.5, tau=1.0),
    "icar": _ordinary("ICAR", ADJACENCY),
    "wishart": _ordinary("Wishart", nu=4, V=SYMMETRIC),
    "lkj_cholesky_cov": lambda name: pm.LKJCholeskyCov(
        name, eta=2, n=3, sd_dist=pm.Exponential.dist(1), compute_corr=False
    ),
    "lkj_corr": _ordinary("LKJCorr", eta=2, n=3),
    "gaussian_random_walk": _ordinary(
        "GaussianRandomWalk", 0, 1, init_dist=pm.Normal.dist(0, 1), steps=3
    ),
    "multivariate_random_walk": _ordinary(
        "MvGaussianRandomWalk",
        mu=np.zeros(2),
        cov=SYMMETRIC,
        init_dist=pm.MvNormal.dist(np.zeros(2), SYMMETRIC),
        steps=3,
    ),
    "increasing_random_walk": _ordinary(
        "RandomWalk", init_dist=pm.Normal.dist(), innovation_dist=pm.Exponential.dist(1), steps=3
    ),
    "ar": _ordinary("AR", [0.5], sigma=1, init_dist=pm.Normal.dist(0, 1, shape=1), steps=3),
    "garch": _ordinary("GARCH11", omega=1, alpha_1=0.2, beta_1=0.3, initial_vol=1, steps=3),
    "normal_mixture": _ordinary("NormalMixture", [0.3, 0.7], [-1, 1], [1, 2]),
    "gamma_mixture": lambda name: pm.Mixture(name, [0.3, 0.7], pm.Gamma.dist(2, [1, 2])),
    "custom_logp": lambda name: pm.CustomDist(
        name, 1.5, logp=lambda value, rate: pt.log(rate) - rate * value, transform=tr.log
    ),
    "custom_dist": lambda name: pm.CustomDist(
        name, 0.0, dist=lambda mu, size: pm.math.exp(pm.Normal.dist(mu, 1, size=size)), initval=1.0
    ),
    "flat": _ordinary("Flat"),
    "half_flat": _ordinary("HalfFlat"),
    "gp_latent": _gp,
}


def _model_with(prior: Callable[[str], Any]) -> pm.Model:
    with pm.Model() as model:
        x = prior("x")
        scale = pm.HalfNormal("scale")
        pm.Normal("y", pt.sin(pt.flatten(x)).sum(), 1 + scale, observed=[0.3, -1.2])
    return model


def _evaluate(model: pm.Model, outputs: list[Any], points: list[dict[str, Any]]) -> list[Any]:
    function = model.compile_fn(outputs, inputs=model.value_vars, mode=PY)
    return [function(point) for point in points]


def _terms(model: pm.Model) -> list[Any]:
    """Return the log-likelihood, the log Jacobian, and the log prior of each free variable."""
    n = len(model.free_RVs)
    terms = [
        pt.as_tensor(term, allow_xtensor_conversion=True)
        for jacobian in (False, True)
        for term in model.logp(jacobian=jacobian, sum=False)
    ]
    likelihood = sum(term.sum() for term in terms[n : len(terms) // 2])
    jacobian = sum(term.sum() for term in terms[len(terms) // 2 :]) - sum(
        term.sum() for term in terms[: len(terms) // 2]
    )
    return [likelihood, jacobian, *terms[:n]]


def _gradient(density: Any, model: pm.Model) -> list[Any]:
    return pt.grad(density, model.continuous_value_vars)


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    """Keep PyMC from compiling initial points in C: slow, and it warns where there is no BLAS."""
    with pytensor.config.change_flags(cxx=""):
        yield


# PyMC's own MatrixNormal calls a deprecated function of PyTensor.
@pytest.mark.filterwarnings("ignore:pytensor.tensor.linalg.trace:FutureWarning")
@pytest.mark.parametrize("name", PRIORS)
def test_only_the_prior_changes(name: str) -> None:
    model = _model_with(PRIORS[name])
    flat = flat_priors(model)

    start, flat_start = model.initial_point(), flat.initial_point()
    assert list(start) == list(flat_start)
    for key, value in start.items():
        np.testing.assert_array_equal(flat_start[key], value)

    rng = np.random.default_rng(len(name))
    points = [
        {key: value + rng.uniform(-0.1, 0.1, np.shape(value)) for key, value in start.items()}
        for _ in range(3)
    ]
    old_terms, new_terms = _terms(model), _terms(flat)
    old = _evaluate(model, [*old_terms[:2], *_gradient(old_terms[0], model)], points)
    # The gradient of the whole flat density, prior and all, is that of the likelihood alone.
    whole = new_terms[0] + sum(prior.sum() for prior in new_terms[2:])
    new = _evaluate(flat, [*new_terms, *_gradient(whole, flat)], points)
    n = len(model.free_RVs)
    for (old_likelihood, old_jacobian, *old_gradient), (likelihood, jacobian, *rest) in zip(
        old, new, strict=True
    ):
        np.testing.assert_allclose(likelihood, old_likelihood, rtol=1e-13)
        np.testing.assert_allclose(jacobian, old_jacobian, rtol=1e-12, atol=1e-12)
        for prior in rest[:n]:
            np.testing.assert_array_equal(prior, 0.0)
        for gradient, old_one in zip(rest[n:], old_gradient, strict=True):
            np.testing.assert_allclose(gradient, old_one, rtol=1e-10, atol=1e-12)


# Every edge belongs to the closed support, also where the density is zero or infinite.
WITHIN_AND_WITHOUT: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "normal": (pm.Normal.dist(0, 1), [-1e300, 0.0, 1e300], []),
    "half_normal": (pm.HalfNormal.dist(1), [0.0, 3.0], [-1e-9, -3.0]),
    "gamma_zero_at_edge": (pm.Gamma.dist(2, 1), [0.0, 1e-300, 50.0], [-1e-9]),
    "gamma_infinite_at_edge": (pm.Gamma.dist(0.5, 1), [0.0], [-1e-9]),
    "wald": (pm.Wald.dist(1, 1, alpha=2), [2.0, 9.0], [1.9]),
    "beta_zero_at_edges": (pm.Beta.dist(2, 2), [0.0, 0.3, 1.0], [-1e-9, 1 + 1e-9]),
    "beta_infinite_at_edges": (pm.Beta.dist(0.5, 0.5), [0.0, 0.3, 1.0], [-1e-9, 1 + 1e-9]),
    "uniform": (pm.Uniform.dist(-1, 2), [-1.0, 2.0], [-1.1, 2.1]),
    "triangular": (pm.Triangular.dist(lower=0, upper=2, c=0.5), [0.0, 2.0], [-0.1, 2.1]),
    "pareto": (pm.Pareto.dist(3, 1), [1.0, 9.0], [0.9]),
    "truncated_normal": (pm.TruncatedNormal.dist(0, 1, lower=-1), [-1.0, 9.0], [-1.1]),
    "truncation_wider_than_support": (
        pm.Truncated.dist(pm.Gamma.dist(2, 1), lower=-1, upper=3),
        [0.0, 3.0],
        [-0.5, 3.1],
    ),
    "censored": (pm.Censored.dist(pm.Normal.dist(), lower=-1, upper=None), [-1.0, 5.0], [-1.1]),
    "von_mises": (pm.VonMises.dist(0, 1), [-np.pi, np.pi], [-3.2, 3.2]),
    "two_sided_mixture": (
        pm.Mixture.dist([0.5, 0.5], [pm.Uniform.dist(-2, -1), pm.Uniform.dist(1, 2)]),
        [-1.5, 1.5],
        [-2.5, 0.0, 2.5],
    ),
    "custom": (
        pm.CustomDist.dist(logp=lambda value: pt.switch(value > 1, -value, -np.inf)),
        [1.5],
        [0.5],
    ),
    "custom_not_a_number": (
        pm.CustomDist.dist(logp=lambda value: pt.log(value) - value),
        [0.5],
        [-0.5, np.nan],
    ),
    "dirichlet": (
        pm.Dirichlet.dist([1.0, 2.0, 3.0]),
        [[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]],
        [[0.2, 0.3, 0.6], [-0.1, 0.6, 0.5]],
    ),
    "zero_sum": (pm.ZeroSumNormal.dist(1, shape=3), [[1e6, 0.0, -1e6]], [[1.0, 0.0, -0.9]]),
    "lkj_cholesky_cov": (
        pm.LKJCholeskyCov.dist(2, 2, pm.Exponential.dist(1), compute_corr=False),
        [[1.0, -3.0, 2.0], [0.0, 1.0, 0.0]],
        [[-1.0, 0.0, 1.0], [1.0, 0.0, -1.0]],
    ),
    "lkj_corr": (
        pm.LKJCorr.dist(n=2, eta=2),
        [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [-1.0, 0.0]]],
        [[[1.0, 0.0], [0.6, 0.9]], [[1.0, 0.0], [0.6, -0.8]], [[0.6, 0.8], [0.6, 0.8]]],
    ),
    "wishart": (
        pm.Wishart.dist(nu=4, V=SYMMETRIC),
        [[[1.0, 0.9], [0.9, 1.0]]],
        [[[1.0, 1.1], [1.1, 1.0]]],
    ),
    "increasing_random_walk": (
        pm.RandomWalk.dist(
            init_dist=pm.Normal.dist(), innovation_dist=pm.Exponential.dist(1), steps=2
        ),
        [[-1.0, 0.0, 2.0]],
        [[0.0, 2.0, 1.0]],
    ),
    "bernoulli": (pm.Bernoulli.dist(0.9), [0, 1], [-1, 2]),
    "binomial": (pm.Binomial.dist(3, 0.9), [0, 3], [-1, 4]),
    "categorical": (pm.Categorical.dist([0.1, 0.9]), [0, 1], [-1, 2]),
    "discrete_uniform": (pm.DiscreteUniform.dist(2, 4), [2, 4], [1, 5]),
    "hypergeometric": (pm.HyperGeometric.dist(N=5, k=3, n=4), [2, 3], [1, 4]),
    "poisson": (pm.Poisson.dist(3), [0, 10**6], [-1]),
    "geometric": (pm.Geometric.dist(0.3), [1, 9], [0]),
    "multinomial": (pm.Multinomial.dist(3, [0.2, 0.8]), [[1, 2], [3, 0]], [[1, 1], [4, -1]]),
}


@pytest.mark.parametrize("name", WITHIN_AND_WITHOUT)
def test_log_density_is_zero_on_the_closed_support_and_minus_infinity_off_it(name: str) -> None:
    rv, within, without = WITHIN_AND_WITHOUT[name]
    model = pm.Model()
    model.register_rv(rv, "x", default_transform=None)
    flat = flat_priors(model)["x"]
    value = rv.type()
    log_density = pytensor.function([value], pm.logp(flat, value), mode=PY)
    for point in within:
        assert log_density(point) == 0.0, f"{point} is in the support"
    for point in without:
        assert log_density(point) == -np.inf, f"{point} is not in the support"


def test_gradient_of_the_flat_density_is_zero_even_where_the_prior_has_none() -> None:
    # d/dx log Beta(x; 1/2, 1/2) is infinite at 0, and a CustomDist's may be NaN.
    with pm.Model() as model:
        pm.Beta("edge", 0.5, 0.5, default_transform=None)
        pm.CustomDist("custom", logp=lambda value: pt.sqrt(value) - value)
        pm.HalfNormal("sigma", default_transform=None)
    gradient = flat_priors(model).compile_dlogp(jacobian=False, mode=PY)
    np.testing.assert_array_equal(gradient({"edge": 0.0, "custom": 0.0, "sigma": 0.0}), np.zeros(3))


@pytest.fixture
def regression() -> pm.Model:
    with pm.Model(coords={"obs": range(4), "predictor": ["age", "sex"]}) as model:
        x = pm.Data(
            "x",
            np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]),
            dims=("obs", "predictor"),
        )
        y = pm.Data("y", np.array([1.0, 2.0, 2.5, 4.0]), dims="obs")
        sigma = pm.HalfNormal("sigma", 2)
        slab = pm.Uniform("slab", 0, 1 + sigma)
        beta = pm.Normal("beta", 0, sigma, dims="predictor")
        mu = pm.Deterministic("mu", x @ beta + slab, dims="obs")
        pm.Potential("penalty", -(beta.sum() ** 2))
        pm.Normal("outcome", mu, sigma, observed=y, dims="obs")
    return model


def test_names_dims_coords_data_and_text_are_kept(regression: pm.Model) -> None:
    flat = flat_priors(regression)
    assert list(flat.named_vars) == list(regression.named_vars)
    for group in ("free_RVs", "observed_RVs", "deterministics", "potentials", "data_vars"):
        assert [v.name for v in getattr(flat, group)] == [
            v.name for v in getattr(regression, group)
        ]
    assert flat.named_vars_to_dims == regression.named_vars_to_dims
    assert flat.coords == regression.coords
    assert [v.name for v in flat.value_vars] == ["sigma_log__", "slab_interval__", "beta"]
    assert r"\text{Flat on the support of }\operatorname{HalfNormal}(0" in flat.str_repr("latex")
    assert flat.str_repr().splitlines()[2:5] == [
        "  sigma ~ Flat on the support of HalfNormal(0, 2)",
        "   slab ~ Flat on the support of Uniform(0, f(sigma))",
        "   beta ~ Flat on the support of Normal(0, sigma)",
    ]


def test_the_original_is_left_alone(regression: pm.Model) -> None:
    text, start = regression.str_repr(), regression.initial_point()
    flat = flat_priors(regression)
    flat["y"].set_value(np.zeros(4))
    assert regression.str_repr() == text
    np.testing.assert_array_equal(regression["y"].get_value(), [1.0, 2.0, 2.5, 4.0])
    for name, value in regression.initial_point().items():
        np.testing.assert_array_equal(value, start[name])


def test_data_of_the_flat_model_can_be_replaced(regression: pm.Model) -> None:
    flat = flat_priors(regression)
    new = {"x": np.ones((2, 2)), "y": np.array([0.5, -2.0])}
    with flat:
        pm.set_data(new, coords={"obs": [10, 11]})
    point = flat.initial_point()
    loglik = flat.compile_logp(vars=flat.observed_RVs, jacobian=False, mode=PY)(point)
    # sigma starts at 2 (its scale), slab at (1 + 2) / 2 and beta at 0: mu = 3/2 twice.
    residuals = (new["y"] - 1.5) / 2
    expected = -0.5 * residuals @ residuals - 2 * np.log(2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(loglik, expected, rtol=1e-13)


def test_support_that_depends_on_another_parameter_stays() -> None:
    with pm.Model() as model:
        a = pm.Uniform("a", 0, 1)
        pm.Uniform("b", 0, 1 - a, default_transform=None)
    logp = flat_priors(model).compile_logp(jacobian=False, mode=PY)
    half = {"a_interval__": 0.0}  # a = 1/2
    assert logp({**half, "b": 0.4}) == 0.0
    assert logp({**half, "b": 0.6}) == -np.inf


def test_var_names_flattens_those_only(regression: pm.Model) -> None:
    point = regression.initial_point()
    flat = flat_priors(regression, var_names="sigma")
    old = regression.logp(vars=regression.free_RVs, jacobian=False, sum=False)
    new = flat.logp(vars=flat.free_RVs, jacobian=False, sum=False)
    [old_values], [new_values] = (
        _evaluate(regression, old, [point]),
        _evaluate(flat, new, [point]),
    )
    assert new_values[0] == 0.0
    np.testing.assert_allclose(new_values[1], old_values[1])
    np.testing.assert_allclose(new_values[2], old_values[2])
    both = flat_priors(flat, var_names=["sigma", "beta"])  # flat already, or not: no matter
    assert "sigma ~ Flat on the support of HalfNormal(0, 2)" in both.str_repr()
    assert "beta ~ Flat on the support of Normal(0, sigma)" in both.str_repr()
    assert "slab ~ Uniform(0, f(sigma))" in both.str_repr()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("outcome", "'outcome' in var_names is an observed variable, which has a likelihood"),
        ("mu", "'mu' in var_names is a Deterministic"),
        ("penalty", "'penalty' in var_names is a Potential"),
        ("x", "'x' in var_names is data"),
        ("gamma", "'gamma' in var_names is not a variable of the model"),
    ],
)
def test_names_that_are_not_free_variables(regression: pm.Model, name: str, what: str) -> None:
    with pytest.raises(ModelError) as error:
        flat_priors(regression, var_names=["sigma", name])
    assert str(error.value).startswith(what)
    assert str(error.value).endswith("The free variables are: sigma, slab, beta.")


def test_not_a_model() -> None:
    with pytest.raises(ModelError, match=r"flat_priors needs a pymc\.Model, got str"):
        flat_priors("coin")  # type: ignore[arg-type]


def test_the_model_of_the_context() -> None:
    with pm.Model():
        pm.Normal("a")
        assert flat_priors().str_repr() == "a ~ Flat on the support of Normal(0, 1)"


def test_a_nested_model() -> None:
    with pm.Model(name="outer") as outer:
        pm.Normal("a")
        with pm.Model(name="inner") as inner:
            pm.HalfNormal("b")
    with pytest.raises(ModelError, match=r"'inner' is nested .* Pass the outermost model"):
        flat_priors(inner)
    assert [rv.name for rv in flat_priors(outer).free_RVs] == ["outer::a", "outer::inner::b"]


def test_a_prior_without_a_density() -> None:
    with pm.Model() as model:
        pm.Normal("a")
        pm.CustomDist("b", random=lambda rng, size: rng.normal(size=size))
    with pytest.raises(ModelError, match=r"prior of 'b' cannot be made flat: PyMC has no log dens"):
        flat_priors(model)
    assert "b ~ CustomDist_b" in flat_priors(model, var_names="a").str_repr()


def test_a_measurable_expression_as_prior() -> None:
    model = pm.Model()
    model.register_rv(pt.exp(pm.Normal.dist()), "x", initval=2.0)
    logp = flat_priors(model).compile_logp(mode=PY)
    assert (logp({"x": 2.0}), logp({"x": -2.0})) == (0.0, -np.inf)


def test_initial_values_come_along() -> None:
    with pm.Model() as model:
        scale = pm.Data("scale", 3.0)
        pm.Normal("a", initval=0.25)
        pm.HalfNormal("b", initval=scale * 2)
        pm.Normal("c", 7.0, initval="prior")
        pm.Normal("d", shape=2, initval=[1.0, -1.0])
    flat = flat_priors(model)
    start = flat.initial_point()
    assert (start["a"], start["b_log__"], start["c"]) == (0.25, np.log(6.0), 7.0)
    np.testing.assert_array_equal(start["d"], [1.0, -1.0])
    flat["scale"].set_value(5.0)
    assert flat.initial_point()["b_log__"] == np.log(10.0)


def test_nothing_can_be_drawn_from_a_flat_prior() -> None:
    with pm.Model() as model:
        pm.Normal("a")
    with pytest.raises(NotImplementedError, match="Cannot draw from Flat on the support of Normal"):
        pm.draw(flat_priors(model)["a"], mode=PY)


def test_a_search_can_start_from_draws_of_the_old_prior() -> None:
    with pm.Model(coords={"g": range(2), "k": range(3)}) as model:
        a = pm.Normal("a", 5.0, 1e-3)
        pm.Normal("b", 2 * a, 1e-3)
        pmd.Normal("c", pmd.as_xtensor([1.0, 2.0], dims=("g",)), 1e-3, dims=("g", "k"))
    flat = flat_priors(model)
    draws = pm.draw(with_old_priors([flat[name] for name in "abc"]), mode=PY, random_seed=3)
    np.testing.assert_allclose(draws[0], 5.0, atol=0.01)
    np.testing.assert_allclose(draws[1], 10.0, atol=0.02)
    np.testing.assert_allclose(draws[2], [[1.0] * 3, [2.0] * 3], atol=0.01)
    assert flat.str_repr().startswith("a ~ Flat on the support of")  # the model stays flat


def test_flat_and_half_flat_stay_as_they_are() -> None:
    with pm.Model() as model:
        pm.Flat("a")
        pm.HalfFlat("b")
    assert flat_priors(model).str_repr() == "a ~ Flat()\nb ~ HalfFlat()"


def test_discrete_variables_are_flat_as_well() -> None:
    with pm.Model() as model:
        z = pm.Bernoulli("z", 0.9)
        pm.Normal("y", z, 1, observed=[0.2])
    flat = flat_priors(model)
    logp = flat.compile_logp(vars=flat.free_RVs, mode=PY)
    assert [logp({"z": z}) for z in (0, 1, 2)] == [0.0, 0.0, -np.inf]


@pytest.mark.filterwarnings("ignore::pymc.exceptions.ImputationWarning")
def test_imputed_values_are_flat_and_the_observed_ones_keep_their_density() -> None:
    with pm.Model() as model:
        scale = pm.HalfNormal("scale")
        pm.Normal("x", 0, scale, observed=np.array([1.0, np.nan, 2.0]))
        pm.HalfCauchy("h", scale, observed=np.array([1.0, np.nan, 2.0]))
        pm.MvNormal("v", np.zeros(2), SYMMETRIC, observed=np.array([1.0, np.nan]))
    flat = flat_priors(model)
    point = {
        "scale_log__": 0.3,
        "x_unobserved": [0.7],
        "h_unobserved": [0.4],
        "v_unobserved": [0.1],
    }
    [old], [new] = (_evaluate(m, m.logp(jacobian=False, sum=False), [point]) for m in (model, flat))
    *priors, x, h, v = new
    for prior in priors:
        np.testing.assert_array_equal(prior, 0.0)
    np.testing.assert_allclose(x, old[-3])
    np.testing.assert_allclose(h, old[-2])
    np.testing.assert_allclose(v, old[-1])
    outside = {**point, "h_unobserved": [-0.4]}
    assert flat.compile_logp(jacobian=False, mode=PY)(outside) == -np.inf


def test_pymc_dims() -> None:
    with pm.Model(coords={"g": range(3), "k": range(4)}) as model:
        scale = pmd.as_xtensor([1.0, 2.0, 3.0], dims=("g",))
        a = pmd.Normal("a", 0, 1, dims=("k", "g"))
        b = pmd.HalfNormal("b", scale, dims=("g", "k"))  # dims in another order than made
        w = pmd.Dirichlet("w", scale, core_dims="g", dims=("g", "k"))
        u = pmd.Uniform("u", -1, 3, dims="k", default_transform=None)
        pmd.Normal("y", (a * b + w + u).sum("k"), 1, observed=scale)
    flat = flat_priors(model)
    start = model.initial_point()
    for name, value in flat.initial_point().items():
        np.testing.assert_array_equal(value, start[name])
    [(likelihood, jacobian, *priors)] = _evaluate(flat, _terms(flat), [start])
    [(old_likelihood, old_jacobian, *_)] = _evaluate(model, _terms(model), [start])
    np.testing.assert_allclose(likelihood, old_likelihood)
    np.testing.assert_allclose(jacobian, old_jacobian)
    assert [np.shape(prior) for prior in priors] == [(4, 3), (3, 4), (4,), (4,)]
    for prior in priors:
        np.testing.assert_array_equal(prior, 0.0)
    outside = {**start, "u": np.full(4, 3.5)}
    assert flat.compile_logp(mode=PY)(outside) == -np.inf


def test_other_transforms_of_the_model_still_apply(regression: pm.Model) -> None:
    flat = flat_priors(regression)
    start = flat.initial_point()
    expected = flat.compile_logp(mode=PY)(start)
    for other in (freeze_dims_and_data(flat), freeze_model(flat)):
        np.testing.assert_allclose(other.compile_logp(mode=PY)(start), expected, rtol=1e-13)
    # Without transforms it is the prior alone that says where the support ends.
    bare = flat_priors(remove_value_transforms(regression))
    logp = bare.compile_logp(jacobian=False, mode=PY)
    inside = {"sigma": 2.0, "slab": 1.5, "beta": np.zeros(2)}
    np.testing.assert_allclose(
        logp(inside), flat.compile_logp(jacobian=False, mode=PY)(start), rtol=1e-13
    )
    assert logp({**inside, "slab": 3.1}) == -np.inf
    assert logp({**inside, "sigma": -2.0, "slab": 0.0}) == -np.inf


def test_find_map_of_the_flat_model_is_the_maximum_likelihood_estimate() -> None:
    with pm.Model() as coin:
        theta = pm.Beta("theta", 2, 9)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    # Two heads in three tosses: theta = 2/3, whatever the prior.
    point = pm.find_MAP(
        model=flat_priors(coin),
        progressbar=False,
        return_inferencedata=True,
        jitter=False,
        compile_kwargs={"mode": PY},
    )
    np.testing.assert_allclose(float(point["posterior"]["theta"].squeeze()), 2 / 3, atol=1e-5)


def test_sampling_the_flat_model() -> None:
    with pm.Model() as coin:
        theta = pm.Beta("theta", 2, 9)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    flat = flat_priors(coin)
    trace = pm.sample(
        model=flat, draws=400, tune=400, chains=2, cores=1, random_seed=1, progressbar=False
    )
    # A flat prior on [0, 1] is Beta(1, 1), so the posterior is Beta(3, 2): mean 3/5, sd 1/5.
    draws = trace["posterior"]["theta"]
    mcse = float(az.mcse(draws, method="mean"))
    assert abs(float(draws.mean()) - 0.6) < 4 * mcse
    predictive = pm.sample_posterior_predictive(trace, model=flat, progressbar=False, random_seed=1)
    assert predictive["posterior_predictive"]["tosses"].shape == (2, 400, 3)
