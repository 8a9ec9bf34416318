"""Maxima at kinks of a prior, and of prior and likelihood together: lassos of several kinds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pymc as pm
from scipy.optimize import linprog

from tests.zoo import Truth, ZooModel, flat, no_bound

__all__ = ["PRIOR_KINKS", "absolute_deviations", "penalised_squares"]

# Columns that share a good part of their variance, so that they compete for what y shows.
_COMMON = np.array([0.9, -1.4, 0.2, 1.1, -0.6, -0.1, 1.7, -0.8, 0.4, -1.2])
X = np.column_stack(
    [
        _COMMON + 0.5 * np.array([0.3, -0.2, 0.9, -0.7, 0.1, 0.6, -0.4, 0.2, -0.9, 0.1]),
        _COMMON + 0.5 * np.array([-0.8, 0.4, 0.1, 0.5, -0.3, 0.7, 0.2, -0.6, 0.3, -0.5]),
        0.5 * _COMMON + np.array([0.6, 0.9, -0.5, -0.2, 0.8, -1.1, 0.1, 0.4, -0.7, -0.3]),
        np.array([1.2, -0.3, -0.8, 0.4, 0.7, -1.5, 0.2, 0.9, -0.6, 0.1]),
        np.array([-0.4, 1.3, 0.6, -0.9, 0.2, 0.8, -1.2, 0.5, 0.1, -0.7]),
    ]
)
Y = np.array([2.6, -2.2, -0.4, 2.9, 0.3, -1.4, 3.3, -0.2, 0.1, -2.4])
SD, SCALE = 0.8, 0.15


def penalised_squares(
    x: np.ndarray, y: np.ndarray, sd: float, up: float, down: float, place: float = 0.0
) -> np.ndarray:
    """The minimum of |y - x b|^2 / (2 sd^2) + sum of up (b - place)+ + down (b - place)-.

    By Karush, Kuhn and Tucker: of every pattern of coefficients above, at and below `place` the
    one is right whose coefficients keep to it, and whose pulls x_j'(y - x b) / sd^2 at `place` are
    between -down and up.
    """
    p = x.shape[1]
    for pattern in map(np.array, product((-1, 0, 1), repeat=p)):
        b, off = np.full(p, place), pattern != 0
        slope = np.where(pattern > 0, up, -down)
        rest = y - place * x[:, ~off].sum(axis=1)
        inner = x[:, off].T @ x[:, off]
        b[off] = np.linalg.solve(inner, x[:, off].T @ rest - sd**2 * slope[off])
        pull = x.T @ (y - x @ b) / sd**2
        within = (pull[~off] > -down).all() and (pull[~off] < up).all()
        if within and np.array_equal(np.sign(b[off] - place), pattern[off]):
            return b
    raise AssertionError("no pattern meets the conditions")


def absolute_deviations(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The minimum of the weighted sum of |y - x b|, by linear programming."""
    n, p = x.shape
    cost = np.concatenate([np.zeros(p), weight, weight])
    bounds = [(None, None)] * p + [(0, None)] * (2 * n)
    equal = np.hstack([x, np.eye(n), -np.eye(n)])
    return linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs").x[:p]


def lasso() -> pm.Model:
    with pm.Model(coords={"column": range(5)}) as model:
        beta = pm.Laplace("beta", 0, SCALE, dims="column")
        pm.Normal("y", X @ beta, SD, observed=Y)
    return model


def lasso_unknown_sd() -> pm.Model:
    with pm.Model(coords={"column": range(5)}) as model:
        beta = pm.Laplace("beta", 0, SCALE, dims="column")
        pm.Normal("y", X @ beta, pm.HalfNormal("sd", 1), observed=Y)
    return model


def sd_given(rss: float) -> float:
    # -n log s - rss / (2 s^2) - s^2 / 2: v = s^2 solves v^2 + n v - rss = 0.
    n = len(Y)
    return float(np.sqrt((-n + np.sqrt(n**2 + 4 * rss)) / 2))


def lasso_with_its_sd() -> tuple[np.ndarray, float]:
    sd = SD
    for _ in range(200):
        beta = penalised_squares(X, Y, sd, 1 / SCALE, 1 / SCALE)
        sd = sd_given(np.sum((Y - X @ beta) ** 2))
    return beta, sd


LOCATION, KAPPA = 0.25, 0.6


def asymmetric_lasso() -> pm.Model:
    with pm.Model(coords={"column": range(5)}) as model:
        beta = pm.AsymmetricLaplace("beta", b=1 / SCALE, kappa=KAPPA, mu=LOCATION, dims="column")
        pm.Normal("y", X @ beta, SD, observed=Y)
    return model


def laplace_twice() -> pm.Model:
    with pm.Model(coords={"column": range(5)}) as model:
        beta = pm.Laplace("beta", 0, 0.3, dims="column")
        pm.Laplace("y", X @ beta, 0.5, observed=Y)
    return model


