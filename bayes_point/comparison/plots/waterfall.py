"""Why the estimates differ, as a picture: from the MLE to the posterior mean, step by step."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_base.labels import BaseLabeller
from arviz_plots import PlotCollection
from numpy.typing import NDArray

from bayes_point.comparison.causes.explain import NOISE, Explanation, explained
from bayes_point.comparison.causes.explanation import draws_in_words
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.plots.legends import draw_legend
from bayes_point.comparison.plots.marks import FAR, by_gap
from bayes_point.comparison.plots.styling import (
    STYLES,
    Coords,
    Selection,
    Visuals,
    backend_module,
    backend_name,
    check_visuals,
    grid_arguments,
    parameter_limit,
    visual_arguments,
)
from bayes_point.comparison.plots.titles import draw_titles
from bayes_point.errors import ComparisonError

__all__ = ["draw_waterfall", "largest", "plot_waterfall"]

_VISUALS = ("bar", "noise", "mcse", "link", "value", "reference", "title", "legend")

# The rows from top to bottom: term, where it starts and ends, label, colour (Okabe and Ito).
_ROWS = (
    ("prior", "MLE", "MAP", "prior", "#0072B2"),
    ("parametrisation", "MAP", "mode", "parametrisation", "#009E73"),
    ("marginal", "mode", "marginal mode", "joint vs marginal", "#CC79A7"),
    ("skew", "marginal mode", "mean", "skew", "#D55E00"),
)
_HALF = 0.33
_WIDTH = 30


def plot_waterfall(
    dt: xr.DataTree,
    *,
    var_names: Selection = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    sort: bool = False,
    max_parameters: int | None = None,
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    labeller: Any = None,
    visuals: Visuals = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what `explain` finds: the steps from the MLE to the posterior mean, in posterior sd.

    One plot a scalar parameter. Each bar begins where the one above it ends; the last ends at the
    posterior mean, at 0. A pale bar is within error of 0, and the line across the end of a bar is
    twice its Monte Carlo error to either side. A step whose Monte Carlo error exceeds the gap has
    no bar: the row says how many draws would determine it.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names, filter_vars, coords
        Which parameters to draw, as in ArviZ.
    sort : bool, default False
        Put the largest gap first instead of keeping the order of the model.
    max_parameters : int, optional
        Of more parameters, those with the largest gaps are drawn, and the title says so. By default
        ``rcParams["plot.max_subplots"]`` of ArviZ (40).
    plot_collection : arviz_plots.PlotCollection, optional
        Where to draw, as returned by this function for the same parameters.
    backend : {"matplotlib", "bokeh", "plotly", "none"}, optional
        ``rcParams["plot.backend"]`` of ArviZ by default.
    labeller : arviz_base.labels.Labeller, optional
        Makes the titles, from the labels of the parameters.
    visuals : mapping of {str : mapping or False}, optional
        Keyword arguments of the visuals, or False to leave one out: ``bar`` and ``noise`` (passed
        to ``fill_between_y`` of the backend), ``mcse`` and ``link`` (``line``), ``value``
        (``text``), ``reference``
        (``line``), ``title``, ``legend``.
    **pc_kwargs
        Passed to ``arviz_plots.PlotCollection.wrap``.

    Returns
    -------
    arviz_plots.PlotCollection
        Each scalar parameter is a variable of its own, named by its label.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or there is nothing to draw.

    See Also
    --------
    explain : Distance from the MLE to the posterior mean as a sum of causes, in posterior sd.

    Notes
    -----
    Where a point does not exist, the steps from and to it have no bar, and the row says why. A
    point more than 6 posterior sd from the mean is beyond the axis; its number is there.

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> pc = bp.plot_waterfall(dt, var_names="theta", backend="none")
    >>> list(pc.viz["bar_prior"])
    ['theta']
    """
    return draw_waterfall(
        explained(Selected.of(dt, var_names, filter_vars, coords)),
        sort=sort,
        max_parameters=max_parameters,
        plot_collection=plot_collection,
        backend=backend,
        labeller=labeller,
        visuals=visuals,
        **pc_kwargs,
    )


