"""A Gaussian process by its Hilbert space basis (``pm.gp.HSGP``), 25 basis functions."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(32)
X = np.linspace(0, 10, 80)[:, None]
Y = np.sin(X[:, 0]) + 0.3 * rng.normal(size=80)


def model() -> pm.Model:
    with pm.Model() as m:
        ls, eta = pm.InverseGamma("ls", 5, 8), pm.HalfNormal("eta", 2)
        gp = pm.gp.HSGP(m=[25], c=1.5, cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls))
        f = gp.prior("f", X)
        s = pm.HalfNormal("s", 1)
        pm.Normal("y", f, s, observed=Y)
    return m
