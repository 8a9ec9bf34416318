"""A line with a Bernoulli for each point that says whether it is an outlier."""

import numpy as np
import pymc as pm

ROW = "discrete latents"
LATENT = True
rng = np.random.default_rng(41)
X = np.linspace(0, 5, 20)
Y = 1 + 2 * X + 0.3 * rng.normal(size=20)
Y[[3, 11, 16]] += [6, -7, 8]


def model() -> pm.Model:
    with pm.Model() as m:
        a, b = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5)
        s, wide = pm.HalfNormal("s", 1), pm.HalfNormal("wide", 10)
        share = pm.Beta("share", 1, 5)
        out = pm.Bernoulli("out", share, shape=20)
        pm.Normal("y", a + b * X, pm.math.switch(out, s + wide, s), observed=Y)
    return m
