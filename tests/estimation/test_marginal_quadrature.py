"""Adaptive quadrature over latents, against closed forms, plain sums and an independent package."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.optimize import minimize
from scipy.stats import cauchy, nbinom, norm, poisson

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.scores import block_scores
from bayes_point.model.density.cache import log_density
from bayes_point.model.variables.latents import latent_by_rule
from tests.estimation.sleepstudy import counted

TIMES = np.array([94.3, 15.7, 62.9, 126.0, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5])
FAILURES = np.array([5, 1, 5, 14, 3, 19, 1, 1, 4, 22])


def pumps() -> pm.Model:
    """Gaver and O'Muircheartaigh (1987), https://doi.org/10.1080/00401706.1987.10488178."""
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        theta = pm.Gamma("theta", alpha, beta, shape=10)
        pm.Poisson("x", theta * TIMES, observed=FAILURES)
    return model


def exact(log_parameters: np.ndarray) -> float:
    # A gamma mixture of Poissons is negative binomial, of probability beta / (beta + time).
    alpha, beta = np.exp(log_parameters)
    return float(nbinom.logpmf(FAILURES, alpha, beta / (beta + TIMES)).sum())


def find(model: pm.Model, **options: object) -> bp.PointEstimate:
    options = {"marginalize": "latents", "n_starts": 1, "progressbar": False} | options
    return bp.find_MLE(model, **options)  # type: ignore[arg-type]


def test_gamma_poisson_is_negative_binomial() -> None:
    best = minimize(lambda x: -exact(x), [0.0, 0.0], tol=1e-12)
    estimate = find(pumps(), quadrature=65)
    assert estimate.status.key == "converged"
    assert estimate.log_likelihood == pytest.approx(-best.fun, abs=1e-8)
    # The maximum of the closed form is found by differences of its value: six digits.
    assert np.allclose(estimate.unconstrained, best.x, atol=1e-5)
    assert float(estimate.point["alpha"]) == pytest.approx(0.8229651, abs=2e-7)
    assert float(estimate.point["beta"]) == pytest.approx(1.2616533, abs=2e-7)


def test_laplace_says_how_far_off_it_is_and_stays_where_that_is_little() -> None:
    estimate = find(pumps())
    assert estimate.integrated is not None
    assert estimate.integrated.method == "laplace"
    # By Laplace's method .834158 and 1.280641; the distance in standard errors, both in the log.
    moved = np.log([0.834157906582, 1.280640930276]) - np.log([0.8229651, 1.2616533])
    errors = np.sqrt(
        np.diagonal(
            np.linalg.inv(-estimate.objective.hessian(estimate.unconstrained.values[None])[0])
        )
    )
    shift = [estimate.integrated.laplace_shift[f"{name}_log__"] for name in ("alpha", "beta")]
    # One Newton step predicts it.
    assert np.allclose(shift, moved / errors, atol=0.002)
    assert "off by about 0.031 standard errors: near enough" in str(estimate.findings[0])


def test_few_binary_observations_a_group_take_quadrature() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 4)
    y = rng.random(160) < 1 / (1 + np.exp(-0.5 - 2 * rng.standard_normal(40)[group]))
    with pm.Model() as model:
        mu, tau = pm.Flat("mu"), pm.HalfFlat("tau")
        a = pm.Normal("a", mu, tau, shape=40)
        pm.Bernoulli("y", logit_p=a[group], observed=y.astype(int))
    estimate = find(model, n_starts=2)
    assert estimate.integrated is not None
    assert estimate.integrated.method == "quadrature"
    assert "Laplace's method is off by about" in str(estimate.findings[0])
    # Of the starts by Laplace's method, which quadrature goes on from.
    assert int(estimate.optima["reached"][0]) == 2

    z = np.linspace(-9, 9, 4001)  # a plain sum, exact for what falls off like a normal
    counts = y.reshape(40, 4).sum(axis=1)

    def negative(x: np.ndarray) -> float:
        eta = x[0] + np.exp(x[1]) * z
        each = counts[:, None] * eta - 4 * np.logaddexp(0, eta) + norm.logpdf(z)
        return -float(np.log(np.exp(each).sum(axis=1) * (z[1] - z[0])).sum())

    best = minimize(negative, [0.5, 0.5], tol=1e-10)
    assert estimate.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert np.allclose(estimate.unconstrained, best.x, atol=1e-4)


