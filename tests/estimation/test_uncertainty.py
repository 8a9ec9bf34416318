"""Standard errors and covariances: R, closed forms, formulas written out; where there are none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.model.density.derivatives import natural_derivatives
from tests.reference import case_models, published, read_data

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


@cache
def mle(model: Callable[[], pm.Model]) -> PointEstimate:
    return bp.find_MLE(model(), **QUIET)


def flat(estimate: PointEstimate, **kwargs: Any) -> np.ndarray:
    """The standard errors of the free variables, one after the other."""
    se = estimate.stderr(**kwargs)
    names = dict.fromkeys(estimate.objective.density.variables)
    return np.concatenate([np.ravel(se[name].values) for name in names])


# -------------------------------------------------------------------------------- against R

# From the observed information: R's MASS::glm.nb (theta's se from theta.ml), survival::survreg
# (that of the log scale times the scale), glm (canonical link: observed is expected), and for the
# one-way layout lme4's maximum likelihood with the Hessian of its closed form.
PUBLISHED: dict[str, tuple[Callable[[], pm.Model], list[float]]] = {
    "quine": (
        case_models.quine,
        [
            0.22792609199876424,
            0.16468471318042482,
            0.23760183462597476,
            0.2415475930326644,
            0.24661996215203247,
            0.15760866985436656,
            0.18293678794338378,
            0.16104627385092102,
        ],
    ),
    "lung": (
        case_models.lung_censored,
        [
            0.4274011436042686,
            0.00676350577803044,
            0.12373259321729486,
            0.08347841098218196,
            0.044850944266085505,
        ],
    ),
    "challenger": (
        case_models.challenger,
        [7.37863638491123, 0.108236521649207],
    ),
    "bioassay": (
        case_models.bioassay,
        [1.01908541679772, 4.87276770148703],
    ),
    "dyestuff": (
        case_models.dyestuff_covariance,
        [17.694555429882023, 14.677735205408187, 7.14616702689942],
    ),
    "dyestuff_contrasts": (
        case_models.dyestuff_contrasts,
        [17.694555429882023, 14.677735205408187, 7.14616702689942],
    ),
    "pumps": (
        case_models.pumps_marginal,
        [0.3552280739901732, 0.7918344734900691],
    ),
    "menarche": (published.menarche, [0.770685884387407, 0.0589531746186883]),
    "ovarian": (
        published.ovarian,
        [1.17754721555462, 0.527001781436076, 0.529201901037788, 0.222924371290164],
    ),
    "leuk": (
        published.leuk,
        [1.32271855089255, 0.378104798851173, 0.131346634400164, 0.144862166227196],
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_standard_errors_of_published_fits(name: str) -> None:
    model, expected = PUBLISHED[name]
    np.testing.assert_allclose(flat(mle(model)), expected, rtol=1e-6)


def test_errors_of_a_regression_as_mle_and_as_map() -> None:
    # Given sigma both are least squares, with sigma^2 (X'X)^-1; sigma's own curvature is that of
    # -n log s - rss / (2 s^2), less log(1 + (s / 2.5)^2) under the half-Cauchy prior.
    data = read_data("pdb_kidscore_momiq")
    x = np.column_stack([np.ones(len(data["mom_iq"])), data["mom_iq"]])
    rss = np.linalg.lstsq(x, data["kid_score"])[1][0]
    n, c2 = len(x), 2.5**2
    for find in (bp.find_MLE, bp.find_MAP):
        estimate = find(case_models.kidscore(), **QUIET)
        s2 = float(estimate.point["sigma"]) ** 2
        curvature = 3 * rss / s2**2 - n / s2
        if find is bp.find_MAP:
            curvature += 2 * (c2 - s2) / (c2 + s2) ** 2
        expected = [*np.sqrt(s2 * np.diag(np.linalg.inv(x.T @ x))), 1 / np.sqrt(curvature)]
        np.testing.assert_allclose(flat(estimate), expected, rtol=1e-6)
        for result in (estimate.stderr(), estimate.covariance()):
            assert ("Laplace" in result.attrs["text"]) == (find is bp.find_MAP)


# ------------------------------------------------------------------------------ closed forms


@cache
def normal_sample() -> np.ndarray:
    return np.random.default_rng(7).normal(50, 7, 25)


@cache
def normal() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=normal_sample())
        pm.Deterministic("variance", sigma**2)
        pm.Deterministic("ratio", mu / sigma)
    return model


def test_a_normal_sample_and_functions_of_its_parameters() -> None:
    y = normal_sample()
    n, mean, sd = len(y), y.mean(), y.std()
    estimate = mle(normal)
    # The information of (mu, sigma) is diag(n, 2 n) / sigma^2; d sigma^2 = 2 sigma d sigma, and
    # d(mu / sigma) = d mu / sigma - mu / sigma^2 d sigma.
    expected = {
        "mu": sd / np.sqrt(n),
        "sigma": sd / np.sqrt(2 * n),
        "variance": 2 * sd**2 / np.sqrt(2 * n),
        "ratio": np.sqrt(1 / n + mean**2 / sd**2 / (2 * n)),
    }
    se = estimate.stderr()
    assert list(se) == list(expected)
    for name, value in expected.items():
        assert float(se[name]) == pytest.approx(value, rel=1e-8)
    # In the log of sigma: 1 / sqrt(2 n), whatever sigma is.
    inner = estimate.covariance(scale="unconstrained")
    assert inner["parameter"].values.tolist() == ["mu", "sigma_log__"]
    np.testing.assert_allclose(inner, np.diag([sd**2 / n, 1 / (2 * n)]), rtol=1e-8, atol=1e-12)
    c = estimate.covariance()
    assert c.dims == ("parameter", "parameter_bis")
    assert c["parameter_bis"].values.tolist() == list(expected)
    # Of sigma and its square: 2 sigma times the variance of sigma; of mu and the ratio: 1 / n sd.
    pair = c.sel(parameter="sigma", parameter_bis="variance")
    assert float(pair) == pytest.approx(2 * sd * sd**2 / (2 * n), rel=1e-8)
    pair = c.sel(parameter="ratio", parameter_bis="mu")
    assert float(pair) == pytest.approx(sd / n, rel=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diagonal(c)), list(expected.values()), rtol=1e-8)


def test_the_parametrisation_does_not_matter() -> None:
    with pm.Model() as model:
        mu, precision = pm.Normal("mu", -3, 0.1), pm.Gamma("precision", 9, 1)
        pm.Deterministic("sigma", 1 / pm.math.sqrt(precision))
        pm.Normal("y", mu, tau=precision, observed=normal_sample())
    se, expected = bp.find_MLE(model, **QUIET).stderr(), mle(normal).stderr()
    for name in ("mu", "sigma"):
        assert float(se[name]) == pytest.approx(float(expected[name]), rel=1e-8)


def test_a_simplex_and_its_logs() -> None:
    counts = np.array([20, 30, 50])
    with pm.Model(coords={"kind": ["a", "b", "c"]}) as model:
        w = pm.Dirichlet("w", np.ones(3), dims="kind")
        pm.Multinomial("counts", 100, w, observed=counts)
        pm.Deterministic("log_ratio", pm.math.log(w[0] / w[1]))
    estimate = bp.find_MLE(model, **QUIET)
    p = counts / 100
    # The covariance of a multinomial's proportions, singular though it is.
    c = estimate.covariance(var_names="w")
    assert c["parameter"].values.tolist() == ["w[a]", "w[b]", "w[c]"]
    np.testing.assert_allclose(c, (np.diag(p) - np.outer(p, p)) / 100, rtol=1e-7, atol=1e-12)
    assert float(estimate.stderr()["log_ratio"]) == pytest.approx(np.sqrt(1 / 20 + 1 / 30))
    assert estimate.covariance(scale="unconstrained").shape == (2, 2)
    only = estimate.covariance(var_names="w", coords={"kind": ["c"]})
    np.testing.assert_allclose(only, [[0.25 / 100]], rtol=1e-7)


def test_a_map_has_the_laplace_covariance() -> None:
    # Beta(2, 2) and 3 heads of 4: the log joint density is 4 log(t) + 2 log(1 - t), curved at 2/3
    # by 4/t^2 + 2/(1 - t)^2 = 27. In the log odds, with the Jacobian, the mode is 5/8 and the
    # curvature (5 + 3) t (1 - t), so that t has the sd sqrt(t (1 - t) / 8).
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
    se = bp.find_MAP(model, **QUIET).stderr()
    assert float(se["theta"]) == pytest.approx(1 / np.sqrt(27), rel=1e-8)
    se = bp.find_MAP(model, jacobian=True, **QUIET).stderr()
    assert float(se["theta"]) == pytest.approx(np.sqrt(5 / 8 * 3 / 8 / 8), rel=1e-8)


def test_a_covariance_matrix_through_its_cholesky_factor() -> None:
    # The sds of a bivariate normal have the variances sd^2 / (2 n) and their correlation
    # (1 - rho^2)^2 / n; PyMC's prior plays no part in an MLE.
    y = np.random.default_rng(2).multivariate_normal([0, 0], [[4, 1], [1, 1]], size=40)
    with pm.Model() as model:
        chol, _, _ = pm.LKJCholeskyCov("L", n=2, eta=2, sd_dist=pm.HalfNormal.dist(1))
        pm.MvNormal("y", np.zeros(2), chol=chol, observed=y)
    estimate = bp.find_MLE(model, **QUIET)
    s = y.T @ y / 40
    sd = np.sqrt(np.diag(s))
    rho = s[0, 1] / sd.prod()
    se = estimate.stderr()
    np.testing.assert_allclose(se["L_stds"], sd / np.sqrt(80), rtol=1e-6)
    assert float(se["L_corr"][0, 1]) == pytest.approx((1 - rho**2) / np.sqrt(40), rel=1e-6)
    # The diagonal is one, always.
    assert np.isnan(float(se["L_corr"][0, 0]))
    assert "L_corr[0, 0]: a constant" in se["L_corr"].attrs["notes"]
    assert estimate.n_parameters == 3
    # Observed scalars: two in each of the forty rows.
    assert estimate.n_observations == 80


def test_derivatives_of_linear_algebra_come_from_differences() -> None:
    with pm.Model() as model:
        s = pm.HalfFlat("s", shape=2)
        a = np.array([[2.0, 0.5], [0.5, 1.0]])
        pm.Deterministic("solved", pm.math.matrix_inverse(a + pm.math.eye(2) * s[0]))
        pm.Normal("y", 0, s, observed=[[1.0, 2.0], [2.0, 3.0]])
    density = bp.find_MLE(model, **QUIET).objective.density
    x = np.array([0.3, -0.1])
    got = natural_derivatives(density).jacobian(x)
    inverse = np.linalg.inv(a + np.exp(0.3) * np.eye(2))
    # d (A + s I)^-1 / d log s = -s (A + s I)^-2.
    expected = -np.exp(0.3) * inverse @ inverse
    np.testing.assert_allclose(got["solved"][..., 0], expected, rtol=1e-10)
    assert np.all(got["solved"][..., 1] == 0)
    np.testing.assert_allclose(got["s"], np.diag(np.exp(x)), rtol=1e-12)


# --------------------------------------------------------------------------- robust covariances


@cache
def poisson_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    x = np.column_stack([np.ones(60), rng.standard_normal(60)])
    # Counts that a Poisson cannot have: a negative binomial's.
    return x, rng.negative_binomial(2, 2 / (2 + np.exp(x @ [1.0, 0.4])))


@cache
def poisson() -> pm.Model:
    x, y = poisson_data()
    with pm.Model(coords={"obs": np.arange(60)}) as model:
        beta = pm.Flat("beta", shape=2)
        pm.Poisson("y", pm.math.exp(x @ beta), observed=y, dims="obs")
    return model


def poisson_parts() -> tuple[np.ndarray, np.ndarray]:
    """The information X' diag(mu) X and the scores (y - mu) x of a Poisson regression."""
    x, y = poisson_data()
    mu = np.exp(x @ mle(poisson).point["beta"].values)
    return x.T @ (mu[:, None] * x), (y - mu)[:, None] * x


