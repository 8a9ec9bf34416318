"""The figure of predictive scores on the `none` backend, where targets list what is drawn."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from arviz_plots import PlotCollection
from scipy import stats

from bayes_point.comparison.plots.predictive import plot_predictive
from bayes_point.comparison.predictions import Column, summarise
from bayes_point.errors import ComparisonError

matplotlib.use("Agg")
Y = np.array([-0.4, 0.1, 1.3, 0.6])


def column(centre: float, sd: float) -> Column:
    out = Column.empty(len(Y))
    below = stats.norm.cdf(Y, centre, sd)
    for scope, wider in enumerate((1.0, 1.1)):
        out.put(scope, stats.norm.logpdf(Y, centre, wider * sd), below, below)
    return out


def scores(**columns: Column) -> xr.Dataset:
    every = {
        "MLE": column(0.4, 0.6),
        "MAP": column(0.2, 0.6),
        "Laplace": column(0.3, 0.8),
        "posterior": column(0.3, 0.9),
    } | columns
    return summarise(every, [f"y[{i}]" for i in range(4)], 0.8, np.random.default_rng(1))


def panel(pc: PlotCollection, name: str, function: str) -> list[dict[str, Any]]:
    target = pc.get_target(None, {"panel": name})
    return [artist for artist in target if artist.get("function") == function]


def test_points_and_bars_are_where_the_scores_are() -> None:
    got = scores()
    pc = plot_predictive(got, backend="none")
    names = ["MLE", "MAP", "Laplace", "posterior"]
    for what, quantity in (("log density", "difference"), ("coverage", "coverage")):
        points = panel(pc, what, "scatter")
        bars = panel(pc, what, "line")
        assert len(points) == len(bars) == 8
        rows = [(name, scope) for name in names for scope in ("left_out", "observed")]
        for (name, scope), point, bar in zip(rows, points, bars, strict=True):
            at = got.sel(distribution=name, scope=scope)
            x, error = float(at[quantity]), 2 * float(at[f"{quantity}_se"])
            ends = np.array([x - error, x + error])
            ends = np.clip(ends, 0, 1) if quantity == "coverage" else ends
            height = 3 - names.index(name) + (0.13 if scope == "left_out" else -0.17)
            np.testing.assert_allclose([point["x"].item(), point["y"].item()], [x, height])
            np.testing.assert_allclose(bar["x"], ends)
    (nominal,) = panel(pc, "coverage", "vline")
    assert nominal["x"] == 0.8
    (zero,) = panel(pc, "log density", "vline")
    assert zero["x"] == 0


def test_calibration_is_the_distribution_function_of_the_pits() -> None:
    pc = plot_predictive(scores(), backend="none")
    curve = panel(pc, "calibration", "line")[0]
    pit = np.sort(stats.norm.cdf(Y, 0.4, 0.6))
    # Just before and at each PIT: i / n and (i + 1) / n, less the PIT.
    np.testing.assert_allclose(curve["x"][1:-1:2], pit)
    np.testing.assert_allclose(curve["y"][1:-1:2], np.arange(4) / 4 - pit)
    np.testing.assert_allclose(curve["y"][2:-1:2], np.arange(1, 5) / 4 - pit)
    assert (curve["y"][0], curve["y"][-1]) == (0, 0)
    # The band that a sample of four from a uniform leaves in one of twenty cases (its asymptotic
    # value, a little wide for so few).
    (band,) = panel(pc, "calibration", "fill_between_y")
    assert band["y_top"][0] == pytest.approx(stats.kstwobign.ppf(0.95) / 2, abs=1e-3)


def test_what_is_missing_is_said_in_its_row() -> None:
    impossible = column(0.2, 0.6)
    impossible.log_density[1, 0] = -np.inf
    pc = plot_predictive(
        scores(MLE=Column.empty(4, "The MLE is no point."), MAP=impossible), backend="none"
    )
    said = [text["string"] for text in panel(pc, "log density", "text")]
    assert said == ["none", "none", "◂ −∞"]
    assert len(panel(pc, "log density", "scatter")) == 5
    assert len(panel(pc, "calibration", "line")) == 3


def test_without_a_posterior_the_log_densities_are_drawn() -> None:
    got = scores(posterior=Column.empty(4, "There is no posterior."))
    pc = plot_predictive(got, backend="none")
    first = panel(pc, "log density", "scatter")[0]
    total = got["total"].sel(distribution="MLE", scope="left_out")
    assert first["x"].item() == pytest.approx(float(total))
    assert panel(pc, "log density", "vline") == []


def test_a_figure_of_matplotlib_has_its_labels() -> None:
    pc = plot_predictive(scores(), backend="matplotlib")
    axes = pc.get_target(None, {"panel": "log density"})
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ["MLE", "MAP", "Laplace", "posterior"]
    pc.get_viz("figure").canvas.draw()  # nothing in it that cannot be drawn
    texts = [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]
    assert texts == ["MLE", "MAP", "Laplace", "posterior", "left out", "seen"]


def test_visuals_can_be_left_out() -> None:
    pc = plot_predictive(scores(), backend="none", visuals={"band": False, "error": False})
    assert panel(pc, "calibration", "fill_between_y") == []
    assert panel(pc, "coverage", "line") == []


def test_other_things_are_refused() -> None:
    with pytest.raises(
        ComparisonError, match=r"Got DataTree: pass the Dataset that bp\.predictive"
    ):
        plot_predictive(xr.DataTree(), backend="none")  # type: ignore[arg-type]
    with pytest.raises(ComparisonError, match="visuals has the keys points"):
        plot_predictive(scores(), backend="none", visuals={"points": False})
