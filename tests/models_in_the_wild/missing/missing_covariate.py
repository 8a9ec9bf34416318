"""A covariate with missing values and a normal prior of its own."""

import numpy as np
import pymc as pm

ROW = "missing data"
LATENT = True
rng = np.random.default_rng(68)
X = rng.normal(1, 1, size=40)
Y = 2 - X + 0.5 * rng.normal(size=40)


def model() -> pm.Model:
    with pm.Model() as m:
        m_x, s_x = pm.Normal("m_x", 0, 2), pm.HalfNormal("s_x", 2)
        x = pm.Normal("x", m_x, s_x, observed=np.ma.masked_array(X, np.arange(40) % 8 == 0))
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 1)
        pm.Normal("y", a + b * x, s, observed=Y)
    return m
