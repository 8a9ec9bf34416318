"""What must not move a maximum, nor change what is said of it, over data that Hypothesis draws.

The data are counts and small integers, so that the degenerate ones (all heads, all zero, separated,
collinear, all equal, an exact fit) come up among the ordinary ones. One example is half a second to
two of estimation: the quick part is an example of each kind and a few drawn ones, the slow part
draws as many as it takes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from scipy.special import comb, xlogy

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate

Found = Callable[..., PointEstimate]


def drawn(
    *strategies: Any, kinds: tuple[tuple[Any, ...], ...], quick: int, slow: int
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a property: of one example of each kind, and of some that are drawn.

    What is drawn is small, so that a failure needs no shrinking, which would take minutes.
    """

    def decorate(check: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("n", [quick, pytest.param(slow, marks=pytest.mark.slow)])
        def test(n: int) -> None:
            prove = given(*strategies)(check)
            for kind in kinds if n == quick else ():
                prove = example(*kind)(prove)
            settings(
                max_examples=n,
                deadline=None,
                derandomize=True,
                database=None,
                phases=(Phase.explicit, Phase.generate),
                suppress_health_check=list(HealthCheck),
            )(prove)()

        test.__doc__ = check.__doc__
        return test

    return decorate


def mle(model: pm.Model, **kwargs: Any) -> PointEstimate:
    return _quiet(find_MLE, model, **kwargs)


def map_(model: pm.Model, **kwargs: Any) -> PointEstimate:
    return _quiet(find_MAP, model, **kwargs)


def _quiet(find: Found, model: pm.Model, **kwargs: Any) -> PointEstimate:
    with warnings.catch_warnings():
        # Some of the data drawn have no maximum: that is meant.
        warnings.simplefilter("ignore", EstimationWarning)
        return find(model, progressbar=False, random_seed=1, **kwargs)


def same(one: PointEstimate, other: PointEstimate, names: Sequence[Any] | None = None) -> None:
    """Assert that two estimates say the same of the variables, by default of all."""
    assert one.status is other.status, f"{one}\n{other}"
    np.testing.assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-6, atol=1e-6)
    if one.status is Status.NOT_IDENTIFIED:
        return  # one maximiser of many
    for name in one.point.data_vars if names is None else names:
        close(one.point[name], other.point[name])


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# --- reparametrisation ----------------------------------------------------------------------------


def coin(heads: int, n: int, form: str) -> pm.Model:
    with pm.Model() as model:
        if form == "probability":
            theta = pm.Beta("theta", 2, 3)
        elif form == "logit":
            theta = pm.Deterministic("theta", pm.math.invlogit(pm.Normal("eta", 0, 2)))
        elif form == "odds":
            odds = pm.HalfNormal("odds", 3)
            theta = pm.Deterministic("theta", odds / (1 + odds))
        else:  # affine
            theta = pm.Deterministic("theta", 0.5 + pm.Uniform("gain", -1, 1) / 2)
        pm.Binomial("heads", n, theta, observed=heads)
    return model


COIN_FORMS = ("probability", "logit", "odds", "affine")


@drawn(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from(COIN_FORMS),
    kinds=(*(((4, 4), form) for form in COIN_FORMS), ((0, 3), "odds")),
    quick=2,
    slow=16,
)
def test_coin_by_any_other_name(tosses: tuple[int, int], form: str) -> None:
    heads, n = tosses
    estimate = mle(coin(heads, n, form))
    p = heads / n
    close(estimate.point["theta"], p)
    log_density = np.log(comb(n, heads)) + xlogy(heads, p) + xlogy(n - heads, 1 - p)
    np.testing.assert_allclose(estimate.log_likelihood, log_density, rtol=1e-6, atol=1e-6)
    # Odds run away at all heads only, the logit at both ends, a probability at neither.
    away = heads in {"logit": (0, n), "odds": (n,)}.get(form, ())
    edge = heads in {"odds": (0,), "logit": ()}.get(form, (0, n))
    status = Status.AT_INFINITY if away else Status.ON_BOUNDARY if edge else Status.CONVERGED
    assert estimate.status is status, str(estimate)


def gaussian(y: np.ndarray, form: str) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        if form == "sd":
            sd = pm.HalfNormal("sd", 5)
        elif form == "log":
            sd = pm.Deterministic("sd", pm.math.exp(pm.Normal("log_sd", 0, 3)))
        elif form == "variance":
            sd = pm.Deterministic("sd", pm.math.sqrt(pm.InverseGamma("variance", 2, 2)))
        else:
            sd = pm.Deterministic("sd", 1 / pm.math.sqrt(pm.Gamma("precision", 2, 2)))
        pm.Normal("y", mu, sd, observed=y)
    return model


