"""Models as they are met in the field, on which a search is easily wrong, with their truths."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytest
from numpy.typing import NDArray
from pymc.distributions.transforms import ordered
from scipy import stats

from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.certificate.checks.pole_observation import collapse
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.objective import Objective
from bayes_point.model.data.observations import some_observations
from bayes_point.model.density.density import LogDensity
from bayes_point.model.starts import starting_points

Array = NDArray[np.float64]

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 0}

# --------------------------------------------------------------------------- mixtures


def two_groups() -> Array:
    """Forty around -3, thirty around 2; and two that are closer together than they should be."""
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.normal(-3, 1, 40), rng.normal(2, 0.5, 30)])
    return np.append(y, [-0.5, -0.4999])


@cache
def mixture() -> pm.Model:
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(2))
        mu = pm.Uniform("mu", -10, 10, shape=2)
        s = pm.Uniform("s", 0, 10, shape=2)
        pm.Mixture("y", w, pm.Normal.dist(mu, s), observed=two_groups())
    return model


@cache
def local_mle() -> PointEstimate:
    return find_MLE(mixture(), local=True, **QUIET)


def expectation_maximisation(y: Array, mu: Array, s: Array) -> tuple[float, Array]:
    """Return the log-likelihood that EM leads to from there, and the sums of its E step."""
    w = np.full(len(mu), 1 / len(mu))
    for _ in range(2000):
        part = w * stats.norm.pdf(y[:, None], mu, s)
        share = part / part.sum(axis=1, keepdims=True)
        n = share.sum(axis=0)
        w, mu = n / len(y), share.T @ y / n
        s = np.sqrt(np.sum(share * (y[:, None] - mu) ** 2, axis=0) / n)
    return float(np.log((w * stats.norm.pdf(y[:, None], mu, s)).sum(axis=1)).sum()), n


def test_highest_interior_maximum_of_a_mixture() -> None:
    y, mle = two_groups(), local_mle()
    found = [
        expectation_maximisation(y, np.array(mu, float), np.ones(2))
        for mu in ([-3, 2], [-4, -2], [1, 3], [-1, 1])
    ]
    best, n = max(found, key=lambda one: one[0])
    assert mle.status is Status.LOCAL
    assert mle.status.is_point
    assert mle.log_likelihood == pytest.approx(best, abs=1e-7)
    counts = mle.optima["effective_observations"].values
    np.testing.assert_allclose(np.sort(counts[0]), np.sort(n), rtol=1e-5)
    assert counts.sum(axis=1) == pytest.approx(len(y))
    # Standard errors and criteria are those of this maximum.
    assert np.all(np.isfinite(mle.stderr()["mu"]))
    assert mle.aic == pytest.approx(2 * 5 - 2 * best, abs=1e-6)
    assert set(mle.to_dataframe()["status"]) == {"local"}
    assert "local maximum" in str(mle)
    lower, upper = np.moveaxis(mle.conf_int(method="wald")["mu"].values, -1, 0)
    assert np.all((lower < mle.point["mu"]) & (mle.point["mu"] < upper))


def test_spurious_maxima_come_last() -> None:
    optima = local_mle().optima
    few = optima["effective_observations"].min("component").values < 5
    np.testing.assert_array_equal(optima["is_spurious"], few)
    np.testing.assert_array_equal(np.sort(few), few)
    assert not few[0]
    sound = optima["log_density"].values[~few]
    assert np.all(np.diff(sound) <= 0)


def test_unbounded_mixture_names_its_highest_interior_maximum() -> None:
    with pytest.warns(EstimationWarning, match="Unbounded"):
        mle = find_MLE(mixture(), **QUIET)
    assert mle.status is Status.UNBOUNDED
    advice = [f for f in mle.findings if "find_MLE(model, local=True)" in f.advice]
    assert len(advice) == 1
    assert list(advice[0].evidence.values()) == [pytest.approx(local_mle().log_likelihood)]


def test_strict_wants_no_local_maximum() -> None:
    with pytest.raises(EstimationError, match="Local"):
        find_MLE(mixture(), local=True, strict=True, n_starts=2, **QUIET)


def test_local_is_the_global_maximum_where_there_is_one() -> None:
    with pm.Model() as bounded:
        mu = pm.Normal("mu", 0, 1)
        pm.Normal("y", mu, 1, observed=[1.0, 2.0])
    map_ = find_MAP(bounded, local=True, **QUIET)
    assert map_.status is Status.CONVERGED
    assert float(map_.point["mu"]) == pytest.approx(1.0)  # 3 / (2 + 1)
    wrong: Any = "yes"
    with pytest.raises(ModelError, match="local"):
        find_MAP(bounded, local=wrong, **QUIET)


def test_pole_is_seen_among_a_thousand_observations() -> None:
    rng = np.random.default_rng(0)
    y = np.r_[rng.normal(-5, 1, 300), rng.normal(0, 1.2, 400), rng.normal(5, 0.8, 300)]
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(3))
        mu = pm.Normal("mu", 0, 10, shape=3, transform=ordered, initval=[-4.0, 0.0, 4.0])
        tau = pm.Gamma("tau", 1, 1, shape=3)
        pm.NormalMixture("y", w, mu, tau=tau, observed=y)
    density = LogDensity(model)
    rng = np.random.default_rng(0)
    start = starting_points(model, density, n_starts=1, initvals=None, rng=rng)[0]
    track = collapse(Objective(density, {"likelihood": 1.0}), start, some_observations(model))
    assert track is not None
    assert density.variables[track.pivot] == "tau"
    # The density of the observation under its own component is in proportion to sqrt(tau).
    gains = np.diff(track.value) / np.diff(track.x[:, track.pivot])
    np.testing.assert_allclose(gains[-3:], 0.5, atol=1e-3)
