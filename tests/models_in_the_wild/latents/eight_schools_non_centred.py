"""Eight schools, non-centred: joint modes are of no use, and the marginal MLE of tau is 0."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SD = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def model() -> pm.Model:
    with pm.Model() as m:
        mu, tau = pm.Normal("mu", 0, 10), pm.HalfCauchy("tau", 5)
        z = pm.Normal("z", 0, 1, shape=8)
        pm.Normal("y", mu + tau * z, SD, observed=Y)
    return m
