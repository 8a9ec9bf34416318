"""Bias, variance, RMSE and coverage of estimators, side by side or against the sample size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from arviz_plots.visuals import hline, line_xy, scatter_xy
from numpy.typing import NDArray

from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.legends import draw_legend, point_entry
from bayes_point.comparison.plots.styling import (
    STYLES,
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
from bayes_point.errors import ComparisonError

__all__ = ["plot_study"]

Array = NDArray[np.float64]

_MEASURES = ("bias", "variance", "rmse", "coverage")
_NAMES = {"rmse": "RMSE"}
_VISUALS = ("reference", "error", "line", *STYLES, "title", "legend")
_SIZE = "sample_size"
# How far the marks of different estimators stand apart, of the distance of two sample sizes.
_APART = 0.12


def plot_study(
    study: xr.Dataset,
    *,
    parameters: str | Sequence[str] | None = None,
    measures: Sequence[str] = ("bias", "rmse", "coverage"),
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw how good the estimators of a study are.

    One plot a parameter and measure: the measure of each estimator, with two Monte Carlo standard
    errors to either side; and where the bias is 0, or the coverage what it should be.

    Parameters
    ----------
    study : xarray.Dataset
        What `study` returned.  With `sample_sizes` the measures are drawn against these; so are
        several studies of models that differ in size, put together along the dim ``sample_size``
        with ``xarray.concat``.
    parameters : str or sequence of str, optional
        Which to draw, by the labels of the dim ``parameter``; by default the first.
    measures : sequence of {"bias", "variance", "rmse", "coverage"}
        What to draw.
    max_parameters : int, optional
        Of more parameters the first are drawn, and the title says so.  By default as many as
        ``rcParams["plot.max_subplots"]`` of ArviZ allows.
    plot_collection : arviz_plots.PlotCollection, optional
        Where to draw, as returned by this function for the same parameters and measures.
    backend : {"matplotlib", "bokeh", "plotly", "none"}, optional
        ``rcParams["plot.backend"]`` of ArviZ by default.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``reference`` (passed to
        ``hline``), ``error`` and ``line`` (``line_xy``), ``MLE``, ``MAP`` and ``mean``
        (``scatter_xy``), ``title``, ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.wrap``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each plot is a variable, named ``"bias of mu"``.

    Raises
    ------
    ComparisonError
        If `study` is no study, or an argument is not allowed.

    See Also
    --------
    study

    Examples
    --------
    >>> import bayes_point as bp, numpy as np, pymc as pm
    >>> with pm.Model() as model:
    ...     mu = pm.Normal("mu")
    ...     y = pm.Normal("y", mu, 1, observed=np.zeros(4))
    >>> found = bp.study(
    ...     model, {"mu": 1}, 20, estimators=["MLE", "MAP"], random_seed=1, progressbar=False
    ... )
    >>> pc = bp.plot_study(found, measures=["bias"], backend="none")
    >>> list(pc.viz["MAP"])
    ['bias of mu']
    """
    visuals = check_visuals(visuals, _VISUALS)
    _check(study, measures)
    backend = backend_name(backend, plot_collection)
    every = [str(label) for label in study["parameter"].values]
    chosen = [parameters] if isinstance(parameters, str) else list(parameters or every)
    if unknown := [name for name in chosen if name not in every]:
        raise ComparisonError(f"The study has no parameters {unknown}; it has {every}.")
    most = max(1, parameter_limit(max_parameters) // (1 if max_parameters else len(measures)))
    shown = chosen[:most]
    # Rows are measures, columns parameters; a DataTree takes no slash in a name.
    panels = {
        f"{_NAMES.get(what, what)} of {name}".replace("/", "∕"): (what, name)
        for what in measures
        for name in shown
    }
    estimators = [str(name) for name in study["estimator"].values]
    at = _positions(study, len(estimators))
    if plot_collection is None:
        columns = len(shown) if len(shown) > 1 else min(len(panels), 3)
        size = (max(3.2 * columns, 5.0), 2.6 * math.ceil(len(panels) / columns) + 0.5)
        plot_collection = PlotCollection.wrap(
            xr.Dataset(dict.fromkeys(panels, 0.0)),
            backend=backend,
            **grid_arguments(pc_kwargs, backend, size, cols=["__variable__"], col_wrap=columns),
        )
    pc = plot_collection

    def draw(name: str, visual: Any, values: Mapping[str, Any], default: Any, key: str) -> None:
        kwargs = visual_arguments(visuals, key, default)
        if kwargs is not False and values:
            pc.map(visual, name, data=xr.Dataset(dict(values)), ignore_aes="all", **kwargs)

    targets = {"bias": 0.0, "coverage": float(study.attrs["ci_prob"])}
    lines = {
        name: xr.DataArray(targets[what]) for name, (what, _) in panels.items() if what in targets
    }
    draw("reference", hline, lines, {"color": "B3", "width": 0.8}, "reference")
    entries = {}
    for i, estimator in enumerate(estimators):
        style, hollow = STYLES[estimator], estimator == "mean"
        color = style.color
        marks, bars = {}, {}
        for name, (what, parameter) in panels.items():
            one = study.sel(estimator=estimator, parameter=parameter)
            y, error = (np.atleast_1d(one[key].values) for key in (what, f"{what}_mcse"))
            marks[name] = _points(at[i], y)
            ends = np.stack([y - 2 * error, y + 2 * error, np.full(len(y), np.nan)], axis=1)
            bars[name] = _points(np.repeat(at[i], 3), ends.ravel())
        draw(f"error_{estimator}", line_xy, bars, {"color": color, "width": 1.5}, "error")
        if _SIZE in study.dims:
            along = {"color": color, "width": 1.2, "linestyle": style.linestyle}
            draw(f"line_{estimator}", line_xy, marks, along, "line")
        face = "B0" if hollow else color
        point = {"marker": marker_of(estimator, backend), "facecolor": face, "edgecolor": color}
        draw(estimator, scatter_xy, marks, point | {"size": 40}, estimator)
        words = "posterior mean" if hollow else estimator
        entries[words] = point_entry(estimator, color, backend, hollow=hollow)
    draw_titles(pc, visuals, {name: name for name in panels})
    if len(shown) < len(chosen):
        pc.add_title(f"{len(shown)} of {len(chosen)} parameters: the first", size=11)
    _frame(pc, list(panels), study, estimators, backend)
    draw_legend(pc, visuals, backend, entries)
    return pc


def _check(study: Any, measures: Sequence[str]) -> None:
    if not isinstance(study, xr.Dataset) or not {"bias", "coverage", "rmse"} <= set(
        study.data_vars
    ):
        raise ComparisonError(
            f"Got {type(study).__name__}: pass the Dataset that bp.study(model) returns."
        )
    if isinstance(measures, str) or not measures or any(k not in _MEASURES for k in measures):
        raise ComparisonError(
            f"Got measures={measures!r}. They must be some of {', '.join(_MEASURES)}, in a list."
        )
    known = (*ESTIMATORS, "mean")
    if odd := [str(k) for k in np.atleast_1d(study["estimator"].values) if k not in known]:
        raise ComparisonError(f"The study has the estimators {odd}; they must be of {known}.")
    if "estimator" not in study.dims or "parameter" not in study.dims:
        raise ComparisonError(
            "The study has lost a dim: select with lists, as in .sel(estimator=['MLE'])."
        )
    rest = set(study["bias"].dims) - {"estimator", "parameter", _SIZE}
    if rest:
        raise ComparisonError(
            f"The study has the further dims {sorted(map(str, rest))}. Studies of different sizes "
            f"are put together along {_SIZE!r}."
        )


def _positions(study: xr.Dataset, n: int) -> Array:
    """Return where to draw, (estimator, sample size)."""
    if _SIZE not in study.dims:
        return np.arange(n, dtype=float)[:, None]
    x = np.log2(study[_SIZE].values.astype(float))
    step = float(np.min(np.diff(np.sort(x)))) if len(x) > 1 else 1.0
    return np.asarray(x + _APART * step * (np.arange(n) - 0.5 * (n - 1))[:, None])


def _points(x: Array, y: Array) -> xr.DataArray:
    xy = np.stack(np.broadcast_arrays(x, y)).astype(float)
    return xr.DataArray(xy, dims=("plot_axis", "n"), coords={"plot_axis": ["x", "y"]})


def _frame(
    pc: PlotCollection,
    panels: Sequence[str],
    study: xr.Dataset,
    estimators: Sequence[str],
    backend: str,
) -> None:
    """Limits, ticks and labels of every plot."""
    drawer = backend_module(backend)
    if by_size := _SIZE in study.dims:
        sizes = study[_SIZE].values
        ticks, labels = np.log2(sizes.astype(float)), [f"{size:g}" for size in sizes]
    else:
        ticks, labels = np.arange(len(estimators), dtype=float), list(estimators)
    for name in panels:
        target = pc.get_target(name, {})
        drawer.xlim((ticks.min() - 0.5, ticks.max() + 0.5), target)
        drawer.xticks(ticks, labels, target)
        if by_size:
            drawer.xlabel("observations", target)
        if backend == "matplotlib":
            target.spines[["top", "right"]].set_visible(False)
