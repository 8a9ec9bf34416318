"""The path of the estimates as the prior or the data weigh more, beside the posterior."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from arviz_plots.visuals import hspan, line_xy, scatter_xy, vline
from numpy.typing import NDArray

from bayes_point.comparison.inputs.validate import interval_arguments
from bayes_point.comparison.plots.legends import draw_legend, point_entry
from bayes_point.comparison.plots.path_panels import DIMS, Axis, Panel, dim_of, panels_of
from bayes_point.comparison.plots.styling import (
    STYLES,
    Coords,
    Selection,
    Visuals,
    backend_module,
    backend_name,
    check_visuals,
    grid_arguments,
    marker_of,
    parameter_limit,
    visual_arguments,
)
from bayes_point.comparison.plots.titles import draw_titles

__all__ = ["plot_prior_path"]

_VISUALS = (
    "path",
    "to_the_end",
    "MLE",
    "MAP",
    "mean",
    "credible_interval",
    "band",
    "reference",
    "title",
    "legend",
)
# Which power is which estimate.
_MARKED = {"prior_power": {"MLE": 0.0, "MAP": 1.0}, "data_power": {"MLE": np.inf, "MAP": 1.0}}
_WIDTH = 26
_NO_POINT = ("not_identified", "unbounded", "not_converged")


def plot_prior_path(
    path: xr.Dataset,
    *,
    posterior: xr.DataTree | None = None,
    var_names: Selection = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    ci_kind: str | None = None,
    ci_prob: float | None = None,
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    labeller: Any = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw how the estimates change with the power of the prior or of the data.

    One plot a scalar parameter: the estimate against the power, on a logarithmic axis with a place
    for 0 or infinity at its end, MLE and MAP marked, and the posterior mean and interval beside it.

    Parameters
    ----------
    path : xarray.Dataset
        What `prior_path` or `data_path` returned.
    posterior : xarray.DataTree, optional
        A tree with posterior draws, such as `fit` returns; without it no posterior is drawn.
    var_names, filter_vars, coords
        Which parameters to draw, as in ArviZ.
    ci_kind, ci_prob
        Kind and probability of the interval, as in ``arviz_plots.plot_dist``.
    max_parameters : int, optional
        Of more parameters, those that move most are drawn (in posterior sd where there is a
        posterior), and the title says so.  By default ``rcParams["plot.max_subplots"]`` of ArviZ.
    plot_collection : arviz_plots.PlotCollection, optional
        Where to draw, as returned by this function for the same parameters.
    backend : {"matplotlib", "bokeh", "plotly", "none"}, optional
        ``rcParams["plot.backend"]`` of ArviZ by default.
    labeller : arviz_base.labels.Labeller, optional
        Makes the titles.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``path``, ``to_the_end`` (the
        line to 0 or infinity) and ``credible_interval`` (passed to ``line_xy``), ``MLE``, ``MAP``
        and ``mean`` (``scatter_xy``), ``band`` (``hspan``), ``reference`` (``vline``), ``title``,
        ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.wrap``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each scalar parameter is a variable of its own, named by its label.

    Raises
    ------
    ComparisonError
        If `path` is no path, the posterior lacks its parameters, or nothing is left to draw.

    See Also
    --------
    prior_path : Find the estimate as the prior weighs more and more.
    data_path : Find the estimate as the data weigh more and more: how the MAP meets the MLE.

    Notes
    -----
    The path is interrupted where no estimate exists.  What lies more than 6 posterior sd from the
    posterior mean is beyond the axis; of the MLE and the MAP the title then says where they are.

    Examples
    --------
    With ``path = bp.prior_path(coin)`` and ``dt = bp.fit(coin)``:

    >>> import bayes_point as bp, numpy as np, xarray as xr
    >>> powers = np.array([0, 0.1, 1, 10])
    >>> path = xr.Dataset(
    ...     {"theta": ("prior_power", (3 + powers) / (3 + 2 * powers))},
    ...     coords={"prior_power": powers, "status": ("prior_power", ["converged"] * 4)},
    ... )
    >>> pc = bp.plot_prior_path(path, posterior=dt, backend="none")
    >>> list(pc.viz["MAP"])
    ['theta']
    """
    visuals = check_visuals(visuals, _VISUALS)
    prob, kind = interval_arguments(ci_prob, ci_kind)
    dim = dim_of(path)
    power, status = path[dim].values.astype(float), path["status"].values.astype(str)
    select = (var_names, filter_vars, coords)
    every = panels_of(path, dim, select, posterior, labeller, prob, kind)
    most = parameter_limit(max_parameters)
    kept = sorted(sorted(range(len(every)), key=lambda i: -every[i].moves)[:most])
    panels = [every[i] for i in kept]
    backend = backend_name(backend, plot_collection)
    axis = Axis.of(power, posterior is not None)
    marks = {
        name: int(np.flatnonzero(power == at)[0])
        for name, at in _MARKED[dim].items()
        if at in power
    }
    if plot_collection is None:
        n = len(panels)
        columns = n if n <= 3 else (3 if n <= 6 else 4)
        lines = 1 + max(_title(panel, marks, status).count("\n") for panel in panels)
        size = (max(3.5 * columns, 5.5), (2.5 + 0.2 * lines) * math.ceil(n / columns) + 0.5)
        plot_collection = PlotCollection.wrap(
            xr.Dataset({panel.name: 0.0 for panel in panels}),
            backend=backend,
            **grid_arguments(pc_kwargs, backend, size, cols=["__variable__"], col_wrap=columns),
        )
    pc = plot_collection

    def draw(name: str, visual: Any, values: Mapping[str, Any], default: Any) -> None:
        kwargs = visual_arguments(visuals, name, default)
        if kwargs is not False and values:
            pc.map(visual, name, data=xr.Dataset(dict(values)), ignore_aes="all", **kwargs)

    def at(x: Any, y: Any) -> xr.DataArray:
        x, y = np.broadcast_arrays(np.atleast_1d(x), np.atleast_1d(y))
        return xr.DataArray(
            np.stack([x, y]).astype(float),
            dims=("plot_axis", "n"),
            coords={"plot_axis": ["x", "y"]},
        )

    known = [panel for panel in panels if np.isfinite(panel.mean)]
    bounds = {p.name: xr.DataArray(p.bounds, dims="end") for p in known}
    draw("band", hspan, bounds, {"color": "B3", "alpha": 0.22})
    if "MAP" in marks:
        one = {panel.name: xr.DataArray(float(axis.x[marks["MAP"]])) for panel in panels}
        draw("reference", vline, one, {"color": "B3", "width": 0.8})
    within = axis.within
    lines_ = {
        p.name: at(axis.x[within], np.where(np.isfinite(p.y), p.y, np.nan)[within]) for p in panels
    }
    draw("path", line_xy, lines_, _PATH)
    bridges = {p.name: at(*axis.bridge(p.y)) for p in panels}
    bridges = {name: line for name, line in bridges.items() if np.all(np.isfinite(line))}
    draw("to_the_end", line_xy, bridges, _BRIDGE)
    bars = {p.name: at(axis.beside, p.bounds) for p in known}
    draw("credible_interval", line_xy, bars, _INTERVAL)
    mean = {"marker": marker_of("mean", backend), "facecolor": "B0", "size": 50, "width": 1.4}
    points = {p.name: at(axis.beside, p.mean) for p in known}
    draw("mean", scatter_xy, points, mean | {"edgecolor": STYLES["mean"].color})
    seen = {}
    for name, i in marks.items():
        hollow = status[i] in _NO_POINT
        color = STYLES[name].color
        style = {"marker": marker_of(name, backend), "edgecolor": color, "size": 60}
        style["facecolor"] = "B0" if hollow else color
        near = {p.name: at(axis.x[i], p.y[i]) for p in panels if p.is_near(i)}
        draw(name, scatter_xy, near, style)
        seen[name] = bool(near)
    _frame(pc, panels, axis, backend, DIMS[dim])
    draw_titles(pc, visuals, {panel.name: _title(panel, marks, status) for panel in panels})
    if len(panels) < len(every):
        pc.add_title(f"{len(panels)} of {len(every)} parameters: those that move most", size=11)
    entries: dict[str, Any] = {"estimate": _PATH}
    for name, i in marks.items():
        if not seen[name]:
            continue  # each title says where it is
        words = "" if status[i] == "converged" else f" ({status[i].replace('_', ' ')})"
        hollow = status[i] in _NO_POINT
        entries[name + words] = point_entry(name, STYLES[name].color, backend, hollow=hollow)
    if known:
        color = STYLES["mean"].color
        entries["posterior mean"] = point_entry("mean", color, backend, hollow=True)
        entries[f"{100 * prob:g}% {kind.upper()}"] = _INTERVAL
    draw_legend(pc, visuals, backend, entries)
    return pc


