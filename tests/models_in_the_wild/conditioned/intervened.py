"""A causal model with a covariate set by ``pm.do``: only the outcome's equation is left."""

import numpy as np
import pymc as pm

ROW = "pm.do"
TREATED = np.repeat([0, 1], 10)
Y = np.random.default_rng(70).normal(1 + 2 * TREATED, 1)
MLE = {"a": Y[:10].mean(), "b": Y[10:].mean() - Y[:10].mean()}


def model() -> pm.Model:
    with pm.Model() as m:
        share = pm.Beta("share", 1, 1)
        treated = pm.Bernoulli("treated", share, shape=20)
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 2)
        pm.Normal("y", a + b * treated, s, observed=Y)
    return pm.do(m, {"treated": TREATED, "share": 0.5})
