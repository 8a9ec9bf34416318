"""Overdispersed counts with the generalised Poisson distribution of ``pymc_extras``."""

import importlib

import numpy as np
import pymc as pm

ROW = "pymc-extras distributions"
NEEDS = ("pymc_extras",)
Y = np.random.default_rng(76).negative_binomial(3, 0.4, size=80)


def model() -> pm.Model:
    extras = importlib.import_module("pymc_extras.distributions")
    with pm.Model() as m:
        mu, lam = pm.Gamma("mu", 2, 0.5), pm.Uniform("lam", -0.5, 0.9)
        extras.GeneralizedPoisson("y", mu=mu, lam=lam, observed=Y)
    return m
