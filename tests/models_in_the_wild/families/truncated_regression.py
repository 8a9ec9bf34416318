"""A regression of which only outcomes between two bounds are in the sample."""

import numpy as np
import pymc as pm

ROW = "slow; Truncated"
rng = np.random.default_rng(61)
X = rng.uniform(-3, 3, size=400)
Y = 1 + X + rng.normal(size=400)
SEEN = (Y > -1) & (Y < 3)


def model() -> pm.Model:
    with pm.Model() as m:
        a, b, s = pm.Normal("a", 0, 1), pm.Normal("b", 0, 1), pm.HalfNormal("s", 1)
        pm.Truncated("y", pm.Normal.dist(a + b * X[SEEN], s), lower=-1, upper=3, observed=Y[SEEN])
    return m
