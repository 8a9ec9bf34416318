"""The coefficient table of an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from bayes_point.estimation.information import has_failed
from bayes_point.estimation.intervals import checked_probability, wald
from bayes_point.estimation.status import Status
from bayes_point.estimation.uncertainty import (
    Cluster,
    Kind,
    in_words,
    labelled,
    standard_errors,
)

if TYPE_CHECKING:
    from bayes_point.estimation.point_estimate import PointEstimate

__all__ = ["coefficients", "errors_or_none"]


def coefficients(
    estimate: PointEstimate, *, ci_prob: float | None, kind: Kind, cluster: Cluster
) -> pd.DataFrame:
    """Return the table; see `PointEstimate.to_dataframe`."""
    prob = checked_probability(ci_prob)
    density, point = estimate.objective.density, estimate.point
    pairs = [
        (label, float(value), str(name))
        for name, array in point.data_vars.items()
        for label, value in density.elements(str(name), np.asarray(array, dtype=float))
    ]
    n, astray, notes = len(pairs), np.zeros(len(pairs), bool), [_no_errors(estimate)] * len(pairs)
    if not has_failed(estimate):
        errors = standard_errors(estimate, estimate.quantities, kind, cluster)
        astray, notes = errors.astray, errors.notes
    se, intervals = errors_or_none(estimate, prob, kind, cluster)
    ends = [np.reshape(array.values, (-1, 2)) for array in intervals.data_vars.values()]
    named = {name for finding in estimate.findings for name in finding.parameters}
    key, converged = estimate.status.key, Status.CONVERGED.key
    concerned = np.array([label in named or name in named for label, _, name in pairs]) | astray
    if not estimate.status.is_point and not concerned.any():
        concerned[:] = True
    table = {
        "estimate": [value for _, value, _ in pairs],
        "se": np.concatenate([np.ravel(array.values) for array in se.data_vars.values()]),
        f"ci{100 * prob:g}_lb": np.concatenate(ends)[:, 0],
        f"ci{100 * prob:g}_ub": np.concatenate(ends)[:, 1],
        "status": [key if concerned[i] else converged for i in range(n)],
        "error notes": notes,
    }
    index = pd.Index([label for label, _, _ in pairs], name="parameter", dtype=object)
    return pd.DataFrame(table, index=index)


def errors_or_none(
    estimate: PointEstimate, prob: float, kind: Kind, cluster: Cluster
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return standard errors and Wald intervals, NaN with the reason if there is no maximum."""
    if not has_failed(estimate):
        return estimate.stderr(kind=kind, cluster=cluster), wald(estimate, prob, kind, cluster)
    n = sum(array.size for array in estimate.point.data_vars.values())
    notes = [_no_errors(estimate)] * n
    words = {"text": in_words(estimate, kind, cluster)}
    se = labelled(estimate, np.full(n, np.nan), notes).assign_attrs(words)
    ends = labelled(estimate, np.full((n, 2), np.nan), notes)
    return se, ends.assign_attrs(words | {"method": "wald", "ci_prob": prob})


def _no_errors(estimate: PointEstimate) -> str:
    return f"the {estimate.estimator} is {estimate.status.key.replace('_', ' ')}"
