"""An AR(2) written as a generative scan in a CustomDist: least squares of the later values."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

ROW = "no end: scan; CustomDist"
rng = np.random.default_rng(51)
Y = np.zeros(120)
for i in range(2, 120):
    Y[i] = 0.5 * Y[i - 1] - 0.3 * Y[i - 2] + rng.normal()
LAGS = np.column_stack([Y[1:-1], Y[:-2]])
COEFFICIENTS = np.linalg.lstsq(LAGS, Y[2:], rcond=None)[0]
MLE = {"rho": COEFFICIENTS, "s": np.sqrt(np.mean((Y[2:] - LAGS @ COEFFICIENTS) ** 2))}


def series(first, rho, s, size):
    def step(last, before, rho, s):
        mu = rho[0] * last + rho[1] * before
        new = pm.Normal.dist(mu, s)
        return (new, last), pm.pytensorf.collect_default_updates([new])

    (out, _), _ = pytensor.scan(
        step, outputs_info=[first[1], first[0]], non_sequences=[rho, s], n_steps=118, strict=True
    )
    return out


def model() -> pm.Model:
    with pm.Model() as m:
        rho = pm.Normal("rho", 0, 0.5, shape=2)
        s = pm.HalfNormal("s", 2)
        pm.CustomDist("y", pt.constant(Y[:2]), rho, s, dist=series, observed=Y[2:])
    return m
