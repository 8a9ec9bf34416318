"""A Gaussian process on a grid (``MarginalKron``), whose eigendecompositions fail far out."""

import numpy as np
import pymc as pm

ROW = "Op that raises"
rng = np.random.default_rng(11)
X1, X2 = np.linspace(0, 1, 6)[:, None], np.linspace(0, 1, 5)[:, None]
Y = (np.sin(4 * X1) + np.cos(3 * X2.T)).ravel() + 0.1 * rng.normal(size=30)


def model() -> pm.Model:
    with pm.Model() as m:
        l1, l2 = pm.InverseGamma("l1", 3, 1), pm.InverseGamma("l2", 3, 1)
        eta, s = pm.HalfNormal("eta", 2), pm.HalfNormal("s", 0.5)
        covs = [eta**2 * pm.gp.cov.Matern32(1, l1), pm.gp.cov.ExpQuad(1, l2)]
        gp = pm.gp.MarginalKron(cov_funcs=covs)
        gp.marginal_likelihood("y", Xs=[X1, X2], y=Y, sigma=s)
    return m
