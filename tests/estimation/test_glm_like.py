"""Three hundred random models like a GLM, against a maximiser that shares nothing with the package.

Families, links, degenerate data (nothing but zeros, separation, columns that are the same, as many
columns as rows) and columns on scales from 1e-6 to 1e6.  The other maximiser sees standardised
columns and climbs NumPy's log-likelihood from several starts: what it finds is a lower bound of the
maximum, whatever became of it.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, gammaln, xlogy

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate

Array = NDArray[np.float64]

N_MODELS = 300
# So many are one test: the workers share them.
N_TOGETHER = 50
TRIALS = 12


@dataclass(frozen=True)
class Family:
    """A distribution of data given a linear predictor, and perhaps the log of a scale."""

    draw: Callable[[np.random.Generator, Array], Array]
    log_likelihood: Callable[[Array, Array, float], Array]
    observe: Callable[[pm.math.TensorVariable, pm.math.TensorVariable, Array], object]
    has_scale: bool


def _negative_binomial(y: Array, eta: Array, log_alpha: float) -> Array:
    # Not as far as to where the log gammas cancel to noise.
    alpha = np.exp(np.clip(log_alpha, -25, 12))
    log_odds = eta - np.log(alpha)
    return (
        gammaln(y + alpha)
        - gammaln(alpha)
        - gammaln(y + 1)
        - alpha * np.logaddexp(0, log_odds)
        - y * np.logaddexp(0, -log_odds)
    )


FAMILIES = {
    "normal": Family(
        lambda rng, eta: rng.normal(eta, 0.7),
        lambda y, eta, s: stats.norm.logpdf(y, eta, np.exp(s)),
        lambda eta, s, y: pm.Normal("y", eta, s, observed=y),
        has_scale=True,
    ),
    "student_t": Family(
        lambda rng, eta: rng.standard_t(4, size=eta.shape) + eta,
        lambda y, eta, s: stats.t.logpdf(y, 4, eta, np.exp(s)),
        lambda eta, s, y: pm.StudentT("y", nu=4, mu=eta, sigma=s, observed=y),
        has_scale=True,
    ),
    "poisson": Family(
        lambda rng, eta: rng.poisson(np.exp(np.clip(eta, -9, 6))).astype(float),
        lambda y, eta, s: y * eta - np.exp(eta) - gammaln(y + 1),
        lambda eta, s, y: pm.Poisson("y", pm.math.exp(eta), observed=y.astype(int)),
        has_scale=False,
    ),
    "bernoulli": Family(
        lambda rng, eta: (rng.random(eta.shape) < expit(eta)).astype(float),
        lambda y, eta, s: y * eta - np.logaddexp(0, eta),
        lambda eta, s, y: pm.Bernoulli("y", logit_p=eta, observed=y.astype(int)),
        has_scale=False,
    ),
    "binomial": Family(
        lambda rng, eta: rng.binomial(TRIALS, expit(eta)).astype(float),
        lambda y, eta, s: (
            y * eta
            - TRIALS * np.logaddexp(0, eta)
            + gammaln(TRIALS + 1)
            - gammaln(y + 1)
            - gammaln(TRIALS - y + 1)
        ),
        lambda eta, s, y: pm.Binomial("y", n=TRIALS, logit_p=eta, observed=y.astype(int)),
        has_scale=False,
    ),
    "exponential": Family(
        lambda rng, eta: rng.exponential(np.exp(np.clip(eta, -9, 9))),
        lambda y, eta, s: -eta - y * np.exp(-eta),
        lambda eta, s, y: pm.Exponential("y", scale=pm.math.exp(eta), observed=y),
        has_scale=False,
    ),
    "gamma": Family(
        lambda rng, eta: rng.gamma(3.0, np.exp(np.clip(eta, -9, 9)) / 3),
        lambda y, eta, s: (
            xlogy(np.exp(s), np.exp(s))
            - gammaln(np.exp(s))
            - np.exp(s) * eta
            + (np.exp(s) - 1) * np.log(y)
            - np.exp(s) * y * np.exp(-eta)
        ),
        lambda eta, s, y: pm.Gamma("y", alpha=s, beta=s / pm.math.exp(eta), observed=y),
        has_scale=True,
    ),
    "negative_binomial": Family(
        lambda rng, eta: rng.poisson(
            np.exp(np.clip(eta, -9, 6)) * rng.gamma(1.5, 1 / 1.5, size=eta.shape)
        ).astype(float),
        _negative_binomial,
        lambda eta, s, y: pm.NegativeBinomial(
            "y", mu=pm.math.exp(eta), alpha=s, observed=y.astype(int)
        ),
        has_scale=True,
    ),
}


@dataclass(frozen=True)
class Case:
    """One of the random models."""

    family: str
    trouble: str
    x: Array
    y: Array
    scale: Array

    def model(self) -> pm.Model:
        own = FAMILIES[self.family]
        with pm.Model() as model:
            a = pm.Normal("a", 0, 10)
            b = pm.Normal("b", 0, 10 / self.scale, shape=len(self.scale))
            s = pm.HalfNormal("s", 10) if own.has_scale else 1.0
            own.observe(a + pm.math.dot(self.x * self.scale, b), s, self.y)
        return model

    def highest(self) -> float:
        """The best log-likelihood that SciPy finds from five starts, of standardised columns."""
        own = FAMILIES[self.family]
        design = np.column_stack([np.ones(len(self.y)), self.x])
        p = design.shape[1]

        def loss(v: Array) -> float:
            with np.errstate(all="ignore"):
                eta = (
                    np.clip(design @ v[:p], -300, 300)
                    if self.family not in REAL
                    else design @ v[:p]
                )
                s = float(np.clip(v[p], -25, 40)) if own.has_scale else 0.0
                value = -float(np.sum(own.log_likelihood(self.y, eta, s)))
            return value if np.isfinite(value) else 1e12

        rng = np.random.default_rng(0)
        best = np.inf
        for k in range(5):
            v = rng.normal(0, 0.5 * k, size=p + own.has_scale)
            for method in ("BFGS", "Nelder-Mead", "BFGS"):
                found = minimize(loss, v, method=method)
                v = found.x if found.fun < loss(v) else v
            best = min(best, loss(v))
        return -best


REAL = ("normal", "student_t")
TROUBLES = ("none", "none", "none", "no_events", "same_column", "few_rows", "separated", "one_row")


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    family = list(FAMILIES)[seed % len(FAMILIES)]
    trouble = str(rng.choice(TROUBLES))
    p, n = int(rng.integers(1, 4)), int(rng.integers(8, 60))
    if trouble == "few_rows":
        n = p + 1
    if trouble == "one_row":
        n = 1
    x = rng.normal(size=(n, p))
    if rng.random() < 0.3:
        x[:, 0] = rng.integers(0, 2, size=n)
    if trouble == "same_column" and p > 1:
        x[:, 1] = x[:, 0]
    eta = rng.normal() + x @ rng.normal(size=p)
    y = FAMILIES[family].draw(rng, eta)
    if trouble == "no_events" and family not in ("exponential", "gamma"):
        y = np.zeros(n)
    if trouble == "separated" and family in ("poisson", "bernoulli", "binomial"):
        y = np.where(x[:, 0] > 0, y.max(), 0.0)
    return Case(family, trouble, x, y, 10.0 ** rng.uniform(-6, 6, size=p))


def estimated(case: Case, seed: int) -> tuple[PointEstimate, bool]:
    """The MLE, and whether a warning was given."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimate = find_MLE(case.model(), random_seed=seed, progressbar=False)
    return estimate, any(issubclass(one.category, EstimationWarning) for one in caught)


