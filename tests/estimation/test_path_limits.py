"""Where a rise ends, from five values on its way."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.path_limits import end_of_rise, extrapolated, limit_of
from bayes_point.estimation.optimise.paths import Path
from bayes_point.model.density.density import LogDensity


def test_two_parts_that_die_out_evenly_are_taken_away() -> None:
    # 3 - 2^-k - 5^-k: Aitken's method takes one geometric part away exactly, and, done twice, most
    # of the other: from 0.06 at k = 4 to what its own error leaves.
    k = np.arange(5.0)
    values = 3 - 2.0**-k - 0.1 * 5.0**-k
    assert abs(float(extrapolated(values)) - 3) < 1e-3
    assert abs(float(extrapolated(3 - 2.0**-k)) - 3) < 1e-14


def test_a_rise_ends_no_lower_than_it_has_come() -> None:
    # Values that do not die out evenly: extrapolated twice they come out below the last one.
    values = np.array([-63.55676, -57.40349, -55.58642, -55.19255, -55.16308])
    assert float(extrapolated(values)) < values[-1]
    assert end_of_rise(values) == values[-1]


def test_a_rise_that_has_ended_is_where_it_is() -> None:
    assert end_of_rise(np.array([1.0, 2.0, 2.0, 2.0, 2.0])) == pytest.approx(2.0, abs=0)


def test_a_limit_is_not_guessed_from_before_the_path_went_elsewhere() -> None:
    """Of two hills, the path leaves the one that ends for the one that rises to zero for ever.

    Seen from the first, up to where rounding is small, the rise -47, -33, -20, -7, -1 seems to lead
    to 4.8 by Aitken's method: its last differences, 12.4 and 6.1, shrink to a half.  Its top is -1.
    """
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        for_ever = -pt.exp(-a) - 10 * b**2
        hill = -1 - 14 * pt.log(pt.cosh(a - 4)) - 10 * (b - 9) ** 2
        pm.Potential("two", pt.logaddexp(for_ever, hill))
    objective = Objective(LogDensity(model), {"potential": 1.0})
    far = np.arange(8.0)
    x = np.stack([far, np.where(far < 5, 9.0, 0.0)], axis=1)
    value = objective.values(x)
    assert float(extrapolated(value[:5])) == pytest.approx(4.8, abs=0.1)
    noise = np.where(far < 5, 1e-14, 1e-6)
    path = Path(x, value, noise, np.ones(2), np.zeros(2, bool))
    assert limit_of(objective, path)[1] == pytest.approx(0, abs=1e-3)
