"""Where a rise ends, from five values on its way."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_point.estimation.optimise.path_limits import end_of_rise, extrapolated


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
