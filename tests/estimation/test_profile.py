"""Profiles against closed forms, published values and the properties that define them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import optimize
from scipy.special import xlogy
from scipy.stats import chi2, norm

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.profile.interval import profile_interval
from tests.reference import case_models, read_data, read_references

CUT = chi2.ppf(0.95, 1)
Y = np.array([3.2, 1.1, 4.8, 2.6, 3.9, 0.4, 2.2, 5.1])


def normal(y: np.ndarray = Y) -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 5)
        pm.Deterministic("log_sigma", pm.math.log(sigma))
        pm.Deterministic("quantile", mu + 1.645 * sigma)
        pm.Normal("y", mu, sigma, observed=y)
    return model


def coin(heads: int, tosses: int) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Deterministic("odds", theta / (1 - theta))
        pm.Binomial("heads", tosses, theta, observed=heads)
    return model


def bounds(model: pm.Model, *names: str, **kwargs: Any) -> xr.Dataset:
    estimate = bp.find_MLE(model, progressbar=False)
    return profile_interval(estimate, var_names=list(names) or None, ci_prob=0.95, **kwargs)


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """Halve a bracket of a change of sign."""
    rising = f(high) > 0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if (f(middle) > 0) == rising else (middle, high)
    return 0.5 * (low + high)


def row(tree: xr.DataTree, label: str) -> xr.Dataset:
    return tree["profile"].to_dataset().sel(parameter=label)


# --------------------------------------------------------------------------- closed forms


def test_profile_of_a_normal_mean_whose_sd_is_unknown() -> None:
    tree = bp.profile(normal(), "mu", ci_prob=0.95)
    mu = row(tree, "mu")
    # sd^2(mu) = s^2 + (mu - ybar)^2, so the deviance is n log(1 + (mu - ybar)^2 / s^2).
    n, away = len(Y), mu["value"] - Y.mean()
    np.testing.assert_allclose(mu["deviance"], n * np.log1p(away**2 / Y.var()), atol=1e-8)
    np.testing.assert_allclose(
        tree["path/sigma"].values[0], np.sqrt(Y.var() + away.values**2), rtol=1e-6
    )
    half = np.sqrt(Y.var() * np.expm1(CUT / n))
    np.testing.assert_allclose(mu["interval"], [Y.mean() - half, Y.mean() + half], rtol=1e-7)
    np.testing.assert_allclose(mu["stderr"], Y.std() / np.sqrt(n), rtol=1e-8)
    assert mu["estimate"] == pytest.approx(Y.mean())
    assert set(mu["status"].values) == {"converged"}
    assert mu["reason"].values.tolist() == ["crossing", "crossing"]
    assert tree.attrs["cutoff"] == pytest.approx(CUT)
    # the sign is that of the side, and the estimate and both ends are on the grid
    np.testing.assert_array_equal(np.sign(mu["signed_root"]), np.sign(away.round(12)))
    for special in [mu["estimate"], *mu["interval"]]:
        assert np.min(np.abs(mu["value"] - special)) < 1e-7


def test_profile_of_a_normal_sd() -> None:
    # The mean stays at ybar: deviance n (s^2/v - 1 - log(s^2/v)).
    sigma = row(bp.profile(normal(), "sigma", ci_prob=0.95), "sigma")
    ratio = Y.var() / sigma["value"] ** 2
    np.testing.assert_allclose(sigma["deviance"], len(Y) * (ratio - 1 - np.log(ratio)), atol=1e-8)


def test_interval_of_a_binomial_probability() -> None:
    k, n = 3, 15

    def above(p: float) -> float:
        return 2 * (xlogy(k, k / n / p) + xlogy(n - k, (1 - k / n) / (1 - p))) - CUT

    exact = [root(above, 1e-6, k / n), root(above, k / n, 1 - 1e-6)]
    found = bounds(coin(k, n), "theta", "odds")
    np.testing.assert_allclose(found["theta"], exact, rtol=1e-7)
    np.testing.assert_allclose(found["odds"], np.array(exact) / (1 - np.array(exact)), rtol=1e-7)
    assert not found["theta"].attrs


def test_interval_of_an_exponential_rate() -> None:
    with pm.Model() as model:
        rate = pm.HalfFlat("rate")
        pm.Exponential("t", rate, observed=Y)
    # With r the rate over its estimate, the deviance is 2 n (r - 1 - log r).
    exact = [
        root(lambda r: 2 * len(Y) * (r - 1 - np.log(r)) - CUT, low, high)
        for low, high in [(1e-3, 1), (1, 10)]
    ]
    np.testing.assert_allclose(bounds(model)["rate"], np.array(exact) / Y.mean(), rtol=1e-7)


def test_a_combination_of_slopes_has_the_interval_of_its_own_t_statistic() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 3))
    y = x @ [1, -1, 0.5] + rng.normal(size=20)
    with pm.Model() as model:
        beta, sigma = pm.Flat("beta", shape=3), pm.HalfFlat("sigma")
        pm.Deterministic("contrast", beta[0] - 2 * beta[2])
        pm.Normal("y", x @ beta, sigma, observed=y)
    # Holding a'beta at c adds (c - estimate)^2 / (a'(X'X)^-1 a) to the residual sum of squares, and
    # the deviance is n log of their ratio.
    fit = np.linalg.solve(x.T @ x, x.T @ y)
    a = np.array([1.0, 0, -2])
    half = np.sqrt(
        np.sum((y - x @ fit) ** 2) * np.expm1(CUT / 20) * (a @ np.linalg.solve(x.T @ x, a))
    )
    exact = [a @ fit - half, a @ fit + half]
    np.testing.assert_allclose(bounds(model, "contrast")["contrast"], exact, rtol=1e-7)


def test_a_ratio_of_means_has_fiellers_interval() -> None:
    # Two means of known sd 1: the deviance of a/b = r is (a - r b)^2 / (1/n + r^2/m).
    first, second = Y, Y[:5] + 4
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Deterministic("ratio", a / b)
        pm.Normal("first", a, 1, observed=first)
        pm.Normal("second", b, 1, observed=second)
    a, b, n, m = first.mean(), second.mean(), len(first), len(second)
    exact = np.sort(np.roots([b**2 - CUT / m, -2 * a * b, a**2 - CUT / n]))
    np.testing.assert_allclose(bounds(model, "ratio")["ratio"], exact, rtol=1e-7)


def test_elements_of_a_simplex() -> None:
    counts = np.array([5, 8, 7])
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(3))
        pm.Multinomial("y", 20, w, observed=counts)
    # Each count against the rest is a binomial.
    for i, k in enumerate(counts):

        def above(p: float, k: int = k) -> float:
            return 2 * (xlogy(k, k / 20 / p) + xlogy(20 - k, (1 - k / 20) / (1 - p))) - CUT

        exact = [root(above, 1e-6, k / 20), root(above, k / 20, 1 - 1e-6)]
        found = bounds(model, "w", coords={"w_dim_0": i})["w"]
        np.testing.assert_allclose(found, exact, rtol=1e-7)


# --------------------------------------------------------------------------- open ends


def test_three_heads_of_three() -> None:
    # -2 log(theta^3) = chi2: theta = exp(-chi2 / 6), and no end above but that of the support.
    found = bounds(coin(3, 3), "theta", "odds")
    low = np.exp(-CUT / 6)
    np.testing.assert_allclose(found["theta"], [low, 1], rtol=1e-7)
    np.testing.assert_allclose(found["odds"], [low / (1 - low), np.inf], rtol=1e-6)
    assert found["theta"].attrs["notes"] == (
        "theta, upper end: the deviance is still below the cut-off at the edge of the support, 1"
    )
    tree = bp.profile(coin(3, 3), ["theta", "odds"], ci_prob=0.95)
    assert tree["profile/reason"].values.tolist() == [
        ["crossing", "edge of the support"],
        ["crossing", "infinity"],
    ]
    theta = row(tree, "theta")
    np.testing.assert_allclose(theta["deviance"], -6 * np.log(theta["value"]), atol=1e-6)
    assert np.isnan(theta["stderr"])


def test_separated_data_have_one_end() -> None:
    x = np.array([-3.0, -2, -1, 1, 2, 3])
    with pm.Model() as model:
        b = pm.Flat("b")
        pm.Bernoulli("y", logit_p=b * x, observed=(x > 0).astype(int))
    with pytest.warns(EstimationWarning, match="At infinity"):
        estimate = bp.find_MLE(model)
    found = profile_interval(estimate, ci_prob=0.95)["b"]
    # The six outcomes have probability prod 1 / (1 + exp(-b |x|)): twice each of |x| = 1, 2, 3.
    low = root(lambda b: 4 * np.log1p(np.exp(-b * np.array([1, 2, 3]))).sum() - CUT, 0.01, 5)
    assert found[0] == pytest.approx(low, rel=1e-6)
    assert found[1] == np.inf
    assert "stays below the cut-off" in found.attrs["notes"]


def test_a_variance_that_may_be_zero() -> None:
    # y_i ~ N(0, sqrt(1 + v)), n = 4: with mean square q the deviance of v is
    # n (q/(1+v) - 1 - log(q/(1+v))), and 0 is inside where that is below the cut-off at v = 0.
    y = np.array([1.5, -1.2, 0.9, -1.6])
    q = np.mean(y**2)
    assert 4 * (q - 1 - np.log(q)) < CUT
    with pm.Model() as model:
        v = pm.HalfFlat("v")
        pm.Normal("y", 0, pm.math.sqrt(1 + v), observed=y)
    found = bounds(model)["v"]
    high = root(lambda v: 4 * (q / (1 + v) - 1 - np.log(q / (1 + v))) - CUT, q - 1, 100)
    np.testing.assert_allclose(found, [0, high], rtol=1e-6)
    assert "edge of the support, 0" in found.attrs["notes"]


def test_an_estimate_on_a_boundary_is_profiled() -> None:
    # As before, but the mean square is below 1: the estimate is v = 0, with likelihood to fall.
    y = np.array([0.5, -0.2, 0.9, -0.6])
    q = np.mean(y**2)
    with pm.Model() as model:
        v = pm.HalfFlat("v")
        pm.Normal("y", 0, pm.math.sqrt(1 + v), observed=y)
    high = root(lambda v: 4 * (q / (1 + v) + np.log(1 + v) - q) - CUT, 0, 100)
    np.testing.assert_allclose(bounds(model)["v"], [0, high], rtol=1e-6, atol=1e-12)


def test_the_density_ends_at_the_largest_observation() -> None:
    with pm.Model() as model:
        top = pm.Uniform("top", 0, 100)
        pm.Uniform("y", 0, top, observed=Y)
    found = bounds(model)["top"]
    # The likelihood is top^-n from the largest observation on.
    np.testing.assert_allclose(found, Y.max() * np.exp([0, CUT / 2 / len(Y)]), rtol=1e-6)
    assert "ends at 5.1" in found.attrs["notes"]


def test_what_is_not_identified_can_be_anything_and_what_is_has_its_interval() -> None:
    with pm.Model() as model:
        a, b = pm.Normal("a"), pm.Normal("b")
        pm.Deterministic("sum", a + b)
        pm.Normal("y", a + b, 1, observed=Y)
    with pytest.warns(EstimationWarning, match="Not identified"):
        estimate = bp.find_MLE(model)
    found = profile_interval(estimate, var_names=["a", "sum"], ci_prob=0.95)
    assert found["a"].values.tolist() == [-np.inf, np.inf]
    assert "does not depend on it" in found["a"].attrs["notes"]
    half = np.sqrt(CUT / len(Y))
    np.testing.assert_allclose(found["sum"], [Y.mean() - half, Y.mean() + half], rtol=1e-7)


# --------------------------------------------------------------------------- published values


@pytest.mark.slow
def test_dyestuff_against_lme4() -> None:
    # Bates, lme4: Mixed-effects Modeling with R, ch. 1: confint of the profile of the ML fit.  Its
    # ends are interpolated between the points of the profile by splines.
    found = bounds(case_models.dyestuff_contrasts())
    np.testing.assert_allclose(found["mu"], [1486.4515, 1568.5485], rtol=1e-7)
    np.testing.assert_allclose(found["sigma"], [38.22998, 67.65770], rtol=1e-5)


def test_profile_of_a_separated_slope_at_published_points() -> None:
    reference = read_references("endometrial_separation")["mle"]
    x, data = case_models.endometrial_design(), read_data("endometrial_separation")
    with pm.Model(coords={"column": case_models.ENDOMETRIAL}) as model:
        beta = pm.Flat("beta", dims="column")
        pm.Bernoulli("HG", logit_p=x @ beta, observed=data["HG"].astype(int))
    with pytest.warns(EstimationWarning, match="At infinity"):
        tree = bp.profile(model, "beta", coords={"column": "NV"}, ci_prob=0.95, n_points=200)
    nv = row(tree, "beta[NV]")
    # Heinze & Schemper (2002), table: profile likelihood interval from 1.28 to infinity.
    assert nv["interval"].values[0] == pytest.approx(1.28, abs=0.005)
    assert nv["interval"].values[1] == np.inf
    assert reference
    # From the case: the log-likelihood at beta[NV] = 5 is -27.7622007665713.
    at_five = np.interp(5, nv["value"].dropna("point"), nv["log_density"].dropna("point"))
    assert at_five == pytest.approx(-27.7622007665713, abs=1e-4)


# --------------------------------------------------------------------------- properties


def test_intervals_do_not_depend_on_the_parametrisation() -> None:
    found = bounds(normal(), "sigma", "log_sigma")
    np.testing.assert_allclose(found["log_sigma"], np.log(found["sigma"]), atol=1e-7)


def test_the_profile_posterior_is_that_of_the_joint_density() -> None:
    # Beta(2, 2) and 3 of 15: the joint density is that of 4 of 17.
    tree = bp.profile(coin(3, 15), "theta", estimator="MAP", ci_prob=0.95)
    theta = row(tree, "theta")
    p, mode = theta["value"], 4 / 17
    deviance = 2 * (4 * np.log(mode / p) + 13 * np.log((1 - mode) / (1 - p)))
    np.testing.assert_allclose(theta["deviance"], deviance, atol=1e-8)
    assert tree.attrs["estimator"] == "MAP"


def test_a_slice_holds_the_others() -> None:
    tree = bp.profile(normal(), "mu", slice=True, ci_prob=0.95)
    mu = row(tree, "mu")
    # With the sd held at its estimate s the deviance is n (mu - ybar)^2 / s^2.
    deviance = len(Y) * (mu["value"] - Y.mean()) ** 2 / Y.var()
    np.testing.assert_allclose(mu["deviance"], deviance, atol=1e-8)
    np.testing.assert_allclose(tree["path/sigma"], Y.std(), rtol=1e-8)
    assert tree.attrs["slice"] == 1


def test_the_contour_of_two_means_is_an_ellipse() -> None:
    cov = np.array([[1.0, 0.6], [0.6, 2.0]])
    y = np.array([[0.2, 1.1], [1.4, -0.3], [0.7, 2.0]])
    with pm.Model() as model:
        mu = pm.Flat("mu", shape=2)
        pm.MvNormal("y", mu, cov=cov, observed=y)
    contours = bp.profile(model, contours=True, ci_prob=0.9, n_points=12)["contours"].to_dataset()
    away = contours["value"].sel(pair="mu[0] and mu[1]").values - y.mean(0)
    # n (mu - ybar)' cov^-1 (mu - ybar) = chi2 with two degrees of freedom.
    height = 3 * np.einsum("ai,ij,aj->a", away, np.linalg.inv(cov), away)
    np.testing.assert_allclose(height, chi2.ppf(0.9, 2), rtol=1e-6)
    assert set(contours["reason"].values.ravel()) == {"crossing"}
    assert contours["parameter"].values.tolist() == [["mu[0]", "mu[1]"]]


def test_a_contour_over_a_curved_pair() -> None:
    tree = bp.profile(normal(), ["sigma", "quantile"], contours=True, ci_prob=0.95, n_points=10)
    sigma, quantile = tree["contours/value"].values[0].T
    # Both together fix the mean as well: the deviance needs no maximisation.
    at = norm.logpdf(Y[:, None], quantile - 1.645 * sigma, sigma).sum(0)
    best = norm.logpdf(Y, Y.mean(), Y.std()).sum()
    np.testing.assert_allclose(2 * (best - at), chi2.ppf(0.95, 2), rtol=1e-6)


def test_a_better_optimum_is_said_and_taken() -> None:
    # Two wells of t-distributed data; the search is made to start, and to stay, in the worse.
    y = np.array([-6.0, -5.8, 5.5, 6.0, 6.2])
    with pm.Model() as model:
        theta = pm.Flat("theta")
        pm.StudentT("y", nu=3, mu=theta, sigma=1.5, observed=y)
    stuck = bp.find_MLE(model, n_starts=1, initvals={"theta": -6.0})
    best = bp.find_MLE(model, n_starts=1, initvals={"theta": 6.0})
    assert stuck.log_likelihood < best.log_likelihood - 0.5
    with pytest.warns(EstimationWarning, match="better optimum"):
        tree = bp.profile(model, estimate=stuck, ci_prob=0.99)
    assert tree.attrs["corrected"] == 1
    assert row(tree, "theta")["estimate"] == pytest.approx(float(best.point["theta"]), rel=1e-6)
    assert tree["estimate"].attrs["log_likelihood"] == pytest.approx(best.log_likelihood)


def test_an_interval_in_pieces_is_said_to_be_so() -> None:
    # y ~ N(theta^2, 1), n = 4, mean 4: theta is +-2, and both signs are as good as each other.
    y = np.array([3.0, 5.0, 4.5, 3.5])
    with pm.Model() as model:
        theta = pm.Flat("theta")
        pm.Deterministic("square", theta**2)
        pm.Normal("y", theta**2, 1, observed=y)
    estimate = bp.find_MLE(model, random_seed=1)
    assert estimate.optima.sizes["optimum"] == 2
    found = profile_interval(estimate, ci_prob=0.95, var_names=["theta", "square"])
    low, high = 4 - np.sqrt(CUT / 4), 4 + np.sqrt(CUT / 4)
    np.testing.assert_allclose(found["theta"], [-np.sqrt(high), np.sqrt(high)], rtol=1e-7)
    np.testing.assert_allclose(found["square"], [low, high], rtol=1e-7)
    a, b = np.sqrt([low, high])
    assert f"from {-b:.6g} to {-a:.6g} and from {a:.6g} to" in found["theta"].attrs["notes"]
    assert not found["square"].attrs
    theta = row(bp.profile(model, "theta", estimate=estimate, ci_prob=0.95), "theta")
    assert theta["reason"].values.tolist() == ["disjoint", "disjoint"]
    deviance = 4 * (theta["value"] ** 2 - 4) ** 2
    np.testing.assert_allclose(theta["deviance"], deviance, atol=1e-7)
    assert theta["value"].min() < -2 < 2 < theta["value"].max()


def test_it_is_labelled_and_survives_a_file(tmp_path: Path) -> None:
    with pm.Model(coords={"group": ["a", "b"]}) as model:
        mu = pm.Normal("mu", dims="group")
        pm.Normal("y", mu, 1, observed=np.array([[1.0, 2], [2, 4]]))
    tree = bp.profile(model, "mu", coords={"group": ["b"]}, ci_prob=0.95)
    assert tree["profile/parameter"].values.tolist() == ["mu[b]"]
    assert tree["path/mu"].dims == ("parameter", "point", "group")
    tree.to_netcdf(tmp_path / "profile.nc")
    with xr.open_datatree(tmp_path / "profile.nc") as opened:
        xr.testing.assert_equal(opened["profile"].to_dataset(), tree["profile"].to_dataset())
    found = bounds(model)["mu"]
    assert found.dims == ("group", "ci_bound")
    half = np.sqrt(CUT / 2)
    np.testing.assert_allclose(found.sel(group="b"), [3 - half, 3 + half], rtol=1e-8)


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"var_names": "tau"}, "'tau'.*are mu, sigma, log_sigma, quantile"),
        ({"var_names": "y"}, "are mu, sigma, log_sigma, quantile"),
        ({"ci_prob": 1.0}, "ci_prob must be a number above 0 and below 1"),
        ({"ci_prob": 95}, "got 95"),
        ({"n_points": 2}, "n_points must be a whole number of at least 5, got 2"),
        ({"estimator": "REML"}, "estimator='REML'"),
        ({"estimate": 3}, "what find_MLE or find_MAP returns, got int"),
        ({"slice": True, "var_names": "quantile"}, "quantile cannot be sliced"),
        ({"contours": True, "var_names": "mu"}, "the 1 scalars selected"),
    ],
)
def test_bad_input(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bp.profile(normal(), **kwargs)


def test_an_element_is_selected_by_coords() -> None:
    with pm.Model(coords={"group": ["a", "b"]}) as model:
        mu = pm.Normal("mu", dims="group")
        pm.Deterministic("fixed", pm.math.constant(2.0) * 1)
        pm.Normal("y", mu, 1, observed=np.array([[1.0, 2], [2, 4]]))
    with pytest.raises(ModelError, match=r"coords=\{'group': \[...\]\}"):
        bp.profile(model, "mu[a]")
    with pytest.raises(ModelError, match=r"coords of what is selected are .*'a', 'b'"):
        bp.profile(model, coords={"group": "c"})
    with pytest.raises(ModelError, match="fixed cannot be profiled: it does not change"):
        bp.profile(model, "fixed")


def test_an_estimate_of_another_model_is_refused() -> None:
    estimate = bp.find_MLE(normal())
    # The estimate may stand where the model does.
    given, named = (
        bp.profile(*args, var_names="mu", n_points=5, **kwargs)
        for args, kwargs in (([estimate], {}), ([], {"estimate": estimate}))
    )
    assert given.identical(named)
    with pytest.raises(ModelError, match="is of another model"):
        bp.profile(normal(), estimate=estimate)
    with pytest.raises(ModelError, match="is an MLE, and the profile asked for is of MAP"):
        bp.profile(estimate=estimate, estimator="MAP")


def test_a_discrete_parameter_is_refused() -> None:
    with pm.Model() as model:
        k = pm.Poisson("k", 3)
        pm.Normal("y", k, 1, observed=Y)
    with pytest.raises(ModelError, match="'k' is discrete"):
        bp.profile(model)


def test_an_estimate_that_does_not_exist_is_refused() -> None:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=[1.0])
    with pytest.warns(EstimationWarning, match="Unbounded"):
        estimate = bp.find_MLE(model)
    with pytest.raises(EstimationError, match="no maximum to profile from: the MLE is unbounded"):
        profile_interval(estimate)


def test_an_estimate_at_a_wall_takes_the_others_along() -> None:
    # Pareto from an unknown m: given m the estimate of alpha is 1 / (L - log m), where L is the
    # mean log, so that the deviance is 2 n log((L - log m) / (L - log min y)) up to m = min y.
    with pm.Model() as model:
        alpha, m = pm.HalfFlat("alpha"), pm.HalfFlat("m")
        pm.Pareto("y", alpha, m, observed=Y + 1)
    log_y = np.log(Y + 1)
    low = log_y.mean() - (log_y.mean() - log_y.min()) * np.exp(CUT / 2 / len(Y))
    found = bounds(model)
    np.testing.assert_allclose(found["m"], [np.exp(low), Y.min() + 1], rtol=1e-7)
    # With m at the wall, alpha is the rate of exponentials.
    exact = [
        root(lambda r: 2 * len(Y) * (r - 1 - np.log(r)) - CUT, a, b) for a, b in [(1e-3, 1), (1, 9)]
    ]
    rate = 1 / (log_y.mean() - log_y.min())
    np.testing.assert_allclose(found["alpha"], np.array(exact) * rate, rtol=1e-7)


def test_the_profile_of_a_local_maximum_ends_where_its_basin_does() -> None:
    """Between the basin of a maximum and the way to a pole there is a saddle of the density."""
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.normal(0, 1, 8), rng.normal(2, 0.7, 4)])
    with pm.Model() as model:
        mu = pm.Flat("mu")
        s = pm.HalfFlat("s")
        parts = [pm.Normal.dist(0, 1), pm.Normal.dist(mu, s)]
        pm.Mixture("y", [0.5, 0.5], parts, observed=y)

    def slope(x: np.ndarray) -> np.ndarray:
        z = (y - x[0]) / x[1]
        own = norm.pdf(z) / x[1]
        share = own / (own + norm.pdf(y))
        return np.array([np.sum(share * z), np.sum(share * (z**2 - 1))])

    def fold(x: np.ndarray) -> np.ndarray:
        """Slope along s, and the slope of that: both zero where a maximum over s ends."""
        near, far = slope(x + np.array([0, -1e-6]))[1], slope(x + np.array([0, 1e-6]))[1]
        return np.array([slope(x)[1], (far - near) / 2e-6])

    # The profile of s passes into a saddle, and rises beyond it; of that of mu there is no more.
    ends = optimize.root(fold, [1.95, 0.6]).x[0], optimize.root(slope, [1.95, 0.6]).x[1]
    mle = bp.find_MLE(model, local=True, random_seed=0, progressbar=False)
    peak = optimize.root(slope, [mle.point["mu"], mle.point["s"]]).x
    np.testing.assert_allclose([mle.point["mu"], mle.point["s"]], peak, rtol=1e-6)
    # No warning, and no better optimum: that there is one was said by the estimate.
    interval = mle.conf_int(ci_prob=0.95)
    assert np.isnan(interval["mu"].sel(ci_bound="upper"))
    assert np.isnan(interval["s"].sel(ci_bound="lower"))
    notes = interval["mu"].attrs["notes"], interval["s"].attrs["notes"]
    for said, at in zip(notes, ends, strict=True):
        assert "the density rises towards another maximum" in said
        # A rise is told from noise at 1e-6, which a parabola takes a root of that long to make.
        assert float(said.split("beyond ")[1].split()[0]) == pytest.approx(at, abs=1e-3)
    group = bp.profile(mle, ci_prob=0.95, progressbar=False)["profile"].dataset
    assert group["reason"].values.tolist() == [
        ["crossing", "left the basin"],
        ["left the basin", "crossing"],
    ]
    # Further out nothing is drawn, and nothing is higher than the maximum itself.
    assert group["value"].sel(parameter="s").min() >= ends[1] - 1e-3
    assert group["deviance"].min() >= 0
