"""Confidence intervals of an estimate: Wald, profile and bootstrap."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.arguments import seconds
from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.integrated import refuse_marginal
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.profile.interval import profile_interval
from bayes_point.estimation.resample.bootstrap import BootstrapKind, bootstrap_of
from bayes_point.estimation.resample.intervals import bootstrap_interval
from bayes_point.estimation.resample.resampling import units_of
from bayes_point.estimation.uncertainty.labelled import selected
from bayes_point.estimation.uncertainty.standard_errors import (
    Cluster,
    Kind,
)
from bayes_point.estimation.uncertainty.wald import checked_probability, wald
from bayes_point.model.density.cache import log_density
from bayes_point.model.density.scalar import select_elements

__all__ = ["Method", "conf_int"]

Array = NDArray[np.float64]
Method = Literal["profile", "wald", "bootstrap"]

# One profile takes some dozens of maximisations.
_MOST_PROFILES = 200


def conf_int(
    estimate: EstimateRecord,
    *,
    ci_prob: float | None,
    method: Method,
    kind: Kind | BootstrapKind,
    cluster: Cluster,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
    max_seconds: float | None,
    options: Mapping[str, Any],
) -> xr.Dataset:
    """Return the intervals, labelled; see `PointEstimate.conf_int`."""
    prob = checked_probability(ci_prob)
    if method not in ("profile", "wald", "bootstrap"):
        raise ModelError(f"Got method={method!r}. It must be 'profile', 'wald' or 'bootstrap'.")
    resampled = method == "bootstrap" and kind in ("parametric", "nonparametric")
    if method != "wald" and ((kind != "hessian" and not resampled) or cluster is not None):
        raise ModelError(
            f"kind= and cluster= choose the standard errors of method='wald'; got method={method!r}"
            ". Leave them out, or use method='wald'."
        )
    seconds("max_seconds", max_seconds)
    if method != "bootstrap" and options:
        if unknown := sorted(options.keys() - _bootstrap_arguments()):
            raise ModelError(
                f"conf_int has no argument {', '.join(unknown)}. The probability of the intervals "
                "is ci_prob=, such as 0.95; what is shown, var_names= and coords=."
            )
        raise ModelError(
            f"{', '.join(options)} are arguments of method='bootstrap'; got method={method!r}."
        )
    names = _free(estimate) if var_names is None else var_names
    rows = selected(estimate, names, filter_vars, coords)
    chosen: dict[str, Any] = {"var_names": names, "filter_vars": filter_vars, "coords": coords}
    if method == "wald":
        whole = wald(estimate, prob, cast(Kind, kind), cluster)
        return _chosen(estimate, whole, chosen)
    if method == "bootstrap":
        return _bootstrapped(estimate, prob, kind, chosen, max_seconds, options)
    if len(rows) > _MOST_PROFILES:
        raise ModelError(
            f"Profiles of {len(rows)} scalars would take long. Say which are wanted with "
            "var_names= or coords=, or use method='wald'."
        )

    out = profile_interval(estimate, ci_prob=prob, max_seconds=max_seconds, **chosen)
    return out.assign_attrs(out.attrs | {"method": method, "ci_prob": prob})


def _bootstrapped(
    estimate: EstimateRecord,
    prob: float,
    kind: str,
    chosen: Mapping[str, Any],
    max_seconds: float | None,
    options: Mapping[str, Any],
) -> xr.Dataset:
    """Return the intervals from refits to new data."""
    rest = dict(options)
    interval = rest.pop("interval", "bca" if estimate.integrated is None else "percentile")
    allowed = _bootstrap_arguments()
    if unknown := sorted(rest.keys() - allowed):
        raise ModelError(
            f"method='bootstrap' knows no {', '.join(unknown)}; its arguments are "
            f"{', '.join(sorted(allowed))}."
        )
    if interval not in ("bca", "percentile"):
        raise ModelError(f"Got interval={interval!r}. It must be 'bca' or 'percentile'.")
    if interval == "bca":
        # Before the refits: without units there is no jackknife, and no acceleration.
        refuse_marginal(
            estimate,
            "BCa interval",
            "Observations that share a latent variable cannot be left out one by one, as a "
            "jackknife does: use interval='percentile', or method='profile'.",
        )
        density = log_density(estimate.model, backend=rest.get("backend"), weights=True)
        try:
            units_of(estimate.model, density, rest.get("dims"))
        except ModelError as error:
            raise ModelError(
                f"{error} Or use interval='percentile', without a jackknife."
            ) from None
    drawn = bootstrap_of(
        estimate,
        kind="nonparametric" if kind == "nonparametric" else "parametric",
        jackknife=interval == "bca",
        max_seconds=max_seconds,
        **rest,
    )
    if "jackknife" not in drawn.children:
        interval = "percentile"  # there was no time left for it
    out = bootstrap_interval(drawn, ci_prob=prob, method=interval, **chosen)
    return out.assign_attrs(out.attrs | {"method": "bootstrap", "interval": interval})


def _bootstrap_arguments() -> set[str]:

    arguments = inspect.signature(bootstrap_of).parameters.keys()
    return {"interval", *arguments} - {"estimate", "kind", "jackknife", "max_seconds"}


def _free(estimate: EstimateRecord) -> list[str]:
    return list(dict.fromkeys(estimate.objective.density.variables))


def _chosen(estimate: EstimateRecord, whole: xr.Dataset, chosen: Mapping[str, Any]) -> xr.Dataset:

    picked = select_elements(estimate.objective.density, **chosen)
    out = whole[list(picked.data_vars)].sel(dict(chosen["coords"] or {}))
    return out.assign_attrs(whole.attrs)
