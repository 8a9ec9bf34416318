"""The latent variables that were integrated out: conditional modes and their errors."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.uncertainty.information import has_failed
from bayes_point.estimation.uncertainty.labelled import labelled, stderr
from bayes_point.estimation.uncertainty.quantities import natural_quantities
from bayes_point.model.discrete.summed import SummedDensity

__all__ = ["QUANTITIES", "latents"]

QUANTITIES = ("mode", "sd_given_parameters", "sd")


def latents(estimate: EstimateRecord) -> xr.Dataset:
    """Return modes and standard deviations of all that varies given the parameters, labelled.

    Of discrete variables the probabilities of their values.
    """
    density = estimate.objective.density
    if isinstance(density, SummedDensity):
        return _chances(estimate, density, estimate.unconstrained.values)
    if not isinstance(density, MarginalDensity):
        raise ModelError(
            f"Nothing was integrated out of this {estimate.estimator}, so it has no latents: "
            f'bp.find_{estimate.estimator}(model, marginalize="latents") has them.'
        )
    out = _modes(estimate, density)
    if isinstance(density.full, SummedDensity):
        modes = density.modes(estimate.unconstrained.values[None])
        out = out.merge(_chances(estimate, density.full, modes.x[0]))
    return out


def _chances(
    estimate: EstimateRecord, density: SummedDensity, x: NDArray[np.float64]
) -> xr.Dataset:
    """Return the probability of each value of each discrete variable, given the parameters."""
    out = {}
    chances = {
        name: one for name, one in density.probabilities(x).items() if not np.isnan(one).any()
    }
    # Missing values without an end to what they can be, and what is computed at the likeliest.
    for name in density.natural_shapes.keys() - chances.keys() - density.graphs.natural.keys():
        mode = estimate.point[name]
        parts = [mode, *[xr.full_like(mode, np.nan, float)] * (len(QUANTITIES) - 1)]
        out[name] = xr.concat(parts, dim=xr.Variable("quantity", list(QUANTITIES)))
    for name, chance in chances.items():
        own, dim = estimate.point[name], f"{name}_value"
        # Elements may begin or end elsewhere than others: each value has its own place.
        each = density.sums.values_of(name).reshape(-1, chance.shape[-1])
        values = np.arange(each.min(), each.max() + 1)
        table = np.zeros((len(each), len(values)))
        rows = np.arange(len(each))[:, None]
        np.add.at(table, (rows, each - values[0]), chance.reshape(each.shape))
        out[name] = xr.DataArray(
            table.reshape(*own.shape, -1),
            dims=(*own.dims, dim),
            coords={**own.coords, dim: values},
            attrs={"text": "probability of each value, given the parameters"},
        )
    return xr.Dataset({name: out[name] for name in map(str, estimate.point) if name in out})


def _modes(estimate: EstimateRecord, density: MarginalDensity) -> xr.Dataset:
    point = estimate.point
    given = np.linalg.norm(natural_quantities(estimate).given, axis=1)
    fixed = labelled(estimate, given, [""] * len(given))
    whole = fixed * np.nan
    if not has_failed(estimate):
        whole = stderr(estimate, kind="hessian", cluster=None)
    names = [
        name
        for name in map(str, point.data_vars)
        if name in density.joint.latents or (fixed[name].values != 0).any()
    ]
    parts = [part[names] for part in (point, fixed, whole)]
    out = xr.concat(
        parts, dim=xr.Variable("quantity", list(QUANTITIES)), join="exact", combine_attrs="drop"
    )
    for name in names:
        out[name].attrs = dict(whole[name].attrs)
    return out
