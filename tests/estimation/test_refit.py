"""refit against closed forms, and against a loop of find_MLE and find_MAP."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from rich.console import Console
from scipy import stats
from scipy.special import xlogy

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.refit import refit as refitting
from bayes_point.estimation.refit import run as running

RNG = np.random.default_rng(21)


def refit(model: pm.Model, data: Any, **options: Any) -> xr.Dataset:
    return bp.refit(model, data, progressbar=False, **options)


@cache
def normal(n: int = 4) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        sigma = pm.HalfNormal("sigma", 10)
        pm.Deterministic("ratio", mu / sigma)
        pm.Normal("y", mu, sigma, observed=np.zeros(n))
    return model


def close(got: xr.DataArray, expected: np.ndarray, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(got.values, expected, rtol=rtol, atol=rtol)


# ------------------------------------------------------------------------------- closed forms


def test_normal() -> None:
    y = RNG.normal(5, 3, size=(500, 4))
    fits = refit(normal(), {"y": y})
    mean, sd = y.mean(axis=1), y.std(axis=1)
    close(fits["mu"], mean)
    close(fits["sigma"], sd)
    close(fits["ratio"], mean / sd)
    # The information about (mu, sigma) is diag(n, 2n) / sigma^2.
    close(fits["mu_stderr"], sd / 2)
    close(fits["sigma_stderr"], sd / np.sqrt(8))
    # d(mu / sigma) = dmu / sigma - mu dsigma / sigma^2
    close(fits["ratio_stderr"], np.sqrt(1 / 4 + (mean / sd) ** 2 / 8))
    close(fits["log_likelihood"], stats.norm(mean[:, None], sd[:, None]).logpdf(y).sum(axis=1))
    assert set(fits["status"].values) == {"converged"}
    assert fits.sizes == {"dataset": 500}
    assert list(fits.data_vars) == [
        *("mu", "sigma", "ratio", "mu_stderr", "sigma_stderr", "ratio_stderr"),
        *("log_likelihood", "status"),
    ]


def test_poisson_and_exponential() -> None:
    with pm.Model() as model:
        rate = pm.HalfNormal("rate", 5)
        scale = pm.HalfNormal("scale", 5)
        pm.Poisson("count", rate, observed=np.zeros(6, int))
        pm.Exponential("life", scale=scale, observed=np.ones(5))
    count, life = 1 + RNG.poisson(3, size=(60, 6)), RNG.exponential(2, size=(60, 5))
    fits = refit(model, {"count": count, "life": life})
    close(fits["rate"], count.mean(axis=1))
    close(fits["rate_stderr"], np.sqrt(count.mean(axis=1) / 6))
    close(fits["scale"], life.mean(axis=1))
    close(fits["scale_stderr"], life.mean(axis=1) / np.sqrt(5))


def test_coins_and_their_boundaries() -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("y", theta, observed=np.zeros(5, int))
    y = RNG.integers(0, 2, size=(200, 5))
    y[:3], y[3:6] = 0, 1
    fits = refit(model, {"y": y})
    share = y.mean(axis=1)
    inside = (share > 0) & (share < 1)
    close(fits["theta"], share)
    np.testing.assert_array_equal(fits["theta"].values[~inside], share[~inside])
    assert set(fits["status"].values[inside]) == {"converged"}
    assert set(fits["status"].values[~inside]) == {"on_boundary"}
    close(fits["theta_stderr"][inside], np.sqrt(share * (1 - share) / 5)[inside])
    assert np.isnan(fits["theta_stderr"].values[~inside]).all()
    # 0 log 0 is 0.
    log_likelihood = 5 * (xlogy(share, share) + xlogy(1 - share, 1 - share))
    close(fits["log_likelihood"], log_likelihood, 1e-8)
    # The posterior is Beta(2 + heads, 2 + tails), with its mode at (1 + heads) / (2 + n).
    modes = refit(model, {"y": y}, estimator="MAP")
    close(modes["theta"], (1 + y.sum(axis=1)) / 7)
    assert set(modes["status"].values) == {"converged"}
    assert modes.attrs["estimator"] == "MAP"


def test_prior_weight_is_the_power_of_the_prior() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 1, 2)
        pm.Normal("y", mu, np.array(3.0), observed=np.zeros(4))
    y = RNG.normal(0, 3, size=(20, 4))
    for weight in (0.0, 0.5, 3.0):
        fits = refit(model, {"y": y}, estimator="MAP", prior_weight=weight)
        # Precisions add: of the data 4 / 9, of the prior weight / 4.
        precision = 4 / 9 + weight / 4
        close(fits["mu"], (y.sum(axis=1) / 9 + weight / 4) / precision)
        close(fits["mu_stderr"], np.full(20, precision**-0.5))
        close(fits["log_likelihood"], stats.norm(fits["mu"].values[:, None], 3).logpdf(y).sum(1))


def test_weights_are_those_of_weighted_least_squares() -> None:
    y, x = RNG.normal(size=8), RNG.normal(size=(8, 2))
    with pm.Model() as model:
        b = pm.Normal("b", 0, 10, shape=2)
        pm.Normal("y", x @ b, 2, observed=y)
    weights = RNG.multinomial(8, np.ones(8) / 8, size=50)
    fits = refit(model, {}, weights={"y": weights})
    for i, w in enumerate(weights):
        information = x.T @ (w[:, None] * x)
        np.testing.assert_allclose(
            fits["b"].values[i], np.linalg.solve(information, x.T @ (w * y)), rtol=1e-10
        )
        np.testing.assert_allclose(
            fits["b_stderr"].values[i], 2 * np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-10
        )


def test_covariates_as_data() -> None:
    with pm.Model() as model:
        x = pm.Data("x", np.zeros((6, 2)))
        b = pm.Flat("b", shape=2)
        pm.Normal("y", x @ b, 1, observed=np.zeros(6))
    x, y = RNG.normal(size=(30, 6, 2)), RNG.normal(size=(30, 6))
    fits = refit(model, {"x": x, "y": y})
    expected = [np.linalg.lstsq(a, b, rcond=None)[0] for a, b in zip(x, y, strict=True)]
    close(fits["b"], np.array(expected))


# ------------------------------------------------------------------ as a loop of find_MLE does


def logistic() -> tuple[pm.Model, dict, Callable]:
    x = np.random.default_rng(1).normal(size=(12, 2))

    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            b = pm.Normal("b", 0, 1, shape=2)
            pm.Bernoulli("y", logit_p=x @ b, observed=y)
        return model

    y = (np.random.default_rng(4).logistic(size=(4, 12)) < 1.5 * x[:, 0]).astype(int)
    y[2] = x[:, 0] > 0  # separated: the estimate is at infinity
    return build(y[0]), {"y": y}, build


def weibull() -> tuple[pm.Model, dict, Callable]:
    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            alpha, beta = pm.HalfNormal("alpha", 5), pm.HalfNormal("beta", 5)
            life = pm.Weibull.dist(alpha, beta)
            pm.Censored("y", life, lower=None, upper=2.0, observed=y)
        return model

    y = np.minimum(2 * np.random.default_rng(2).weibull(1.5, size=(3, 15)), 2.0)
    y[1] = 2.0  # all of them censored: no finite estimate
    return build(y[0]), {"y": y}, build


def regression_with_kinks() -> tuple[pm.Model, dict, Callable]:
    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            mu = pm.Normal("mu", 0, 5)
            pm.Laplace("y", mu, 1, observed=y)
        return model

    y = np.random.default_rng(5).normal(1, 2, size=(2, 5))
    return build(y[0]), {"y": y}, build


def perfect_fit() -> tuple[pm.Model, dict, Callable]:
    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            mu, sigma = pm.Normal("mu", 0, 5), pm.HalfNormal("sigma", 5)
            pm.Normal("y", mu, sigma, observed=y)
        return model

    y = np.random.default_rng(5).normal(1, 2, size=(2, 3))
    y[1] = 1.5  # no spread: the density has no upper limit
    return build(y[0]), {"y": y}, build


def not_identified() -> tuple[pm.Model, dict, Callable]:
    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            a, b = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5)
            pm.Normal("y", a + b, 1, observed=y)
        return model

    y = np.random.default_rng(5).normal(1, 2, size=(2, 3))
    return build(y[0]), {"y": y}, build


def mixture() -> tuple[pm.Model, dict, Callable]:
    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            mu = pm.Normal("mu", [-2, 2], 2, shape=2)
            sd = pm.HalfNormal("sd", 2, shape=2)
            pm.NormalMixture("y", [0.5, 0.5], mu, sd, observed=y)
        return model

    y = np.random.default_rng(5).normal(np.repeat([-2, 2], 6), 1, size=(1, 12))
    return build(y[0]), {"y": y}, build


@pytest.mark.parametrize(
    "case",
    [
        logistic,
        weibull,
        regression_with_kinks,
        perfect_fit,
        not_identified,
        pytest.param(mixture, marks=pytest.mark.slow),
    ],
)
def test_each_is_what_find_mle_finds(case: Callable) -> None:
    model, data, build = case()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = refit(model, data)
    seen = set()
    for i, y in enumerate(data["y"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            one = bp.find_MLE(build(y), progressbar=False, random_seed=0)
        assert fits["status"].values[i] == one.status.key
        seen.add(one.status.key)
        if one.status.key == "not_identified":
            continue  # the point is one choice among equals
        for name, value in one.point.data_vars.items():
            np.testing.assert_allclose(fits[name].values[i], value.values, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(fits["log_likelihood"].values[i], one.log_likelihood, rtol=1e-9)
        if one.status.key != "converged":
            assert all(np.isnan(fits[f"{n}_stderr"].values[i]).all() for n in one.point.data_vars)
    expected = {
        logistic: {"converged", "at_infinity"},
        weibull: {"converged", "at_infinity"},
        regression_with_kinks: {"converged"},
        perfect_fit: {"converged", "unbounded"},
        not_identified: {"not_identified"},
        mixture: {"unbounded"},
    }
    assert seen == expected[case]


def mixed() -> tuple[np.ndarray, Callable]:
    """Data sets of every kind in one batch: regular, separated, constant, and with a NaN."""

    def build(y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            a, sigma = pm.Normal("a", 0, 2), pm.HalfNormal("sigma", 2)
            pm.Bernoulli("wins", logit_p=a * np.array([-1.0, 0.5, 1.0]), observed=y[:3].astype(int))
            pm.Normal("size", 0, sigma, observed=y[3:])
        return model

    return np.array(
        [
            [1, 0, 1, 1.5, -0.5],  # regular
            [0, 1, 1, 1.5, -0.5],  # separated
            [1, 0, 1, 0.0, 0.0],  # no spread
            [1, 1, 0, np.nan, 1.0],
        ]
    ), build


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["MLE", "MAP"])
def test_a_mixed_batch(estimator: str) -> None:
    y, build = mixed()
    data = {"wins": y[:, :3].astype(int), "size": y[:, 3:]}
    with pytest.warns(EstimationWarning, match="dataset = 3: .*'size' hold missing values"):
        fits = refit(build(y[0]), data, estimator=estimator)
    find = bp.find_MLE if estimator == "MLE" else bp.find_MAP
    seen = fits["status"].values.tolist()
    first_two = ["converged", "at_infinity" if estimator == "MLE" else "converged"]
    # Of data that are not numbers find_MLE raises: there is nothing to give.
    assert seen == [*first_two, "unbounded", "not_converged"]
    for i, row in enumerate(y[:3]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            one = find(build(row), progressbar=False, random_seed=0)
        assert seen[i] == one.status.key
        for name, value in one.point.data_vars.items():
            np.testing.assert_allclose(fits[name].values[i], value.values, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(fits["log_likelihood"].values[i], one.log_likelihood, rtol=1e-9)


def test_map_is_what_find_map_finds() -> None:
    model, data, build = logistic()
    for jacobian in (False, True):
        fits = refit(model, data, estimator="MAP", jacobian=jacobian)
        for i, y in enumerate(data["y"][:2]):
            one = bp.find_MAP(build(y), jacobian=jacobian, progressbar=False)
            np.testing.assert_allclose(fits["b"].values[i], one.point["b"].values, rtol=1e-8)


def test_several_starts_find_the_better_optimum() -> None:
    # Two modes of a Cauchy location likelihood: observations near 0 (three) and 20 (two).
    with pm.Model() as model:
        mu = pm.Uniform("mu", -50, 50, initval=20.0)
        pm.Cauchy("y", mu, 1, observed=np.zeros(5))
    y = np.array([[-0.5, 0, 0.5, 19.8, 20.2], [20.0, 20.5, 19.5, 0.2, -0.2]])
    one = refit(model, {"y": y})["mu"].values
    many = refit(model, {"y": y}, n_starts=30)["mu"].values
    np.testing.assert_allclose(one, [20, 20], atol=0.5)
    np.testing.assert_allclose(many, [0, 20], atol=0.5)


def test_starts_of_each_data_set() -> None:
    with pm.Model() as model:
        mu = pm.Uniform("mu", -50, 50)
        pm.Cauchy("y", mu, 1, observed=np.zeros(4))
    y = np.tile([-0.2, 0.2, 19.8, 20.2], (2, 1))
    fits = refit(model, {"y": y}, initvals={"mu": np.array([1.0, 19.0])})
    np.testing.assert_allclose(fits["mu"].values, [0, 20], atol=0.1)
    with pytest.raises(ModelError, match="of data set 1 a value outside of its support"):
        refit(model, {"y": y}, initvals={"mu": np.array([1.0, 90.0])})
    with pytest.raises(ModelError, match="'mu' 3 entries, and there are 2 data sets"):
        refit(model, {"y": y}, initvals={"mu": np.zeros(3)})


def test_a_data_set_without_any_estimate_does_not_stop_the_others() -> None:
    y = RNG.normal(size=(5, 4))
    y[1, 2] = np.nan
    with pm.Model() as positive:
        rate = pm.HalfNormal("rate", 1)
        pm.Exponential("life", rate, observed=np.ones(4))
    life = np.exp(y)
    life[1, 2] = -1.0  # impossible
    nan = (
        "1 of 5 data sets have no estimate, among them dataset = 1: .* hold missing values: 1 of 4"
    )
    negative = "dataset = 1: Observed data of 'life' lie outside .* the first life.2. = -1"
    for model, data, reason in (
        (normal(), {"y": y}, nan),
        (positive, {"life": life}, negative),
    ):
        with pytest.warns(EstimationWarning, match=reason):
            fits = refit(model, data)
        assert (
            fits["status"].values.tolist() == ["converged"] + ["not_converged"] + ["converged"] * 3
        )
        first = next(iter(fits.data_vars))
        assert np.isnan(fits[first].values[1])
        assert np.isfinite(fits[first].values[[0, 2, 3, 4]]).all()


def test_a_reason_that_cannot_be_told_costs_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise TypeError("not told")

    monkeypatch.setattr(refitting, "check_data", fails)
    y = np.array([[1.0, 2, 3, 4], [1, np.nan, 3, 4]])
    fits = refit(normal(), {"y": y})
    close(fits["mu"][0], 2.5)
    assert fits["status"].values.tolist() == ["converged", "not_converged"]


def test_an_index_that_points_nowhere() -> None:
    with pm.Model() as model:
        group = pm.Data("group", np.array([0, 1, 0, 1]))
        mu = pm.Normal("mu", 0, 10, shape=2)
        pm.Normal("y", mu[group], 1, observed=np.zeros(4))
    group = np.array([[0, 1, 0, 1], [0, 1, 2, 1], [1, 1, 0, 0], [0, 0, 0, 1], [0, 9, 0, 1]])
    y = RNG.normal(size=(5, 4))
    with pytest.warns(EstimationWarning, match="2 of 5 .* dataset = 1: index 2 is out of bounds"):
        fits = refit(model, {"group": group, "y": y})
    good = ["converged", "not_converged", "converged", "converged", "not_converged"]
    assert fits["status"].values.tolist() == good
    assert np.isnan(fits["mu"].values[[1, 4]]).all()
    close(fits["mu"][2], [y[2, 2:].mean(), y[2, :2].mean()])


def test_a_model_that_cannot_be_vectorised() -> None:
    # ZeroSumNormal: the shares of the data about their mean.
    with pm.Model() as model:
        effect = pm.ZeroSumNormal("effect", 1, shape=3)
        pm.Normal("y", effect, 1, observed=np.zeros(3))
    y = RNG.normal(size=(4, 3))
    fits = refit(model, {"y": y})
    close(fits["effect"], y - y.mean(axis=1, keepdims=True), 1e-8)


def test_more_coordinates_than_a_direct_hessian_is_built_for() -> None:
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=30)
        pm.Normal("y", b, 2, observed=np.zeros(30))
    y = RNG.normal(size=(3, 30))
    fits = refit(model, {"y": y}, estimator="MAP")
    close(fits["b"], y / 5)  # precisions 1/4 and 1
    close(fits["b_stderr"], np.full((3, 30), np.sqrt(4 / 5)))


# --------------------------------------------------------------------------------- labels, chunks


def labelled() -> tuple[pm.Model, xr.Dataset]:
    with pm.Model(coords={"store": ["north", "south"], "day": [1, 2, 3]}) as model:
        mu = pm.Normal("mu", 0, 9, dims="store")
        pm.Deterministic("total", mu.sum())
        pm.Deterministic("is_up", pt.gt(mu, 0), dims="store")
        pm.Normal("sales", mu, 1, observed=np.zeros((3, 2)), dims=("day", "store"))
    sales = xr.DataArray(
        RNG.normal(size=(2, 5, 3)),
        dims=("store", "year", "day"),
        coords={"store": ["south", "north"], "year": range(2001, 2006), "day": [1, 2, 3]},
    )
    return model, sales.to_dataset(name="sales")


def test_labels() -> None:
    model, data = labelled()
    fits = refit(model, data)
    assert fits["mu"].dims == ("year", "store")
    assert fits["total"].dims == ("year",)
    assert fits["year"].values.tolist() == [2001, 2002, 2003, 2004, 2005]
    # The model has the stores in another order than the data.
    expected = data["sales"].mean("day").sel(store=["north", "south"]).transpose("year", "store")
    xr.testing.assert_allclose(fits["mu"], expected.rename("mu"), rtol=1e-10)
    close(fits["total_stderr"], np.full(5, np.sqrt(2 / 3)))
    # What is true or false has no standard error.
    np.testing.assert_array_equal(fits["is_up"].values, fits["mu"].values > 0)
    assert np.isnan(fits["is_up_stderr"].values).all()
    some = refit(model, data, var_names=["total"])
    assert list(some.data_vars) == ["total", "total_stderr", "log_likelihood", "status"]


@pytest.mark.parametrize("chunk_size", [1, 7, 100])
def test_chunks_give_the_same(chunk_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    y = RNG.normal(5, 3, size=(30, 4))
    whole = refit(normal(), {"y": y})
    monkeypatch.setattr("bayes_point.estimation.refit.batch._ELEMENTS", 16)
    monkeypatch.setattr("bayes_point.estimation.refit.batch._FEWEST", 3)
    xr.testing.assert_allclose(refit(normal(), {"y": y}, chunk_size=chunk_size), whole, rtol=1e-10)


def test_what_takes_long_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def compiled(self: Any, model: pm.Model, task: Any) -> None:
        seen.append(task.backend)
        start(
            self,
            model,
            task if task.backend is None else type(task)(**vars(task) | {"backend": "py"}),
        )

    from bayes_point.estimation.refit.batch import Refitter

    start = Refitter.__init__
    monkeypatch.setattr(Refitter, "__init__", compiled)
    monkeypatch.setattr("bayes_point.estimation.refit.batch._ELEMENTS", 4)
    monkeypatch.setattr("bayes_point.estimation.refit.batch._FEWEST", 8)
    y = RNG.normal(5, 3, size=(24, 4))  # three blocks: the first one is not judged by
    refit(normal(), {"y": y})
    assert seen == [None]
    monkeypatch.setattr("bayes_point.estimation.refit.run._COMPILE", 1e-9)
    fits = refit(normal(), {"y": y})
    assert seen[1:] == [None, "numba"]
    close(fits["mu"], y.mean(axis=1))


@pytest.mark.parametrize(("show", "terminal"), [(True, True), (True, False), (False, True)])
def test_progress(
    show: bool, terminal: bool, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "Console", lambda: Console(force_terminal=terminal, width=100))
    bp.refit(normal(), {"y": np.ones((2, 4)) + np.arange(4)}, progressbar=show)
    out = capsys.readouterr().out
    if show and terminal:
        assert "Refitting" in out
        assert "2/2" in out
    else:
        assert out == ""


def test_an_interrupt_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from bayes_point.estimation.refit.batch import Refitter

    y = RNG.normal(size=(6, 4))
    run, calls = Refitter.run, []

    def interrupted(self: Any, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(self, *args)

    monkeypatch.setattr(Refitter, "run", interrupted)
    with pytest.warns(EstimationWarning, match="4 of 6 data sets are done") as caught:
        fits = refit(normal(), {"y": y}, chunk_size=2)
    assert caught[0].filename == __file__
    close(fits["mu"], y[:4].mean(axis=1))


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({}, {}, "No data sets were given"),
        ([1, 2], {}, "data must be an xarray Dataset, or a mapping .* got list"),
        (
            {"z": np.zeros((2, 4))},
            {},
            r"\['z'\] cannot be given anew .* observed variables \['y'\]",
        ),
        ({"y": np.zeros((2, 5))}, {}, r"shape \(2, 5\) for 'y'; expected \(batch, 4\)"),
        ({"y": 1.0}, {}, "'y' is a single number"),
        ({"y": [[1.0, 2, 3, 4], [1.0]]}, {}, "'y' is no rectangular array.*weight of 0"),
        ({"y": np.full((2, 4), "a")}, {}, "'y' must be numbers; got an array of <U1"),
        ({"y": np.ma.masked_less(np.zeros((2, 4)), 1)}, {}, "'y' has masked entries.*weight of 0"),
        ({"y": np.zeros((2, 4))}, {"dim": 3}, "dim must be the name of a dim, got 3"),
        ({"y": np.zeros((2, 4))}, {"weights": {"y": -np.ones((2, 4))}}, "numbers of at least 0"),
        ({"mu": np.zeros(2)}, {}, r"data names \['mu'\], which the model is to estimate"),
        ({"y": np.zeros((0, 4))}, {}, "There is no data set"),
        ({"y": np.zeros((2, 4))}, {"weights": {"x": np.ones((2, 4))}}, r"weights names \['x'\]"),
        ({"y": np.zeros((2, 4))}, {"weights": {"y": np.ones((3, 4))}}, "differ in the number"),
        ({"y": np.zeros((2, 4))}, {"estimator": "mean"}, "estimator='mean'. It must be 'MLE' or"),
        ({"y": np.zeros((2, 4))}, {"prior_weight": 2}, "in which the prior plays no part"),
        ({"y": np.zeros((2, 4))}, {"prior_weight": -1}, "finite number of at least 0, got -1"),
        ({"y": np.zeros((2, 4))}, {"n_starts": 0}, "n_starts must be a whole number of at least 1"),
        ({"y": np.zeros((2, 4))}, {"chunk_size": 1.5}, "chunk_size must be a whole number"),
        ({"y": np.zeros((2, 4))}, {"var_names": ["nu"]}, r"var_names names \['nu'\]"),
        ({"y": np.zeros((2, 4))}, {"dim": "mu"}, r"would have \['mu'\] twice"),
        ({"y": np.zeros((2, 4))}, {"initvals": [{}]}, "initvals must be a mapping"),
        ({"y": np.zeros((2, 4))}, {"backend": "julia"}, "Unknown backend 'julia'"),
    ],
)
def test_errors(data: Any, options: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        refit(normal(), data, **options)


def test_errors_of_labels() -> None:
    model, data = labelled()
    with pytest.raises(ModelError, match=re.escape("'sales' has other labels along 'store'")):
        refit(model, data.assign_coords(store=["south", "west"]))
    with pytest.raises(ModelError, match="Got dim='store', which is a dim of the model"):
        refit(model, {"sales": np.zeros((4, 3, 2))}, dim="store")
    with pytest.raises(ModelError, match=r"\['note'\] cannot be given anew"):
        refit(model, data.assign(note=("year", np.zeros(5))))
    with pytest.raises(ModelError, match="without 'month', along which the data sets lie"):
        refit(model, data, dim="month")
    with pytest.raises(ModelError, match=r"Which dim .* Say it with dim="):
        refit(model, data.isel(year=0, drop=True))


def test_the_model_of_the_context() -> None:
    y = RNG.normal(size=(2, 4))
    with normal():
        fits = bp.refit(None, {"y": y}, progressbar=False)
    close(fits["mu"], y.mean(axis=1))
