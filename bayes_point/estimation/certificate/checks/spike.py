"""An optimum narrower than the spacing of floating-point numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import SPIKE, Point
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Verdict
from bayes_point.estimation.objective import Objective

__all__ = ["spike", "spiked"]

Array = NDArray[np.float64]

# In a log or a logit, what a search moves where the density grows until rounding stops it.
_FAR = 10.0


def spike(case: Case) -> Verdict:
    """Claim that the density is unbounded where its optimum is sharper than numbers are spaced.

    Asked where the search came to rest.

    Evidence: one unit in the last place of the parameters changes the log density by more than
    0.05.

    Blind spot: data of fifteen digits that agree in the first fourteen look the same.

    Source: Higham (2002), Accuracy and Stability of Numerical Algorithms,
    https://doi.org/10.1137/1.9780898718027, of what rounding leaves of a residual.
    """
    if case.is_open:
        return None
    if case.point.spike > SPIKE:
        return spiked(case.objective, case.point, case.start)
    return Passed({"change over one ulp": case.point.spike})


def spiked(objective: Objective, point: Point, start: Array) -> Claim:
    """Judge an optimum narrower than the spacing of floating-point numbers.

    Residuals that are zero but for rounding stop a scale parameter at some 1e-16 of the data's
    scale, where it looks like a maximum.
    """
    density = objective.density
    moved = np.where(objective.is_transformed, np.abs(point.x - start), 0.0)
    undefined = moved >= max(_FAR, 0.5 * moved.max())
    if not np.any(undefined):
        undefined = np.ones(len(point.x), bool)
    names = tuple(density.parameters[j] for j in np.flatnonzero(undefined))
    finding = Finding(
        f"The density grows along {', '.join(names)} until rounding stops it: the point is sharper "
        "than the spacing of floating-point numbers.",
        names,
        {"log density": point.value, "change over one ulp": point.spike},
        "No estimate exists: the model fits the data exactly. Use fewer parameters, or a prior "
        "that keeps the scale away from zero.",
    )
    return Claim(
        point, Status.UNBOUNDED, (finding,), is_proof=True, undefined=undefined, value=np.inf
    )
