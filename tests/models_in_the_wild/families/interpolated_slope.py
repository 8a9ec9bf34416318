"""A regression whose slope has an interpolated prior of two bumps."""

import numpy as np
import pymc as pm
from scipy.stats import norm

ROW = "Interpolated"
GRID = np.linspace(-3, 3, 61)
X = np.linspace(0, 1, 20)
Y = 0.3 + 1.1 * X + 0.2 * np.sin(40 * X)
MLE = dict(zip(("b", "a"), np.polyfit(X, Y, 1), strict=True))


def model() -> pm.Model:
    with pm.Model() as m:
        a = pm.Normal("a", 0, 1)
        b = pm.Interpolated("b", GRID, norm(-1, 0.4).pdf(GRID) + norm(1, 0.4).pdf(GRID))
        pm.Normal("y", a + b * X, 0.2, observed=Y)
    return m
