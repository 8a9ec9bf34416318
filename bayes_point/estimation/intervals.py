"""Confidence intervals of an estimate: Wald, profile and bootstrap."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pymc as pm
import xarray as xr
from arviz_base import rcParams
from numpy.typing import NDArray
from scipy.special import ndtri

from bayes_point.errors import ModelError
from bayes_point.estimation.quantities import Quantities
from bayes_point.estimation.standard_errors import Cluster, Kind, StandardErrors, standard_errors
from bayes_point.estimation.uncertainty import in_words, labelled, selected
from bayes_point.model.bounds import bounds_of

if TYPE_CHECKING:
    from bayes_point.estimation.bootstrap import BootstrapKind
    from bayes_point.estimation.point_estimate import PointEstimate

__all__ = ["Method", "checked_probability", "conf_int", "on_support", "support_of", "wald"]

Array = NDArray[np.float64]
Method = Literal["profile", "wald", "bootstrap"]

# One profile takes some dozens of maximisations.
_MOST_PROFILES = 200
# Where a scalar is looked at to see whether it is monotone, in half widths of the interval.
_ALONG = np.array([-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0])


def checked_probability(ci_prob: float | None) -> float:
    """Return the probability of an interval, ArviZ's ``rcParams["stats.ci_prob"]`` by default."""
    prob = rcParams["stats.ci_prob"] if ci_prob is None else ci_prob
    if isinstance(prob, bool) or not isinstance(prob, int | float | np.number) or not 0 < prob < 1:
        raise ModelError(
            f"Got ci_prob={ci_prob!r}. It is the probability of the interval, a number between 0 "
            "and 1 such as 0.95."
        )
    return float(prob)


def conf_int(
    estimate: PointEstimate,
    *,
    ci_prob: float | None,
    method: Method,
    kind: Kind | BootstrapKind,
    cluster: Cluster,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
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
        return _bootstrapped(estimate, prob, kind, chosen, options)
    if len(rows) > _MOST_PROFILES:
        raise ModelError(
            f"Profiles of {len(rows)} scalars would take long. Say which are wanted with "
            "var_names= or coords=, or use method='wald'."
        )
    from bayes_point.estimation.profile import profile_interval

    out = profile_interval(estimate, ci_prob=prob, **chosen)
    return out.assign_attrs(out.attrs | {"method": method, "ci_prob": prob})


def _bootstrapped(
    estimate: PointEstimate,
    prob: float,
    kind: str,
    chosen: Mapping[str, Any],
    options: Mapping[str, Any],
) -> xr.Dataset:
    """Return the intervals from refits to new data."""
    from bayes_point.estimation.bootstrap import bootstrap_of
    from bayes_point.estimation.bootstrap_intervals import bootstrap_interval
    from bayes_point.estimation.resampling import units_of
    from bayes_point.model.cache import log_density

    rest = dict(options)
    interval = rest.pop("interval", "bca")
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
        **rest,
    )
    out = bootstrap_interval(drawn, ci_prob=prob, method=interval, **chosen)
    return out.assign_attrs(out.attrs | {"method": "bootstrap", "interval": interval})


def _bootstrap_arguments() -> set[str]:
    from bayes_point.estimation.bootstrap import bootstrap_of

    arguments = inspect.signature(bootstrap_of).parameters.keys()
    return {"interval", *arguments} - {"estimate", "kind", "jackknife"}


def wald(estimate: PointEstimate, prob: float, kind: Kind, cluster: Cluster) -> xr.Dataset:
    """Return Wald intervals of every free variable and Deterministic.

    Made on the unconstrained scale and mapped back where a scalar is a monotone function of one
    coordinate of it.  For elements of a simplex, and other free scalars with a bounded support, on
    the logit or log scale of that support; for other Deterministics, whose support is not known,
    on the natural scale.
    """
    natural = standard_errors(estimate, estimate.quantities, kind, cluster)
    own = standard_errors(estimate, Quantities.unconstrained(estimate), kind, cluster)
    z = float(ndtri(0.5 + 0.5 * prob))
    with np.errstate(all="ignore"):
        ends = _delta(estimate, natural, z)
        _mapped(estimate, natural, own, z, ends)
    out = labelled(estimate, np.sort(ends, axis=1), natural.notes)
    return out.assign_attrs(
        {"method": "wald", "ci_prob": prob, "text": in_words(estimate, kind, cluster)}
    )


def _free(estimate: PointEstimate) -> list[str]:
    return list(dict.fromkeys(estimate.objective.density.variables))


