"""Starting values given with ``initval=``, one as a strategy and one as a number."""

import numpy as np
import pymc as pm

ROW = "initval"
Y = np.array([0.3, 1.2, 0.9, 2.2, 0.1])
MLE = {"rate": 1 / Y.mean()}


def model() -> pm.Model:
    with pm.Model() as m:
        rate = pm.Gamma("rate", 2, 1, initval=3.0)
        pm.Normal("other", 0, 1, initval="prior")
        pm.Exponential("y", rate, observed=Y)
    return m


HAS = ("map",)  # the likelihood knows nothing of "other"
