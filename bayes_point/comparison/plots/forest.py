"""How far the estimates lie from the posterior mean: a forest in posterior sd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, plot_forest
from arviz_plots.visuals import line_x, scatter_x
from numpy.typing import NDArray

from bayes_point.comparison.inputs.scalars import flatten
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import ESTIMATORS, interval_arguments
from bayes_point.comparison.plots.legends import finish
from bayes_point.comparison.plots.marks import Marks, gap_size, marked
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
from bayes_point.errors import ComparisonError

__all__ = ["draw_gaps", "plot_gaps"]

_VISUALS = (
    "trunk",
    "twig",
    "point_estimate",
    "MLE",
    "MAP",
    "mcse",
    "reference",
    "legend",
)

# In its row: the MLE a little above the line of the posterior, the MAP a little below.
_SHIFT = {"MLE": 0.22, "MAP": -0.22}


def plot_gaps(
    dt: xr.DataTree,
    *,
    var_names: Selection = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    ci_kind: str | None = None,
    ci_probs: Sequence[float] | None = None,
    sort: bool = False,
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    labeller: Any = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw MLE and MAP against the posterior, in posterior sd from the posterior mean.

    One row a scalar parameter: the posterior as two nested intervals around its mean at 0, the MLE
    above and the MAP below the line, with bars of twice their Monte Carlo error.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names, filter_vars, coords
        Which parameters to draw, as in ArviZ.
    ci_kind : {"eti", "hdi"}, optional
        Kind of the intervals, ``rcParams["stats.ci_kind"]`` of ArviZ by default.
    ci_probs : (float, float), optional
        Probabilities of the inner and outer interval, by default 0.5 and
        ``rcParams["stats.ci_prob"]`` of ArviZ.
    sort : bool, default False
        Put the largest gap on top instead of keeping the order of the model.
    max_parameters : int, optional
        Of more parameters, those with the largest gaps are drawn, and the title says so. By default
        ``rcParams["plot.max_subplots"]`` of ArviZ (40).
    plot_collection : arviz_plots.PlotCollection, optional
        Where to draw, as returned by this function for the same parameters.
    backend : {"matplotlib", "bokeh", "plotly", "none"}, optional
        ``rcParams["plot.backend"]`` of ArviZ by default.
    labeller : arviz_base.labels.Labeller, optional
        Makes the labels of the rows.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``trunk``, ``twig``,
        ``point_estimate`` (the mean) as in ``arviz_plots.plot_forest``; ``MLE`` and ``MAP``
        (passed to ``scatter_x``), ``mcse`` (``line_x``), ``reference`` (``vline``), ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.grid``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each scalar parameter is a variable of its own, named by its label. The marks are stored
        under ``viz["MLE"]``, ``viz["MAP"]`` and ``viz["point_estimate"]``.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or there is nothing to draw.

    See Also
    --------
    gaps : Distance of MLE and MAP from the posterior mean, raw and in posterior sd.
    plot_estimates : Draw the posterior density of each parameter, with the estimates as lines.
    plot_joint : Draw the posterior of each pair of parameters, with MLE, MAP and mean as points.

    Notes
    -----
    An estimate more than 6 posterior sd from the mean, or infinite, is not drawn; its gap is
    written at the edge of its row. So is the status of one that does not exist.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> pc = bp.plot_gaps(dt, backend="none")
    >>> list(pc.viz["MLE"])
    ['theta']
    """
    selected = Selected.of(dt, var_names, filter_vars, coords)
    return draw_gaps(
        marked(selected, labeller, parameter_limit(max_parameters)),
        ci_kind=ci_kind,
        ci_probs=ci_probs,
        sort=sort,
        plot_collection=plot_collection,
        backend=backend,
        visuals=visuals,
        **pc_kwargs,
    )


