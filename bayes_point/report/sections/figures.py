"""A plot as a picture inside the page, drawn apart from the user's own matplotlib."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SVG_LIMIT = 150_000
"""Bytes. A larger SVG (thousands of points) becomes a WebP."""

CSS_PIXELS_PER_INCH = 96

RASTER_DPI = 2 * CSS_PIXELS_PER_INCH

STYLE = [
    "default",
    "arviz-variat",
    {
        "axes.titleweight": "normal",
        "axes.titlesize": 13,
        "axes.labelsize": 12,
        "xtick.labelsize": 11,
        "ytick.labelsize": 11,
        "legend.fontsize": 11,
        # Names come from users: a dollar sign in one is not the start of a formula.
        "text.parse_math": False,
        "svg.fonttype": "path",
        # The same tree gives the same bytes.
        "svg.hashsalt": "bayes_point",
    },
]


@dataclass(frozen=True)
class Figure:
    """A picture of the page.

    Attributes
    ----------
    src : str
        Data URI.
    width, height : int
        Size in CSS pixels.
    alt : str
        What there is to see, in words.
    caption : str
        How to read it.
    """

    src: str
    width: int
    height: int
    alt: str
    caption: str


def draw(plot: Callable[[], Any], *, alt: str, caption: str) -> Figure:
    """Call `plot`, which returns a figure or a PlotCollection of matplotlib; keep it as a picture.

    Neither the rcParams nor the open figures nor the backend of the user change.
    """
    with _own_matplotlib():
        made = plot()
        figure = made.get_viz("figure") if hasattr(made, "get_viz") else made
        svg = _save(figure, "svg", metadata={"Date": None})
        data, kind = svg, "svg+xml"
        if len(svg) > SVG_LIMIT:
            data, kind = (
                _save(figure, "webp", dpi=RASTER_DPI, pil_kwargs={"lossless": True}),
                "webp",
            )
        width, height = (round(x * CSS_PIXELS_PER_INCH) for x in figure.get_size_inches())
    src = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Figure(src=src, width=width, height=height, alt=alt, caption=caption)


@contextmanager
def _own_matplotlib() -> Iterator[None]:
    import arviz_plots  # noqa: F401  (registers the styles of ArviZ)
    import matplotlib.pyplot as plt
    from arviz_base import rc_context

    before = set(plt.get_fignums())
    try:
        with (
            plt.ioff(),
            plt.style.context(STYLE),
            rc_context({"plot.backend": "matplotlib"}),
            warnings.catch_warnings(),
        ):
            # A name in a script that the font lacks: boxes in the figure, the name in the table.
            warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
            yield
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _save(figure: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    # Transparent at the last moment: arviz-plots picks its greys to contrast with the background.
    figure.savefig(buffer, format=kind, transparent=True, **options)
    return buffer.getvalue()
