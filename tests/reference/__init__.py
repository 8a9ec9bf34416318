"""Answers from elsewhere: models with closed forms, published values or certified numbers."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["read_all_references", "read_data", "read_references"]

DATA = Path(__file__).parent / "data"


@cache
def read_data(name: str) -> MappingProxyType[str, np.ndarray]:
    """Columns of ``data/<name>.csv``, all of them numbers."""
    with (DATA / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType({key: np.array([float(row[key]) for row in rows]) for key in rows[0]})


@cache
def read_all_references() -> dict[str, Any]:
    """Every published or certified answer, by the data set."""
    return json.loads((DATA / "references.json").read_text())


def read_references(name: str) -> dict[str, Any]:
    """What was published or certified of a data set: one entry for each estimand."""
    return read_all_references()[name]
