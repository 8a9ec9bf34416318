"""More coordinates than a dense Hessian is made of: the same checks and answers, by products."""

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit
from scipy.stats import norm

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise import krylov
from bayes_point.estimation.optimise.krylov import Curved, scale_at
from bayes_point.model.density.density import LogDensity
from tests.reference.pathologies import PATHOLOGIES
from tests.reference.wellbehaved import WELLBEHAVED

P = 520
rng = np.random.default_rng(4)
X = rng.normal(size=(2 * P, P))
Y = X @ rng.normal(size=P) / np.sqrt(P) + rng.normal(size=2 * P)


def regression(X: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 0.5, shape=X.shape[1])
        pm.Normal("y", X @ beta, 1, observed=Y)
    return model


def test_ridge_has_its_closed_form_in_any_units() -> None:
    units = 10.0 ** rng.uniform(-3, 3, size=P)
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 0.5 / units, shape=P)
        pm.Normal("y", (X * units) @ beta, 1, observed=Y)
    found = bp.find_MAP(model, progressbar=False)
    # Residual variance 1 and prior variance 1/4: (X'X + 4) b = X'y, in the units of X.
    expected = np.linalg.solve(X.T @ X + 4 * np.eye(P), X.T @ Y) / units
    assert found.status.key == "converged"
    np.testing.assert_allclose(found.point["beta"], expected, rtol=1e-8, atol=1e-9 / units.max())
    # It is concave, which the graph proves: no other start is needed.
    assert found.n_starts == 1
    assert "the only maximum, by proof" in str(found.certificate)
    assert found.optima.sizes["optimum"] == 1
    assert found.evidence["distance to the maximum in standard errors"] < 1e-6


def test_the_ends_of_the_spectrum_are_those_of_the_matrix() -> None:
    objective = Objective(LogDensity(regression(X)), {"likelihood": 1.0, "prior": 1.0})
    x = np.zeros(P)
    scale = scale_at(objective, x)
    spectrum = Curved(objective, x, scale, np.ones(P, bool)).spectrum()
    assert spectrum is not None
    exact = np.linalg.eigvalsh((X.T @ X + 4 * np.eye(P)) * scale[:, None] * scale)
    np.testing.assert_allclose(spectrum.smallest[0], exact[0], rtol=1e-3)
    np.testing.assert_allclose(spectrum.largest, exact[-1], rtol=1e-2)


def test_where_lanczos_fails_the_matrix_is_decomposed(monkeypatch) -> None:
    def fails(*args, **kwargs):
        raise krylov.ArpackError(-9999)

    monkeypatch.setattr(krylov, "eigsh", fails)
    objective = Objective(LogDensity(regression(X)), {"likelihood": 1.0, "prior": 1.0})
    spectrum = Curved(objective, np.zeros(P), np.ones(P), np.ones(P, bool)).spectrum()
    assert spectrum is not None
    exact = np.linalg.eigvalsh(X.T @ X + 4 * np.eye(P))
    np.testing.assert_allclose(spectrum.smallest, exact[: len(spectrum.smallest)], rtol=1e-9)


def test_collinear_columns_are_named() -> None:
    twice = X.copy()
    twice[:, 7] = twice[:, 3]
    with pytest.warns(EstimationWarning, match=r"enter only as beta\[3\] \+ beta\[7\]"):
        found = bp.find_MLE(regression(twice), n_starts=1, progressbar=False)
    assert found.status.key == "not_identified"
    assert found.findings[0].parameters == ("beta[3]", "beta[7]")
    # What is identified is the sum, that of least squares without the copy.
    expected = np.linalg.lstsq(np.delete(X, 7, axis=1), Y)[0]
    total = float(found.point["beta"][3] + found.point["beta"][7])
    np.testing.assert_allclose(total, expected[3], rtol=1e-6)


def test_logistic_regression_has_a_score_of_zero() -> None:
    y = (rng.uniform(size=2 * P) < expit(X[:, 0])).astype(int)
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 0.2, shape=P)
        pm.Bernoulli("y", logit_p=X @ beta, observed=y)
    found = bp.find_MAP(model, n_starts=1, progressbar=False)
    b = found.point["beta"].values
    assert found.status.key == "converged"
    # The score X'(y - mu) - b / 0.04 at the maximum; its terms are of the order of 100.
    np.testing.assert_allclose(X.T @ (y - expit(X @ b)) - b / 0.04, 0, atol=1e-8)