def test_sandwich_is_hc0() -> None:
    information, scores = poisson_parts()
    bread = np.linalg.inv(information)
    expected = bread @ scores.T @ scores @ bread
    estimate = mle(poisson)
    got = estimate.covariance(kind="sandwich")
    np.testing.assert_allclose(got, expected, rtol=1e-8)
    np.testing.assert_allclose(
        estimate.stderr(kind="sandwich")["beta"], np.sqrt(np.diag(expected)), rtol=1e-8
    )
    np.testing.assert_allclose(estimate.covariance(), bread, rtol=1e-8)
    # A table of its own for each observation changes nothing.
    each = estimate.covariance(kind="sandwich", cluster="obs")
    np.testing.assert_allclose(each, expected, rtol=1e-8)


def test_sandwich_of_clusters() -> None:
    information, scores = poisson_parts()
    labels = np.array(list("abcde"))[np.arange(60) % 5]
    sums = np.array([scores[labels == label].sum(axis=0) for label in "abcde"])
    bread = np.linalg.inv(information)
    got = mle(poisson).covariance(kind="sandwich", cluster=labels)
    np.testing.assert_allclose(got, bread @ sums.T @ sums @ bread, rtol=1e-8)
    assert "clusters" in got.attrs["text"]


def test_clusters_by_a_dim_of_several_variables() -> None:
    rng = np.random.default_rng(3)
    y, z = rng.normal(size=(4, 6)), rng.normal(size=4)
    with pm.Model(coords={"school": list("abcd"), "pupil": np.arange(6)}) as model:
        mu = pm.Flat("mu")
        pm.Normal("y", mu, 1, observed=y, dims=("school", "pupil"))
        pm.Normal("z", mu, 1, observed=z, dims="school")
    estimate = bp.find_MLE(model, **QUIET)
    m = (y.sum() + z.sum()) / 28
    sums = (y - m).sum(axis=1) + (z - m)
    expected = np.sqrt(np.sum(sums**2)) / 28
    got = estimate.stderr(kind="sandwich", cluster="school")
    assert float(got["mu"]) == pytest.approx(expected, rel=1e-8)
    labels = {"y": np.repeat(np.arange(4), 6).reshape(4, 6), "z": np.arange(4)}
    got = estimate.stderr(kind="sandwich", cluster=labels)
    assert float(got["mu"]) == pytest.approx(expected, rel=1e-8)
    with pytest.raises(ModelError, match=r"'pupil' is not a dim of the observations of 'z', which"):
        estimate.stderr(kind="sandwich", cluster="pupil")
    with pytest.raises(ModelError, match=r"one array of labels, and the model observes \['y', 'z"):
        estimate.stderr(kind="sandwich", cluster=np.arange(28))
    with pytest.raises(ModelError, match=r"labels for \['y'\]; the model observes \['y', 'z'\]"):
        estimate.stderr(kind="sandwich", cluster={"y": labels["y"]})


