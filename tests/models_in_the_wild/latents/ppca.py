"""Probabilistic principal components with latent scores: loadings are known up to a rotation."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(27)
Y = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(30, 5))


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Normal("w", 0, 1, shape=(2, 5))
        z = pm.Normal("z", 0, 1, shape=(30, 2))
        s = pm.HalfNormal("s", 1)
        pm.Normal("y", z @ w, s, observed=Y)
    return m
