"""A free fall with drag by ``pm.ode.DifferentialEquation``."""

import numpy as np
import pymc as pm
from pymc.ode import DifferentialEquation

ROW = "no end: pm.ode"
rng = np.random.default_rng(53)
T = np.arange(0.5, 8, 0.5)
Y = (9.8 / 0.4) * (1 - np.exp(-0.4 * T)) + 0.5 * rng.normal(size=len(T))


def model() -> pm.Model:
    ode = DifferentialEquation(
        func=lambda y, t, p: [p[1] - p[0] * y[0]], times=T, n_states=1, n_theta=2, t0=0
    )
    with pm.Model() as m:
        drag, g, s = pm.HalfNormal("drag", 1), pm.HalfNormal("g", 10), pm.HalfNormal("s", 2)
        curve = ode(y0=[0.0], theta=[drag, g])
        pm.Normal("y", curve[:, 0], s, observed=Y)
    return m
