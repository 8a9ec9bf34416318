"""The coefficient table of an estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import PRECEDENCE
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.information import has_failed
from bayes_point.estimation.uncertainty.labelled import in_words, labelled, stderr
from bayes_point.estimation.uncertainty.quantities import natural_quantities
from bayes_point.estimation.uncertainty.standard_errors import Cluster, Kind, standard_errors
from bayes_point.estimation.uncertainty.wald import checked_probability, wald
from bayes_point.model.variables.bounds import Bounds, bounds_of

__all__ = ["coefficients", "errors_or_none", "statuses"]


def coefficients(
    estimate: EstimateRecord,
    *,
    ci_prob: float | None,
    kind: Kind,
    cluster: Cluster,
    tests: bool = False,
) -> pd.DataFrame:
    """Return the table; see `PointEstimate.to_dataframe`."""
    if tests and estimate.estimator != "MLE":
        raise ModelError(
            f"tests=True tests an MLE, and this is a {estimate.estimator}: a p value is of the "
            "likelihood alone. Use find_MLE, or the interval of the table."
        )
    prob = checked_probability(ci_prob)
    density, point = estimate.objective.density, estimate.point
    pairs = [
        (label, float(value), str(name))
        for name, array in point.data_vars.items()
        for label, value in density.elements(str(name), np.asarray(array, dtype=float))
    ]
    n, notes = len(pairs), [_no_errors(estimate)] * len(pairs)
    astray = np.zeros(n, bool)
    if not has_failed(estimate):
        errors = standard_errors(estimate, natural_quantities(estimate), kind, cluster)
        astray, notes = errors.astray, errors.notes
    se, intervals = errors_or_none(estimate, prob, kind, cluster)
    ends = [np.reshape(array.values, (-1, 2)) for array in intervals.data_vars.values()]
    table = {
        "estimate": [value for _, value, _ in pairs],
        "se": np.concatenate([np.ravel(array.values) for array in se.data_vars.values()]),
        **(_wald_tests(estimate, pairs, se) if tests else {}),
        f"ci{100 * prob:g}_lb": np.concatenate(ends)[:, 0],
        f"ci{100 * prob:g}_ub": np.concatenate(ends)[:, 1],
        "status": statuses(estimate, astray),
        "error notes": notes,
    }
    index = pd.Index([label for label, _, _ in pairs], name="parameter", dtype=object)
    return pd.DataFrame(table, index=index)


def _wald_tests(
    estimate: EstimateRecord, pairs: list[tuple[str, float, str]], se: xr.Dataset
) -> dict[str, NDArray[np.float64]]:
    """Return z and p of the hypothesis that a scalar is 0; NaN where 0 is not inside its support.

    At the edge of a support the statistic is not normal: `likelihood_ratio_test` knows.
    """
    values = np.array([value for _, value, _ in pairs])
    errors = np.concatenate([np.ravel(array.values) for array in se.data_vars.values()])
    supports = {str(rv.name): bounds_of(estimate.model, rv) for rv in estimate.model.free_RVs}
    inside = [_holds_zero(supports.get(name)) for _, _, name in pairs]
    good = np.array(inside) & np.isfinite(values) & (errors > 0) & np.isfinite(errors)
    z = np.where(good, values / np.where(good, errors, 1.0), np.nan)
    return {"z": z, "p": 2 * norm.sf(np.abs(z))}


def _holds_zero(bounds: Bounds | None) -> bool:
    if bounds is None:
        return True  # a Deterministic, of whose values nothing is known
    low, high = bounds.lower, bounds.upper
    return low is not None and high is not None and bool(np.all(low < 0) and np.all(high > 0))


def statuses(estimate: EstimateRecord, astray: NDArray[np.bool_]) -> list[str]:
    """Return for each scalar "converged", or what is wrong with this one.

    `astray` are those that lie where no error can be measured, (n,).
    """
    density = estimate.objective.density
    pairs = [
        (label, str(name))
        for name, array in estimate.point.data_vars.items()
        for label, _ in density.elements(str(name), np.asarray(array, dtype=float))
    ]
    # Of several claims about one parameter that counts which would count of the whole estimate.
    named: dict[str, Status] = {}
    for finding in estimate.findings:
        for name in finding.parameters:
            claims = {finding.of(estimate.status), named.get(name, Status.CONVERGED)}
            named[name] = min(claims, key=PRECEDENCE.index)
    of = [named.get(label, named.get(name)) for label, name in pairs]
    concerned = np.array([one is not None for one in of]) | astray
    is_all = estimate.status is Status.LOCAL
    if is_all or (not estimate.status.is_point and not concerned.any()):
        concerned[:] = True
    return [
        ((one or estimate.status) if own else Status.CONVERGED).key
        for one, own in zip(of, concerned, strict=True)
    ]


def errors_or_none(
    estimate: EstimateRecord, prob: float, kind: Kind, cluster: Cluster
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return standard errors and Wald intervals, NaN with the reason if there is no maximum."""
    if not has_failed(estimate):
        return stderr(estimate, kind=kind, cluster=cluster), wald(estimate, prob, kind, cluster)
    n = sum(array.size for array in estimate.point.data_vars.values())
    notes = [_no_errors(estimate)] * n
    words = {"text": in_words(estimate, kind, cluster)}
    se = labelled(estimate, np.full(n, np.nan), notes).assign_attrs(words)
    ends = labelled(estimate, np.full((n, 2), np.nan), notes)
    return se, ends.assign_attrs(words | {"method": "wald", "ci_prob": prob})


def _no_errors(estimate: EstimateRecord) -> str:
    return f"the {estimate.estimator} is {estimate.status.key.replace('_', ' ')}"
