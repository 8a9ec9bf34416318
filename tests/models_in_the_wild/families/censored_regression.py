"""A tobit regression: measurements below a limit of detection."""

import numpy as np
import pymc as pm

ROW = "Censored"
rng = np.random.default_rng(60)
X = rng.normal(size=80)
Y = np.maximum(0.5 + X + 0.8 * rng.normal(size=80), 0)


def model() -> pm.Model:
    with pm.Model() as m:
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 2)
        pm.Censored("y", pm.Normal.dist(a + b * X, s), lower=0, upper=None, observed=Y)
    return m
