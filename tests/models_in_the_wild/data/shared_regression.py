"""A regression on a plain ``pytensor.shared``, which the model does not know by name.

The MLE of the slope and intercept is least squares; sigma is the root of the mean squared residual.
"""

import numpy as np
import pymc as pm
import pytensor

ROW = "pytensor.shared"
rng = np.random.default_rng(1)
X = rng.normal(size=40)
Y = 1 + 2 * X + rng.normal(size=40)
SLOPE, INTERCEPT = np.polyfit(X, Y, 1)
MLE = {"a": INTERCEPT, "b": SLOPE, "s": np.sqrt(np.mean((Y - INTERCEPT - SLOPE * X) ** 2))}


def model() -> pm.Model:
    x = pytensor.shared(X)
    with pm.Model() as m:
        a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 5)
        pm.Normal("y", a + b * x, s, observed=Y)
    return m
