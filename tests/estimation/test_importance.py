"""Importance weights: their tail, their moments, and the points that they are weights of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bayes_point.estimation.laplace.importance import (
    DF,
    LEAST_POINTS,
    Cloud,
    Proposal,
    effective_size,
    highest_k,
    moments,
    smoothed,
    systematic,
    tail_k,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def ratios_of_normals(rng: np.random.Generator, rows: int, n: int, v: float) -> np.ndarray:
    """Log ratios of Normal(0, v) to Normal(0, 1), at draws of the latter.

    The ratio is exp(x² (1 - 1/v)/2), and P(x²/2 > t) falls as exp(-t): beyond r it falls as
    r^(-v/(v - 1)), so that the Pareto k is 1 - 1/v.
    """
    x = rng.standard_normal((rows, n))
    return 0.5 * x**2 * (1 - 1 / v) - 0.5 * math.log(v)


@pytest.mark.parametrize("v", [1.25, 2.0, 5.0])
def test_pareto_k_is_the_shape_of_the_tail(rng: np.random.Generator, v: float) -> None:
    _, k = smoothed(ratios_of_normals(rng, 40, 20_000, v))
    # A Gaussian's tail also has a slowly varying factor, 1/sqrt(log r), which makes it look lighter
    # in any finite sample: by about a tenth here.
    error = k.std() / math.sqrt(len(k))
    assert 1 - 1 / v - 0.15 < k.mean() < 1 - 1 / v + 4 * error


def test_smoothing_keeps_the_body_and_the_order(rng: np.random.Generator) -> None:
    log_ratio = ratios_of_normals(rng, 3, 1000, 2.0)
    log_weight, _ = smoothed(log_ratio)
    np.testing.assert_allclose(np.exp(log_weight).sum(axis=1), 1)
    for raw, smooth in zip(log_ratio, log_weight, strict=True):
        order = np.argsort(raw)
        assert np.all(np.diff(smooth[order]) >= 0)
        body = order[: -int(3 * math.sqrt(1000))]
        assert np.ptp((raw - smooth)[body]) < 1e-12
        assert np.ptp(smooth) <= np.ptp(raw) + 1e-9


def test_rows_do_not_see_one_another(rng: np.random.Generator) -> None:
    log_ratio = ratios_of_normals(rng, 3, 1000, 2.0)
    log_ratio[1] = 7.0
    together, k = smoothed(log_ratio)
    for i in range(3):
        alone, k_alone = smoothed(log_ratio[[i]])
        np.testing.assert_array_equal(together[i], alone[0])
        assert k[i] == k_alone[0]


def test_constant_weights_have_no_tail(rng: np.random.Generator) -> None:
    rounding = 1e-9 * rng.standard_normal((1, 1000))
    log_weight, k = smoothed(3.0 + rounding)
    assert k[0] == -np.inf
    np.testing.assert_allclose(log_weight, -math.log(1000), atol=1e-8)
    assert effective_size(log_weight)[0] == pytest.approx(1000)


def test_points_without_density_weigh_nothing(rng: np.random.Generator) -> None:
    log_ratio = ratios_of_normals(rng, 1, 2000, 1.5)
    log_ratio[0, ::4] = np.nan
    log_ratio[0, 1::4] = -np.inf
    log_weight, k = smoothed(log_ratio)
    assert np.all(log_weight[0, ::4] == -np.inf)
    assert np.all(log_weight[0, 1::4] == -np.inf)
    assert np.exp(log_weight).sum() == pytest.approx(1)
    assert np.isfinite(k[0])


def test_too_few_points_with_density_have_no_pareto_k(rng: np.random.Generator) -> None:
    log_ratio = np.full((2, 1000), -np.inf)
    log_ratio[0, :20] = rng.standard_normal(20)
    log_weight, k = smoothed(log_ratio)
    assert np.all(np.isnan(k))
    assert np.exp(log_weight[0]).sum() == pytest.approx(1)
    assert np.all(np.isnan(log_weight[1]))  # none at all: no weights


def test_the_limit_is_lower_for_few_points() -> None:
    # Vehtari et al. (2024): min(1 - 1/log10 S, 0.7).
    assert highest_k(10_000) == 0.7
    assert highest_k(1000) == pytest.approx(2 / 3)
    assert highest_k(100) == pytest.approx(1 / 2)


def test_as_few_points_as_are_allowed_do_not_raise_false_alarms(rng: np.random.Generator) -> None:
    # Log weights of .003 z³ are all within two percent of one another: as good as constant.
    z = rng.standard_normal((200, LEAST_POINTS))
    _, k = smoothed(0.003 * z**3)
    assert np.mean(k > highest_k(LEAST_POINTS)) < 0.05


def test_the_heavier_tail_counts(rng: np.random.Generator) -> None:
    n = 20_000
    light, heavy = rng.standard_normal(n), rng.pareto(1 / 0.8, n)  # a Pareto tail has k = 0.8
    k = tail_k(np.array([light, heavy, -heavy]))
    assert k[0] < 0.2
    assert k[1] == pytest.approx(0.8, abs=0.2)
    assert k[2] == pytest.approx(k[1], abs=1e-12)


def test_what_does_not_vary_has_no_tail_and_what_is_not_finite_no_k() -> None:
    values = np.array([np.full(1000, 2.0), np.r_[np.inf, np.arange(999.0)]])
    k = tail_k(values)
    assert k[0] == -np.inf
    assert np.isnan(k[1])


def test_moments_and_their_errors(rng: np.random.Generator) -> None:
    # Normal(1/2, 1.2²) from draws of Normal(0, 1.5²): over many repetitions the estimates are
    # right, and scatter as their errors say.
    target, proposal = stats.norm(0.5, 1.2), stats.norm(0, 1.5)
    z = []
    for _ in range(100):
        x = 1.5 * rng.standard_normal((2000, 1))
        log_ratio = target.logpdf(x[:, 0]) - proposal.logpdf(x[:, 0])
        log_weight, _ = smoothed(log_ratio[None, :])
        found = moments(x, log_weight[0], log_ratio)
        z.append(
            [
                (found.mean[0] - 0.5) / found.mean_mcse[0],
                (found.sd[0] - 1.2) / found.sd_mcse[0],
            ]
        )
    # 100 standard normals: their mean has the sd 1/10, their sd that of 1/sqrt(200).
    np.testing.assert_allclose(np.mean(z, axis=0), 0, atol=4 / 10)
    np.testing.assert_allclose(np.std(z, axis=0), 1, atol=4 / math.sqrt(200))


def test_the_pull_of_a_heavy_column_is_seen_and_that_of_a_light_one_is_not(
    rng: np.random.Generator,
) -> None:
    x = rng.standard_normal((10_000, 1))
    # exp(0.6 x²) has a Pareto tail of k = 1.2 under a standard normal: no mean.  exp(0.3 x²), of
    # k = 0.6, has a mean and no sd.
    values = np.hstack([x, np.exp(0.3 * x**2), np.exp(0.6 * x**2)])
    log_ratio = np.zeros(10_000)
    log_weight, _ = smoothed(log_ratio[None, :])
    found = moments(values, log_weight[0], log_ratio)
    assert found.mean_k[0] < 0.2
    assert found.sd_k[0] < 0.5
    assert found.mean_k[1] < 0.7 < found.sd_k[1]
    assert found.mean_k[2] > 0.7
    assert list(found.doubtful(0.7)) == [False, True, True]


def test_a_tail_that_ends_before_it_matters_is_no_cause_for_doubt() -> None:
    # A Pareto tail of k = 0.9, cut off where it has hardly begun.
    quantile = (np.arange(4000) + 0.5) / 4000
    values = np.minimum((1 - quantile) ** -0.9, 30.0)
    values[quantile < 0.9] = quantile[quantile < 0.9]
    found = moments(values[:, None], np.full(4000, -math.log(4000)), np.zeros(4000))
    assert found.mean_share[0] < 0.05
    assert not found.doubtful(-np.inf)[0]
    assert found.mean_share[0] == pytest.approx(
        np.max((values - values.mean()) ** 2) / np.sum((values - values.mean()) ** 2)
    )


def test_moments_that_are_not_finite_are_doubtful() -> None:
    values = np.r_[np.inf, np.arange(3999.0)]
    with np.errstate(invalid="ignore"):
        found = moments(values[:, None], np.full(4000, -math.log(4000)), np.zeros(4000))
    assert found.doubtful(0.7)[0]


def test_points_of_no_weight_have_no_say(rng: np.random.Generator) -> None:
    log_ratio = ratios_of_normals(rng, 1, 1000, 1.2)[0]
    values = rng.standard_normal((1000, 1))
    log_ratio[:10], values[:10] = -np.inf, np.nan
    log_weight, _ = smoothed(log_ratio[None, :])
    found = moments(values, log_weight[0], log_ratio)
    assert np.all(np.isfinite([found.mean, found.sd, found.mean_mcse, found.mean_k]))


def test_systematic_resampling_rounds_the_weights(rng: np.random.Generator) -> None:
    weight = rng.exponential(size=500)
    weight /= weight.sum()
    counts = []
    for _ in range(400):
        index = systematic(np.log(weight), rng)
        assert np.all(np.diff(index) >= 0)  # copies stay together
        counts.append(np.bincount(index, minlength=500))
    counts = np.array(counts)
    # Each point floor or ceil of n w times, n w on average.
    assert np.all(np.abs(counts - 500 * weight) < 1)
    share = 500 * weight % 1
    error = np.sqrt(share * (1 - share) / 400)
    assert np.all(np.abs(counts.mean(axis=0) - 500 * weight) < 5 * error + 1e-9)


def curved(rng: np.random.Generator, batch: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Modes, and Hessians of units so different that they are hard to invert as they are."""
    root = rng.standard_normal((batch, p, p + 2)) * 10.0 ** np.arange(-3, -3 + 2 * p, 2)[:, None]
    return rng.standard_normal((batch, p)), -np.einsum("bpk,bqk->bpq", root, root)


