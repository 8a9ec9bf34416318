"""Posterior means of many data sets at once, against the closed form of a conjugate model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pymc as pm
import pytest
from scipy.special import gammaln

from bayes_point.estimation.laplace.means import PosteriorMeans, importance_means
from bayes_point.model.density.density import LogDensity

BATCH = 120


class Conjugate:
    """Normal data of unknown mean m and variance v, with v ~ InverseGamma(2, 3), m ~ Normal(1, v).

    Given n data with mean y and sum of squares s around it: v ~ InverseGamma(a, b) and
    m | v ~ Normal(c, v/k), with k = 1 + n, c = (1 + n y)/k, a = 2 + n/2 and
    b = 3 + s/2 + n (y - 1)²/(2 k).  The coordinates are m and u = log v, in which the log density
    is, with the Jacobian, -(a + 1/2) u - (b + k (m - c)²/2) exp(-u).
    """

    def __init__(self, batch: int, n: int) -> None:
        rng = np.random.default_rng(3)
        self.data = rng.normal(1, 3, (batch, n))
        y, s = self.data.mean(axis=1), self.data.var(axis=1) * n
        self.k, self.a = 1 + n, 2 + n / 2
        self.c = (1 + n * y) / self.k
        self.b = 3 + s / 2 + n * (y - 1) ** 2 / (2 * self.k)

    def log_density(self, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        m, u = x.T
        return -(self.a + 0.5) * u - (self.b[rows] + self.k * (m - self.c[rows]) ** 2 / 2) * np.exp(
            -u
        )

    def natural(self, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, 0], np.exp(x[:, 1]), np.exp(x[:, 1] / 2)])

    @property
    def mode(self) -> np.ndarray:
        return np.column_stack([self.c, np.log(self.b / (self.a + 0.5))])

    @property
    def hessian(self) -> np.ndarray:
        out = np.zeros((len(self.b), 2, 2))
        out[:, 0, 0] = -self.k * (self.a + 0.5) / self.b
        out[:, 1, 1] = -(self.a + 0.5)
        return out

    @property
    def means(self) -> np.ndarray:
        """Of m, v and the sd: c, b/(a - 1) and sqrt(b) Gamma(a - 1/2)/Gamma(a)."""
        sd = np.sqrt(self.b) * math.exp(gammaln(self.a - 0.5) - gammaln(self.a))
        return np.column_stack([self.c, self.b / (self.a - 1), sd])

    @property
    def sds(self) -> np.ndarray:
        mean = self.means
        variance = mean[:, 1] ** 2 / (self.a - 2)
        return np.sqrt(
            np.column_stack([mean[:, 1] / self.k, variance, mean[:, 1] - mean[:, 2] ** 2])
        )

    @staticmethod
    def in_pymc(n: int) -> pm.Model:
        with pm.Model() as model:
            v = pm.InverseGamma("v", 2, 3)
            m = pm.Normal("m", 1, pm.math.sqrt(v))
            pm.Normal("y", m, pm.math.sqrt(v), observed=np.zeros(n))
        return model


def found_for(model: Conjugate, *, mode: np.ndarray | None = None, **kwargs: int) -> PosteriorMeans:
    options = {"n_points": 1024, "points_at_once": 200_000} | kwargs
    return importance_means(
        model.log_density,
        model.natural,
        model.mode if mode is None else mode,
        model.hessian,
        rng=np.random.default_rng(7),
        **options,
    )


def test_means_of_a_conjugate_model_and_their_errors() -> None:
    model = Conjugate(BATCH, 4)
    found = found_for(model)
    z = (found.mean - model.means) / found.mcse
    # The error is itself estimated, from 8 replicates: z is Student's t of 7 degrees of freedom,
    # of variance 7/5 and fourth moment 3 (7/5)² (7 - 2)/(7 - 4).
    assert np.all(np.abs(z.mean(axis=0)) < 4 * math.sqrt(7 / 5 / BATCH))
    spread = math.sqrt(((3 * 5 / 3) - 1) / BATCH) * 7 / 5
    np.testing.assert_allclose(z.var(axis=0), 7 / 5, atol=4 * spread)
    # Four data make a posterior with the tails of Student's t; the points reach that far.
    assert np.all(found.pareto_k < 0.7)
    assert np.all(found.mcse < 0.15 * found.sd)
    assert np.all(found.effective_size > 512)
    np.testing.assert_allclose(np.mean(found.sd / model.sds, axis=0), 1, atol=0.02)


def test_errors_of_different_data_sets_average_out() -> None:
    # Were the points the same for all data sets, the mean error over them would be as large as
    # that of one.
    model = Conjugate(BATCH, 4)
    found = found_for(model, n_points=256)
    off = (found.mean - model.means) / found.sd
    assert np.all(np.abs(off.mean(axis=0)) < 4 * off.std(axis=0) / math.sqrt(BATCH))
    assert np.all(off.std(axis=0) > 0.02)


def test_the_error_falls_faster_than_by_chance() -> None:
    # Sixteen times the points: a quarter of the error by chance, less for quasi-random points.
    model = Conjugate(60, 20)
    few, many = (found_for(model, n_points=n) for n in (256, 4096))
    error = [np.sqrt(np.mean((f.mean - model.means) ** 2, axis=0)) for f in (few, many)]
    assert np.all(error[1] < 0.25 * error[0])


def test_chunks_differ_by_chance_alone() -> None:
    model = Conjugate(10, 4)
    sizes: list[int] = []

    def counted(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return model.log_density(rows, x)

    found = importance_means(
        counted,
        model.natural,
        model.mode,
        model.hessian,
        n_points=256,
        points_at_once=1000,
        rng=np.random.default_rng(7),
    )
    assert sizes == [768, 768, 768, 256]
    whole = found_for(model, n_points=256)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-12)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mode, hessian: mode.__setitem__(3, np.nan),
        lambda mode, hessian: hessian.__setitem__(3, np.nan),
        lambda mode, hessian: hessian.__setitem__((3, 1, 1), 0.0),
    ],
)
def test_a_data_set_without_a_mode_has_no_mean(
    spoil: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    model = Conjugate(5, 4)
    mode, hessian = model.mode, model.hessian
    spoil(mode, hessian)
    found = importance_means(
        model.log_density,
        model.natural,
        mode,
        hessian,
        n_points=256,
        points_at_once=10_000,
        rng=np.random.default_rng(7),
    )
    bad = np.arange(5) == 3
    for values in (found.mean, found.mcse, found.sd, found.pareto_k, found.effective_size):
        assert np.all(np.isnan(values[bad]))
        assert np.all(np.isfinite(values[~bad]))


def test_no_data_set_at_all_with_a_mode() -> None:
    model = Conjugate(3, 4)
    found = found_for(model, mode=np.full((3, 2), np.nan))
    assert found.mean.shape == (3, 3)
    assert np.all(np.isnan(found.mean))
    assert np.all(np.isnan(found.pareto_k))


def test_a_posterior_that_is_nothing_like_the_points_is_known_by_its_k() -> None:
    # The density falls as |x|^-1.2 and that of the points as |x|^-3: their ratio grows as |x|^1.8,
    # and is beyond r with a probability that falls as r^(-2/1.8), a tail of k = 0.9.
    def log_density(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        return -0.6 * np.log1p(x[:, 0] ** 2)

    found = importance_means(
        log_density,
        lambda rows, x: x,
        np.zeros((20, 1)),
        np.full((20, 1, 1), -1.2),
        n_points=4096,
        points_at_once=100_000,
        rng=np.random.default_rng(7),
    )
    assert np.median(found.pareto_k) > 0.7


def test_with_the_density_of_a_model_given_each_data_set() -> None:
    known, terms = Conjugate(30, 4), ("likelihood", "prior", "jacobian")
    density = LogDensity(known.in_pymc(4), inputs=["y"])
    assert density.labels == ["v_log__", "m"]
    mode = known.mode[:, ::-1]

    def log_density(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        return density.evaluate(x, terms, {"y": known.data[rows]})[0].sum(axis=1)

    def natural(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        values = density.natural(x, {"y": known.data[rows]})
        return np.column_stack([values["m"], values["v"]])

    hessian = density.hessian(mode, terms, {"y": known.data}).sum(axis=1)
    np.testing.assert_allclose(hessian[:, ::-1, ::-1], known.hessian, rtol=1e-6, atol=1e-9)
    found = importance_means(
        log_density,
        natural,
        mode,
        hessian,
        n_points=1024,
        points_at_once=10_000,
        rng=np.random.default_rng(7),
    )
    # Errors of 7 degrees of freedom: five of them are exceeded once in six hundred numbers.
    off = np.abs(found.mean - known.means[:, :2]) / found.mcse
    assert np.median(off) < 1
    assert off.max() < 6
    assert np.all(found.pareto_k < 0.5)
