"""Edges of the support that parameters share: observations that the model must not exclude.

All numbers are so chosen that the maxima are exact in binary: rounding would put them outside.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from tests.zoo import Truth, ZooModel, edge, flat, no_bound

__all__ = ["WALLS"]

X = np.arange(5.0)
CENTRED = X - 2
# 1 + 2 x, and residuals that are as large at three places, with signs + - +.
EQUIOSCILLATING = 1 + 2 * CENTRED + np.array([1.0, -0.5, -1.0, 0.25, 1.0])
# 1 + x / 2 from below: it touches at 0 and 3, with the mean of x between.
ABOVE_A_LINE = 1 + X / 2 + np.array([0.0, 0.5, 1.0, 0.0, 0.25])
# The mean of x is a place where a line from below touches.
A_VALLEY = np.array([2.0, 2.0, 1.0, 2.0, 2.0])
NOT_MONOTONE = np.array([2.0, 1.0, 1.5, 0.5, 3.0])
ANSWERS = np.array([0, 0, 1, 0, 1, 1, 1])
DOSES = np.arange(-3.0, 4.0)


def minimax_regression() -> pm.Model:
    with pm.Model() as model:
        a, b, w = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("w", 3, initval=9)
        pm.Uniform("y", a + b * CENTRED - w, a + b * CENTRED + w, observed=EQUIOSCILLATING)
    return model


def minimax_of_a_line() -> pm.Model:
    with pm.Model() as model:
        a, b, w = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("w", 3, initval=9)
        pm.Uniform("y", a + b * CENTRED - w, a + b * CENTRED + w, observed=1 + 2 * CENTRED)
    return model


def uniform_of_a_range(observed: list[float]) -> pm.Model:
    with pm.Model() as model:
        middle, half = pm.Normal("middle", 0, 3), pm.HalfNormal("half", 5, initval=9)
        pm.Uniform("y", middle - half, middle + half, observed=observed)
    return model


def uniform_middle_and_half() -> pm.Model:
    return uniform_of_a_range([-1.0, 4.5, 5.0, 2.0])


def uniform_of_ties() -> pm.Model:
    return uniform_of_a_range([1.0, 1.0])


def exponential_above_a_line(observed: np.ndarray, rate: float | None = None) -> pm.Model:
    def logp(value: pt.TensorVariable, line: pt.TensorVariable, rate: float) -> pt.TensorVariable:
        return pt.switch(value >= line, pt.log(rate) - rate * (value - line), -np.inf)

    with pm.Model() as model:
        a, b = pm.Normal("a", -5, 5), pm.Normal("b", 0, 5)
        rate = pm.HalfNormal("rate", 3) if rate is None else rate
        pm.CustomDist("y", a + b * X, rate, logp=logp, observed=observed)
    return model


def frontier() -> pm.Model:
    return exponential_above_a_line(ABOVE_A_LINE)


def frontier_level() -> pm.Model:
    return exponential_above_a_line(A_VALLEY, rate=1.0)


def truncated_at_a_bound() -> pm.Model:
    with pm.Model() as model:
        upper = pm.Normal("upper", 4, 1)
        pm.TruncatedNormal("y", 0.0, 1.0, upper=upper, observed=[0.5, 1.0, 2.0, 1.5])
    return model


def isotonic() -> pm.Model:
    with pm.Model(coords={"step": list("abcde")}) as model:
        mu = pm.Normal("mu", 0, 3, initval=np.arange(5.0), dims="step")
        pm.Normal("y", mu, 1, observed=NOT_MONOTONE)
        pm.Potential("increasing", pt.switch(pt.all(mu[1:] >= mu[:-1]), 0.0, -np.inf))
    return model


def in_a_disk() -> pm.Model:
    with pm.Model() as model:
        u, v = pm.Normal("u", 0, 1), pm.Normal("v", 0, 1)
        pm.Normal("y", u, 1, observed=3.0)
        pm.Normal("z", v, 1, observed=4.0)
        pm.Potential("disk", pt.switch(u**2 + v**2 <= 25 / 4, 0.0, -np.inf))
    return model


def linear_probability() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0.5, 0.1), pm.Normal("b", 0, 0.05)
        pm.Bernoulli("y", p=a + b * DOSES, observed=ANSWERS)
    return model


def lasso_at_its_threshold() -> pm.Model:
    with pm.Model() as model:
        b, c = pm.Laplace("b", 0, 1), pm.Laplace("c", 0, 1)
        pm.Normal("y", pt.stack([b, c]), 1, observed=[1.0, 0.25])
    return model


def _log_normal(x: float | np.ndarray, mean: float | np.ndarray, sd: float) -> float:
    z = (np.asarray(x) - mean) / sd
    return float(np.sum(-0.5 * z**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)))


# The half-normal has twice the density of a normal.
_minimax_prior = _log_normal(np.array([1.0, 2.0]), 0, 5) + _log_normal(1, 0, 3) + np.log(2)
_pooled = NOT_MONOTONE[:4].mean()
_steps = np.array([_pooled] * 4 + [3.0])
# Under a normal prior of variance 9 the mean of m observations, each of weight 1, shrinks by 9/10.
_steps_map = 0.9 * _steps

WALLS = (
    # Chebyshev: the line of the least largest residual has it at p + 1 places, with signs in turn.
    # With priors the gradient at that vertex is (-1/25, -2/25, -5 - 1/9); it is balanced by the
    # walls' normals (1, -2, 1), (-1, 0, 1) and (1, 2, 1) with weights 1.27, 2.54 and 1.31, all
    # positive, so that the vertex is the mode still.
    ZooModel(
        "minimax_regression",
        minimax_regression,
        mle=edge(
            {"a": 1.0, "b": 2.0, "w": 1.0}, -5 * np.log(2), ("a", "b", "w"), "equioscillation"
        ),
        map=edge(
            {"a": 1.0, "b": 2.0, "w": 1.0},
            -5 * np.log(2) + _minimax_prior,
            ("a", "b", "w"),
            "the multipliers of all three walls are positive",
        ),
    ),
    ZooModel(
        "minimax_of_a_line",
        minimax_of_a_line,
        mle=no_bound(
            {},
            ("w",),
            "a perfect fit: -n log(2 w)",
            path=lambda t: {"a": 1.0, "b": 2.0, "w": 4.0**-t},
        ),
        twin_of="minimax_regression",
    ),
    ZooModel(
        "uniform_middle_and_half",
        uniform_middle_and_half,
        mle=edge(
            {"middle": 2.0, "half": 3.0}, -4 * np.log(6), ("middle", "half"), "midrange, half range"
        ),
    ),
    ZooModel(
        "uniform_of_ties",
        uniform_of_ties,
        mle=no_bound(
            {},
            ("half",),
            "-n log(2 half), at the tie",
            path=lambda t: {"middle": 1.0, "half": 4.0**-t},
        ),
        twin_of="uniform_middle_and_half",
    ),
    # The sum of the line's heights, 5 a + 10 b, is largest under all points where it touches two
    # of them on both sides of the mean of x; then the rate is n over the sum of the residuals.
    ZooModel(
        "frontier",
        frontier,
        mle=edge(
            {"a": 1.0, "b": 0.5, "rate": 5 / 1.75},
            5 * np.log(5 / 1.75) - 5,
            ("a", "b"),
            "a linear program",
        ),
    ),
    # Where the only place of contact is at the mean of x, 5 a + 10 b is the same for every slope.
    ZooModel(
        "frontier_level",
        frontier_level,
        mle=flat(
            {},
            -4.0,
            ("a", "b"),
            "a face of the linear program",
            path=lambda t: {"a": 1 - t / 2, "b": t / 4},
        ),
        twin_of="frontier",
    ),
    # The less the normal is allowed, the higher it is.
    ZooModel(
        "truncated_at_a_bound",
        truncated_at_a_bound,
        mle=edge(
            {"upper": 2.0},
            _log_normal(np.array([0.5, 1.0, 2.0, 1.5]), 0, 1)
            - 4 * np.log(0.977249868051820792799717),
            ("upper",),
            "the largest observation; Phi(2) = 0.97724986805182",
        ),
    ),
    # Pool adjacent violators (Barlow et al. 1972): 2, 1, 1.5, 0.5 to their mean.
    ZooModel(
        "isotonic",
        isotonic,
        potentials="likelihood",
        mle=edge(
            {"mu": _steps},
            _log_normal(NOT_MONOTONE, _steps, 1),
            ("mu[a]", "mu[b]", "mu[c]", "mu[d]"),
            "pool adjacent violators",
        ),
        map=edge(
            {"mu": _steps_map},
            _log_normal(NOT_MONOTONE, _steps_map, 1) + _log_normal(_steps_map, 0, 3),
            ("mu[a]", "mu[b]", "mu[c]", "mu[d]"),
            "pool adjacent violators of shrunken means",
        ),
    ),
    # The nearest point of a circle of radius 5/2 to (3, 4); the mode without it, half of that with
    # standard normal priors, is on the circle.
    ZooModel(
        "in_a_disk",
        in_a_disk,
        potentials="likelihood",
        mle=edge(
            {"u": 1.5, "v": 2.0},
            _log_normal(np.array([3.0, 4.0]), np.array([1.5, 2.0]), 1),
            ("u", "v"),
            "projection on a circle",
        ),
    ),
    # Concave; at p = 0, 1/6 ... 1 the gradient is (2.5, 9.3), which the walls a + 3 b <= 1 and
    # a - 3 b >= 0 balance with weights 2.8 and 0.3.
    ZooModel(
        "linear_probability",
        linear_probability,
        mle=edge(
            {"a": 0.5, "b": 1 / 6},
            np.log(1 / 3 * 2 / 3 * 5 / 6 * 5 / 6 / 2),
            ("a", "b"),
            "multipliers of two walls",
        ),
    ),
    # The slopes of b^2 / 2 - b and of |b| cancel exactly to the right of 0; the curvature does not.
    ZooModel(
        "lasso_at_its_threshold",
        lasso_at_its_threshold,
        map=Truth(
            "converged",
            {"b": 0.0, "c": 0.0},
            "-(b - 1)^2 / 2 - |b| falls on both sides of 0, to the right by b^2 / 2",
            n_optima=1,
            kink=True,
        ),
    ),
)
