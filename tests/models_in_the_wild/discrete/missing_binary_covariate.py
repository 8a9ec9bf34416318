"""A binary covariate with ten missing values and its own Bernoulli prior."""

import numpy as np
import pymc as pm

ROW = "discrete latents; missing data"
LATENT = True
rng = np.random.default_rng(43)
X = rng.integers(0, 2, size=60)
Y = 1 + 1.5 * X + rng.normal(size=60)


def model() -> pm.Model:
    x = np.ma.masked_array(X, np.arange(60) % 6 == 0)
    with pm.Model() as m:
        share = pm.Beta("share", 1, 1)
        covariate = pm.Bernoulli("x", share, observed=x)
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 2)
        pm.Normal("y", a + b * covariate, s, observed=Y)
    return m
