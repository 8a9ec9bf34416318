"""Scalar parameters: their names, and the variables of a Dataset as one flat array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_base import xarray_sel_iter
from arviz_base.labels import BaseLabeller
from numpy.typing import NDArray

__all__ = ["Scalar", "flatten", "listed", "scalars"]


@dataclass(frozen=True)
class Scalar:
    """One scalar parameter: its names and its variable.

    Attributes
    ----------
    label, title : str
        The name in one line, such as ``beta[age]``, and in two, for the title of a plot.
    variable : str
        The variable that it is an element of.
    """

    label: str
    title: str
    variable: str


def scalars(ds: xr.Dataset, lead: tuple[str, ...], labeller: Any = None) -> list[Scalar]:
    """Name every scalar parameter of `ds` as ArviZ does, in the order of `flatten`.

    Parameters
    ----------
    ds : xarray.Dataset
    lead : tuple of str
        Dims which are not the parameters' own: chain and draw, or estimator.
    labeller : arviz_base.labels.Labeller, optional
    """
    labeller = labeller or BaseLabeller()
    return [
        Scalar(
            str(labeller.make_label_flat(name, sel, isel)),
            str(labeller.make_label_vert(name, sel, isel)),
            str(name),
        )
        for name, sel, isel in xarray_sel_iter(ds, skip_dims=set(lead))
    ]


def flatten(ds: xr.Dataset, lead: tuple[str, ...]) -> NDArray[np.float64]:
    """Lay the variables of `ds` side by side: shape (*lead, number of scalar parameters)."""
    sizes = [ds.sizes[d] for d in lead]
    return np.concatenate(
        [
            da.transpose(*lead, ...).values.astype(float).reshape(*sizes, -1)
            for da in ds.data_vars.values()
        ],
        axis=-1,
    )


def listed(names: Sequence[str], most: int = 5) -> str:
    """Join names for a sentence: at most `most` of them, and the number of the others."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
