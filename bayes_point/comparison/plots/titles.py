"""The titles of plots: one a variable, and one over all if some were left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from arviz_base.labels import BaseLabeller
from arviz_plots.visuals import labelled_title

from bayes_point.comparison.plots.styling import visual_arguments

__all__ = ["Titles", "draw_titles"]


class Titles(BaseLabeller):
    """Titles looked up by the name of the variable."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def make_label_vert(self, var_name: str | None, sel: Any, isel: Any) -> str:
        """Return the title of a variable."""
        return self._titles.get(str(var_name), str(var_name))

    make_label_flat = make_label_vert


def draw_titles(
    collection: Any, visuals: Mapping[str, Mapping[str, Any] | bool], titles: Mapping[str, str]
) -> None:
    """Put a title over the plot of each variable, unless `visuals` leave the titles out."""
    kwargs = visual_arguments(visuals, "title", {"size": 12})
    if kwargs is not False:
        collection.map(
            labelled_title,
            "title",
            data=xr.Dataset(dict.fromkeys(titles, 0.0)),
            ignore_aes="all",
            labeller=Titles(titles),
            subset_info=True,
            **kwargs,
        )