def test_opg_is_the_inverse_outer_product() -> None:
    _, scores = poisson_parts()
    got = mle(poisson).covariance(kind="opg")
    np.testing.assert_allclose(got, np.linalg.inv(scores.T @ scores), rtol=1e-8)
    # In closed form: an exponential's mean has the score (y - m) / m^2, and the opg standard error
    # m^2 / sqrt(n var(y)).
    y = np.array([0.2, 0.9, 1.4, 3.0, 0.5])
    with pm.Model() as model:
        m = pm.HalfFlat("m")
        pm.Exponential("y", 1 / m, observed=y)
    se = bp.find_MLE(model, **QUIET).stderr(kind="opg")
    assert float(se["m"]) == pytest.approx(y.mean() ** 2 / np.sqrt(5 * y.var()), rel=1e-8)


def test_potentials_that_are_likelihood_are_observations() -> None:
    # The censored survival times once as a distribution and once with a potential by hand.
    one = mle(case_models.lung_censored)
    other = bp.find_MLE(case_models.lung_potential(), potentials="likelihood", **QUIET)
    for kind in ("hessian", "sandwich", "opg"):
        np.testing.assert_allclose(flat(one, kind=kind), flat(other, kind=kind), rtol=1e-6)
    assert one.n_observations == other.n_observations == 227


