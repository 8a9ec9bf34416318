"""A piecewise exponential survival model: each hazard is deaths by time at risk."""

import numpy as np
import pymc as pm

ROW = "no end: many parameters"
rng = np.random.default_rng(83)
T = rng.exponential(20, size=300)
EDGES = np.arange(0, 40, 1.0)
EXPOSED = np.clip(T[:, None] - EDGES, 0, 1).sum(axis=0)
DIED = ((T[:, None] >= EDGES) & (T[:, None] < EDGES + 1)).sum(axis=0)
MLE = {"hazard": DIED / EXPOSED}


def model() -> pm.Model:
    with pm.Model() as m:
        hazard = pm.Gamma("hazard", 1.5, 1, shape=len(EDGES))
        pm.Poisson("died", EXPOSED * hazard, observed=DIED)
    return m
