"""A CustomDist around a black box: seven parameters of a curve, known to be least squares."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph import Apply, Op

ROW = "black box"
rng = np.random.default_rng(6)
X = np.vander(np.linspace(-1, 1, 60), 6, increasing=True)
Y = X @ [1.0, 0.5, -1, 0, 2, 1] + 0.3 * rng.normal(size=60)
MLE = {"b": np.linalg.lstsq(X, Y, rcond=None)[0]}


class Elementwise(Op):
    """The log density of each observation."""

    def make_node(self, y, b, s):
        inputs = [pt.as_tensor(y), pt.as_tensor(b), pt.as_tensor(s)]
        return Apply(self, inputs, [pt.dvector()])

    def perform(self, node, inputs, outputs):
        y, b, s = inputs
        z = (y - X @ b) / s
        outputs[0][0] = -0.5 * z**2 - np.log(s) - 0.5 * np.log(2 * np.pi)


def model() -> pm.Model:
    with pm.Model() as m:
        b = pm.Normal("b", 0, 10, shape=6)
        s = pm.HalfNormal("s", 3)
        pm.CustomDist("y", b, s, logp=lambda y, b, s: Elementwise()(y, b, s), observed=Y)
    return m
