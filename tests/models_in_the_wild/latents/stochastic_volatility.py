"""Stochastic volatility: a random walk of the log variance, 150 days."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(23)
H = np.cumsum(0.15 * rng.normal(size=150))
Y = np.exp(H) * rng.standard_t(8, size=150)


def model() -> pm.Model:
    with pm.Model() as m:
        step = pm.Exponential("step", 10)
        h = pm.GaussianRandomWalk("h", sigma=step, init_dist=pm.Normal.dist(0, 1), shape=150)
        nu = pm.Exponential("nu", 0.1)
        pm.StudentT("y", nu=nu, mu=0, sigma=pm.math.exp(h), observed=Y)
    return m
