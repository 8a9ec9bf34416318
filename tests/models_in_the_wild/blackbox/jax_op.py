"""A likelihood wrapped from JAX, with JAX's gradient: a normal sample."""

import importlib

import numpy as np
import pymc as pm

ROW = "JAX"
NEEDS = ("jax",)
rng = np.random.default_rng(7)
Y = rng.normal(-1, 0.5, size=80)
MLE = {"mu": Y.mean(), "s": Y.std()}
POTENTIALS = "likelihood"


def model() -> pm.Model:
    from pytensor import wrap_jax

    importlib.import_module("jax").config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")

    @wrap_jax
    def loglik(mu, s):
        return jnp.sum(-0.5 * ((Y - mu) / s) ** 2 - jnp.log(s) - 0.5 * jnp.log(2 * jnp.pi))

    with pm.Model() as m:
        mu, s = pm.Normal("mu", 0, 10), pm.HalfNormal("s", 10)
        pm.Potential("y", loglik(mu, s))
    return m
