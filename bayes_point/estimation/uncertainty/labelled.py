"""Covariance and standard errors of an estimate, labelled, and what they are in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MOST_SPREAD, MarginalDensity
from bayes_point.estimation.uncertainty.quantities import Quantities, natural_quantities
from bayes_point.estimation.uncertainty.standard_errors import Cluster, Kind, standard_errors
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.scalar import select_elements

__all__ = ["covariance", "in_words", "labelled", "selected", "stderr"]

Array = NDArray[np.float64]

# A covariance of more scalars is asked for by name: its square would fill the memory.
_MOST = 2000

_KINDS = {
    "hessian": "the inverse of the observed information",
    "sandwich": "the sandwich of the inverse information and the outer product of the scores",
    "opg": "the inverse of the outer product of the scores",
}
_LAPLACE = (
    "the Laplace approximation of the posterior: the inverse of the negative Hessian at the mode"
)


def stderr(estimate: EstimateRecord, *, kind: Kind, cluster: Cluster) -> xr.Dataset:
    """Return the standard errors of every free variable and Deterministic, labelled."""
    errors = standard_errors(estimate, natural_quantities(estimate), kind, cluster)
    return labelled(estimate, errors.values, errors.notes).assign_attrs(
        text=in_words(estimate, kind, cluster)
    )


def labelled(estimate: EstimateRecord, values: Array, notes: Sequence[str]) -> xr.Dataset:
    """Put values of all natural-scale scalars into the shape of the estimate's point.

    `values` are (n,), or the ends of intervals, (n, 2); the notes go into the attrs of the
    variables, a line a scalar.
    """
    density, arrays, start = estimate.objective.density, {}, 0
    extra = {"ci_bound": ["lower", "upper"]} if values.ndim == 2 else {}
    for name, like in estimate.point.data_vars.items():
        stop = start + like.size
        pairs = density.elements(str(name), np.array(notes[start:stop], object).reshape(like.shape))
        text = "\n".join(f"{label}: {note}" for label, note in pairs if note)
        arrays[name] = xr.DataArray(
            values[start:stop].reshape((*like.shape, *values.shape[1:])),
            dims=(*like.dims, *extra),
            coords={**like.coords, **extra},
            attrs={"notes": text} if text else {},
        )
        start = stop
    return xr.Dataset(arrays)


def covariance(
    estimate: EstimateRecord,
    *,
    kind: Kind,
    cluster: Cluster,
    scale: str,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.DataArray:
    """Return the covariance matrix, labelled on both sides."""
    if scale == "unconstrained":
        if var_names is not None or filter_vars is not None or coords is not None:
            raise ModelError(
                "var_names, filter_vars and coords select variables on the natural scale. For "
                "scale='unconstrained' leave them out and select from the result."
            )
        q = Quantities.unconstrained(estimate)
    elif scale == "natural":
        rows = selected(estimate, var_names, filter_vars, coords)
        if len(rows) > _MOST:
            raise ModelError(
                f"The covariance of {len(rows)} scalars would hold {len(rows) ** 2:,} numbers. "
                "Say which of them are wanted with var_names= or coords=."
            )
        q = natural_quantities(estimate).of(rows)
        density = estimate.objective.density
        if (
            isinstance(density, MarginalDensity)
            and density.has_deviations_alone
            and np.count_nonzero(q.given) > 1
        ):
            raise ModelError(
                f"{density.joint.d:,} values were integrated out, of which only the standard "
                f"errors are computed beyond {MOST_SPREAD:,}, and not how they vary together. "
                "Leave them out with var_names=, or take stderr()."
            )
    else:
        raise ModelError(f"Got scale={scale!r}. It must be 'natural' or 'unconstrained'.")
    errors = standard_errors(estimate, q, kind, cluster)
    notes = "\n".join(f"{a}: {b}" for a, b in zip(q.labels, errors.notes, strict=True) if b)
    return xr.DataArray(
        errors.covariance,
        dims=("parameter", "parameter_bis"),
        coords={"parameter": q.labels, "parameter_bis": q.labels},
        name="covariance",
        attrs={"text": in_words(estimate, kind, cluster)} | ({"notes": notes} if notes else {}),
    )


def selected(
    estimate: EstimateRecord,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> NDArray[np.int_]:
    """Return the numbers of the scalars asked for, all by default, in the order of the point."""
    density: LogDensity = estimate.objective.density
    names = [str(name) for name in estimate.point.data_vars]
    ds = select_elements(density, names if var_names is None else var_names, filter_vars, coords)
    sizes = [estimate.point[name].size for name in names]
    start = dict(zip(names, np.cumsum([0, *sizes[:-1]]), strict=True))
    return np.concatenate([start[str(k)] + np.ravel(v.values) for k, v in ds.data_vars.items()])


def in_words(estimate: EstimateRecord, kind: Kind, cluster: Cluster) -> str:
    """Say what kind of covariance it is."""
    text = _LAPLACE if estimate.estimator == "MAP" else _KINDS[kind]
    if estimate.status is Status.LOCAL:
        text += ", at a local maximum"
    return text + (", summed over clusters" if cluster is not None else "")
