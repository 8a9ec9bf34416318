"""A DataFrame that holds plain numbers and shows them with the digits that can be trusted."""

from __future__ import annotations

import html
from collections.abc import Hashable
from typing import Any

import pandas as pd

__all__ = ["SummaryFrame"]

Cell = tuple[float, str]


class SummaryFrame(pd.DataFrame):
    """The DataFrame of `summary`: numbers inside, rounded text and notes when it is shown.

    The numbers are raw: arithmetic, ``to_csv`` and ``df["mean"]`` see all digits. What is shown of
    a cell is the text made for that number; a cell whose number has been changed since shows the
    number itself, so that a derived frame never shows a stale text.
    """

    _metadata = ["_cells", "_notes"]  # noqa: RUF012 - the name and the type are pandas' own

    @property
    def _constructor(self) -> type[SummaryFrame]:
        return SummaryFrame

    def with_texts(
        self, cells: dict[tuple[Hashable, Hashable], Cell], notes: tuple[str, ...]
    ) -> SummaryFrame:
        """Return the same frame with a text for each cell, as (number, text), and notes below."""
        out = self.copy()
        out._cells = cells
        out._notes = notes
        return out

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences below the table: what the marks in it mean."""
        return tuple(getattr(self, "_notes", None) or ())

    def texts(self) -> pd.DataFrame:
        """Return the table as it is shown: a plain DataFrame of text.

        Returns
        -------
        pandas.DataFrame
            Same index and columns; every cell a str.
        """
        cells = self._texts_of_cells()
        out = pd.DataFrame(self).astype(object)
        for j, column in enumerate(out.columns):
            for i, row in enumerate(out.index):
                value = out.iat[i, j]
                # The other way round in a transposed frame.
                cell = cells.get((row, column)) or cells.get((column, row))
                kept = cell is not None and _same(cell[0], value)
                out.iat[i, j] = cell[1] if cell is not None and kept else _plain(value)
        return out

    def _texts_of_cells(self) -> dict[tuple[Hashable, Hashable], Cell]:
        return getattr(self, "_cells", None) or {}

    def __repr__(self) -> str:
        if not self._texts_of_cells():
            return repr(pd.DataFrame(self))
        rows = pd.get_option("display.max_rows")
        return "\n".join([self.texts().to_string(max_rows=rows), *self._foot()])

    def __str__(self) -> str:
        return repr(self)

    def to_string(self, *args: Any, **kwargs: Any) -> Any:
        """As `pandas.DataFrame.to_string`, of the rounded texts, without the notes."""
        return self.texts().to_string(*args, **kwargs)

    def to_html(self, *args: Any, **kwargs: Any) -> Any:
        """As `pandas.DataFrame.to_html`, of the rounded texts, without the notes."""
        return self.texts().to_html(*args, **kwargs)

    def to_markdown(self, *args: Any, **kwargs: Any) -> Any:
        """Return the rounded texts as a Markdown table, without the notes.

        With arguments, as `pandas.DataFrame.to_markdown`, which needs the package tabulate.
        """
        texts = self.texts()
        if args or kwargs:
            return texts.to_markdown(*args, **kwargs)
        head = [str(texts.index.name or ""), *map(str, texts.columns)]
        body = [[str(label), *row] for label, row in zip(texts.index, texts.values, strict=True)]
        rule = [":--", *["--:"] * len(texts.columns)]
        cells = [[str(c).replace("|", "\\|") for c in row] for row in [head, rule, *body]]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)

    def to_latex(self, *args: Any, **kwargs: Any) -> Any:
        """As `pandas.DataFrame.to_latex`, of the rounded texts, without the notes."""
        kwargs.setdefault("escape", True)
        return self.texts().to_latex(*args, **kwargs)

    def _repr_html_(self) -> str:
        if not self._texts_of_cells():
            return str(pd.DataFrame(self)._repr_html_())
        table = self.texts().to_html(max_rows=pd.get_option("display.max_rows"))
        return table + "".join(f"<p>{html.escape(note)}</p>" for note in self._foot())

    def _foot(self) -> tuple[str, ...]:
        # The notes are about these columns: a selection without them does not need them.
        return self.notes if {"MLE", "MAP", "total"} & set(self.columns) else ()


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _same(known: float, value: Any) -> bool:
    return bool(known == value) or (known != known and value != value)
