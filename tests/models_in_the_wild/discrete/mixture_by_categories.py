"""A mixture written with a category for each of 150 observations."""

import numpy as np
import pymc as pm

ROW = "discrete latents"
LATENT = True
rng = np.random.default_rng(40)
Y = np.where(rng.random(150) < 0.3, rng.normal(-2, 1, size=150), rng.normal(2, 1, size=150))


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Dirichlet("w", [2.0, 2.0])
        mu = pm.Normal(
            "mu", [-1, 1], 5, transform=pm.distributions.transforms.ordered, initval=[-1, 1]
        )
        s = pm.HalfNormal("s", 2)
        k = pm.Categorical("k", w, shape=150)
        pm.Normal("y", mu[k], s, observed=Y)
    return m
