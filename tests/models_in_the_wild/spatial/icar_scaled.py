"""The Besag, York and Mollie model: an ICAR effect of scale one, and a scale of its own."""

import numpy as np
import pymc as pm

ROW = "ICAR"
LATENT = True
RING = np.roll(np.eye(10), 1, axis=0) + np.roll(np.eye(10), -1, axis=0)
Y = np.array([3, 6, 8, 9, 7, 4, 2, 1, 2, 2])


def model() -> pm.Model:
    with pm.Model() as m:
        a, scale = pm.Normal("a", 1, 1), pm.HalfNormal("scale", 1)
        phi = pm.ICAR("phi", RING)
        pm.Poisson("y", pm.math.exp(a + scale * phi), observed=Y)
    return m
