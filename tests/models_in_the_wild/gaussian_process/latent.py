"""A latent Gaussian process with a Bernoulli likelihood, 40 points."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(30)
X = np.linspace(0, 10, 40)[:, None]
Y = (rng.random(40) < 1 / (1 + np.exp(-2 * np.sin(X[:, 0])))).astype(int)


def model() -> pm.Model:
    with pm.Model() as m:
        ls, eta = pm.InverseGamma("ls", 3, 3), pm.HalfNormal("eta", 2)
        gp = pm.gp.Latent(cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls))
        f = gp.prior("f", X)
        pm.Bernoulli("y", logit_p=f, observed=Y)
    return m
