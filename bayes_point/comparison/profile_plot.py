"""The profile of each parameter, over its posterior density and the quadratic approximation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_base.labels import BaseLabeller
from arviz_plots import PlotCollection
from arviz_plots.visuals import fill_between_y, hline, labelled_title, line_xy, remove_axis, vline
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from bayes_point.comparison.draws import MIN_DRAWS
from bayes_point.comparison.scalars import flatten, scalars
from bayes_point.comparison.styling import (
    STYLES,
    Visuals,
    backend_module,
    backend_name,
    check_visuals,
    grid_arguments,
    parameter_limit,
    visual_arguments,
)
from bayes_point.comparison.validate import SAMPLE_DIMS, posterior_of
from bayes_point.errors import ComparisonError

__all__ = ["plot_profile"]

Array = NDArray[np.float64]

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
# Where the quadratic approximation ends to be drawn: its relative likelihood is then below 1 %.
_TAIL = 3.1
_OPEN = {
    "edge of the support": "edge of the support",
    "edge": "edge",
    "infinity": "",
    "not identified": "not identified",
    "not converged": "not converged",
    "disjoint": "in pieces",
}


@dataclass(frozen=True)
class _Panel:
    """What is drawn of one parameter; curves are (2, n), x above y, the maximum being 1."""

    name: str
    profile: Array
    quadratic: Array
    posterior: Array
    interval: Array
    estimate: float
    title: str


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
    draws = {} if dt is None else _draws(dt)
    panels = [_panel(group.sel(parameter=label), draws.get(label)) for label in shown]
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
    kwargs = visual_arguments(visuals, "title", {"size": 12})
    if kwargs is not False:
        titles = _Titles({panel.name: panel.title for panel in panels})
        pc.map(
            labelled_title,
            "title",
            data=every,
            ignore_aes="all",
            labeller=titles,
            subset_info=True,
            **kwargs,
        )
    if visual_arguments(visuals, "remove_axis", True) is not False:
        pc.map(remove_axis, data=every, store_artist=False, axis="y", ignore_aes="all")
    if len(shown) < len(chosen):
        pc.add_title(f"{len(shown)} of {len(chosen)} parameters: the first", size=11)
    entries = {
        _curve_name(profiles): profile_line,
        f"{100 * float(profiles.attrs['ci_prob']):g} % interval": bar,
    }
    if any(panel.quadratic.size for panel in panels):
        entries["quadratic approximation"] = _QUADRATIC
    entries[estimator] = {"color": style.color, "linestyle": "C1", "width": 1.2}
    if any(panel.posterior.size for panel in panels):
        entries["posterior density"] = {"color": _FILL["color"], "width": 8, "alpha": 0.35}
    _legend(pc, visuals, backend, entries)
    return pc


_FILL = {"color": "B2", "alpha": 0.35}
_QUADRATIC = {"color": "B1", "linestyle": "C2", "width": 1.3}


class _Titles(BaseLabeller):
    """Titles looked up by the name of the variable."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def make_label_vert(self, var_name: str | None, sel: Any, isel: Any) -> str:
        return self._titles.get(str(var_name), str(var_name))


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


def _draws(dt: xr.DataTree) -> dict[str, Array]:
    """Return the posterior draws of each scalar by its label."""
    posterior = posterior_of(dt)
    x = flatten(posterior, SAMPLE_DIMS)
    return {row.label: x[..., i].ravel() for i, row in enumerate(scalars(posterior, SAMPLE_DIMS))}


def _panel(row: xr.Dataset, draws: Array | None) -> _Panel:
    label = str(row["parameter"].item())
    value, root = row["value"].values, row["signed_root"].values
    profile = np.stack([value, np.exp(-0.5 * root**2)])
    estimate, stderr = float(row["estimate"]), float(row["stderr"])
    drawn = value[np.isfinite(value)]
    low, high = (float(drawn.min()), float(drawn.max())) if drawn.size else (0.0, 1.0)
    quadratic = np.empty((2, 0))
    if np.isfinite(estimate) and np.isfinite(stderr) and stderr > 0:
        wide = 0.1 * (high - low)
        x = np.linspace(
            max(estimate - _TAIL * stderr, low - wide),
            min(estimate + _TAIL * stderr, high + wide),
            100,
        )
        quadratic = np.stack([x, np.exp(-0.5 * ((x - estimate) / stderr) ** 2)])
    interval = row["interval"].values
    ends = np.where(np.isfinite(interval), interval, [low, high])
    ends = np.where(np.isnan(interval), np.nan, ends)
    return _Panel(
        label.replace("/", "∕"),
        profile,
        quadratic,
        _density(draws, low, high),
        ends,
        estimate if np.isfinite(estimate) else np.nan,
        _title(label, interval, [str(reason) for reason in row["reason"].values]),
    )


def _density(draws: Array | None, low: float, high: float) -> Array:
    """Return the posterior density, the maximum being 1, near where the profile is drawn."""
    if draws is None or draws.size < MIN_DRAWS or not np.all(np.isfinite(draws)):
        return np.empty((2, 0))
    if np.ptp(draws) == 0:
        return np.empty((2, 0))
    # Far outliers would make the grid of the density coarse where it is looked at.
    wide = 0.5 * (high - low)
    near = draws[(draws > low - wide) & (draws < high + wide)]
    if near.size < MIN_DRAWS:
        return np.empty((2, 0))
    x, y, _ = array_stats.kde(near)
    return np.stack([x, y / y.max()])


def _title(label: str, interval: Array, reasons: Sequence[str]) -> str:
    def end(at: float, reason: str) -> str:
        if np.isnan(at):
            return "?"
        text = "∞" if np.isinf(at) else f"{abs(at):.3g}"
        return f"{'−' if at < 0 else ''}{text}"

    said = ", ".join(dict.fromkeys(_OPEN[r] for r in reasons if _OPEN.get(r)))
    lower, upper = (end(at, reason) for at, reason in zip(interval, reasons, strict=True))
    return f"{label}\n{lower} to {upper}" + (f" ({said})" if said else "")


def _dataset(panels: Sequence[_Panel], what: str) -> xr.Dataset:
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


def _constant(panels: Sequence[_Panel], value: float) -> xr.Dataset:
    return xr.Dataset({panel.name: xr.DataArray(value) for panel in panels})


def _bars(panels: Sequence[_Panel], height: float) -> xr.Dataset:
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


def _legend(
    pc: Any, visuals: Mapping[str, Any], backend: str, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    default: dict[str, Any] = {}
    if backend == "matplotlib":
        figure = pc.get_viz("figure")
        widths = [0.8 + 0.085 * len(label) for label in entries]
        room = figure.get_size_inches()[0]
        columns = len(widths) if sum(widths) <= room else int(room / max(widths))
        default = {
            "loc": "outside lower center" if figure.get_layout_engine() else "lower center",
            "ncols": max(1, columns),
            "frameon": False,
            "fontsize": 10,
        }
    kwargs = visual_arguments(visuals, "legend", default)
    if kwargs is not False:
        backend_module(backend).legend(
            pc, [dict(e) for e in entries.values()], list(entries), update_visuals=False, **kwargs
        )
