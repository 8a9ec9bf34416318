"""Censored survival times by ``pm.Censored``: the exponential's MLE is deaths by time at risk."""

import numpy as np
import pymc as pm

ROW = "Censored"
T = np.array([2.0, 3.5, 5, 5, 1.2, 5, 0.7, 4.1])
MLE = {"rate": 5 / T.sum()}


def model() -> pm.Model:
    with pm.Model() as m:
        rate = pm.Gamma("rate", 1, 1)
        pm.Censored("t", pm.Exponential.dist(rate), lower=None, upper=5.0, observed=T)
    return m
