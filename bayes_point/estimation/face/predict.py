"""What a model computes from new data, with an estimate plugged in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_point.arguments import names
from bayes_point.errors import ModelError, in_one_line
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MOST_SPREAD, MarginalDensity
from bayes_point.estimation.uncertainty.information import refuse_failed
from bayes_point.estimation.uncertainty.labelled import covariance
from bayes_point.model.density.cache import log_density
from bayes_point.model.density.derivatives import natural_derivatives
from bayes_point.model.discrete.summed import SummedDensity
from bayes_point.model.variables.initial_values import cloned

__all__ = ["predict"]


def predict(
    estimate: EstimateRecord,
    data: Mapping[str, Any] | None,
    *,
    var_names: str | Sequence[str] | None,
    coords: Mapping[str, Any] | None,
) -> xr.Dataset:
    """Compute; see `PointEstimate.predict`."""
    refuse_failed(estimate, "prediction")
    own = estimate.objective.density
    is_marginal = isinstance(own, MarginalDensity) and not isinstance(own.full, SummedDensity)
    if (estimate.integrated is not None and not is_marginal) or (
        isinstance(own, MarginalDensity) and own.has_deviations_alone
    ):
        raise ModelError(
            "predict has no errors where discrete variables were summed out, or more than "
            f"{MOST_SPREAD:,} latents integrated out. Set the data with pm.set_data and compute "
            "from estimate.point."
        )
    if not isinstance(data, Mapping | None):
        raise ModelError(
            f"data must be a dict of new values by the name of a pm.Data, such as {{'x': [1.0]}}, "
            f"got {data!r}."
        )
    wanted = _wanted(estimate.model, names("var_names", var_names))
    model = _without_likelihood(estimate.model)
    known = sorted(var.name for var in model.data_vars)
    if unknown := sorted(set(data or {}) - set(known)):
        raise ModelError(
            f"predict was given {', '.join(unknown)}, which is no pm.Data of the model. Its data "
            f"are {known}: write x = pm.Data('x', x) in the model for what is to change."
        )
    sigma = covariance(
        estimate,
        kind="hessian",
        cluster=None,
        scale="unconstrained",
        var_names=None,
        filter_vars=None,
        coords=None,
    ).values
    x = estimate.certificate.path[-1]
    if isinstance(own, MarginalDensity):
        # For the same groups: the latents are at their modes, with their errors.
        x, sigma = own.whole_with_errors(x, sigma)
    try:
        pm.set_data(dict(data or {}), model=model, coords=dict(coords or {}) or None)
        density = log_density(model, backend=None)
        values = density.natural(x[None])
        jacobian = natural_derivatives(density).jacobian(x)
    except (TypeError, ValueError, pm.exceptions.ShapeError) as error:
        raise ModelError(
            f"predict cannot compute {', '.join(wanted)} from these data: {in_one_line(error)}. "
            "Give all data that change together, and coords= for dims with labels."
        ) from error
    stacked = {}
    for name in wanted:
        rows = np.asarray(jacobian[name], float).reshape(-1, density.p)
        used = (rows != 0).any(0)
        inner = rows[:, used]
        se = np.sqrt(np.einsum("ij,jk,ik->i", inner, sigma[np.ix_(used, used)], inner))
        stacked[name] = np.stack([values[name][0], se.reshape(values[name].shape[1:])])
    found = density.dataset(stacked, ["quantity"])
    return found.assign_coords(quantity=["estimate", "se"])


def _without_likelihood(model: pm.Model) -> pm.Model:
    """Return a copy without what is observed, which need not have the shape of new data."""
    copy = cloned(model)
    for rv in list(copy.observed_RVs):
        copy.observed_RVs.remove(rv)
        copy.named_vars.pop(rv.name)
        value = copy.rvs_to_values.pop(rv)
        copy.values_to_rvs.pop(value)
        copy.rvs_to_transforms.pop(rv, None)
        copy.rvs_to_initial_values.pop(rv, None)
    for potential in list(copy.potentials):
        copy.potentials.remove(potential)
        copy.named_vars.pop(potential.name)
    return copy


def _wanted(model: pm.Model, asked: list[str] | None) -> list[str]:
    computed = [str(var.name) for var in model.deterministics]
    wanted = computed if asked is None else asked
    if wanted and set(wanted) <= set(computed):
        return wanted
    raise ModelError(
        f"predict computes Deterministics of the model, which are {computed}; asked for were "
        f"{wanted}. Name what you want to predict: mu = pm.Deterministic('mu', a + b * x)."
    )
