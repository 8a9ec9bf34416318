"""A log-Gaussian Cox process on a grid of 36 cells."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(28)
CELLS = np.array([(i, j) for i in range(6) for j in range(6)], float)
Y = rng.poisson(np.exp(1 + np.sin(CELLS[:, 0])))


def model() -> pm.Model:
    with pm.Model() as m:
        mu, eta = pm.Normal("mu", 1, 1), pm.HalfNormal("eta", 1)
        ls = pm.InverseGamma("ls", 5, 8)
        gp = pm.gp.Latent(cov_func=eta**2 * pm.gp.cov.Matern52(2, ls))
        f = gp.prior("f", CELLS)
        pm.Poisson("y", pm.math.exp(mu + f), observed=Y)
    return m
