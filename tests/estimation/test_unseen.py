"""More starts are tried where the first lead to several maxima."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from bayes_point.estimation.face.find import find_MLE
from bayes_point.estimation.optimise.unseen import expected_unseen


def test_the_published_rule() -> None:
    # Boender & Rinnooy Kan (1987): w (N - 1) / (N - w - 2) maxima in all, N starts, w of them seen.
    assert expected_unseen(3, 29) == pytest.approx(3 * 28 / 24 - 3)
    assert expected_unseen(4, 6) == np.inf


def test_a_maximum_that_the_first_starts_miss() -> None:
    # A wave of known height, seen at irregular times (at regular ones, a faster wave would look
    # the same): the log-likelihood has a local maximum every few tenths of the rate.
    x = 20 * np.sort(np.random.default_rng(3).uniform(size=60))
    y = np.sin(3.1 * x) + 0.05 * np.cos(17 * x)
    with pm.Model() as model:
        rate = pm.Normal("rate", 0, 3)
        pm.Normal("y", pm.math.sin(rate * x), 0.2, observed=y)
    found = find_MLE(model, n_starts=4, progressbar=False, random_seed=2)
    grid = np.linspace(-15, 15, 60_001)
    sums = ((y - np.sin(grid[:, None] * x)) ** 2).sum(1)
    assert found.n_starts > 4
    # On the grid the best is within half a step of the maximum.
    assert float(found.point["rate"]) == pytest.approx(grid[np.argmin(sums)], abs=5e-4)


def test_one_maximum_needs_no_more() -> None:
    with pm.Model() as model:
        # Not known to be log-concave; two of a Cauchy that are near have one maximum.
        mu = pm.Normal("mu", 0, 3)
        pm.Cauchy("y", mu, 1, observed=[1.0, 1.5])
    assert find_MLE(model, n_starts=8, progressbar=False, random_seed=2).n_starts == 8
