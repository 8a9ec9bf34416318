"""Numbers and counts as a reader wants them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any


def number(value: float, *, digits: int = 6) -> str:
    """Return `value` to `digits` significant digits, in words where it is not finite.

    Examples
    --------
    >>> number(-12.5), number(1234567.0), number(-0.0), number(float("-inf")), number(float("nan"))
    ('−12.5', '1.23457e+06', '0', '−∞', 'undefined')
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    # Zero has no sign; a minus sign, unlike a hyphen, is as wide as a plus.
    return f"{value + 0.0:.{digits}g}".replace("-", "−", 1 if value < 0 else 0)


def plural(count: int, noun: str) -> str:
    """Return the count with its noun.

    Examples
    --------
    >>> plural(1, "start"), plural(8, "start"), plural(0, "draw")
    ('1 start', '8 starts', '0 draws')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sentence(text: str, names: Iterable[str] = ()) -> str:
    """Return `text` with a full stop, and a capital in front unless a name or code begins it.

    Examples
    --------
    >>> sentence("the search stopped"), sentence("theta lies on the edge", ["theta"])
    ('The search stopped.', 'theta lies on the edge.')
    >>> sentence("bp.find_MAP(model) returns it")
    'bp.find_MAP(model) returns it.'
    """
    text = text.strip()
    first = re.split(r"[^\w]", text, maxsplit=1)[0]
    is_code = any(c in text.partition(" ")[0] for c in "_(")
    if not is_code and first not in {re.split(r"[^\w]", name, maxsplit=1)[0] for name in names}:
        text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def row(name: str, cells: Iterable[str], kinds: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a row for the table of the templates: `kinds` are CSS classes of the cells."""
    cells = list(cells)
    kinds = [""] * len(cells) if kinds is None else list(kinds)
    return {
        "name": name,
        "cells": [{"text": t, "kind": k, "room": False} for t, k in zip(cells, kinds, strict=True)],
    }
