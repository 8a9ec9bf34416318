"""Wald intervals, on a scale that keeps to the support of what they are of."""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr
from arviz_base import rcParams
from numpy.typing import NDArray
from scipy.special import ndtri

from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.labelled import in_words, labelled
from bayes_point.estimation.uncertainty.quantities import Quantities, natural_quantities
from bayes_point.estimation.uncertainty.standard_errors import (
    Cluster,
    Kind,
    StandardErrors,
    standard_errors,
)
from bayes_point.model.variables.bounds import bounds_of
from bayes_point.model.variables.circular import arc, circular_names

__all__ = ["checked_probability", "on_support", "support_of", "wald"]

Array = NDArray[np.float64]

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


def wald(estimate: EstimateRecord, prob: float, kind: Kind, cluster: Cluster) -> xr.Dataset:
    """Return Wald intervals of every free variable and Deterministic.

    Made on the unconstrained scale and mapped back where a scalar is a monotone function of one
    coordinate of it.  For elements of a simplex, and other free scalars with a bounded support, on
    the logit or log scale of that support; for other Deterministics, whose support is not known,
    on the natural scale.
    """
    natural = standard_errors(estimate, natural_quantities(estimate), kind, cluster)
    own = standard_errors(estimate, Quantities.unconstrained(estimate), kind, cluster)
    z = float(ndtri(0.5 + 0.5 * prob))
    with np.errstate(all="ignore"):
        ends = _delta(estimate, natural, z)
        _mapped(estimate, natural, own, z, ends)
        straight = (
            natural_quantities(estimate).values[:, None]
            + z * np.array([-1.0, 1.0]) * (natural.values[:, None])
        )
    # Whoever goes around a circle passes its cut: no interval of it is sorted.
    is_angle = np.repeat(
        [name in circular_names(estimate.model) for name in estimate.point.data_vars],
        [array.size for array in estimate.point.data_vars.values()],
    )
    ends = np.where(is_angle[:, None], arc(straight), np.sort(ends, axis=1))
    out = labelled(estimate, ends, natural.notes)
    return out.assign_attrs(
        {"method": "wald", "ci_prob": prob, "text": in_words(estimate, kind, cluster)}
    )


def _delta(estimate: EstimateRecord, errors: StandardErrors, z: float) -> Array:
    """Return intervals by the delta method on a scale that keeps to the support: (n, 2)."""
    value = natural_quantities(estimate).values
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
    estimate: EstimateRecord, natural: StandardErrors, own: StandardErrors, z: float, ends: Array
) -> None:
    """Overwrite the ends of scalars that are monotone functions of one coordinate each."""
    density, q = estimate.objective.density, natural_quantities(estimate)
    alone = (
        (q.depends.sum(axis=1) == 1)
        & ~q.given.any(axis=1)
        & ~np.isnan(natural.values)
        & np.isfinite(q.values)
    )
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


def _number_free(estimate: EstimateRecord) -> int:
    """Return how many of the scalars belong to free variables, which stand first in the point."""
    free = {rv.name for rv in estimate.model.free_RVs}
    return sum(array.size for name, array in estimate.point.data_vars.items() if name in free)
