"""MvNormal observations, two of whose rows are missing in part."""

import numpy as np
import pymc as pm

ROW = "missing data"
LATENT = True
rng = np.random.default_rng(69)
Y = rng.multivariate_normal([0, 1], [[1, 0.5], [0.5, 1]], size=30)
MISSING = np.zeros((30, 2), bool)
MISSING[[3, 11], [0, 1]] = True


def model() -> pm.Model:
    with pm.Model() as m:
        mu = pm.Normal("mu", 0, 3, shape=2)
        rho = pm.Uniform("rho", -1, 1)
        cov = pm.math.stack([pm.math.stack([1.0, rho]), pm.math.stack([rho, 1.0])])
        pm.MvNormal("y", mu, cov, observed=np.ma.masked_array(Y, MISSING))
    return m
