"""Standard errors by the delta method with exact derivatives, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.information import Information, information
from bayes_point.estimation.uncertainty.quantities import Quantities
from bayes_point.estimation.uncertainty.sandwich import middle

__all__ = ["Cluster", "Kind", "StandardErrors", "standard_errors"]

Array = NDArray[np.float64]

Kind = Literal["hessian", "sandwich", "opg"]
Cluster = str | ArrayLike | Mapping[str, ArrayLike] | None

# What part of a quantity's variation a null direction may have, for it to count as identified:
# its derivatives are known to so many digits.
_IDENTIFIED = 1e-6
# A standard error below this part of the value is a derivative of zero with its rounding.
_ZERO = 1e-14


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors of `Quantities`, and why they are not numbers where they are not.

    Attributes
    ----------
    values : ndarray, (n,)
        inf where the data do not identify the quantity, NaN where there is none.
    notes : list of str, (n,)
        The reason, or what was held fixed; empty where there is nothing to say.
    rows : ndarray, (n, r)
        What, times its transpose, is the covariance of the quantities that have one.
    astray : ndarray of bool, (n,)
        Whether the quantity depends on what is on an edge, at infinity or not identified.
    """

    values: Array
    notes: list[str]
    rows: Array
    astray: NDArray[np.bool_]

    @property
    def covariance(self) -> Array:
        """The covariance, (n, n): NaN off the diagonal where there is no standard error."""
        c = self.rows @ self.rows.T
        bad = ~np.isfinite(self.values)
        c[bad, :] = c[:, bad] = np.nan
        c[bad, bad] = np.where(np.isinf(self.values[bad]), np.inf, np.nan)
        return c


def standard_errors(
    estimate: EstimateRecord, quantities: Quantities, kind: Kind, cluster: Cluster
) -> StandardErrors:
    """Return the standard errors of quantities by the delta method."""
    info = information(estimate)
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        rows = quantities.jacobian @ info.axes @ middle(estimate, info, kind, cluster)
        rows = np.hstack([rows, quantities.given])
        values = np.linalg.norm(rows, axis=1)
        return _judged(estimate, quantities, info, values, rows)


def _judged(
    estimate: EstimateRecord, q: Quantities, info: Information, values: Array, rows: Array
) -> StandardErrors:
    """Replace standard errors that are none by inf or NaN, and say why."""
    n = len(values)
    parts = [np.square(q.jacobian @ axes).sum(axis=1) for axes in (info.axes, info.null, info.weak)]
    whole = sum(parts)
    unidentified = (parts[1] > _IDENTIFIED**2 * whole) | (q.depends & info.where("flat")).any(1)
    weak = parts[2] > _IDENTIFIED**2 * whole
    stuck = q.depends & info.where("edge", "infinite", "kink")
    stuck[_measured(q, info, stuck, parts[0])] = False
    held = _held(estimate, info)
    notes = [""] * n
    values = values.copy()
    for i in range(n):
        if np.isinf(q.values[i]) and stuck[i].any():
            values[i], notes[i] = np.inf, "at infinity"
        elif stuck[i].any():
            values[i], notes[i] = np.nan, _stuck(estimate, q, info, i, stuck[i])
        elif unidentified[i]:
            values[i], notes[i] = np.inf, "not identified"
        elif weak[i]:
            values[i], notes[i] = np.nan, "the curvature at the maximum says nothing of the fall"
        elif not q.depends[i].any() and not q.given[i].any():
            values[i], notes[i] = np.nan, _constant(q.labels[i].split("[")[0], estimate)
        elif values[i] <= _ZERO * abs(q.values[i]) or values[i] == 0:
            values[i], notes[i] = np.nan, "its derivative vanishes at the estimate"
        elif held:
            notes[i] = held
    return StandardErrors(values, notes, rows, stuck.any(axis=1) | unidentified)


def _constant(name: str, estimate: EstimateRecord) -> str:
    """Say why a variable does not depend on the unconstrained vector."""
    discrete = estimate.objective.density.bound
    if name in discrete:
        return "discrete"
    return "constant given the discrete variables" if discrete else "a constant"


def _measured(
    q: Quantities, info: Information, stuck: NDArray[np.bool_], part: Array
) -> NDArray[np.bool_]:
    """Whether quantities do not change on the way to the edge: the other shares of a simplex.

    They depend on coordinates that go there together, but not on the direction in which these go.
    """
    together = np.any(info.lost != 0, axis=1)
    only = ~(stuck & ~together).any(axis=1)
    lost = np.square(q.jacobian @ info.lost).sum(axis=1)
    before = np.square(q.before @ info.axes).sum(axis=1)
    still = (lost <= _IDENTIFIED**2 * part) & (part > _IDENTIFIED**2 * before)
    return together.any() & only & still & np.isfinite(q.values)


def _stuck(
    estimate: EstimateRecord, q: Quantities, info: Information, i: int, stuck: NDArray[np.bool_]
) -> str:
    own = np.flatnonzero(stuck & q.own[i])
    if own.size:
        return info.words(int(own[0]))
    j = int(np.flatnonzero(stuck)[0])
    return f"depends on {estimate.objective.density.parameters[j]}, {info.words(j)}"


def _held(estimate: EstimateRecord, info: Information) -> str:
    """Say what was held fixed while the others were measured."""
    density = estimate.objective.density
    columns = np.flatnonzero(info.where("edge", "infinite", "kink"))
    # Of a simplex, by the element that is zero and not by the coordinates that go with it.
    found = [name for finding in estimate.findings for name in finding.parameters]
    names = dict.fromkeys(
        name
        for j in columns
        for name in (
            [n for n in found if n.split("[")[0] == density.variables[j]]
            if info.lost[j].any()
            else [density.parameters[j]]
        )
    )
    if not names:
        return ""
    listed = ", ".join(list(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"holds {listed} fixed"
