"""Densities that rounding makes higher than they are: no estimate and no interval comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.precision import rounding
from bayes_point.model.density.density import LogDensity

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 0}
CUTOFF = stats.chi2.ppf(0.95, 1)


def interval(deviance: Any, low: float, best: float, high: float) -> list[float]:
    """Return where a deviance, zero at its best, passes the cut-off."""
    ends = ((low, best), (best, high))
    return [brentq(lambda v: deviance(v) - CUTOFF, *pair) for pair in ends]


def binomial_interval(successes: int, n: int) -> list[float]:
    def deviance(p: float) -> float:
        best = stats.binom.logpmf(successes, n, successes / n)
        return float(2 * (best - stats.binom.logpmf(successes, n, p)))

    return interval(deviance, 1e-6, successes / n, 1 - 1e-6)


@pytest.mark.filterwarnings("ignore:MLE. At infinity:bayes_point.errors.EstimationWarning")
def test_interval_of_counts_that_vary_less_than_multinomial_ones() -> None:
    # Without overdispersion the likelihood rises with the concentration, to the multinomial's; from
    # some 1e8 on its log gammas cancel to noise, and from 1e18 on to zero, a probability of one.
    # In the limit each share is that of a binomial.
    counts = np.array([[20, 10, 5, 5], [21, 9, 5, 5], [19, 10, 6, 5], [20, 11, 4, 5]])
    with pm.Model() as model:
        share = pm.Dirichlet("share", np.ones(4))
        concentration = pm.HalfFlat("concentration")
        pm.DirichletMultinomial("y", n=40, a=share * concentration, observed=counts)
    mle = bp.find_MLE(model, **QUIET)
    pooled = counts.sum(axis=0)
    top = sum(stats.multinomial.logpmf(row, 40, pooled / 160) for row in counts)
    assert mle.status is Status.AT_INFINITY
    assert mle.log_likelihood == pytest.approx(top, abs=1e-5)
    found = mle.conf_int(ci_prob=0.95)
    want = [binomial_interval(int(n), 160) for n in pooled]
    # What is left of the way to the limit, where arithmetic ends, is 1e-5 of a log density.
    np.testing.assert_allclose(found["share"].values, want, atol=1e-5)
    assert found["concentration"].values[1] == np.inf
    assert 1 < found["concentration"].values[0] < 1000


@pytest.mark.filterwarnings("ignore:MLE. At infinity:bayes_point.errors.EstimationWarning")
def test_interval_of_a_student_t_that_is_normal() -> None:
    # Quantiles of a normal have lighter tails than any t: nu goes to infinity. The profile of the
    # mean is the normal's there: -n/2 log(v + (mean - m)^2), v their variance.
    y = 5 + 2 * stats.norm.ppf((np.arange(1, 31) - 0.5) / 30)
    with pm.Model() as model:
        mu, sigma, nu = pm.Flat("mu"), pm.HalfFlat("sigma"), pm.HalfFlat("nu")
        pm.StudentT("y", nu=nu, mu=mu, sigma=sigma, observed=y)
    # From some starts (random_seed=0) the search ends where the log gammas have cancelled to more
    # than the truth: that is known to be in doubt, and "not converged".
    mle = bp.find_MLE(model, progressbar=False, random_seed=1)
    top = stats.norm.logpdf(y, 5, y.std()).sum()
    assert mle.status is Status.AT_INFINITY
    assert mle.log_likelihood == pytest.approx(top, abs=1e-5)
    half = np.sqrt(y.var() * np.expm1(CUTOFF / 30))
    found = mle.conf_int(ci_prob=0.95)
    # Where arithmetic ends the log density is still 4e-6 below its limit.
    np.testing.assert_allclose(found["mu"].values, [5 - half, 5 + half], rtol=1e-5)
    # A smaller scale goes with heavier tails: nu is finite there, and the interval is longer than
    # that of the normal.
    scale = interval(
        lambda s: float(2 * (top - stats.norm.logpdf(y, 5, s).sum())), 0.5, y.std(), 9.0
    )
    assert found["sigma"].values[1] == pytest.approx(scale[1], rel=1e-5)
    assert found["sigma"].values[0] < scale[0] - 0.05


@pytest.mark.slow
def test_maximum_far_along_a_ridge_that_seems_to_end_at_infinity() -> None:
    # Quantiles of a Gumbel distribution, of which a Weibull with a shift is the limit as its shape
    # grows: the likelihood has its maximum at a shape of 135, on a ridge along which a limit was
    # extrapolated that lies above it. Truth: Nelder-Mead on the profile over the shape, written
    # with log1p so that nothing cancels: -120.8555556 at 134.968, and -120.8574008 in the limit.
    x = np.round(25 + 4 * np.log(-np.log1p(-(np.arange(1, 42) - 0.5) / 41)), 2)

    def logp(value: Any, shift: Any, shape: Any, scale: Any) -> Any:
        z = (value - shift) / scale
        safe = pt.switch(z > 0, z, 1.0)
        inside = pt.log(shape / scale) + (shape - 1) * pt.log(safe) - safe**shape
        return pt.switch(z > 0, inside, -np.inf)

    with pm.Model() as model:
        above = pm.HalfFlat("shape_less_1")
        scale, shift = pm.HalfFlat("scale"), pm.Flat("shift")
        pm.CustomDist("x", shift, 1 + above, scale, logp=logp, observed=x)
    mle = bp.find_MLE(model, **QUIET)
    assert mle.status is Status.CONVERGED
    assert mle.log_likelihood == pytest.approx(-120.8555556, abs=1e-7)
    assert float(mle.point["shape_less_1"]) == pytest.approx(133.968, rel=1e-5)


def counts_by_log_gammas(y: NDArray) -> pm.Model:
    with pm.Model() as model:
        mu, a = pm.HalfFlat("mu"), pm.HalfFlat("a")
        terms = pt.gammaln(y + a) - pt.gammaln(a) - pt.gammaln(y + 1)
        terms += a * pt.log(a / (a + mu)) + y * pt.log(mu / (a + mu))
        pm.Potential("negative_binomial", terms.sum())
    return model


def test_negative_binomial_by_log_gammas_becomes_a_poisson() -> None:
    # The variance is below the mean: a goes to infinity, and the likelihood to the Poisson's.
    y = np.array([9, 10, 11, 10, 10, 9, 11.0])
    with pytest.warns(EstimationWarning, match="At infinity"):
        mle = bp.find_MLE(counts_by_log_gammas(y), potentials="likelihood", **QUIET)
    assert mle.status is Status.AT_INFINITY
    assert mle.log_likelihood == pytest.approx(stats.poisson.logpmf(y, 10).sum(), abs=1e-6)
    found = mle.conf_int(ci_prob=0.95)["mu"].values

    def deviance(mu: float) -> float:
        return float(2 * np.sum(stats.poisson.logpmf(y, 10) - stats.poisson.logpmf(y, mu)))

    np.testing.assert_allclose(found, interval(deviance, 1.0, 10.0, 30.0), rtol=1e-5)


@pytest.mark.parametrize("log_a", [28.0, 30.959, 32.5])
def test_noise_is_seen_in_what_scatters(log_a: float) -> None:
    # At a = e^31 the log gammas are near 1e15, and their last place 0.1.
    model = counts_by_log_gammas(np.array([9, 10, 11, 10, 10, 9, 11.0]))
    objective = Objective(LogDensity(model), {"potential": 1.0})
    assert rounding(objective, np.array([[np.log(10), log_a]]))[0] > 1e-3
    assert rounding(objective, np.array([[np.log(10), 3.0]]))[0] < 1e-11


def test_probability_of_counts_is_at_most_one() -> None:
    with pm.Model() as model:
        mu = pm.HalfFlat("mu")
        pm.Poisson("y", mu, observed=[3, 4])
    density = LogDensity(model)
    objective = Objective(density, {"likelihood": 1.0})
    assert objective.most == 0.0
    assert Objective(density, {"likelihood": 1.0, "prior": 1.0}).most == np.inf
    impossible = np.array([[1e-4], [2e-3], [-5.0]])
    np.testing.assert_array_equal(
        np.isnan(objective._possible(impossible)), [[False], [True], [False]]
    )
    with pm.Model() as lengths:
        pm.Normal("y", pm.Flat("m"), 0.001, observed=[1.0])
    assert Objective(LogDensity(lengths), {"likelihood": 1.0}).most == np.inf


def overdispersed(kind: str) -> pm.Model:
    """Counts that vary less than a binomial or a Poisson does, under a model that allows more."""
    with pm.Model() as model:
        mu = pm.Beta("mu", 1, 1)
        phi = pm.HalfFlat("phi")
        if kind == "beta-binomial":
            pm.BetaBinomial("k", n=10, alpha=mu * phi, beta=(1 - mu) * phi, observed=[5] * 5)
        else:
            share = pm.math.stack([mu, 1 - mu])
            counts = [[5, 5]] * 5
            pm.DirichletMultinomial("k", n=10, a=share * phi, observed=counts)
    return model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["beta-binomial", "multinomial"])
def test_what_lies_behind_noise_is_no_likelihood(kind: str, seed: int) -> None:
    """Beyond phi = 1e17 the log gammas cancel to exactly zero, the log of a certainty."""
    with pytest.warns(EstimationWarning, match="At infinity"):
        mle = bp.find_MLE(overdispersed(kind), random_seed=seed, progressbar=False)
    assert mle.status is Status.AT_INFINITY
    assert np.isposinf(mle.point["phi"])
    top = 5 * stats.binom.logpmf(5, 10, 0.5)
    assert mle.log_likelihood == pytest.approx(top, abs=1e-6)
    found = mle.conf_int(ci_prob=0.95, var_names="mu")["mu"].values

    def deviance(mu: float) -> float:
        return float(2 * (top - 5 * stats.binom.logpmf(5, 10, mu)))

    np.testing.assert_allclose(found, interval(deviance, 0.1, 0.5, 0.9), rtol=1e-4)
