"""The profile of each parameter, over its posterior density and the quadratic approximation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from arviz_plots.visuals import fill_between_y, hline, line_xy, remove_axis, vline

from bayes_point.comparison.plots.legends import draw_legend
from bayes_point.comparison.plots.profile_panels import Panel, draws_by_label, panel_of
from bayes_point.comparison.plots.styling import (
    STYLES,
    Visuals,
    backend_name,
    check_visuals,
    grid_arguments,
    parameter_limit,
    visual_arguments,
)
from bayes_point.comparison.plots.titles import draw_titles
from bayes_point.errors import ComparisonError

__all__ = ["plot_profile"]

_VISUALS = (
    "posterior",
    "quadratic",
    "profile",
    "cutoff",
    "interval",
    "estimate",
    "title",
    "remove_axis",
    "legend",
)


def plot_profile(
    profiles: xr.DataTree,
    dt: xr.DataTree | None = None,
    *,
    var_names: str | Sequence[str] | None = None,
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw the profile likelihood of each parameter over its posterior and its quadratic.

    All are scaled to a maximum of one, so that one sees at a glance why an estimate, its standard
    error and the posterior differ: where profile and quadratic part, the standard error misleads;
    where profile and posterior part, the prior, or what is integrated over, makes the difference.
    The bar is the profile interval, at the height where the deviance is at its cut-off.

    Parameters
    ----------
    profiles : xarray.DataTree
        What `profile` returned.
    dt : xarray.DataTree, optional
        A tree with posterior draws, such as `fit` returns; without it no posterior is drawn.
    var_names : str or sequence of str, optional
        Which parameters of the profiles: variables (``"beta"``) or elements (``"beta[age]"``).
    max_parameters : int, optional
        Of more parameters, the first are drawn, and the title says so.  By default
        ``rcParams["plot.max_subplots"]`` of ArviZ (40).
    plot_collection, backend
        As in ``arviz_plots.plot_dist``.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``posterior`` (passed to
        ``fill_between_y``), ``quadratic``, ``profile``, ``interval`` (``line_xy``), ``cutoff``
        (``hline``), ``estimate`` (``vline``), ``title``, ``remove_axis``, ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.wrap``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each scalar parameter is a variable of its own, named by its label.

    Raises
    ------
    ComparisonError
        If `profiles` is no tree of profiles, or a parameter is not in it.

    See Also
    --------
    profile : Profile: the highest log density that is possible at each value of a scalar.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    >>> profiles = bp.profile(coin, ci_prob=0.95, progressbar=False)
    >>> pc = bp.plot_profile(profiles, dt, backend="none")
    >>> pc.viz["estimate"]["theta"].item()["x"]
    1.0
    """
    visuals = check_visuals(visuals, _VISUALS)
    backend = backend_name(backend, plot_collection)
    group = _profiles_of(profiles)
    estimator = str(profiles.attrs["estimator"])
    chosen = _chosen(group, var_names)
    shown = chosen[: parameter_limit(max_parameters)]
    draws = {} if dt is None else draws_by_label(dt)
    panels = [panel_of(group.sel(parameter=label), draws.get(label)) for label in shown]
    data = _dataset(panels, "estimate")
    if plot_collection is None:
        n = len(panels)
        columns = n if n <= 3 else (3 if n <= 6 else 4)
        size = (max(3.4 * columns, 5.5), 2.6 * math.ceil(n / columns) + 0.5)
        pc_kwargs = grid_arguments(pc_kwargs, backend, size, col_wrap=columns)
        plot_collection = PlotCollection.wrap(
            data, backend=backend, **({"cols": ["__variable__"]} | pc_kwargs)
        )
    pc, style = plot_collection, STYLES[estimator]
    cut = math.exp(-float(profiles.attrs["cutoff"]) / 2)

    def draw(name: str, visual: Any, values: xr.Dataset, default: Any) -> None:
        kwargs = visual_arguments(visuals, name, default)
        if kwargs is not False and values.data_vars:
            pc.map(visual, name, data=values, ignore_aes="all", **kwargs)

    draw("posterior", fill_between_y, _dataset(panels, "posterior"), _FILL)
    draw("cutoff", hline, _constant(panels, cut), {"color": "B2", "linestyle": "C1", "width": 0.8})
    draw("estimate", vline, data, {"color": style.color, "linestyle": "C1", "width": 1.2})
    draw("quadratic", line_xy, _dataset(panels, "quadratic"), _QUADRATIC)
    profile_line = {"color": style.color, "width": 2.2}
    draw("profile", line_xy, _dataset(panels, "profile"), profile_line)
    bar = {"color": style.color, "width": 5, "alpha": 0.55}
    draw("interval", line_xy, _bars(panels, cut), bar)
    # An estimate at infinity has no line, and its plot all the rest.
    every = _constant(panels, 0.0)
    draw_titles(pc, visuals, {panel.name: panel.title for panel in panels})
    if visual_arguments(visuals, "remove_axis", True) is not False:
        pc.map(remove_axis, data=every, store_artist=False, axis="y", ignore_aes="all")
    if len(shown) < len(chosen):
        pc.add_title(f"{len(shown)} of {len(chosen)} parameters: the first", size=11)
    entries = {
        _curve_name(profiles): profile_line,
        f"{100 * float(profiles.attrs['ci_prob']):g}% interval": bar,
    }
    if any(panel.quadratic.size for panel in panels):
        entries["quadratic approximation"] = _QUADRATIC
    entries[estimator] = {"color": style.color, "linestyle": "C1", "width": 1.2}
    if any(panel.posterior.size for panel in panels):
        entries["posterior density"] = {"color": _FILL["color"], "width": 8, "alpha": 0.35}
    draw_legend(pc, visuals, backend, entries, inches=0.085)
    return pc


