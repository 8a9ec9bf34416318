"""Data with dims that were changed by ``pm.set_data`` before the estimate. The MLE is the mean."""

import numpy as np
import pymc as pm

ROW = "pm.Data dims"
Y = np.array([2.0, 4.0, 9.0, 1.0])
MLE = {"mu": 4.0, "s": np.sqrt(9.5)}


def model() -> pm.Model:
    with pm.Model(coords={"row": [0, 1]}) as m:
        y = pm.Data("y", [0.0, 1.0], dims="row")
        mu, s = pm.Normal("mu", 0, 10), pm.HalfNormal("s", 10)
        pm.Normal("obs", mu, s, observed=y, dims="row")
    pm.set_data({"y": Y}, model=m, coords={"row": range(4)})
    return m