# -------------------------------------------------------------------- where there is no number


def test_on_a_boundary() -> None:
    z = np.array([1.0, 2.0, 3.0])
    with pm.Model() as model:
        theta, s = pm.Beta("theta", 2, 2), pm.HalfNormal("s", 1)
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Deterministic("both", theta + s)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        pm.Normal("z", 0, s, observed=z)
    se = bp.find_MLE(model, **QUIET).stderr()
    assert np.isnan(float(se["theta"]))
    assert se["theta"].attrs["notes"] == "theta: at the edge of the support"
    assert float(se["odds"]) == np.inf
    assert np.isnan(float(se["both"]))
    assert se["both"].attrs["notes"] == "both: depends on theta, at the edge of the support"
    # The others are measured with theta held at one, and say so.
    assert float(se["s"]) == pytest.approx(np.sqrt(np.mean(z**2) / 6), rel=1e-8)
    assert se["s"].attrs["notes"] == "s: holds theta fixed"


def test_a_simplex_with_a_zero() -> None:
    # With the third share held at zero the counts are a binomial of the other two.
    with pm.Model() as model:
        w, mu = pm.Dirichlet("w", np.ones(3)), pm.Flat("mu")
        pm.Deterministic("log_ratio", pm.math.log(w[0] / w[1]))
        pm.Multinomial("counts", 10, w, observed=[4, 6, 0])
        pm.Normal("y", mu, 1, observed=[1.0, 2.0])
    se = bp.find_MLE(model, **QUIET).stderr()
    np.testing.assert_allclose(se["w"], [*[np.sqrt(0.24 / 10)] * 2, np.nan], rtol=1e-6)
    assert se["w"].attrs["notes"].splitlines() == [
        *("w[0]: holds w[2] fixed", "w[1]: holds w[2] fixed", "w[2]: at the edge of the support")
    ]
    assert float(se["log_ratio"]) == pytest.approx(np.sqrt(1 / 4 + 1 / 6), rel=1e-6)
    assert float(se["mu"]) == pytest.approx(np.sqrt(1 / 2), rel=1e-8)
    assert se["mu"].attrs["notes"] == "mu: holds w[2] fixed"


