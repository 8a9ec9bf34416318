"""An ordinal outcome of ten levels, whose shares have a Dirichlet prior: the MLE is the shares."""

import numpy as np
import pymc as pm

ROW = "slow"
COUNTS = np.array([5, 8, 12, 20, 31, 28, 19, 9, 6, 2])
Y = np.repeat(np.arange(10), COUNTS)
MLE = {"p": COUNTS / COUNTS.sum()}


def model() -> pm.Model:
    with pm.Model() as m:
        p = pm.Dirichlet("p", np.ones(10))
        pm.Categorical("y", p, observed=Y)
    return m
