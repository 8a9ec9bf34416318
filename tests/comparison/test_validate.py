"""What is refused, and whether the message helps."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bayes_point.comparison.distance.gaps import gaps
from bayes_point.comparison.distance.health import sampler_health
from bayes_point.comparison.plots.figures import plot_estimates, plot_gaps, plot_joint
from bayes_point.comparison.tables import summary
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree, regression_tree

FUNCTIONS: list[Callable[..., Any]] = [gaps, summary, plot_gaps, plot_estimates, plot_joint]


def message(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ComparisonError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (SimpleNamespace(estimator="MLE", unconstrained=None), "Got a PointEstimate (MLE)"),
        (SimpleNamespace(posterior=None), "has a posterior but no MLE and MAP"),
        ("fit.nc", "Got the path 'fit.nc': open it first"),
        (xr.Dataset(), "Got an xarray Dataset, which is one group"),
        (3, "Got int: pass the DataTree that bp.fit(model) returns"),
    ],
)
def test_anything_but_a_tree_is_named(got: object, said: str) -> None:
    for function in (*FUNCTIONS, sampler_health):
        assert said in message(function, got)


def test_a_posterior_alone_says_what_to_do() -> None:
    dt = coin_tree()
    del dt["point_estimates"]
    for function in FUNCTIONS:
        text = message(function, dt)
        assert "no group point_estimates" in text
        assert "bp.fit(model, idata=dt) adds them" in text
    assert sampler_health(dt).chains == 4


def test_a_tree_without_posterior_lists_what_it_has() -> None:
    text = message(gaps, xr.DataTree.from_dict({"/prior": xr.Dataset()}))
    assert "no group posterior (its groups: prior)" in text
    alone = coin_tree()["mle"]
    del alone["posterior"]
    assert "looks like the tree of the MLE alone" in message(gaps, alone)


def change(dt: xr.DataTree, group: str, new: Callable[[xr.Dataset], xr.Dataset]) -> xr.DataTree:
    dt[group] = new(dt[group].to_dataset())
    return dt


@pytest.mark.parametrize(
    ("group", "new", "said"),
    [
        ("posterior", lambda d: d.drop_vars("sigma"), "only in point_estimates: sigma"),
        ("point_estimates", lambda d: d.drop_vars("beta"), "only in posterior: beta"),
        ("posterior", lambda d: d.isel(predictor=[0, 1]), "beta has the dims {'predictor': 2}"),
        (
            "posterior",
            lambda d: d.assign_coords(predictor=["intercept", "income", "age"]),
            "The coord predictor of beta differs",
        ),
        ("posterior", lambda d: d.drop_vars("predictor"), "The coord predictor of beta differs"),
        ("posterior", lambda d: d.isel(chain=0, drop=True), "must have the dims chain and draw"),
        ("posterior", lambda d: d.isel(draw=[]), "is empty"),
        ("posterior", lambda d: d.assign(sigma=d["sigma"].astype(str)), "only numbers"),
        ("posterior", lambda d: d[[]], "holds no variables"),
        ("point_estimates", lambda d: d.drop_vars("status"), "lacks the coord status"),
        ("point_estimates", lambda d: d.sel(estimator=["MAP", "mean"]), "but not MLE"),
        (
            "point_estimates",
            lambda d: d.isel(estimator=0, drop=True),
            "must have the dim and coord",
        ),
    ],
)
def test_groups_that_do_not_match(
    group: str, new: Callable[[xr.Dataset], xr.Dataset], said: str
) -> None:
    assert said in message(gaps, change(regression_tree(), group, new))


def test_the_status_must_be_the_same_in_both_places() -> None:
    dt = coin_tree()
    dt["mle"].attrs["status"] = "converged"
    assert "on_boundary in point_estimates and converged in mle" in message(summary, dt)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ({"var_names": "bet"}, "The variables are: beta, sigma, effect_of_age"),
        ({"var_names": "b", "filter_vars": "fuzzy"}, "filter_vars is None, 'like' or 'regex'"),
        ({"var_names": "zeta", "filter_vars": "like"}, "select no variable"),
        ({"coords": {"predictor": ["height"]}}, "predictor (intercept, age, income)"),
        ({"coords": {"person": 1}}, "coords={'person': 1} cannot be selected"),
        ({"coords": {"predictor": []}}, "leaves nothing of beta"),
    ],
)
def test_a_selection_that_is_not_there(selection: dict[str, Any], said: str) -> None:
    for function in FUNCTIONS:
        assert said in message(function, regression_tree(), **selection)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ci_prob": 89}, "ci_prob must be above 0 and at most 1, got 89"),
        ({"ci_prob": 0.0}, "above 0"),
        ({"ci_prob": "wide"}, "ci_prob must be a number"),
        ({"ci_kind": "quantile"}, "ci_kind must be 'hdi' (highest density) or 'eti'"),
    ],
)
def test_intervals_that_are_none(arguments: dict[str, Any], said: str) -> None:
    for function in (gaps, summary, plot_estimates):
        assert said in message(function, coin_tree(), **arguments)


def test_selection_is_that_of_arviz() -> None:
    dt = regression_tree()
    assert list(gaps(dt, var_names="~beta")) == ["sigma", "effect_of_age"]
    assert list(gaps(dt, var_names=["^s", "a$"], filter_vars="regex")) == ["beta", "sigma"]


def test_a_variable_matched_twice_is_taken_once() -> None:
    assert list(gaps(regression_tree(), var_names=["be", "ta"], filter_vars="like")) == ["beta"]


def test_order_of_point_estimates_does_not_matter() -> None:
    dt = regression_tree()
    reversed_ = change(
        regression_tree(), "point_estimates", lambda d: d.isel(estimator=[2, 1, 0])[list(d)[::-1]]
    )
    xr.testing.assert_equal(gaps(reversed_), gaps(dt))
    assert np.isfinite(gaps(dt)["sigma"]).all()
