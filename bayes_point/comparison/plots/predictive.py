"""The cost of plugging in as a figure: log density, coverage, calibration."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from numpy.typing import NDArray

from bayes_point.comparison.plots.legends import draw_legend, point_entry
from bayes_point.comparison.plots.styling import (
    STYLES,
    Visuals,
    backend_module,
    backend_name,
    check_visuals,
    grid_arguments,
    marker_of,
    visual_arguments,
)
from bayes_point.errors import ComparisonError

__all__ = ["PANELS", "plot_predictive"]

Array = NDArray[np.float64]

_VISUALS = ("point", "error", "reference", "ecdf", "band", "legend")
PANELS = ("log density", "coverage", "calibration")
# The colours of the estimates, and one more of Okabe and Ito.
_COLORS = {
    "MLE": STYLES["MLE"].color,
    "MAP": STYLES["MAP"].color,
    "Laplace": "#009E73",
    "posterior": STYLES["mean"].color,
}
_MARKERS = {"MLE": "MLE", "MAP": "MAP", "Laplace": "mean", "posterior": "mean"}
# Left out above the line of its row, observed below.
_SHIFT = {"left_out": 0.13, "observed": -0.17}
# The distance of an empirical distribution function from uniform that chance exceeds in one of
# twenty samples, times the root of their size (Kolmogorov).
_KOLMOGOROV = 1.358


def plot_predictive(
    scores: xr.Dataset,
    *,
    panels: Sequence[str] = PANELS,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what plugging in costs: log density, coverage and calibration of the predictions.

    On the left the log density of the data, as its difference from the posterior's: filled when
    each observation is left out, hollow when it was seen, with bars of two standard errors.  In the
    middle the part of the observations within their predictive intervals, against the part that
    should be.  On the right the distribution function of the PITs of what was left out, less that
    of a uniform: within the band, of 95 %, calibration cannot be faulted; a slope upwards in the
    middle says that predictions are too wide, downwards that they are too narrow.

    Parameters
    ----------
    scores : xarray.Dataset
        What `predictive` returned.
    panels : sequence of {"log density", "coverage", "calibration"}
        Which to draw, all by default. Of binary data only the first says something: each interval
        holds both values, and their PIT is noise.
    plot_collection : arviz_plots.PlotCollection, optional
        Where to draw, as returned by this function.
    backend : {"matplotlib", "bokeh", "plotly", "none"}, optional
        ``rcParams["plot.backend"]`` of ArviZ by default.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``point``, ``error``,
        ``reference``, ``ecdf``, ``band``, ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.grid``.

    Returns
    -------
    arviz_plots.PlotCollection
        With the dim ``panel``: those of `panels`.

    Raises
    ------
    ComparisonError
        If `scores` is not what `predictive` returns, or `panels` has none of the three.

    See Also
    --------
    predictive

    Notes
    -----
    Without a posterior the log densities themselves are drawn.  Where there is no prediction its
    row says so; the coord ``note`` of `scores` says why.

    Examples
    --------
    With ``scores = bp.predictive(model, dt)``:

    >>> import bayes_point as bp
    >>> pc = bp.plot_predictive(scores)  # doctest: +SKIP
    """
    visuals = check_visuals(visuals, _VISUALS)
    if not isinstance(scores, xr.Dataset) or not {"pit", "difference", "note"} <= {
        *scores.variables
    }:
        raise ComparisonError(
            f"Got {type(scores).__name__}: pass the Dataset that bp.predictive(model, dt) returns."
        )
    if isinstance(panels, str) or not panels or set(panels) - set(PANELS):
        raise ComparisonError(
            f"Got panels={panels!r}. Give a sequence of some of {', '.join(map(repr, PANELS))}."
        )
    backend = backend_name(backend, plot_collection)
    if plot_collection is None:
        plot_collection = PlotCollection.grid(
            xr.Dataset(
                {"panel_of": ("panel", np.zeros(len(panels)))}, coords={"panel": list(panels)}
            ),
            backend=backend,
            **grid_arguments(pc_kwargs, backend, (10.5, 3.6), cols=["panel"]),
        )
    canvas = _Canvas(plot_collection, backend, visuals, scores)
    draw = dict(zip(PANELS, (canvas.log_density, canvas.coverage, canvas.calibration), strict=True))
    for panel in panels:
        draw[panel]()
    canvas.legend()
    return plot_collection


