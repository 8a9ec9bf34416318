"""A refit on disk: a zarr store that grows by finished chunks, and from which it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.refit.batch import Arrays, Refitter
from bayes_point.estimation.refit.datasets import DataSets
from bayes_point.estimation.refit.run import Chunk

__all__ = ["Store"]

_MARK = "bayes_point_refit"


class Store:
    """The finished part of a refit in a zarr store.

    What counts as finished is written last, after the arrays of a chunk: a process that dies while
    it writes leaves a store from which the next one goes on.
    """

    def __init__(self, path: Path, refitter: Refitter, dim: str, done: int, mark: str) -> None:
        self.path, self.refitter, self.dim, self.done, self._mark = path, refitter, dim, done, mark

    @classmethod
    def at(
        cls,
        path: Path,
        refitter: Refitter,
        sets: DataSets,
        inputs: Mapping[str, NDArray],
        starts: NDArray | None,
    ) -> Store:
        """Open the store at `path`, or begin one.

        Raises
        ------
        ModelError
            If zarr is not installed, or the store is not one of this model, data and options.
        """
        if find_spec("zarr") is None:
            raise ModelError(
                "save= needs the package zarr, which is not installed: pip install "
                "'bayes-point[zarr]'. Or leave save= out."
            )
        import zarr

        mark = _fingerprint(refitter, sets, inputs, starts)
        if not path.exists():
            return cls(path, refitter, sets.dim, 0, mark)
        try:
            held = json.loads(str(zarr.open_group(path, mode="r").attrs[_MARK]))
        except (KeyError, FileNotFoundError, ValueError) as err:
            raise ModelError(
                f"save={str(path)!r} is there already, and is no store of a refit. Give another "
                "path, or remove it."
            ) from err
        theirs, ours = held["of"], json.loads(mark)
        if theirs != ours:
            differ = [name for name in ours if theirs.get(name) != ours[name]]
            raise ModelError(
                f"save={str(path)!r} holds a refit that differs in its {' and '.join(differ)}. "
                "Give another path, or remove it."
            )
        return cls(path, refitter, sets.dim, int(held["done"]), mark)

    def read(self) -> Arrays:
        """Return the results of the data sets that are done."""
        if not self.done:
            return {}
        import zarr

        group: Any = zarr.open_group(self.path, mode="r")
        return {name: group[name][: self.done] for name in self.refitter.shapes}

    def append(self, chunk: Chunk) -> None:
        """Add a chunk, after the last one."""
        dims = self.refitter.dims
        new = xr.Dataset(
            {name: ((self.dim, *dims[name]), rows) for name, rows in chunk.results.items()}
        )
        if not self.path.exists():
            new.assign_coords(_plain(self.refitter.coords)).to_zarr(self.path, consolidated=False)
        else:
            self._cut()
            new.to_zarr(self.path, append_dim=self.dim, consolidated=False)
        self.done = chunk.stop
        self._write_mark()

    def _cut(self) -> None:
        """Drop what was written of a chunk that was never finished."""
        import zarr

        group = zarr.open_group(self.path, mode="r+")
        for name in self.refitter.shapes:
            array: Any = group[name]
            if array.shape[0] > self.done:
                array.resize((self.done, *array.shape[1:]))

    def _write_mark(self) -> None:
        import zarr

        group = zarr.open_group(self.path, mode="r+")
        group.attrs[_MARK] = json.dumps({"of": json.loads(self._mark), "done": self.done})


def _fingerprint(
    refitter: Refitter, sets: DataSets, inputs: Mapping[str, NDArray], starts: NDArray | None
) -> str:
    """Return what tells this refit from others, as JSON: its model, data and options."""
    digest = hashlib.sha256()
    for name, rows in inputs.items():
        digest.update(name.encode())
        digest.update(str(rows.shape).encode())
        if name in sets.arrays:
            digest.update(np.ascontiguousarray(rows).tobytes())
    if starts is not None:
        digest.update(starts.tobytes())
    options = {k: v for k, v in asdict(refitter.task).items() if k not in ("initvals", "backend")}
    options["initvals"] = repr(refitter.task.initvals)
    options["dim"] = sets.dim
    return json.dumps(
        {"model": _model_print(refitter), "data": digest.hexdigest(), "options": options}
    )


def _model_print(refitter: Refitter) -> str:
    """Return the labels of a model with its log densities at a few points, to nine digits."""
    density = refitter.density
    x = 0.3 * np.random.default_rng(5).standard_normal((3, density.p))
    own = {name: np.repeat(one.own[None], 3, axis=0) for name, one in density.inputs.items()}
    values, _ = density.evaluate(x, density.terms, own)
    numbers = [f"{value:.9g}" for value in values.ravel()]
    return hashlib.sha256(" ".join([*density.labels, *numbers]).encode()).hexdigest()


def _plain(coords: Mapping[str, Any]) -> dict[str, Any]:
    """Return coords whose labels zarr can hold: text as objects."""
    return {
        name: coord.astype(object) if coord.dtype.kind == "U" else coord
        for name, coord in coords.items()
    }
