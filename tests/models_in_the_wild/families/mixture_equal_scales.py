"""Two normals with one scale, which has no poles: the other maximum swaps their labels."""

import numpy as np
import pymc as pm

ROW = "Mixture"
rng = np.random.default_rng(63)
Y = np.concatenate([rng.normal(-2, 1, size=40), rng.normal(2, 1, size=60)])


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Beta("w", 2, 2)
        mu, s = pm.Normal("mu", 0, 5, shape=2), pm.HalfNormal("s", 3)
        parts = [pm.Normal.dist(mu[0], s), pm.Normal.dist(mu[1], s)]
        pm.Mixture("y", w=pm.math.stack([w, 1 - w]), comp_dists=parts, observed=Y)
    return m
