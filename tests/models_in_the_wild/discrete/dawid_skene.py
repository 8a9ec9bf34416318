"""Dawid and Skene: true classes of 30 items told by four raters who err."""

import numpy as np
import pymc as pm

ROW = "discrete latents"
LATENT = True
rng = np.random.default_rng(42)
TRUE = rng.integers(0, 3, size=30)
TOLD = np.where(rng.random((30, 4)) < 0.75, TRUE[:, None], rng.integers(0, 3, size=(30, 4)))


def model() -> pm.Model:
    with pm.Model() as m:
        share = pm.Dirichlet("share", np.ones(3))
        confusion = pm.Dirichlet("confusion", np.eye(3) * 3 + 1, shape=(4, 3, 3))
        k = pm.Categorical("k", share, shape=30)
        for j in range(4):
            pm.Categorical(f"told_{j}", confusion[j][k], observed=TOLD[:, j])
    return m
