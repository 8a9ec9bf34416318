"""Probabilistic principal components, scores integrated out: by eigenvalues (Tipping, Bishop 1999).

The loadings are known up to a sign: sigma squared is the mean of the smaller eigenvalues.
"""

import numpy as np
import pymc as pm

ROW = "slow"
rng = np.random.default_rng(80)
Y = rng.normal(size=(60, 1)) @ [[1.0, -2.0, 0.5, 1.5]] + 0.5 * rng.normal(size=(60, 4))
Y = Y - Y.mean(axis=0)
MLE = {"s": np.sqrt(np.linalg.eigvalsh(Y.T @ Y / 60)[:3].mean())}


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Normal("w", 0, 2, shape=(4, 1))
        s = pm.HalfNormal("s", 1)
        pm.MvNormal("y", np.zeros(4), w @ w.T + s**2 * np.eye(4), observed=Y)
    return m
