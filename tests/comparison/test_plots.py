"""The figures on the `none` backend, where every visual is a dict of what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from arviz_base import rc_context
from arviz_base.labels import MapLabeller, NoVarLabeller
from arviz_plots import PlotCollection, PlotMatrix
from scipy import stats

from bayes_point.comparison.distance.gaps import gaps
from bayes_point.comparison.plots.figures import plot_estimates, plot_gaps, plot_joint
from bayes_point.comparison.plots.kernel import bounded_density
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree

matplotlib.use("Agg")
FIGURES: list[Callable[..., Any]] = [plot_gaps, plot_estimates, plot_joint]


def drawn(pc: PlotCollection, visual: str, name: str) -> Any:
    return pc.viz[visual][name].item()


def number(value: Any) -> float:
    return float(np.asarray(value).item())


def texts(pc: PlotCollection) -> list[str]:
    target = pc.get_target(None, {"column": "forest"})
    return [a["string"] for a in target if a.get("function") == "text"]


def titles(pc: PlotCollection, name: str) -> str:
    return str(drawn(pc, "title", name)["string"])


def legend(pc: PlotCollection) -> list[str]:
    return [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]


def test_gaps_are_drawn_where_they_are() -> None:
    dt = regression_tree()
    pc = plot_gaps(dt, backend="none")
    got = gaps(dt)
    for estimator, shift in {"MLE": 0.22, "MAP": -0.22}.items():
        for age, label in enumerate(["beta[intercept]", "beta[age]", "beta[income]"]):
            q = got["beta"].isel(predictor=age).sel(estimator=estimator)
            mark = drawn(pc, estimator, label)
            assert number(mark["x"]) == pytest.approx(float(q.sel(quantity="gap")))
            # the first of the four rows is on top
            assert number(mark["y"]) == pytest.approx(3 - age + shift)
            bar = np.asarray(drawn(pc, f"mcse_{estimator}", label)["x"])
            assert np.ptp(bar) == pytest.approx(4 * float(q.sel(quantity="gap_mcse")))
    mean = drawn(pc, "point_estimate", "sigma")
    assert number(mean["x"]) == pytest.approx(0, abs=1e-12)


def test_intervals_are_in_posterior_sd() -> None:
    pc = plot_gaps(many_tree(1, draws=2000), ci_probs=(0.5, 0.9), backend="none")
    # quartiles and 5% quantiles of a normal; sd of a sample quantile < 2.2 / sqrt(8000)
    for visual, end in {"trunk": 0.6745, "twig": 1.6449}.items():
        x = np.asarray(drawn(pc, visual, "theta[item00]")["x"])
        np.testing.assert_allclose(x, [-end, end], atol=4 * 2.2 / 8000**0.5)


def test_rows_can_be_sorted_by_gap() -> None:
    pc = plot_gaps(many_tree(3, gap=[0.5, -2.0, 1.0]), sort=True, backend="none")
    heights = [number(drawn(pc, "MLE", f"theta[item0{i}]")["y"]) for i in range(3)]
    assert np.argsort(heights)[::-1].tolist() == [1, 2, 0]


def test_estimates_are_drawn_as_lines() -> None:
    dt = regression_tree()
    pc = plot_estimates(dt, backend="none")
    points = dt["point_estimates"]
    for estimator in ("MLE", "MAP", "mean"):
        sigma = float(points["sigma"].sel(estimator=estimator))
        assert drawn(pc, estimator, "sigma")["x"] == pytest.approx(sigma)
    assert titles(pc, "beta[age]") == "beta[age]"
    lines = [drawn(pc, e, "sigma") for e in ("MLE", "MAP", "mean")]
    assert len({line["color"] for line in lines}) == 3
    assert len({line["linestyle"] for line in lines}) == 3


def test_joint_points_are_in_the_panel_of_their_variables() -> None:
    dt = regression_tree()
    # another order than that of the posterior, as a tree from elsewhere may have it
    points = dt["point_estimates"].to_dataset()
    dt["point_estimates"] = points[["effect_of_age", "sigma", "beta"]]
    pc = plot_joint(dt, backend="none")
    names = list(pc.data.data_vars)
    assert names[:4] == ["beta[intercept]", "beta[age]", "beta[income]", "sigma"]
    values = [*points["beta"].sel(estimator="MLE").values, float(points["sigma"][0])]
    for row in range(4):
        for column in range(4):
            mark = pc.viz["MLE"].values[row, column]
            if row > column:
                assert number(mark["x"]) == pytest.approx(values[column])
                assert number(mark["y"]) == pytest.approx(values[row])
            else:
                assert mark is None


def test_the_same_colour_and_marker_in_every_figure() -> None:
    dt = regression_tree()
    forest = plot_gaps(dt, backend="none")
    lines = plot_estimates(dt, backend="none")
    pairs = plot_joint(dt, backend="none")
    for estimator in ("MLE", "MAP"):
        point = drawn(forest, estimator, "sigma")
        pair = pairs.viz[estimator].values[3, 0]
        assert point["facecolor"] == pair["facecolor"] == drawn(lines, estimator, "sigma")["color"]
        assert point["marker"] == pair["marker"]
    assert drawn(forest, "MLE", "sigma")["marker"] != drawn(forest, "MAP", "sigma")["marker"]


def test_what_does_not_exist_is_said_and_not_drawn() -> None:
    dt = failed_tree()
    forest = plot_gaps(dt, backend="none")
    assert drawn(forest, "MLE", "tau") is None
    assert drawn(forest, "MAP", "slope") is None
    assert texts(forest) == ["MLE: unbounded", "MLE: unbounded", "MAP: +∞ ▸"]
    lines = plot_estimates(dt, backend="none")
    assert drawn(lines, "MLE", "tau") is None
    assert titles(lines, "tau") == "tau\nMLE: unbounded"
    assert titles(lines, "slope") == "slope\nMLE: unbounded\nMAP: +∞"
    assert titles(lines, "mu") == "mu"
    pairs = plot_joint(dt, var_names=["tau", "slope"], backend="none")
    said = [a["string"] for a in pairs.get_target("slope", {}) if a["function"] == "title"]
    assert said == ["MLE: unbounded\nMAP: +∞"]
    assert pairs.viz["MLE"].values[1, 0] is None


def test_a_value_that_is_not_a_number_though_converged() -> None:
    dt = regression_tree()
    points = dt["point_estimates"].to_dataset()
    points["sigma"] = points["sigma"].where(points["estimator"] != "MLE")
    dt["point_estimates"] = points
    assert texts(plot_gaps(dt, backend="none")) == ["MLE: not a number"]


def test_numbers_that_are_no_maximum_look_different() -> None:
    # The values of an unbounded MLE are hollow, those of the MAP at infinity full.
    forest = plot_gaps(failed_tree(), backend="none")
    mle, map_ = (drawn(forest, e, "mu") for e in ("MLE", "MAP"))
    assert mle["facecolor"] != mle["edgecolor"]
    assert map_["facecolor"] == map_["edgecolor"]
    lines = plot_estimates(failed_tree(), backend="none")
    assert drawn(lines, "MLE", "mu")["alpha"] < 1


def test_estimates_far_out_are_named_at_the_edge() -> None:
    dt = many_tree(2, gap=[-50.0, 9.0], draws=1000)
    said = texts(plot_gaps(dt, backend="none"))
    assert said[0].startswith("◂ MLE: −")
    assert said[0].endswith(" sd")
    assert said[1].startswith("MLE: +")
    assert said[1].endswith(" sd ▸")
    assert "MLE: −49" in titles(plot_estimates(dt, backend="none"), "theta[item00]")


def test_legend_and_title_on_matplotlib() -> None:
    pc = plot_gaps(failed_tree(), backend="matplotlib")
    assert legend(pc) == [
        "MLE (unbounded)",
        "MAP (at infinity)",
        "posterior mean",
        "50% and 89% ETI",
    ]
    assert "figure_title" not in pc.viz
    pc = plot_estimates(coin_tree(), backend="matplotlib")
    assert legend(pc) == ["MLE (on boundary)", "MAP", "posterior mean"]
    both = ["theta", "two_heads"]
    pc = plot_joint(coin_tree(), var_names=both, backend="matplotlib", max_parameters=2)
    assert legend(pc) == ["MLE (on boundary)", "MAP", "posterior mean"]


def test_nothing_is_cut_off_on_matplotlib() -> None:
    dt = failed_tree()
    for figure in FIGURES:
        fig = figure(dt, backend="matplotlib").get_viz("figure")
        fig.canvas.draw()
        drawer = fig.canvas.get_renderer()
        width, height = fig.canvas.get_width_height()
        artists = [a for ax in fig.axes for a in (ax.title, ax.xaxis.label, ax.yaxis.label)]
        artists += [t for ax in fig.axes if ax.axison for t in ax.get_yticklabels() + ax.texts]
        for artist in [*artists, *fig.legends]:
            if getattr(artist, "get_text", lambda: "legend")():
                box = artist.get_window_extent(drawer)
                assert min(box.x0, width - box.x1) >= -1, artist
                assert min(box.y0, height - box.y1) >= -1, artist


@pytest.mark.parametrize("figure", FIGURES)
def test_of_many_parameters_those_with_the_largest_gaps(figure: Callable[..., Any]) -> None:
    # gaps from -3 to 3: the largest are at both ends
    pc = figure(many_tree(50), backend="none", max_parameters=4)
    assert list(pc.data.data_vars) == [f"theta[item{i}]" for i in ("00", "01", "48", "49")]
    title = pc.viz["figure_title"].item()
    assert title["string"] == "4 of 50 parameters: those with the largest gaps"


def test_default_limits_are_those_of_arviz() -> None:
    dt = many_tree(50)
    assert len(plot_gaps(dt, backend="none").data) == 40
    assert len(plot_joint(dt, backend="none").data) == 6
    with rc_context({"plot.max_subplots": 10}):
        assert len(plot_estimates(dt, backend="none").data) == 10
        assert len(plot_joint(dt, backend="none").data) == 3


def test_a_failed_estimate_counts_as_the_largest_gap() -> None:
    pc = plot_gaps(failed_tree(), backend="none", max_parameters=2)
    assert list(pc.data.data_vars) == ["tau", "slope"]


def test_constant_draws_are_left_out_and_said() -> None:
    dt = failed_tree()
    ds = dt["posterior"].to_dataset()
    dt["posterior"] = ds.assign(mu=ds["mu"] * 0 + 1, tau=ds["tau"] * np.nan)
    for figure in FIGURES:
        pc = figure(dt, backend="none")
        assert not {"mu", "tau"} & set(pc.data.data_vars)
        title = pc.viz["figure_title"].item()["string"]
        assert title == "2 left out, whose draws are constant or not finite"
    with pytest.raises(
        ComparisonError, match="Nothing to draw: the posterior draws of mu, tau are"
    ):
        plot_gaps(dt, var_names=["mu", "tau"], backend="none")


def test_one_parameter() -> None:
    for figure in (plot_gaps, plot_estimates):
        assert list(figure(coin_tree(), var_names="theta", backend="none").data) == ["theta"]
    with pytest.raises(ComparisonError, match="at least two parameters, got 1") as caught:
        plot_joint(coin_tree(), var_names="theta", backend="none")
    assert "(theta)" in str(caught.value)
    assert "use plot_estimates" in str(caught.value)


def test_integers_are_drawn_as_a_histogram() -> None:
    rng = np.random.default_rng(3)
    dt = coin_tree()
    counts = xr.DataArray(rng.poisson(4, (4, 500)), dims=("chain", "draw"))
    dt["posterior"] = dt["posterior"].to_dataset().assign(two_heads=counts)
    pc = plot_estimates(dt, var_names=["theta", "two_heads"], backend="none")
    assert drawn(pc, "face", "two_heads")["function"] == "hist"
    assert drawn(pc, "face", "theta")["function"] == "fill_between_y"


def test_labels_with_slashes_and_labellers() -> None:
    dt = many_tree(2)
    for group in ("posterior", "point_estimates"):
        dt[group] = dt[group].to_dataset().assign_coords(item=["a/b", "c"])
    for figure in FIGURES:
        assert list(figure(dt, backend="none").data) == ["theta[a∕b]", "theta[c]"]
    assert titles(plot_estimates(dt, backend="none"), "theta[a∕b]") == "theta[a/b]"
    greek = MapLabeller(var_name_map={"theta": "θ"})
    assert list(plot_gaps(dt, backend="none", labeller=greek).data) == ["θ[a∕b]", "θ[c]"]
    with pytest.raises(ComparisonError, match="to more than one parameter"):
        plot_gaps(
            coin_tree(),
            var_names=["theta", "two_heads"],
            backend="none",
            labeller=NoVarLabeller(),
        )


@pytest.mark.parametrize("figure", FIGURES)
def test_visuals_are_passed_on_or_left_out(figure: Callable[..., Any]) -> None:
    dt = regression_tree()
    pc = figure(
        dt, backend="none", visuals={"MLE": {"color": "red"}, "MAP": False, "legend": False}
    )
    assert "MLE" in pc.viz
    assert "MAP" not in pc.viz
    with pytest.raises(ComparisonError, match="visuals has the keys mean_line") as caught:
        figure(dt, backend="none", visuals={"mean_line": False})
    assert "its visuals are" in str(caught.value)


def test_arguments_of_arviz_are_passed_on() -> None:
    dt = regression_tree()
    every = ["beta", "sigma", "effect_of_age"]
    pc = plot_estimates(dt, var_names=every, kind="ecdf", backend="none", col_wrap=2)
    assert drawn(pc, "dist", "sigma")["function"] == "step"
    assert int(pc.viz["row_index"]["effect_of_age"]) == 2
    pairs = plot_joint(dt, triangle="upper", marginal_kind="hist", backend="none")
    assert isinstance(pairs, PlotMatrix)
    assert pairs.viz["MLE"].values[0, 1] is not None
    assert pairs.viz["MLE"].values[1, 0] is None
    figure = plot_gaps(dt, backend="matplotlib", figure_kwargs={"figsize": (4, 3)})
    assert figure.get_viz("figure").get_size_inches().tolist() == [4, 3]


def test_drawing_into_a_given_collection() -> None:
    first = plot_gaps(regression_tree(), backend="none")
    assert plot_gaps(regression_tree(seed=2), plot_collection=first) is first
    second = plot_estimates(regression_tree(), backend="none")
    assert plot_estimates(regression_tree(seed=2), plot_collection=second) is second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_parameters": 0}, "max_parameters must be a positive whole number, got 0"),
        ({"max_parameters": 2.5}, "got 2.5"),
        ({"ci_probs": 0.9}, "ci_probs must hold two probabilities"),
        ({"ci_probs": (0.5, 0.9, 0.99)}, "such as (0.5, 0.89), got (0.5, 0.9, 0.99)"),
        ({"ci_probs": (0.5, 1.9)}, "at most 1, got 1.9"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ComparisonError) as caught:
        plot_gaps(coin_tree(), backend="none", **arguments)
    assert said in str(caught.value)


@pytest.mark.parametrize("figure", [plot_estimates, plot_gaps, plot_joint])
def test_a_backend_that_there_is_not(figure: Callable[..., Any]) -> None:
    with pytest.raises(ComparisonError, match=r"backend must be .* got .abacus.. Here are: .mat"):
        figure(regression_tree(), backend="abacus")
    with pytest.raises(ComparisonError, match=r"kind must be one of 'auto', .* got 'zz'"):
        plot_estimates(regression_tree(), kind="zz")


def test_a_tree_loaded_from_disk_is_drawn(tmp_path: object) -> None:
    path = f"{tmp_path}/fit.nc"
    failed_tree().to_netcdf(path)
    with xr.open_datatree(path) as opened:
        loaded = opened.load()
    for figure in FIGURES:
        assert list(figure(loaded, backend="none").data)[:2] == ["mu", "effect[Choate]"]


def test_a_density_knows_its_bounds() -> None:
    # Beta(5, 2) is 0 at 1, where it falls with the slope -30, and has its mode at 4/5, where it is
    # 30 (4/5)**4 / 5 = 2.458. A mirrored sample has about 2 * 30 * 0.4 bandwidths = 0.7 at 1.
    curve = plot_estimates(coin_tree(draws=2000), backend="none").viz["dist"]["theta"].item()
    x, y = np.asarray(curve["x"]), np.asarray(curve["y"])
    assert x[-1] == 1
    assert y[-1] < 0.05 * y.max()
    # The mode of a kernel estimate, of width h = 0.02, has the standard error
    # sqrt(f / (4 sqrt(pi) n h**3)) / |f''| = 0.027, with f'' = -76.8.
    assert abs(x[y.argmax()] - 0.8) < 3 * 0.027
    assert abs(y.max() - 2.458) < 0.2


@pytest.mark.parametrize(
    ("law", "bounds", "at_bounds"),
    [
        (stats.uniform(), (0.0, 1.0), (1.0, 1.0)),
        (stats.expon(), (0.0, None), (1.0, None)),
        (stats.beta(1, 3), (0.0, 1.0), (3.0, 0.0)),  # (1 - x)**2 times 3
        (stats.norm(50, 1), (0.0, None), (None, None)),  # a bound out of reach is none
    ],
)
def test_densities_at_bounds(law: Any, bounds: tuple, at_bounds: tuple) -> None:
    # At a bound the estimator has four times the variance that it has inside (Jones 1993): with
    # 8,000 draws and a bandwidth of about 0.05 sd that is a standard error of 0.05.
    grid, density = bounded_density(law.rvs((4, 2000), random_state=3), *bounds)
    for end, i in zip(at_bounds, (0, -1), strict=True):
        if end is not None:
            assert abs(density[i] - end) < 0.2 * max(end, 0.5)
    assert np.trapezoid(np.abs(density - law.pdf(grid)), grid) < 0.1
