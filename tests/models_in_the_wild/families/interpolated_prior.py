"""A posterior used as the next prior through ``pm.Interpolated``; the MLE is the mean."""

import numpy as np
import pymc as pm
from scipy.stats import norm

ROW = "Interpolated"
GRID = np.linspace(-4, 8, 101)
Y = np.array([1.2, 2.9, 2.2, 1.7])
MLE = {"mu": Y.mean()}


def model() -> pm.Model:
    with pm.Model() as m:
        mu = pm.Interpolated("mu", GRID, norm(2, 1).pdf(GRID))
        pm.Normal("y", mu, 1, observed=Y)
    return m
