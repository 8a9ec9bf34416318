"""Models with much data: one start after the other, Hessians by columns, values alone."""

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit

import bayes_point as bp
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.model.density import density as density_module
from bayes_point.model.density.density import LogDensity

N, P = 30_000, 4
rng = np.random.default_rng(9)
X = rng.normal(size=(N, P))
TOSSES = (rng.uniform(size=N) < expit(X @ [1.0, -0.5, 0.0, 0.2])).astype(int)


@pytest.fixture(scope="module")
def logistic() -> pm.Model:
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 1, shape=P)
        pm.Bernoulli("tosses", logit_p=X @ beta, observed=TOSSES)
    return model


def test_the_columns_of_a_hessian_are_those_of_the_batch(logistic, monkeypatch) -> None:
    density, x = LogDensity(logistic), rng.normal(size=(2, P))
    terms = ("likelihood", "prior")
    by_columns = density.hessian(x, terms)
    monkeypatch.setattr(density_module, "_LARGE", np.inf)
    np.testing.assert_allclose(by_columns, density.hessian(x, terms), rtol=1e-10, atol=1e-9)
    # X' diag(mu (1 - mu)) X, McCullagh and Nelder (1989), section 4.4.
    for row, hessian in zip(x, by_columns[:, 0], strict=True):
        mu = expit(X @ row)
        np.testing.assert_allclose(-hessian, (X.T * (mu * (1 - mu))) @ X, rtol=1e-8, atol=1e-7)


def test_values_alone_are_the_values(logistic) -> None:
    density, x = LogDensity(logistic), rng.normal(size=(3, P))
    assert density.is_costly
    terms = ("prior", "likelihood")
    np.testing.assert_allclose(density.values(x, terms), density.evaluate(x, terms)[0], rtol=1e-13)


def test_every_start_leads_to_the_maximum_of_the_likelihood() -> None:
    with pm.Model() as model:
        # The same likelihood, of coefficients in which it is not known to be concave.
        beta = pm.Deterministic("beta", pm.math.sinh(pm.Normal("b", 0, 1, shape=P)))
        pm.Bernoulli("tosses", logit_p=X @ beta, observed=TOSSES)
    found = bp.find_MLE(model, progressbar=False, random_seed=3)
    b = found.point["beta"].values
    assert found.status.key == "converged"
    # The score X'(y - mu); its terms are of the order of N.
    np.testing.assert_allclose(X.T @ (TOSSES - expit(X @ b)), 0, atol=1e-6)
    assert found.n_starts == 8
    assert found.optima["reached"].values.tolist() == [8]


def test_one_start_leads_to_the_only_maximum(logistic) -> None:
    found = bp.find_MLE(logistic, progressbar=False, random_seed=3)
    b = found.point["beta"].values
    assert found.status.key == "converged"
    np.testing.assert_allclose(X.T @ (TOSSES - expit(X @ b)), 0, atol=1e-6)
    assert found.n_starts == 1


def test_two_maxima_are_both_found() -> None:
    # |theta| is identified, its sign is not: maxima at both square roots of the mean.
    y = 4 + rng.normal(size=N)
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 3)
        pm.Normal("y", theta**2, 1, observed=y)
    found = bp.find_MLE(model, progressbar=False, random_seed=3)
    assert found.status.key == "converged"
    np.testing.assert_allclose(
        np.sort(found.optima["theta"]), [-np.sqrt(y.mean()), np.sqrt(y.mean())], rtol=1e-9
    )
    assert int(found.optima["reached"].sum()) == found.n_starts == 16


def test_next_to_the_maximum_a_hessian_is_carried_along(logistic, monkeypatch) -> None:
    made = []
    hessian = LogDensity.hessian
    monkeypatch.setattr(
        LogDensity, "hessian", lambda self, *args: made.append(args) or hessian(self, *args)
    )
    objective = Objective(LogDensity(logistic), {"likelihood": 1.0})
    end = maximise(objective, np.zeros((1, P)))
    assert end.settled.tolist() == [True]
    # Far off each step has its own, and the last ones, by which nothing but digits is gained, none.
    assert 2 <= len(made) <= end.iterations[0] // 2
    mu = expit(X @ end.x[0])
    np.testing.assert_allclose(X.T @ (TOSSES - mu), 0, atol=1e-7)


def test_what_was_evaluated_a_moment_ago_is_not_again(logistic, monkeypatch) -> None:
    density, x, terms = LogDensity(logistic), rng.normal(size=(1, P)), ("likelihood", "prior")
    first, hessian = density.evaluate(x, terms), density.hessian(x, terms)
    kept = hessian.copy()
    hessian[:] = 0.0  # what was given away is the caller's

    def called(*args: object) -> None:
        raise RuntimeError("evaluated")

    monkeypatch.setattr(density, "call", called)
    for again, once in zip(density.evaluate(x, terms), first, strict=True):
        np.testing.assert_array_equal(again, once)
    np.testing.assert_array_equal(density.values(x, terms), first[0])
    np.testing.assert_array_equal(density.hessian(x, terms), kept)
    density.forget()
    with pytest.raises(RuntimeError, match="evaluated"):
        density.evaluate(x, terms)
