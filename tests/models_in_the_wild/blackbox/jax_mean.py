"""A mean curve wrapped from JAX inside an ordinary likelihood: an exponential decay."""

import importlib

import numpy as np
import pymc as pm

ROW = "JAX"
NEEDS = ("jax",)
rng = np.random.default_rng(8)
T = np.linspace(0, 4, 30)
Y = 3 * np.exp(-0.7 * T) + 0.1 * rng.normal(size=30)


def model() -> pm.Model:
    from pytensor import wrap_jax

    importlib.import_module("jax").config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")

    @wrap_jax
    def curve(a, k):
        return a * jnp.exp(-k * T)

    with pm.Model() as m:
        a, k, s = pm.HalfNormal("a", 5), pm.HalfNormal("k", 2), pm.HalfNormal("s", 1)
        pm.Normal("y", curve(a, k), s, observed=Y)
    return m
