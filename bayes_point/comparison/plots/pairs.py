"""The posterior of each pair of parameters, with the estimates as points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from arviz_plots import PlotMatrix, plot_pair
from arviz_plots.visuals import remove_ticks, scatter_couple, vline

from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.legends import finish
from bayes_point.comparison.plots.marks import Marks, marked
from bayes_point.comparison.plots.styling import (
    DRAWN,
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

__all__ = ["draw_joint", "plot_joint"]

_VISUALS = (
    "scatter",
    "contour",
    "contourf",
    "divergence",
    "dist",
    "xlabel",
    "ylabel",
    "MLE",
    "MAP",
    "mean",
    "marginal_lines",
    "legend",
)


_SIZES = {"mean": 120, "MLE": 60, "MAP": 26}


def plot_joint(
    dt: xr.DataTree,
    *,
    var_names: Selection = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    marginal_kind: str | None = None,
    triangle: str = "lower",
    max_parameters: int | None = None,
    plot_matrix: PlotMatrix | None = None,
    backend: str | None = None,
    labeller: Any = None,
    aes_by_visuals: Mapping[str, Sequence[str]] | None = None,
    visuals: Visuals = None,
    stats: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> PlotMatrix:
    """Draw the posterior of each pair of parameters, with MLE, MAP and mean as points.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names, filter_vars, coords
        Which parameters to draw, as in ArviZ.
    marginal_kind, triangle, plot_matrix, backend, aes_by_visuals, stats
        As in ``arviz_plots.plot_pair``.
    max_parameters : int, optional
        Of more parameters, those with the largest gaps are drawn, and the title says so. By default
        as many as ``rcParams["plot.max_subplots"]`` of ArviZ allows (6, for 36 plots).
    labeller : arviz_base.labels.Labeller, optional
        Makes the labels.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``scatter``, ``contour``,
        ``contourf``, ``divergence``, ``dist``, ``xlabel``, ``ylabel`` as in
        ``arviz_plots.plot_pair``; ``MLE``, ``MAP`` and ``mean`` (passed to ``scatter_couple``),
        ``marginal_lines`` (passed to ``vline``), ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotMatrix``.

    Returns
    -------
    arviz_plots.PlotMatrix
        Each scalar parameter is a variable of its own, named by its label. The points are stored
        under ``viz["MLE"]``, ``viz["MAP"]`` and ``viz["mean"]``.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or there are fewer than two parameters to draw.

    See Also
    --------
    plot_estimates : Draw the posterior density of each parameter, with the estimates as lines.
    plot_gaps : Draw MLE and MAP against the posterior, in posterior sd from the posterior mean.

    Notes
    -----
    An estimate more than 6 posterior sd from the mean, infinite, or which does not exist, is not
    drawn; the title on the diagonal says where it is.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> pc = bp.plot_joint(dt, var_names=["theta", "two_heads"], backend="none")
    >>> mle = pc.viz["MLE"].values[1, 0]
    >>> mle["x"].item(), mle["y"].item()
    (1.0, 1.0)
    """
    limit = (
        math.isqrt(parameter_limit(None))
        if max_parameters is None
        else parameter_limit(max_parameters)
    )
    return draw_joint(
        marked(Selected.of(dt, var_names, filter_vars, coords), labeller, limit),
        dt["sample_stats"].to_dataset() if "sample_stats" in dt else None,
        marginal_kind=marginal_kind,
        triangle=triangle,
        plot_matrix=plot_matrix,
        backend=backend,
        aes_by_visuals=aes_by_visuals,
        visuals=visuals,
        stats=stats,
        **pc_kwargs,
    )


def draw_joint(
    marks: Marks,
    sample_stats: xr.Dataset | None,
    *,
    marginal_kind: str | None = None,
    triangle: str = "lower",
    plot_matrix: PlotMatrix | None = None,
    backend: str | None = None,
    aes_by_visuals: Mapping[str, Sequence[str]] | None = None,
    visuals: Visuals = None,
    stats: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> PlotMatrix:
    """Draw what has been selected already, as `plot_joint` does."""
    visuals = check_visuals(visuals, _VISUALS)
    n = len(marks.names)
    if n < 2:
        raise ComparisonError(
            f"plot_joint needs at least two parameters, got {n} ({marks.labels[marks.names[0]]})."
            " Select more, or use plot_estimates."
        )
    backend = backend_name(backend, plot_matrix)
    if plot_matrix is None:
        pc_kwargs = grid_arguments(pc_kwargs, backend, (2.0 * n + 1, 1.9 * n + 0.8))
    # As a picture inside the vector graphics: thousands of draws a panel would weigh megabytes.
    raster = {"rasterized": True} if backend == "matplotlib" else {}
    pc = plot_pair(
        xr.DataTree.from_dict(
            {"posterior": marks.draws(standardised=False)}
            | ({} if sample_stats is None else {"sample_stats": sample_stats})
        ),
        marginal_kind=marginal_kind,
        triangle=triangle,
        plot_matrix=plot_matrix,
        backend=backend,
        labeller=marks.labeller(with_absences=False),
        aes_by_visuals=aes_by_visuals,
        visuals={
            "scatter": visual_arguments(
                visuals, "scatter", {"color": "B3", "alpha": 0.25, "size": 6} | raster
            ),
            "dist": visual_arguments(visuals, "dist", {"color": "B2", "width": 1.5}),
            "divergence": visual_arguments(visuals, "divergence", {"color": "#CC79A7", "size": 12}),
            "contour": visual_arguments(visuals, "contour", False),
            "contourf": visual_arguments(visuals, "contourf", False),
            "xlabel": visual_arguments(visuals, "xlabel", {}),
            "ylabel": visual_arguments(visuals, "ylabel", {}),
        },
        stats=stats,
        **pc_kwargs,
    )
    order = list(pc.data.data_vars)
    for name in DRAWN:
        style = STYLES[name]
        # In the order of the panels: map_triangle pairs the variables in the order it is given.
        where = marks.at(name)[order]
        line = {"color": style.color, "linestyle": style.linestyle, "width": 1.5}
        lines = visual_arguments(visuals, "marginal_lines", line)
        if lines is not False:
            pc.map(vline, f"{name}_marginal", data=where, ignore_aes="all", **lines)
        hollow = name == "mean" or marks.is_faded(name)
        point = {
            "marker": marker_of(name, backend),
            "size": _SIZES[name],
            "width": 1.4,
            "edgecolor": style.color,
            "facecolor": "B0" if hollow else style.color,
        }
        kwargs = visual_arguments(visuals, name, point)
        if kwargs is not False:
            pc.map_triangle(
                scatter_couple,
                name,
                data=where,
                triangle=triangle,
                ignore_aes=pc.aes_set,
                **kwargs,
            )
    # The height of a density says nothing here, and its ticks read like those of a parameter.
    pc.map(remove_ticks, axis="y", ignore_aes="all", store_artist=False)
    for i, name in enumerate(marks.names):
        said = [text for e in ESTIMATORS if (text := marks.absence(e, i, in_sd=False))]
        if said:
            backend_module(backend).title("\n".join(said), pc.get_target(name, {}), size=10)
    finish(pc, marks, visuals, backend)
    return pc
