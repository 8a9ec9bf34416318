"""Whether draws that a user has are of this model: its variables, its data, its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from arviz_base import dict_to_dataset
from pymc.backends.arviz import (
    coords_and_dims_for_inferencedata,
    find_constants,
    find_observations,
)

from bayes_point.comparison.inputs.fingerprints import differences
from bayes_point.errors import ComparisonError
from bayes_point.model.density.cache import log_density
from bayes_point.model.fingerprint import fingerprint

__all__ = ["check_idata", "data_of", "fingerprints_of"]

# HDF5 keeps an attribute of up to 64 kB in the header of its group.
_LONGEST_ATTR = 20_000


def check_idata(
    model: pm.Model,
    idata: Any,
    *,
    backend: str | None = None,
    prints: Mapping[str, str] | None = None,
) -> None:
    """Refuse draws of other variables, or given other data, than the model's.

    Parameters
    ----------
    model : pymc.Model
        The model.
    idata : xarray.DataTree
        The draws, as `pymc.sample` returns them.
    backend : str, optional
        As in `find_MLE`.
    prints : mapping of str to str, optional
        What `fingerprints_of` says of the model; then those of the draws, if they carry any, have
        to be the same.

    Raises
    ------
    ComparisonError
        If they are not of this model.
    """
    _check_posterior(idata, _template(model, backend))
    _check_data(idata, data_of(model))
    if prints is not None:
        _check_prints(idata, prints)


def _template(model: pm.Model, backend: str | None) -> xr.Dataset:
    """Return a draw of the model's variables, whatever its values: names, dims, coords, shapes."""
    discrete = [value.name for value in model.discrete_value_vars]
    density = log_density(model, backend=backend, inputs=discrete)
    own = {name: density.inputs[name].own[None] for name in discrete}
    values = density.natural(np.zeros((1, density.p)), own or None)
    return density.dataset({name: value[0] for name, value in values.items()})


def data_of(model: pm.Model) -> dict[str, xr.Dataset]:
    """Return the groups ``observed_data`` and ``constant_data``, if there are such data."""
    coords, dims = coords_and_dims_for_inferencedata(model)
    groups = {"observed_data": find_observations(model), "constant_data": find_constants(model)}
    return {
        group: dict_to_dataset(
            values,
            coords=coords,
            dims={name: of for name, of in dims.items() if name in values},
            sample_dims=[],
        )
        for group, values in groups.items()
        if values
    }


def _check_posterior(idata: Any, template: xr.Dataset) -> None:
    """Refuse draws that are not of this model's variables."""
    if not isinstance(idata, xr.DataTree) or "posterior" not in idata.children:
        raise ComparisonError(
            f"idata must be a DataTree with a posterior group, as pm.sample returns it; got "
            f"{type(idata).__name__}."
        )
    posterior = idata["posterior"].dataset
    if missing := sorted({*map(str, template)} - {*map(str, posterior)}):
        raise _other_model(f"it has no {missing}. Its variables are {sorted(map(str, posterior))}")
    for name, wanted in template.data_vars.items():
        if not {"chain", "draw"} <= set(posterior[name].dims):
            raise _other_model(f"{name!r} has the dims {posterior[name].dims}, no chain and draw")
        got = posterior[name].isel(chain=0, draw=0)
        if got.shape != wanted.shape:
            raise _other_model(
                f"{name!r} has shape {got.shape} there and {wanted.shape} in the model"
            )
        if got.dims != wanted.dims:
            raise _other_model(
                f"{name!r} has the dims {got.dims} there and {wanted.dims} in the model"
            )
        for dim in wanted.dims:
            there, here = (array.indexes.get(dim) for array in (got, wanted))
            if there is not None and here is not None and not there.equals(here):
                raise _other_model(
                    f"{name!r} has the labels {list(there)} along {dim!r} there and {list(here)} "
                    "in the model"
                )


def _other_model(how: str) -> ComparisonError:
    return ComparisonError(
        f"idata is not a posterior of this model: {how}. Leave idata out to sample anew."
    )


def _check_data(idata: xr.DataTree, data: Mapping[str, xr.Dataset]) -> None:
    """Refuse draws given other data: their gaps to this model's estimates would mean nothing."""
    for group, own in data.items():
        there = idata[group].dataset if group in idata.children else xr.Dataset()
        for name in set(own) & set(there):
            mine, theirs = own[name].values, there[name].values
            same = mine.shape == theirs.shape and np.all(
                (mine == theirs) | ((mine != mine) & (theirs != theirs))  # NaN is NaN
            )
            if not same:
                raise ComparisonError(
                    f"idata was sampled given other data than the model holds: {name!r} in its "
                    f"{group} differs. Leave idata out to sample anew, or give the model the data "
                    "of idata."
                )


def _check_prints(idata: xr.DataTree, own: Mapping[str, str]) -> None:
    """Refuse draws of another model, where these carry the fingerprint of theirs."""
    theirs = idata["posterior"].attrs.get("fingerprints")
    if theirs is not None and (
        how := differences(json.loads(theirs), json.loads(own["fingerprints"]))
    ):
        raise _other_model(how)


def fingerprints_of(model: pm.Model) -> dict[str, str]:
    """Return the model's digests as attrs: one of all, and, unless too many, each."""
    return _as_attrs(
        {
            **fingerprint(model),
            "parameters": [str(rv.name) for rv in model.free_RVs],
            # The graph of a density is that version's; another may write the same otherwise.
            "pymc": pm.__version__,
        }
    )


def _as_attrs(prints: Mapping[str, Any]) -> dict[str, str]:
    text = json.dumps(prints, sort_keys=True)
    if len(text) > _LONGEST_ATTR:
        whole = {
            part: {"*": hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()}
            for part, of in prints.items()
            if isinstance(of, dict)
        }
        text = json.dumps({**prints, **whole, "parameters": []}, sort_keys=True)
    return {"fingerprint": hashlib.sha256(text.encode()).hexdigest(), "fingerprints": text}
