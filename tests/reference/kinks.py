"""Maxima at a kink of the likelihood, under priors that are smooth: quantile regressions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pymc as pm

from tests.zoo import Truth, ZooModel

__all__ = ["KINKS"]

X = np.array([-1.7, -1.2, -0.9, -0.3, 0.1, 0.4, 0.8, 1.3, 1.9])
DESIGN = np.column_stack([np.ones(9), X])
Y = np.array([-2.9, -0.8, -1.3, 0.9, 0.6, 2.7, 2.2, 3.1, 6.4])
QUANTILE = 0.8
PRIOR_SD = 5.0


def laplace_regression(scale: bool) -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, PRIOR_SD), pm.Normal("b", 0, PRIOR_SD)
        pm.Laplace("y", a + b * X, pm.HalfNormal("scale", 2) if scale else 1.0, observed=Y)
    return model


def laplace_known_scale() -> pm.Model:
    return laplace_regression(scale=False)


def laplace_unknown_scale() -> pm.Model:
    return laplace_regression(scale=True)


def quantile_regression() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, PRIOR_SD), pm.Normal("b", 0, PRIOR_SD)
        pm.AsymmetricLaplace("y", mu=a + b * X, b=1.0, q=QUANTILE, observed=Y)
    return model


def vertex(up: float, down: float, precision: float) -> np.ndarray:
    """The line that minimises the sum of up r+ + down r- and precision |line|^2 / 2.

    It is convex, so that a point is the minimum if 0 is a subgradient there (Rockafellar 1970,
    Convex Analysis, theorem 23.5). At a line through two of the points, the pull of these can be
    anything from -down to up each: the one that makes the sum 0 has to be within.
    """
    for pair in map(list, combinations(range(len(Y)), 2)):
        line = np.linalg.solve(DESIGN[pair], Y[pair])
        pull = np.where(Y - DESIGN @ line > 0, up, -down)
        pull[pair] = 0
        needed = np.linalg.solve(DESIGN[pair].T, precision * line - DESIGN.T @ pull)
        if (needed > -down).all() and (needed < up).all():
            return line
    raise AssertionError("the minimum is not at a vertex")


def _scale_at(line: np.ndarray, prior_precision: float) -> float:
    # -n log(scale) - S / scale - precision scale^2 / 2: a cubic with one positive root.
    roots = np.roots([prior_precision, 0, len(Y), -np.abs(Y - DESIGN @ line).sum()])
    return float(roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real.item())


def _line(line: np.ndarray, **more: float) -> dict[str, float]:
    return {"a": line[0], "b": line[1], **more}


_least = vertex(1, 1, 0)
_least_map = vertex(1, 1, PRIOR_SD**-2)
# The asymmetric Laplace has slopes of sqrt(q / (1 - q)) above and its inverse below.
_up = np.sqrt(QUANTILE / (1 - QUANTILE))
_above, _above_map = vertex(_up, 1 / _up, 0), vertex(_up, 1 / _up, PRIOR_SD**-2)
_scale = _scale_at(_least, 0)
# Given the scale, the line is at a vertex; given the line, the scale is the root: each other's.
_scale_map = _scale_at(_least_map, 1 / 4)
assert np.array_equal(vertex(1 / _scale_map, 1 / _scale_map, PRIOR_SD**-2), _least_map)

_LP = "a vertex where 0 is a subgradient of a convex function"

KINKS = (
    ZooModel(
        "laplace_regression",
        laplace_known_scale,
        mle=Truth("converged", _line(_least), _LP, n_optima=1, kink=True),
        map=Truth("converged", _line(_least_map), _LP, n_optima=1, kink=True),
    ),
    # With t = 1 / scale and line / scale in place of the two, the likelihood is log-concave.
    ZooModel(
        "laplace_regression_unknown_scale",
        laplace_unknown_scale,
        mle=Truth(
            "converged",
            _line(_least, scale=_scale),
            "the vertex, and the mean absolute residual",
            n_optima=1,
            kink=True,
        ),
        map=Truth(
            "converged",
            _line(_least_map, scale=_scale_map),
            "the vertex, and the root of a cubic",
            kink=True,
        ),
        twin_of="laplace_regression",
    ),
    ZooModel(
        "quantile_regression",
        quantile_regression,
        mle=Truth("converged", _line(_above), _LP, n_optima=1, kink=True),
        map=Truth("converged", _line(_above_map), _LP, n_optima=1, kink=True),
    ),
)
