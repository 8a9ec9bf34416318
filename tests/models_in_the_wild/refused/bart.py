"""BART: PyMC's log density of its trees is zero, so that there is nothing to maximise: refused."""

import importlib

import numpy as np
import pymc as pm

ROW = "BART"
NEEDS = ("pymc_bart",)
HAS = ()


def model() -> pm.Model:
    bart = importlib.import_module("pymc_bart")
    rng = np.random.default_rng(9)
    x = rng.uniform(size=(40, 2))
    y = np.sin(6 * x[:, 0]) + 0.1 * rng.normal(size=40)
    with pm.Model() as m:
        mu = bart.BART("mu", x, y, m=10)
        s = pm.HalfNormal("s", 1)
        pm.Normal("y", mu, s, observed=y)
    return m
