"""Varying intercepts, centred: the joint density has a pole where the county scale goes to zero."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(20)
COUNTY = np.repeat(np.arange(15), 8)
FLOOR = rng.integers(0, 2, size=120)
Y = 1.5 + 0.6 * rng.normal(size=15)[COUNTY] - 0.7 * FLOOR + 0.7 * rng.normal(size=120)


def model() -> pm.Model:
    with pm.Model() as m:
        mu, b = pm.Normal("mu", 0, 5), pm.Normal("b", 0, 5)
        tau, s = pm.HalfNormal("tau", 2), pm.HalfNormal("s", 2)
        a = pm.Normal("a", mu, tau, shape=15)
        pm.Normal("y", a[COUNTY] + b * FLOOR, s, observed=Y)
    return m
