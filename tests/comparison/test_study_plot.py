"""The figure of a study on the `none` backend, where every visual is a dict of what is drawn."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from arviz_plots import PlotCollection

from bayes_point.comparison.plots.study import plot_study
from bayes_point.errors import ComparisonError

matplotlib.use("Agg")


def study(n: float = 4.0) -> xr.Dataset:
    """A table as of `bp.study`: the bias of the MLE of a variance is -1/n of it."""
    variables: dict[str, Any] = {}
    for i, what in enumerate(("bias", "variance", "rmse", "coverage")):
        values = np.array([[0.0, -1 / n], [0.1, 1 / n], [np.nan, np.nan]]) + i
        variables[what] = (("estimator", "parameter"), values)
        variables[f"{what}_mcse"] = (("estimator", "parameter"), 0.01 * np.ones((3, 2)))
    coords = {"estimator": ["MLE", "MAP", "mean"], "parameter": ["mu", "v/w"]}
    return xr.Dataset(variables, coords=coords, attrs={"ci_prob": 0.9})


def drawn(pc: PlotCollection, visual: str, name: str) -> Any:
    return pc.viz[visual][name].item()


def test_each_estimator_with_its_error() -> None:
    pc = plot_study(study(), backend="none")
    names = [f"{what} of {p}" for what in ("bias", "RMSE", "coverage") for p in ("mu", "v∕w")]
    assert list(pc.viz["MLE"]) == names
    for x, estimator, y in ((0, "MLE", -0.25), (1, "MAP", 0.25), (2, "mean", np.nan)):
        mark = drawn(pc, estimator, "bias of v∕w")
        np.testing.assert_allclose([mark["x"].item(), mark["y"].item()], [x, y])
        bar = drawn(pc, f"error_{estimator}", "bias of v∕w")
        np.testing.assert_allclose(bar["y"], [y - 0.02, y + 0.02, np.nan])
    assert list(pc.viz["reference"]) == [name for name in names if "RMSE" not in name]
    assert drawn(pc, "reference", "coverage of mu")["y"] == 0.9
    assert "line_MLE" not in pc.viz


def test_against_the_sample_size() -> None:
    sizes = [2, 4, 16]
    many = xr.concat([study(n) for n in sizes], xr.Variable("sample_size", sizes))
    pc = plot_study(many, parameters="v/w", measures=["bias"], backend="none")
    line = drawn(pc, "line_MAP", "bias of v∕w")
    np.testing.assert_allclose(line["x"], [1, 2, 4])
    np.testing.assert_allclose(line["y"], [1 / 2, 1 / 4, 1 / 16])
    # The others stand beside it, so that no error hides another.
    np.testing.assert_allclose(drawn(pc, "MLE", "bias of v∕w")["x"], [0.88, 1.88, 3.88])


def test_of_many_parameters_the_first() -> None:
    pc = plot_study(study(), measures=["bias"], max_parameters=1, backend="none")
    assert list(pc.viz["MLE"]) == ["bias of mu"]
    assert pc.viz["figure_title"].item()["string"] == "1 of 2 parameters: the first"


def test_with_matplotlib() -> None:
    pc = plot_study(study(), backend="matplotlib", visuals={"mean": False, "MLE": {"size": 9}})
    figure = pc.viz["figure"].item()
    figure.canvas.draw()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["bias of mu", "bias of v∕w"]
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["MLE", "MAP", "mean"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["MLE", "MAP", "posterior mean"]
    assert "mean" not in pc.viz


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (xr.Dataset(), {}, r"Got Dataset: pass the Dataset that bp.study\(model\) returns"),
    (study(), {"measures": "bias"}, "Got measures='bias'. They must be some of bias, variance"),
    (study(), {"measures": ["mse"]}, r"Got measures=\['mse'\]"),
    (study(), {"parameters": ["tau"]}, r"The study has no parameters \['tau'\]; it has \['mu'"),
    (study(), {"max_parameters": 0}, "max_parameters must be a positive whole number"),
    (study(), {"visuals": {"path": False}}, "visuals has the keys path"),
    (study().sel(estimator="MLE"), {}, "The study has lost a dim: select with lists"),
    (study().expand_dims(n=[1]), {}, r"The study has the further dims \['n'\]"),
]


@pytest.mark.parametrize(("given", "arguments", "message"), BAD)
def test_bad_arguments(given: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ComparisonError, match=message):
        plot_study(given, backend="none", **arguments)
