"""Zero-inflated counts of fishermen with a covariate."""

import numpy as np
import pymc as pm

ROW = "Mixture"
rng = np.random.default_rng(64)
X = rng.normal(size=150)
Y = rng.poisson(np.exp(0.5 + 0.4 * X)) * (rng.random(150) < 0.7)


def model() -> pm.Model:
    with pm.Model() as m:
        a, b, psi = pm.Normal("a", 0, 2), pm.Normal("b", 0, 1), pm.Beta("psi", 1, 1)
        pm.ZeroInflatedPoisson("y", psi, pm.math.exp(a + b * X), observed=Y)
    return m
