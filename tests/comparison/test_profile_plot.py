"""`plot_profile` on the `none` backend, where every visual is a dict of what is drawn."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import xarray as xr

from bayes_point.comparison.plots.profiles import plot_profile
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree

matplotlib.use("Agg")
CUT = 3.841458820694124


def coin_profile() -> xr.DataTree:
    """Three heads of three, and a normal mean of sd 0.5 beside it: deviances in closed form."""
    theta, mu = np.linspace(0.4, 1, 9), np.linspace(-1, 3, 9)
    root = np.stack([-np.sqrt(-6 * np.log(theta)), (mu - 1) / 0.5])
    group = xr.Dataset(
        {
            "value": (("parameter", "point"), np.stack([theta, mu])),
            "signed_root": (("parameter", "point"), root),
            "estimate": ("parameter", [1.0, 1.0]),
            "stderr": ("parameter", [np.nan, 0.5]),
            "interval": (
                ("parameter", "ci_bound"),
                [[np.exp(-CUT / 6), 1.0], [1 - 0.98, np.inf]],
            ),
            "reason": (
                ("parameter", "ci_bound"),
                [["crossing", "edge of the support"], ["crossing", "infinity"]],
            ),
        },
        coords={"parameter": ["theta", "mu[a]"], "ci_bound": ["lower", "upper"]},
    )
    tree = xr.DataTree.from_dict({"/profile": group})
    tree.attrs = {"estimator": "MLE", "ci_prob": 0.95, "cutoff": CUT, "slice": 0}
    return tree


def test_curves_are_relative_likelihoods() -> None:
    pc = plot_profile(coin_profile(), backend="none")
    line = pc.viz["profile"]["theta"].item()
    # exp(-deviance / 2) of three heads is theta cubed
    np.testing.assert_allclose(line["y"], np.asarray(line["x"]) ** 3, rtol=1e-10)
    quadratic = pc.viz["quadratic"]["mu[a]"].item()
    x = np.asarray(quadratic["x"])
    np.testing.assert_allclose(quadratic["y"], np.exp(-2 * (x - 1) ** 2), rtol=1e-10)
    assert "theta" not in pc.viz["quadratic"]
    assert "posterior" not in pc.viz
    assert pc.viz["cutoff"]["theta"].item()["y"] == pytest.approx(np.exp(-CUT / 2))
    bar = pc.viz["interval"]["theta"].item()
    np.testing.assert_allclose(bar["x"], [np.exp(-CUT / 6), 1])
    # an end at infinity is drawn as far as the profile goes, and named in the title
    np.testing.assert_allclose(pc.viz["interval"]["mu[a]"].item()["x"], [0.02, 3])
    assert pc.viz["title"]["mu[a]"].item()["string"] == "mu[a]\n0.02 to ∞"
    assert pc.viz["title"]["theta"].item()["string"] == ("theta\n0.527 to 1 (edge of the support)")


def test_the_posterior_is_drawn_under_them() -> None:
    pc = plot_profile(coin_profile(), coin_tree(draws=4000), var_names="theta", backend="none")
    face = pc.viz["posterior"]["theta"].item()
    x, y = np.asarray(face["x"]), np.asarray(face["y_top"])
    # Beta(5, 2) has its mode at 4/5; a kernel density of 16,000 draws finds it to some hundredths.
    assert x[np.argmax(y)] == pytest.approx(0.8, abs=0.06)
    assert y.max() == 1


def test_the_legend_names_what_is_drawn() -> None:
    pc = plot_profile(coin_profile(), coin_tree(), backend="matplotlib")
    texts = [t.get_text() for t in pc.get_viz("figure").legends[0].get_texts()]
    assert texts == [
        "profile likelihood",
        "95% interval",
        "quadratic approximation",
        "MLE",
        "posterior density",
    ]


def test_an_estimate_at_infinity_has_no_line_and_all_the_rest() -> None:
    tree = coin_profile()
    tree["profile"] = xr.DataTree(
        tree["profile"].to_dataset().assign(estimate=("parameter", [1.0, np.inf]))
    )
    pc = plot_profile(tree, backend="none")
    assert pc.viz["title"]["mu[a]"].item()["string"] == "mu[a]\n0.02 to ∞"
    assert pc.viz["estimate"]["theta"].item()["x"] == 1.0
    assert "quadratic" not in pc.viz.children  # there is none without an estimate


@pytest.mark.parametrize("backend", ["matplotlib", "none"])
def test_visuals_can_be_left_out(backend: str) -> None:
    pc = plot_profile(coin_profile(), backend=backend, visuals={"cutoff": False, "legend": False})
    assert "cutoff" not in pc.viz
    assert "profile" in pc.viz


def test_of_many_the_first_are_drawn_and_the_title_says_so() -> None:
    pc = plot_profile(coin_profile(), max_parameters=1, backend="matplotlib")
    assert list(pc.viz["profile"].data_vars) == ["theta"]
    assert pc.get_viz("figure")._suptitle.get_text() == "1 of 2 parameters: the first"


def test_bad_input() -> None:
    with pytest.raises(ComparisonError, match="Got DataTree without a group profile"):
        plot_profile(coin_tree())
    with pytest.raises(ComparisonError, match=r"no profile of tau.* are of theta, mu\[a\]"):
        plot_profile(coin_profile(), var_names="tau")
    with pytest.raises(ComparisonError, match="visuals has the keys rug"):
        plot_profile(coin_profile(), visuals={"rug": {}})
