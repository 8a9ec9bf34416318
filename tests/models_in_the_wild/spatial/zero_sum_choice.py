"""A multinomial logit whose utilities sum to zero: log shares less their mean."""

import numpy as np
import pymc as pm

ROW = "ZeroSumNormal; choice"
COUNTS = np.array([12, 30, 8])
MLE = {"utility": np.log(COUNTS) - np.log(COUNTS).mean()}


def model() -> pm.Model:
    with pm.Model() as m:
        utility = pm.ZeroSumNormal("utility", 3, shape=3)
        pm.Multinomial("n", 50, pm.math.softmax(utility), observed=COUNTS)
    return m
