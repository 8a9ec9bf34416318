"""A local level in state space form (``pymc_extras.statespace.structural``)."""

import importlib

import numpy as np
import pymc as pm

ROW = "no end: state space"
NEEDS = ("pymc_extras",)
rng = np.random.default_rng(55)
Y = np.cumsum(0.5 * rng.normal(size=60)) + rng.normal(size=60)


def model() -> pm.Model:
    structural = importlib.import_module("pymc_extras.statespace").structural
    level = structural.LevelTrend(order=1, innovations_order=1)
    series = (level + structural.MeasurementError()).build(verbose=False)
    with pm.Model(coords=series.coords) as m:
        for name in series.param_names:
            if name.startswith("P0"):
                pm.Deterministic(
                    name, 10 * pm.math.eye(series.k_states), dims=series.param_dims[name]
                )
            elif name.startswith("sigma"):
                pm.Exponential(name, 1, dims=series.param_dims.get(name))
            else:
                pm.Normal(name, 0, 5, dims=series.param_dims.get(name))
        series.build_statespace_graph(Y[:, None])
    return m
