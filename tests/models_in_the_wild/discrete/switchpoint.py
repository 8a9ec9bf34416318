"""Coal mining: the year in which the rate changes is a whole number."""

import numpy as np
import pymc as pm

ROW = "discrete latents"
rng = np.random.default_rng(44)
Y = np.concatenate([rng.poisson(3, size=40), rng.poisson(1, size=60)])


def model() -> pm.Model:
    with pm.Model() as m:
        when = pm.DiscreteUniform("when", 0, 99)
        early, late = pm.Exponential("early", 1), pm.Exponential("late", 1)
        pm.Poisson("y", pm.math.switch(when > np.arange(100), early, late), observed=Y)
    return m
