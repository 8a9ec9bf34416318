"""A Rasch model without a prior scale of its own for the difficulties: only products are known."""

import numpy as np
import pymc as pm

ROW = "slow; wrong"
LATENT = True
rng = np.random.default_rng(81)
ABILITY = rng.normal(size=15)
Y = (rng.random((15, 6)) < 1 / (1 + np.exp(-ABILITY[:, None] + np.linspace(-1, 1, 6)))).astype(int)


def model() -> pm.Model:
    with pm.Model() as m:
        sigma = pm.HalfNormal("sigma_b", 1)
        ability = pm.Normal("ability", 0, 1, shape=(15, 1))
        difficulty = pm.Normal("difficulty", 0, 1, shape=6)
        pm.Bernoulli("y", logit_p=ability - sigma * difficulty, observed=Y)
    return m
