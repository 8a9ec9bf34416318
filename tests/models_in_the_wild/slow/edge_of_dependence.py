"""A mixture of two fixed places, one of them far off: the weight of the other is one."""

import numpy as np
import pymc as pm

ROW = "wrong"
Y = np.array([0.1, -0.3, 0.2, 0.4, -0.1, 0.0])
HAS = ("map",)


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Beta("w", 1, 1)
        s = pm.HalfNormal("s", 1)
        parts = [pm.Normal.dist(0, s), pm.Normal.dist(30, 1)]
        pm.Mixture("y", w=pm.math.stack([w, 1 - w]), comp_dists=parts, observed=Y)
    return m