SMALL = st.lists(st.integers(-5, 5), min_size=2, max_size=6).map(lambda y: np.array(y, float))


SCALE_FORMS = ("sd", "log", "variance", "precision")


@drawn(
    SMALL,
    st.sampled_from(SCALE_FORMS),
    kinds=tuple((np.array([2.0, 2.0, 2.0]), form) for form in SCALE_FORMS),
    quick=2,
    slow=12,
)
def test_scale_by_any_other_name(y: np.ndarray, form: str) -> None:
    estimate = mle(gaussian(y, form))
    close(estimate.point["mu"], y.mean())
    if np.ptp(y) == 0:
        # All equal: the likelihood grows without bound as the scale vanishes.
        assert estimate.status is Status.UNBOUNDED, str(estimate)
        assert np.isnan(estimate.point["sd"])
    else:
        assert estimate.status is Status.CONVERGED, str(estimate)
        close(estimate.point["sd"], y.std())


# --- the data's order, and what the prior believes ------------------------------------------------


def logistic(x: np.ndarray, y: np.ndarray, sd: float = 2.0, mean: float = 0.0) -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", mean, sd), pm.Normal("b", mean, sd)
        pm.Bernoulli("y", logit_p=a + b * x, observed=y)
    return model


Rows = tuple[np.ndarray, np.ndarray]
SEPARATED: Rows = (np.array([-2.0, -1.0, 1.0, 3.0]), np.array([0, 0, 1, 1]))
QUASI: Rows = (np.array([-1.0, 0.0, 0.0, 2.0]), np.array([0, 0, 1, 1]))
CONSTANT: Rows = (np.array([2.0, 2.0, 2.0]), np.array([0, 1, 1]))
ONE_CLASS: Rows = (np.array([-1.0, 0.0, 2.0]), np.array([0, 0, 0]))
XY = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 1)), min_size=3, max_size=10).map(
    lambda rows: (np.array(rows, float)[:, 0], np.array(rows, int)[:, 1])
)


def determined(x: np.ndarray, y: np.ndarray) -> list[str]:
    """Which of a and b have one limit in the logistic regression.

    Apart, a + b x goes to infinity above every x with a 1 and below every x with a 0: b to the side
    of the ones, and a to where -b times the gap between them leaves it no choice. With one class
    only, a has no choice if 0 is among the x, and b never.
    """
    ones, zeros = x[y == 1], x[y == 0]
    if len(ones) == 0 or len(zeros) == 0:
        return ["a"] if x.min() <= 0 <= x.max() else []
    if np.ptp(x) == 0:
        return []
    for low, high in ((zeros.max(), ones.min()), (ones.max(), zeros.min())):
        if low <= high:
            return ["a", "b"] if low == high or low * high > 0 else ["b"]
    return ["a", "b"]


@drawn(
    XY,
    st.integers(0, 99),
    kinds=((QUASI, 2),),
    quick=1,
    slow=7,
)
def test_order_of_observations(xy: Rows, seed: int) -> None:
    x, y = xy
    order = np.random.default_rng(seed).permutation(len(x))
    one, other = logistic(x, y), logistic(x[order], y[order])
    same(mle(one), mle(other), determined(x, y))
    same(map_(one), map_(other))


@drawn(
    XY,
    st.sampled_from([0.3, 1.0, 10.0]),
    st.sampled_from([-2.0, 0.0, 1.0]),
    kinds=((QUASI, 10.0, 0.0),),
    quick=1,
    slow=8,
)
def test_what_priors_believe(xy: Rows, sd: float, mean: float) -> None:
    one, other = mle(logistic(*xy)), mle(logistic(*xy, sd=sd, mean=mean))
    same(one, other, determined(*xy))


@drawn(
    XY,
    kinds=((SEPARATED,), (CONSTANT,), (ONE_CLASS,)),
    quick=2,
    slow=12,
)
def test_logistic_status(xy: Rows) -> None:
    """Albert & Anderson (1984), https://doi.org/10.1093/biomet/71.1.1: with one column it is easy.

    The MLE is finite if, and only if, the x of successes and failures overlap: neither group lies
    at or beyond the other's end. A constant x is one of two columns that are the same.
    """
    x, y = xy
    ones, zeros = x[y == 1], x[y == 0]
    apart = len(ones) == 0 or len(zeros) == 0
    apart = apart or ones.max() <= zeros.min() or zeros.max() <= ones.min()
    estimate = mle(logistic(x, y))
    if np.ptp(x) == 0 and 0 < len(ones) < len(x):
        wanted: tuple[Status, ...] = (Status.NOT_IDENTIFIED,)
    elif np.ptp(x) == 0:
        # To infinity along a + b x, and flat beside it.
        wanted = (Status.AT_INFINITY, Status.NOT_IDENTIFIED)
    else:
        wanted = (Status.AT_INFINITY,) if apart else (Status.CONVERGED,)
    assert estimate.status in wanted, str(estimate)
    if wanted == (Status.AT_INFINITY,) and len(ones) and len(zeros):
        assert float(estimate.point["b"]) == (np.inf if ones.max() > zeros.min() else -np.inf)
    assert map_(logistic(x, y)).status is Status.CONVERGED  # a proper, log-concave prior


