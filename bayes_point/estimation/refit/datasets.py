"""The data sets of a refit: from what the user has to labelled arrays, one row a data set."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_point.errors import ModelError
from bayes_point.model.density.inputs import check_inputs, weight_of

__all__ = ["DEFAULT_DIM", "DataSets", "data_sets"]

DEFAULT_DIM = "dataset"


@dataclass(frozen=True)
class DataSets:
    """Many data sets for one model.

    Attributes
    ----------
    dim : str
        The dim that they lie along.
    n : int
        How many there are.
    arrays : dict of str to DataArray
        Data by the name of the variable, and weights by `weight_of` it; `dim` comes first.
    names : tuple of str
        The variables whose values are given.
    weights : bool
        Whether weights are given.
    coord : DataArray, optional
        Labels of the data sets.
    """

    dim: str
    n: int
    arrays: dict[str, xr.DataArray]
    names: tuple[str, ...]
    weights: bool
    coord: xr.DataArray | None

    @property
    def is_lazy(self) -> bool:
        """Whether any of it is chunked by Dask."""
        return any(array.chunks is not None for array in self.arrays.values())


def data_sets(
    model: pm.Model,
    data: xr.Dataset | Mapping[str, Any],
    weights: Mapping[str, Any] | xr.Dataset | None,
    dim: str | None,
) -> DataSets:
    """Return the data sets, labelled and with the dim that they lie along first.

    Raises
    ------
    ModelError
        If that dim cannot be told, or the arrays do not have it, or differ in its length.
    """
    for what, given in (("data", data), ("weights", weights)):
        if given is not None and not isinstance(given, Mapping | xr.Dataset):
            raise ModelError(
                f"{what} must be an xarray Dataset, or a mapping from the names of observed "
                f"variables or pm.Data to arrays; got {type(given).__name__}."
            )
    if dim is not None and not isinstance(dim, str):
        raise ModelError(f"dim must be the name of a dim, got {dim!r}.")
    if dim in model.dim_lengths:
        raise ModelError(
            f"Got dim={dim!r}, which is a dim of the model: the data sets lie along one that it "
            "has not. Rename it in the data, or give another dim=."
        )
    observed = [rv.name for rv in model.observed_RVs]
    given = {str(name): value for name, value in (data or {}).items()}
    heavy = {str(name): value for name, value in (weights or {}).items()}
    if wrong := [name for name in heavy if name not in observed]:
        raise ModelError(
            f"weights names {wrong}; weights belong to observed variables, here {observed}."
        )
    free = [rv.name for rv in model.free_RVs]
    check_inputs(model, [name for name in given if name not in free])
    if wrong := [name for name in given if name in free]:
        raise ModelError(
            f"data names {wrong}, which the model is to estimate. To hold a free variable fixed, "
            "use pm.do; to start from values of each data set, initvals=."
        )
    if not given and not heavy:
        raise ModelError(
            "No data sets were given: data is empty. Give at least one observed variable or "
            "pm.Data an array with one row a data set."
        )
    both = [*given.values(), *heavy.values()]
    dim = dim or _dim_of(model, [one for one in both if isinstance(one, xr.DataArray)])
    arrays = {name: _labelled(model, name, value, dim) for name, value in given.items()}
    for name, value in heavy.items():
        arrays[weight_of(name)] = _checked_weights(name, _labelled(model, name, value, dim))
    lengths = {name: array.sizes[dim] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ModelError(
            f"The arrays differ in the number of data sets, the length along {dim!r}: {lengths}."
        )
    n = next(iter(lengths.values()))
    if n == 0:
        raise ModelError(f"There is no data set: the length along {dim!r} is 0.")
    labels = [array.coords[dim] for array in arrays.values() if dim in array.coords]
    if any(not labels[0].equals(other) for other in labels[1:]):
        raise ModelError(f"The arrays have different labels along {dim!r}. Align them first.")
    return DataSets(dim, n, arrays, tuple(given), bool(heavy), labels[0] if labels else None)


def _dim_of(model: pm.Model, arrays: list[xr.DataArray]) -> str:
    """Return the one dim that all arrays have and the model has not."""
    if not arrays:
        return DEFAULT_DIM
    common = [
        dim
        for dim in arrays[0].dims
        if all(dim in array.dims for array in arrays) and dim not in model.coords
    ]
    if len(common) > 1 and all(array.dims[0] == common[0] for array in arrays):
        common = common[:1]  # leading everywhere
    if len(common) != 1:
        raise ModelError(
            f"Which dim the data sets lie along cannot be told: {common or 'none'} of the dims "
            f"{[array.dims for array in arrays]} is common to all arrays and not of the model. Say "
            "it with dim=."
        )
    return str(common[0])


def _labelled(model: pm.Model, name: str, value: Any, dim: str) -> xr.DataArray:
    own = model.named_vars_to_dims.get(name) or ()
    if np.any(np.ma.getmaskarray(value) if np.ma.isMaskedArray(value) else False):
        raise ModelError(
            f"{name!r} has masked entries, and a data set has no way to leave an observation out. "
            "Give these a weight of 0, with weights=."
        )
    if not isinstance(value, xr.DataArray):
        try:
            array = value if hasattr(value, "dask") else np.asarray(value)
        except ValueError as error:
            raise ModelError(
                f"{name!r} is no rectangular array, with one row a data set: {error} Data sets of "
                "different sizes cannot be refitted together; fill them up, and give what was "
                "filled in a weight of 0, with weights=."
            ) from error
        if array.dtype.kind not in "biufO":
            raise ModelError(f"{name!r} must be numbers; got an array of {array.dtype}.")
        if array.ndim == 0:
            raise ModelError(f"{name!r} is a single number; give one value or array a data set.")
        dims = tuple(f"{name}_dim_{i}" for i in range(array.ndim - 1))
        return xr.DataArray(array, dims=(dim, *dims))
    if dim not in value.dims:
        raise ModelError(
            f"{name!r} has the dims {value.dims}, without {dim!r}, along which the data sets lie. "
            "Leave out what is the same in all of them: the model's own values are kept."
        )
    others: tuple[Hashable, ...] = tuple(d for d in value.dims if d != dim)
    if set(others) == set(own):
        others = tuple(own)
        value = _in_the_order_of(model, name, value)
    return value.transpose(dim, *others)


def _checked_weights(name: str, weights: xr.DataArray) -> xr.DataArray:
    # What is lazy is not looked at: that would compute it.
    if weights.chunks is None:
        values = np.asarray(weights.values, dtype=float)
        if not np.all((values >= 0) & (values < np.inf)):
            raise ModelError(
                f"The weights of {name!r} must be finite numbers of at least 0; they have "
                f"{values.min()} to {values.max()}."
            )
    return weights


def _in_the_order_of(model: pm.Model, name: str, value: xr.DataArray) -> xr.DataArray:
    """Order the labels of an array as the model has them."""
    for own_dim in model.named_vars_to_dims[name]:
        labels = model.coords.get(own_dim)
        if labels is None or own_dim not in value.coords:
            continue
        theirs = value.coords[own_dim].values.tolist()
        if theirs == list(labels):
            continue
        if sorted(map(str, theirs)) != sorted(map(str, labels)) or len(set(theirs)) < len(theirs):
            raise ModelError(
                f"{name!r} has other labels along {own_dim!r} than the model: {theirs[:5]} ..., "
                f"where the model has {list(labels)[:5]} ..."
            )
        value = value.sel({own_dim: list(labels)})
    return value
