"""A refit of data chunked by Dask: a lazy Dataset, computed by whatever scheduler is active."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import RLock
from typing import Any

import cloudpickle
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.estimation.refit.batch import Refitter
from bayes_point.estimation.refit.datasets import DataSets
from bayes_point.estimation.refit.discrete import refitter_of
from bayes_point.estimation.refit.task import STATUSES, dtype_of

__all__ = ["lazily"]

# What a worker keeps ready: the models that it was sent last.
_READY: OrderedDict[str, Refitter] = OrderedDict()
_KEEP = 8
_LOCK = RLock()
_WORDS = np.array([status.key for status in STATUSES])


class _Block:
    """The function of one block of data sets, as it is sent to the workers."""

    def __init__(self, payload: bytes, inputs: list[str], has_starts: bool) -> None:
        self.payload, self.inputs, self.has_starts = payload, inputs, has_starts
        self.key = hashlib.sha256(payload).hexdigest()

    def __call__(self, *arrays: NDArray) -> tuple[NDArray, ...]:
        refitter = _ready(self.key, self.payload)
        arrays, starts = (arrays[:-1], arrays[-1]) if self.has_starts else (arrays, None)
        given = {
            name: refitter.density.inputs[name].batch(rows)
            for name, rows in zip(self.inputs, arrays, strict=True)
        }
        n, size = len(arrays[0]), refitter.block_size
        missing = {k: one for k, one in refitter.density.inputs.items() if k not in given}
        given |= {k: np.broadcast_to(one.own, (n, *one.shape)) for k, one in missing.items()}
        parts = [
            refitter.run(
                {name: rows[i : i + size] for name, rows in given.items()},
                None if starts is None else starts[i : i + size],
            )
            for i in range(0, n, size)
        ]
        out = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        out["status"] = _WORDS[out["status"]]
        return tuple(out.values())


def _ready(key: str, payload: bytes) -> Refitter:
    """Return the refitter of a payload, made at its first block in this process."""
    with _LOCK:
        if key not in _READY:
            model, task = cloudpickle.loads(payload)
            _READY[key] = refitter_of(model, task)
            while len(_READY) > _KEEP:
                _READY.popitem(last=False)
        return _READY[key]


def lazily(refitter: Refitter, sets: DataSets, starts: NDArray | None) -> dict[str, Any]:
    """Return the results as Dask arrays, each chunked along the data sets as the data are."""
    # The model travels whole; what was compiled here does not, and is made anew over there.
    payload = cloudpickle.dumps((refitter.model, refitter.task))
    arrays = [
        # A data set is not to be spread over chunks.
        array.chunk(dict.fromkeys(array.dims[1:], -1))
        for array in sets.arrays.values()
    ]
    core = [array.dims[1:] for array in arrays]
    if starts is not None:
        arrays.append(xr.DataArray(starts, dims=(sets.dim, "coordinate")))
        core.append(("coordinate",))
    arrays = [array.drop_vars(array.coords) for array in arrays]
    names = list(refitter.shapes)
    # Of names of our own: two results may have dims of one name and of different lengths.
    out_core = [tuple(f"{name} {i}" for i in range(len(refitter.shapes[name]))) for name in names]
    sizes = {
        dim: size
        for name, dims in zip(names, out_core, strict=True)
        for dim, size in zip(dims, refitter.shapes[name], strict=True)
    }
    dtypes = [_WORDS.dtype if name == "status" else dtype_of(name) for name in names]
    results = xr.apply_ufunc(
        _Block(payload, list(sets.arrays), starts is not None),
        *xr.unify_chunks(*arrays),
        input_core_dims=core,
        output_core_dims=out_core,
        dask="parallelized",
        output_dtypes=dtypes,
        dask_gufunc_kwargs={"output_sizes": sizes},
    )
    return {name: result.data for name, result in zip(names, results, strict=True)}