@drawn(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.sampled_from([-50.0, 0.5, 1e4]),
    kinds=(([0, 0], 0.5),),
    quick=2,
    slow=10,
)
def test_constant_potential(counts: list[int], constant: float) -> None:
    def model(potential: bool) -> pm.Model:
        with pm.Model() as model:
            rate = pm.Exponential("rate", 0.5)
            pm.Poisson("counts", rate, observed=counts)
            if potential:
                pm.Potential("constant", pm.math.constant(constant))
        return model

    without, with_ = map_(model(False)), map_(model(True))
    assert with_.status is without.status
    close(with_.point["rate"], without.point["rate"])
    # The mode of a Gamma(1 + sum, 0.5 + n).
    close(without.point["rate"], sum(counts) / (0.5 + len(counts)))
    assert without.status is (Status.CONVERGED if any(counts) else Status.ON_BOUNDARY)
    np.testing.assert_allclose(with_.log_joint - without.log_joint, constant, rtol=1e-9)


# --- columns --------------------------------------------------------------------------------------

COLUMNS = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(-4, 4)), min_size=5, max_size=9
).map(lambda rows: np.array(rows, float))


def regression(x: np.ndarray, y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 5, shape=x.shape[1])
        sd = pm.HalfNormal("sd", 5)
        pm.Normal("y", x @ beta, sd, observed=y)
    return model


EXACT = np.array([[0.0, 1, 1], [1, 0, 1], [2, 1, 3], [-1, 2, 1], [3, 1, 4]])  # y = x1 + x2
TWICE = np.array([[0.0, 0, 2], [1, 2, 1], [2, 4, 4], [-1, -2, 2], [3, 6, 0]])  # x2 = 2 x1


@drawn(
    COLUMNS,
    st.sampled_from([1e-4, 0.1, 3.0, 1e5]),
    kinds=((EXACT, 0.1), (TWICE, 1e5)),
    quick=1,
    slow=8,
)
def test_scaled_column(rows: np.ndarray, factor: float) -> None:
    x, y = np.column_stack([np.ones(len(rows)), rows[:, :2]]), rows[:, 2]
    scaled = x * [1.0, 1.0, factor]
    one, other = mle(regression(x, y)), mle(regression(scaled, y))
    assert one.status is other.status, f"{one}\n{other}"
    rank = np.linalg.matrix_rank(x)
    fit, *_ = np.linalg.lstsq(x, y)
    residual = np.sqrt(np.mean((y - x @ fit) ** 2))
    if residual < 1e-9:
        assert one.status is Status.UNBOUNDED, str(one)
    elif rank < x.shape[1]:
        assert one.status is Status.NOT_IDENTIFIED, str(one)
        close(one.point["sd"], residual)
    else:
        assert one.status is Status.CONVERGED, str(one)
        close(one.point["beta"], fit)
        close(other.point["beta"] * [1.0, 1.0, factor], fit)
        close(one.point["sd"], residual)
        close(other.point["sd"], residual)


@drawn(
    COLUMNS,
    st.sampled_from([-100.0, 0.5, 1e4]),
    st.sampled_from([0.01, 1.0, 1e3]),
    kinds=((EXACT, -100.0, 1e3),),
    quick=2,
    slow=7,
)
def test_affine_response(rows: np.ndarray, shift: float, factor: float) -> None:
    """Moving and stretching y moves the intercept, and stretches all coefficients and the sd."""
    x, y = np.column_stack([np.ones(len(rows)), rows[:, :2]]), rows[:, 2]
    one, other = mle(regression(x, y)), mle(regression(x, shift + factor * y))
    assert one.status is other.status, f"{one}\n{other}"
    if one.status is Status.CONVERGED:
        moved = factor * one.point["beta"] + np.array([shift, 0.0, 0.0])
        np.testing.assert_allclose(other.point["beta"], moved, rtol=1e-5, atol=1e-5 * factor)
        np.testing.assert_allclose(other.point["sd"], factor * one.point["sd"], rtol=1e-5)
