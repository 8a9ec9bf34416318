"""Yearly maxima with the generalised extreme value distribution of ``pymc_extras``."""

import importlib

import numpy as np
import pymc as pm

ROW = "pymc-extras distributions"
NEEDS = ("pymc_extras",)
Y = 3.8 + 0.2 * np.random.default_rng(75).gumbel(size=60)


def model() -> pm.Model:
    extras = importlib.import_module("pymc_extras.distributions")
    with pm.Model() as m:
        mu, s = pm.Normal("mu", 3.8, 0.2), pm.HalfNormal("s", 0.3)
        xi = pm.TruncatedNormal("xi", 0, 0.2, lower=-0.6, upper=0.6)
        extras.GenExtreme("y", mu=mu, sigma=s, xi=xi, observed=Y)
    return m
