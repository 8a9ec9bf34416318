"""A simulated regression observed and, for one parameter, intervened on."""

import numpy as np
import pymc as pm

ROW = "pm.observe; pm.do"
X = np.linspace(-1, 1, 25)
Y = 1.5 * X + np.sin(9 * X) / 5
MLE = {"b": X @ Y / (X @ X)}


def model() -> pm.Model:
    with pm.Model() as m:
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 1)
        pm.Normal("y", a + b * X, s, shape=25)
    return pm.observe(pm.do(m, {"a": 0.0}), {"y": Y})
