"""The names of what a density is a function of, and of what it gives: coords, dims, labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from arviz_base import dict_to_dataset
from numpy.typing import NDArray
from pymc.backends.arviz import coords_and_dims_for_inferencedata

__all__ = ["Labels"]


class Labels:
    """Names from a model's coords and dims, as ArviZ would give them.

    Parameters
    ----------
    model : pymc.Model
        Whose coords and dims name the elements.
    """

    def __init__(self, model: pm.Model) -> None:
        self._coords, self._dims = coords_and_dims_for_inferencedata(model)

    def of_values(self, variable: str, value: str, shape: tuple[int, ...]) -> list[str]:
        """Name the coordinates of one variable's values, of `shape` on the unconstrained scale."""
        return self._of(value, self._dims.get(variable, ()), shape)

    def of_parameters(
        self, variable: str, natural: tuple[int, ...], shape: tuple[int, ...]
    ) -> list[str]:
        """Name, for each coordinate, the natural-scale parameter behind it."""
        labels = self._of(variable, self._dims.get(variable, ()), shape)
        # Behind a coordinate of a simplex stands the whole variable.
        return labels if natural == shape else [variable] * len(labels)

    def elements(self, variable: str, values: Iterable[NDArray]) -> list[tuple[Any, ...]]:
        """Pair the elements of a natural-scale variable with their labels."""
        arrays = list(values)
        labels = self._of(variable, self._dims.get(variable, ()), np.shape(arrays[0]))
        return list(zip(labels, *(np.ravel(array) for array in arrays), strict=True))

    def dataset(self, values: Mapping[str, NDArray], batch_dims: Sequence[str]) -> xr.Dataset:
        """Label natural-scale values; they lead with the dims `batch_dims`."""
        labelled: xr.Dataset = dict_to_dataset(
            dict(values),
            coords=self._coords,
            dims={
                name: self._dims[name]
                for name, value in values.items()
                if name in self._dims and self._fit(name, np.shape(value)[len(batch_dims) :])
            },
            sample_dims=list(batch_dims),
        )
        # To drop them makes a copy of all.
        labelled.attrs.clear()
        for one in labelled.variables.values():
            one.attrs.clear()
        return labelled

    def _fit(self, variable: str, shape: tuple[int, ...]) -> bool:
        """Whether a variable's dims are those of its values.

        Dims can be given to a variable that has another shape: Bambi gives those of the categories
        to the thresholds between them.
        """
        dims = self._dims[variable]
        return len(dims) == len(shape) and all(
            dim not in self._coords or len(self._coords[dim]) == n
            for dim, n in zip(dims, shape, strict=True)
        )

    def _of(self, name: str, dims: Sequence[str], shape: tuple[int, ...]) -> list[str]:
        """Name the elements of one array from the coords, where they apply."""
        if not shape:
            return [name]
        axes: list[Sequence[Any]] = [
            list(self._coords[dim]) if dim in self._coords else range(n)
            for dim, n in itertools.zip_longest(dims, shape)
        ]
        if len(dims) != len(shape) or [len(axis) for axis in axes] != list(shape):
            # A transform that changes the shape (a simplex) leaves coordinates without labels.
            axes = [range(n) for n in shape]
        return [f"{name}[{', '.join(map(str, i))}]" for i in itertools.product(*axes)]
