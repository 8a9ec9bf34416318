"""Poles beside a maximum: a density that grows without bound as a scale goes to zero elsewhere.

A local maximum, however well it is proven, says nothing of a pole elsewhere: a component of a
mixture may shrink on to an observation, or its line on to two; a regression may fit perfectly where
a prior does not want it; a Student t may shrink on to a tie.  No search gets there by itself,
because a pole is as narrow as it is high.  So each scale is made small step by step, the others
maximised over at each: they follow to where the pole is while it is still wide.  Where the
logarithm of the density then grows in proportion to that of the scale, over orders of magnitude,
there is no end to it.  (Day 1969, https://doi.org/10.1093/biomet/56.3.463)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Passed, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.precision import rounding
from bayes_point.model.variables.scales import scale_variables

__all__ = ["PROPORTIONAL", "grows_elsewhere", "pole_scale", "proportional_by"]

Array = NDArray[np.float64]

# A rate of change, by e-fold, that is none; e-folds over which a growth has to last; and what the
# fall of a parabola is multiplied by when the distance is doubled.
_NO_RATE, _FAR_ENOUGH, _BY_SQUARE = 1e-6, 11.0, 4.0

# Starts from which the other parameters begin when a scale is made small.
_BASES = 2

# Steps in a log: at first so small that the others can follow, then to 1e-9 of the scale.
PROPORTIONAL = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.5, 2.5, 3.0, 3.0, 3.0])
# So many rates of growth in a row, as equal as this, are a proportion.
_RATES = 3
_EQUAL = 0.15
# A fall that slows down by no more than this from step to step does not turn into a growth.
_SLOWLY = 0.65
# So far in a log from where a search begins, a scale has run off.
_RUN_OFF = 7.0
# Part of the gain of a step that may be left where the others have come along.
_NOTHING_LEFT = 1e-3
# Rounding of the log density at a point at which arithmetic has come to its end.
_LOST = 1e-3
# A slower growth, by e-fold of the scale, may be one that comes to an end.
_LEAST_RATE = 0.1
# What falls by more than this does not come back.
_TOO_DEEP = 1e5
# Newton iterations to come along at a step; and to come to rest, where the density grows.
_ITERATIONS = 10
_TO_REST = 100
# Of many coordinates, so many scales are made small.
_SCALES = 8
# Relative distance of two rows that have come to the same point.
_SAME = 1e-6
# Distances in a parameter itself at which it is looked whether it acts as the log of a scale.
_PROBES = np.array([10.0, 20.0])


def pole_scale(case: Case) -> Verdict:
    """Claim that the density is unbounded as a scale goes to zero, away from the point.

    Asked of every point; of what is unbounded already, to see from further off which parameters
    have a limit there.

    Evidence: each scale of the model, and what acts as the log of one, is made smaller step by
    step, to 1e-9 of it (from a start, where it is next to nothing at the point already), the others
    maximised over at each.  Over more than four orders of magnitude
    the log density grows in proportion to the log of the scale: three rates in a row are equal to
    15 per cent, and more than a tenth an e-fold.

    Blind spot: a pole to which the other parameters do not follow from the point, nor from the
    first starts.

    Source: Day (1969), https://doi.org/10.1093/biomet/56.3.463
    """
    objective, world, known = case.objective, case.world, case.certificate
    starts = world.starts[:_BASES]
    if known.status is Status.UNBOUNDED:
        # A search that ran into a pole ends where the others are lost in rounding.  On a way there
        # that begins far off they are near their limits before that.
        if (pole := grows_elsewhere(objective, starts[0], starts[1:])) is not None:
            begun = Point.at(objective, starts[0], np.zeros(objective.p, bool))
            again = unbounded_along(objective, begun, [pole])
            # It is the better one to look from, unless more is lost there.
            if again.undefined is None or not np.any(again.undefined & ~known.undefined):
                return again
        return Passed()
    # A line of a mixture that is right at the maximum does not leave it for a pole, and from a
    # point at infinity the others may not find back.  Where all starts lead to one maximum they
    # do so with a scale made smaller as well.
    others = starts
    if known.status.is_point:
        others = starts[:0] if world.all_the_same else starts[:1]
    pole = grows_elsewhere(objective, known.x, others)
    return Passed() if pole is None else unbounded_along(objective, case.outlook, [pole])


def grows_elsewhere(objective: Objective, x: Array, others: Array) -> Track | None:
    """Return a track along which the density grows without bound, if one is found.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    x : ndarray, (p,)
        The best point known.
    others : ndarray, (k, p)
        Points from which the other parameters begin as well.
    """
    columns, signs = _candidates(objective, x)
    if not columns.size:
        return None
    objective = replace(objective, density=objective.density.rough())
    # The log of a scale is looked at from elsewhere too; what is perhaps one, from the best only.
    known = objective.is_transformed[columns]
    pivots = np.concatenate([columns, np.tile(columns[known], len(others))])
    signs = np.concatenate([signs, np.tile(signs[known], len(others))])
    current = np.concatenate(
        [np.tile(x, (len(columns), 1)), np.repeat(others, int(known.sum()), axis=0)]
    )
    rows = np.arange(len(current))
    # A scale that has run off already begins where the others can still follow it.
    own = signs * (x[pivots] - current[rows, pivots]) > _RUN_OFF
    own &= objective.is_transformed[pivots]
    current[rows, pivots] = np.where(own, current[rows, pivots], x[pivots])
    best = float(objective.evaluate(x[None, :])[0][0])
    if np.any(own) and rounding(objective, x[None])[0] > _LOST:
        best = -np.inf
    points, values = [current], [objective.evaluate(current)[0]]
    for k in range(len(PROPORTIONAL)):
        ahead = _ahead(objective, points, pivots, signs, PROPORTIONAL[: k + 1])
        free = np.ones(ahead.shape, bool)
        free[rows, pivots] = False
        search = maximise(objective, ahead, free=free, max_iterations=_ITERATIONS)
        points.append(search.x)
        values.append(search.value)
        going, growing = _verdicts(np.array(values), PROPORTIONAL[: k + 1])
        # Ten units of a parameter that is no log are not orders of magnitude: a growth there has
        # to come out above what is known, or else it may only be on its way back to it; as one
        # that begins further off than the point is, if that is one and not the end of arithmetic.
        growing &= (objective.is_transformed[pivots] & ~own) | (search.value > best)
        waiting = np.flatnonzero(growing & ~search.settled)
        if waiting.size:
            at, still = search.x[waiting], free[waiting]
            rest = maximise(objective, at, free=still, max_iterations=_TO_REST)
            # What has nothing left to gain is at rest as well, as well as rounding lets it be.
            left = rest.value - search.value[waiting]
            gained = search.value[waiting] - values[-2][waiting]
            growing[waiting] = rest.settled | (left <= _NOTHING_LEFT * gained)
        if np.any(growing):
            row = int(np.argmax(np.where(growing, search.value, -np.inf)))
            distance = np.concatenate([[0.0], np.cumsum(PROPORTIONAL[: k + 1])]) * signs[row]
            path = np.array([some[row] for some in points])
            return Track(int(pivots[row]), distance, path, np.array(values)[:, row], 0.0)
        keep = going & np.isfinite(search.value) & _first_of_its_kind(search.x, pivots, signs)
        if not np.any(keep):
            return None
        pivots, signs, own = pivots[keep], signs[keep], own[keep]
        rows = np.arange(len(pivots))
        points, values = [some[keep] for some in points], [some[keep] for some in values]
    return None


def _ahead(
    objective: Objective, points: list[Array], pivots: NDArray[np.int_], signs: Array, steps: Array
) -> Array:
    """Return where the next search of each row begins: a step on, the others as they are or go."""
    rows = np.arange(len(pivots))
    ahead = points[-1].copy()
    ahead[rows, pivots] += signs * steps[-1]
    if len(points) < 3:
        return ahead
    # Extrapolated, parameters that move in proportion are not left behind.
    further = points[-1] + (points[-1] - points[-2]) * steps[-1] / steps[-2]
    further[rows, pivots] = ahead[rows, pivots]
    value, gradient = objective.evaluate(np.concatenate([ahead, further]))
    usable = np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)
    near, far = np.where(usable, value, -np.inf).reshape(2, -1)
    return np.where((far > near)[:, None], further, ahead)


def _first_of_its_kind(x: Array, pivots: NDArray[np.int_], signs: Array) -> NDArray[np.bool_]:
    """Whether each row is not where an earlier one of the same pivot has come to as well."""
    same = (pivots[:, None] == pivots) & (signs[:, None] == signs)
    near = np.all(np.abs(x[:, None] - x) <= _SAME * (1 + np.abs(x)), axis=2)
    return ~np.any(np.tril(same & near, -1), axis=1)


def _verdicts(values: Array, steps: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are worth going on with, and which grow in proportion."""
    with np.errstate(invalid="ignore"):
        rates = np.diff(values, axis=0) / steps[:, None]
        going = values[-1] > values[0] - _TOO_DEEP * (1 + np.abs(values[0]) / _TOO_DEEP)
        if len(rates) <= _RATES:
            nothing = np.zeros(values.shape[1], bool)
            return (going & ~_falling(rates) if len(rates) > 1 else going), nothing
        last = rates[-_RATES:]
        spread = last.max(axis=0) - last.min(axis=0)
        proportional = spread <= _EQUAL * np.abs(last).min(axis=0)
        level = np.abs(last).max(axis=0) < _NO_RATE
        # Growth that lasted for four orders of magnitude.
        growing = proportional & (last.min(axis=0) > _LEAST_RATE) & (np.sum(steps) > _FAR_ENOUGH)
    return going & ~level & ~_falling(rates), growing