def draw_gaps(
    marks: Marks,
    *,
    ci_kind: str | None = None,
    ci_probs: Sequence[float] | None = None,
    sort: bool = False,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what has been selected already, as `plot_gaps` does."""
    visuals = check_visuals(visuals, _VISUALS)
    inner, outer, kind = _intervals(ci_probs, ci_kind)
    backend = backend_name(backend, plot_collection)
    drawer = backend_module(backend)
    y = _rows(marks, sort)
    z = marks.draws(standardised=True)
    longest = max(len(label) for label in marks.labels.values())
    if plot_collection is None:
        n = len(marks.names)
        size = (6.5 + 0.08 * min(longest, 50), 1.7 + 0.42 * n)
        plot_collection = PlotCollection.grid(
            z.expand_dims(column=["forest"]),
            backend=backend,
            **grid_arguments(
                pc_kwargs,
                backend,
                size,
                cols=["column"],
                aes={"y": ["__variable__"], "overlay": ["__variable__"]},
                y=list(y),
            ),
        )
    target = plot_collection.get_target(None, {"column": "forest"})
    reference = visual_arguments(visuals, "reference", {"color": "B3", "width": 1})
    if reference is not False:
        drawer.vline(0, target, **reference)
    mean = {"marker": marker_of("mean", backend), "facecolor": "B0", "size": 45}
    plot_forest(
        z,
        combined=True,
        # The mean of the standardised draws is 0: the reference of the gaps.
        point_estimate="mean",
        ci_kind=kind,
        ci_probs=(inner, outer),
        labels=[],
        plot_collection=plot_collection,
        backend=backend,
        visuals={
            "trunk": visual_arguments(visuals, "trunk", {"color": "B2", "width": 5, "alpha": 0.55}),
            "twig": visual_arguments(visuals, "twig", {"color": "B2", "width": 1.8}),
            "point_estimate": visual_arguments(
                visuals, "point_estimate", mean | {"color": STYLES["mean"].color, "width": 1.4}
            ),
            "ticklabels": False,
            "remove_axis": False,
        },
    )
    for estimator in ESTIMATORS:
        _mark(plot_collection, marks, estimator, visuals, backend)
    _frame(target, drawer, marks, y, z, outer)
    if backend == "matplotlib":
        target.spines[["top", "left", "right"]].set_visible(False)
        target.tick_params(axis="y", length=0)
    percent = f"{100 * inner:g}% and {100 * outer:g}% {kind.upper()}"
    finish(plot_collection, marks, visuals, backend, extra=(percent, {"color": "B2", "width": 3}))
    return plot_collection


def _intervals(ci_probs: Sequence[float] | None, ci_kind: str | None) -> tuple[float, float, str]:
    if ci_probs is None:
        outer, kind = interval_arguments(None, ci_kind)
        return (0.5 if outer > 0.5 else outer / 2), outer, kind
    if isinstance(ci_probs, (int, float)) or len(ci_probs) != 2:
        raise ComparisonError(
            "ci_probs must hold two probabilities, of the inner and the outer interval, such as"
            f" (0.5, 0.89), got {ci_probs!r}."
        )
    (inner, kind), (outer, _) = (interval_arguments(p, ci_kind) for p in sorted(ci_probs))
    return inner, outer, kind


def _rows(marks: Marks, sort: bool) -> NDArray[np.float64]:
    """Height of each row, the first one on top."""
    n = len(marks.names)
    order = np.arange(n)
    if sort:
        order = np.argsort(-gap_size(marks.gap), kind="stable")
    y = np.empty(n)
    y[order] = np.arange(n)[::-1]
    return y


def _mark(
    collection: PlotCollection,
    marks: Marks,
    estimator: str,
    visuals: Mapping[str, Any],
    backend: str,
) -> None:
    gap, color = marks.gap[estimator], STYLES[estimator].color
    drawn = marks.drawn(estimator)
    where: dict[str, Any] = {"coords": {"column": "forest"}, "shift": _SHIFT[estimator]}
    bars = visual_arguments(visuals, "mcse", {"color": color, "width": 1.2})
    if bars is not False:
        ends = np.stack([gap - 2 * marks.mcse[estimator], gap + 2 * marks.mcse[estimator]], axis=-1)
        ends = np.where(drawn[:, None], ends, np.nan)
        collection.map(
            _shifted_line, f"mcse_{estimator}", data=marks.dataset(ends), **where, **bars
        )
    point = {
        "marker": marker_of(estimator, backend),
        "edgecolor": color,
        "facecolor": "B0" if marks.is_faded(estimator) else color,
        "size": 55,
    }
    kwargs = visual_arguments(visuals, estimator, point)
    if kwargs is not False:
        data = marks.dataset(np.where(drawn, gap, np.nan))
        collection.map(_shifted_point, estimator, data=data, **where, **kwargs)


def _shifted_point(da: xr.DataArray, target: Any, *, y: float, shift: float, **kwargs: Any) -> Any:
    return scatter_x(da, target, y=y + shift, **kwargs)


def _shifted_line(da: xr.DataArray, target: Any, *, y: float, shift: float, **kwargs: Any) -> Any:
    return line_x(da, target, y=y + shift, **kwargs)


def _frame(
    target: Any, drawer: Any, marks: Marks, y: NDArray[np.float64], z: xr.Dataset, prob: float
) -> None:
    """Limits, ticks, labels, and at the edge of its row what cannot be drawn."""
    spread = flatten(z, ("chain", "draw"))
    ends = [np.quantile(spread, [(1 - prob) / 2, (1 + prob) / 2], axis=(0, 1)).ravel()]
    ends += [marks.gap[e][marks.drawn(e)] for e in ESTIMATORS]
    low, high = np.min(np.concatenate(ends)), np.max(np.concatenate(ends))
    pad = 0.06 * (high - low)
    low, high = low - pad, high + pad
    width = high - low
    said = [
        (e, i, text)
        for e in ESTIMATORS
        for i in range(len(marks.names))
        if (text := marks.absence(e, i, in_sd=True))
    ]
    to_left = [bool(marks.gap[e][i] < 0) for e, i, _ in said]
    high += 0.22 * width * (not all(to_left))
    low -= 0.22 * width * any(to_left)
    for (estimator, i, text), left in zip(said, to_left, strict=True):
        drawer.text(
            low + 0.01 * width if left else high - 0.01 * width,
            y[i] + _SHIFT[estimator],
            f"◂ {text}" if left else (text if np.isnan(marks.gap[estimator][i]) else f"{text} ▸"),
            target,
            color=STYLES[estimator].color,
            size=9,
            horizontal_align="left" if left else "right",
        )
    drawer.xlim((low, high), target)
    drawer.ylim((-0.7, len(y) - 0.3), target)
    drawer.yticks(list(y), [marks.labels[n] for n in marks.names], target)
    drawer.xlabel("distance from the posterior mean, in posterior sd", target)
