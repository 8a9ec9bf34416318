"""Models as they are met in the field, on which a search is easily wrong, with their truths."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray
from pymc.distributions.transforms import ordered
from scipy import stats
from scipy.optimize import curve_fit, minimize

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


# --------------------------------------------------------------------------- starts


def test_starts_outside_the_support_are_drawn_again() -> None:
    # The share of a beta regression is a square, so that half of the draws of the prior are above
    # one, and the model's own initial point has a mean of zero.
    x = np.repeat([-1.0, 0, 1], 10)
    y = np.clip((0.6 + 0.15 * x) ** 2 + 0.05 * np.sin(np.arange(30.0)), 0.01, 0.99)
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=2)
        nu = pm.HalfNormal("nu", 100)
        pm.Beta("y", mu=(b[0] + b[1] * x) ** 2, nu=nu, observed=y)

    def minus(theta: Array) -> float:
        mu, nu = (theta[0] + theta[1] * x) ** 2, np.exp(theta[2])
        if np.any((mu <= 0) | (mu >= 1)):
            return np.inf
        return -float(stats.beta.logpdf(y, mu * nu, (1 - mu) * nu).sum())

    truth = minimize(minus, [0.6, 0.1, 3.0], method="Nelder-Mead", options={"xatol": 1e-8})
    for seed in (1, 2):  # with both of them a start or more is outside
        mle = find_MLE(model, n_starts=4, random_seed=seed, progressbar=False)
        assert mle.n_starts >= 4
        assert mle.log_likelihood == pytest.approx(-truth.fun, rel=1e-6)
        assert int(mle.optima["reached"][0]) >= 1


def test_a_support_that_no_draw_is_in_is_walked_to() -> None:
    y = [100.2, 101.5, 103.0]
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1)
        b = pm.HalfNormal("b", 1)
        pm.Uniform("y", a, a + b, observed=y)
    mle = find_MLE(model, **QUIET)
    # The shortest interval that holds the data.
    assert mle.status is Status.ON_BOUNDARY
    assert float(mle.point["a"]) == pytest.approx(100.2)
    assert mle.log_likelihood == pytest.approx(-3 * np.log(2.8), abs=1e-6)


def test_maximum_of_one_start_among_several_is_said_to_be_doubtful() -> None:
    # Two bells; of eight starts around zero all but the one that is given lead to the lower.
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1)
        bells = pt.logaddexp(-((a - 30) ** 2) / 2, np.log(0.5) - a**2 / 2)
        pm.Potential("bells", bells)
        pm.Normal("y", 0, 1, observed=[0.0])
    starts = [{"a": 0.5}, {"a": -0.5}, {"a": 0.1}, {"a": 29.0}]
    mle = find_MLE(model, potentials="likelihood", n_starts=4, initvals=starts, **QUIET)
    assert float(mle.point["a"]) == pytest.approx(30)
    assert any("from one start only" in finding.what for finding in mle.findings)


# --------------------------------------------------------------------------- plateaus


def test_years_as_they_are() -> None:
    # Growth of years: from the prior's draws next to nothing changes with the year of the middle.
    rng = np.random.default_rng(2)
    t = np.arange(2000, 2021.0)
    y = np.round(50 / (1 + np.exp(-(t - 2009) / 2.5)) + rng.normal(0, 1.5, 21), 2)
    with pm.Model() as model:
        height = pm.HalfNormal("height", 100)
        middle = pm.Normal("middle", 0, 1000)
        width = pm.HalfNormal("width", 10)
        s = pm.HalfNormal("s", 10)
        pm.Normal("y", height * pm.math.sigmoid((t - middle) / width), s, observed=y)

    def minus(theta: Array) -> float:
        a, c, w, s = theta
        if min(a, w, s) <= 0:
            return np.inf
        mean = a / (1 + np.exp(-(t - c) / w))
        prior = sum(stats.halfnorm.logpdf(v, scale=k) for v, k in ((a, 100), (w, 10), (s, 10)))
        data = stats.norm.logpdf(y, mean, s).sum()
        return -float(prior + stats.norm.logpdf(c, 0, 1000) + data)

    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 5000}
    truth = minimize(minus, [50, 2009, 2.5, 1.5], method="Nelder-Mead", options=options)
    map_ = find_MAP(model, **QUIET)
    assert map_.status is Status.CONVERGED
    assert map_.log_joint == pytest.approx(-truth.fun, abs=1e-6)


def test_a_rate_that_is_ten_orders_of_magnitude_below_its_start() -> None:
    # The density does not change with k around the start of one: it decays within 1e-9.
    t, z = np.array([0, 1, 2, 3, 5, 8.0]), np.array([5, 4.1, 3.3, 2.8, 1.7, 1.1])
    with pm.Model() as model:
        height, k, s = pm.HalfFlat("height"), pm.HalfFlat("k"), pm.HalfFlat("s")
        pm.Normal("z", height * pt.exp(-k * 1e9 * t), s, observed=z)
    fit = curve_fit(lambda t, a, k: a * np.exp(-k * t), t, z, [5, 0.2])[0]
    squares = float(np.sum((z - fit[0] * np.exp(-fit[1] * t)) ** 2))
    mle = find_MLE(model, **QUIET)
    assert mle.status is Status.CONVERGED
    assert float(mle.point["k"]) * 1e9 == pytest.approx(fit[1], rel=1e-5)
    # With s^2 the mean square, the exponents sum to n / 2.
    top = -3 * np.log(2 * np.pi * squares / 6) - 3
    assert mle.log_likelihood == pytest.approx(top, abs=1e-7)


def test_threshold_between_two_levels() -> None:
    x = np.arange(12.0)
    y = np.array([0.7, 0.6, 0.1, 0.8, 0.6, 0.3, 0.7, 3.1, 3.1, 3.0, 3.2, 2.8])
    with pm.Model() as model:
        c = pm.Uniform("c", 0, 11)
        level = pm.Normal("level", 0, 2, shape=2)
        pm.Normal("y", pt.switch(x > c, level[1], level[0]), 0.4, observed=y)
    # Anywhere between the seventh value and the eighth, with the mean on either side.
    top = sum(stats.norm.logpdf(part, part.mean(), 0.4).sum() for part in (y[:7], y[7:]))
    for seed in (0, 1):
        with pytest.warns(EstimationWarning, match="Not identified"):
            mle = find_MLE(model, random_seed=seed, progressbar=False)
        assert mle.status is Status.NOT_IDENTIFIED
        assert mle.log_likelihood == pytest.approx(top, abs=1e-7)
        assert 6 <= float(mle.point["c"]) <= 7


# --------------------------------------------------------------------------- derivatives


def test_zero_to_a_power_has_a_value_and_no_derivative() -> None:
    # Half of the lives are seen from their beginning on, at 0: (0 / s)^k is 0, and its derivative
    # 0 * log(0).
    t = stats.weibull_min.ppf((np.arange(1, 41) - 0.5) / 40, 0.8, scale=20)
    entry = np.where(np.arange(40) % 2, np.minimum(t / 2, 3.0), 0.0)
    with pm.Model() as model:
        k = pm.HalfNormal("k", 5)
        s = pm.HalfNormal("s", 100)
        pm.Weibull("t", alpha=k, beta=s, observed=t)
        pm.Potential("entry", pt.sum((entry / s) ** k))

    def minus(theta: Array) -> float:
        k, s = np.exp(theta)
        data = stats.weibull_min.logpdf(t, k, scale=s).sum()
        return -float(data + np.sum((entry[1::2] / s) ** k))

    options = {"xatol": 1e-9, "fatol": 1e-12}
    truth = minimize(minus, [0.0, 3.0], method="Nelder-Mead", options=options)
    mle = find_MLE(model, potentials="likelihood", **QUIET)
    assert mle.status is Status.CONVERGED
    assert float(mle.point["k"]) == pytest.approx(np.exp(truth.x[0]), rel=1e-6)
    assert mle.log_likelihood == pytest.approx(-truth.fun, abs=1e-8)
    assert any("potential by k, s is not a number" in finding.what for finding in mle.findings)
    # The curvature by differences of NumPy's values, on the log scale: the Wald interval's.
    h = 1e-3

    def curved(i: int, j: int) -> float:
        e = np.eye(2)
        moves = [a * h * e[i] + b * h * e[j] for a in (1, -1) for b in (1, -1)]
        values = [minus(truth.x + move) for move in moves]
        return (values[0] - values[1] - values[2] + values[3]) / (4 * h * h)

    information = np.array([[curved(i, j) for j in (0, 1)] for i in (0, 1)])
    se = np.sqrt(np.linalg.inv(information)[0, 0]) * np.exp(truth.x[0])
    assert float(mle.stderr()["k"]) == pytest.approx(se, rel=1e-4)
    lower, upper = mle.conf_int()["k"].values
    assert lower < float(mle.point["k"]) < upper


# --------------------------------------------------------------------------- merged components

DECAY = 5 * np.exp(-1.5 * np.linspace(0.1, 8, 40)) + 3 * np.exp(-0.3 * np.linspace(0.1, 8, 40))


@cache
def two_decays() -> pm.Model:
    t = np.linspace(0.1, 8, 40)
    y = DECAY + np.random.default_rng(0).normal(0, 0.2, 40)
    with pm.Model() as model:
        a, k = pm.Flat("a", shape=2), pm.Flat("k", shape=2)
        pm.Normal("y", a[0] * pt.exp(-k[0] * t) + a[1] * pt.exp(-k[1] * t), 0.2, observed=y)
    return model


@pytest.mark.parametrize(
    "merged",
    # One decay in two parts: both positive, or one negative, where to draw them apart does not pay.
    [{"a": [4.0, 4.0], "k": [1.0, 1.0]}, {"a": [12.0, -4.0], "k": [1.0, 1.0]}],
)
def test_two_decays_that_begin_as_one_are_drawn_apart(merged: dict[str, list[float]]) -> None:
    t = np.linspace(0.1, 8, 40)
    data = DECAY + np.random.default_rng(0).normal(0, 0.2, 40)
    apart, _ = curve_fit(
        lambda t, a, b, k, m: a * np.exp(-k * t) + b * np.exp(-m * t), t, data, [5, 3, 1.5, 0.3]
    )
    estimate = find_MLE(two_decays(), initvals=merged, n_starts=1, **QUIET)
    assert estimate.status is Status.CONVERGED
    np.testing.assert_allclose(np.sort(estimate.point["k"]), np.sort(apart[2:]), rtol=1e-4)


def test_two_peaks_that_begin_as_one_are_drawn_apart() -> None:
    x = np.linspace(-5, 5, 60)
    y = 3 * stats.norm.pdf(x, -1, 0.7) + 2 * stats.norm.pdf(x, 1.2, 0.7)
    y += np.random.default_rng(2).normal(0, 0.03, 60)
    with pm.Model() as model:
        h, c = pm.HalfFlat("h", shape=2), pm.Flat("c", shape=2)
        w = pm.HalfFlat("w")
        bells = h * pt.exp(-0.5 * ((x[:, None] - c) / w) ** 2)
        pm.Normal("y", bells.sum(axis=1), 0.03, observed=y)
    start = {"h": [1.0, 1.0], "c": [0.0, 0.0], "w": 1.0}
    apart, _ = curve_fit(
        lambda x, g, h, b, c, w: (
            g * np.exp(-0.5 * ((x - b) / w) ** 2) + h * np.exp(-0.5 * ((x - c) / w) ** 2)
        ),
        x,
        y,
        [1.5, 1, -1, 1, 0.7],
    )
    estimate = find_MLE(model, initvals=start, n_starts=1, **QUIET)
    assert estimate.status is Status.CONVERGED
    np.testing.assert_allclose(np.sort(estimate.point["c"]), np.sort(apart[2:4]), atol=1e-5)
