"""The legend below a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.marks import Marks
from bayes_point.comparison.plots.styling import STYLES, backend_module, marker_of, visual_arguments

__all__ = ["draw_legend", "finish", "point_entry"]


def point_entry(estimator: str, color: str, backend: str, *, hollow: bool) -> dict[str, Any]:
    """Return the legend entry of an estimate that is drawn as a point."""
    if backend != "matplotlib":
        return {"color": color}
    face = backend_module(backend).get_background_color() if hollow else color
    return {
        "color": color,
        "marker": marker_of(estimator, backend),
        "linestyle": "none",
        "markersize": 8,
        "markerfacecolor": face,
    }


def draw_legend(
    collection: Any,
    visuals: Mapping[str, Mapping[str, Any] | bool],
    backend: str,
    entries: Mapping[str, Mapping[str, Any]],
    *,
    inches: float = 0.08,
) -> None:
    """Add a legend of labelled `entries` below the figure, in as many columns as have room.

    `inches` is what a letter takes, about.
    """
    default: dict[str, Any] = {}
    if backend == "matplotlib":
        figure = collection.get_viz("figure")
        widths = [0.8 + inches * len(label) for label in entries]
        room = figure.get_size_inches()[0]
        columns = len(widths) if sum(widths) <= room else int(room / max(widths))
        default = {
            "loc": "outside lower center" if figure.get_layout_engine() else "lower center",
            "ncols": max(1, columns),
            "frameon": False,
            # Not the style's own: the number of columns was reckoned with this size.
            "fontsize": 10,
        }
    kwargs = visual_arguments(visuals, "legend", default)
    if kwargs is not False:
        handles = [dict(entry) for entry in entries.values()]
        backend_module(backend).legend(
            collection, handles, list(entries), update_visuals=False, **kwargs
        )


def finish(
    collection: Any,
    marks: Marks,
    visuals: Mapping[str, Mapping[str, Any] | bool],
    backend: str,
    *,
    lines: bool = False,
    extra: tuple[str, Mapping[str, Any]] | None = None,
) -> None:
    """Add the legend of the estimators, and a title if parameters were left out."""
    if marks.left_out:
        collection.add_title(marks.left_out, size=11)
    entries: dict[str, Mapping[str, Any]] = {}
    for name, style in STYLES.items():
        if name in ESTIMATORS and not marks.drawn(name).any():
            continue  # each plot says where it is
        entry: dict[str, Any] = {"color": style.color}
        if lines:
            entry |= {"linestyle": style.linestyle, "width": 2}
        else:
            hollow = name == "mean" or marks.is_faded(name)
            entry = point_entry(name, style.color, backend, hollow=hollow)
        entries[marks.legend(name)] = entry
    if extra is not None:
        entries[extra[0]] = dict(extra[1])
    draw_legend(collection, visuals, backend, entries, inches=0.075)
