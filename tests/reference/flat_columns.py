"""Regressions on columns that say the same thing twice, or nothing."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.reference.regressions import X, Y, expit, irls
from tests.zoo import Truth, ZooModel, flat

__all__ = ["FLAT_COLUMNS"]

TWICE = np.column_stack([np.ones(8), X[:, 1], 2 * X[:, 1]])
GROUP = np.repeat([0, 1, 2], 3)
DUMMIES = np.column_stack([np.ones(9), np.equal.outer(GROUP, [0, 1, 2])]).astype(float)
GROUP_Y = np.array([1.2, 1.9, 1.4, 2.8, 3.3, 2.6, 0.4, 0.1, 0.9])
_grid = np.linspace(-2, 2, 50)
MILLIONTH = np.column_stack([np.ones(50), _grid, _grid + 1e-6 * np.cos(7 * _grid)])
MILLIONTH_Y = 1 + _grid + 0.5 * np.sin(23 * np.arange(50))
WINS = np.array([0, 0, 1, 0, 1, 0, 1, 1])
WIDE_X = np.array([[1.0, 0.5, -0.3], [0.2, 1.0, 0.8]])
WIDE_Y = np.array([1.0, 2.0])


def collinear() -> pm.Model:
    with pm.Model(coords={"column": ["const", "x", "twice_x"]}) as model:
        beta = pm.Normal("beta", 0, 3, dims="column")
        pm.Deterministic("slope", beta[1] + 2 * beta[2])
        pm.Normal("y", TWICE @ beta, 1, observed=Y)
    return model


def collinear_unknown_sd() -> pm.Model:
    with pm.Model() as model:
        a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Flat("c")
        pm.Deterministic("slope", b + 2 * c)
        mu = a + b * X[:, 1] + c * 2 * X[:, 1]
        pm.Normal("y", mu, pm.HalfFlat("sigma"), observed=Y)
    return model


def collinear_but_for_a_millionth() -> pm.Model:
    # Identified, if barely: the columns differ by a millionth, and there are fifty rows.
    with pm.Model(coords={"column": ["const", "x", "x_again"]}) as model:
        beta, sigma = pm.Flat("beta", dims="column"), pm.HalfFlat("sigma")
        pm.Normal("y", MILLIONTH @ beta, sigma, observed=MILLIONTH_Y)
    return model


def constant_zero_column() -> pm.Model:
    with pm.Model(coords={"column": ["const", "age", "never"]}) as model:
        beta = pm.Normal("beta", 0, 1.5, dims="column")
        x = np.column_stack([X[:, :2], np.zeros(8)])
        pm.Bernoulli("won", logit_p=x @ beta, observed=WINS)
    return model


def anova() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"]}) as model:
        mu = pm.Normal("mu", 0, 1)
        effect = pm.Normal("effect", 0, 1, dims="group")
        mean = pm.Deterministic("mean", mu + effect, dims="group")
        pm.Normal("y", mean[GROUP], 1, observed=GROUP_Y)
    return model


def more_columns_than_rows() -> pm.Model:
    with pm.Model(coords={"column": ["a", "b", "c"]}) as model:
        beta = pm.Normal("beta", 0, 1, dims="column")
        fit = pm.Deterministic("fit", WIDE_X @ beta)
        pm.Normal("y", fit, 0.5, observed=WIDE_Y)
    return model


_ols = np.linalg.lstsq(TWICE[:, :2], Y)[0]
_residual = Y - TWICE[:, :2] @ _ols
_sd = np.sqrt(np.mean(_residual**2))
_ridge = np.linalg.solve(TWICE.T @ TWICE + np.eye(3) / 9, TWICE.T @ Y)
_logit = {"mean": expit, "variance": lambda p: p * (1 - p)}
_logit_mle = irls(X[:, :2], WINS, **_logit)
_logit_map = irls(X[:, :2], WINS, **_logit, prior_precision=1.5**-2)
_anova = np.linalg.solve(DUMMIES.T @ DUMMIES + np.eye(4), DUMMIES.T @ GROUP_Y)
_group_means = GROUP_Y.reshape(3, 3).mean(1)
_wide = np.linalg.solve(WIDE_X.T @ WIDE_X + 0.25 * np.eye(3), WIDE_X.T @ WIDE_Y)
_null = np.cross(*WIDE_X)
_particular = np.linalg.lstsq(WIDE_X, WIDE_Y)[0]


# The columns' difference, exact in double precision, makes of them an ordinary regression.
_apart = np.column_stack([MILLIONTH[:, :2], 1e6 * (MILLIONTH[:, 2] - MILLIONTH[:, 1])])
_three = np.linalg.lstsq(_apart, MILLIONTH_Y)[0]
_millionth = np.array([_three[0], _three[1] - 1e6 * _three[2], 1e6 * _three[2]])
_millionth_sd = np.sqrt(np.mean((MILLIONTH_Y - _apart @ _three) ** 2))


def _logit_density(beta: np.ndarray) -> float:
    return stats.bernoulli(expit(X[:, :2] @ beta)).logpmf(WINS).sum()


def _collinear_path(s: float) -> np.ndarray:
    return np.array([_ols[0], _ols[1] - 2 * s, s])


FLAT_COLUMNS = (
    ZooModel(
        "collinear_columns",
        collinear,
        mle=flat(
            {"beta": np.array([_ols[0], np.nan, np.nan]), "slope": _ols[1]},
            stats.norm(TWICE[:, :2] @ _ols, 1).logpdf(Y).sum(),
            ("beta[x]", "beta[twice_x]"),
            "only beta[x] + 2 beta[twice_x] is in the likelihood",
            path=lambda s: {"beta": _collinear_path(s)},
        ),
        map=Truth(
            "converged",
            {"beta": _ridge, "slope": _ridge[1] + 2 * _ridge[2]},
            "normal equations",
            n_optima=1,
        ),
    ),
    ZooModel(
        "collinear_unknown_sd",
        collinear_unknown_sd,
        mle=flat(
            {"a": _ols[0], "slope": _ols[1], "sigma": _sd},
            stats.norm(TWICE[:, :2] @ _ols, _sd).logpdf(Y).sum(),
            ("b", "c"),
            "only b + 2 c is in the likelihood",
            path=lambda s: {"a": _ols[0], "b": _ols[1] - 2 * s, "c": s, "sigma": _sd},
        ),
        map=flat(
            {"a": _ols[0], "slope": _ols[1], "sigma": _sd},
            stats.norm(TWICE[:, :2] @ _ols, _sd).logpdf(Y).sum(),
            ("b", "c"),
            "only b + 2 c is in the likelihood, and the priors are flat",
            path=lambda s: {"a": _ols[0], "b": _ols[1] - 2 * s, "c": s, "sigma": _sd},
        ),
        twin_of="collinear_columns",
    ),
    ZooModel(
        "collinear_but_for_a_millionth",
        collinear_but_for_a_millionth,
        mle=Truth(
            "converged",
            {"beta": _millionth, "sigma": _millionth_sd},
            "least squares on the columns' difference",
            log_density=stats.norm(0, _millionth_sd).logpdf(MILLIONTH_Y - _apart @ _three).sum(),
            n_optima=1,
        ),
    ),
    ZooModel(
        "constant_zero_column",
        constant_zero_column,
        mle=flat(
            {"beta": np.array([*_logit_mle, np.nan])},
            _logit_density(_logit_mle),
            ("beta[never]",),
            "its column is 0",
            path=lambda s: {"beta": np.array([*_logit_mle, s])},
        ),
        map=Truth(
            "converged",
            {"beta": np.array([*_logit_map, 0.0])},
            "iteratively reweighted least squares; the prior's mode",
            n_optima=1,
        ),
    ),
    ZooModel(
        "anova_overparametrised",
        anova,
        mle=flat(
            {"mean": _group_means},
            stats.norm(_group_means[GROUP], 1).logpdf(GROUP_Y).sum(),
            ("mu", "effect[a]", "effect[b]", "effect[c]"),
            "a constant moves from mu to the effects",
            path=lambda s: {"mu": s, "effect": _group_means - s},
        ),
        map=Truth(
            "converged",
            {"mu": _anova[0], "effect": _anova[1:], "mean": _anova[0] + _anova[1:]},
            "normal equations",
            n_optima=1,
        ),
    ),
    ZooModel(
        "more_columns_than_rows",
        more_columns_than_rows,
        mle=flat(
            {"fit": WIDE_Y},
            2 * stats.norm(0, 0.5).logpdf(0),
            ("beta[a]", "beta[b]", "beta[c]"),
            "two rows leave a line of perfect fits",
            path=lambda s: {"beta": _particular + s * _null},
        ),
        map=Truth("converged", {"beta": _wide}, "normal equations", n_optima=1),
    ),
)
