"""A proportional hazards model whose effect is a random walk over the intervals."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(24)
TIME = rng.exponential(4, size=60)
X = rng.integers(0, 2, size=60)
EDGES = np.arange(0, 10)
EXPOSED = np.clip(TIME[:, None] - EDGES, 0, 1)
DIED = (TIME[:, None] >= EDGES) & (TIME[:, None] < EDGES + 1)


def model() -> pm.Model:
    with pm.Model() as m:
        base = pm.Gamma("base", 0.5, 0.5, shape=10)
        step = pm.HalfNormal("step", 0.5)
        effect = pm.GaussianRandomWalk(
            "effect", sigma=step, init_dist=pm.Normal.dist(0, 1), shape=10
        )
        hazard = base * pm.math.exp(X[:, None] * effect)
        pm.Poisson("died", EXPOSED * hazard + 1e-9, observed=DIED.astype(int))
    return m
