"""posteriordb's GARCH(1, 1), whose region of parameters is a triangle, in two parametrisations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from tests.reference import read_data, read_references
from tests.zoo import Truth, ZooModel

__all__ = ["GARCH"]


def garch_density(mu: Any, alpha0: Any, alpha1: Any, beta1: Any) -> None:
    # s_t^2 = alpha0 + alpha1 (y_{t-1} - mu)^2 + beta1 s_{t-1}^2 is linear in the s^2: with L, the
    # lag, it is s^2 = (1 - beta1 L)^-1 news; s_1 = 0.5 is given.  Over 200 times the inverse is the
    # product of 1 + (beta1 L)^m, m = 1, 2, 4, ..., 128.
    y = read_data("pdb_garch11")["y"]
    variance = pt.concatenate([[0.5**2], alpha0 + alpha1 * (y[:-1] - mu) ** 2])
    power = beta1
    for m in 2 ** np.arange(8):
        variance = pt.concatenate([variance[:m], variance[m:] + power * variance[:-m]])
        power = power**2
    pm.Normal("y", mu, pm.math.sqrt(variance), observed=y)


def garch_simplex() -> pm.Model:
    # alpha1, beta1 > 0 and alpha1 + beta1 < 1, flat: two parts of a flat simplex.
    with pm.Model(coords={"part": ["alpha1", "beta1", "rest"]}) as model:
        mu, alpha0 = pm.Flat("mu"), pm.HalfFlat("alpha0")
        share = pm.Dirichlet("share", np.ones(3), dims="part")
        garch_density(
            mu,
            alpha0,
            pm.Deterministic("alpha1", share[0]),
            pm.Deterministic("beta1", share[1]),
        )
    return model


def garch_bounds() -> pm.Model:
    # The upper bound of beta1 depends on alpha1; the potential makes the pair flat again.
    with pm.Model() as model:
        mu, alpha0 = pm.Flat("mu"), pm.HalfFlat("alpha0")
        alpha1 = pm.Uniform("alpha1", 0, 1)
        beta1 = pm.Uniform("beta1", 0, 1 - alpha1)
        pm.Potential("flat", pm.math.log(1 - alpha1))
        garch_density(mu, alpha0, alpha1, beta1)
    return model


def _truth(estimand: str, simplex: bool, **kwargs: Any) -> Truth:
    reference = read_references("pdb_garch11")[estimand]
    point = dict(reference["values"])
    if simplex:
        shares = point["alpha1"], point["beta1"]
        point["share"] = np.array([*shares, 1 - sum(shares)])
    return Truth("converged", point, reference["source"], rtol=1e-5, **kwargs)


# Of the likelihood a second local maximum is known, 0.05 lower. On the unconstrained scale there
# is one; it depends on the transform, which is Stan's in the form with bounds only.
GARCH = (
    ZooModel(
        "garch",
        garch_simplex,
        mle=_truth("mle", simplex=True, n_optima=2),
        map=_truth("map_natural", simplex=True, n_optima=2),
    ),
    ZooModel(
        "garch_bounds",
        garch_bounds,
        mle=_truth("mle", simplex=False, n_optima=2),
        map=_truth("map_natural", simplex=False, n_optima=2),
        map_jacobian=_truth("map_unconstrained", simplex=False, n_optima=1),
        potentials="prior",
        twin_of="garch",
    ),
)
