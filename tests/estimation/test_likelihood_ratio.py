"""Likelihood-ratio tests: closed forms, the mixture at a boundary, and what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.face.point_estimate import PointEstimate
from tests.reference import case_models, read_data

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


@cache
def samples() -> np.ndarray:
    return np.random.default_rng(5).normal([0.0, 0.6], 1.5, size=(15, 2))


@cache
def two_means() -> pm.Model:
    with pm.Model() as model:
        a, b, s = pm.Flat("a"), pm.Flat("b"), pm.HalfFlat("s")
        pm.Normal("y", pm.math.stack([a, b]), s, observed=samples())
    return model


@cache
def fit(fixed: str = "") -> PointEstimate:
    model = two_means()
    null = {"a": {"a": 0.0}, "tied": {"b": model["a"]}, "both": {"a": 0.0, "b": 0.0}}
    return bp.find_MLE(pm.do(model, null[fixed]) if fixed else model, **QUIET)


def test_parameters_fixed_and_tied() -> None:
    y = samples()
    n = y.size
    # The likelihood ratio of normal means is (rss0 / rss1)^(-n / 2).
    free = np.sum((y - y.mean(axis=0)) ** 2)
    centres = {"a": np.array([0.0, y[:, 1].mean()]), "tied": y.mean(), "both": 0.0}
    for name, df in (("a", 1), ("tied", 1), ("both", 2)):
        test = bp.likelihood_ratio_test(fit(name), fit())
        expected = n * np.log(np.sum((y - centres[name]) ** 2) / free)
        assert test.statistic == pytest.approx(expected, rel=1e-8)
        assert test.df == df
        assert test.p_value == pytest.approx(stats.chi2.sf(expected, df), rel=1e-7)
        assert test.weights == {df: 1.0}
    assert test.fixed == ("a", "b")
    text = str(test)
    assert text.startswith("Likelihood-ratio test of a, b: statistic ")
    assert "2 degrees of freedom" in text


def test_r_anova_of_a_regression() -> None:
    # R: glm(HG-style) anova(test = "LRT") of challenger's temperature: null deviance 28.267 on 22
    # and residual deviance 20.315 on 21 degrees of freedom.
    model = case_models.challenger()
    test = bp.likelihood_ratio_test(
        bp.find_MLE(pm.do(model, {"temperature": 0.0}), **QUIET), bp.find_MLE(model, **QUIET)
    )
    k, n = read_data("challenger")["damage"].sum(), 23
    null_deviance = -2 * (k * np.log(k / n) + (n - k) * np.log1p(-k / n))
    assert null_deviance == pytest.approx(28.267, abs=1e-3)
    assert test.statistic == pytest.approx(null_deviance - 2 * 10.1575963439334, rel=1e-8)


def test_one_variance_at_its_boundary() -> None:
    model = case_models.dyestuff_covariance()
    null = bp.find_MLE(pm.do(model, {"sd_batch": 0.0}), **QUIET)
    alternative = bp.find_MLE(model, **QUIET)
    test = bp.likelihood_ratio_test(null, alternative)
    y = read_data("lme4_dyestuff")["y"]
    at_zero = stats.norm(y.mean(), y.std()).logpdf(y).sum()
    # lme4's maximum: -163.663529940568.
    statistic = 2 * (-163.663529940568 - at_zero)
    assert test.statistic == pytest.approx(statistic, rel=1e-8)
    assert test.df == 1
    assert test.weights == {0: 0.5, 1: 0.5}
    # Half a point at zero, half chi-squared: half the p-value of the one.
    assert test.p_value == pytest.approx(0.5 * stats.chi2.sf(statistic, 1), rel=1e-6)
    assert "half a point at zero, half chi-squared with 1" in test.distribution


def test_a_variance_that_is_estimated_at_zero() -> None:
    # Groups that differ less than chance: the likelihood is highest at zero, and p is one.
    y = np.array([[1.0, -1.0], [0.9, -0.9], [-0.5, 0.4]])
    with pm.Model() as model:
        tau, s = pm.HalfFlat("tau"), pm.HalfFlat("s")
        cov = tau**2 * np.ones((2, 2)) + s**2 * np.eye(2)
        pm.MvNormal("y", np.zeros(2), cov=cov, observed=y)
    alternative = bp.find_MLE(model, **QUIET)
    assert alternative.status.key == "on_boundary"
    test = bp.likelihood_ratio_test(bp.find_MLE(pm.do(model, {"tau": 0.0}), **QUIET), alternative)
    assert test.statistic == 0
    assert test.p_value == 1


def test_an_estimate_on_the_edge_tested_at_an_interior_value() -> None:
    # Three heads of three against one half: 2 * 3 log(2), chi-squared as ever.
    with pm.Model() as coin:
        theta = pm.Uniform("theta")
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        pm.Normal("z", pm.Flat("mu"), 1, observed=[0.0, 1.0])
    test = bp.likelihood_ratio_test(
        bp.find_MLE(pm.do(coin, {"theta": 0.5}), **QUIET), bp.find_MLE(coin, **QUIET)
    )
    assert test.statistic == pytest.approx(6 * np.log(2), rel=1e-8)
    assert test.weights == {1: 1.0}


def test_parametric_bootstrap() -> None:
    # The ratio of normal means is a monotone function of the F statistic, here with 1 and 28
    # degrees of freedom: exact, where chi-squared is not.
    y = samples()
    test = bp.likelihood_ratio_test(fit("a"), fit(), method="bootstrap", draws=400, random_seed=3)
    f = y[:, 0].mean() ** 2 * 15 / (np.sum((y - y.mean(axis=0)) ** 2) / 28)
    exact = stats.f.sf(f, 1, 28)
    assert test.mcse == pytest.approx(np.sqrt(test.p_value * (1 - test.p_value) / 400), rel=1e-12)
    assert abs(test.p_value - exact) < 4 * test.mcse
    assert test.weights == {}
    assert "400 data sets simulated" in str(test)
    again = bp.likelihood_ratio_test(fit("a"), fit(), method="bootstrap", draws=400, random_seed=3)
    assert again == test


@pytest.mark.slow
def test_parametric_bootstrap_of_a_variance() -> None:
    # Balanced groups: the ratio is monotone in F(5, 24) where that exceeds one, else zero.
    model = case_models.dyestuff_contrasts()
    null = bp.find_MLE(pm.do(model, {"sd_batch": 0.0}), **QUIET)
    test = bp.likelihood_ratio_test(
        null, bp.find_MLE(model, **QUIET), method="bootstrap", draws=20, random_seed=1
    )
    y = read_data("lme4_dyestuff")["y"].reshape(6, 5)
    between = 5 * y.mean(axis=1).var(ddof=1)
    exact = stats.f.sf(between / y.var(axis=1, ddof=1).mean(), 5, 24)
    assert abs(test.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 20) + 1 / 21


# --------------------------------------------------------------------------------- refusals


def test_what_is_no_maximum_likelihood_estimate() -> None:
    with pytest.raises(ModelError, match=r"the null is a Model. Use find_MLE"):
        bp.likelihood_ratio_test(two_means(), fit())  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"the alternative is a MAP. Use find_MLE"):
        bp.likelihood_ratio_test(fit("a"), bp.find_MAP(two_means(), **QUIET))
    with pm.Model() as model:
        mu, s = pm.Flat("mu"), pm.HalfFlat("s")
        pm.Normal("y", mu, s, observed=[1.5])
    with pytest.warns(EstimationWarning):
        unbounded = bp.find_MLE(model, **QUIET)
    with pytest.raises(EstimationError, match="no likelihood-ratio test: the MLE is not at a max"):
        bp.likelihood_ratio_test(fit("a"), unbounded)
    with pytest.raises(ModelError, match=r"Got method='exact'. It must be 'chi2' or 'bootstrap'"):
        bp.likelihood_ratio_test(fit("a"), fit(), method="exact")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="draws must be a whole number of at least 1, got 0"):
        bp.likelihood_ratio_test(fit("a"), fit(), draws=0)


def other(y: Any, name: str = "y") -> PointEstimate:
    with pm.Model() as model:
        a, s = pm.Flat("a"), pm.HalfFlat("s")
        pm.Normal(name, a, s, observed=y)
    return bp.find_MLE(model, **QUIET)


def test_other_data() -> None:
    with pytest.raises(ModelError, match=r"the null model observes \['z'\] and the .* \['y'\]"):
        bp.likelihood_ratio_test(other(samples(), "z"), fit())
    with pytest.raises(ModelError, match=r"'y' has shapes \(14, 2\) and \(15, 2\)"):
        bp.likelihood_ratio_test(other(samples()[1:]), fit())
    with pytest.raises(ModelError, match=r"'y' has other values. A likelihood ratio is of two"):
        bp.likelihood_ratio_test(other(np.exp(samples())), fit())


def test_models_that_are_not_nested() -> None:
    with pytest.raises(ModelError, match=r"model has 3 parameters and the alternative 2. Give"):
        bp.likelihood_ratio_test(fit(), fit("a"), nested=True)
    with pytest.raises(ModelError, match=r"its free variables \['a'\] are not free there. Make it"):
        bp.likelihood_ratio_test(fit(), fit("a"))
    y = samples()
    with pm.Model() as model:
        m, s = pm.Flat("m"), pm.HalfFlat("s")
        pm.Normal("y", m, s, observed=y)
    renamed = bp.find_MLE(model, **QUIET)
    with pytest.raises(ModelError, match=r"\['m'\] are not free there. .* say nested=True"):
        bp.likelihood_ratio_test(renamed, fit())
    told = bp.likelihood_ratio_test(renamed, fit(), nested=True)
    assert told.p_value == pytest.approx(bp.likelihood_ratio_test(fit("tied"), fit()).p_value)


def test_a_null_model_that_fits_better() -> None:
    y = samples()
    with pm.Model() as model:
        a, b, s = pm.Flat("a"), pm.Flat("b"), pm.HalfFlat("s")
        pm.StudentT("y", nu=1, mu=pm.math.stack([a, b]), sigma=s, observed=y)
    with pytest.raises(EstimationError, match=r"The null model fits better .* by \d.* more starts"):
        bp.likelihood_ratio_test(fit("a"), bp.find_MLE(model, **QUIET))


EIGHT = np.array([1.0, 9.0, -8.0, 2.0, 0.1, -0.2, 4.0, -5.0])


@cache
def three_variances() -> pm.Model:
    """Variances of which the first two enter some of the observations, none of them at zero."""
    with pm.Model() as model:
        t, u, s = pm.HalfFlat("t"), pm.HalfFlat("u"), pm.HalfFlat("s")
        first, second = np.array([0, 1, 1, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 0, 0, 1, 1])
        pm.Normal("y", 0, pm.math.sqrt(t**2 * first + u**2 * second + s**2), observed=EIGHT)
    return model


def test_two_variances_at_their_boundary() -> None:
    model = three_variances()
    null = bp.find_MLE(pm.do(model, {"t": 0.0, "u": 0.0}), **QUIET)
    with pytest.raises(ModelError, match=r"fixes \['t', 'u'\] at the edge of their supports. With"):
        bp.likelihood_ratio_test(null, bp.find_MLE(model, **QUIET))
    # One at zero and one at an inner value: 2 degrees of freedom, less one half of the time.
    null = bp.find_MLE(pm.do(model, {"t": 0.0, "u": 0.5}), **QUIET)
    assert bp.likelihood_ratio_test(null, bp.find_MLE(model, **QUIET)).weights == {1: 0.5, 2: 0.5}


def test_a_variance_that_the_null_model_does_not_have() -> None:
    with pm.Model() as without:
        pm.Normal("y", 0, pm.HalfFlat("s"), observed=EIGHT)
    with pytest.raises(ModelError, match="The null model has no 't', whose support is positive"):
        bp.likelihood_ratio_test(
            bp.find_MLE(without, **QUIET), bp.find_MLE(three_variances(), **QUIET)
        )


def test_a_variance_that_is_not_tested_at_its_boundary() -> None:
    y = np.array([[1.0, -1.0], [0.9, -0.9], [-0.5, 0.4]])
    with pm.Model() as model:
        mu, tau, s = pm.Flat("mu"), pm.HalfFlat("tau"), pm.HalfFlat("s")
        cov = tau**2 * np.ones((2, 2)) + s**2 * np.eye(2)
        pm.MvNormal("y", mu * np.ones(2), cov=cov, observed=y)
    null = bp.find_MLE(pm.do(model, {"mu": 0.0}), **QUIET)
    with pytest.raises(ModelError, match=r"In the null model \['tau'\] are estimated at the edge"):
        bp.likelihood_ratio_test(null, bp.find_MLE(model, **QUIET))