def complaint(case: Case, estimate: PointEstimate, warned: bool) -> str:
    """What is wrong with the estimate, or nothing."""
    status, value = estimate.status, estimate.log_likelihood
    if not status.is_point and not (warned and estimate.findings):
        return "silent"
    if status is Status.UNBOUNDED:
        # Only a density has no bound, and the other maximiser went down to exp(-25) with its scale.
        if case.family in ("normal", "student_t", "gamma"):
            return "" if case.highest() > 10 * len(case.y) else "unbounded, and SciPy sees a bound"
        return "unbounded, which a probability is not"
    if not np.isfinite(value):
        return f"log-likelihood {value}"
    highest = case.highest()
    allowed = 1e-6 * (1 + abs(highest))
    if highest > value + allowed and status is not Status.NOT_CONVERGED:
        return f"lower: {value:.8g}, SciPy {highest:.8g}"
    return ""


def tally(seeds: range) -> tuple[Counter[str], list[str]]:
    """How many came out as what, and what is wrong."""
    counts: Counter[str] = Counter()
    wrong = []
    for seed in seeds:
        case = random_case(seed)
        estimate, warned = estimated(case, seed)
        counts[estimate.status.key] += 1
        if said := complaint(case, estimate, warned):
            wrong.append(f"{seed} {case.family} {case.trouble} {estimate.status.key}: {said}")
    return counts, wrong


def test_a_few_random_models_are_none_lower_and_none_silent() -> None:
    counts, wrong = tally(range(8))
    assert not wrong
    assert counts["not_converged"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, N_MODELS, N_TOGETHER))
def test_three_hundred_random_models_are_none_lower_and_none_silent(first: int) -> None:
    counts, wrong = tally(range(first, first + N_TOGETHER))
    assert not wrong, wrong
    assert counts["not_converged"] <= 0.02 * N_TOGETHER, counts


@pytest.mark.parametrize("seed", [151, 175])
def test_the_limit_of_a_negative_binomial_is_that_of_the_poisson(seed: int) -> None:
    """Three counts and three coefficients: each is its own mean, and exp(-1) the best of a one."""
    case = random_case(seed)
    assert sorted(case.y) == [0, 0, 1]
    estimate, _ = estimated(case, 0)
    assert estimate.status is Status.AT_INFINITY
    assert np.isposinf(estimate.point["s"])
    assert estimate.log_likelihood == pytest.approx(-1, abs=1e-7)
