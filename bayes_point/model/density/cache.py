"""One LogDensity a model: MLE, MAP and all that follows share what was compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pymc as pm
from pytensor.compile.sharedvalue import SharedVariable

from bayes_point.model.density.building import building
from bayes_point.model.density.density import LogDensity

__all__ = ["log_density"]


@dataclass(frozen=True)
class _Entry:
    state: tuple[Any, ...]
    density: LogDensity


_Key = tuple[str | None, tuple[str, ...], bool]
_CACHE: WeakKeyDictionary[pm.Model, dict[_Key, _Entry]] = WeakKeyDictionary()


def log_density(
    model: pm.Model,
    *,
    backend: str | None,
    inputs: Sequence[str] = (),
    weights: bool = False,
) -> LogDensity:
    """Return the model's LogDensity, made anew if the model has changed since it was made."""
    state = _state(model)
    entries = _CACHE.setdefault(model, {})
    key = (backend, tuple(inputs), weights)
    entry = entries.get(key)
    if entry is None or not _same(entry.state, state):
        with building():
            density = LogDensity(model, backend=backend, inputs=inputs, weights=weights)
        entry = entries[key] = _Entry(state, density)
    return entry.density


def _state(model: pm.Model) -> tuple[Any, ...]:
    """Everything that a density depends on, held by reference.

    `pm.set_data` puts a new array in a data container, so identity tells whether it was called.
    """
    variables = [*model.basic_RVs, *model.potentials, *model.deterministics]
    shared = [v for v in model.named_vars.values() if isinstance(v, SharedVariable)]
    return (
        *variables,
        *(model.rvs_to_transforms[rv] for rv in model.free_RVs),
        *(v.get_value(borrow=True) for v in shared),
        *(tuple(values) if values is not None else None for values in model.coords.values()),
    )


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return len(old) == len(new) and all(
        a == b if isinstance(a, tuple) else a is b for a, b in zip(old, new, strict=True)
    )