def test_groups_against_one_without_events() -> None:
    # The intercept, the logit of a group without events, goes to minus infinity and takes the
    # contrasts of the others with it, whose logits are finite.
    group = np.array([0, 0, 1, 1, 1, 2, 2])
    with pm.Model() as model:
        b = pm.Flat("b", shape=3)
        x = np.column_stack([np.ones(7), group == 1, group == 2])
        pm.Deterministic("logits", b[0] + pm.math.stack([0 * b[1], b[1], b[2]]))
        pm.Bernoulli("y", logit_p=x @ b, observed=[0, 0, 1, 0, 1, 1, 0])
    with pytest.warns(EstimationWarning):
        se = bp.find_MLE(model, **QUIET).stderr()
    assert np.isinf(se["b"]).all()
    # 1 / sqrt(n p (1 - p)) of 2 events of 3, and of 1 of 2.
    expected = [np.inf, 1 / np.sqrt(2 / 3), 1 / np.sqrt(1 / 2)]
    np.testing.assert_allclose(se["logits"], expected, rtol=1e-6)


def test_at_a_wall() -> None:
    with pm.Model() as model:
        upper, q = pm.Uniform("upper", 0, 10), pm.Flat("q")
        pm.Uniform("y", 0, upper, observed=[1.0, 2.0, 3.0])
        pm.Normal("z", q, 1, observed=[1.0, 3.0])
    se = bp.find_MLE(model, **QUIET).stderr()
    assert np.isnan(float(se["upper"]))
    assert float(se["q"]) == pytest.approx(np.sqrt(1 / 2), rel=1e-8)


def test_at_infinity() -> None:
    # Quasi-complete separation: Heinze and Schemper's endometrial data; NV is infinite, and the
    # others have the standard errors of the limit, in which NV = 1 predicts itself.
    data = read_data("endometrial_separation")
    x = case_models.endometrial_design()
    with pm.Model(coords={"column": case_models.ENDOMETRIAL}) as model:
        beta = pm.Flat("beta", dims="column")
        pm.Deterministic("p", pm.math.invlogit(beta[0] + beta[1]))
        pm.Bernoulli("HG", logit_p=x @ beta, observed=data["HG"].astype(int))
    with pytest.warns(EstimationWarning):
        estimate = bp.find_MLE(model, **QUIET)
    se = estimate.stderr()
    assert float(se["beta"].sel(column="NV")) == np.inf
    assert se["beta"].attrs["notes"].splitlines()[1] == "beta[NV]: at infinity"
    assert np.isnan(float(se["p"]))
    kept = x[x[:, 1] == 0][:, [0, 2, 3]]
    eta = kept @ estimate.point["beta"].values[[0, 2, 3]]
    p = 1 / (1 + np.exp(-eta))
    expected = np.sqrt(np.diag(np.linalg.inv(kept.T @ ((p * (1 - p))[:, None] * kept))))
    np.testing.assert_allclose(se["beta"].values[[0, 2, 3]], expected, rtol=1e-5)


