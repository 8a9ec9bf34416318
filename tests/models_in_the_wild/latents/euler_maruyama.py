"""A stochastic differential equation (``pm.EulerMaruyama``) seen with noise."""

import numpy as np
import pymc as pm

ROW = "continuous latents"
LATENT = True
rng = np.random.default_rng(25)
X = np.zeros(60)
for i in range(59):
    X[i + 1] = X[i] - 0.1 * 0.8 * X[i] + np.sqrt(0.1) * rng.normal()
Y = X + 0.1 * rng.normal(size=60)


def model() -> pm.Model:
    with pm.Model() as m:
        lam = pm.Normal("lam", 0, 1)
        x = pm.EulerMaruyama(
            "x",
            0.1,
            lambda x, lam: (-lam * x, 1.0),
            (lam,),
            init_dist=pm.Normal.dist(0, 1),
            shape=60,
        )
        s = pm.HalfNormal("s", 0.5)
        pm.Normal("y", x, s, observed=Y)
    return m
