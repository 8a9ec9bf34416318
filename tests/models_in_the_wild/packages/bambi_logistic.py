"""A logistic regression by Bambi."""

import importlib

import numpy as np
import pymc as pm

ROW = "Bambi"
NEEDS = ("bambi",)


def model() -> pm.Model:
    bambi = importlib.import_module("bambi")
    pandas = importlib.import_module("pandas")
    rng = np.random.default_rng(72)
    x = rng.normal(size=100)
    data = pandas.DataFrame({"x": x, "y": (rng.random(100) < 1 / (1 + np.exp(-x))).astype(int)})
    made = bambi.Model("y ~ x", data, family="bernoulli")
    made.build()
    return made.backend.model