def test_a_centred_hierarchy_has_no_mode() -> None:
    group = np.repeat(np.arange(P), 3)
    y = rng.normal(size=P)[group] + rng.normal(size=3 * P)
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 10), pm.HalfNormal("tau", 1)
        u = pm.Normal("u", mu, tau, shape=P)
        pm.Normal("y", u[group], 1, observed=y)
    with pytest.warns(EstimationWarning, match="tau"):
        found = bp.find_MAP(model, n_starts=1, random_seed=1, progressbar=False)
    assert found.status.key == "unbounded"
    assert "tau" in found.findings[0].parameters


def test_a_lasso_has_its_exact_zeros() -> None:
    penalty = 60.0
    with pm.Model() as model:
        beta = pm.Laplace("beta", 0, 1 / penalty, shape=P)
        pm.Normal("y", X @ beta, 1, observed=Y)
    found = bp.find_MAP(model, progressbar=False)
    assert found.status.key == "converged"
    b = found.point["beta"].values
    # Zero is a subgradient of |y - Xb|^2 / 2 + penalty |b|_1, and that is the maximum.
    slope, zero = X.T @ (Y - X @ b), b == 0
    assert 0 < zero.sum() < P
    np.testing.assert_allclose(slope[~zero], penalty * np.sign(b[~zero]), rtol=1e-9)
    assert np.all(np.abs(slope[zero]) < penalty)


def test_rates_without_a_count_are_exactly_zero() -> None:
    y = rng.poisson(1.0, size=P)
    with pm.Model() as model:
        rate = pm.Exponential("rate", 1, shape=P)
        pm.Poisson("y", rate, observed=y)
    found = bp.find_MLE(model, n_starts=2, progressbar=False)
    assert found.status.key == "on_boundary"
    # The MLE of a Poisson rate is its count.
    np.testing.assert_allclose(found.point["rate"], y, rtol=1e-8)
    assert np.all(found.point["rate"].values[y == 0] == 0)
    named = {name for finding in found.findings for name in finding.parameters}
    assert named == {f"rate[{j}]" for j in np.flatnonzero(y == 0)}


def test_log_rates_without_a_count_are_at_minus_infinity() -> None:
    y = rng.poisson(20.0, size=P)
    y[7] = 0
    with pm.Model() as model:
        log_rate = pm.Normal("log_rate", 0, 5, shape=P)
        pm.Poisson("y", pm.math.exp(log_rate), observed=y)
    with pytest.warns(EstimationWarning, match=r"log_rate\[7\] to -infinity"):
        found = bp.find_MLE(model, n_starts=2, progressbar=False)
    assert found.status.key == "at_infinity"
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(found.point["log_rate"], np.log(y), rtol=1e-8)


def test_active_bounds_are_reached_exactly() -> None:
    y = rng.normal(0.5, size=P)
    with pm.Model() as model:
        mu = pm.Uniform("mu", 0, 1, shape=P)
        pm.Normal("y", mu, 1, observed=y)
    found = bp.find_MAP(model, n_starts=2, progressbar=False)
    assert found.status.key == "on_boundary"
    # The mean of one normal observation, on [0, 1], is the observation or the nearer edge.
    np.testing.assert_allclose(found.point["mu"], np.clip(y, 0, 1), atol=1e-8)


def test_edges_and_infinity_at_once_beside_what_stays() -> None:
    y = rng.poisson(2.0, size=P)
    y[:4] = 0, 3, 0, 5
    with pm.Model() as model:
        rate = pm.Exponential("rate", 1, shape=P - 2)
        log_rate = pm.Normal("log_rate", 0, 5, shape=2)
        pm.Poisson("y", pm.math.concatenate([pm.math.exp(log_rate), rate]), observed=y)
    with pytest.warns(EstimationWarning, match=r"log_rate\[0\] to -infinity"):
        found = bp.find_MLE(model, n_starts=1, progressbar=False)
    assert found.status.key == "at_infinity"
    # The MLE of a Poisson rate is its count, whatever else goes to an edge.
    np.testing.assert_allclose(found.point["rate"], y[2:], rtol=1e-8)
    assert float(found.point["log_rate"][0]) == -np.inf
    np.testing.assert_allclose(found.point["log_rate"][1], np.log(3), rtol=1e-8)


