"""A sparse Gaussian process (VFE): ``pm.gp`` makes its likelihood as a potential of its own."""

import numpy as np
import pymc as pm

ROW = "potential of pm.gp"
rng = np.random.default_rng(10)
X = np.linspace(0, 10, 80)[:, None]
Y = np.sin(X[:, 0]) + 0.2 * rng.normal(size=80)


def model() -> pm.Model:
    with pm.Model() as m:
        ls, eta, s = pm.Gamma("ls", 2, 1), pm.HalfNormal("eta", 2), pm.HalfNormal("s", 1)
        gp = pm.gp.MarginalApprox(cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls), approx="VFE")
        gp.marginal_likelihood("y", X=X, Xu=X[::8], y=Y, sigma=s)
    return m