_FILL = {"color": "B2", "alpha": 0.35}
_QUADRATIC = {"color": "B1", "linestyle": "C2", "width": 1.3}


def _curve_name(profiles: xr.DataTree) -> str:
    density = "likelihood" if profiles.attrs["estimator"] == "MLE" else "posterior"
    return f"{'slice of the' if profiles.attrs['slice'] else 'profile'} {density}"


def _profiles_of(profiles: Any) -> xr.Dataset:
    if not isinstance(profiles, xr.DataTree) or "profile" not in profiles.children:
        raise ComparisonError(
            f"Got {type(profiles).__name__} without a group profile: pass the DataTree that "
            "bp.profile(model) returns, and the posterior draws after it."
        )
    return profiles["profile"].to_dataset()


def _chosen(group: xr.Dataset, var_names: str | Sequence[str] | None) -> list[str]:
    labels = [str(label) for label in group["parameter"].values]
    if var_names is None:
        return labels
    asked = [var_names] if isinstance(var_names, str) else list(var_names)
    found = [label for label in labels if label in asked or label.split("[")[0] in asked]
    known = {*labels, *(label.split("[")[0] for label in labels)}
    if missing := [name for name in asked if name not in known]:
        raise ComparisonError(
            f"There is no profile of {', '.join(map(str, missing))}. The profiles are of "
            f"{', '.join(labels)}."
        )
    return found


def _dataset(panels: Sequence[Panel], what: str) -> xr.Dataset:
    """One variable a panel, those without the thing left out."""
    out = {}
    for panel in panels:
        values = getattr(panel, what)
        if what == "estimate":
            out[panel.name] = xr.DataArray(values)
        elif values.size:
            dim, names = ("plot_axis", ["x", "y"])
            array = xr.DataArray(values, dims=(dim, f"n_{panel.name}"), coords={dim: names})
            if what == "posterior":
                zero = xr.zeros_like(array.isel(plot_axis=0, drop=True))
                array = xr.concat(
                    [
                        array.sel(plot_axis="x", drop=True),
                        zero,
                        array.sel(plot_axis="y", drop=True),
                    ],
                    dim=xr.Variable("kwarg", ["x", "y_bottom", "y_top"]),
                )
            out[panel.name] = array
    return xr.Dataset(out)


def _constant(panels: Sequence[Panel], value: float) -> xr.Dataset:
    return xr.Dataset({panel.name: xr.DataArray(value) for panel in panels})


def _bars(panels: Sequence[Panel], height: float) -> xr.Dataset:
    return xr.Dataset(
        {
            panel.name: xr.DataArray(
                np.stack([panel.interval, np.full(2, height)]),
                dims=("plot_axis", "end"),
                coords={"plot_axis": ["x", "y"]},
            )
            for panel in panels
            if not np.any(np.isnan(panel.interval))
        }
    )