def test_the_normal_has_the_curvature_that_it_was_given(rng: np.random.Generator) -> None:
    mode, hessian = curved(rng, 5, 3)
    proposal = Proposal.at(mode, hessian)
    assert np.all(proposal.exists)
    scale = 1 / np.sqrt(-np.diagonal(hessian, axis1=1, axis2=2))
    unit = scale[:, :, None] * scale[:, None, :]
    np.testing.assert_allclose(
        proposal.covariance / unit, np.linalg.inv(-hessian * unit), rtol=1e-7, atol=1e-9
    )
    x, log_q = proposal.place(Cloud.normal(rng.standard_normal((1, 4, 3))))
    for i in range(5):
        d = x[i] - mode[i]
        log_det = np.linalg.slogdet(-hessian[i])[1]
        exact = 0.5 * np.einsum("np,pq,nq->n", d, hessian[i], d)
        exact += 0.5 * log_det - 1.5 * math.log(2 * math.pi)
        np.testing.assert_allclose(log_q[i], exact, rtol=1e-8)


def test_the_defensive_cloud_is_half_normal_and_half_student(rng: np.random.Generator) -> None:
    n = 40_000
    heavy = np.arange(n) % 2 == 1
    cloud = Cloud.defensive(rng.standard_normal((1, n, 2)), rng.chisquare(DF, (1, n)), heavy)
    z = cloud.z[0]
    # Each coordinate of a multivariate t is a t.
    assert stats.kstest(z[~heavy, 0], stats.norm.cdf).pvalue > 1e-3
    assert stats.kstest(z[heavy, 0], stats.t(DF).cdf).pvalue > 1e-3
    log_q = [
        stats.multivariate_normal(np.zeros(2)).logpdf(z),
        stats.multivariate_t(np.zeros(2), df=DF).logpdf(z),
    ]
    np.testing.assert_allclose(
        cloud.log_q[0], np.logaddexp(*log_q) - math.log(2), rtol=1e-10, atol=1e-12
    )


def test_a_flat_or_rising_direction_is_no_place_for_a_normal() -> None:
    hessian = np.array([-np.eye(2), np.diag([-1.0, 0.0]), np.diag([-1.0, 2.0])])
    assert list(Proposal.at(np.zeros((3, 2)), hessian).exists) == [True, False, False]
