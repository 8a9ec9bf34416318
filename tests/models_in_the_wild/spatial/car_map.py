"""Disease counts on a ring of 12 districts with a proper CAR effect."""

import numpy as np
import pymc as pm

ROW = "CAR"
LATENT = True
RING = np.roll(np.eye(12), 1, axis=0) + np.roll(np.eye(12), -1, axis=0)
EXPECTED = np.array([5.0, 8, 3, 6, 9, 4, 7, 5, 6, 8, 3, 5])
Y = np.array([7, 11, 4, 5, 8, 2, 4, 3, 5, 9, 5, 8])


def model() -> pm.Model:
    with pm.Model() as m:
        a, tau = pm.Normal("a", 0, 1), pm.Gamma("tau", 2, 1)
        alpha = pm.Beta("alpha", 2, 2)
        phi = pm.CAR("phi", np.zeros(12), RING, alpha, tau)
        pm.Poisson("y", EXPECTED * pm.math.exp(a + phi), observed=Y)
    return m