def _chosen(estimate: PointEstimate, whole: xr.Dataset, chosen: Mapping[str, Any]) -> xr.Dataset:
    from bayes_point.model.scalar import select_elements

    picked = select_elements(estimate.objective.density, **chosen)
    out = whole[list(picked.data_vars)].sel(dict(chosen["coords"] or {}))
    return out.assign_attrs(whole.attrs)


def _delta(estimate: PointEstimate, errors: StandardErrors, z: float) -> Array:
    """Return intervals by the delta method on a scale that keeps to the support: (n, 2)."""
    value = estimate.quantities.values
    lower, upper = support_of(estimate.model, estimate.point)
    ends = on_support(value, z * errors.values, lower, upper)
    # What is not identified can be anywhere in its support.
    anywhere = np.isinf(errors.values)[:, None] & np.isfinite(value)[:, None]
    ends = np.where(anywhere, np.column_stack([lower, upper]), ends)
    return np.where(np.isnan(errors.values)[:, None] | ~np.isfinite(value)[:, None], np.nan, ends)


def on_support(value: Array, step: Array, lower: Array, upper: Array) -> Array:
    """Return intervals of the half width `step` that keep to the support, (n, 2).

    By the delta method on the log scale where the support has one end, and on the logit scale where
    it has two.
    """
    sides = np.array([-1.0, 1.0])
    plain = value[:, None] + sides * step[:, None]
    # d log(v - l) = dv / (v - l), and d logit((v - l) / (u - l)) = dv (1 / (v - l) + 1 / (u - v)).
    below, above = value - lower, upper - value
    log_up = lower[:, None] + below[:, None] * np.exp(sides * (step / below)[:, None])
    log_down = upper[:, None] - above[:, None] * np.exp(-sides * (step / above)[:, None])
    logit = np.log(below / above)[:, None] + sides * (step * (1 / below + 1 / above))[:, None]
    both = lower[:, None] + (upper - lower)[:, None] / (1 + np.exp(-logit))
    low, high = np.isfinite(lower)[:, None], np.isfinite(upper)[:, None]
    return np.where(low & high, both, np.where(low, log_up, np.where(high, log_down, plain)))


def support_of(model: pm.Model, point: xr.Dataset) -> tuple[Array, Array]:
    """Return the bounds of every scalar, infinite where there are none or none are known."""
    free = {rv.name: rv for rv in model.free_RVs}
    bounds: list[list[Array]] = [[], []]
    for name, array in point.data_vars.items():
        known = bounds_of(model, free[str(name)]) if name in free else None
        for side, end in enumerate((-np.inf, np.inf)):
            bound = (known.lower, known.upper)[side] if known is not None else None
            whole = np.broadcast_to(end if bound is None else bound, array.shape)
            bounds[side].append(np.ravel(whole).astype(float))
    return np.concatenate(bounds[0]), np.concatenate(bounds[1])


def _mapped(
    estimate: PointEstimate, natural: StandardErrors, own: StandardErrors, z: float, ends: Array
) -> None:
    """Overwrite the ends of scalars that are monotone functions of one coordinate each."""
    density, q = estimate.objective.density, estimate.quantities
    alone = (q.depends.sum(axis=1) == 1) & ~np.isnan(natural.values) & np.isfinite(q.values)
    rows = np.flatnonzero(alone)
    if not rows.size:
        return
    columns = np.argmax(q.depends[rows], axis=1)
    # All at once: none of these scalars sees the coordinates of the others.
    x = np.tile(estimate.certificate.x, (len(_ALONG), 1))
    which = np.unique(columns)
    x[:, which] += z * _ALONG[:, None] * own.values[which]
    moved = density.natural(x)
    every = [
        np.reshape(moved[str(name)], (len(x), -1)).astype(float)
        for name in estimate.point.data_vars
    ]
    way = np.concatenate(every, axis=1)[:, rows]
    steps = np.diff(way, axis=0)
    # A free variable is monotone in its coordinate; a Deterministic may turn.
    good = (steps > 0).all(axis=0) | (steps < 0).all(axis=0) | (rows < _number_free(estimate))
    good &= ~np.isnan(way[[0, -1]]).any(axis=0)
    ends[rows[good]] = way[[0, -1]].T[good]


def _number_free(estimate: PointEstimate) -> int:
    """Return how many of the scalars belong to free variables, which stand first in the point."""
    free = {rv.name for rv in estimate.model.free_RVs}
    return sum(array.size for name, array in estimate.point.data_vars.items() if name in free)
