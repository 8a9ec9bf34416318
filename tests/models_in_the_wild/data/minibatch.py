"""A minibatch of a regression: the whole data stand in its graph. The MLE is that of all the data.

The likelihood of all the data is what ``total_size`` makes up for.
"""

import numpy as np
import pymc as pm

ROW = "Minibatch"
rng = np.random.default_rng(3)
Y = rng.normal(3, 2, size=400)
MLE = {"mu": Y.mean(), "s": Y.std()}


def model() -> pm.Model:
    y = pm.Minibatch(Y, batch_size=50)
    with pm.Model() as m:
        mu, s = pm.Normal("mu", 0, 10), pm.HalfNormal("s", 10)
        pm.Normal("obs", mu, s, observed=y, total_size=len(Y))
    return m
