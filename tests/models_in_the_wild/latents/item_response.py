"""Two-parameter item response: ability of 40 people, difficulty and discrimination of 8 items."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(26)
ABILITY = rng.normal(size=40)
Y = rng.random((40, 8)) < 1 / (1 + np.exp(-(ABILITY[:, None] - np.linspace(-1, 1, 8))))


def model() -> pm.Model:
    with pm.Model() as m:
        ability = pm.Normal("ability", 0, 1, shape=(40, 1))
        difficulty = pm.Normal("difficulty", 0, 2, shape=8)
        discrimination = pm.LogNormal("discrimination", 0, 0.5, shape=8)
        pm.Bernoulli("y", logit_p=discrimination * (ability - difficulty), observed=Y.astype(int))
    return m
