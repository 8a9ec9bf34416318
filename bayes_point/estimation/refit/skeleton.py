"""A zarr store of a refit as it is before the first result: its metadata, labels and legend."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayes_point.errors import ModelError
from bayes_point.estimation.refit.batch import Refitter
from bayes_point.estimation.refit.datasets import DataSets
from bayes_point.estimation.refit.task import NOT_DONE, STATUSES, dtype_of

__all__ = ["MARK", "skeleton"]

MARK = "bayes_point_refit"
"""The attribute of a store that says of which refit it is."""


def skeleton(
    refitter: Refitter, sets: DataSets, identity: Mapping[str, Any], chunk_size: int
) -> dict[str, bytes]:
    """Return the files of the store by their paths in it.

    All that the results do not change: written once, they are never replaced, and cannot be left
    half-way. The arrays have all their rows from the first moment, none of them done.

    Raises
    ------
    ModelError
        If zarr has no form for the labels of the data sets.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec
    from zarr.storage import MemoryStore

    files: dict[str, Any] = {}
    store = MemoryStore(store_dict=files)
    coords = dict(refitter.coords)
    if sets.coord is not None:
        coords[sets.dim] = xr.DataArray(sets.coord.values, dims=sets.dim)
    about = xr.Dataset(coords=_plain(coords), attrs=refitter.attrs | {MARK: dict(identity)})
    try:
        about.to_zarr(store, consolidated=False)
    except (TypeError, ValueError, NotImplementedError) as err:
        raise ModelError(
            f"save= cannot keep the labels of the data sets along {sets.dim!r}: {err}. Give them "
            "numbers, text or dates as labels, or leave save= out."
        ) from err
    group = zarr.open_group(store, mode="r+")
    for name, shape in refitter.shapes.items():
        group.create_array(
            name,
            shape=(sets.n, *shape),
            # A chunk of the store is one of the work: no chunk is written but whole.
            chunks=(min(chunk_size, sets.n), *(max(1, size) for size in shape)),
            dtype=dtype_of(name),
            fill_value=NOT_DONE if name == "status" else np.nan,
            dimension_names=(sets.dim, *refitter.dims[name]),
            # Whoever reads the store gets an error, not numbers, where a chunk is damaged ...
            compressors=[ZstdCodec(), Crc32cCodec()],
            # ... and a chunk that is missing is one that was never written.
            config={"write_empty_chunks": True},
            attributes=_legend() if name == "status" else {},
        )
    with warnings.catch_warnings():
        # No part of zarr's specification yet; xarray reads it, and is quicker and quieter for it.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        zarr.consolidate_metadata(store)
    return {path: held.to_bytes() for path, held in files.items()}


def _legend() -> dict[str, Any]:
    """Return what the numbers of a status mean, in the words of the CF conventions."""
    return {
        "flag_values": [NOT_DONE, *range(len(STATUSES))],
        "flag_meanings": " ".join(["not_done", *(status.key for status in STATUSES)]),
    }


def _plain(coords: Mapping[str, Any]) -> dict[str, Any]:
    """Return coords whose labels zarr can hold: text as objects."""
    return {
        name: coord.astype(object) if coord.dtype.kind == "U" else coord
        for name, coord in coords.items()
    }
