"""A truncated Dirichlet process mixture of 10 normals."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

ROW = "no end: poles"
HAS = ("map",)
rng = np.random.default_rng(82)
Y = np.concatenate([rng.normal(-2, 0.5, size=30), rng.normal(1, 1, size=50)])


def model() -> pm.Model:
    with pm.Model() as m:
        alpha = pm.Gamma("alpha", 1, 1)
        beta = pm.Beta("beta", 1, alpha, shape=10)
        left = pt.concatenate([[1.0], pt.extra_ops.cumprod(1 - beta)[:-1]])
        tau = pm.Gamma("tau", 2, 1, shape=10)
        mu = pm.Normal("mu", 0, 3, shape=10)
        w = beta * left
        pm.NormalMixture("y", w / w.sum(), mu, tau=tau, observed=Y)
    return m