def two_a_group() -> tuple[pm.Model, np.ndarray]:
    y = np.array([[0, 3], [2, 1], [5, 2]])
    with pm.Model() as model:
        s, rho = pm.HalfNormal("s", 1), pm.Flat("rho")
        u = pm.Normal("u", 0, s, shape=(3, 2))
        eta = pm.math.stack([u[:, 0] + rho * u[:, 1], u[:, 1]], axis=1)
        pm.Poisson("y", pm.math.exp(eta), observed=y)
    return model, y


def test_two_latents_a_group_and_the_derivatives() -> None:
    model, y = two_a_group()
    full = log_density(model, backend=None)
    density = MarginalDensity(full, ["u"], np.zeros(full.p)).with_nodes(31)
    x = np.array([[-0.3, 0.4]])
    s, rho = np.exp(x[0, 0]), x[0, 1]
    z = np.linspace(-8, 8, 801)
    first, second = np.meshgrid(s * z, s * z, indexing="ij")
    weight = np.exp(norm.logpdf(z)[:, None] + norm.logpdf(z)) * (z[1] - z[0]) ** 2
    each = [
        np.sum(
            weight * poisson.pmf(a, np.exp(first + rho * second)) * poisson.pmf(b, np.exp(second))
        )
        for a, b in y
    ]
    value, gradient = density.marginal(x)
    assert value[0] == pytest.approx(np.log(each).sum(), abs=1e-7)
    assert density.values(x, ("likelihood",))[0, 0] == value[0]
    h = 1e-3
    steps = h * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    values, gradients = density.marginal(x + steps)
    slope = (values[::2] - values[1::2]) / (2 * h)
    # Second-order differences with h = 1e-3: their own error is 1e-6.
    assert np.allclose(gradient[0], slope, atol=3e-6)
    hessian = density.hessian(x, ("likelihood",))[0, 0]
    assert np.allclose(hessian, (gradients[::2] - gradients[1::2]) / (2 * h), atol=2e-5)


def test_crossed_latents_have_no_quadrature() -> None:
    with pm.Model() as model:
        s = pm.HalfNormal("s", 1, shape=2)
        a, b = pm.Normal("a", 0, s[0], shape=3), pm.Normal("b", 0, s[1], shape=2)
        pm.Poisson("y", pm.math.exp(a[:, None] + b), observed=[[1, 2], [0, 1], [3, 2]])
    with pytest.raises(ModelError, match="no independent blocks of one or two"):
        find(model, quadrature=15)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quadrature": 0}, "Got quadrature=0. It is 'auto', or a number of nodes"),
        ({"quadrature": "many"}, "Got quadrature='many'"),
        ({"quadrature": 15, "marginalize": None}, "without marginalize="),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        find(pumps(), **options)


def test_correlated_slopes_of_counts_are_those_of_glmm_tmb() -> None:
    # glmmTMB 1.1.5 by Laplace's method: -894.0582313.
    laplace = find(counted(), quadrature=1)
    assert laplace.status.key == "converged"
    assert laplace.log_likelihood == pytest.approx(-894.058231, abs=1e-6)
    assert laplace.integrated is not None
    assert laplace.integrated.structure == "18 blocks of 2"
    assert find(counted(), quadrature=11).log_likelihood == pytest.approx(-894.057201, abs=1e-6)


def test_scores_by_quadrature_sum_to_nothing_and_are_those_of_the_exact_likelihood() -> None:
    estimate = find(pumps(), quadrature=65)
    density = estimate.objective.density
    assert isinstance(density, MarginalDensity)
    x = estimate.unconstrained.values
    h = 1e-5

    def each(log_parameters: np.ndarray) -> np.ndarray:
        alpha, beta = np.exp(log_parameters)
        return np.asarray(nbinom.logpmf(FAILURES, alpha, beta / (beta + TIMES)))

    expected = [(each(x + step) - each(x - step)) / (2 * h) for step in h * np.eye(2)]
    scores = block_scores(density, x)
    assert np.allclose(scores, np.transpose(expected), atol=2e-6)
    assert np.allclose(scores.sum(axis=0), 0, atol=1e-6)


