"""The proof for the many rows that need no detective work: vectorised, and never too lenient.

What it accepts is an interior maximum by the same criteria as `certify` applies: the gradient at
its rounding error, the curvature negative definite in every direction, and the density falling over
one standard error both ways along axes that span all directions.  What it does not accept is not
thereby wrong: it is left to `certify`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.optimise.regular import Factors, Rest, Weighted
from bayes_point.estimation.tolerances import EPS

__all__ = ["evident", "may_collapse"]

Array = NDArray[np.float64]

# All of these are stricter than what `certify` asks for.
_STILL = 1e-12
_LEAST_PIVOT = 1e-6
_LEAST_FALL = 0.05
_NOISE = 640 * EPS
# Width of a spike, in units in the last place of the parameters.
_NARROW = 1e4
# The farthest look in a log or a logit.
_FAR = 5.0
# Steps down in the log of a scale between which the density of a mixture levels off, and what it
# may lose over them: the component that shrinks can collapse on an observation.
# From so far down that an observation near the location is out of reach: e**-16 is 1e-7.
_DOWN = (16.0, 26.0)
_LEVEL = 10.0


def evident(
    objective: Weighted, rest: Rest, factors: Factors, transformed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether each row is an interior local maximum beyond doubt, (batch,)."""
    y = factors.forward(rest.gradient)
    still = np.sum(y * y / factors.pivots, axis=0) <= _STILL
    wide = np.all(_NARROW * EPS * np.abs(rest.x) <= factors.scale, axis=0)
    sure = rest.settled & np.isfinite(rest.value) & still & wide & (factors.least > _LEAST_PIVOT)
    noise = _NOISE * (1 + np.abs(rest.value))
    limit = np.where(transformed[:, None], _FAR, 1 + np.abs(rest.x))
    for error in factors.errors():
        part = 1 / np.maximum(1.0, np.max(np.abs(error) / limit, axis=0))
        sure &= _falls(objective, rest, error, np.full_like(part, _LEAST_FALL))
        # A standard error that is far longer than the parameter is large: look nearer as well.
        near = np.flatnonzero((part < 1) & sure)
        if near.size:
            enough = np.maximum(_LEAST_FALL * part**2, noise)[near]
            some = rest.rows(near)
            sure[near] &= _falls(objective.rows(near), some, (error * part)[:, near], enough)
    return sure


def may_collapse(
    objective: Weighted, rest: Rest, transformed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether a scale of each row can be made small at little cost, (batch,).

    Then there may be a pole elsewhere, of which a maximum says nothing.
    """
    out = np.zeros(rest.x.shape[1], bool)
    if np.all(transformed):
        return out  # no location that could collapse on an observation
    for j in np.flatnonzero(transformed):
        moved = rest.x.copy()
        values = []
        for step in _DOWN:
            moved[j] = rest.x[j] - step
            values.append(objective.value(moved))
        out |= np.isfinite(values[0]) & (values[1] > values[0] - _LEVEL)
    return out


def _falls(objective: Weighted, rest: Rest, step: Array, enough: Array) -> NDArray[np.bool_]:
    """Whether the value falls by enough over the step, and over its opposite."""
    # What is not a number is no evidence of a fall: every comparison with it is false.
    ahead, back = (objective.value(rest.x + sign * step) for sign in (1.0, -1.0))
    return (rest.value - ahead >= enough) & (rest.value - back >= enough)
