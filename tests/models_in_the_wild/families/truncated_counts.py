"""Zero-truncated counts: the rate solves rate / (1 - exp(-rate)) = mean."""

import numpy as np
import pymc as pm
from scipy.optimize import brentq

ROW = "Truncated"
Y = np.array([1, 2, 1, 4, 1, 3, 2, 1, 1, 2])
MLE = {"rate": brentq(lambda rate: rate / -np.expm1(-rate) - Y.mean(), 0.1, 9)}


def model() -> pm.Model:
    with pm.Model() as m:
        rate = pm.Gamma("rate", 2, 1)
        pm.Truncated("y", pm.Poisson.dist(rate), lower=1, observed=Y)
    return m
