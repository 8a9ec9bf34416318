"""An ARMA(1, 1) in state space form (``pymc_extras.statespace``)."""

import importlib

import numpy as np
import pymc as pm

ROW = "no end: state space"
NEEDS = ("pymc_extras",)
POTENTIALS = "likelihood"
rng = np.random.default_rng(54)
E = rng.normal(size=101)
Y = np.zeros(100)
for i in range(1, 100):
    Y[i] = 0.6 * Y[i - 1] + E[i] + 0.3 * E[i - 1]


def model() -> pm.Model:
    statespace = importlib.import_module("pymc_extras.statespace")
    arma = statespace.BayesianSARIMAX(order=(1, 0, 1), verbose=False)
    with pm.Model(coords=arma.coords) as m:
        pm.Normal("ar_params", 0, 0.5, dims="lag_ar")
        pm.Normal("ma_params", 0, 0.5, dims="lag_ma")
        pm.Exponential("sigma_state", 1)
        arma.build_statespace_graph(Y[:, None])
    return m