def draw_waterfall(
    found: Explanation,
    *,
    sort: bool,
    max_parameters: int | None,
    plot_collection: PlotCollection | None,
    backend: str | None,
    labeller: Any,
    visuals: Visuals,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Draw what has been explained already, as `plot_waterfall` does."""
    visuals = check_visuals(visuals, _VISUALS)
    drawable = int(np.isfinite(found.points["mean"]).sum())
    if not drawable:
        raise ComparisonError(
            "Nothing to draw: the posterior draws of"
            f" {', '.join(r.label for r in found.rows[:5])} are constant or not finite."
        )
    most = parameter_limit(max_parameters)
    chosen = largest(found)[:most]
    if not sort:
        chosen = np.sort(chosen)
    backend = backend_name(backend, plot_collection)
    # A DataTree takes no slash in the name of a variable.
    names = {int(i): found.rows[i].label.replace("/", "∕") for i in chosen}
    columns = 1
    if plot_collection is None:
        n = len(names)
        columns = n if n <= 3 else (2 if n == 4 else 3)
        size = (max(3.6 * columns, 5.0), 2.3 * math.ceil(n / columns) + 0.5)
        plot_collection = PlotCollection.wrap(
            xr.Dataset(dict.fromkeys(names.values(), 0.0)),
            backend=backend,
            **grid_arguments(pc_kwargs, backend, size, cols=["__variable__"], col_wrap=columns),
        )
        columns = int(pc_kwargs.get("col_wrap", columns))
    pc = plot_collection
    drawer = backend_module(backend)
    labels = labeller or BaseLabeller()
    reference = visual_arguments(visuals, "reference", {"color": "B2", "width": 1})
    if reference is not False:
        bars = xr.Dataset({n: ("row", _has_bar(found, i)) for i, n in names.items()})
        pc.map(_zero, "reference", data=bars, ignore_aes="all", drawer=drawer, **reference)
    frames = {name: _frame(found, i) for i, name in names.items()}
    for k, row in enumerate(_ROWS):
        _draw_row(pc, drawer, found, names, frames, visuals, k, row)
    for k, name in enumerate(names.values()):
        target = pc.get_target(name, {})
        low, high = frames[name]
        drawer.xlim((low, high), target)
        drawer.ylim((-len(_ROWS) + 0.4, 0.6), target)
        # Those to the right of others have the same rows.
        rows = [r[3] if k % columns == 0 else "" for r in _ROWS]
        drawer.yticks([-j for j in range(len(rows))], rows, target)
        if k + columns >= len(names):
            drawer.xlabel("posterior sd from mean", target)
        if backend == "matplotlib":
            target.spines[["top", "left", "right"]].set_visible(False)
            target.tick_params(axis="y", length=0)
            target.locator_params(axis="x", nbins=4)
    titles = {
        name: textwrap.fill(
            str(labels.make_label_vert(found.rows[i].label, {}, {})).split("\n")[0], _WIDTH
        )
        for i, name in names.items()
    }
    draw_titles(pc, visuals, titles)
    if len(names) < drawable:
        pc.add_title(f"{len(names)} of {drawable} parameters: those with the largest gaps", size=11)
    entries = {
        "posterior mean": {"color": "B2", "width": 1},
        "within error of 0": {"color": "#999999", "width": 7, "alpha": 0.35},
        "± 2 Monte Carlo errors": {"color": STYLES["mean"].color, "width": 1.2},
    }
    if not any(found.noise[row[0]][i] for i in names for row in _ROWS):
        del entries["within error of 0"]
    draw_legend(pc, visuals, backend, entries)
    return pc


def largest(found: Explanation) -> NDArray[np.intp]:
    """Parameters whose draws vary, those with the largest gaps first."""
    varies = np.flatnonzero(np.isfinite(found.points["mean"]))
    return varies[by_gap(found.points["MLE"][varies], found.points["MAP"][varies])]


def _frame(found: Explanation, i: int) -> tuple[float, float]:
    """Limits of the axis: the points that are not too far, and room for the numbers."""
    ends = [float(found.points[p][i]) for p in ("MLE", "MAP", "mode", "marginal mode", "mean")]
    # A step that is not determined has no bar.
    error = NOISE * float(np.nan_to_num(found.mcse["skew"][i])) * (found.needed["skew"][i] == 0)
    ends += [ends[3] - error, ends[3] + error]
    near = [x for x in ends if abs(x) <= FAR]
    low, high = min(near), max(near)
    # Never so near that noise looks like a mountain.
    width = max(high - low, 0.6)
    middle = (low + high) / 2
    return middle - 0.95 * width, middle + 0.95 * width


def _draw_row(
    pc: PlotCollection,
    drawer: Any,
    found: Explanation,
    names: Mapping[int, str],
    frames: Mapping[str, tuple[float, float]],
    visuals: Mapping[str, Any],
    k: int,
    row: Sequence[str],
) -> None:
    term, start, end, _, color = row

    def draw(visual: str, function: Any, values: Mapping[str, Any], default: Any) -> None:
        kwargs = visual_arguments(visuals, visual, default)
        if kwargs is not False and values:
            data = xr.Dataset({n: xr.DataArray(np.asarray(v, float)) for n, v in values.items()})
            pc.map(
                function, f"{visual}_{term}", data=data, ignore_aes="all", drawer=drawer, y=-k,
                **kwargs,
            )  # fmt: skip

    ends = {n: (found.points[start][i], found.points[end][i]) for i, n in names.items()}
    bars = {n: np.clip(x, *frames[n]) for n, x in ends.items() if np.isfinite(x).all()}
    open_ = {n for i, n in names.items() if found.needed[term][i] > 0}
    noise = {n: bool(found.noise[term][i]) for i, n in names.items()}
    draw(
        "bar",
        _bar,
        {n: x for n, x in bars.items() if not noise[n] and n not in open_},
        {"color": color},
    )
    pale = {"color": "#999999", "alpha": 0.35}
    draw("noise", _bar, {n: x for n, x in bars.items() if noise[n] and n not in open_}, pale)
    errors = {n: NOISE * float(found.mcse[term][i]) for i, n in names.items()}
    across = {n: (x[1] - errors[n], x[1] + errors[n]) for n, x in ends.items() if n in bars}
    if term == "skew":  # it ends at the mean, which is where we measure from
        across = {n: (x[0] - errors[n], x[0] + errors[n]) for n, x in ends.items() if n in bars}
    across = {
        n: np.clip(x, *frames[n]) for n, x in across.items() if errors[n] > 0 and n not in open_
    }
    draw("mcse", _level, across, {"color": STYLES["mean"].color, "width": 1.2})
    if k + 1 < len(_ROWS):
        draw(
            "link",
            _link,
            {n: x[1] for n, x in bars.items() if n not in open_},
            {"color": "B2", "width": 0.8},
        )
    for i, n in names.items():
        text, x, align = _words(found, term, (start, end), i, bars.get(n), frames[n])
        kwargs = visual_arguments(visuals, "value", {"size": 10, "color": "B1"})
        if kwargs is not False:
            target = pc.get_target(n, {})
            drawer.text(
                x, -k, text, target, horizontal_align=align, vertical_align="center", **kwargs
            )


def _words(
    found: Explanation,
    term: str,
    ends: tuple[str, str],
    i: int,
    bar: NDArray[np.float64] | None,
    frame: tuple[float, float],
) -> tuple[str, float, str]:
    """Return what to write beside a bar, where, and on which side of it."""
    low, high = frame
    room = 0.03 * (high - low)
    if bar is None:
        why = next((found.missing[i][p] for p in ends if p in found.missing[i]), "no value")
        who = next((p for p in ends if p in found.missing[i]), ends[0])
        return f"{who}: {why}", low + room, "left"
    if (needed := float(found.needed[term][i])) > 0:
        return f"needs {draws_in_words(needed)}", low + room, "left"
    value, error = float(found.shift[term][i]), float(found.mcse[term][i])
    text = f"{value:+.{1 if error >= 0.25 else 2}f}".replace("-", "−")
    if value == 0 or float(text.replace("−", "-")) == 0:
        text = "0"
    reach = NOISE * error if term != "prior" and term != "parametrisation" else 0.0
    right, left = float(bar.max()), float(bar.min())
    tip = bar[0] if term == "skew" else bar[1]
    right, left = max(right, tip + reach), min(left, tip - reach)
    # Within the frame, even where the bar or its error is not.
    inset = 0.23 * (high - low)
    right, left = min(right, high - inset), max(left, low + inset)
    # To the side that has more room, and beyond the line at 0 where it would cross the number.
    if high - right >= left - low:
        x = right + room
        return text, room if x < room and x + inset > 0 else x, "left"
    x = left - room
    return text, -room if x > -room and x - inset < 0 else x, "right"


def _has_bar(found: Explanation, i: int) -> NDArray[np.bool_]:
    """Whether each row has a bar, and not words that a line would cross."""
    ends = [(found.points[start][i], found.points[end][i]) for _, start, end, *_ in _ROWS]
    known = [found.needed[term][i] == 0 for term, *_ in _ROWS]
    return np.isfinite(ends).all(1) & np.array(known)


def _zero(da: xr.DataArray, target: Any, *, drawer: Any, **kwargs: Any) -> Any:
    """Draw the line at 0, from one row to the next, but not through words."""
    y = [(0.5 - k, -0.5 - k) if there else (np.nan, np.nan) for k, there in enumerate(da.values)]
    return drawer.line(np.zeros(2 * len(y)), np.ravel(y), target, **kwargs)


def _bar(da: xr.DataArray, target: Any, *, drawer: Any, y: float, **kwargs: Any) -> Any:
    x, flat = np.sort(da.values), np.ones(2)
    return drawer.fill_between_y(x, (y - _HALF) * flat, (y + _HALF) * flat, target, **kwargs)


def _level(da: xr.DataArray, target: Any, *, drawer: Any, y: float, **kwargs: Any) -> Any:
    return drawer.line(da.values, np.full(2, y), target, **kwargs)


def _link(da: xr.DataArray, target: Any, *, drawer: Any, y: float, **kwargs: Any) -> Any:
    ends = np.array([y - _HALF, y - 1 + _HALF])
    return drawer.line(np.full(2, float(da)), ends, target, **kwargs)
