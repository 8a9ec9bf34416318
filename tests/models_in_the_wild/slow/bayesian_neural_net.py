"""A neural net of two hidden units: its copies by sign and order are one maximum."""

import numpy as np
import pymc as pm

ROW = "no end: many maxima"
HAS = ("map",)
rng = np.random.default_rng(84)
X = rng.normal(size=(60, 2))
Y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=60) > 0).astype(int)


def model() -> pm.Model:
    with pm.Model() as m:
        inner = pm.Normal("inner", 0, 1, shape=(2, 3))
        outer = pm.Normal("outer", 0, 1, shape=3)
        pm.Bernoulli("y", logit_p=pm.math.tanh(X @ inner) @ outer, observed=Y)
    return m