_PATH = {"color": "B1", "width": 2}
_BRIDGE = {"color": "B1", "width": 1.3, "linestyle": "C2"}
_INTERVAL = {"color": "B2", "width": 3}


def _title(panel: Panel, marks: Mapping[str, int], status: NDArray[np.str_]) -> str:
    """Return the title, with a line for each estimate that is not drawn."""
    lines = [textwrap.fill(line, _WIDTH) for line in panel.title.split("\n")]
    for name, i in marks.items():
        value = float(panel.y[i])
        if np.isnan(value):
            lines.append(f"{name}: {status[i].replace('_', ' ')}")
        elif np.isinf(value):
            lines.append(f"{name}: {'+' if value > 0 else '−'}∞")
        elif not panel.is_near(i):
            lines.append(f"{name}: {value:.3g}".replace("-", "−"))
    return "\n".join(lines)


def _frame(
    pc: PlotCollection, panels: Sequence[Panel], axis: Axis, backend: str, words: str
) -> None:
    """Limits, ticks and labels of every plot."""
    drawer = backend_module(backend)
    at, labels = axis.ticks()
    last = axis.x.max() if np.isnan(axis.beside) else axis.beside
    pad = 0.04 * max(last - axis.x.min(), 1.0)
    for panel in panels:
        target = pc.get_target(panel.name, {})
        drawer.xlim((axis.x.min() - pad, last + pad), target)
        drawer.ylim(panel.limits(), target)
        drawer.xticks(at, labels, target)
        drawer.xlabel(words, target)
        if backend == "matplotlib":
            target.spines[["top", "right"]].set_visible(False)
