"""Binomial counts with a random effect a plate (Crowder's design, data made anew), non-centred."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(29)
N = rng.integers(10, 50, size=20)
X = np.repeat([0, 1], 10)
Y = rng.binomial(N, 1 / (1 + np.exp(0.5 - X + 0.4 * rng.normal(size=20))))


def model() -> pm.Model:
    with pm.Model() as m:
        a, b, tau = pm.Normal("a", 0, 2), pm.Normal("b", 0, 2), pm.HalfNormal("tau", 1)
        z = pm.Normal("z", 0, 1, shape=20)
        pm.Binomial("y", N, logit_p=a + b * X + tau * z, observed=Y)
    return m
