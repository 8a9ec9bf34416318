"""Profile-likelihood intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_base import rcParams
from numpy.typing import NDArray
from scipy.stats import chi2

from bayes_point.arguments import seconds
from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.profile.curve import Curves, End, trace_curves
from bayes_point.estimation.profile.lagrangian import Problem
from bayes_point.estimation.profile.pieces import joined, other_maxima
from bayes_point.estimation.profile.start import until_best
from bayes_point.estimation.profile.tree import BOUNDS, ends_of
from bayes_point.estimation.progress import Deadline
from bayes_point.estimation.tolerances import EPS
from bayes_point.model.density.scalar import scalars_of, select_elements

__all__ = ["Coords", "VarNames", "curves_of", "height", "probability", "profile_interval"]

Array = NDArray[np.float64]
VarNames = str | Sequence[str] | None
Coords = Mapping[Hashable, Any] | None


# Numbers that the Hessians along the traces may take up at once: some 200 MB.
_AT_ONCE = 25_000_000
_TRACED = 16


def profile_interval(
    estimate: EstimateRecord,
    *,
    var_names: VarNames = None,
    filter_vars: str | None = None,
    coords: Coords = None,
    ci_prob: float | None = None,
    max_seconds: float | None = None,
) -> xr.Dataset:
    """Return the profile-likelihood interval of each scalar, on the natural scale.

    Parameters
    ----------
    estimate : EstimateRecord
        The maximum to begin from.
    var_names, filter_vars, coords
        Which scalars, as in ArviZ; by default the free variables.
    ci_prob : float, optional
        Probability of the intervals; by default that of ArviZ's rcParams.
    max_seconds : float, optional
        When to stop; by default never.

    Returns
    -------
    xarray.Dataset
        The variables with a last dim ``ci_bound`` (lower, upper); of an angle the lower end is
        above the upper one where the arc crosses the cut at pi.  Where an end is open, the
        variable's ``attrs["notes"]`` says why, one end a line.  Where the time was up,
        ``attrs["stopped"]`` says so.

    Raises
    ------
    ModelError
        If something is asked for that is not in the model, or that cannot be profiled.
    EstimationError
        If there is no maximum to begin from.
    """
    deadline = Deadline(seconds("max_seconds", max_seconds))
    prob = probability(ci_prob)
    elements = select_elements(estimate.objective.density, var_names, filter_vars, coords)
    scalars = scalars_of(estimate.objective.density, elements)

    def trace(
        problem: Problem, best: EstimateRecord, start: Array, top: float
    ) -> list[tuple[End, End]]:
        every = []
        for x in [start, *other_maxima(best, problem.objective, top, height(prob))]:
            parts = curves_of(problem, x, top, prob, 1.0)
            every.append([part.interval(k) for part in parts for k in range(len(part.chosen))])
        return [joined(pairs) for pairs in zip(*every, strict=True)]

    ends, _, why = until_best(estimate, scalars, False, trace, deadline, show=False)
    bounds = ends_of(scalars, ends)
    out, start = {}, 0
    for name, array in elements.data_vars.items():
        own = np.s_[start : start + array.size]
        start += array.size
        notes = [
            f"{label}, {bound} end: {end.why}"
            for label, pair in zip(scalars.labels[own], ends[own], strict=True)
            for bound, end in zip(BOUNDS, pair, strict=True)
            if end.why
        ]
        out[name] = xr.DataArray(
            bounds[own].reshape(*array.shape, 2),
            dims=(*array.dims, "ci_bound"),
            coords={**array.coords, "ci_bound": BOUNDS},
            attrs={"notes": "\n".join(notes)} if notes else {},
        )
    return xr.Dataset(out, attrs={"stopped": why} if why else {})


def probability(ci_prob: float | None) -> float:
    """Return the probability asked for, or that of ArviZ's rcParams; check it."""
    prob = rcParams["stats.ci_prob"] if ci_prob is None else ci_prob
    if isinstance(prob, bool) or not isinstance(prob, int | float | np.number) or not 0 < prob < 1:
        raise ModelError(
            f"ci_prob must be a number above 0 and below 1, such as 0.95; got {prob!r}."
        )
    return float(prob)


def curves_of(
    problem: Problem,
    start: Array,
    top: float,
    prob: float,
    beyond: float,
    *,
    together: bool = False,
) -> list[Curves]:
    """Trace all scalars, as many at once as fit in memory."""
    count, p = len(problem.scalars.labels), len(start)
    at_once = count if together else max(1, _AT_ONCE // (2 * _TRACED * p * p))
    cutoff = height(prob)
    return [
        trace_curves(
            problem,
            np.arange(first, min(first + at_once, count)),
            start,
            top=top,
            height=cutoff,
            reach=beyond * cutoff,
            noise=max(1e-6, 1e4 * EPS * (1 + abs(top))),
        )
        for first in range(0, count, at_once)
    ]


def height(prob: float) -> float:
    """Return how far below its maximum a profile ends, as the root of twice the difference."""
    return float(np.sqrt(chi2.ppf(prob, 1)))
