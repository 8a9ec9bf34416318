"""``pm.Data(dims=(None, "k"))``: only the columns of a design matrix have names. Least squares."""

import numpy as np
import pymc as pm

ROW = "pm.Data dims"
rng = np.random.default_rng(2)
X = rng.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + rng.normal(size=60)
MLE = {"b": np.linalg.lstsq(X, Y, rcond=None)[0]}


def model() -> pm.Model:
    with pm.Model(coords={"k": ["age", "dose", "sex"]}) as m:
        x = pm.Data("x", X, dims=(None, "k"))
        b = pm.Normal("b", 0, 10, dims="k")
        s = pm.HalfNormal("s", 5)
        pm.Normal("y", x @ b, s, observed=Y)
    return m
