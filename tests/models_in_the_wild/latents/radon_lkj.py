"""Varying intercepts and slopes with an LKJ correlation."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(21)
COUNTY = np.repeat(np.arange(12), 10)
X = rng.normal(size=120)
AB = rng.multivariate_normal([1, -0.7], [[0.5, 0.1], [0.1, 0.2]], size=12)
Y = AB[COUNTY, 0] + AB[COUNTY, 1] * X + 0.6 * rng.normal(size=120)


def model() -> pm.Model:
    with pm.Model() as m:
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.Exponential.dist(1, shape=2))
        mu = pm.Normal("mu", 0, 5, shape=2)
        z = pm.Normal("z", 0, 1, shape=(12, 2))
        ab = mu + z @ chol.T
        s = pm.Exponential("s", 1)
        pm.Normal("y", ab[COUNTY, 0] + ab[COUNTY, 1] * X, s, observed=Y)
    return m
