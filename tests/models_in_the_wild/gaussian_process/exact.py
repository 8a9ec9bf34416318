"""An exact Gaussian process of ten inputs with a length scale each: twelve hyperparameters."""

import numpy as np
import pymc as pm

ROW = "no end: many evaluations"
rng = np.random.default_rng(33)
X = rng.uniform(-2, 2, size=(50, 10))
Y = np.sin(X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.normal(size=50)


def model() -> pm.Model:
    with pm.Model() as m:
        ls = pm.InverseGamma("ls", 3, 6, shape=10)
        eta, s = pm.HalfNormal("eta", 2), pm.HalfNormal("s", 1)
        gp = pm.gp.Marginal(cov_func=eta**2 * pm.gp.cov.ExpQuad(10, ls=ls))
        gp.marginal_likelihood("y", X=X, y=Y, sigma=s)
    return m
