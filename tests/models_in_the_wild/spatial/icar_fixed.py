"""An ICAR smoother with its scale known: its MAP is a penalised Poisson fit."""

import numpy as np
import pymc as pm

ROW = "ICAR"
HAS = ("map",)  # the level and the sum of the effects are told apart by the prior alone
LINE = np.eye(15, k=1) + np.eye(15, k=-1)
Y = np.random.default_rng(67).poisson(np.exp(1 + np.sin(np.arange(15) / 3)))


def model() -> pm.Model:
    with pm.Model() as m:
        a = pm.Normal("a", 1, 1)
        phi = pm.ICAR("phi", LINE, sigma=0.3)
        pm.Poisson("y", pm.math.exp(a + phi), observed=Y)
    return m
