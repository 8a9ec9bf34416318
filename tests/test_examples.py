"""The examples: what they say is true, and they run as their readers would run them."""

from __future__ import annotations

import ast
import functools
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import integrate, stats
from scipy.special import beta as beta_function
from scipy.special import expit, logit

import bayes_point as bp
from bayes_point.model_file import importable, load_model

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
QUIET = {"progressbar": False}


@functools.cache
def example(name: str) -> dict[str, Any]:
    """Everything that the example defines, its model under the name ``model``."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def estimates(name: str) -> tuple[bp.PointEstimate, bp.PointEstimate]:
    model = example(name)["model"]
    assert isinstance(model, pm.Model)
    return bp.find_MLE(model, **QUIET), bp.find_MAP(model, **QUIET)


def theta_of(estimate: bp.PointEstimate) -> float:
    return float(estimate.point["theta"])


# ------------------------------------------------------------------------------------------ coins


@pytest.mark.parametrize(("k", "n"), [(2, 3), (7, 10), (1, 7), (137, 200)])
def test_coin_likelihood(k: int, n: int) -> None:
    # d/dθ of k log θ + (n - k) log(1 - θ) is 0 where (1 - θ) k = θ (n - k): at θ = k/n.
    names = example("coin_likelihood")
    assert (sum(names["HHT"]), len(names["HHT"])) == (2, 3)
    assert (sum(names["SEVEN_OF_TEN"]), len(names["SEVEN_OF_TEN"])) == (7, 10)
    model = names["coin"]([1] * k + [0] * (n - k))
    mle = bp.find_MLE(model, **QUIET)
    assert mle.status is bp.Status.CONVERGED
    assert theta_of(mle) == pytest.approx(k / n, abs=1e-10)
    # What is drawn is the probability of the tosses, and its area k! (n - k)!/(n + 1)!, not 1.
    density = bp.LogDensity(model)

    def likelihood(theta: float) -> float:
        return float(np.exp(density.log_likelihood([[logit(theta)]])[0]))

    assert likelihood(0.3) == pytest.approx(0.3**k * 0.7 ** (n - k), rel=1e-12)
    area, _ = integrate.fixed_quad(np.vectorize(likelihood), 0, 1, n=60)
    assert area == pytest.approx(beta_function(k + 1, n - k + 1), rel=1e-10)


def test_coin_flip() -> None:
    # Three heads of three: likelihood theta³, largest on the edge. Under Beta(2, 2), whose density
    # is 6 theta (1 - theta), the joint density is 6 theta⁴(1 - theta), largest at 4/5.
    mle, map_ = estimates("coin_flip")
    assert theta_of(mle) == 1.0
    assert mle.status is bp.Status.ON_BOUNDARY
    assert mle.log_likelihood == 0.0
    assert theta_of(map_) == pytest.approx(4 / 5, abs=1e-10)
    assert map_.status is bp.Status.CONVERGED
    # No better than 1e-7: PyMC keeps the constant of Beta(2, 2), log 6, in single precision.
    assert map_.log_joint == pytest.approx(np.log(6 * 0.8**4 * 0.2), abs=1e-7)
    # Under Beta(10, 10): (3 + 10 - 1)/(3 + 20 - 2).
    sure = bp.find_MAP(example("coin_flip")["coin"](10, 10), **QUIET)
    assert theta_of(sure) == pytest.approx(12 / 21, abs=1e-10)


def test_coin_beta_prior() -> None:
    # θ⁴(1 - θ) times θ⁸(1 - θ)⁸ is the likelihood of 12 heads of 21, but for a constant.
    mle, map_ = estimates("coin_beta_prior")
    assert theta_of(mle) == pytest.approx(4 / 5, abs=1e-10)
    assert theta_of(map_) == pytest.approx(12 / 21, abs=1e-10)
    names = example("coin_beta_prior")
    assert (sum(names["head_start"]), len(names["head_start"])) == (8, 16)
    pooled = bp.find_MLE(names["coin"](1, 1, names["head_start"] + names["TOSSES"]), **QUIET)
    assert theta_of(pooled) == pytest.approx(12 / 21, abs=1e-10)


def test_uniform_prior() -> None:
    mle, map_ = estimates("uniform_prior")
    assert theta_of(mle) == pytest.approx(4 / 5, abs=1e-10)
    assert theta_of(map_) == pytest.approx(theta_of(mle), abs=1e-10)
    assert map_.log_joint == pytest.approx(mle.log_likelihood, abs=1e-12)


@pytest.mark.parametrize(("heads", "tosses"), [(4, 5), (5, 8), (1, 2), (0, 3)])
def test_uniform_prior_of_six_values(heads: int, tosses: int) -> None:
    # Bayes' rule as a table of six rows; of 1 of 2 the values 2/5 and 3/5 are equally good.
    six = np.arange(6) / 5
    table = six**heads * (1 - six) ** (tosses - heads)
    model = example("uniform_prior")["six_coins"]([1] * heads + [0] * (tosses - heads))
    for find in bp.find_MLE, bp.find_MAP:
        if heads == 1:
            with pytest.warns(match="not one point"):
                found = find(model, **QUIET)
            assert int(found.point["which"]) in (2, 3)
            continue
        found = find(model, **QUIET)
        assert found.status is bp.Status.CONVERGED
        assert int(found.point["which"]) == table.argmax()
        assert theta_of(found) == pytest.approx(heads / tosses, abs=0.1)
        assert found.log_likelihood == pytest.approx(np.log(table.max()), abs=1e-7)


def test_coin_many_tosses() -> None:
    names = example("coin_many_tosses")
    assert names["n"][-1] == len(names["tosses"]) == 1000
    # The truth, 0.7, to four standard errors.
    assert abs(names["tosses"].mean() - 0.7) < 4 * np.sqrt(0.7 * 0.3 / 1000)
    rows = np.unique(np.geomspace(1, 1000, 60).astype(int)) - 1
    n, k = names["n"][rows], names["heads"][rows]
    data = {"tossed": n, "heads": k}
    mle, map_ = (
        bp.refit(names["model"], data, estimator=each, **QUIET)["theta"].values
        for each in ("MLE", "MAP")
    )
    np.testing.assert_allclose(mle, k / n, atol=1e-7)
    np.testing.assert_allclose(map_, (k + 9) / (n + 18), atol=1e-7)
    # k/n - (k + 9)/(n + 18) = 18 (k/n - 1/2)/(n + 18).
    np.testing.assert_allclose(mle - map_, 18 * (k / n - 0.5) / (n + 18), atol=2e-7)
    powers = np.array([0.01, 1.0, 100.0, np.inf])
    path = bp.data_path(names["model"], powers, **QUIET)["theta"].values
    exact = (powers[:3] * k[-1] + 9) / (powers[:3] * 1000 + 18)
    np.testing.assert_allclose(path, [*exact, k[-1] / 1000], atol=1e-8)


# ---------------------------------------------------------------------------------------- normals


def test_underflow() -> None:
    names = example("underflow")
    mle = bp.find_MLE(names["model"], **QUIET)
    mean = names["y"].mean()
    assert float(mle.point["mean"]) == pytest.approx(mean, abs=1e-10)
    density = stats.norm(mean, 2).pdf(names["y"])
    assert np.prod(density) == 0.0
    # The docstring's 10^-1835, and where the product is gone.
    assert np.log10(density).sum() == pytest.approx(-1834.7, abs=0.05)
    assert np.argmax(np.cumprod(density) == 0) == 351
    # PyMC keeps log 2 in single precision; there are 2,000 of them.
    assert mle.log_likelihood == pytest.approx(np.log(density).sum(), abs=1e-4)


def test_normal_mean_and_variance() -> None:
    names = example("normal_mean_and_variance")
    x = names["x"]
    mle = bp.find_MLE(names["model"], **QUIET)
    assert mle.status is bp.Status.CONVERGED
    assert float(mle.point["mean"]) == pytest.approx(x.mean(), abs=1e-10)
    assert float(mle.point["variance"]) == pytest.approx(x.var(), abs=1e-10)
    # -log L = n/2 log(2 π v) + sum (x - m)²/(2 v); at v = sum (x - m)²/n the last term is n/2.
    value, gradient = names["nll"](names["closed_form"])
    assert value[0] == pytest.approx(len(x) / 2 * (np.log(2 * np.pi * x.var()) + 1), rel=1e-9)
    # Sums of n terms of size 1 that cancel: rounding leaves n ε of them.
    np.testing.assert_allclose(gradient, 0, atol=len(x) * np.finfo(float).eps * 10)
    # And elsewhere it does not vanish: a standard error away it is 1/se.
    se = np.sqrt(x.var() / len(x))
    _, away = names["nll"](names["closed_form"] + [se, 0])
    assert away[0, 0] == pytest.approx(1 / se, rel=1e-6)


def test_normal_mean_and_sd() -> None:
    # MLE: mean 7/4 and variance ((1/4)² + (1/4)²)/2 = 1/16, the biased one.
    mle, map_ = estimates("normal_mean_and_sd")
    assert mle.status is map_.status is bp.Status.CONVERGED
    assert float(mle.point["mean"]) == pytest.approx(7 / 4, abs=1e-10)
    assert float(mle.point["variance"]) == pytest.approx(1 / 16, abs=1e-10)
    assert float(mle.point["sd"]) == pytest.approx(1 / 4, abs=1e-10)
    # MAP: the joint density is v^-(3 + 1/2 + 2/2) exp(-b/v), where b = 3 + m²/2 + sum (y - m)²/2.
    # In m it is largest where b is least: m = sum y/(2 + 1) = 7/6 and b = 49/12; then in v at
    # b/4.5 = 49/54.
    assert float(map_.point["mean"]) == pytest.approx(7 / 6, abs=1e-8)
    assert float(map_.point["variance"]) == pytest.approx(49 / 54, abs=1e-8)


def test_bessel_correction() -> None:
    # The posterior is conjugate: with sum y = 20 and sum y² = 130 of four, b = 18 + (130 - 20²/5)/2
    # = 43, and the joint density v^-(3 + 1 + 1/2 + 4/2) exp(-43/v) is largest at 43/6.5.
    mle, map_ = estimates("bessel_correction")
    assert float(mle.point["variance"]) == pytest.approx(130 / 4 - 25, abs=1e-10)
    assert float(map_.point["variance"]) == pytest.approx(86 / 13, abs=1e-8)
    found = example("bessel_correction")["study_of"]([4]).isel(sample_size=0)
    assert found.sizes["dataset"] == 10_000
    # 4 MLE/9 is chi-squared with 3 degrees of freedom.
    assert abs(found["bias"] + 9 / 4) < 4 * found["bias_mcse"]
    assert float(found["bias_mcse"]) == pytest.approx(9 / 4 * np.sqrt(6 / 10_000), rel=0.1)
    corrected = 4 / 3 * found["estimate"]
    assert abs(corrected.mean() - 9) < 4 / 3 * 4 * found["bias_mcse"]


def test_gradient_descent() -> None:
    names = example("gradient_descent")
    y = names["y"]
    target = [y.mean(), np.log(y.std())]
    path = names["gradient_descent"](80)
    # Each step goes downhill, and 80 of them are not enough.
    loss, _ = names["loss"](path)
    assert (np.diff(loss) < 0).all()
    assert np.abs(path[-1] - target).max() > 0.5
    # Near the minimum a step shrinks the error of the mean by 1 - rate/variance; with 1,200 more of
    # them it is gone.
    more = names["gradient_descent"](1200)
    np.testing.assert_allclose(more[-1], target, atol=1e-8)
    newton = names["newton"](12)
    np.testing.assert_array_equal(newton[0], names["START"][0])
    np.testing.assert_allclose(newton[6], target, atol=1e-10)
    np.testing.assert_allclose(newton[-1], target, atol=1e-13)


# ------------------------------------------------------------------------------------ regressions


def test_linear_regression() -> None:
    names = example("linear_regression")
    X, y = names["X"], names["y"]
    mle = bp.find_MLE(names["model"], **QUIET)
    assert mle.status is bp.Status.CONVERGED
    # A normal likelihood is largest where the sum of squares is least, and then at its own sd.
    ols = np.linalg.solve(X.T @ X, X.T @ y)
    np.testing.assert_allclose(mle.point["beta"], ols, rtol=1e-10)
    rss = ((y - X @ ols) ** 2).sum()
    assert float(mle.point["noise"]) == pytest.approx(np.sqrt(rss / len(y)), rel=1e-10)
    # The inverse of the information for the coefficients is noise² (XᵀX)⁻¹.
    np.testing.assert_allclose(
        mle.covariance(var_names="beta"), rss / len(y) * np.linalg.inv(X.T @ X), rtol=1e-8
    )


def test_ridge_regression() -> None:
    names = example("ridge_regression")
    X, y, penalty = names["X"], names["y"], names["LAMBDA"]
    assert X.shape == (12, 10)
    mle, map_ = estimates("ridge_regression")
    assert mle.status is map_.status is bp.Status.CONVERGED
    np.testing.assert_allclose(mle.point["beta"], np.linalg.solve(X.T @ X, X.T @ y), rtol=1e-8)

    # -2 log joint density = |y - Xb|²/σ² + |b|²/σ_p² + const: ridge, with λ = σ²/σ_p².
    def ridge(at: float) -> np.ndarray:
        return np.linalg.solve(X.T @ X + at * np.eye(10), X.T @ y)

    assert penalty == pytest.approx(1 / 0.7**2)
    np.testing.assert_allclose(map_.point["beta"], ridge(penalty), rtol=1e-8)
    powers = [0, 0.01, 0.3, 1, 20, 1000]
    path = bp.prior_path(names["model"], powers, **QUIET)["beta"]
    for i, power in enumerate(powers):
        np.testing.assert_allclose(path[i], ridge(power * penalty), rtol=1e-7, atol=1e-12)
    # The docstring's 1.36: the covariance of least squares is σ²(XᵀX)⁻¹.
    assert np.sqrt(np.trace(np.linalg.inv(X.T @ X)) / 10) == pytest.approx(1.366, abs=1e-3)
    ols, shrunk = (np.sqrt(((e.point["beta"] - names["TRUE"]) ** 2).mean()) for e in (mle, map_))
    assert shrunk < ols / 2


# R's glmnet 4.1-6, thresh 1e-30; scikit-learn 1.9.1's Lasso(alpha=2, tol=1e-16) on the same
# columns gives the same to 1e-14.
GLMNET = [0, -1.36439167742645, -4.74996438592059, 1.83207953754028, 2.1989700630383]


def test_lasso() -> None:
    names = example("lasso")
    X, y = names["X"], names["fertility"]
    mle, map_ = estimates("lasso")
    np.testing.assert_allclose(mle.point["beta"], np.linalg.lstsq(X, y - y.mean())[0], rtol=1e-8)
    found = map_.point["beta"].values
    np.testing.assert_allclose(found, GLMNET, atol=1e-8)
    assert float(map_.point["intercept"]) == pytest.approx(70.1425531914894, abs=1e-8)
    np.testing.assert_array_equal(found == 0, np.array(GLMNET) == 0)
    assert map_.status is bp.Status.CONVERGED
    assert "kink" in " ".join(map(str, map_.findings))
    np.testing.assert_array_equal(np.isnan(map_.stderr()["beta"]), np.array(GLMNET) == 0)


def test_lasso_path() -> None:
    # A point is the lasso's solution if, and only if, the correlations Xᵀr/n are λ sign(b) where b
    # is not 0, and nowhere above λ in size: the conditions that coordinate descent ends at.
    names = example("lasso")
    X, y, n = names["X"], names["fertility"], 47
    largest = np.abs(X.T @ (y - y.mean())).max() / n  # from here on all are 0
    penalty = np.array([0.1, 0.8, 1.0, 2.0, 4.5, 0.999 * largest, 1.001 * largest])
    path = bp.prior_path(names["model"], penalty / names["PENALTY"], **QUIET)
    zeros = []
    for i, at in enumerate(penalty):
        b = path["beta"].values[i]
        pull = X.T @ (y - float(path["intercept"][i]) - X @ b) / n
        np.testing.assert_allclose(pull[b != 0], at * np.sign(b[b != 0]), atol=1e-8)
        assert (np.abs(pull[b == 0]) <= at).all()
        zeros.append(int((b == 0).sum()))
    assert zeros[0] == 0
    assert zeros[-2:] == [4, 5]


def logistic_data() -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(EXAMPLES / "data" / "challenger.csv", delimiter=",", skiprows=1)
    return table[:, 0] - 70, table[:, 1]


def test_logistic_regression() -> None:
    mle, map_ = estimates("logistic_regression")
    assert mle.status is map_.status is bp.Status.CONVERGED
    # R's glm, in agreement with Dalal, Fowlkes & Hoadley (1989): log odds 15.04290165 at 0 °F.
    slope = -0.2321627442
    assert float(mle.point["slope"]) == pytest.approx(slope, abs=1e-9)
    assert float(mle.point["intercept"]) == pytest.approx(15.04290165 + 70 * slope, abs=2e-8)
    assert float(mle.point["at_31F"]) == pytest.approx(expit(15.04290165 + 31 * slope), abs=1e-9)
    assert mle.log_likelihood == pytest.approx(-10.15759634, abs=1e-8)
    # The log joint density is strictly concave, so a point where its gradient, written out here,
    # is 0 is the only maximum: sum (y - p) x - b/sd² for each coefficient.
    degrees, damage = logistic_data()
    a, b = float(map_.point["intercept"]), float(map_.point["slope"])
    off = damage - expit(a + b * degrees)
    gradient = [off.sum() - a / 5**2, (off * degrees).sum() - b / 0.5**2]
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_separation() -> None:
    names = example("separation")
    with pytest.warns(match=r"beta\[NV\] to \+infinity"):
        mle = bp.find_MLE(names["model"], **QUIET)
    map_ = bp.find_MAP(names["model"], **QUIET)
    assert mle.status is bp.Status.AT_INFINITY
    nv, pi, eh = mle.point["beta"].values
    assert nv == np.inf
    # The limits of the others, on the data's own scale: R's detectseparation and brglm2.
    _, scale_pi, scale_eh = names["SCALE"]
    assert pi / scale_pi == pytest.approx(-0.04218340325679, abs=1e-6)
    assert eh / scale_eh == pytest.approx(-2.90260561377758, abs=1e-6)
    centre = names["CENTRE"] / names["SCALE"]
    intercept = float(mle.point["intercept"]) - pi * centre[1] - eh * centre[2]
    assert intercept == pytest.approx(4.30451778305782, abs=1e-6)
    assert mle.log_likelihood == pytest.approx(-27.6966301785906, abs=1e-7)
    # With the prior it is strictly concave: a point where the gradient is 0 is the only maximum.
    assert map_.status is bp.Status.CONVERGED
    X = (names["X"] - names["CENTRE"]) / names["SCALE"]
    a, b = float(map_.point["intercept"]), map_.point["beta"].values
    off = names["table"]["HG"].to_numpy() - expit(a + X @ b)
    np.testing.assert_allclose(off.sum() - a / 5**2, 0, atol=1e-9)
    np.testing.assert_allclose(X.T @ off - b / 2.5**2, 0, atol=1e-9)
    # The docstring's: all 13 with NV have the high grade.
    assert names["table"].query("NV == 1")["HG"].tolist() == [1] * 13


@pytest.mark.slow
def test_gaussian_discriminant_analysis() -> None:
    names = example("gaussian_discriminant_analysis")
    X, k = names["X"], names["k"]
    mle = bp.find_MLE(names["model"], **QUIET)
    assert mle.status is bp.Status.CONVERGED
    # The likelihood factors: a Bernoulli, and normals whose deviations share one covariance.
    means = np.stack([X[k == 0].mean(axis=0), X[k == 1].mean(axis=0)])
    off = X - means[k]
    assert float(mle.point["share"]) == pytest.approx(k.mean(), abs=1e-10)
    np.testing.assert_allclose(mle.point["means"], means, atol=1e-10)
    np.testing.assert_allclose(mle.point["covariance"], off.T @ off / len(X), atol=1e-10)
    # Bayes' rule with the two densities gives log odds that are this line of the features.
    share, covariance = 0.3, off.T @ off / len(X)
    a, *b = names["boundary"](share, means, covariance)
    odds = [
        np.log(share / (1 - share))
        + stats.multivariate_normal(means[1], covariance).logpdf(x)
        - stats.multivariate_normal(means[0], covariance).logpdf(x)
        for x in X[::7]
    ]
    np.testing.assert_allclose(a + X[::7] @ b, odds, rtol=1e-9)
    # The logistic regression has the same form, and its own maximum: its score vanishes.
    weights = bp.find_MLE(names["logistic"](), **QUIET).point["weights"].values
    score = k - expit(weights[0] + X @ weights[1:])
    np.testing.assert_allclose([score.sum(), *(X.T @ score)], 0, atol=1e-8)


# --------------------------------------------------------------------------------- eight schools


def test_eight_schools() -> None:
    names = example("eight_schools")
    y, sigma = names["y"], names["sigma"]
    with pytest.warns(match="Unbounded"):
        centred = bp.find_MAP(names["schools"](centred=True), **QUIET)
    assert centred.status is bp.Status.UNBOUNDED
    with pytest.warns(match="Not identified"):
        mle = bp.find_MLE(names["model"], **QUIET)
    np.testing.assert_allclose(mle.point["theta"], y, atol=1e-6)
    # At τ = 0 all effects are μ, and the best z is 0: what is left is a weighted mean of the
    # measurements and of the prior's 0.
    map_ = bp.find_MAP(names["model"], **QUIET)
    assert map_.status is bp.Status.ON_BOUNDARY
    assert float(map_.point["tau"]) == 0.0
    pooled = (y / sigma**2).sum() / ((1 / sigma**2).sum() + 1 / 25)
    np.testing.assert_allclose(map_.point["theta"], pooled, rtol=1e-8)
    # The joint density grows like τ⁻⁸, the marginal one levels off.
    joint, marginal = names["log_densities"](np.array([1e-6, 1e-5]))
    assert joint[0] - joint[1] == pytest.approx(8 * np.log(10), abs=1e-6)
    assert marginal[0] - marginal[1] == pytest.approx(0, abs=1e-6)


def test_eight_schools_marginal_density() -> None:
    # R's quadrature over τ gives these posterior means (its digits are 8); posteriordb's reference
    # draws agree. E[θ_j] is an average of E[θ_j | τ].
    names = example("eight_schools")
    y, sigma = names["y"], names["sigma"]
    u = np.linspace(-14, 14, 4001)  # log τ
    tau = np.exp(u)
    weight = np.exp(names["log_densities"](tau)[1] + u)
    weight /= weight.sum()
    assert (weight * tau).sum() == pytest.approx(3.597705484, rel=1e-4)
    precision = 1 / (tau[:, None] ** 2 + sigma**2)
    mu = (y * precision).sum(1) / (precision.sum(1) + 1 / 25)
    assert (weight * mu).sum() == pytest.approx(4.396820714, rel=1e-6)
    shrink = sigma**2 * precision
    theta = (weight[:, None] * (shrink * mu[:, None] + (1 - shrink) * y)).sum(0)
    np.testing.assert_allclose(theta[[0, 4, 6]], [6.211884204, 3.615477015, 6.296724128], rtol=1e-6)


@pytest.mark.slow
def test_when_to_use_which() -> None:
    names = example("when_to_use_which")
    a, n = 5, 5
    theta = np.linspace(0, 1, 20001)
    prior = stats.beta(a, a).pdf(theta) / len(theta)
    spread = (prior * theta * (1 - theta)).sum()
    # Squared error of (k + c)/(n + 2 c), given θ: variance and squared bias.

    def risk(theta: Any, n: int, c: float) -> Any:
        bias = c * (1 - 2 * theta) / (n + 2 * c)
        return n * theta * (1 - theta) / (n + 2 * c) ** 2 + bias**2

    X, true, penalty = names["X"], np.array([1.5, -1, 0.5, *[0] * 7]), 1 / 0.7**2
    inverse = np.linalg.inv(X.T @ X + penalty * np.eye(10))
    ridge = np.trace(inverse @ X.T @ X @ inverse)
    ridge = (ridge + ((inverse @ X.T @ X @ true - true) ** 2).sum()) / 10
    exact = {
        "much data": [risk(0.7, 1000, c) for c in (0, 1, 2)],
        "little data,\nprior right": [(prior * risk(theta, n, c)).sum() for c in (0, a - 1, a)],
        "little data,\nprior wrong": [risk(0.9, 20, c) for c in (0, 49, 50)],
        "many\nparameters": [np.trace(np.linalg.inv(X.T @ X)) / 10, ridge, ridge],
    }
    assert exact["little data,\nprior right"][0] == pytest.approx(spread / 5, rel=1e-9)
    assert list(exact) == list(names["SITUATIONS"])
    for situation, squares in exact.items():
        root, error = names["rmse"](situation, 300)
        assert list(root["estimator"].values) == ["MLE", "MAP", "mean"]
        assert (np.abs(root - np.sqrt(squares)) < 4 * error).all(), situation


# ---------------------------------------------------------------------- their form, and as scripts


# ------------------------------------------------------------------------------- published models


def test_weibull_survival() -> None:
    # R's survival::survreg(Surv(time, event) ~ age + female + ph.ecog) on the same 227 rows.
    mle = bp.find_MLE(example("weibull_survival")["model"], **QUIET)
    reference = [-0.007475439409, 0.4010905412, -0.3396380983]
    np.testing.assert_allclose(mle["beta"], reference, rtol=1e-6)
    assert float(mle["sigma"]) == pytest.approx(0.7311089922, rel=1e-7)
    assert mle.log_likelihood == pytest.approx(-1132.438746, rel=1e-8)


def test_bioassay() -> None:
    # R's glm, of which BDA3 (section 3.7) prints 0.8 and 7.7; the LD50 is -alpha / beta.
    mle = bp.find_MLE(example("bioassay")["model"], **QUIET)
    assert float(mle["alpha"]) == pytest.approx(0.8465802281, rel=1e-7)
    assert float(mle["beta"]) == pytest.approx(7.748817151, rel=1e-7)
    assert float(mle["ld50"]) == pytest.approx(-0.8465802281 / 7.748817151, rel=1e-7)


def test_school_absences() -> None:
    # R's MASS::glm.nb: theta, and the log-likelihood.
    names = example("school_absences")
    mle = bp.find_MLE(names["model"], **QUIET)
    assert float(mle["alpha"]) == pytest.approx(1.274892645, rel=1e-6)
    assert mle.log_likelihood == pytest.approx(-546.5755091, rel=1e-8)
    assert 15 < names["days"].var() / names["days"].mean() < 17


def test_wine_ratings() -> None:
    # R. H. B. Christensen, the vignette of R's package ordinal: clm(rating ~ temp + contact).
    mle = bp.find_MLE(example("wine_ratings")["model"], **QUIET)
    np.testing.assert_allclose(mle["beta"], [2.503, 1.528], atol=5e-4)
    np.testing.assert_allclose(mle["cuts"], [-1.344, 1.251, 3.467, 5.006], atol=6e-4)
    assert mle.log_likelihood == pytest.approx(-86.49, abs=5e-3)


def test_capture_recapture() -> None:
    # Lebreton et al. (1992): 0.5602 (standard error 0.0251) and 0.9026 (0.0286).
    mle = bp.find_MLE(example("capture_recapture")["model"], **QUIET)
    assert float(mle["phi"]) == pytest.approx(0.5602, abs=1e-4)
    assert float(mle["p"]) == pytest.approx(0.9026, abs=1e-4)
    assert float(mle.stderr()["phi"]) == pytest.approx(0.0251, abs=1e-4)


def test_river_nile() -> None:
    # Durbin and Koopman (2001), Time Series Analysis by State Space Methods: 15099 and 1469.1.
    start = {"sigma_flow": 100, "sigma_level": 50}
    mle = bp.find_MLE(
        example("river_nile")["model"], marginalize="latents", initvals=start, **QUIET
    )
    assert float(mle["sigma_flow"]) ** 2 == pytest.approx(15099, rel=1e-4)
    assert float(mle["sigma_level"]) ** 2 == pytest.approx(1469.1, rel=1e-3)


def test_mixture() -> None:
    # Benaglia, Chauveau, Hunter and Young (2009), mixtools, Journal of Statistical Software 32(6):
    # normalmixEM(waiting), which stops at a change of 1e-8 in the log likelihood.
    mle = bp.find_MLE(example("mixture")["model"], local=True, **QUIET)
    assert mle.status is bp.Status.LOCAL
    np.testing.assert_allclose(mle["weight"], [0.3608868, 0.6391132], rtol=1e-5)
    np.testing.assert_allclose(mle["mean"], [54.61489, 80.09109], rtol=1e-6)
    np.testing.assert_allclose(mle["sd"], [5.871241, 5.867718], rtol=1e-5)
    assert mle.log_likelihood == pytest.approx(-1034.002, abs=1e-3)


def test_item_response() -> None:
    # Rizopoulos (2006), ltm, Journal of Statistical Software 17(5): rasch(LSAT), 21 nodes.
    names = example("item_response")
    assert names["people"].sum() == 1000
    mle = bp.find_MLE(names["model"], **QUIET)
    published = [-3.6153, -1.3224, -0.3176, -1.7301, -2.7802]
    np.testing.assert_allclose(mle["difficulty"], published, atol=6e-5)
    assert float(mle["discrimination"]) == pytest.approx(0.7551, abs=6e-5)


def test_sea_levels() -> None:
    # Coles (2001), pages 59 to 61: estimates, standard errors, and the return level of 100 years
    # with its two 95 % intervals, read off a figure for the profile.
    mle = bp.find_MLE(example("sea_levels")["model"], **QUIET)
    published = {"mu": (3.87, 0.028), "sigma": (0.198, 0.020), "xi": (-0.050, 0.098)}
    for name, (value, se) in published.items():
        assert float(mle[name]) == pytest.approx(value, abs=6e-3)
        assert float(mle.stderr()[name]) == pytest.approx(se, abs=6e-4)
    assert mle.log_likelihood == pytest.approx(4.34, abs=5e-3)
    # SciPy's shape has the other sign.
    level = example("sea_levels")["table"]["level"]
    mu, sigma, xi = (float(mle[name]) for name in published)
    theirs = stats.genextreme.logpdf(level, -xi, mu, sigma).sum()
    assert mle.log_likelihood == pytest.approx(theirs, abs=1e-9)
    wald, profile = (
        mle.conf_int(var_names="return_level", ci_prob=0.95, method=m)["return_level"].values
        for m in ("wald", "profile")
    )
    np.testing.assert_allclose(wald, [4.377, 4.998], atol=2e-3)
    np.testing.assert_allclose(profile, [4.50, 5.27], atol=0.02)


def test_named_dims() -> None:
    # Balanced: residual mean square 226/12, that of blends 264/4 = 66, from (66 - 226/12)/4.
    mle = bp.find_MLE(example("named_dims")["model"], marginalize="latents", reml=True, **QUIET)
    within, between = float(mle["within"]) ** 2, float(mle["between"]) ** 2
    assert within == pytest.approx(226 / 12, rel=1e-7)
    assert between == pytest.approx((66 - 226 / 12) / 4, rel=1e-6)
    np.testing.assert_allclose(mle["mean"], [84, 85, 89, 86], rtol=1e-9)
    # The blends' means 92, 83, 85, 88, 82, less 86, times 4 between/(4 between + within).
    shrunk = np.array([6, -3, -1, 2, -4]) * 4 * between / (4 * between + within)
    np.testing.assert_allclose(mle["effect"], shrunk, rtol=1e-7)


def test_black_box() -> None:
    # R's nls(rate ~ Vm * conc/(K + conc), Puromycin, subset = state == "treated").
    names = example("black_box")
    mle = bp.find_MLE(names["model"], potentials="likelihood", **QUIET)
    v, k = float(mle["v"]), float(mle["k"])
    assert v == pytest.approx(212.7, abs=0.05)
    assert k == pytest.approx(0.06412, abs=6e-6)
    rss, by_v, by_k = names["simulator"](v, k)
    assert float(mle["sigma"]) == pytest.approx(np.sqrt(rss / 12), rel=1e-7)
    # A standard error away the derivatives are 2 sigma²/se.
    assert abs(by_v) < 1e-6 * 2 * rss / 12 / float(mle.stderr()["v"])
    assert abs(by_k) < 1e-6 * 2 * rss / 12 / float(mle.stderr()["k"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_is_short_and_holds_one_model(name: str) -> None:
    path = EXAMPLES / f"{name}.py"
    text = path.read_text()
    docstring = ast.parse(text).body[0]
    title, line, *_ = ast.get_docstring(ast.parse(text)).splitlines()
    assert line == "=" * len(title), "a title, for the gallery"
    code = [each for each in text.splitlines()[docstring.end_lineno :] if each]
    assert 15 <= len(code) <= 60
    assert text.count("plt.show()") == text.count("sphinx_gallery_alt") == 1
    assert f"def test_{name}(" in Path(__file__).read_text()
    with importable(EXAMPLES):
        assert load_model(path, None)[0] == "model"


def posterior_means(name: str) -> dict[str, np.ndarray | float]:
    """Exact posterior means of some parameters of an example."""
    if name == "coin_flip":
        return {"theta": 5 / 7}  # the posterior is Beta(2 + 3, 2)
    assert name == "logistic_regression"
    # On a grid that covers all but some 1e-12 of the posterior; sums over a smooth density that
    # vanishes at the ends are as good as exact.
    degrees, damage = logistic_data()
    a, b = np.meshgrid(np.linspace(-9, 5, 400), np.linspace(-1.9, 0.8, 400), indexing="ij")
    log_odds = a[..., None] + b[..., None] * degrees
    log_joint = (damage * log_odds - np.logaddexp(0, log_odds)).sum(-1)
    log_joint += -(a**2) / (2 * 5**2) - b**2 / (2 * 0.5**2)
    weight = np.exp(log_joint - log_joint.max())
    weight /= weight.sum()
    edge = np.concatenate([weight[0], weight[-1], weight[:, 0], weight[:, -1]])
    assert edge.max() < 1e-9 * weight.max()
    return {
        "intercept": (weight * a).sum(),
        "slope": (weight * b).sum(),
        "at_31F": (weight * expit(a + b * (31 - 70))).sum(),
    }


def report(name: str, tmp_path: Path, *options: str) -> tuple[str, xr.DataTree]:
    """What `bayes-point report` prints on an example, run in `tmp_path`, and the fit it saves."""
    command = [str(Path(sys.executable).with_name("bayes-point")), "report"]
    command += [str(EXAMPLES / f"{name}.py"), "--seed", "1", "--save", "fit.nc", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    page = (tmp_path / f"{name}.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        return done.stdout, tree.load()


def assert_means(tree: xr.DataTree, name: str) -> None:
    """The draws agree with the exact means to four of their Monte Carlo standard errors."""
    posterior = tree["posterior"].dataset
    for variable, exact in posterior_means(name).items():
        mcse = az.mcse(posterior[[variable]])[variable]
        off = np.abs(posterior[variable].mean(("chain", "draw")) - exact)
        assert (off <= 4 * mcse).all(), (variable, off, mcse)


def test_the_command_on_the_coin(tmp_path: Path) -> None:
    printed, tree = report("coin_flip", tmp_path, "--draws", "200", "--tune", "300")
    # Below the verdict, as long as it is, and the heads of the columns.
    assert ["theta", "1.000*", "0.800"] in [line.split()[:3] for line in printed.splitlines()]
    assert printed.splitlines()[-1] == "coin_flip.html"
    assert tree["posterior"].sizes["draw"] == 200
    assert_means(tree, "coin_flip")


# The documentation runs every script when it is built, and an error there fails the build.  So of
# the scripts only one is run here as a reader runs it, and of the reports one that reads a file
# beside the script: each takes a process of its own, and the report compiles for a quarter of a
# minute.


@pytest.mark.slow
def test_the_command_on_a_model_that_reads_a_file(tmp_path: Path) -> None:
    printed, tree = report("logistic_regression", tmp_path, "--quick")
    assert "gap_MAP" in printed
    assert_means(tree, "logistic_regression")


@pytest.mark.slow
def test_it_runs_as_a_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "coin_flip.py")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    # Three heads of three under Beta(a, a): the MLE is 1, the MAP (2 + a)/(1 + 2 a).
    for a, highest in ((2, 4 / 5), (10, 12 / 21)):
        assert f"Beta({a}, {a}): MLE 1.0, " in done.stdout
        assert f"MAP {highest:.4f}, " in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_gaussian_process() -> None:
    # scikit-learn 1.7, GaussianProcessRegressor(ConstantKernel() * Matern(nu=1.5) + WhiteKernel()).
    start = {"eta": 100.0, "length": 20.0, "sigma": 100.0}
    mle = bp.find_MLE(example("gaussian_process")["model"], initvals=start, **QUIET)
    found = [float(mle[name]) for name in ("eta", "length", "sigma")]
    # Its L-BFGS stops a few millionths of a standard error away.
    np.testing.assert_allclose(found, [121.32788684, 4.06273557, 115.84873736], rtol=1e-6)
    assert mle.log_likelihood == pytest.approx(-637.6355922405, abs=1e-9)


@pytest.mark.slow
def test_the_sampled_posteriors_are_the_exact_ones() -> None:
    # Beta(13, 10): four heads of five under Beta(9, 9).  Not only its mean, but its quantiles.
    fit = bp.fit(example("coin_beta_prior")["model"], random_seed=1, details=False, **QUIET)
    exact = stats.beta(13, 10)
    theta = fit["posterior"].dataset[["theta"]]
    draws = theta["theta"]
    assert abs(draws.mean() - exact.mean()) < 4 * az.mcse(theta)["theta"]
    assert abs(draws.std() - exact.std()) < 4 * az.mcse(theta, method="sd")["theta"]
    for prob in 0.05, 0.5, 0.95:
        mcse = az.mcse(theta, method="quantile", prob=prob)["theta"]
        assert abs(draws.quantile(prob) - exact.ppf(prob)) < 4 * mcse


@pytest.mark.slow
def test_the_posterior_mean_of_a_lasso_is_not_zero() -> None:
    fit = bp.fit(example("lasso")["model"], random_seed=1, details=False, **QUIET)
    beta = fit["posterior"].dataset[["beta"]].sel(covariate="agriculture")
    # The MAP is 0, and of the draws none is; their mean lies below it by more than noise, and the
    # reason that is given is not the prior: that pulls the other way, to 0.
    assert float(fit["point_estimates"]["beta"].sel(estimator="MAP", covariate="agriculture")) == 0
    assert not (beta["beta"] == 0).any()
    assert beta["beta"].mean() < -4 * az.mcse(beta)["beta"]
    terms = bp.explain(fit, var_names="beta")["beta"].sel(covariate="agriculture")
    assert terms.sel(term="prior", quantity="shift") > 0
    assert terms.sel(term="total", quantity="shift") > 0
    last = terms.sel(term=["marginal", "mode_to_median", "median_to_mean"], quantity="shift")
    assert last.sum() < 0
