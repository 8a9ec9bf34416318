"""A likelihood that is one scalar Potential: a zero-inflated count by hand."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

ROW = "scalar potential"
Y = np.array([0, 0, 3, 1, 0, 2, 0, 5, 0, 1])
POTENTIALS = "likelihood"


def model() -> pm.Model:
    with pm.Model() as m:
        rate, zero = pm.Gamma("rate", 2, 1), pm.Beta("zero", 1, 1)
        poisson = pm.logp(pm.Poisson.dist(rate), Y)
        there = pt.log1p(-zero) + poisson
        pm.Potential("y", pt.switch(Y == 0, pt.logaddexp(pt.log(zero), there), there).sum())
    return m