class _Canvas:
    """The three plots, and what is drawn in them."""

    def __init__(
        self,
        collection: PlotCollection,
        backend: str,
        visuals: Mapping[str, Any],
        scores: xr.Dataset,
    ) -> None:
        self.collection, self.backend = collection, backend
        self.drawer = backend_module(backend)
        self.visuals, self.scores = visuals, scores
        self.names = [str(name) for name in scores["distribution"].values]

    def log_density(self) -> None:
        """Draw the total log densities, as differences from the posterior's if there is one."""
        target = self._target(PANELS[0])
        compared = bool(np.isfinite(self.scores["difference"].sel(scope="left_out")).any())
        name = "difference" if compared else "total"
        if compared:
            self._reference(target, 0.0)
        self._rows(target, self.scores[name], self.scores[f"{name}_se"])
        words = "log density less that of the posterior" if compared else "log density"
        self._finish(target, words)
        self.drawer.yticks(self._heights(), self.names, target)

    def coverage(self) -> None:
        """Draw the part of the observations that lie in their intervals."""
        target = self._target(PANELS[1])
        prob = float(self.scores.attrs["ci_prob"])
        self._reference(target, prob)
        self._rows(target, self.scores["coverage"], self.scores["coverage_se"], (0.0, 1.0))
        self._finish(target, f"coverage of {100 * prob:g}% intervals")
        self.drawer.yticks(self._heights(), [""] * len(self.names), target)

    def calibration(self) -> None:
        """Draw the empirical distribution function of the PITs, less that of a uniform."""
        target = self._target(PANELS[2])
        n = self.scores.sizes["observation"]
        band = _KOLMOGOROV / np.sqrt(max(n, 1))
        kwargs = visual_arguments(self.visuals, "band", {"color": "B3", "alpha": 0.25})
        if kwargs is not False:
            ends = np.array([0.0, 1.0])
            self.drawer.fill_between_y(ends, -band + 0 * ends, band + 0 * ends, target, **kwargs)
        for name in self.names:
            pit = self.scores["pit"].sel(scope="left_out", distribution=name).values
            style = visual_arguments(self.visuals, "ecdf", {"color": _COLORS[name], "width": 1.7})
            if style is False or not np.all(np.isfinite(pit)):
                continue
            self.drawer.line(*_ecdf_less_uniform(pit), target, **style)
        self.drawer.xlim((0, 1), target)
        self._finish(target, "PIT, left out")
        self.drawer.ylabel("ECDF less uniform", target)

    def legend(self) -> None:
        """Name the colours, and what is filled and what is hollow."""
        entries = {
            name: {"color": _COLORS[name], "width": 3}
            for name in self.names
            if np.isfinite(self.scores["total"].sel(distribution=name)).any()
        }
        grey = "#6b6b6b"  # ArviZ expands its own names of colours in lines, not in markers
        entries["left out"] = point_entry("mean", grey, self.backend, hollow=False)
        entries["seen"] = point_entry("mean", grey, self.backend, hollow=True)
        draw_legend(self.collection, self.visuals, self.backend, entries)

    def _target(self, panel: str) -> Any:
        return self.collection.get_target(None, {"panel": panel})

    def _heights(self) -> list[float]:
        return [float(len(self.names) - 1 - i) for i in range(len(self.names))]

    def _reference(self, target: Any, x: float) -> None:
        kwargs = visual_arguments(self.visuals, "reference", {"color": "B3", "width": 1})
        if kwargs is not False:
            self.drawer.vline(x, target, **kwargs)

    def _rows(
        self,
        target: Any,
        values: xr.DataArray,
        errors: xr.DataArray,
        limits: tuple[float, float] = (-np.inf, np.inf),
    ) -> None:
        """Draw one row a distribution: what was left out filled, what was seen hollow."""
        for name, height in zip(self.names, self._heights(), strict=True):
            color = _COLORS[name]
            for scope, shift in _SHIFT.items():
                x = float(values.sel(scope=scope, distribution=name))
                error = 2 * float(errors.sel(scope=scope, distribution=name))
                y = height + shift
                if not np.isfinite(x):
                    self._say(target, values, y, x, color)
                    continue
                line = visual_arguments(self.visuals, "error", {"color": color, "width": 1.4})
                if line is not False and np.isfinite(error):
                    self.drawer.line(
                        np.clip([x - error, x + error], *limits), np.full(2, y), target, **line
                    )
                point = {
                    "marker": marker_of(_MARKERS[name], self.backend),
                    "edgecolor": color,
                    "facecolor": color if scope == "left_out" else "B0",
                    "size": 45,
                }
                kwargs = visual_arguments(self.visuals, "point", point)
                if kwargs is not False:
                    self.drawer.scatter(np.array([x]), np.array([y]), target, **kwargs)

    def _say(self, target: Any, values: xr.DataArray, y: float, x: float, color: str) -> None:
        """Write in its row that there is no number, or that it is infinite."""
        finite = values.values[np.isfinite(values.values)]
        left = float(finite.min()) if finite.size else 0.0
        text = "none" if np.isnan(x) else ("+∞ ▸" if x > 0 else "◂ −∞")
        self.drawer.text(left, y, text, target, color=color, size=9, horizontal_align="left")

    def _finish(self, target: Any, words: str) -> None:
        if self.backend == "matplotlib":
            # Of three side by side, none has room for many words or numbers.
            words = textwrap.fill(words, 24)
            target.locator_params(axis="x", nbins=4)
            target.spines[["top", "right"]].set_visible(False)
        self.drawer.xlabel(words, target)
        if words.startswith("PIT"):
            return
        self.drawer.ylim((-0.6, len(self.names) - 0.4), target)
        if self.backend == "matplotlib":
            target.spines["left"].set_visible(False)
            target.tick_params(axis="y", length=0)


def _ecdf_less_uniform(pit: Array) -> tuple[Array, Array]:
    """Return the corners of the empirical distribution function, less the diagonal."""
    x = np.sort(pit)
    n = len(x)
    corners = np.concatenate([[0.0], np.repeat(x, 2), [1.0]])
    steps = np.concatenate([[0.0], np.repeat(np.arange(n + 1) / n, 2)[1:-1], [1.0]])
    return corners, steps - corners
