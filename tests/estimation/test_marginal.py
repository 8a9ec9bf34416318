"""Latent variables integrated out, against closed forms and independent packages.

The data of Dyestuff and Dyestuff2 are tables of Davies and Goldsmith (1972) and of Box and Tiao
(1973), those of cbpp of Lesnoff et al. (2004), https://doi.org/10.1016/j.prevetmed.2003.11.003,
those of the pumps of Gaver and O'Muircheartaigh (1987), https://doi.org/10.1080/00401706.1987.10488178.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import chi2, multivariate_normal

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.marginal.arrow import Arrow
from bayes_point.estimation.marginal.bands import Banded
from bayes_point.estimation.marginal.blocks import Blocks
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.gaussian import fixed_effects
from bayes_point.estimation.marginal.scores import block_scores
from bayes_point.estimation.marginal.structure import Structure
from bayes_point.model.density.cache import log_density
from tests.estimation.sleepstudy import correlated

DYESTUFF = np.array(
    [
        [1545, 1440, 1440, 1520, 1580],
        [1540, 1555, 1490, 1560, 1495],
        [1595, 1550, 1605, 1510, 1560],
        [1445, 1440, 1595, 1465, 1545],
        [1595, 1630, 1515, 1635, 1625],
        [1520, 1455, 1450, 1480, 1445],
    ]
)
DYESTUFF2 = np.array(
    [
        [7.298, 3.846, 2.434, 9.566, 7.990],
        [5.220, 6.556, 0.608, 11.788, -0.892],
        [0.110, 10.386, 13.434, 5.510, 8.166],
        [2.212, 4.852, 7.092, 9.288, 4.980],
        [0.282, 9.014, 4.458, 9.446, 7.198],
        [1.722, 4.782, 8.106, 0.758, 3.758],
    ]
)


def one_way(y: NDArray, *, centred: bool = True) -> pm.Model:
    with pm.Model() as model:
        mu, between, within = pm.Flat("mu"), pm.HalfFlat("between"), pm.HalfFlat("within")
        if centred:
            effect = pm.Normal("effect", 0, between, shape=len(y))
        else:
            effect = between * pm.Normal("z", 0, 1, shape=len(y))
        pm.Normal("y", mu + effect[:, None], within, observed=y)
    return model


def find(model: pm.Model, **options: object) -> bp.PointEstimate:
    options = {"marginalize": "latents", "n_starts": 2, "progressbar": False} | options
    return bp.find_MLE(model, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def dyestuff() -> bp.PointEstimate:
    return find(one_way(DYESTUFF))


def test_one_way_is_the_closed_form_of_a_balanced_layout(dyestuff: bp.PointEstimate) -> None:
    # sigma^2 = SSW / (k (n - 1)); sigma^2 + n tau^2 = n var(means), for k = 6 groups of n = 5.
    k, n = DYESTUFF.shape
    means = DYESTUFF.mean(axis=1)
    within = np.sum((DYESTUFF - means[:, None]) ** 2) / (k * (n - 1))
    between = means.var() - within / n
    assert dyestuff.status.key == "converged"
    assert float(dyestuff.point["mu"]) == pytest.approx(1527.5, rel=1e-10)
    assert float(dyestuff.point["within"]) == pytest.approx(np.sqrt(within), rel=1e-9)
    assert float(dyestuff.point["between"]) == pytest.approx(np.sqrt(between), rel=1e-9)
    assert dyestuff.log_likelihood == pytest.approx(-163.663529940568, rel=1e-12)  # lme4
    assert dyestuff.aic == pytest.approx(2 * 3 + 2 * 163.663529940568, rel=1e-11)
    assert "effect integrated out" in dyestuff.maximised
    assert dyestuff.integrated is not None
    assert dyestuff.integrated.method == "exact"
    assert dyestuff.integrated.laplace_shift["between_log__"] == 0
    assert dyestuff.integrated.latents == {"effect": "its prior depends on between"}
    assert "exactly, as they are Gaussian; their Hessian is diagonal" in str(dyestuff.findings[0])


def test_the_latents_are_shrunken_and_have_both_errors(dyestuff: bp.PointEstimate) -> None:
    # The mode of a group is its mean's deviation times tau^2 / (tau^2 + sigma^2 / n).
    tau, sigma = (float(dyestuff.point[name]) for name in ("between", "within"))
    n = DYESTUFF.shape[1]
    weight = tau**2 / (tau**2 + sigma**2 / n)
    expected = weight * (DYESTUFF.mean(axis=1) - 1527.5)
    assert np.allclose(dyestuff.point["effect"], expected, rtol=1e-9)
    # TMB's sdreport gives 23.4025645 for the first.
    assert float(dyestuff.stderr()["effect"][0]) == pytest.approx(23.4025645, abs=1e-6)
    assert float(dyestuff.stderr()["mu"]) == pytest.approx(17.694553462, rel=1e-8)
    # Given the parameters alone the variance is sigma^2 / n times the same weight.
    given = dyestuff.quantities.given
    rows = [label.startswith("effect") for label in dyestuff.quantities.labels]
    assert np.allclose(np.sum(given[rows] ** 2, axis=1), weight * sigma**2 / n, rtol=1e-9)
    assert not given[[not row for row in rows]].any()


def test_the_sandwich_is_made_of_the_scores_of_groups(dyestuff: bp.PointEstimate) -> None:
    # The log density of n in a group whose mean is m, with v = sigma^2 + n tau^2, by hand.
    mu, tau, sigma = (float(dyestuff.point[name]) for name in ("mu", "between", "within"))
    n = DYESTUFF.shape[1]
    off, inside = DYESTUFF.mean(axis=1) - mu, DYESTUFF.var(axis=1) * n
    v = sigma**2 + n * tau**2
    across = -0.5 / v + 0.5 * n * off**2 / v**2
    within = -0.5 * (n - 1) / sigma**2 + 0.5 * inside / sigma**4
    scores = np.stack(
        [n * off / v, 2 * tau**2 * n * across, 2 * sigma**2 * (within + across)], axis=1
    )
    x = dyestuff.unconstrained.values
    inverse = np.linalg.inv(-dyestuff.objective.hessian(x[None])[0])
    for kind, whole in (
        ("sandwich", inverse @ scores.T @ scores @ inverse),
        ("opg", np.linalg.inv(scores.T @ scores)),
    ):
        errors = dyestuff.stderr(kind=kind)  # type: ignore[arg-type]
        expected = np.sqrt(np.diagonal(whole)) * [1, tau, sigma]
        found = [float(errors[name]) for name in ("mu", "between", "within")]
        assert np.allclose(found, expected, rtol=1e-6)
    # Groups in clusters of two: their scores are summed.
    paired = scores.reshape(3, 2, 3).sum(axis=1)
    labels = np.repeat([0, 0, 1, 1, 2, 2], n).reshape(-1, n)
    errors = dyestuff.stderr(kind="sandwich", cluster=labels)
    expected = np.sqrt(np.diagonal(inverse @ paired.T @ paired @ inverse)) * [1, tau, sigma]
    found = [float(errors[name]) for name in ("mu", "between", "within")]
    assert np.allclose(found, expected, rtol=1e-6)
    with pytest.raises(ModelError, match="into different clusters, in 6 of 6 independent blocks"):
        dyestuff.stderr(kind="sandwich", cluster=np.tile(np.arange(n), (6, 1)))
    # What is known of a group given the parameters stays: the rest of its variance is theirs.
    assert np.all(dyestuff.stderr(kind="sandwich")["effect"] > 0)


def test_latents_in_a_row_are_one_event_without_scores_to_compare() -> None:
    with pm.Model() as model:
        walk = pm.GaussianRandomWalk(
            "walk", sigma=pm.HalfNormal("step", 1), init_dist=pm.Normal.dist(0, 1), steps=5
        )
        pm.Normal("y", walk, pm.HalfNormal("noise", 1), observed=[0.0, 1, 3, 1, 2, 5])
    mle = bp.find_MAP(model, marginalize="latents", n_starts=1, progressbar=False)
    with pytest.raises(ModelError, match="for an MLE"):
        mle.stderr(kind="sandwich")
    density = mle.objective.density
    assert isinstance(density, MarginalDensity)
    with pytest.raises(ModelError, match=r"are no blocks independent.*band of half-width 1"):
        block_scores(density, mle.unconstrained.values)


def test_its_profile_falls_by_half_of_chi_squared(dyestuff: bp.PointEstimate) -> None:
    k, n = DYESTUFF.shape
    means = DYESTUFF.mean(axis=1)
    inside = np.sum((DYESTUFF - means[:, None]) ** 2)
    across = n * np.sum((means - means.mean()) ** 2)

    def negative(log_sigma: float, tau: float) -> float:
        # The contrasts within groups have variance sigma^2, the means of n sigma^2 + n tau^2.
        low = np.exp(2 * log_sigma)
        high = low + n * tau**2
        logs = k * (n - 1) * np.log(low) + k * np.log(high) + k * n * np.log(2 * np.pi)
        return float(0.5 * (logs + inside / low + across / high))

    interval = dyestuff.conf_int(method="profile", ci_prob=0.95, var_names="between")["between"]
    for tau in interval.values:
        best = -minimize_scalar(negative, (3.5, 4.5), args=(tau,), tol=1e-12).fun
        assert 2 * (dyestuff.log_likelihood - best) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


def test_non_centred_is_the_same_and_found_by_its_scale(dyestuff: bp.PointEstimate) -> None:
    other = find(one_way(DYESTUFF, centred=False))
    assert other.log_likelihood == pytest.approx(dyestuff.log_likelihood, rel=1e-12)
    for name in ("mu", "between", "within"):
        assert float(other.point[name]) == pytest.approx(float(dyestuff.point[name]), rel=1e-8)
    assert "z: it is scaled by between" in str(other.findings[0])


def test_reml_divides_by_the_degrees_of_freedom() -> None:
    # Balanced: sigma^2 as before, sigma^2 + n tau^2 = n * the unbiased variance of the means.
    estimate = find(one_way(DYESTUFF), reml=True)
    k, n = DYESTUFF.shape
    means = DYESTUFF.mean(axis=1)
    within = np.sum((DYESTUFF - means[:, None]) ** 2) / (k * (n - 1))
    tau = np.sqrt(means.var(ddof=1) - within / n)
    assert float(estimate.point["between"]) == pytest.approx(tau, rel=1e-8)
    assert estimate.log_likelihood == pytest.approx(-159.827138421, rel=1e-11)  # lme4
    assert float(estimate.point["mu"]) == pytest.approx(1527.5)


def test_a_variance_of_zero_is_on_the_boundary() -> None:
    estimate = find(one_way(DYESTUFF2))
    assert estimate.status.key == "on_boundary"
    assert float(estimate.point["between"]) == 0
    # Without groups: one normal sample.
    assert float(estimate.point["mu"]) == pytest.approx(5.6656, rel=1e-6)
    assert float(estimate.point["within"]) == pytest.approx(DYESTUFF2.std(), rel=1e-6)
    assert estimate.log_likelihood == pytest.approx(-81.4365183269, rel=1e-11)
    assert np.allclose(estimate.point["effect"], 0, atol=1e-6)
    # The score of tau^2 at zero: half of sum of squared group sums / sigma^4 less N / sigma^2.
    residuals, variance = DYESTUFF2 - DYESTUFF2.mean(), DYESTUFF2.var()
    score = np.sum(residuals.sum(axis=1) ** 2) / variance**2 - DYESTUFF2.size / variance
    slope = estimate.findings[1].evidence["slope by the square of between"]
    assert slope == pytest.approx(score / 2, rel=1e-6)


def test_the_slope_at_a_variance_of_zero_is_no_rounding() -> None:
    # Eight schools: along the track the latents' precision is 1/tau^2, up to 1e18.
    effects = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    errors = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        theta = pm.Normal("theta", mu, tau, shape=8)
        pm.Normal("y", theta, errors, observed=effects)
    estimate = find(model)
    weight = 1 / errors**2
    residuals = effects - np.sum(weight * effects) / np.sum(weight)
    score = np.sum(weight**2 * residuals**2 - weight) / 2
    slope = estimate.findings[1].evidence["slope by the square of tau"]
    assert slope == pytest.approx(score, rel=1e-4)


def marginal(model: pm.Model, latents: list[str], **options: object) -> MarginalDensity:
    full = log_density(model, backend=None)
    start = np.zeros(full.p)
    return MarginalDensity(full, latents, start, **options)  # type: ignore[arg-type]


def pumps() -> pm.Model:
    times = np.array([94.3, 15.7, 62.9, 126.0, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5])
    with pm.Model() as model:
        alpha, beta = pm.Exponential("alpha", 1), pm.Gamma("beta", 0.1, 1)
        theta = pm.Gamma("theta", alpha, beta, shape=10)
        pm.Poisson("x", theta * times, observed=[5, 1, 5, 14, 3, 19, 1, 1, 4, 22])
    return model


def test_the_gradient_is_that_of_the_value() -> None:
    density = marginal(pumps(), ["theta"])
    x = np.array([[-0.2, 0.3]])
    value, gradient = density.marginal(x)
    # Laplace's value at its own maximum falls short of the exact -32.2578 by 0.2169.
    at_best = density.marginal(np.log([[0.834157906582, 1.280640930276]]))
    assert at_best[0][0] == pytest.approx(-32.474281791, abs=1e-8)
    assert np.allclose(at_best[1], 0, atol=1e-8)
    h = 1e-3
    for j in range(2):
        steps = np.zeros((4, 2))
        steps[:, j] = [2 * h, h, -h, -2 * h]
        far, near, back, far_back = density.marginal(x + steps)[0]
        slope = (8 * (near - back) - (far - far_back)) / (12 * h)
        assert gradient[0, j] == pytest.approx(slope, abs=1e-8)
    assert density.values(x, ("likelihood", "prior"))[0, 0] == value[0]


def test_a_walk_is_a_band_and_its_likelihood_that_of_the_normal() -> None:
    # y = cumsum of steps + noise: multivariate normal with covariance step^2 min(s, t) + noise^2 I.
    rng = np.random.default_rng(3)
    y = np.cumsum(rng.standard_normal(12)) + rng.standard_normal(12)
    with pm.Model() as model:
        step, noise = pm.HalfNormal("step", 2), pm.HalfNormal("noise", 2)
        level = pm.GaussianRandomWalk(
            "level", sigma=step, init_dist=pm.Normal.dist(0, step), steps=11
        )
        pm.Normal("y", level, noise, observed=y)
    density = marginal(model, ["level"])
    assert density.structure.name == "band of half-width 1"
    t = np.arange(1, 13)
    covariance = 0.7**2 * np.minimum(t[:, None], t) + 1.3**2 * np.eye(12)
    exact = -0.5 * (
        y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    x = np.log([[0.7, 1.3]])
    assert density.marginal(x)[0][0] == pytest.approx(exact, rel=1e-12)
    dense = marginal(model, ["level"], structure=Banded(12, 11))
    assert np.allclose(density.marginal(x)[1], dense.marginal(x)[1], rtol=1e-9)


def crossed() -> pm.Model:
    rng = np.random.default_rng(5)
    plate, sample = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    with pm.Model() as model:
        s = pm.HalfNormal("s", 1, shape=2)
        a, b = pm.Normal("a", 0, s[0], shape=8), pm.Normal("b", 0, s[1], shape=3)
        pm.Poisson("y", pm.math.exp(a[plate] + b[sample]), observed=rng.poisson(2.0, 24))
    return model


def test_crossed_factors_are_an_arrow_that_gives_what_a_dense_matrix_gives() -> None:
    density = marginal(crossed(), ["a", "b"])
    assert density.structure.name == "arrow: 8 diagonal, 3 across"
    dense = marginal(crossed(), ["a", "b"], structure=Banded(11, 10))
    x = np.array([[-0.5, 0.2], [0.1, -1.0]])
    for one, other in zip(density.marginal(x), dense.marginal(x), strict=True):
        assert np.allclose(one, other, rtol=1e-9, atol=1e-10)


BLOCKS = Blocks(np.array([[0, 4], [3, 1], [2, 5]]))
ORDER = np.array([3, 0, 5, 1, 4, 2])


@pytest.mark.parametrize(
    "structure",
    [
        Blocks(np.arange(6)[:, None]),
        BLOCKS,
        Banded(6, 1),
        Banded(6, 2, ORDER),
        Banded(6, 5),
        Arrow(ORDER[:4, None], ORDER[4:]),
        Arrow(ORDER[:4].reshape(2, 2), ORDER[4:]),
    ],
    ids=["diagonal", "blocks", "band 1", "band 2", "dense", "arrow", "arrow of blocks"],
)
def test_each_structure_computes_what_linear_algebra_does(structure: Structure) -> None:
    rng = np.random.default_rng(1)
    # What the structure keeps of a random matrix is a matrix of that structure.
    random = rng.standard_normal((2, 6, 6))
    random += random.swapaxes(1, 2)
    seeds = structure.seeds
    kept = structure.assemble(np.einsum("ci,bij->bcj", seeds, 0 * random + 8 * np.eye(6)))
    columns = [structure.times(kept[:1], axis) for axis in np.eye(6)]
    assert np.allclose(columns, 8 * np.eye(6))
    pattern = np.zeros((6, 6), bool)
    for i in range(6):
        for j in range(6):
            unit = np.zeros((1, 6, 6))
            unit[0, i, j] = unit[0, j, i] = 1
            one = structure.assemble(np.einsum("ci,bij->bcj", seeds, unit))
            again = np.array([structure.times(one, axis) for axis in np.eye(6)])
            pattern[i, j] = np.allclose(again, unit[0])
    matrices = np.where(pattern, random, 0) + 8 * np.eye(6)
    band = structure.assemble(np.einsum("ci,bij->bcj", seeds, matrices))
    assert np.allclose(structure.times(band[1:], np.arange(6.0)), matrices[1] @ np.arange(6.0))
    factors, definite = structure.factor(band)
    assert definite.all()
    inverse = np.linalg.inv(matrices)
    b = rng.standard_normal((2, 6))
    assert np.allclose(structure.solve(factors, b), np.einsum("bij,bj->bi", inverse, b))
    assert np.allclose(structure.log_determinant(factors), np.linalg.slogdet(matrices)[1])
    assert np.allclose(structure.variances(factors), np.diagonal(inverse, axis1=1, axis2=2))
    products = structure.inverse_products(factors)
    other = np.where(pattern, random[::-1], 0)
    traces = np.einsum("bci,bij,cj->b", products, other, seeds)
    assert np.allclose(traces, np.einsum("bij,bji->b", inverse, other))
    roots = np.array([structure.spread(factors[:1], axis[None])[0] for axis in np.eye(6)])
    assert np.allclose(roots.T @ roots, inverse[0])
    bent = structure.assemble(np.einsum("ci,bij->bcj", seeds, matrices - 30 * np.eye(6)))
    assert not structure.factor(bent)[1].any()
    step = structure.solve(structure.modified(bent), b)
    assert np.all(np.einsum("bi,bi->b", step, b) > 0)  # uphill


def test_reml_of_correlated_effects_is_an_arrow_of_blocks_with_the_value_of_lme4() -> None:
    # lme4 1.1-31, REML: 24.7404476, 5.92213326, .06555134285 and 25.5918159; log L -871.814136.
    full = log_density(correlated(), backend=None)
    start = np.zeros(len(full.labels))
    latents = ["effect", "fixed"]
    assert fixed_effects(full, ["effect"], start, reml=True) == ["fixed"]
    density = MarginalDensity(full, latents, start, flat=["fixed"])
    assert density.structure.name == "arrow: 18 blocks of 2, 2 across"
    intercept, slope, rho = 24.7404476, 5.92213326, 0.06555134285
    at = {
        "chol": [np.log(intercept), slope * rho, np.log(slope * np.sqrt(1 - rho**2))],
        "sigma": [np.log(25.5918159)],
    }
    x = np.concatenate([at[name] for name in dict.fromkeys(density.variables)])
    value, gradient = density.marginal(x[None])
    assert value[0] == pytest.approx(-871.81413598, abs=1e-8)
    assert np.abs(gradient).max() < 1e-5


def test_a_small_multivariate_normal_is_written_out() -> None:
    # Groups of two correlated latents, each seen with noise: y is multivariate normal.
    covariance = np.array([[1.0, 0.3], [0.3, 0.5]])
    y = np.random.default_rng(2).standard_normal((4, 2))
    with pm.Model() as model:
        scale, noise = pm.HalfNormal("scale", 1), pm.HalfNormal("noise", 1)
        factor = scale * (np.linalg.cholesky(covariance))
        u = pm.MvNormal("u", 0, chol=factor, shape=(4, 2))
        pm.Normal("y", u, noise, observed=y)
    density = marginal(model, ["u"])
    assert density.structure.name == "4 blocks of 2"
    x = np.log([[0.8, 0.6]])
    whole = 0.8**2 * covariance + 0.6**2 * np.eye(2)
    exact = multivariate_normal(np.zeros(2), whole).logpdf(y).sum()
    value, gradient = density.marginal(x)
    assert value[0] == pytest.approx(exact, rel=1e-12)
    # d/dV of the log density is (V^-1 S V^-1 - n V^-1) / 2, and dV = 2 scale^2 C d log(scale).
    inverse = np.linalg.inv(whole)
    slope = 0.5 * (inverse @ y.T @ y @ inverse - 4 * inverse)
    by_scale = np.sum(slope * 2 * 0.8**2 * covariance)
    by_noise = np.trace(slope) * 2 * 0.6**2
    assert np.allclose(gradient[0], [by_scale, by_noise], rtol=1e-9)


def test_a_joint_estimate_that_is_none_names_the_call_that_has_one() -> None:
    with pytest.warns(EstimationWarning, match='marginalize="latents"'):
        joint = bp.find_MAP(one_way(DYESTUFF), n_starts=1, progressbar=False)
    assert joint.status.key == "unbounded"
    assert joint.findings[-1].advice == (
        'Integrate effect out: bp.find_MAP(model, marginalize="latents").'
    )


@pytest.mark.parametrize("centred", [True, False])
def test_one_sentence_says_that_a_joint_mle_has_latents(centred: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        joint = bp.find_MLE(two_groups(centred), n_starts=1, progressbar=False)
    assert joint.status.key == "not_identified"
    (finding,) = [f for f in joint.findings if "marginalize=" in f.advice]
    assert not any(f.is_flat for f in joint.findings if f is not finding)
    # Centred, the likelihood does not see mu and tau; else mu can be moved into z at any tau.
    assert {"mu", "tau" if centred else "z[0]"} <= {*finding.parameters}
    latent = "theta" if centred else "z"
    call = 'bp.find_MLE(model, marginalize="latents")'
    assert finding.advice == f"Integrate {latent} out: {call}."
    assert len(finding.what) < 200
    se = joint.stderr()
    assert np.isinf(se["mu"])
    assert np.isinf(se["tau"])
    # Means of two and of two observations with a variance of one, whatever the parametrisation.
    assert np.allclose(se["theta"], np.sqrt(1 / 2))


def test_a_joint_map_says_where_its_scale_comes_from_and_keeps_its_errors() -> None:
    joint = bp.find_MAP(two_groups(centred=False), n_starts=2, progressbar=False)
    assert joint.status.key == "converged"
    assert joint.findings[-1].parameters == ()
    assert joint.findings[-1].advice.endswith('bp.find_MAP(model, marginalize="latents").')
    assert all(np.isfinite(se).all() for se in joint.stderr().data_vars.values())
    # No latents, nothing to say.
    with pm.Model() as plain:
        pm.Normal("y", pm.Normal("mu", 0, 1, shape=2), 1, observed=[0.0, 2])
    assert bp.find_MAP(plain, n_starts=1, progressbar=False).findings == ()


def two_groups(centred: bool) -> pm.Model:
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 10), pm.HalfNormal("tau", 10)
        if centred:
            theta = pm.Normal("theta", mu, tau, shape=2)
        else:
            theta = pm.Deterministic("theta", mu + tau * pm.Normal("z", shape=2))
        pm.Normal("y", theta[[0, 0, 1, 1]], 1, observed=[-9.0, -11, 10, 12])
    return model


def test_latents_are_conditional_modes_with_their_two_errors() -> None:
    """Of y = mu + u_j + e, all variances 1, two in each of two groups, everything is known.

    u_j given mu: precision 2 + 1, mode 2 (mean_j - mu) / 3, which moves by -2/3 with mu.  The two
    means have variance 1 + 1/2, mu hat so 3/4.
    """
    with pm.Model(coords={"group": ["A", "B"]}) as model:
        mu = pm.Flat("mu")
        u = pm.Normal("u", 0, 1, dims="group")
        pm.Deterministic("whole", mu + u, dims="group")
        pm.Normal("y", mu + u[[0, 0, 1, 1]], 1, observed=[-2.0, 0, 4, 6])
    mle = bp.find_MLE(model, marginalize=["u"], progressbar=False)
    found = mle.latents
    assert [*found.data_vars] == ["u", "whole"]
    assert found["u"].dims == ("quantity", "group")
    assert [*found["group"].values] == ["A", "B"]
    assert np.allclose(found["u"].sel(quantity="mode"), [-2, 2])
    assert np.allclose(found["whole"].sel(quantity="mode"), [0, 4])
    for name, moves in {"u": -2 / 3, "whole": 1 / 3}.items():
        assert np.allclose(found[name].sel(quantity="sd_given_parameters"), np.sqrt(1 / 3))
        whole = np.sqrt(1 / 3 + moves**2 * 3 / 4)
        assert np.allclose(found[name].sel(quantity="sd"), whole)
    with pytest.raises(ModelError, match=r'bp.find_MAP\(model, marginalize="latents"\) has them'):
        _ = bp.find_MAP(model, n_starts=1, progressbar=False).latents


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"marginalize": ["tau"]}, "names 'tau', which is not a free variable"),
        ({"marginalize": ["alpha", "beta", "theta"]}, "leaves nothing to estimate"),
        ({"marginalize": []}, "with nothing to integrate out"),
        ({"marginalize": ["alpha"]}, r"prior of 'theta' depends on \['alpha'\]"),
        ({"marginalize": 3}, "Got marginalize=3"),
        ({"marginalize": None, "reml": True}, "Got reml=True without marginalize="),
        ({"reml": True}, "there is no parameter in which"),
        ({"reml": ["alpha"]}, r"reml names \['alpha'\]; the unbounded parameters"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        find(pumps(), **options)


def test_a_model_without_latents_is_told_so() -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("y", theta, observed=[1, 0])
    with pytest.raises(ModelError, match="no variable of this model is latent by a rule"):
        find(model)


def test_what_is_not_there_yet_is_refused(dyestuff: bp.PointEstimate) -> None:
    with pytest.raises(ModelError, match="conditional modes, not a profile"):
        bp.profile(dyestuff, var_names="effect", progressbar=False)
    with pm.Model() as alike:
        pm.Normal("y", pm.Flat("mu"), pm.HalfFlat("within"), observed=DYESTUFF)
    null = bp.find_MLE(alike, progressbar=False)
    with pytest.raises(ModelError, match="not of one kind"):
        bp.likelihood_ratio_test(null, dyestuff)


def test_of_very_many_latents_no_covariance_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_point.estimation.marginal.density.MOST_SPREAD", 2)
    y = np.array([[1.0, 2.0], [4.0, 6.0], [2.0, 3.0]])
    with pm.Model() as model:
        mu, tau = pm.Flat("mu"), pm.HalfFlat("tau")
        a = pm.Normal("a", mu, tau, shape=3)
        pm.Normal("y", a[:, None], 1.0, observed=y)
    mle = bp.find_MLE(model, marginalize="latents", progressbar=False)
    with pytest.raises(ModelError, match=r"3 values were integrated out.*var_names=, or take std"):
        mle.covariance()
    # tau^2 + 1/2 is 6.5 / 3 at the maximum, and the mean of three has a third of that.
    mean = mle.covariance(var_names="mu").values
    np.testing.assert_allclose(mean, [[6.5 / 9]], rtol=1e-6)


def test_marginal_likelihoods_that_are_not_of_one_kind_are_not_compared() -> None:
    with pm.Model() as wide:
        mu, tau = pm.Flat("mu"), pm.HalfFlat("tau")
        u = pm.Normal("u", mu, tau, shape=3)
        pm.Normal("y", u[[0, 0, 1, 1, 2, 2]], 1, observed=[0.0, 2, 4, 7, -3, 2])
    null = bp.find_MLE(pm.do(wide, {"mu": 0.0}), marginalize=["u"], n_starts=1, progressbar=False)
    full = bp.find_MLE(wide, marginalize=["u"], n_starts=1, progressbar=False)
    # Means with variance tau^2 + 1/2 about mu: the ratio of their variances about 0 and the mean.
    means = np.array([1, 5.5, -0.5])
    ratio = 3 * np.log(np.mean(means**2) / means.var())
    assert bp.likelihood_ratio_test(null, full).statistic == pytest.approx(ratio, rel=1e-6)

    def otherwise(**changed: object) -> bp.PointEstimate:
        assert full.integrated is not None
        return replace(full, integrated=replace(full.integrated, **changed))  # type: ignore[arg-type]

    by_nodes = otherwise(method="quadrature", nodes=9)
    with pytest.raises(ModelError, match=r"with 9 nodes.*same quadrature="):
        bp.likelihood_ratio_test(otherwise(method="laplace"), by_nodes)
    with pytest.raises(ModelError, match=r"\['u'\] are integrated out of one.*same marginalize="):
        bp.likelihood_ratio_test(otherwise(latents={}), full)


def test_what_a_marginal_estimate_does_not_have_is_refused_with_what_to_do() -> None:
    mle = bp.find_MLE(two_groups(True), marginalize="latents", n_starts=1, progressbar=False)
    for call, words in (
        (
            lambda: mle.conf_int(method="bootstrap", interval="bca"),
            "use interval='percentile', or method='profile'",
        ),
        (lambda: mle.conf_int(var_names="theta"), "conditional modes, not a profile"),
    ):
        with pytest.raises(ModelError, match=words):
            call()
