"""find_MLE and find_MAP as a user calls them: closed forms, errors, warnings, text."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate

QUIET = {"progressbar": False, "random_seed": 1}


def coin(tosses: list[int], a: float = 1, b: float = 1) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", a, b)
        pm.Bernoulli("tosses", theta, observed=tosses)
    return model


def theta_of(estimate: PointEstimate) -> float:
    return float(estimate.point["theta"])


@cache
def separated() -> pm.Model:
    """A logistic regression whose slope goes to infinity: every failure is below every success."""
    with pm.Model() as model:
        slope = pm.Flat("slope")
        pm.Bernoulli("y", logit_p=slope * np.array([-1.0, -0.5, 0.5, 2.0]), observed=[0, 0, 1, 1])
    return model


@cache
def only_a_sum() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 6.0])
    return model


@cache
def one_observation() -> pm.Model:
    """The density grows without limit as sigma nears 0, with mu at the observation."""
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 3), pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=[1.5])
    return model


# ------------------------------------------------------------------------------- closed forms

# k heads of n under Beta(a, b): the MLE is k / n, the MAP (k + a - 1) / (n + a + b - 2).
COINS: list[tuple[list[int], tuple[float, float], float, float]] = [
    ([1, 1, 0], (1, 1), 2 / 3, 2 / 3),  # a uniform prior: the MAP is the MLE
    ([1, 1, 1, 1, 0], (9, 9), 4 / 5, 12 / 21),
    ([1, 1, 1], (2, 2), 1.0, 4 / 5),
    ([1, 1, 1], (10, 10), 1.0, 12 / 21),
    ([0, 0, 0, 0], (2, 3), 0.0, 1 / 7),
]


@pytest.mark.parametrize(("tosses", "prior", "mle", "map_"), COINS)
def test_coins(tosses: list[int], prior: tuple[float, float], mle: float, map_: float) -> None:
    model = coin(tosses, *prior)
    likely, probable = find_MLE(model, **QUIET), find_MAP(model, **QUIET)
    assert theta_of(likely) == pytest.approx(mle, rel=1e-8, abs=0)
    assert theta_of(probable) == pytest.approx(map_, rel=1e-8)
    assert likely.status.key == ("on_boundary" if mle in (0.0, 1.0) else "converged")
    assert probable.status.key == "converged"
    k, n = sum(tosses), len(tosses)
    for estimate, theta in ((likely, mle), (probable, map_)):
        inside = 0 < theta < 1
        loglik = k * math.log(theta) + (n - k) * math.log1p(-theta) if inside else 0.0
        assert estimate.log_likelihood == pytest.approx(loglik, rel=1e-8, abs=1e-12)
        log_prior = stats.beta(*prior).logpdf(theta)
        # PyMC has log B(a, b) in single precision.
        assert estimate.log_prior == pytest.approx(log_prior, abs=1e-5)


def test_three_heads_of_three_are_on_the_boundary() -> None:
    mle = find_MLE(coin([1, 1, 1], 2, 2), **QUIET)
    assert theta_of(mle) == 1.0  # and not some number near it
    assert mle.log_likelihood == 0.0
    assert float(mle.unconstrained.sel(parameter="theta_logodds__")) == np.inf
    # Under Beta(2, 2) the prior density vanishes there.
    assert mle.log_prior == -np.inf
    # However far each search went, all of them went there.
    assert mle.optima["reached"].values.tolist() == [mle.n_starts]
    (finding,) = mle.findings
    assert finding.parameters == ("theta",)
    # The slope by theta of 3 log(theta) at 1.
    assert finding.evidence["outward derivative"] == pytest.approx(3, rel=1e-3)
    uniform = find_MAP(coin([1, 1, 1]), **QUIET)
    assert theta_of(uniform) == 1.0
    assert uniform.status.key == "on_boundary"
    # A limit, extrapolated: 3 log(theta) at 1 to the rounding of what is left of it.
    assert uniform.log_joint == pytest.approx(0.0, abs=1e-15)


def test_the_jacobian_makes_another_mode() -> None:
    # In the log odds the density is theta^(k + a) (1 - theta)^(n - k + b): (k + a) / (n + a + b).
    estimate = find_MAP(coin([1, 1, 1], 2, 2), jacobian=True, **QUIET)
    theta = 5 / 7
    assert theta_of(estimate) == pytest.approx(theta, rel=1e-10)
    assert estimate.jacobian is True
    assert estimate.log_likelihood == pytest.approx(3 * math.log(theta), rel=1e-10)
    assert estimate.log_prior == pytest.approx(stats.beta(2, 2).logpdf(theta), rel=1e-6)
    expected = 3 * math.log(theta) + stats.beta(2, 2).logpdf(theta) + math.log(theta * 2 / 7)
    assert estimate.log_joint == pytest.approx(expected, rel=1e-6)
    assert "Jacobian" in estimate.maximised
    plain = find_MAP(coin([1, 1, 1], 2, 2), **QUIET)
    assert plain.jacobian is False
    assert "no Jacobian" in plain.maximised


def test_normal_mean_and_variance() -> None:
    y = np.random.default_rng(3).normal(50, 7, 25)
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=y)
        pm.Deterministic("variance", sigma**2)
    mle = find_MLE(model, **QUIET)
    assert mle.status.key == "converged"
    assert float(mle.point["mu"]) == pytest.approx(y.mean(), rel=1e-10)
    assert float(mle.point["sigma"]) == pytest.approx(y.std(), rel=1e-10)
    assert float(mle.point["variance"]) == pytest.approx(y.var(), rel=1e-10)
    loglik = stats.norm(y.mean(), y.std()).logpdf(y).sum()
    assert mle.log_likelihood == pytest.approx(loglik, rel=1e-12)
    # The MLE does not depend on the parametrisation; nor on the prior.
    with pm.Model() as other:
        mu, precision = pm.Normal("mu", -3, 0.1), pm.Gamma("precision", 9, 1)
        pm.Normal("y", mu, tau=precision, observed=y)
    again = find_MLE(other, **QUIET)
    assert float(again.point["mu"]) == pytest.approx(y.mean(), rel=1e-10)
    assert float(again.point["precision"]) == pytest.approx(1 / y.var(), rel=1e-10)


def regression_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(200), rng.standard_normal((200, 9)) * 10.0 ** np.arange(-4, 5)])
    return x, x @ (rng.standard_normal(10) / x.std(axis=0).clip(0.1)) + rng.standard_normal(200)


def test_least_squares() -> None:
    x, y = regression_data()
    names = [f"x{i}" for i in range(10)]
    with pm.Model(coords={"column": names}) as model:
        beta, sigma = pm.Flat("beta", dims="column"), pm.HalfFlat("sigma")
        pm.Normal("y", x @ beta, sigma, observed=y)
    mle = find_MLE(model, **QUIET)
    expected = np.linalg.lstsq(x, y)[0]
    assert mle.status.key == "converged"
    np.testing.assert_allclose(mle.point["beta"], expected, rtol=1e-8)
    rss = np.sum((y - x @ expected) ** 2)
    assert float(mle.point["sigma"]) == pytest.approx(math.sqrt(rss / 200), rel=1e-10)
    assert mle.point["beta"].dims == ("column",)
    assert mle.point["column"].values.tolist() == names
    assert mle.unconstrained["parameter"].values.tolist() == [
        *(f"beta[{name}]" for name in names),
        "sigma_log__",
    ]


def test_ridge() -> None:
    # (X'X + lambda I) b = X'y with lambda = sigma^2 / sigma_prior^2.
    x, y = regression_data()
    sd, prior_sd = 1.3, 0.6
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, prior_sd, shape=10)
        pm.Normal("y", x @ beta, sd, observed=y)
    estimate = find_MAP(model, **QUIET)
    penalty = (sd / prior_sd) ** 2
    stacked = np.vstack([x, math.sqrt(penalty) * np.eye(10)])
    expected = np.linalg.lstsq(stacked, np.concatenate([y, np.zeros(10)]))[0]
    assert estimate.status.key == "converged"
    np.testing.assert_allclose(estimate.point["beta"], expected, rtol=1e-8)


def test_normal_inverse_gamma() -> None:
    with pm.Model() as model:
        s = pm.InverseGamma("s", 2, 3)
        m = pm.Normal("m", 0, pm.math.sqrt(s))
        pm.Normal("y", m, pm.math.sqrt(s), observed=[1.5, 2.0])
    # The exponents of s add to -(2 + 1) - 1/2 - 2/2, the scale to 3 + m^2/2 + sum (y - m)^2 / 2,
    # which is least, 49/12, at m = 3.5/3: s = (49/12) / 4.5.
    map_ = find_MAP(model, **QUIET)
    assert float(map_.point["s"]) == pytest.approx(49 / 54, rel=1e-10)
    assert float(map_.point["m"]) == pytest.approx(7 / 6, rel=1e-10)
    mle = find_MLE(model, **QUIET)
    assert float(mle.point["s"]) == pytest.approx(1 / 16, rel=1e-10)
    assert float(mle.point["m"]) == pytest.approx(7 / 4, rel=1e-10)
    assert map_.status.key == mle.status.key == "converged"


# --------------------------------------------------------------------------------- two maxima

# The Cauchy likelihood of two points, at -3 and 4, and a third that tips the balance to 4: its
# score sum 2 (x - t) / (1 + (x - t)^2) times the denominators is a polynomial in t, whose real
# roots are the stationary points.
POINTS = np.array([-3.0, 4.0, 4.5])


def cauchy() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 5)
        pm.Cauchy("y", theta, 1, observed=POINTS)
    return model


def cauchy_maxima() -> list[tuple[float, float]]:
    score = np.poly1d([0.0])
    for i, x in enumerate(POINTS):
        term = np.poly1d([-1.0, x])
        for other in np.delete(POINTS, i):
            term *= np.poly1d([1.0, -2 * other, 1 + other**2])
        score += term
    roots = [r.real for r in score.roots if abs(r.imag) < 1e-9 and score.deriv()(r.real) < 0]
    return sorted(((stats.cauchy(r).logpdf(POINTS).sum(), r) for r in roots), reverse=True)


def test_both_maxima_are_found_and_counted() -> None:
    (best, first), (second, other) = cauchy_maxima()
    assert other < 0 < first
    estimate = find_MLE(cauchy(), **QUIET)
    assert estimate.status.key == "converged"
    assert theta_of(estimate) == pytest.approx(first, rel=1e-10)
    optima = estimate.optima
    np.testing.assert_allclose(optima["log_density"], [best, second], rtol=1e-10)
    np.testing.assert_allclose(optima["theta"], [first, other], rtol=1e-8)
    reached = optima["reached"].values
    assert reached.min() >= 1
    # Eight starts that lead to two maxima are too few to say that there is no third; sixteen are
    # enough (tests/estimation/test_unseen.py).
    assert reached.sum() == estimate.n_starts == 16
    (finding,) = estimate.findings
    assert finding.what.startswith("1 further local maximum was found")
    below = finding.evidence["log density of the next best below the best"]
    assert below == pytest.approx(best - second, rel=1e-8)


def test_one_start_finds_the_maximum_that_it_is_near() -> None:
    (_, first), (_, other) = cauchy_maxima()
    for start, expected in ((-3.0, other), (4.0, first)):
        estimate = find_MLE(cauchy(), n_starts=1, initvals={"theta": start}, **QUIET)
        assert theta_of(estimate) == pytest.approx(expected, rel=1e-10)
        assert estimate.n_starts == 1
        assert estimate.optima.sizes["optimum"] == 1
    # A second start mends it.
    several = find_MLE(cauchy(), n_starts=1, initvals=[{"theta": -3.0}, {"theta": 4.0}], **QUIET)
    assert theta_of(several) == pytest.approx(first, rel=1e-10)
    assert several.optima["reached"].values.tolist() == [1, 1]


def test_a_seed_gives_the_same_again() -> None:
    model = cauchy()
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must stay
    estimates = [find_MLE(model, progressbar=False, random_seed=seed) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    first, again, another = estimates
    xr.testing.assert_identical(first.optima, again.optima)
    xr.testing.assert_identical(first.point, again.point)
    assert first.log_likelihood == again.log_likelihood
    assert theta_of(another) == pytest.approx(theta_of(first), rel=1e-10)
    generator = find_MLE(model, progressbar=False, random_seed=np.random.default_rng(5))
    xr.testing.assert_identical(generator.optima, first.optima)


# ------------------------------------------------------------------- what is no ordinary maximum


@pytest.mark.parametrize(
    ("build", "status"),
    [(separated, "at_infinity"), (only_a_sum, "not_identified"), (one_observation, "unbounded")],
)
def test_a_warning_where_there_is_no_one_point(build: Any, status: str) -> None:
    with pytest.warns(EstimationWarning) as record:
        estimate = find_MLE(build(), **QUIET)
    assert estimate.status.key == status
    (warning,) = record
    assert warning.filename == __file__  # it points at the caller's line
    assert str(warning.message).startswith(f"MLE: {estimate.status.value}")
    assert str(estimate.findings[0]) in str(warning.message)
    with pytest.raises(EstimationError) as error:
        find_MLE(build(), strict=True, **QUIET)
    assert str(error.value) == str(warning.message)
    assert error.value.estimate.status is estimate.status
    xr.testing.assert_identical(error.value.estimate.point, estimate.point)


def test_values_where_there_is_no_maximum() -> None:
    with pytest.warns(EstimationWarning):
        slope = find_MLE(separated(), **QUIET)
    assert float(slope.point["slope"]) == np.inf
    assert slope.log_likelihood == pytest.approx(0, abs=1e-12)
    assert {"slope"} == {name for finding in slope.findings for name in finding.parameters}
    with pytest.warns(EstimationWarning):
        total = find_MLE(only_a_sum(), **QUIET)
    assert float(total.point["a"] + total.point["b"]) == pytest.approx(3, rel=1e-10)
    assert total.log_likelihood == pytest.approx(stats.norm(3).logpdf([1, 2, 6]).sum(), rel=1e-12)
    assert {"a", "b"} == {name for finding in total.findings for name in finding.parameters}
    with pytest.warns(EstimationWarning):
        sigma = find_MLE(one_observation(), **QUIET)
    assert np.isnan(sigma.point["sigma"])
    assert "sigma" in {name for finding in sigma.findings for name in finding.parameters}
    assert sigma.log_likelihood == np.inf


def test_a_boundary_is_an_estimate_but_not_a_converged_one() -> None:
    model = coin([1, 1, 1], 2, 2)
    assert theta_of(find_MLE(model, **QUIET)) == 1.0  # no warning: warnings are errors here
    with pytest.raises(EstimationError, match=r"On a boundary: .* theta = 1") as error:
        find_MLE(model, strict=True, **QUIET)
    assert theta_of(error.value.estimate) == 1.0
    assert find_MAP(model, strict=True, **QUIET).status.key == "converged"


@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_an_edge_that_the_density_leaves_slowly() -> None:
    # The log joint is, but for a constant, -(s - phi)^2 / 2 - s^2 phi^2 / 2: its maximum over
    # s >= 0 is at s = phi = 0, and along s = phi it falls with the fourth power only.
    with pm.Model() as model:
        s, phi = pm.HalfNormal("s", 1), pm.Normal("phi", 0, 1)
        pm.Normal("y", s * phi, 1, observed=1.0)
    estimate = find_MAP(model, **QUIET)
    assert estimate.log_joint == pytest.approx(-0.5 + 3 * stats.norm.logpdf(0) + math.log(2))
    assert estimate.status.key in ("on_boundary", "not_converged")
    # Whatever it makes of it, a standard deviation is not negative, and nothing here is infinite.
    assert float(estimate.point["s"]) == pytest.approx(0, abs=0.05)
    assert float(estimate.point["s"]) >= 0
    assert float(estimate.point["phi"]) == pytest.approx(0, abs=0.05)


@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_a_pole_inside_of_the_support_is_no_maximum() -> None:
    # The cube of a normal has the density |a|^(-2/3) phi(a^(1/3)) / 3: without limit as a nears 0.
    with pm.Model() as model:
        a = pm.CustomDist("a", dist=lambda size: pm.Normal.dist(0, 2, size=size) ** 3)
        pm.Normal("y", a, 1, observed=[1.0, 2.0])
    estimate = find_MAP(model, **QUIET)
    assert estimate.status.key in ("unbounded", "not_converged")


# ------------------------------------------------------------------------------------- potentials


def with_potential() -> pm.Model:
    # y ~ Normal(mu, 1) at 4, and a potential that is the log density of a Normal(mu, 1) at 1.
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Potential("pseudo_datum", -0.5 * (mu - 1) ** 2)
        pm.Normal("y", mu, 1, observed=[4.0])
    return model


def test_potentials_are_what_the_user_says() -> None:
    model = with_potential()
    with pytest.raises(ModelError) as error:
        find_MLE(model, **QUIET)
    for word in ("'pseudo_datum'", "potentials=None", "'likelihood'", "'prior'"):
        assert word in str(error.value)
    likely = find_MLE(model, potentials="likelihood", **QUIET)
    assert float(likely.point["mu"]) == pytest.approx(2.5, rel=1e-12)
    assert likely.log_likelihood == pytest.approx(stats.norm(2.5).logpdf(4) - 1.125, rel=1e-10)
    assert "potentials" in likely.maximised
    prior = find_MLE(model, potentials="prior", **QUIET)
    assert float(prior.point["mu"]) == pytest.approx(4, rel=1e-12)
    assert prior.log_likelihood == pytest.approx(stats.norm.logpdf(0), rel=1e-10)
    assert prior.log_prior == pytest.approx(stats.norm.logpdf(4) - 4.5, rel=1e-8)
    # The MAP has them all: (4 + 1 + 0) / 3.
    assert float(find_MAP(model, **QUIET).point["mu"]) == pytest.approx(5 / 3, rel=1e-12)


def test_a_word_that_potentials_cannot_be() -> None:
    with pytest.raises(ModelError, match="potentials='both'"):
        find_MLE(with_potential(), potentials="both", **QUIET)
    with pytest.raises(ModelError, match="potentials='both'"):
        find_MLE(coin([1, 0]), potentials="both", **QUIET)


# ---------------------------------------------------------------------------------- bad arguments


@pytest.mark.parametrize("n_starts", [0, -3, 2.5, "8", None])
def test_n_starts_is_a_whole_number(n_starts: Any) -> None:
    with pytest.raises(ModelError, match="n_starts must be a whole number of at least 1, got"):
        find_MLE(coin([1, 0]), n_starts=n_starts, **QUIET)


def test_n_starts_of_numpy() -> None:
    with pm.Model() as model:  # not log-concave, so that one start would not do
        pm.Cauchy("y", pm.Flat("mu"), 1, observed=[0.0, 0.1])
    assert find_MLE(model, n_starts=np.int64(3), **QUIET).n_starts == 3


def test_initvals_have_to_name_free_variables() -> None:
    with pytest.raises(ModelError, match=r"initvals names 'tosses', .* variables are \['theta'\]"):
        find_MLE(coin([1, 0]), initvals={"tosses": [1, 1]}, **QUIET)


def test_the_model_of_the_context() -> None:
    with coin([1, 1, 0], 2, 2):
        assert theta_of(find_MLE(**QUIET)) == pytest.approx(2 / 3, rel=1e-12)
        assert theta_of(find_MAP(**QUIET)) == pytest.approx(3 / 5, rel=1e-12)


@pytest.mark.parametrize("find", [find_MLE, find_MAP])
def test_no_model(find: Any) -> None:
    with pytest.raises(ModelError, match=f"{find.__name__} was given no model"):
        find(**QUIET)
    with pytest.raises(ModelError, match=rf"{find.__name__} needs a pymc\.Model, got dict"):
        find({"theta": 1}, **QUIET)


def test_models_that_cannot_be_estimated() -> None:
    with pm.Model() as unobserved:
        pm.Normal("mu")
    with pytest.raises(ModelError, match="no observed variable and no Potential"):
        find_MLE(unobserved, **QUIET)
    with pm.Model() as discrete:
        k = pm.Poisson("k", 2)
        pm.Normal("y", k, 1, observed=[1.0])
    with pytest.raises(ModelError, match=r".k. is discrete, and its support"):
        find_MAP(discrete, **QUIET)
    with pm.Model() as outside:
        rate = pm.HalfNormal("rate")
        pm.Exponential("waits", rate, observed=[1.0, -2.0])
    with pytest.raises(ModelError, match=r"waits.* outside the support.*waits\[1\] = -2"):
        find_MLE(outside, **QUIET)


def test_unknown_backend() -> None:
    with pytest.raises(ModelError, match="Unknown backend 'julia'"):
        find_MLE(coin([1, 0]), backend="julia", **QUIET)


def test_only_the_model_is_positional() -> None:
    with pytest.raises(TypeError, match="positional"):
        find_MLE(coin([1, 0]), 8)  # type: ignore[misc]


# --------------------------------------------------------------------------------- what it shows


@cache
def labelled() -> PointEstimate:
    coords = {"group": ["<b>a</b>", "c & d"], "k": [1, 2]}
    with pm.Model(coords=coords) as model:
        nasty = pm.Normal("<script>alert(1)<b>", 0, 1, dims=("group", "k"))
        total = pm.Deterministic("total", nasty.sum())
        pm.Normal("y", nasty, 1, observed=[[1.0, 2.0], [3.0, 4.0]], dims=("group", "k"))
        del total
    return find_MAP(model, **QUIET)


def test_the_record_is_frozen() -> None:
    estimate = labelled()
    assert dataclasses.is_dataclass(estimate)
    for name in ("status", "log_likelihood", "point", "anything"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(estimate, name, None)


def test_point_is_labelled_as_the_model_is() -> None:
    estimate = labelled()
    name = "<script>alert(1)<b>"
    assert set(estimate.point.data_vars) == {name, "total"}
    assert estimate.point[name].dims == ("group", "k")
    assert estimate.point["group"].values.tolist() == ["<b>a</b>", "c & d"]
    # Halfway between the prior mean, 0, and each observation.
    np.testing.assert_allclose(estimate.point[name], [[0.5, 1.0], [1.5, 2.0]], rtol=1e-12)
    assert float(estimate.point["total"]) == pytest.approx(5, rel=1e-12)
    assert estimate.unconstrained["parameter"].values.tolist() == [
        f"{name}[{group}, {k}]" for group in ("<b>a</b>", "c & d") for k in (1, 2)
    ]


# ----------------------------------------------------------------------------------------- storage


@pytest.mark.parametrize("name", ["labelled", "edge", "unbounded", "at_infinity", "two_maxima"])
@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_to_datatree_survives_netcdf(name: str, tmp_path: Path) -> None:
    estimate = {
        "labelled": labelled,
        "edge": lambda: find_MLE(coin([1, 1, 1], 2, 2), **QUIET),
        "unbounded": lambda: find_MLE(one_observation(), **QUIET),
        "at_infinity": lambda: find_MLE(separated(), **QUIET),
        "two_maxima": lambda: find_MLE(cauchy(), **QUIET),
    }[name]()
    tree = estimate.to_datatree()
    path = tmp_path / "estimate.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        loaded = opened.load()
    for group in ("posterior", "unconstrained", "optima"):
        xr.testing.assert_equal(loaded[group].dataset, tree[group].dataset)
    assert tree["posterior"].sizes["chain"] == tree["posterior"].sizes["draw"] == 1
    attrs = loaded.attrs
    assert attrs["estimator"] == estimate.estimator
    assert attrs["jacobian"] == 0
    assert attrs["status"] == estimate.status.key
    assert attrs["status_text"] == estimate.status.value
    assert attrs["maximised"] == estimate.maximised
    assert attrs["n_starts"] == estimate.n_starts
    for term in ("log_likelihood", "log_prior", "log_joint"):
        assert attrs[term] == pytest.approx(getattr(estimate, term), nan_ok=True)
    findings = json.loads(attrs["findings"])
    assert [finding["what"] for finding in findings] == [f.what for f in estimate.findings]
    assert [tuple(finding["parameters"]) for finding in findings] == [
        f.parameters for f in estimate.findings
    ]
    np.testing.assert_array_equal(loaded["unconstrained"]["x"], estimate.unconstrained)


def test_it_is_quiet_without_its_progress_bar(capfd: pytest.CaptureFixture[str]) -> None:
    find_MLE(coin([1, 1, 0]), **QUIET)
    out, err = capfd.readouterr()
    assert out == err == ""


@pytest.mark.slow
def test_a_compiled_backend_gives_the_same() -> None:
    model = coin([1, 1, 1, 0], 3, 2)
    interpreted, compiled = (find_MAP(model, backend=b, **QUIET) for b in (None, "numba"))
    assert theta_of(compiled) == pytest.approx(theta_of(interpreted), rel=1e-12)
    assert compiled.status is interpreted.status


def test_the_top_of_a_step_is_not_taken_for_a_maximum() -> None:
    # It rises to 1/2 and is down at 1/2 itself: the supremum, 1/2, is nowhere attained.
    with pm.Model() as model:
        x = pm.Uniform("x", 0, 1)
        pm.Potential("step", pm.math.switch(x < 0.5, x, -1.0))
        pm.Normal("y", 0, 1, observed=[0.0])
    with pytest.warns(EstimationWarning, match="could not be shown to be a maximum"):
        estimate = find_MAP(model, **QUIET)
    assert estimate.status.key == "not_converged"
    assert 0.4999 < float(estimate.point["x"]) < 0.5
    assert estimate.log_prior == pytest.approx(float(estimate.point["x"]), rel=1e-12)


def test_many_directions_of_no_change_are_told_in_one_sentence() -> None:
    # Twelve coefficients and four rows: what the rows do not see has 12 - 4 dimensions.
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 12)), rng.normal(size=4)
    with pm.Model() as model:
        b = pm.Flat("b", shape=12)
        pm.Normal("y", x @ b, 1, observed=y)
    with pytest.warns(EstimationWarning, match=r"8 independent directions in b\[0\]"):
        found = find_MLE(model, progressbar=False)
    [finding] = found.findings
    assert finding.is_flat
    assert finding.evidence == {"directions": 8.0}
    assert finding.parameters == tuple(f"b[{j}]" for j in range(12))
