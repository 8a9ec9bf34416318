"""Effects of four groups that sum to zero: their MLE is the group mean less the mean of them."""

import numpy as np
import pymc as pm

ROW = "ZeroSumNormal"
GROUP = np.repeat(np.arange(4), 5)
Y = np.random.default_rng(65).normal([1, 2, 4, 3], 1, size=(5, 4)).T.ravel()
MEANS = Y.reshape(4, 5).mean(axis=1)
MLE = {"mu": MEANS.mean(), "effect": MEANS - MEANS.mean()}


def model() -> pm.Model:
    with pm.Model(coords={"group": list("abcd")}) as m:
        mu, s = pm.Normal("mu", 0, 10), pm.HalfNormal("s", 5)
        effect = pm.ZeroSumNormal("effect", 2, dims="group")
        pm.Normal("y", mu + effect[GROUP], s, observed=Y)
    return m
