"""Counts with a log exposure kept in a ``pytensor.shared``; the MLE is log(total / exposure)."""

import numpy as np
import pymc as pm
import pytensor

ROW = "pytensor.shared"
EXPOSURE = np.array([3.0, 10.0, 2.0, 7.0, 1.5])
COUNTS = np.array([4, 19, 3, 10, 4])
MLE = {"rate": np.log(COUNTS.sum() / EXPOSURE.sum())}


def model() -> pm.Model:
    offset = pytensor.shared(np.log(EXPOSURE), name="offset")
    with pm.Model() as m:
        rate = pm.Normal("rate", 0, 2)
        pm.Poisson("count", pm.math.exp(rate + offset), observed=COUNTS)
    return m
