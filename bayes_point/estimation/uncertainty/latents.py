"""The latent variables that were integrated out: conditional modes and their errors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.uncertainty.information import has_failed
from bayes_point.estimation.uncertainty.labelled import labelled, stderr
from bayes_point.estimation.uncertainty.quantities import natural_quantities

__all__ = ["QUANTITIES", "latents"]

QUANTITIES = ("mode", "sd_given_parameters", "sd")


def latents(estimate: EstimateRecord) -> xr.Dataset:
    """Return modes and standard deviations of all that varies given the parameters, labelled."""
    density, point = estimate.objective.density, estimate.point
    if not isinstance(density, MarginalDensity):
        raise ModelError(
            f"Nothing was integrated out of this {estimate.estimator}, so it has no latents: "
            f'bp.find_{estimate.estimator}(model, marginalize="latents") has them.'
        )
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