def proportional_by(values: Array) -> int:
    """Return how many of the values on a way down show a growth in proportion; 0 if none do."""
    for k in range(1, len(values)):
        if _verdicts(values[: k + 1, None], PROPORTIONAL[:k])[1][0]:
            return k + 1
    return 0


def _falling(rates: Array) -> NDArray[np.bool_]:
    """Whether the last two rates are the same fall, or the last three much the same."""
    before, last = rates[-2], rates[-1]
    same = (last < 0) & (before < 0) & (np.abs(last - before) <= _EQUAL * np.abs(last))
    if len(rates) < 3:
        return same
    with np.errstate(divide="ignore", invalid="ignore"):
        slowing = rates[-2:] / rates[-3:-1]
    smooth = np.all((slowing > _SLOWLY) & (slowing < 1), axis=0)
    return same | (smooth & np.all(rates[-3:] < 0, axis=0))


def _candidates(objective: Objective, x: Array) -> tuple[NDArray[np.int_], Array]:
    """Return the coordinates, each up and down, that may be the log of a scale."""
    names = scale_variables(objective.density, tuple(objective.weights))
    variables = objective.density.variables
    free = np.flatnonzero(np.isin(variables, list(names)))
    if objective.is_wide:
        # The scales of whole vectors come before those of single observations.
        sizes = Counter(variables)
        free = free[np.argsort([sizes[variables[j]] for j in free], kind="stable")[:_SCALES]]
    if not free.size:
        return free, np.zeros(0)
    columns, signs = np.repeat(free, 2), np.tile([-1.0, 1.0], len(free))
    moved = np.tile(x, (len(_PROBES), len(columns), 1))
    moved[:, np.arange(len(columns)), columns] += _PROBES[:, None] * signs
    value, _ = objective.evaluate(np.vstack([x[None, :], moved.reshape(-1, len(x))]))
    with np.errstate(all="ignore"):
        near, far = value[0] - value[1:].reshape(len(_PROBES), -1)
        # A location falls off with the square of the distance; in a log that would be chance.
        square = (np.abs(far / near - _BY_SQUARE) < 0.5) & ~objective.is_transformed[columns]
    return columns[~square], signs[~square]
