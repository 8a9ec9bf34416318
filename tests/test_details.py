"""What a fit holds for the report: Laplace check, profiles, prior path, cost in prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import bayes_point as bp
from bayes_point import details
from bayes_point.errors import BayesPointWarning, ComparisonError, ModelError
from bayes_point.report.sections.coefficients import coefficients
from tests.report.page_parser import Page

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


def coin() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
    return model


def draws_of_the_coin() -> xr.DataTree:
    """Draw from the posterior, Beta(5, 3)."""
    theta = np.random.default_rng(1).beta(5, 3, (2, 500))
    return xr.DataTree.from_dict({"/posterior": xr.Dataset({"theta": (("chain", "draw"), theta)})})


@pytest.fixture(scope="module")
def whole() -> xr.DataTree:
    return bp.fit(coin(), idata=draws_of_the_coin(), **QUIET)


def test_every_detail_is_a_group_of_the_fit(whole: xr.DataTree) -> None:
    assert set(details.DETAILS) == {"laplace", "profile", "prior_path", "predictive_cost"}
    assert set(details.DETAILS) <= set(whole.children)
    assert json.loads(whole.attrs["details_left_out"]) == {}


def test_the_prior_path_is_that_of_the_model(whole: xr.DataTree) -> None:
    path = whole["prior_path"].dataset
    power = path["prior_power"].values
    # Three heads of four under Beta(2, 2)^power: (3 + power) / (4 + 2 power).
    np.testing.assert_allclose(path["theta"], (3 + power) / (4 + 2 * power), rtol=1e-8)


def test_the_profile_is_that_of_the_likelihood(whole: xr.DataTree) -> None:
    group = whole["profile/profile"].dataset
    assert group["parameter"].values.tolist() == ["theta"]
    cut = stats.chi2.ppf(whole["profile"].attrs["ci_prob"], 1)
    ends = group["interval"].sel(parameter="theta").values
    loglik = 3 * np.log(ends) + np.log1p(-ends)
    top = 3 * np.log(0.75) + np.log(0.25)
    np.testing.assert_allclose(2 * (top - loglik), cut, rtol=1e-6)


def test_the_laplace_check_is_measured_against_these_draws(whole: xr.DataTree) -> None:
    tree = whole["laplace"]
    assert "posterior" not in tree.children
    assert tree.attrs["draws"] * tree.attrs["chains"] == 4000
    # On the log-odds the mode of theta^5 (1 - theta)^3 is log(5/3).
    mode = tree["unconstrained/mode"].values
    np.testing.assert_allclose(mode, [np.log(5 / 3)], rtol=1e-8)
    moments = tree["importance/theta"]
    mean, mcse = moments.sel(quantity=["mean", "mean_mcse"]).values
    assert abs(mean - 5 / 8) < 4 * mcse < 0.02
    near = tree["closeness/theta"]
    mode_of_coin = bp.find_MAP(coin(), jacobian=True, **QUIET)
    again = bp.closeness(bp.laplace(mode_of_coin, **QUIET), whole)["theta"]
    np.testing.assert_allclose(near, again, rtol=1e-6)


def test_the_cost_of_plugging_in_is_that_of_predictive(whole: xr.DataTree) -> None:
    cost = whole["predictive_cost"].dataset
    seen = cost["total"].sel(scope="observed")
    # The MLE is 3/4, the MAP 4/6.
    for name, p in (("MLE", 3 / 4), ("MAP", 2 / 3)):
        expected = 3 * np.log(p) + np.log1p(-p)
        assert float(seen.sel(distribution=name)) == pytest.approx(expected, rel=1e-8)
    assert int(cost["refitted"].sum()) == 0


def test_details_survive_a_file(whole: xr.DataTree, tmp_path: Path) -> None:
    whole.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        tree.load()
    for name in details.DETAILS:
        xr.testing.assert_equal(tree[name], whole[name])


def test_some_or_none() -> None:
    mine = draws_of_the_coin()
    dt = bp.fit(coin(), idata=mine, details=False, **QUIET)
    assert not set(details.DETAILS) & set(dt.children)
    dt = bp.fit(coin(), idata=mine, details="profile", **QUIET)
    assert set(details.DETAILS) & set(dt.children) == {"profile"}
    with pytest.raises(ModelError) as info:
        bp.fit(coin(), idata=mine, details=["profile", "slice"], **QUIET)
    assert str(info.value) == (
        "details must be True, False, or some of 'laplace', 'profile', 'prior_path', "
        "'predictive_cost'; got 'slice'."
    )


def test_what_would_take_long_is_left_out_unless_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(details, "EVALUATIONS", 0)
    dt = bp.fit(coin(), idata=draws_of_the_coin(), **QUIET)
    assert not set(details.DETAILS) & set(dt.children)
    why = json.loads(dt.attrs["details_left_out"])
    assert set(why) == set(details.DETAILS)
    assert why["profile"] == (
        "it takes long; bp.fit(model, details='profile') computes it whatever it takes"
    )
    assert (
        "Likelihood beside posterior: It takes long" in Page(bp.report(dt).html).one("footer").text
    )
    dt = bp.fit(coin(), idata=draws_of_the_coin(), details="profile", **QUIET)
    assert "profile" in dt.children


def test_why_a_detail_cannot_be_computed_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(_: object) -> xr.DataTree:
        raise ComparisonError("There is no such thing.")

    def broken(_: object) -> xr.DataTree:
        raise ZeroDivisionError("a fault")

    for name, compute in (("laplace", refused), ("profile", broken)):
        broken_one = details._Detail(compute, lambda _: 0.0)
        monkeypatch.setitem(details.DETAILS, name, broken_one)
    dt = bp.fit(coin(), idata=draws_of_the_coin(), details="laplace", **QUIET)
    assert json.loads(dt.attrs["details_left_out"]) == {"laplace": "There is no such thing."}
    # What is no refusal is warned of as well, and takes nothing with it.
    with pytest.warns(BayesPointWarning, match="The fit has no profile: it failed with ZeroDivis"):
        dt = bp.fit(coin(), idata=draws_of_the_coin(), details=["laplace", "profile"], **QUIET)
    assert float(bp.summary(dt).loc["theta", "MLE"]) == 0.75  # three of four
    why = json.loads(dt.attrs["details_left_out"])
    assert why["profile"] == "it failed with ZeroDivisionError: a fault"
    dt.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")


def test_elements_with_the_largest_gaps_are_profiled() -> None:
    x = np.linspace(-1, 1, 20)[:, None] ** np.arange(3)
    with pm.Model(coords={"power": [0, 1, 2]}) as model:
        beta = pm.Normal("beta", 0, 1, dims="power")
        pm.Normal("y", x @ beta, 1, observed=x @ [1.0, 2.0, 3.0])
    # Draws about the MLE plus 3, 0 and 1 sd.
    rng = np.random.default_rng(2)
    values = np.array([4.0, 2.0, 4.0]) + rng.standard_normal((2, 200, 3))
    posterior = xr.Dataset({"beta": (("chain", "draw", "power"), values)}, {"power": [0, 1, 2]})
    dt = bp.fit(
        model, idata=xr.DataTree.from_dict({"/posterior": posterior}), details=False, **QUIET
    )
    estimates = {"mle": None, "map": None}
    fitted = details.Fitted(model, dt, estimates, 0.0, {}, None)  # type: ignore[arg-type]
    gaps = np.abs(bp.gaps(dt)["beta"].sel(quantity="gap")).max("estimator")
    expected = sorted(gaps["power"].values[np.argsort(-gaps.values)[:2]].tolist())
    assert details._with_largest_gaps(fitted, 2) == [("beta", {"power": expected})]


def test_the_report_shows_them(whole: xr.DataTree) -> None:
    report = bp.report(whole, margin=0.25, level=0.05)
    text = " ".join(Page(report.html).one("body").text.split())
    for heading in (
        "Likelihood beside posterior",
        "The pull of the prior",
        "The cost of plugging in",
        "The Laplace approximation",
    ):
        assert heading in text
    assert "small if it is 0.25 posterior sd or more" in text
    assert "is at most 5%" in text
    pareto_k = float(whole["laplace"].attrs["pareto_k"])
    assert f"Pareto k{pareto_k:.2f}" in text.replace("Pareto k ", "Pareto k")
    low, high = whole["profile/profile/interval"].values[0]
    assert f"theta from {low:.3g} to {high:.3g}." in report.html
    # The verdict is that of the thresholds given: the MAP, 2/3, is 0.26 sd from the mean, 5/8.
    assert report.headline == str(bp.verdict(whole, margin=0.25, level=0.05))


def test_the_coefficient_table_is_that_of_the_estimate(whole: xr.DataTree) -> None:
    found = coefficients(whole["mle"])
    assert found is not None
    own = bp.find_MLE(coin(), **QUIET).to_dataframe()
    numbers = found[["estimate", "se", "lower", "upper"]].to_numpy(float)
    np.testing.assert_allclose(numbers, own.iloc[:, :4].to_numpy(float), rtol=1e-9)
    assert found["status"].tolist() == own["status"].tolist() == ["converged"]
