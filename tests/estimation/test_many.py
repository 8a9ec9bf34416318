"""Models with more coordinates than a dense Hessian is made for: the same answers, by products."""

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation import krylov
from bayes_point.estimation.krylov import Curved, scale_at
from bayes_point.estimation.many import MANY
from bayes_point.estimation.objective import Objective
from bayes_point.model.density import LogDensity

P = MANY + 20
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
    found = bp.find_MAP(model, n_starts=2, progressbar=False)
    # Residual variance 1 and prior variance 1/4: (X'X + 4) b = X'y, in the units of X.
    expected = np.linalg.solve(X.T @ X + 4 * np.eye(P), X.T @ Y) / units
    assert found.status.key == "converged"
    np.testing.assert_allclose(found.point["beta"], expected, rtol=1e-8, atol=1e-9 / units.max())
    assert found.n_starts == 2
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
        raise krylov.ArpackNoConvergence("none", np.empty(0), np.empty((0, 0)))

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
