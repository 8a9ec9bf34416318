"""The figure of a path on the `none` backend, where every visual is a dict of what is drawn."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from arviz_plots import PlotCollection

from bayes_point.comparison.plots.paths import plot_prior_path
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree, regression_tree

matplotlib.use("Agg")
POWERS = np.array([0.0, 0.01, 0.1, 1.0, 10.0])


def coin_path(dim: str = "prior_power", powers: np.ndarray = POWERS) -> xr.Dataset:
    """Three heads of three under Beta(2, 2), as `coin_tree`: (3 + power) / (3 + 2 power)."""
    with np.errstate(invalid="ignore"):
        theta = (3 + powers) / (3 + 2 * powers)
    if dim == "data_power":
        with np.errstate(invalid="ignore"):
            theta = np.where(np.isinf(powers), 1.0, (3 * powers + 1) / (3 * powers + 2))
    status = np.where(theta == 1, "on_boundary", "converged")
    return xr.Dataset(
        {"theta": (dim, theta), "two_heads": (dim, theta**2)},
        coords={dim: powers, "status": (dim, status)},
    )


def broken_path() -> xr.Dataset:
    """Nothing at 0 and 0.1, infinite at 10."""
    y = np.array([np.nan, 2.0, np.nan, 1.0, np.inf])
    status = ["not_identified", "converged", "unbounded", "converged", "at_infinity"]
    return xr.Dataset(
        {"b": (("prior_power", "column"), np.stack([y, np.arange(5.0)], axis=1))},
        coords={"prior_power": POWERS, "status": ("prior_power", status), "column": ["x", "y"]},
    )


def drawn(pc: PlotCollection, visual: str, name: str) -> Any:
    return pc.viz[visual][name].item()


def title(pc: PlotCollection, name: str) -> str:
    return str(drawn(pc, "title", name)["string"])


def test_the_path_is_drawn_over_the_logarithm_of_the_power() -> None:
    dt = coin_tree()
    pc = plot_prior_path(coin_path(), posterior=dt, backend="none")
    line = drawn(pc, "path", "theta")
    np.testing.assert_allclose(line["x"], [-2, -1, 0, 1])
    np.testing.assert_allclose(line["y"], (3 + POWERS[1:]) / (3 + 2 * POWERS[1:]))
    # A place for 0 a ninth of the axis to the left, and a line that leads there.
    bridge = drawn(pc, "to_the_end", "theta")
    np.testing.assert_allclose(bridge["x"], [-2.33, -2])
    np.testing.assert_allclose(bridge["y"], [1, 3.01 / 3.02])
    for estimator, x, y in (("MLE", -2.33, 1.0), ("MAP", 0.0, 0.8)):
        mark = drawn(pc, estimator, "theta")
        np.testing.assert_allclose([mark["x"].item(), mark["y"].item()], [x, y])
    # The posterior stands to the right of it.
    draws = dt["posterior"]["theta"].values
    mean, bar = drawn(pc, "mean", "theta"), drawn(pc, "credible_interval", "theta")
    np.testing.assert_allclose([mean["x"].item(), mean["y"].item()], [1.33, draws.mean()])
    np.testing.assert_allclose(bar["x"], [1.33, 1.33])
    np.testing.assert_allclose(bar["y"], np.quantile(draws, [0.055, 0.945]), atol=2e-3)
    assert list(pc.viz["path"]) == ["theta", "two_heads"]


def test_a_path_of_the_data_ends_at_the_mle() -> None:
    powers = np.array([0.1, 1.0, 10.0, np.inf])
    pc = plot_prior_path(coin_path("data_power", powers), backend="none")
    mle, map_ = drawn(pc, "MLE", "theta"), drawn(pc, "MAP", "theta")
    np.testing.assert_allclose([mle["x"].item(), mle["y"].item()], [1.22, 1.0])
    np.testing.assert_allclose([map_["x"].item(), map_["y"].item()], [0, 0.8])
    np.testing.assert_allclose(drawn(pc, "to_the_end", "theta")["x"], [1, 1.22])
    assert "mean" not in pc.viz.children


def test_what_is_no_point_is_said_and_not_drawn() -> None:
    pc = plot_prior_path(broken_path(), backend="none")
    np.testing.assert_allclose(drawn(pc, "path", "b[x]")["y"], [2, np.nan, 1, np.nan])
    assert "b[x]" not in pc.viz["MLE"]
    assert title(pc, "b[x]").endswith("MLE: not identified")
    assert "MLE" not in title(pc, "b[y]")
    assert list(pc.viz["to_the_end"]) == ["b[y]"]


def test_what_is_far_is_said_and_not_drawn() -> None:
    # Of the posterior of `coin_tree`, Beta(5, 2), six sd are less than one.
    path = coin_path()
    path["theta"][0] = 40.0
    pc = plot_prior_path(path, posterior=coin_tree(), backend="none")
    assert title(pc, "theta") == "theta\nMLE: 40"
    assert "theta" not in pc.viz["MLE"]
    assert "theta" in pc.viz["MAP"]
    path["theta"][0] = -np.inf
    pc = plot_prior_path(path, posterior=coin_tree(), backend="none")
    assert title(pc, "theta") == "theta\nMLE: −∞"


def test_a_figure_of_matplotlib_has_its_axes_and_legend() -> None:
    pc = plot_prior_path(coin_path(), posterior=coin_tree(), backend="matplotlib", ci_prob=0.5)
    axes = pc.get_target("theta", {})
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0.1", "1", "10", "0"]
    assert axes.get_xlabel() == "power of the prior"
    texts = [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]
    assert texts == ["estimate", "MLE (on boundary)", "MAP", "posterior mean", "50% ETI"]


def test_visuals_can_be_left_out() -> None:
    pc = plot_prior_path(
        coin_path(),
        posterior=coin_tree(),
        backend="none",
        visuals={"band": False, "MAP": False, "path": {"color": "red"}},
    )
    assert not {"band", "MAP"} & set(pc.viz.children)
    assert drawn(pc, "path", "theta")["color"] == "red"


def test_the_parameters_that_move_most_are_drawn() -> None:
    # From power 0 to 10 theta moves from 1 to 13/23, by 0.43, and two_heads by 0.68; the sd of
    # Beta(5, 2) is 0.16, that of its square 0.21.
    pc = plot_prior_path(coin_path(), posterior=coin_tree(), max_parameters=1, backend="matplotlib")
    assert list(pc.viz["path"]) == ["two_heads"]
    assert pc.get_viz("figure").get_suptitle() == "1 of 2 parameters: those that move most"
    pc = plot_prior_path(broken_path(), coords={"column": "y"}, backend="none")
    assert list(pc.viz["path"]) == ["b"]
    pc = plot_prior_path(coin_path(), var_names="two", filter_vars="like", backend="none")
    assert list(pc.viz["path"]) == ["two_heads"]


def test_one_power_is_enough_for_a_figure() -> None:
    for powers in ([0.0], [1.0], [0.0, 1.0]):
        pc = plot_prior_path(coin_path(powers=np.array(powers)), backend="none")
        assert ("MAP" in pc.viz.children) == (1.0 in powers)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ComparisonError, match=r"a Dataset with the dims \['x'\]: pass what bp"):
        plot_prior_path(xr.Dataset({"a": ("x", [1.0])}), backend="none")
    with pytest.raises(ComparisonError, match=r"Got list: pass what bp\.prior_path"):
        plot_prior_path([1], backend="none")  # type: ignore[arg-type]


def test_a_posterior_of_another_model_is_refused() -> None:
    with pytest.raises(ComparisonError, match="posterior has no theta, two_heads, which the path"):
        plot_prior_path(coin_path(), posterior=regression_tree(), backend="none")


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(ComparisonError, match="visuals has the keys lines"):
        plot_prior_path(coin_path(), visuals={"lines": False}, backend="none")
    with pytest.raises(ComparisonError, match="var_names='mu'"):
        plot_prior_path(coin_path(), var_names="mu", backend="none")
    with pytest.raises(ComparisonError, match="ci_prob must be above 0"):
        plot_prior_path(coin_path(), ci_prob=89, backend="none")
