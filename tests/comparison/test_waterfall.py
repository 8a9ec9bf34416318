"""The waterfall: bars where the points are, and words where there are none."""

from __future__ import annotations

import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_point.comparison.causes.explain import explain
from bayes_point.comparison.plots.waterfall import plot_waterfall
from bayes_point.errors import ComparisonError
from tests.tree_layout import assemble, estimate
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree


@pytest.fixture(autouse=True)
def _close() -> Any:
    yield
    plt.close("all")


def bar(pc: Any, term: str, name: str, kind: str = "bar") -> tuple[float, float]:
    """Left and right end of a bar as it is drawn."""
    x = pc.viz[f"{kind}_{term}"][name].item().get_paths()[0].vertices[:, 0]
    return float(x.min()), float(x.max())


def test_bars_lead_from_the_mle_to_the_mean() -> None:
    tree = regression_tree(draws=1000)
    pc = plot_waterfall(tree, backend="matplotlib", var_names="sigma")
    shift = explain(tree)["sigma"].sel(quantity="shift")
    at = -float(shift.sel(term="total"))
    for term in ("prior", "parametrisation", "marginal"):
        end = at + float(shift.sel(term=term))
        assert bar(pc, term, "sigma") == pytest.approx(sorted((at, end)), abs=1e-9)
        at = end
    # Pale where it is within its Monte Carlo error, and of the same length.
    kind = "bar" if "bar_skew" in pc.viz else "noise"
    assert bar(pc, "skew", "sigma", kind) == pytest.approx(sorted((at, 0.0)), abs=1e-9)


def test_noise_is_pale() -> None:
    pc = plot_waterfall(regression_tree(draws=1000), backend="matplotlib", var_names="beta")
    assert "bar_skew" not in pc.viz
    assert set(pc.viz["noise_skew"]) >= {"beta[intercept]", "beta[age]", "beta[income]"}
    assert pc.viz["noise_skew"]["beta[age]"].item().get_alpha() == 0.35


def texts(pc: Any, name: str) -> list[str]:
    return [t.get_text() for t in pc.get_target(name, {}).texts]


def test_rows_without_a_bar_say_why() -> None:
    pc = plot_waterfall(failed_tree(), backend="matplotlib", var_names=["tau", "slope"])
    assert texts(pc, "tau")[:2] == ["MLE: unbounded", "mode: not in the tree"]
    assert texts(pc, "slope")[:2] == ["MLE: unbounded", "MAP: at infinity"]
    assert "bar_prior" not in pc.viz


def test_numbers_are_beside_the_bars() -> None:
    pc = plot_waterfall(coin_tree(), backend="matplotlib", var_names="theta")
    # MLE 1, MAP 0.8, mode 5/7 of Beta(5, 2), whose sd is 0.16.
    said = [float(t.replace("−", "-")) for t in texts(pc, "theta")[:2]]
    assert said == pytest.approx([-1.25, -0.54], abs=0.04)


def test_a_point_far_away_is_beyond_the_axis() -> None:
    x = np.random.default_rng(1).normal(size=(4, 200))
    near, far = estimate({"x": 0.1}), estimate({"x": -80.0})
    pc = plot_waterfall(assemble({"x": x}, mle=far, map=near, mode=near), backend="matplotlib")
    low, high = pc.get_target("x", {}).get_xlim()
    assert -3 < low < 0 < high < 3
    assert texts(pc, "x")[0].startswith("+8")
    assert bar(pc, "prior", "x")[0] == pytest.approx(low)


def test_the_largest_are_chosen_and_may_be_sorted() -> None:
    tree = many_tree(30, draws=100)
    pc = plot_waterfall(tree, backend="none", max_parameters=3)
    chosen = list(pc.viz["bar_prior"])
    assert chosen == sorted(chosen)
    # By the gap of the MAP, which the verdict leads with: what is left after the prior.
    shift = explain(tree)["theta"].sel(quantity="shift")
    gap = shift.sel(term="total") - shift.sel(term="prior")
    expected = [f"theta[{k}]" for k in gap["item"].values[np.argsort(-np.abs(gap.values))[:3]]]
    assert set(chosen) == set(expected)
    sorted_ = plot_waterfall(tree, backend="none", max_parameters=3, sort=True)
    assert list(sorted_.viz["bar_prior"]) == expected


def test_without_a_backend() -> None:
    pc = plot_waterfall(coin_tree(draws=100), backend="none")
    assert list(pc.viz["bar_prior"]) == ["theta"]


def test_visuals_are_the_users() -> None:
    pc = plot_waterfall(
        coin_tree(draws=100),
        var_names="theta",
        backend="matplotlib",
        visuals={"bar": {"color": "red"}, "value": False, "link": False},
    )
    assert texts(pc, "theta") == []
    assert "link_prior" not in pc.viz
    face = pc.viz["bar_prior"]["theta"].item().get_facecolor()
    assert tuple(face[0][:3]) == (1.0, 0.0, 0.0)
    with pytest.raises(ComparisonError, match="visuals has the keys bars"):
        plot_waterfall(coin_tree(draws=100), visuals={"bars": False})


def test_nothing_to_draw() -> None:
    tree = coin_tree(draws=100)
    tree["posterior"] = xr.full_like(tree["posterior"].to_dataset(), 0.5)
    with pytest.raises(ComparisonError, match="Nothing to draw: the posterior draws of theta"):
        plot_waterfall(tree)


def test_a_step_that_is_not_determined_has_no_bar() -> None:
    # Sixty draws know the mode of a normal to some 0.4 sd, which is more than this gap.
    x = stats.norm.ppf((np.arange(60) + 0.5) / 60)
    x = np.random.default_rng(2).permutation(x).reshape(2, 30)
    at = estimate({"x": 0.3, "y": 0.3})
    pc = plot_waterfall(assemble({"x": x, "y": x}, mle=at, map=at, mode=at), backend="matplotlib")
    said = texts(pc, "x")
    assert said[:2] == ["0", "0"]
    for text in said[2:]:
        assert re.fullmatch(r"needs [\d,]+ draws", text)
    for kind in ("bar", "noise", "mcse"):
        assert f"{kind}_marginal" not in pc.viz
        assert f"{kind}_skew" not in pc.viz
