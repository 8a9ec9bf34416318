"""A likelihood that is plain Python, without a gradient: a normal sample. Mean and deviation."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph import Apply, Op

ROW = "black box"
rng = np.random.default_rng(5)
Y = rng.normal(1, 2, size=50)
MLE = {"mu": Y.mean(), "s": Y.std()}


class LogLikelihood(Op):
    def make_node(self, mu, s):
        return Apply(self, [pt.as_tensor(mu), pt.as_tensor(s)], [pt.dscalar()])

    def perform(self, node, inputs, outputs):
        mu, s = inputs
        z = (Y - mu) / s
        outputs[0][0] = np.asarray(np.sum(-0.5 * z**2 - np.log(s) - 0.5 * np.log(2 * np.pi)))


def model() -> pm.Model:
    with pm.Model() as m:
        mu, s = pm.Normal("mu", 0, 10), pm.HalfNormal("s", 10)
        pm.Potential("y", LogLikelihood()(mu, s))
    return m


POTENTIALS = "likelihood"
