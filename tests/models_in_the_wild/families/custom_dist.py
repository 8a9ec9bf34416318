"""A CustomDist with a density of its own: the Rayleigh, whose scale is sqrt(mean(y^2) / 2)."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

ROW = "CustomDist"
Y = np.array([0.8, 1.9, 2.4, 0.5, 1.1, 3.0])
MLE = {"s": np.sqrt(np.mean(Y**2) / 2)}


def model() -> pm.Model:
    with pm.Model() as m:
        s = pm.HalfNormal("s", 5)
        pm.CustomDist(
            "y", s, logp=lambda y, s: pt.log(y) - 2 * pt.log(s) - y**2 / (2 * s**2), observed=Y
        )
    return m
