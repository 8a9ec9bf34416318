"""A regression in ``pymc.dims``. Least squares."""

import numpy as np
import pymc as pm
import pymc.dims as pmd

ROW = "pymc.dims"
rng = np.random.default_rng(71)
X = rng.normal(size=(50, 2))
Y = X @ [1.0, -0.5] + 0.4 * rng.normal(size=50)
MLE = {"b": np.linalg.lstsq(X, Y, rcond=None)[0]}


def model() -> pm.Model:
    y = pmd.as_xtensor(Y, dims=("row",))
    with pm.Model(coords={"row": range(50), "column": ["u", "v"]}) as m:
        x = pmd.Data("x", X, dims=("row", "column"))
        b = pmd.Normal("b", 0, 5, dims="column")
        s = pmd.HalfNormal("s", 1)
        pmd.Normal("y", x.dot(b), s, dims="row", observed=y)
    return m
