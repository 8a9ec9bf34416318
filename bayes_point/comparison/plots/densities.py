"""The posterior density of each parameter, with the estimates as lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from arviz_plots import PlotCollection, plot_dist
from arviz_plots.visuals import vline

from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import interval_arguments
from bayes_point.comparison.plots.kernel import densities
from bayes_point.comparison.plots.legends import finish
from bayes_point.comparison.plots.marks import Marks, marked
from bayes_point.comparison.plots.styling import (
    DRAWN,
    STYLES,
    Coords,
    Selection,
    Visuals,
    backend_name,
    check_visuals,
    grid_arguments,
    parameter_limit,
    visual_arguments,
)
from bayes_point.errors import ComparisonError

__all__ = ["draw_estimates", "plot_estimates"]

_KINDS = ("auto", "kde", "hist", "dot", "ecdf")
_VISUALS = (
    "dist",
    "face",
    "credible_interval",
    "title",
    "rug",
    "remove_axis",
    "MLE",
    "MAP",
    "mean",
    "legend",
)


def plot_estimates(
    dt: xr.DataTree,
    *,
    var_names: Selection = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    kind: str | None = None,
    ci_kind: str | None = None,
    ci_prob: float | None = None,
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    labeller: Any = None,
    aes_by_visuals: Mapping[str, Sequence[str]] | None = None,
    visuals: Visuals = None,
    stats: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw the posterior density of each scalar parameter, with MLE, MAP and mean as lines.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names, filter_vars, coords
        Which parameters to draw, as in ArviZ.
    kind, ci_kind, ci_prob, plot_collection, backend, aes_by_visuals, stats
        As in ``arviz_plots.plot_dist``.
    max_parameters : int, optional
        Of more parameters, those with the largest gaps are drawn, and the title says so. By default
        ``rcParams["plot.max_subplots"]`` of ArviZ (40).
    labeller : arviz_base.labels.Labeller, optional
        Makes the titles.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``dist``, ``face``,
        ``credible_interval``, ``title``, ``rug``, ``remove_axis`` as in ``arviz_plots.plot_dist``;
        ``MLE``, ``MAP`` and ``mean`` (passed to ``vline``), ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.wrap``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each scalar parameter is a variable of its own, named by its label. The lines are stored
        under ``viz["MLE"]``, ``viz["MAP"]`` and ``viz["mean"]``.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or there is nothing to draw; if there is no such `kind` or
        `backend`.

    See Also
    --------
    plot_gaps : Draw MLE and MAP against the posterior, in posterior sd from the posterior mean.
    plot_joint : Draw the posterior of each pair of parameters, with MLE, MAP and mean as points.
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.

    Notes
    -----
    An estimate more than 6 posterior sd from the mean, infinite, or which does not exist, is not
    drawn; the title of its plot says where it is.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> pc = bp.plot_estimates(dt, var_names="theta", backend="none")
    >>> pc.viz["MLE"]["theta"].item()["x"]
    1.0
    """
    selected = Selected.of(dt, var_names, filter_vars, coords)
    return draw_estimates(
        marked(selected, labeller, parameter_limit(max_parameters)),
        kind=kind,
        ci_kind=ci_kind,
        ci_prob=ci_prob,
        plot_collection=plot_collection,
        backend=backend,
        aes_by_visuals=aes_by_visuals,
        visuals=visuals,
        stats=stats,
        **pc_kwargs,
    )


def draw_estimates(
    marks: Marks,
    *,
    kind: str | None = None,
    ci_kind: str | None = None,
    ci_prob: float | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    aes_by_visuals: Mapping[str, Sequence[str]] | None = None,
    visuals: Visuals = None,
    stats: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what has been selected already, as `plot_estimates` does."""
    visuals = check_visuals(visuals, _VISUALS)
    if kind is not None and kind not in _KINDS:
        raise ComparisonError(f"kind must be one of {', '.join(map(repr, _KINDS))}, got {kind!r}.")
    prob, interval = interval_arguments(ci_prob, ci_kind)
    backend = backend_name(backend, plot_collection)
    labels = marks.labeller(with_absences=True)
    if plot_collection is None:
        n = len(marks.names)
        columns = n if n <= 4 else (3 if n <= 6 else 4)
        lines = 1 + max(labels.make_label_vert(name, {}, {}).count("\n") for name in marks.names)
        size = (max(3.1 * columns, 5.5), (2.1 + 0.2 * lines) * math.ceil(n / columns) + 0.4)
        pc_kwargs = grid_arguments(pc_kwargs, backend, size, col_wrap=columns)
    pc = plot_dist(
        marks.draws(standardised=False),
        kind=kind,
        ci_kind=interval,
        ci_prob=prob,
        plot_collection=plot_collection,
        backend=backend,
        labeller=labels,
        aes_by_visuals=aes_by_visuals,
        visuals={
            "dist": visual_arguments(visuals, "dist", {"color": "B2", "width": 1.5}),
            "face": visual_arguments(visuals, "face", {"color": "B3", "alpha": 0.25}),
            "credible_interval": visual_arguments(
                visuals, "credible_interval", {"color": "B2", "width": 3}
            ),
            "title": visual_arguments(visuals, "title", {"size": 12}),
            "rug": visual_arguments(visuals, "rug", False),
            "remove_axis": visuals.get("remove_axis", True),
            "point_estimate": False,
            "point_estimate_text": False,
        },
        # What the user asks of the density is ArviZ's to follow.
        stats=stats
        if "dist" in (stats or {})
        else {**(stats or {}), "dist": densities(marks, kind)},
        **pc_kwargs,
    )
    for name in DRAWN:
        style = STYLES[name]
        line = {"color": style.color, "linestyle": style.linestyle, "width": 2}
        if marks.is_faded(name):
            line["alpha"] = 0.45
        kwargs = visual_arguments(visuals, name, line)
        if kwargs is not False:
            pc.map(vline, name, data=marks.at(name), ignore_aes="all", **kwargs)
    finish(pc, marks, visuals, backend, lines=True)
    return pc
