"""Lotka and Volterra by a scan of Euler steps, log-normal noise: seven parameters."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

ROW = "no end: scan"
rng = np.random.default_rng(52)
STEPS, DT = 200, 0.05


def path(a, b, c, d, u, v):
    out = []
    for _ in range(STEPS):
        u, v = u * np.exp(DT * (a - b * v)), v * np.exp(DT * (d * u - c))
        out.append((u, v))
    return np.array(out)


SEEN = np.arange(9, STEPS, 10)
Y = path(1.0, 0.1, 1.0, 0.05, 20, 8)[SEEN] * np.exp(0.1 * rng.normal(size=(20, 2)))


def model() -> pm.Model:
    with pm.Model() as m:
        rates = pm.LogNormal("rates", np.log([1, 0.1, 1, 0.05]), 0.5, shape=4)
        start = pm.LogNormal("start", np.log([20, 8]), 0.5, shape=2)
        s = pm.HalfNormal("s", 0.5)

        def step(u, v, a, b, c, d):
            return u * pt.exp(DT * (a - b * v)), v * pt.exp(DT * (d * u - c))

        (u, v) = pytensor.scan(
            step,
            outputs_info=[start[0], start[1]],
            non_sequences=[rates[i] for i in range(4)],
            n_steps=STEPS,
            return_updates=False,
        )
        mean = pt.stack([u[SEEN], v[SEEN]], axis=1)
        pm.LogNormal("y", pt.log(mean), s, observed=Y)
    return m
