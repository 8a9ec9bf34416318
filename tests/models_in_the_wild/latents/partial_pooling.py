"""Batting averages, partially pooled by a beta distribution with its own parameters."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
AT_BATS = np.full(18, 45)
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])


def model() -> pm.Model:
    with pm.Model() as m:
        phi = pm.Uniform("phi", 0, 1)
        kappa = pm.Pareto("kappa", 1.5, 1)
        theta = pm.Beta("theta", phi * kappa, (1 - phi) * kappa, shape=18)
        pm.Binomial("y", AT_BATS, theta, observed=HITS)
    return m
