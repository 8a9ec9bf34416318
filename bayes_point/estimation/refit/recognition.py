"""Whether what is at a path was written by a refit: whatever else is there is left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_point.errors import ModelError
from bayes_point.estimation.refit.skeleton import MARK

__all__ = [
    "JOURNAL",
    "OTHERWISE",
    "others",
    "refuse_another_refit",
    "refuse_other_things",
    "root_mark",
]

# In the folder of an array, where readers of zarr look for nothing but chunks.
JOURNAL = Path("status", "refit.journal")
OTHERWISE = "Give another path, or remove it."


def refuse_other_things(path: Path) -> None:
    """Raise if what is at the path is nothing that a refit wrote; touch nothing."""
    if path.exists() and not path.is_dir():
        raise ModelError(f"save={str(path)!r} is a file, and a store is a directory. {OTHERWISE}")
    mark = root_mark(path)
    if mark is None and not (path / JOURNAL).is_file() and others(path):
        raise ModelError(
            f"save={str(path)!r} is there already, and is no store of a refit. {OTHERWISE}"
        )


def refuse_another_refit(
    path: Path, held: Mapping[str, Any] | None, own: Mapping[str, Any]
) -> None:
    """Raise if a store is known to be of another refit than ours."""
    if held is None or held == own:
        return
    differ = [name for name in own if held.get(name) != own[name]]
    raise ModelError(
        f"save={str(path)!r} holds a refit that differs in its {' and '.join(differ)}. {OTHERWISE}"
    )


def others(path: Path) -> list[Path]:
    """Return the files in a directory that are neither the journal nor the remains of a write."""
    return [
        file
        for file in path.rglob("*")
        if file.is_file() and file != path / JOURNAL and file.suffix != ".partial"
    ]


def root_mark(path: Path) -> dict[str, Any] | None:
    """Return what the root of a store says of the refit that it is of."""
    try:
        mark = json.loads((path / "zarr.json").read_bytes())["attributes"][MARK]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(mark, str):
        raise ModelError(
            f"save={str(path)!r} was begun by an earlier version of bayes_point, which wrote "
            f"another form. {OTHERWISE}"
        )
    return mark if isinstance(mark, dict) else None