TWINS = X[:, [0, 0, 3]]


def lasso_of_twin_columns() -> pm.Model:
    with pm.Model(coords={"column": range(3)}) as model:
        beta = pm.Laplace("beta", 0, SCALE, dims="column")
        pm.Normal("y", TWINS @ beta, SD, observed=Y)
    return model


FOUR_ON_A_LINE = np.array([1.0, 3.0, 5.0, 7.0, 30.0])


def line_through_four() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Laplace("y", a + b * np.arange(5.0), 1.0, observed=FOUR_ON_A_LINE)
    return model


GROUP = np.array([0, 0, 1, 1, 1])
GROUPED_Y = np.array([1.0, 3.0, 5.0, 6.0, 9.0])


def medians_of_two_groups() -> pm.Model:
    with pm.Model(coords={"group": ["even", "odd"]}) as model:
        middle = pm.Flat("middle", dims="group")
        pm.Laplace("y", middle[GROUP], 1.0, observed=GROUPED_Y)
    return model


def lasso_unknown_penalty() -> pm.Model:
    # There is a maximum with t near 1 as well; at beta = 0 the prior grows as t^-5.
    with pm.Model(coords={"column": range(5)}) as model:
        t = pm.HalfNormal("t", 1)
        beta = pm.Laplace("beta", 0, t, dims="column")
        pm.Normal("y", X @ beta, SD, observed=Y)
    return model


_ols = np.linalg.lstsq(X, Y, rcond=None)[0]
_lasso = penalised_squares(X, Y, SD, 1 / SCALE, 1 / SCALE)
_with_sd, _sd = lasso_with_its_sd()
_asymmetric = penalised_squares(X, Y, SD, KAPPA / SCALE, 1 / (KAPPA * SCALE), LOCATION)
# Each has kinks that the maximum is at, and others that it is not.
for _beta, _place in ((_lasso, 0.0), (_with_sd, 0.0), (_asymmetric, LOCATION)):
    assert 0 < np.sum(_beta == _place) < 5, _beta
_twice = absolute_deviations(
    np.vstack([X, np.eye(5)]), np.append(Y, np.zeros(5)), np.repeat([1 / 0.5, 1 / 0.3], [10, 5])
)
# Where one twin's coefficient may be had for less than the other's, none is: only the sum counts.
_single = penalised_squares(TWINS[:, 1:], Y, SD, 1 / SCALE, 1 / SCALE)
assert _single[0] > 0

_KKT = "the conditions of Karush, Kuhn and Tucker"

PRIOR_KINKS = (
    ZooModel(
        "lasso",
        lasso,
        mle=Truth("converged", {"beta": _ols}, "least squares", n_optima=1),
        map=Truth("converged", {"beta": _lasso}, _KKT, n_optima=1, kink=True, rtol=1e-8),
    ),
    ZooModel(
        "lasso_unknown_sd",
        lasso_unknown_sd,
        map=Truth(
            "converged", {"beta": _with_sd, "sd": _sd}, f"{_KKT}, and a quadratic", kink=True
        ),
        twin_of="lasso",
    ),
    ZooModel(
        "asymmetric_lasso",
        asymmetric_lasso,
        map=Truth("converged", {"beta": _asymmetric}, _KKT, n_optima=1, kink=True, rtol=1e-8),
    ),
    ZooModel(
        "laplace_twice",
        laplace_twice,
        map=Truth("converged", {"beta": _twice}, "a linear program", n_optima=1, kink=True),
    ),
    ZooModel(
        "lasso_of_twin_columns",
        lasso_of_twin_columns,
        map=flat(
            {"beta": [np.nan, np.nan, _single[1]]},
            None,
            ("beta[0]", "beta[1]"),
            "only the sum of the twins' coefficients counts, as long as both have its sign",
            path=lambda s: {"beta": [s * _single[0], (1 - s) * _single[0], _single[1]]},
        ),
    ),
    # Four residuals are zero, and two parameters make them so.
    ZooModel(
        "line_through_four",
        line_through_four,
        mle=Truth(
            "converged", {"a": 1.0, "b": 2.0}, "four pull against one", n_optima=1, kink=True
        ),
    ),
    ZooModel(
        "medians_of_two_groups",
        medians_of_two_groups,
        mle=flat(
            {"middle": [np.nan, 6.0]},
            None,
            ("middle[even]",),
            "any value between the two observations of the even group",
            path=lambda s: {"middle": [1.1 + 1.8 * s, 6.0]},
        ),
    ),
    ZooModel(
        "lasso_unknown_penalty",
        lasso_unknown_penalty,
        map=no_bound(
            {},
            ("t",),
            "t^-5 where every coefficient is zero",
            path=lambda k: {"t": np.exp(-k), "beta": np.zeros(5)},
        ),
    ),
)
