"""``pm.GARCH11`` of 300 returns: a scan."""

import numpy as np
import pymc as pm

ROW = "no end: scan"
rng = np.random.default_rng(50)
Y, H = np.zeros(300), 1.0
for i in range(300):
    Y[i] = np.sqrt(H) * rng.normal()
    H = 0.1 + 0.2 * Y[i] ** 2 + 0.7 * H


def model() -> pm.Model:
    with pm.Model() as m:
        omega = pm.HalfNormal("omega", 1)
        alpha = pm.Uniform("alpha", 0, 1)
        beta = pm.Uniform("beta", 0, 1 - alpha)
        start = pm.HalfNormal("start", 2)
        pm.GARCH11("y", omega=omega, alpha_1=alpha, beta_1=beta, initial_vol=start, observed=Y)
    return m
