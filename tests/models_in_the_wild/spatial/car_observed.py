"""A CAR distribution of the observations themselves, on a line of 20."""

import numpy as np
import pymc as pm

ROW = "CAR"
LINE = np.eye(20, k=1) + np.eye(20, k=-1)
Y = np.random.default_rng(66).normal(size=20).cumsum() / 2


def model() -> pm.Model:
    with pm.Model() as m:
        mu, tau = pm.Normal("mu", 0, 3), pm.Gamma("tau", 2, 1)
        alpha = pm.Uniform("alpha", 0, 1)
        pm.CAR("y", mu * np.ones(20), LINE, alpha, tau, observed=Y)
    return m
