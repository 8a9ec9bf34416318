"""A cumulative ordinal regression by Bambi."""

import importlib

import numpy as np
import pymc as pm

ROW = "crash; Bambi"
NEEDS = ("bambi",)


def model() -> pm.Model:
    bambi = importlib.import_module("bambi")
    pandas = importlib.import_module("pandas")
    rng = np.random.default_rng(73)
    x = rng.normal(size=120)
    y = np.digitize(x + rng.logistic(size=120), [-1.0, 0.5, 2])
    data = pandas.DataFrame({"x": x, "y": pandas.Categorical(y, ordered=True)})
    made = bambi.Model("y ~ x", data, family="cumulative")
    made.build()
    return made.backend.model
