"""A mixed model by Bambi: an intercept for each of ten groups."""

import importlib

import numpy as np
import pymc as pm

ROW = "continuous latents; Bambi"
NEEDS = ("bambi",)
LATENT = True


def model() -> pm.Model:
    bambi = importlib.import_module("bambi")
    pandas = importlib.import_module("pandas")
    rng = np.random.default_rng(74)
    g = np.repeat(np.arange(10), 8)
    x = rng.normal(size=80)
    y = rng.normal(size=10)[g] + x + rng.normal(size=80)
    data = pandas.DataFrame({"x": x, "y": y, "g": g.astype(str)})
    made = bambi.Model("y ~ x + (1|g)", data)
    made.build()
    return made.backend.model
