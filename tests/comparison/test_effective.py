"""Effective sample sizes of many parameters at once, against ArviZ's, which loops."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayes_point.comparison.distance.effective import effective_size, rank_diagnostics, tail_size
from bayes_point.comparison.inputs.draws import Draws, interval, interval_mcse
from tests.trees import ar1

AXES = {"chain_axis": 0, "draw_axis": 1}


@pytest.mark.parametrize("shape", [(4, 300, 9), (1, 37, 9), (2, 5, 40), (3, 4, 40), (2, 101, 9)])
@pytest.mark.parametrize("rho", [0.0, 0.95, -0.8])
def test_errors_are_those_of_arviz(shape: tuple[int, int, int], rho: float) -> None:
    x = ar1(np.random.default_rng(1), shape, rho)
    expected = array_stats.ess(x, method="mean", **AXES)
    np.testing.assert_allclose(effective_size(x), expected, rtol=1e-12)
    expected = array_stats.ess(x, method="bulk", **AXES)
    r_hat, bulk = rank_diagnostics(x)
    np.testing.assert_allclose(bulk, expected, rtol=1e-12)
    expected = array_stats.ess(x, method="tail", prob=(0.05, 0.95), **AXES)
    np.testing.assert_allclose(tail_size(x, (0.05, 0.95)), expected, rtol=1e-12)
    expected = array_stats.rhat(x, method="rank", **AXES) if shape[0] > 1 else np.nan
    np.testing.assert_allclose(r_hat, expected, rtol=1e-12)
    draws = Draws.of(x)
    for name, own in (("mean", draws.mean_mcse), ("sd", draws.sd_mcse)):
        np.testing.assert_allclose(own, array_stats.mcse(x, method=name, **AXES), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 300, 9), (2, 11, 40)])
def test_errors_of_bounds_are_those_of_arviz(shape: tuple[int, int, int]) -> None:
    draws = Draws.of(ar1(np.random.default_rng(2), shape, 0.5))
    upper = interval(draws, 0.8, "eti")[1]
    expected = []
    for i, bound in enumerate(upper):
        z, at = draws.z[..., i], (bound - draws.mean[i]) / draws.sd[i]
        error = array_stats.mcse(z, method="quantile", prob=float(np.mean(z <= at)))
        expected.append(draws.sd[i] * float(error))
    np.testing.assert_allclose(interval_mcse(draws, upper), expected, rtol=1e-12)


def test_constant_draws_are_worth_their_number() -> None:
    assert effective_size(np.ones((2, 10, 1))).tolist() == [20]


def test_chains_that_are_stuck_apart() -> None:
    x = np.repeat([[1.0], [2.0]], 10, axis=1)[..., None]
    assert rank_diagnostics(x)[0].tolist() == [np.inf]


def test_ties_share_their_ranks() -> None:
    x = np.random.default_rng(4).integers(0, 3, (2, 40, 6)).astype(float)
    expected = array_stats.ess(x, method="bulk", **AXES)
    r_hat, bulk = rank_diagnostics(x)
    np.testing.assert_allclose(bulk, expected, rtol=1e-12)
    expected = array_stats.rhat(x, method="rank", **AXES)
    np.testing.assert_allclose(r_hat, expected, rtol=1e-12)


def test_a_batch_is_what_its_columns_are_alone() -> None:
    x = ar1(np.random.default_rng(3), (2, 50, 5), 0.7)
    alone = [float(effective_size(x[..., [i]])[0]) for i in range(5)]
    np.testing.assert_allclose(effective_size(x), alone, rtol=1e-13)