def test_null_directions() -> None:
    with pm.Model() as model:
        a, b, unused, q = pm.Flat("a"), pm.Flat("b"), pm.HalfNormal("unused"), pm.Flat("q")
        pm.Deterministic("sum", a + b)
        pm.Deterministic("mixed", a + q)
        pm.Deterministic("square", (q - 2) ** 2)
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 6.0])
        pm.Normal("z", q, 1, observed=[1.0, 3.0])
        del unused
    with pytest.warns(EstimationWarning):
        estimate = bp.find_MLE(model, **QUIET)
    se = estimate.stderr()
    for name in ("a", "b", "unused", "mixed"):
        assert float(se[name]) == np.inf
        assert se[name].attrs["notes"] == f"{name}: not identified"
    # What the likelihood does see keeps its standard error.
    assert float(se["sum"]) == pytest.approx(np.sqrt(1 / 3), rel=1e-8)
    assert float(se["q"]) == pytest.approx(np.sqrt(1 / 2), rel=1e-8)
    # (q - 2)^2 at q = 2: zero would be false precision.
    assert np.isnan(float(se["square"]))
    assert "derivative vanishes" in se["square"].attrs["notes"]
    c = estimate.covariance(scale="unconstrained")
    assert np.isinf(np.diagonal(c)).tolist() == [True, True, True, False]
    assert np.isnan(c.sel(parameter="a", parameter_bis=["b", "q"])).all()
    sandwich = estimate.stderr(kind="sandwich")
    assert float(sandwich["sum"]) == pytest.approx(np.sqrt(4 + 1 + 9) / 3, rel=1e-8)


def test_a_ridge_that_bends() -> None:
    # Only the product of two positive parameters is identified: log(a b) = log(2), and so its se.
    with pm.Model() as model:
        a, b = pm.HalfFlat("a"), pm.HalfFlat("b")
        pm.Deterministic("product", a * b)
        pm.Deterministic("quotient", a / b)
        pm.Normal("y", a * b, 1, observed=[1.0, 3.0])
    with pytest.warns(EstimationWarning):
        se = bp.find_MLE(model, **QUIET).stderr()
    assert float(se["product"]) == pytest.approx(np.sqrt(1 / 2), rel=1e-6)
    for name in ("a", "b", "quotient"):
        assert float(se[name]) == np.inf


def test_at_a_kink() -> None:
    estimate = bp.find_MAP(case_models.swiss_lasso(), **QUIET)
    se = estimate.stderr()
    assert np.isnan(se["beta"].values).tolist() == [True, False, False, False, False]
    # Penalised by n (penalty / s^2) |b|, linear elsewhere: the others have least squares' errors.
    data, s = read_data("lasso_swiss"), 7.0
    x = case_models.design(data, case_models.SWISS)
    x = ((x - x.mean(0)) / x.std(0))[:, 1:]
    expected = s * np.sqrt(np.diag(np.linalg.inv(x.T @ x)))
    np.testing.assert_allclose(se["beta"].values[1:], expected, rtol=1e-8)
    assert float(se["Intercept"]) == pytest.approx(s / np.sqrt(len(x)), rel=1e-8)


def test_a_flat_top_is_no_parabola() -> None:
    with pm.Model() as model:
        u, q = pm.Flat("u"), pm.Flat("q")
        pm.Potential("top", -((u - 1) ** 4) - q**2)
    estimate = bp.find_MLE(model, potentials="likelihood", **QUIET)
    se = estimate.stderr()
    assert np.isnan(float(se["u"]))
    assert "says nothing of the fall" in se["u"].attrs["notes"]
    assert float(se["q"]) == pytest.approx(np.sqrt(1 / 2), rel=1e-8)


