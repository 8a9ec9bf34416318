"""What the figures share: colours, markers, size, and how their arguments are read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from arviz_base import rcParams

from bayes_point.errors import ComparisonError

__all__ = [
    "DRAWN",
    "STYLES",
    "Coords",
    "Selection",
    "Visuals",
    "backend_module",
    "backend_name",
    "check_visuals",
    "grid_arguments",
    "marker_of",
    "parameter_limit",
    "visual_arguments",
]

Selection = str | Sequence[str] | None
Coords = Mapping[Hashable, Any] | None
Visuals = Mapping[str, Mapping[str, Any] | bool] | None


@dataclass(frozen=True)
class Style:
    """How an estimate looks in every figure; the colours are those of Okabe and Ito."""

    color: str
    marker: Mapping[str, str]
    linestyle: str


STYLES = {
    "MLE": Style("#D55E00", {"bokeh": "triangle", "plotly": "triangle-up"}, "C1"),
    "MAP": Style("#0072B2", {"bokeh": "square", "plotly": "square"}, "C3"),
    "mean": Style("B1", {"bokeh": "circle", "plotly": "circle"}, "C0"),
}
DRAWN = ("mean", "MLE", "MAP")
"""The order of drawing: where estimates coincide, the smaller mark lies on the larger."""

_BACKENDS = ("matplotlib", "bokeh", "plotly", "none")
_MARKERS = {"MLE": "^", "MAP": "s", "mean": "o"}


def marker_of(estimator: str, backend: str) -> str:
    """Name of the marker of an estimator in a backend."""
    return STYLES[estimator].marker.get(backend, _MARKERS[estimator])


def backend_module(backend: str) -> Any:
    """Return the module of arviz_plots that draws with a backend."""
    return import_module(f"arviz_plots.backend.{backend}")


def backend_name(backend: str | None, collection: Any) -> str:
    """Return the backend asked for, that of the collection, or ArviZ's default."""
    if backend is not None:
        if backend not in _BACKENDS or (backend != "none" and find_spec(backend) is None):
            there = [name for name in _BACKENDS if name == "none" or find_spec(name)]
            raise ComparisonError(
                f"backend must be one that is installed, of {', '.join(map(repr, _BACKENDS))}; got "
                f"{backend!r}. Here are: {', '.join(map(repr, there))}."
            )
        return backend
    return str(rcParams["plot.backend"] if collection is None else collection.backend)


def parameter_limit(most: int | None) -> int:
    """Return `most` if it is a positive number, and the limit that ArviZ sets if it is None."""
    if most is None:
        # ArviZ takes None for no limit; a figure needs one.
        return int(rcParams["plot.max_subplots"] or 40)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ComparisonError(f"max_parameters must be a positive whole number, got {most!r}.")
    return most


def check_visuals(visuals: Visuals, allowed: Sequence[str]) -> dict[str, Mapping[str, Any] | bool]:
    """Return `visuals` as a dict whose keys are all known."""
    unknown = [str(k) for k in visuals or {} if k not in allowed]
    if unknown:
        raise ComparisonError(
            f"visuals has the keys {', '.join(unknown)}, which this figure does not have; its"
            f" visuals are {', '.join(allowed)}."
        )
    return dict(visuals or {})


def visual_arguments(
    visuals: Mapping[str, Mapping[str, Any] | bool],
    name: str,
    default: Mapping[str, Any] | bool,
) -> Any:
    """Keyword arguments of a visual: the defaults, and over them the user's; False for none."""
    given = visuals.get(name, default)
    if given is False:
        return False
    base = {} if isinstance(default, bool) else dict(default)
    return base if given is True else base | dict(given)


def grid_arguments(
    pc_kwargs: Mapping[str, Any], backend: str, size: tuple[float, float], **defaults: Any
) -> dict[str, Any]:
    """Arguments of a new plot collection: the defaults, and over them the user's."""
    # Only matplotlib knows inches; 100 dots to the inch is what ArviZ takes for the others.
    dots = tuple(100 * side for side in size)
    figure: dict[str, Any] = {"figsize": dots, "figsize_units": "dots"}
    if backend == "matplotlib":
        # It makes room for the legend and for long labels, so that nothing is cut off.
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        figure |= {"figsize": size, "figsize_units": "inches"}
        figure["layout"] = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.06)
    out = defaults | dict(pc_kwargs)
    out["figure_kwargs"] = figure | dict(pc_kwargs.get("figure_kwargs") or {})
    if "aes" in defaults:
        out["aes"] = defaults["aes"] | dict(pc_kwargs.get("aes") or {})
    return out
