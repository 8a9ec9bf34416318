"""A Student-t process observed with noise (``pm.gp.TP``)."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(31)
X = np.linspace(0, 6, 25)[:, None]
Y = np.sin(X[:, 0]) + 0.2 * rng.normal(size=25)


def model() -> pm.Model:
    with pm.Model() as m:
        ls, nu = pm.Gamma("ls", 2, 1), pm.Gamma("nu", 5, 1)
        tp = pm.gp.TP(scale_func=pm.gp.cov.ExpQuad(1, ls), nu=nu + 2)
        f = tp.prior("f", X)
        s = pm.HalfNormal("s", 1)
        pm.Normal("y", f, s, observed=Y)
    return m
