"""Normal outcomes, three missing: the MLE of the others is theirs without the missing."""

import numpy as np
import pymc as pm

ROW = "missing data"
LATENT = True
Y = np.array([1.0, np.nan, 2.5, 0.7, np.nan, 3.1, 1.4, np.nan])


def model() -> pm.Model:
    with pm.Model() as m:
        mu, s = pm.Normal("mu", 0, 5), pm.HalfNormal("s", 2)
        pm.Normal("y", mu, s, observed=np.ma.masked_invalid(Y))
    return m
