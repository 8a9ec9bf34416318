"""Pictures: vector while that is small, the same bytes every time, and nothing left behind."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from bayes_point.report.sections.figures import SVG_LIMIT, Figure, draw


class Plot:
    """What a PlotCollection is to `draw`."""

    def __init__(self, points: int, title: str = "") -> None:
        self.figure, axes = plt.subplots(figsize=(4, 3))
        x = np.random.default_rng(1).normal(size=(2, points))
        axes.plot(*x, "o")
        axes.set_title(title)

    def get_viz(self, name: str) -> Any:
        assert name == "figure"
        return self.figure


def drawn(points: int, title: str = "") -> Figure:
    return draw(lambda: Plot(points, title), alt="dots", caption="Dots.")


def content(figure: Figure) -> bytes:
    return base64.b64decode(figure.src.partition(";base64,")[2])


def test_a_small_figure_is_a_vector_picture() -> None:
    figure = drawn(20)
    assert figure.src.startswith("data:image/svg+xml;base64,")
    assert (figure.width, figure.height) == (384, 288)
    assert (figure.alt, figure.caption) == ("dots", "Dots.")


def test_a_large_one_is_a_raster_picture_of_twice_the_resolution() -> None:
    figure = drawn(4000)
    assert figure.src.startswith("data:image/webp;base64,")
    assert len(content(figure)) < SVG_LIMIT
    picture = Image.open(io.BytesIO(content(figure)))
    assert picture.size == (2 * figure.width, 2 * figure.height)
    # Transparent, so that it stands on light and on dark paper.
    assert picture.getpixel((0, 0))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("points", [20, 4000])
def test_the_same_plot_gives_the_same_bytes(points: int) -> None:
    assert drawn(points) == drawn(points)


def test_names_are_no_formulas_and_may_be_in_any_script() -> None:
    plain = content(drawn(5, "a$\\frac{$b"))
    assert b"<svg" in plain
    assert content(drawn(5, "変数")) != plain


def test_no_figure_stays_open() -> None:
    before = plt.get_fignums()
    drawn(5)
    assert plt.get_fignums() == before
