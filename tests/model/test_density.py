"""LogDensity against PyMC's own log densities, its derivatives against differences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.distributions.transforms import ordered
from pymc.exceptions import ImputationWarning
from pytensor import wrap_py
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from scipy import stats

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.evaluation import widest
from bayes_point.model.density.inputs import weight_of
from bayes_point.model.variables.flat_priors import flat_priors

# Nothing of the package's own mode: the reference is the graph as PyMC wrote it.
PLAIN = Mode("py", "fast_compile")
Y = np.array([4.1, 5.3, 3.8, 6.0, 4.9, 5.5])

# ---------------------------------------------------------------------------------- models


def scalars() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 1, 2)
        sigma = pm.HalfNormal("sigma", 3)
        nu = pm.Gamma("nu", 2, 0.1)
        p = pm.Beta("p", 2, 3)
        u = pm.Uniform("u", -1, 4)
        pm.StudentT("y", nu=nu, mu=mu + p * u, sigma=sigma, observed=Y)
    return model


def grid() -> pm.Model:
    coords = {"group": ["a", "b"], "year": [2001, 2002, 2005], "obs": range(6)}
    with pm.Model(coords=coords) as model:
        beta = pm.Normal("beta", 0, 1, dims=("group", "year"))
        tau = pm.Exponential("tau", 1, dims="group")
        pm.Deterministic("total", beta.sum(axis=0), dims="year")
        free = pm.Normal("free", 0, 1, shape=2)
        mu = beta[[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]] + free.sum()
        pm.Normal("y", mu, tau[[0, 0, 0, 1, 1, 1]], observed=Y, dims="obs")
    return model


def simplexes() -> pm.Model:
    with pm.Model(coords={"part": ["x", "y", "z"], "row": [1, 2]}) as model:
        share = pm.Dirichlet("share", np.array([1.0, 2.0, 3.0]), dims="part")
        shares = pm.Dirichlet("shares", np.ones((2, 3)), dims=("row", "part"))
        pm.Multinomial("counts", 9, 0.5 * share + 0.5 * shares, observed=[[2, 3, 4], [5, 4, 0]])
    return model


def lkj_covariance() -> pm.Model:
    data = np.array([[0.3, 1.2], [-0.7, 0.4], [1.1, -0.2]])
    with pm.Model() as model:
        chol, *_ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.HalfNormal.dist(1, shape=2))
        mu = pm.Normal("mu", 0, 1, shape=2)
        pm.MvNormal("y", mu, chol=chol, observed=data)
    return model


def lkj_correlation() -> pm.Model:
    data = np.array([[0.3, 1.2, 0.1], [-0.7, 0.4, 0.6], [1.1, -0.2, 0.5]])
    with pm.Model() as model:
        corr = pm.LKJCorr("corr", n=3, eta=1.5)
        pm.MvNormal("y", np.zeros(3), cov=corr, observed=data)
    return model


def ordered_cutpoints() -> pm.Model:
    with pm.Model(coords={"level": ["low", "mid", "high"]}) as model:
        start = np.array([-1.0, 0.0, 1.0])
        cut = pm.Normal("cut", 0, 2, dims="level", transform=ordered, initval=start)
        slope = pm.Normal("slope", 0, 1)
        pm.OrderedLogistic("grade", eta=slope * Y, cutpoints=cut, observed=[0, 1, 1, 3, 2, 3])
    return model


def zero_sum() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"]}) as model:
        effect = pm.ZeroSumNormal("effect", 1.5, dims="group")
        pm.Normal("y", 5 + effect[[0, 0, 1, 1, 2, 2]], 1, observed=Y)
    return model


def labelled_dims() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"], "obs": range(6)}) as model:
        index = pmd.Data("index", [0, 0, 1, 1, 2, 2], dims="obs")
        mu = pmd.Normal("mu", 0, 1)
        tau = pmd.HalfNormal("tau", 1)
        effect = pmd.Normal("effect", mu, tau, dims="group")
        pmd.Normal("y", effect.isel(group=index), 1, observed=pmd.as_xtensor(Y, dims="obs"))
    return model


def autoregression() -> pm.Model:
    with pm.Model() as model:
        rho = pm.Normal("rho", 0, 0.5, shape=3)
        sigma = pm.HalfNormal("sigma", 1)
        start = pm.Normal.dist(0, 2, shape=2)
        pm.AR("y", rho, sigma=sigma, constant=True, init_dist=start, observed=Y)
    return model


def garch() -> pm.Model:
    with pm.Model() as model:
        omega = pm.HalfNormal("omega", 1)
        alpha = pm.Beta("alpha", 1, 2)
        beta = pm.Uniform("beta", 0, 1 - alpha)
        pm.GARCH11("y", omega, alpha, beta, initial_vol=1.0, observed=Y - Y.mean())
    return model


def random_walk() -> pm.Model:
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1)
        level = pm.GaussianRandomWalk("level", sigma=sigma, init_dist=pm.Normal.dist(5, 1), steps=5)
        pm.Poisson("y", pm.math.exp(0.2 * level), observed=Y.astype(int))
    return model


def covariance() -> pm.Model:
    time = np.arange(6.0)
    with pm.Model() as model:
        scale = pm.InverseGamma("scale", 3, 4)
        noise = pm.HalfNormal("noise", 1)
        cov = pt.exp(-0.5 * (time[:, None] - time) ** 2 / scale**2) + noise**2 * np.eye(6)
        pm.MvNormal("y", 5 * np.ones(6), cov=cov, observed=Y)
    return model


def mixture() -> pm.Model:
    with pm.Model(coords={"part": [0, 1]}) as model:
        w = pm.Dirichlet("w", np.ones(2), dims="part")
        mu = pm.Normal("mu", 5, 1, dims="part", transform=ordered, initval=np.array([4.0, 6.0]))
        sd = pm.HalfNormal("sd", 1, dims="part")
        pm.NormalMixture("y", w, mu, sd, observed=Y)
    return model


def censored() -> pm.Model:
    with pm.Model() as model:
        alpha = pm.HalfNormal("alpha", 2)
        beta = pm.LogNormal("beta", 1.5, 1)
        life = pm.Weibull.dist(alpha, beta)
        pm.Censored("y", life, lower=None, upper=5.3, observed=np.minimum(Y, 5.3))
        mu = pm.Normal("mu", 5, 1)
        pm.Truncated("z", pm.Normal.dist(mu, 1), lower=3.0, upper=7.0, observed=Y)
    return model


def potentials() -> pm.Model:
    with pm.Model() as model:
        a = pm.Flat("a")
        b = pm.HalfFlat("b")
        pm.Potential("soft", -0.5 * (a - b) ** 2)
        pm.Potential("softer", -0.1 * b * np.ones(3))
        pm.Deterministic("ratio", a / b)
        pm.Normal("y", a, b, observed=Y)
    return model


def imputed() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 5, 1)
        with pytest.warns(ImputationWarning):
            pm.Gamma("y", mu=pm.math.exp(0.3 * mu), sigma=2, observed=[4.1, np.nan, 3.8, np.nan])
    return model


def angles() -> pm.Model:
    with pm.Model() as model:
        mu = pm.VonMises("mu", 0.5, 2)
        kappa = pm.TruncatedNormal("kappa", 1, 2, lower=0.5, upper=9)
        pm.VonMises("y", mu, kappa, observed=[0.3, -1.2, 2.9])
    return model


def categories() -> pm.Model:
    with pm.Model() as model:
        logit = pm.Normal("logit", 0, 1, shape=(2, 3))
        pm.Categorical("k", logit_p=logit, observed=[0, 2])
        theta = pm.Normal("theta", 0, 1)
        pm.Binomial("b", 7, logit_p=theta, observed=[3, 7])
        pm.NegativeBinomial("c", mu=pm.math.exp(theta), alpha=1.5, observed=[0, 4])
    return model


def hand_written() -> pm.Model:
    def logp(value: pt.TensorVariable, rate: pt.TensorVariable) -> pt.TensorVariable:
        return pt.log(rate) - rate * value

    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.CustomDist("y", rate, logp=logp, observed=Y)
    return model


MODELS = (
    scalars,
    grid,
    simplexes,
    lkj_covariance,
    lkj_correlation,
    ordered_cutpoints,
    zero_sum,
    labelled_dims,
    autoregression,
    garch,
    random_walk,
    covariance,
    mixture,
    censored,
    potentials,
    imputed,
    angles,
    categories,
    hand_written,
)
Build = Callable[[], pm.Model]


def over(builds: Sequence[Build], slow: Sequence[Build] = ()) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "build",
        [pytest.param(b, marks=[pytest.mark.slow] * (b in slow)) for b in builds],
        ids=[b.__name__ for b in builds],
    )


@cache
def prepared(build: Build) -> tuple[pm.Model, LogDensity, np.ndarray]:
    """A model, its density, and four points about its initial one."""
    model = build()
    density = LogDensity(model)
    centre = np.concatenate([np.ravel(value) for value in initial(model).values()])
    rng = np.random.default_rng(5)
    return model, density, centre + 0.4 * rng.standard_normal((4, density.p))


def initial(model: pm.Model) -> dict[str, np.ndarray]:
    """The initial point by value variable, in the order in which the model declares them."""
    with pytensor.config.change_flags(cxx=""):
        point = model.initial_point()
    return {name: point[name] for name in (model.rvs_to_values[rv].name for rv in model.free_RVs)}


def as_point(model: pm.Model, x: np.ndarray) -> dict[str, np.ndarray]:
    """The flat vector as PyMC's dict of value variables."""
    point, start = {}, 0
    for name, value in initial(model).items():
        size = np.size(value)
        point[name] = x[start : start + size].reshape(np.shape(value))
        start += size
    assert start == x.size
    return point