def test_a_second_mode_of_the_latents_is_said_with_its_weight() -> None:
    # Between the narrow prior with heavy tails, and what the third group has measured.
    y = np.array([[0.1, -0.3, 0.4], [0.2, 0.5, 0.1], [4.2, 4.7, 5.2], [-0.5, -0.1, 0.2]])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        a = pm.StudentT("a", nu=1, mu=mu, sigma=0.3, shape=4)
        pm.Normal("y", a[:, None], 2, observed=y)
    estimate = find(model, marginalize=["a"], quadrature=1)
    mu_hat = float(estimate.point["mu"])

    def log_density(u: np.ndarray) -> np.ndarray:
        return norm.logpdf(y[2][:, None], u, 2).sum(axis=0) + cauchy.logpdf(u, mu_hat, 0.3)

    u = np.linspace(-5, 10, 1_500_001)
    f, h = log_density(u), u[1] - u[0]
    at = np.flatnonzero((f[1:-1] > f[:-2]) & (f[1:-1] > f[2:])) + 1
    k = round(1e-3 / h)
    curvature = -(f[at + k] - 2 * f[at] + f[at - k]) / (k * h) ** 2
    logs = f[at] - 0.5 * np.log(curvature)
    own = int(np.argmin(np.abs(u[at] - float(estimate.point["a"][2]))))
    share = 1 / (1 + np.exp(logs[own] - logs[1 - own]))
    assert estimate.integrated is not None
    found = estimate.integrated.other_modes
    assert found is not None
    assert (found.count, found.of) == (1, 4)
    assert found.share == pytest.approx(share, rel=1e-4)
    assert "another mode in 1 of 4 independent blocks" in str(estimate.findings[1])
    # Counts with a log link and a normal prior are log-concave.
    plain = find(two_a_group()[0], quadrature=1)
    assert plain.integrated is not None
    assert plain.integrated.other_modes is None


def test_a_latent_process_is_found_non_centred_and_is_the_same_centred() -> None:
    x = np.linspace(0, 3, 9)[:, None]
    y = np.array([1, 3, 2, 6, 8, 4, 3, 1, 0])
    found = []
    for is_centred in (False, True):
        with pm.Model() as model:
            scale, mu = pm.HalfNormal("scale", 2), pm.Normal("mu", 0, 3)
            # What pm.gp.Latent writes, whose name for the latents would make PyMC warn.
            covariance = scale**2 * pm.gp.cov.Matern52(1, 0.7)(x) + 1e-6 * np.eye(9)
            if is_centred:
                f = pm.MvNormal("f", np.zeros(9), covariance)
            else:
                z = pm.Normal("z", 0, 1, shape=9)
                f = pm.Deterministic("f", pt.linalg.cholesky(covariance).dot(z))
            pm.Poisson("y", pm.math.exp(mu + f), observed=y)
        found.append(find(model))
    whitened, centred = found
    assert whitened.integrated is not None
    why = "it is multiplied by the Cholesky factor of a covariance of scale"
    assert whitened.integrated.latents == {"z": why}
    # Laplace's method is the same in any linear transform of the latents.
    assert whitened.log_likelihood == pytest.approx(centred.log_likelihood, rel=1e-10)
    np.testing.assert_allclose(whitened.point["f"], centred.point["f"], atol=1e-6)
    np.testing.assert_allclose(whitened.stderr()["f"], centred.stderr()["f"], rtol=1e-5)


def test_effects_that_share_a_scale_are_latent_together() -> None:
    with pm.Model() as model:
        scale, part, mu = pm.HalfNormal("scale", 1), pm.Beta("part", 2, 2), pm.Normal("mu", 0, 3)
        own, of_row = pm.Normal("own", shape=6), pm.Normal("of_row", shape=2)
        slope = pm.Normal("slope", 0, 3, shape=2)
        effect = pt.sqrt(1 - part) * own + pt.sqrt(part) * of_row[[0, 0, 0, 1, 1, 1]]
        covariates = np.array([[0.1, -1, 2, 0.5, 1, -0.4], [1, 0.2, 0.3, -1, 0.6, 2]])
        eta = mu + scale * effect + slope @ covariates
        pm.Poisson("y", pm.math.exp(eta), observed=[1, 3, 2, 6, 8, 4])
    why = "it is scaled by scale"
    found = latent_by_rule(model, log_density(model, backend=None))
    assert found == {"own": why, "of_row": why}
