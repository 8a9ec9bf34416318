"""Poles of a Cholesky factor: its density where a standard deviation goes to zero.

Of a covariance matrix that is declared by standard deviations and correlations, as
`pm.LKJCholeskyCov` is, the model's parameter is the factor L.  Its density carries what the change
of variables adds, sd_i to the power 1 - i for row i = 1, 2, ... of L: from the second row on it has
a pole at zero, unless the data or the prior of the sd keep it from there.  No search ends up in it,
as the whole row has to shrink in proportion.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.checks.pole_scale import PROPORTIONAL, proportional_by
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.objective import Objective

__all__ = ["pole_factor", "shrinking_row"]

Array = NDArray[np.float64]


def pole_factor(case: Case) -> Verdict:
    """Claim that the density is unbounded as a row of a Cholesky factor goes to zero.

    Asked where the model has a factor of a covariance matrix, unless it is unbounded already.

    Evidence: each row of the factor is made smaller as a whole, to 1e-9 of it, with everything else
    as it is: over more than four orders of magnitude the log density grows in proportion to the log
    of the row.

    Blind spot: a pole only beside which the other parameters are far from the point.

    Source: Lewandowski, Kurowicka and Joe (2009), https://doi.org/10.1016/j.jmva.2009.04.008, of
    the density of the correlations; the power of the sd is the Jacobian of the factor's rows.
    """
    if (
        case.certificate.status is Status.UNBOUNDED
        or "cholesky" not in case.objective.density.kinds
    ):
        return None
    pole = shrinking_row(case.objective, case.certificate.x)
    return Passed() if pole is None else unbounded_along(case.objective, case.outlook, [pole])


def shrinking_row(objective: Objective, x: Array) -> Track | None:
    """Return the way from `x`, (p,), on which a row of a factor shrinks and the density grows."""
    density = objective.density
    variables = np.array(density.variables)
    distance = np.concatenate([[0.0], np.cumsum(PROPORTIONAL)])
    for name in dict.fromkeys(variables[density.kinds == "cholesky"].tolist()):
        columns = np.flatnonzero(variables == name)
        # Packed row by row, the log of the diagonal at the end of each.
        ends = np.cumsum(np.arange(1, len(columns) + 1))
        for begin, end in pairwise(ends):
            if end > len(columns):
                break
            row, last = columns[begin:end], columns[end - 1]
            way = np.tile(x, (len(distance), 1))
            way[:, row] *= np.exp(-distance)[:, None]
            way[:, last] = x[last] - distance
            values = objective.values(way)
            if n := proportional_by(values):
                return Track(int(last), -distance[:n], way[:n], values[:n], 0.0)
    return None
