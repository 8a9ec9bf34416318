"""A PointEstimate as a DataTree that ArviZ reads, and that survives netCDF."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.coefficients import errors_or_none, statuses
from bayes_point.estimation.uncertainty.criteria import counts_observations, n_observations
from bayes_point.estimation.uncertainty.information import has_failed
from bayes_point.estimation.uncertainty.labelled import labelled
from bayes_point.estimation.uncertainty.latents import latents
from bayes_point.estimation.uncertainty.quantities import natural_quantities
from bayes_point.estimation.uncertainty.standard_errors import standard_errors
from bayes_point.estimation.uncertainty.wald import checked_probability
from bayes_point.model.checks import check_names

__all__ = ["as_datatree"]


def as_datatree(estimate: EstimateRecord) -> xr.DataTree:
    """Return the groups of the tree.

    ``posterior`` (one chain, one draw), ``unconstrained``, ``optima``, and the errors on the
    natural scale: ``stderr`` and ``interval`` (Wald, of ArviZ's default probability), with
    ``scalar_status``, the status of each scalar as in the coefficient table; and ``latents``, where
    any were integrated out.
    """
    check_names(estimate.model)
    se, interval = errors_or_none(estimate, checked_probability(None), "hessian", None)
    astray = np.zeros(sum(array.size for array in estimate.point.data_vars.values()), bool)
    if not has_failed(estimate):
        astray = standard_errors(estimate, natural_quantities(estimate), "hessian", None).astray
    own = np.array(statuses(estimate, astray))
    draw = estimate.point.expand_dims(chain=[0], draw=[0])
    tree = xr.DataTree.from_dict(
        {
            "/posterior": draw,
            "/unconstrained": estimate.unconstrained.to_dataset(name="x"),
            # Of the free variables alone: by them those are known that need not be asked for.
            "/optima": estimate.optima.drop_vars([v.name for v in estimate.model.deterministics]),
            "/stderr": se,
            "/interval": interval,
            "/scalar_status": labelled(estimate, own, [""] * len(own)),
        }
    )
    tree.attrs = {
        "estimator": estimate.estimator,
        "jacobian": int(estimate.jacobian),
        "status": estimate.status.key,
        "status_text": estimate.status.value,
        "maximised": estimate.maximised,
        "log_likelihood": estimate.log_likelihood,
        "log_prior": estimate.log_prior,
        "log_joint": estimate.log_joint,
        "n_starts": estimate.n_starts,
        "findings": json.dumps([_plain(finding) for finding in estimate.findings]),
        "evidence": json.dumps(_numbers(estimate.evidence)),
    }
    if estimate.certificate.is_stopped:
        tree.attrs["is_stopped"] = 1
    if estimate.integrated is not None:
        tree["latents"] = xr.DataTree(latents(estimate))
        tree.attrs["latents"] = json.dumps(dict(estimate.integrated.latents))
        tree.attrs["integrated"] = estimate.integrated.how
    if counts_observations(estimate):
        tree.attrs["n_observations"] = n_observations(estimate)
    return tree


def _plain(finding: Any) -> dict[str, Any]:
    return {
        "what": finding.what,
        "parameters": list(finding.parameters),
        "evidence": _numbers(finding.evidence),
        "advice": finding.advice,
    }


def _numbers(evidence: Any) -> dict[str, float | str]:
    """Return numbers that JSON can hold: it has no infinity."""
    return {k: float(v) if np.isfinite(v) else str(v) for k, v in evidence.items()}
