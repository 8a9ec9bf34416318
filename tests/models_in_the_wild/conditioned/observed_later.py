"""A generative model conditioned with ``pm.observe``: the rate is total by exposure."""

import numpy as np
import pymc as pm

ROW = "pm.observe"
EXPOSURE = np.array([1.0, 3, 2])
Y = np.array([2, 4, 5])
MLE = {"rate": Y.sum() / EXPOSURE.sum()}


def model() -> pm.Model:
    with pm.Model() as m:
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("y", rate * EXPOSURE)
    return pm.observe(m, {"y": Y})