def failed() -> PointEstimate:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 3), pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=[1.5])
    with pytest.warns(EstimationWarning):
        return bp.find_MLE(model, **QUIET)


@pytest.mark.parametrize("what", ["covariance", "stderr", "conf_int"])
def test_an_estimate_that_failed_has_none(what: str) -> None:
    estimate = failed()
    named = {"stderr": "standard error", "conf_int": "confidence interval"}.get(what, what)
    pattern = f"There is no {named}: the MLE is not at a maximum. Unbounded: .* A prior that keeps"
    with pytest.raises(EstimationError, match=pattern) as error:
        getattr(estimate, what)()
    assert error.value.estimate is estimate


# ----------------------------------------------------------------------------------- bad input

BAD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "robust"}, "Got kind='robust'. It must be 'hessian', 'sandwich' or 'opg'"),
    ({"cluster": "obs"}, "kind='hessian' has none. Ask for kind='sandwich'"),
    ({"kind": "opg", "cluster": "obs"}, "cluster= goes with kind='sandwich', got kind='opg'"),
    ({"kind": "sandwich", "cluster": "day"}, r"not a dim of .* 'y', which have the dims \('obs',"),
    ({"kind": "sandwich", "cluster": [1, 2]}, r"labels of shape \(2,\) for 'y'; its .* \(60,\)"),
    ({"scale": "log"}, "Got scale='log'. It must be 'natural' or 'unconstrained'"),
    ({"var_names": "gamma"}, "gamma"),
    ({"scale": "unconstrained", "var_names": "beta"}, "select variables on the natural scale"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        mle(poisson).covariance(**arguments)


def test_one_cluster_is_refused() -> None:
    with pytest.raises(EstimationError, match="puts all observations into one"):
        mle(poisson).stderr(kind="sandwich", cluster=np.zeros(60))


def test_one_event_has_no_scatter() -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.MvNormal("y", mu * np.ones(3), np.eye(3), observed=[1.0, 2.0, 4.0])
    estimate = bp.find_MLE(model, **QUIET)
    assert float(estimate.stderr()["mu"]) == pytest.approx(np.sqrt(1 / 3), rel=1e-8)
    with pytest.raises(ModelError, match=r"the likelihood of \['y'\] is that of one event"):
        estimate.stderr(kind="sandwich")


def test_too_few_observations_for_an_outer_product() -> None:
    with pm.Model() as model:
        mu, s = pm.Flat("mu"), pm.HalfFlat("s")
        pm.Normal("y", mu, s, observed=[1.0, 2.0])
    with pytest.raises(EstimationError, match="got 2 observations and 2 parameters"):
        bp.find_MLE(model, **QUIET).stderr(kind="opg")


def test_scores_are_for_an_mle() -> None:
    with pytest.raises(ModelError, match=r"it is for an MLE, and this is a MAP. Use find_MLE"):
        bp.find_MAP(poisson(), **QUIET).stderr(kind="sandwich")


def test_a_covariance_of_very_many_scalars_is_asked_for_by_name() -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Deterministic("copies", mu * np.ones(3000))
        pm.Normal("y", mu, 1, observed=[1.0, 2.0])
    estimate = bp.find_MLE(model, **QUIET)
    with pytest.raises(ModelError, match=r"3001 scalars would hold 9,006,001 numbers. Say which"):
        estimate.covariance()
    np.testing.assert_allclose(estimate.covariance(var_names="mu"), [[0.5]], rtol=1e-8)
    np.testing.assert_allclose(estimate.stderr()["copies"], np.sqrt(0.5), rtol=1e-8)


def test_the_notes_survive_netcdf(tmp_path: Any) -> None:
    import xarray as xr

    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    tree = bp.find_MLE(model, **QUIET).to_datatree()
    tree.to_netcdf(tmp_path / "e.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "e.nc", engine="h5netcdf") as opened:
        loaded = opened.load()
    for group in ("stderr", "interval"):
        assert np.isnan(loaded[group]["theta"]).all()
        assert loaded[group]["theta"].attrs["notes"] == "theta: at the edge of the support"
    assert loaded["interval"].attrs["ci_prob"] == pytest.approx(0.89)
