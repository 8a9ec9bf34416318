"""What lies beyond a plateau: whether the density is higher on the scales of the data.

A bell curve that lies far from all data is zero there to the last digit: nothing depends on its
place any more, and no slope leads back.  What does not change the density here may do so elsewhere,
and the numbers in the model say where to look; in a size, so do many orders of magnitude.  A prior
gives the plateau of a likelihood a maximum, and an amplitude that goes to zero one on an edge: what
the data say is looked at by itself.
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
# Change of the log-likelihood over the size of a parameter that is next to none.
_LEVEL = 1e-6
# Random directions in which it is looked at where there are many.
_SIGNS = 4
# Sizes are looked for from 1e-12 to 1e12: their log.
_MAGNITUDES = 12 * np.log(10)


def plateau(case: Case) -> Verdict:
    """Look for higher points on the scales of the data, where the likelihood is level.

    Asked of everything but what is unbounded.

    Evidence: of three thousand points, the coordinates along which the likelihood is level drawn
    from the numbers in the model, and sizes from twenty-four orders of magnitude as well, eight at
    most that are higher than what is claimed, and what is climbed to from there.

    Blind spot: a peak that is narrower than three thousand points find, and a model without data.

    Source: Boender and Rinnooy Kan (1987), https://doi.org/10.1007/BF02591684, of random starts.
    """
    known, objective = case.certificate, case.objective
    if known.status is Status.UNBOUNDED or not np.any(_is_level(objective, known.x)):
        return None
    world = case.world
    found = beyond_plateau(objective, known.x, world.rng, known.value)
    higher = where_finite(objective, found)
    if not len(higher):
        return Passed()
    # That it does not matter where on the plateau one is says nothing any more.
    return Further(higher, world.climb(higher), is_apart=False)


def _is_level(objective: Objective, x: Array) -> NDArray[np.bool_]:
    """Along which coordinates the likelihood changes by nothing, moved by their size, (p,).

    That is told from its slope and curvature at the point.
    """
    of_data = objective.of_data
    gradient = of_data.evaluate(x[None])[1][0]
    unit = np.where(objective.is_transformed, 1.0, 1.0 + np.abs(x))
    level: NDArray[np.bool_] = np.abs(gradient) * unit < _LEVEL
    if not np.any(level):
        return level
    if objective.is_wide:
        # What does not show in any of a few random directions is nothing.
        signs = np.random.default_rng(5).choice([-1.0, 1.0], size=(_SIGNS, len(x)))
        bend = of_data.hessian_product(np.tile(x, (_SIGNS, 1)), unit * signs.astype(float)).T
    else:
        bend = finite_hessian(of_data, x[None])[0] * unit
    return level & np.all(np.abs(bend) * unit[:, None] < _LEVEL, axis=1)


def beyond_plateau(
    objective: Objective, x: Array, rng: np.random.Generator, least: float = -np.inf
) -> Array:
    """Return points that are higher than `least` and than `x`, (p,), best first, (k, p).

    None where `x` is on no plateau: a coordinate along which the likelihood is level.
    """
    value = objective.evaluate(x[None])[0]
    level = _is_level(objective, x)
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
    logs = np.where(rng.random(size) < 0.5, logs, rng.uniform(-_MAGNITUDES, _MAGNITUDES, size))
    rows = np.tile(x, (len(drawn), 1))
    rows[:, level] = np.where(objective.is_transformed[level], logs, drawn)
    heights = objective.values(rows)
    heights = np.where(np.isfinite(heights), heights, -np.inf)
    best = np.argsort(-heights, kind="stable")[:_KEPT]
    least = max(least, float(value[0]))
    return rows[best[heights[best] > least + _CLEAR * (1 + abs(least))]]