def test_a_maximum_does_not_hide_the_pole_beside_it() -> None:
    # Groups far apart, with s^2 the mean square of y: along theta = c y, at its best tau = c s, the
    # log joint density is -P (log c + (1 - c)^2 s^2 / 2) + const, which for s > 2 has a maximum at
    # c = (1 + sqrt(1 - 4 / s^2)) / 2; as c goes to 0 it has no bound.
    y = rng.normal(0, 10, size=P)
    with pm.Model() as model:
        tau = pm.HalfFlat("tau")
        theta = pm.Normal("theta", 0, tau, shape=P)
        pm.Normal("y", theta, 1, observed=y)
    s2 = np.mean(y**2)
    c = (1 + np.sqrt(1 - 4 / s2)) / 2
    density = LogDensity(model)
    x = np.concatenate([[np.log(c * np.sqrt(s2))], c * y])
    slope = Objective(density, {"likelihood": 1.0, "prior": 1.0}).evaluate(x[None])[1]
    np.testing.assert_allclose(slope, 0, atol=1e-8 * P)
    with pytest.warns(EstimationWarning, match="grows without limit along"):
        found = bp.find_MAP(model, n_starts=1, initvals={"tau": 10.0}, progressbar=False)
    assert found.status.key == "unbounded"
    assert found.findings[0].parameters[0] == "tau"


def test_columns_beyond_the_rows_separate_the_data() -> None:
    # P columns and half as many rows: some b puts every row on its side, and c b, as c grows, takes
    # the likelihood to one.  Where a search stops it has long been one to rounding.
    x = rng.normal(size=(P // 2, P))
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=P)
        pm.Bernoulli("y", logit_p=x @ b, observed=rng.integers(0, 2, size=P // 2))
    with pytest.warns(EstimationWarning, match="keeps rising, towards a limit"):
        found = bp.find_MLE(model, n_starts=1, progressbar=False)
    assert found.status.key == "at_infinity"
    assert found.log_likelihood == pytest.approx(0, abs=1e-12)


def test_a_local_maximum_is_found_among_so_many() -> None:
    # Means apart from one mean that is far from all: log sum of a mixture, its components at their
    # own; P independent values beside it are their observations.
    y = np.array([-2.1, -0.3, 0.4, 1.8, 0.9])
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 5, shape=2), pm.HalfNormal("sigma", 5, shape=2)
        pm.NormalMixture("y", [0.5, 0.5], mu, sigma, observed=y)
        beside = pm.Normal("beside", 0, 1, shape=P)
        pm.Normal("z", beside, 1, observed=Y[:P])
    with pytest.warns(EstimationWarning, match="grows without limit along"):
        found = bp.find_MLE(model, random_seed=1, progressbar=False)
    assert found.status.key == "unbounded"
    local = bp.find_MLE(model, random_seed=1, local=True, progressbar=False)
    assert local.status.key == "local"
    np.testing.assert_allclose(local.point["beside"], Y[:P], rtol=1e-8)
    # At the maximum the score is zero: the two normals weighted by their posterior probabilities.
    m, s = local.point["mu"].values, local.point["sigma"].values
    parts = norm.pdf(y[:, None], m, s)
    weight = parts / parts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.sum(weight * (y[:, None] - m), axis=0), 0, atol=1e-6)


ZOO = {one.name: one for one in (*PATHOLOGIES, *WELLBEHAVED)}


@pytest.mark.parametrize(
    "name",
    [
        "separation_complete",
        "poisson_zero_group",
        "all_tails",
        "sum_only",
        "unused_flat_parameter",
        "one_observation",
        "mixture_collapse",
        "cauchy_far_apart",
        "laplace_regression",
        "normal_mean_sd",
    ],
)
@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_a_model_is_judged_as_it_is_beside_600_others(name: str) -> None:
    # 600 normals, each with an observation of its own, change nothing about the rest.
    for estimator in ("mle", "map"):
        find = bp.find_MLE if estimator == "mle" else bp.find_MAP
        alone = find(ZOO[name].build(), random_seed=1, progressbar=False)
        model = ZOO[name].build()
        y = np.random.default_rng(7).normal(size=600)
        with model:
            pm.Normal("z", pm.Normal("beside", 0, 1, shape=600), 1, observed=y)
        found = find(model, random_seed=1, progressbar=False)
        assert found.status is alone.status
        if not found.status.is_point:
            continue
        for variable, value in alone.point.data_vars.items():
            np.testing.assert_allclose(found.point[variable], value, rtol=1e-6, atol=1e-7)
        # Of one observation y with sd 1, and a prior N(0, 1) for the MAP.
        expected = y if estimator == "mle" else y / 2
        np.testing.assert_allclose(found.point["beside"], expected, rtol=1e-7, atol=1e-9)