def compiled(model: pm.Model, graphs: list) -> Callable[[dict[str, np.ndarray]], list]:
    """Graphs of the value variables as a function of PyMC's dict of them."""
    with pytensor.config.change_flags(cxx=""):
        return model.compile_fn(
            graphs, inputs=model.value_vars, mode=PLAIN, on_unused_input="ignore"
        )


def differences(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Derivative of f(batch, p) -> (batch, ...) at x, (p,): error of order h^4, shape (p, ...)."""
    h = 1e-3 * (1 + np.abs(x))
    steps = np.diag(h)
    near, far = f(x + steps) - f(x - steps), f(x + 2 * steps) - f(x - 2 * steps)
    return (8 * near - far) / (12 * h.reshape(-1, *[1] * (near.ndim - 1)))


# ---------------------------------------------------------------------- values and derivatives


@over(MODELS, slow=[lkj_correlation])
def test_terms_are_those_of_pymc(build: Build) -> None:
    model, density, x = prepared(build)
    wanted = {"likelihood": model.observed_RVs, "prior": model.free_RVs}
    if model.potentials:
        wanted["potential"] = model.potentials
    assert density.terms == tuple(wanted)
    own = compiled(model, [model.logp(vars=v, jacobian=False) for v in wanted.values()])
    values, _ = density.evaluate(x, density.terms)
    for row, value in zip(x, values, strict=True):
        expected = own(as_point(model, row))
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(density.log_likelihood(x), values[:, 0])
    np.testing.assert_array_equal(density.log_prior(x), values[:, 1])


@over([simplexes, ordered_cutpoints, zero_sum, angles])
def test_jacobian_is_that_of_pymc(build: Build) -> None:
    model, density, x = prepared(build)
    free = model.free_RVs
    own = compiled(model, [model.logp(vars=free, jacobian=jacobian) for jacobian in (True, False)])
    values, gradients = density.evaluate(x, ("jacobian",))
    for row, value in zip(x, values, strict=True):
        with_it, without = own(as_point(model, row))
        np.testing.assert_allclose(value, [with_it - without], rtol=1e-12, atol=1e-12)
    expected = differences(lambda batch: density.evaluate(batch, ("jacobian",))[0], x[0])
    np.testing.assert_allclose(gradients[0].T, expected, rtol=1e-7, atol=1e-7)


@over(MODELS, slow=[lkj_correlation])
def test_gradients_are_those_of_the_values(build: Build) -> None:
    _, density, x = prepared(build)
    terms = density.terms
    _, gradients = density.evaluate(x, terms)
    for row, gradient in zip(x, gradients, strict=True):
        expected = differences(lambda batch: density.evaluate(batch, terms)[0], row)
        np.testing.assert_allclose(gradient.T, expected, rtol=1e-7, atol=1e-7)


@over(MODELS, slow=[lkj_correlation])
def test_hessians_are_those_of_the_gradients(build: Build) -> None:
    _, density, x = prepared(build)
    terms = density.terms
    hessians = density.hessian(x[:2], terms)
    assert hessians.shape == (2, len(terms), density.p, density.p)
    np.testing.assert_array_equal(hessians, hessians.swapaxes(-1, -2))
    for row, hessian in zip(x[:2], hessians, strict=True):
        expected = differences(lambda batch: density.evaluate(batch, terms)[1], row)
        np.testing.assert_allclose(
            hessian, np.moveaxis(expected, 0, -1), rtol=1e-7, atol=1e-7 * np.abs(expected).max()
        )
    v = np.random.default_rng(2).standard_normal((2, density.p))
    product = density.hessian_product(x[:2], v, terms)
    expected = np.einsum("btpq,bq->btp", hessians, v)
    np.testing.assert_allclose(product, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


@over([grid, potentials, garch], slow=[garch])
def test_the_loop_over_rows_gives_the_same(build: Build) -> None:
    model, density, x = prepared(build)
    assert density.functions.is_vectorised
    loop = LogDensity(model)
    loop.functions.is_vectorised = False
    for got, expected in zip(
        loop.evaluate(x, density.terms), density.evaluate(x, density.terms), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    got, expected = loop.hessian(x, density.terms), density.hessian(x, density.terms)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    natural = density.natural(x)
    for name, value in loop.natural(x).items():
        np.testing.assert_allclose(value, natural[name], rtol=1e-14)


def test_an_op_that_cannot_be_vectorised_is_looped_over() -> None:
    class Half(Op):
        """x / 2, of vectors only: told to be a batched Op, it raises."""

        def make_node(self, x: pt.TensorVariable) -> Apply:
            if x.type.ndim != 1:
                raise TypeError("Half is of vectors")
            return Apply(self, [x], [x.type()])

        def perform(self, node: Apply, inputs: list, outputs: list) -> None:
            outputs[0][0] = inputs[0] / 2

        def pullback(self, inputs: list, outputs: list, cotangents: list) -> list:
            return [cotangents[0] / 2]

    @_vectorize_node.register(Half)
    def refuse(op: Half, node: Apply, *batched: pt.TensorVariable) -> Apply:
        raise NotImplementedError

    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=2)
        pm.Normal("y", Half()(mu), 1, observed=[1.0, 2.0])
    density = LogDensity(model)
    assert not density.functions.is_vectorised
    x = np.array([[0.0, 1.0], [3.0, -1.0], [2.0, 4.0]])
    values, gradients = density.evaluate(x, ("likelihood",))
    expected = stats.norm(x / 2, 1).logpdf([1.0, 2.0]).sum(axis=1)
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-13)
    np.testing.assert_allclose(gradients[:, 0], (np.array([1.0, 2.0]) - x / 2) / 2, rtol=1e-13)
    hessians = density.hessian(x, ("likelihood",))[:, 0]
    np.testing.assert_allclose(hessians, np.tile(-np.eye(2) / 4, (3, 1, 1)), rtol=1e-13)
    np.testing.assert_array_equal(density.natural(x)["mu"], x)


# ------------------------------------------------------------------------------ rows of a batch


@pytest.mark.parametrize("vectorised", [True, False])
def test_what_does_not_depend_on_the_parameters(vectorised: bool) -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Deterministic("three", pt.as_tensor([3.0, 3.0, 3.0]))
        pm.Potential("two", pt.as_tensor(2.0))
        pm.Normal("y", mu, 1, observed=0.0)
    density = LogDensity(model)
    if vectorised:
        assert density.functions.is_vectorised
    else:
        density.functions.is_vectorised = False
    x, terms = np.array([[0.0], [1.0]]), ("prior", "potential", "jacobian")
    values, gradients = density.evaluate(x, terms)
    np.testing.assert_array_equal(values, [[0, 2, 0]] * 2)
    np.testing.assert_array_equal(gradients, np.zeros((2, 3, 1)))
    np.testing.assert_array_equal(density.hessian(x, terms), np.zeros((2, 3, 1, 1)))
    np.testing.assert_array_equal(density.natural(x)["three"], np.full((2, 3), 3.0))


@over([scalars, covariance, grid])
def test_a_bad_row_does_not_touch_the_others(build: Build) -> None:
    _, density, x = prepared(build)
    batch = np.vstack([x, np.full((1, density.p), np.nan), np.full((1, density.p), 900.0), x[:1]])
    good = [0, 1, 2, 3, 6]
    values, gradients = density.evaluate(batch, density.terms)
    expected_values, expected_gradients = density.evaluate(batch[good], density.terms)
    np.testing.assert_allclose(values[good], expected_values, rtol=1e-13)
    np.testing.assert_allclose(gradients[good], expected_gradients, rtol=1e-12, atol=1e-12)
    assert not np.isfinite(values[4:6]).any()
    np.testing.assert_array_equal(values[0], values[6])


@pytest.mark.parametrize("vectorised", [True, False])
def test_a_singular_matrix_is_a_row_of_nan(vectorised: bool) -> None:
    with pm.Model() as model:
        a = pm.Flat("a")
        # The inverse of [[a, 1], [1, a]] has a / (a^2 - 1) on its diagonal; none exists at a = 1.
        pm.Potential("corner", pt.linalg.inv(pt.stacklists([[a, 1.0], [1.0, a]]))[0, 0])
        pm.Normal("y", a, 1, observed=0.0)
    density = LogDensity(model)
    if vectorised:
        assert density.functions.is_vectorised
    else:
        density.functions.is_vectorised = False
    x, terms = np.array([[2.0], [1.0], [3.0]]), ("potential", "likelihood")
    values, gradients = density.evaluate(x, terms)
    np.testing.assert_allclose(values[:, 0], [2 / 3, np.nan, 3 / 8], rtol=1e-14)
    # d/da a / (a^2 - 1) = -(a^2 + 1) / (a^2 - 1)^2
    np.testing.assert_allclose(gradients[:, 0, 0], [-5 / 9, np.nan, -10 / 64], rtol=1e-14)
    # d2/da2 = 2 a (a^2 + 3) / (a^2 - 1)^3
    hessians = density.hessian(x, terms)[[0, 2], 0, 0, 0]
    np.testing.assert_allclose(hessians, [28 / 27, 72 / 512], rtol=1e-7)
    # Alone, or with others of its kind, it is the same.
    for rows in ([1], [1, 1]):
        alone, slopes = density.evaluate(x[rows], terms)
        assert alone.shape == (len(rows), 2)
        assert slopes.shape == (len(rows), 2, 1)
        assert np.isnan(alone[:, 0]).all()
        assert np.isnan(slopes[:, 0]).all()


@pytest.mark.parametrize("vectorised", [True, False])
def test_a_parameter_outside_its_domain_is_density_zero(vectorised: bool) -> None:
    with pm.Model() as model:
        sigma = pm.Flat("sigma")
        pm.Normal("y", 5, sigma, observed=Y)
    density = LogDensity(model)
    if vectorised:
        assert density.functions.is_vectorised
    else:
        density.functions.is_vectorised = False
    values, gradients = density.evaluate(np.array([[1.0], [-1.0], [2.0]]), ("likelihood",))
    expected = [stats.norm(5, sd).logpdf(Y).sum() for sd in (1.0, 2.0)]
    np.testing.assert_allclose(values[[0, 2], 0], expected, rtol=1e-13)
    assert not np.isfinite(values[1, 0])
    # d/d sigma of the log-likelihood: -n / sigma + SS / sigma^3.
    ss = np.sum((Y - 5) ** 2)
    np.testing.assert_allclose(gradients[[0, 2], 0, 0], [-6 + ss, -3 + ss / 8], rtol=1e-13)


def test_chunks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    _, density, x = prepared(grid)
    whole = [
        *density.evaluate(x, density.terms),
        density.hessian(x, density.terms),
        *density.natural(x).values(),
    ]
    # Of 10 parameters and 6 data: two rows, then one row at a time.
    for elements in (20, 1):
        monkeypatch.setattr("bayes_point.model.density.evaluation._ELEMENTS_AT_ONCE", elements)
        pieces = [
            *density.evaluate(x, density.terms),
            density.hessian(x, density.terms),
            *density.natural(x).values(),
        ]
        for got, expected in zip(pieces, whole, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)


# ------------------------------------------------------------------------------- natural scale


@over(MODELS, slow=[lkj_correlation])
def test_natural_values_are_those_of_pymc(build: Build) -> None:
    model, density, x = prepared(build)
    natural = density.natural(x)
    names = [rv.name for rv in (*model.free_RVs, *model.deterministics)]
    assert list(natural) == names
    own = model.replace_rvs_by_values([model[name] for name in names])
    own = [pt.as_tensor(value, allow_xtensor_conversion=True) for value in own]
    function = compiled(model, own)
    for i, row in enumerate(x):
        for name, expected in zip(names, function(as_point(model, row)), strict=True):
            np.testing.assert_allclose(natural[name][i], expected, rtol=1e-13, err_msg=name)


@over([scalars, simplexes, ordered_cutpoints, angles, zero_sum])
def test_transforms_lead_back(build: Build) -> None:
    model, density, x = prepared(build)
    natural = density.natural(x)
    for i, row in enumerate(x):
        point = as_point(model, row)
        for rv in model.free_RVs:
            value, transform = natural[rv.name][i], model.rvs_to_transforms[rv]
            if transform is not None:
                value = transform.forward(pt.as_tensor(value), *rv.owner.inputs)
                with pytensor.config.change_flags(cxx=""):
                    value = value.eval(mode=PLAIN)
            expected = point[model.rvs_to_values[rv].name]
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=rv.name)


@over([scalars, grid, simplexes, lkj_covariance, ordered_cutpoints, zero_sum, labelled_dims])
def test_dataset_is_labelled_as_draws_are(build: Build) -> None:
    model, density, x = prepared(build)
    values = {name: value[0] for name, value in density.natural(x).items()}
    labelled = density.dataset(values)
    with pytensor.config.change_flags(cxx=""):
        prior = pm.sample_prior_predictive(
            2, model=model, random_seed=1, compile_kwargs={"mode": PLAIN}
        )["prior"].dataset
    assert set(labelled.data_vars) == set(prior.data_vars)
    for name, draws in prior.data_vars.items():
        assert labelled[name].dims == draws.dims[2:]
        np.testing.assert_array_equal(labelled[name].values, values[name])
        for dim in labelled[name].dims:
            np.testing.assert_array_equal(labelled[dim].values, prior[dim].values)


def test_labels_come_from_the_coords() -> None:
    _, density, _ = prepared(grid)
    names = [f"[{g}, {y}]" for g in "ab" for y in (2001, 2002, 2005)]
    assert density.labels == [
        *(f"beta{name}" for name in names),
        "tau_log__[a]",
        "tau_log__[b]",
        "free[0]",
        "free[1]",
    ]
    assert density.parameters == [
        *(f"beta{name}" for name in names),
        "tau[a]",
        "tau[b]",
        "free[0]",
        "free[1]",
    ]
    assert density.variables == ["beta"] * 6 + ["tau"] * 2 + ["free"] * 2
    assert density.p == 10
    assert density.elements("tau", np.array([3.0, 4.0])) == [("tau[a]", 3.0), ("tau[b]", 4.0)]
    assert density.elements("total", np.arange(3))[2] == ("total[2005]", 2)


def test_dims_of_another_length_are_left_out() -> None:
    # Bambi gives the dims of the categories to the thresholds between them.
    with pm.Model(coords={"category": list("abcd")}) as model:
        t = pm.Normal("t", dims="category")
        pm.Deterministic("steps", t[1:] - t[:-1], dims="category")
        pm.Normal("y", t, 1.0, observed=np.arange(4.0))
    values = {"t": np.array([[1.0, 2.0, 4.0, 7.0]]), "steps": np.array([[1.0, 2.0, 3.0]])}
    labelled = LogDensity(model).dataset(values, ["sample"])
    assert labelled["t"].dims == ("sample", "category")
    assert labelled["steps"].dims == ("sample", "steps_dim_0")
    assert labelled["steps"].values.tolist() == [[1.0, 2.0, 3.0]]


def test_labels_of_a_shape_that_the_transform_changes() -> None:
    _, density, _ = prepared(simplexes)
    assert density.labels == [
        "share_simplex__[0]",
        "share_simplex__[1]",
        *(f"shares_simplex__[{i}, {j}]" for i in (0, 1) for j in (0, 1)),
    ]
    # Behind each coordinate stands the whole simplex.
    assert density.parameters == ["share"] * 2 + ["shares"] * 4
    assert density.elements("share", np.array([0.2, 0.3, 0.5]))[0] == ("share[x]", 0.2)


@over([scalars, grid, simplexes, ordered_cutpoints, zero_sum, labelled_dims, imputed])
def test_flat_priors_keep_the_labels(build: Build) -> None:
    model, density, x = prepared(build)
    flat = LogDensity(flat_priors(model))
    assert flat.labels == density.labels
    assert flat.parameters == density.parameters
    assert flat.variables == density.variables
    np.testing.assert_allclose(flat.log_likelihood(x), density.log_likelihood(x), rtol=1e-13)


def test_the_vector_keeps_the_order_of_declaration() -> None:
    with pm.Model() as model:
        pm.Normal("zeta")
        pm.Normal("alpha")
        pm.Normal("mid", observed=0.0)
    assert LogDensity(model).labels == ["zeta", "alpha"]


# ------------------------------------------------------------------------------------- backends


@pytest.mark.parametrize(
    "backend",
    [
        "py",
        pytest.param("c", marks=pytest.mark.slow),
        pytest.param("numba", marks=pytest.mark.slow),
    ],
)
def test_backends_agree(backend: str) -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 3)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    x = np.array([[0.3], [-1.2]])
    density, other = LogDensity(model), LogDensity(model, backend=backend)
    for got, expected in zip(
        other.evaluate(x, other.terms), density.evaluate(x, density.terms), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(
        other.hessian(x, other.terms), density.hessian(x, density.terms), rtol=1e-12
    )
    np.testing.assert_allclose(other.natural(x)["theta"], density.natural(x)["theta"], rtol=1e-14)


# --------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("backend", ["julia", 3])
def test_unknown_backend(backend: Any) -> None:
    wanted = rf"Unknown backend {backend!r}\. Allowed are .*'numba', 'c'"
    with pytest.raises(ModelError, match=wanted):
        LogDensity(prepared(scalars)[0], backend=backend)


def test_a_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_point.model.interpreter.compiling.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="backend='jax' needs the package 'jax', which is not"):
        LogDensity(prepared(scalars)[0], backend="jax")


def test_a_model_without_free_variables() -> None:
    with pm.Model() as model:
        pm.Normal("y", observed=1.0)
    with pytest.raises(ModelError, match="no free variables, so there is nothing to estimate"):
        LogDensity(model)


def test_discrete_variables() -> None:
    with pm.Model() as model:
        k = pm.Poisson("k", 3)
        pm.Normal("y", k, observed=1.0)
    with pytest.raises(ModelError, match=r"\['k'\] are discrete.*Marginalise them out"):
        LogDensity(model)


@pytest.mark.parametrize("shape", [(5,), (1, 4), (2, 1, 5)])
def test_wrong_shape(shape: tuple[int, ...]) -> None:
    _, density, _ = prepared(scalars)
    wanted = rf"shape {re.escape(str(shape))}; expected \(batch, 5\): one row a point"
    for method in (density.log_likelihood, density.log_prior):
        with pytest.raises(ModelError, match=wanted):
            method(np.zeros(shape))


def test_an_op_without_a_gradient() -> None:
    @wrap_py(itypes=[pt.dscalar], otypes=[pt.dscalar])
    def black_box(x: np.ndarray) -> np.ndarray:
        return np.asarray(x**2)

    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Normal("y", black_box(x), 1, observed=1.0)
    density = LogDensity(model)
    _, gradient = density.evaluate(np.full((1, 1), 0.5), ("likelihood", "prior"))
    # d/dx of -(1 - x^2)^2 / 2 is 2 x (1 - x^2), and of -x^2 / 2 it is -x; the first by differences.
    np.testing.assert_allclose(gradient[0, :, 0], [0.75, -0.5], rtol=1e-6)


# ------------------------------------------------------------------- inputs: data, weights, choices


def regression() -> pm.Model:
    rng = np.random.default_rng(8)
    with pm.Model(coords={"obs": range(6)}) as model:
        x = pm.Data("x", rng.normal(size=(6, 2)), dims=("obs", "column"))
        b = pm.Normal("b", 0, 2, shape=2)
        sigma = pm.HalfNormal("sigma", 2)
        pm.Deterministic("fitted", x @ b, dims="obs")
        pm.Normal("y", x @ b, sigma, observed=pm.Data("y_data", Y, dims="obs"), dims="obs")
        pm.Poisson("count", pm.math.exp(b[0]), observed=3)
    return model


def changed(name: str, own: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    if own.dtype.kind == "i":
        return np.array([own + i for i in range(n)])
    return own + 0.1 * rng.uniform(size=(n, *own.shape))


@pytest.mark.parametrize("vectorised", [True, False])
@pytest.mark.parametrize("names", [["y", "count"], ["x", "y_data"], ["x"]])
def test_rows_have_data_of_their_own(names: list[str], vectorised: bool) -> None:
    # What the model gives with the data put into it, one data set at a time.
    density = LogDensity(regression(), inputs=names)
    if not vectorised:
        density.functions.is_vectorised = False
    assert list(density.inputs) == names
    data = {name: changed(name, one.own, 3) for name, one in density.inputs.items()}
    x = np.random.default_rng(4).normal(size=(3, density.p))
    got = density.evaluate(x, density.terms, data)
    hessian, natural = density.hessian(x, density.terms, data), density.natural(x, data)
    for i in range(3):
        model = regression()
        put = {"y": "y_data"}
        with model:
            pm.set_data({put.get(k, k): v[i] for k, v in data.items() if k != "count"})
        if "count" in names:
            model.rvs_to_values[model["count"]] = pt.constant(data["count"][i])
        one = LogDensity(model)
        row = x[i : i + 1]
        for a, b in zip(got, one.evaluate(row, one.terms), strict=True):
            np.testing.assert_allclose(a[i], b[0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            hessian[i], one.hessian(row, one.terms)[0], rtol=1e-11, atol=1e-11
        )
        for name, value in one.natural(row).items():
            np.testing.assert_allclose(natural[name][i], value[0], rtol=1e-13)
        bound = density.bind({name: rows[i] for name, rows in data.items()})
        np.testing.assert_allclose(
            bound.evaluate(np.tile(row, (4, 1)), ("likelihood",))[0],
            np.tile(got[0][i, :1], (4, 1)),
            rtol=1e-12,
        )


@over([simplexes, labelled_dims, censored, categories, lkj_covariance])
def test_rows_with_the_models_own_data_are_the_model(build: Build) -> None:
    model, density, x = prepared(build)
    names = [rv.name for rv in model.observed_RVs]
    other = LogDensity(model, inputs=names)
    data = {k: np.repeat(one.own[None], len(x), axis=0) for k, one in other.inputs.items()}
    got, expected = other.evaluate(x, other.terms, data), density.evaluate(x, density.terms)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@over([regression, mixture, lkj_covariance, labelled_dims, autoregression])
def test_weights_repeat_observations(build: Build) -> None:
    # Elementwise: the weighted log-likelihood is linear in the weights, and PyMC's with ones.
    model = build()
    density, plain = LogDensity(model, weights=True), LogDensity(model)
    x = prepared(build)[2][:1] if build is not regression else np.zeros((1, density.p))
    with pytensor.config.change_flags(cxx=""):
        own = model.compile_logp(vars=model.observed_RVs, sum=False, mode=PLAIN)
    elementwise = [np.asarray(value) for value in own(as_point(model, x[0]))]
    assert [one.own.shape for one in density.inputs.values()] == [v.shape for v in elementwise]
    rng = np.random.default_rng(1)
    weights = {
        name: np.stack([np.ones(one.shape), rng.integers(0, 4, one.shape)])
        for name, one in density.inputs.items()
    }
    value, gradient = density.evaluate(np.repeat(x, 2, axis=0), ("likelihood", "prior"), weights)
    expected, slope = plain.evaluate(x, ("likelihood", "prior"))
    np.testing.assert_allclose(value[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(gradient[0], slope[0], rtol=1e-10, atol=1e-10)
    total = sum(np.sum(w[1] * e) for w, e in zip(weights.values(), elementwise, strict=True))
    np.testing.assert_allclose(value[1], [total, expected[0, 1]], rtol=1e-12)


def test_an_impossible_observation_of_weight_zero_does_not_count() -> None:
    with pm.Model() as model:
        rate = pm.HalfNormal("rate", 1)
        pm.Exponential("y", rate, observed=[1.0, -1.0])
    density = LogDensity(model, weights=True)
    value, gradient = density.evaluate(
        np.zeros((1, 1)), ("likelihood",), {weight_of("y"): np.array([[2.0, 0.0]])}
    )
    # 2 (log r - r) at r = 1, in log r: slope 2 (1 - r) = 0.
    np.testing.assert_allclose(value, [[-2.0]], rtol=1e-15)
    np.testing.assert_allclose(gradient, [[[0.0]]], atol=1e-15)


def test_discrete_variables_as_inputs() -> None:
    with pm.Model() as model:
        k = pm.Categorical("k", [0.2, 0.8], shape=3)
        mu = pm.Normal("mu", 0, 1, shape=2)
        pm.Deterministic("which", mu[k])
        pm.Normal("y", mu[k], 1, observed=[1.0, 2.0, 3.0])
    density = LogDensity(model, inputs=["k"])
    assert density.labels == ["mu[0]", "mu[1]"]
    choices = np.array([[0, 0, 1], [1, 0, 1]])
    x = np.array([[0.5, 1.0], [0.5, 1.0]])
    value, _ = density.evaluate(x, ("likelihood", "prior"), {"k": choices})
    where = np.take_along_axis(x, choices, axis=1)
    likelihood = stats.norm(where).logpdf([1.0, 2.0, 3.0]).sum(axis=1)
    prior = stats.norm.logpdf(x).sum(axis=1) + np.log([0.2, 0.8])[choices].sum(axis=1)
    np.testing.assert_allclose(value, np.stack([likelihood, prior], axis=1), rtol=1e-13)
    natural = density.natural(x, {"k": choices})
    assert list(natural) == ["k", "mu", "which"]
    np.testing.assert_array_equal(natural["k"], choices)
    np.testing.assert_array_equal(natural["which"], where)


def test_a_model_whose_free_variables_are_all_inputs() -> None:
    with pm.Model() as model:
        k = pm.Poisson("k", np.array(3.0))
        pm.Normal("y", k, observed=1.0)
    density = LogDensity(model, inputs=["k"])
    value, gradient = density.evaluate(np.empty((4, 0)), density.terms, {"k": np.arange(4)})
    expected = [stats.norm(np.arange(4)).logpdf(1.0), stats.poisson(3).logpmf(np.arange(4))]
    np.testing.assert_allclose(value, np.transpose(expected), rtol=1e-13)
    assert gradient.shape == (4, 2, 0)


def test_inputs_that_a_model_does_not_have() -> None:
    wanted = r"\['b'\] cannot be given anew .*: observed variables \['y', 'count'\]; pm.Data \['x'"
    with pytest.raises(ModelError, match=wanted):
        LogDensity(regression(), inputs=["b"])
    with pytest.raises(ModelError, match=r"'y' is observed through the pm\.Data 'y_data'"):
        LogDensity(regression(), inputs=["y", "y_data"])
    with pytest.raises(ModelError, match=r"\['y'\] named more than once"):
        LogDensity(regression(), inputs=["y", "y"])


def test_values_of_an_input() -> None:
    inputs = LogDensity(regression(), inputs=["y", "count"]).inputs
    with pytest.raises(ModelError, match=r"shape \(2, 5\) for 'y'; expected \(batch, 6\)"):
        inputs["y"].batch(np.zeros((2, 5)))
    with pytest.raises(ModelError, match="'count' that are not whole numbers"):
        inputs["count"].batch([1.5, 2])
    assert inputs["count"].batch([1.0, 2.0]).tolist() == [1, 2]


def correlated() -> pm.Model:
    # A Cholesky factor: its second derivatives are differences of the gradient.
    with pm.Model() as model:
        log_sd, rho = pm.Flat("log_sd"), pm.Uniform("rho", -1, 1)
        sd = pm.math.exp(log_sd)
        cov = sd**2 * (np.eye(3) + rho * (np.ones((3, 3)) - np.eye(3)) / 2)
        pm.MvNormal("y", np.zeros(3), cov=cov, observed=[[0.3, 1.2, -0.4], [1.0, 0.1, 0.8]])
    return model


def test_rough_hessians_have_nine_digits() -> None:
    density = LogDensity(correlated())
    rough = density.rough()
    x = np.array([[0.2, 0.5], [-1.0, 2.0]])
    exact, near = (one.hessian(x, ("likelihood",)) for one in (density, rough))
    np.testing.assert_allclose(near, exact, rtol=1e-8, atol=1e-8 * np.abs(exact).max())
    # It is another number, and what it is made from is the same.
    assert np.any(near != exact)
    np.testing.assert_array_equal(
        density.evaluate(x, ("likelihood",))[1], rough.evaluate(x, ("likelihood",))[1]
    )


def test_the_widest_array_counts_not_only_the_data() -> None:
    # Of nine numbers a matrix of 81 is made.
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1, shape=9)
        pm.Normal("y", pt.exp(a[:, None] * a[None, :]).sum(), 1, observed=1.0)
    density = LogDensity(model)
    density.evaluate(np.zeros((1, 9)), ("likelihood",))
    assert widest(density.functions.value_and_gradient(("likelihood", "prior"))) == 81
