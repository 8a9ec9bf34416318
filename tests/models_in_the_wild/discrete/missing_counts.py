"""Poisson counts, six of them missing: PyMC makes discrete variables of them."""

import numpy as np
import pymc as pm

ROW = "discrete latents; missing data"
LATENT = True
Y = np.ma.masked_values([2, 4, -1, 3, 1, -1, 6, 2, -1, -1, 3, 5, -1, 2, 4, -1], -1)
MLE = {"rate": 3.2}


def model() -> pm.Model:
    with pm.Model() as m:
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("y", rate, observed=Y)
    return m
