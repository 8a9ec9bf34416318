"""Counts by group in ``pymc.dims``: each rate is its group's mean."""

import numpy as np
import pymc as pm
import pymc.dims as pmd

ROW = "pymc.dims"
Y = np.array([[2, 4, 3], [7, 9, 5]])
MLE = {"rate": Y.mean(axis=1)}


def model() -> pm.Model:
    y = pmd.as_xtensor(Y, dims=("group", "rep"))
    with pm.Model(coords={"group": ["a", "b"], "rep": range(3)}) as m:
        rate = pmd.Gamma("rate", alpha=2, beta=1, dims="group")
        pmd.Poisson("y", rate, dims=("group", "rep"), observed=y)
    return m
