"""What lies beyond a plateau: whether the density is higher on the scales of the data.

A bell curve that lies far from all data is zero there to the last digit: nothing depends on its
place any more, and no slope leads back.  What does not change the density here may do so elsewhere,
and the numbers in the model say where to look.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case, where_finite
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.verdicts import Further, Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import finite_hessian
from bayes_point.model.density.numbers import numbers_in

__all__ = ["beyond_plateau", "plateau"]

Array = NDArray[np.float64]

_DRAWS = 3000
# So many of the best are returned.
_KEPT = 8
# Of a spread: how large a parameter may be, in powers of ten.
_SIZES = (-2.0, 0.5)
# Relative gain of the density that is more than rounding.
_CLEAR = 1e-9


def plateau(case: Case) -> Verdict:
    """Look for higher points on the scales of the data, where the density is level to the digit.

    Asked of what is not identified.

    Evidence: of three thousand points, the coordinates of no slope and no curvature drawn from the
    numbers in the model, eight at most that are higher, and what is climbed to from there.

    Blind spot: a peak that is narrower than three thousand points find, and a model without data.

    Source: Boender and Rinnooy Kan (1987), https://doi.org/10.1007/BF02591684, of random starts.
    """
    if case.certificate.status is not Status.NOT_IDENTIFIED:
        return None
    world = case.world
    found = beyond_plateau(case.objective, case.certificate.x, world.rng)
    higher = where_finite(case.objective, found)
    if not len(higher):
        return Passed()
    # That it does not matter where on the plateau one is says nothing any more.
    return Further(higher, world.climb(higher), is_apart=False)


def beyond_plateau(objective: Objective, x: Array, rng: np.random.Generator) -> Array:
    """Return points that are higher than the plateau at `x`, (p,), best first, (k, p).

    None where `x` is on no plateau: a coordinate of which the density has neither a slope nor a
    curvature there, to the last digit.
    """
    value, gradient = objective.evaluate(x[None])
    level = ~np.any(finite_hessian(objective, x[None])[0], axis=1) & (gradient[0] == 0)
    arrays = numbers_in(objective.density)
    if not np.any(level) or not arrays:
        return np.empty((0, len(x)))
    size = (_DRAWS, int(level.sum()))
    # Each parameter is a number of some array, or of the size of the spread of one.
    which = rng.integers(len(arrays), size=size)
    drawn = rng.choice([-1.0, 1.0], size=size) * 10.0 ** rng.uniform(*_SIZES, size=size)
    is_place = rng.random(size) < 0.5
    for i, array in enumerate(arrays):
        drawn[which == i] *= array.std()
        here = (which == i) & is_place
        drawn[here] = rng.choice(array, size=int(here.sum()))
    # Of what is transformed this is the log of its size, or near enough.
    logs = np.log(np.maximum(np.abs(drawn), 1e-300))
    rows = np.tile(x, (_DRAWS, 1))
    rows[:, level] = np.where(objective.is_transformed[level], logs, drawn)
    heights = objective.values(rows)
    heights = np.where(np.isfinite(heights), heights, -np.inf)
    best = np.argsort(-heights, kind="stable")[:_KEPT]
    return rows[best[heights[best] > value[0] + _CLEAR * (1 + abs(value[0]))]]
