"""Two arrays cut by the same minibatch. Least squares of all the data."""

import numpy as np
import pymc as pm

ROW = "Minibatch"
rng = np.random.default_rng(4)
X = rng.normal(size=300)
Y = 1 - X + 0.5 * rng.normal(size=300)
SLOPE, INTERCEPT = np.polyfit(X, Y, 1)
MLE = {"a": INTERCEPT, "b": SLOPE}


def model() -> pm.Model:
    x, y = pm.Minibatch(X, Y, batch_size=32)
    with pm.Model() as m:
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 5)
        pm.Normal("obs", a + b * x, s, observed=y, total_size=len(Y))
    return m
