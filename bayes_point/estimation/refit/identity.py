"""What tells one refit from another: its model, its data, their labels, and the options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.refit.batch import Refitter
from bayes_point.estimation.refit.datasets import DataSets

__all__ = ["identity"]

# Data sets that are converted at a time, which bounds the memory this takes.
_AT_ONCE = 4096
# Options that do not change which numbers come out.
_LEFT_OUT = ("initvals", "backend")


def identity(
    refitter: Refitter,
    sets: DataSets,
    inputs: Mapping[str, NDArray],
    starts: NDArray | None,
) -> dict[str, Any]:
    """Return the model, the data, their labels and the options, as digests and plain values.

    By value: numbers count as what the density gets to see, whatever type they came in.
    """
    data = hashlib.sha256()
    for name, rows in inputs.items():
        data.update(f"{name} {rows.shape}".encode())
        if name not in sets.arrays:
            continue
        one = refitter.density.inputs[name]
        for i in range(0, len(rows), _AT_ONCE):
            data.update(np.ascontiguousarray(one.batch(rows[i : i + _AT_ONCE])).tobytes())
    if starts is not None:
        data.update(starts.tobytes())
    options = {k: v for k, v in asdict(refitter.task).items() if k not in _LEFT_OUT}
    options["initvals"] = _in_full(refitter.task.initvals)
    options["dim"] = sets.dim
    out = {
        "model": _model_print(refitter),
        "data": data.hexdigest(),
        "labels": None if sets.coord is None else _labels_print(sets.coord.values),
        "options": options,
    }
    return json.loads(json.dumps(out))  # as it will be read: a tuple is a list there


def _in_full(initvals: Any) -> str:
    """Return initial values as text; the repr of a long array leaves numbers out."""
    values = dict(initvals or {})
    return repr({k: v if isinstance(v, str) else np.asarray(v).tolist() for k, v in values.items()})


def _labels_print(labels: NDArray) -> str:
    kind = labels.dtype.kind
    text = repr(labels.tolist()) if kind in "OUT" else f"{labels.dtype} {labels.tobytes().hex()}"
    return hashlib.sha256(text.encode()).hexdigest()


def _model_print(refitter: Refitter) -> str:
    """Return the labels of a model with its log densities at a few points, to nine digits."""
    density = refitter.density
    x = 0.3 * np.random.default_rng(5).standard_normal((3, density.p))
    own = {name: np.repeat(one.own[None], 3, axis=0) for name, one in density.inputs.items()}
    values, _ = density.evaluate(x, density.terms, own)
    numbers = [f"{value:.9g}" for value in values.ravel()]
    return hashlib.sha256(" ".join([*density.labels, *numbers]).encode()).hexdigest()
