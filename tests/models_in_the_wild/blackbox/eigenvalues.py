"""A likelihood through SciPy, which raises far out: the precision of a symmetric matrix's spectrum.

An Op that raises ValueError is one without a value there, no crash.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import scipy.linalg
from pytensor.graph import Apply, Op

ROW = "Op that raises"
Y = np.array([0.8, 1.4, 1.1, 0.2, 1.9])


class Largest(Op):
    """The largest eigenvalue of [[1, a], [a, b]], and its gradient."""

    def make_node(self, a, b):
        return Apply(self, [pt.as_tensor(a), pt.as_tensor(b)], [pt.dscalar()])

    def perform(self, node, inputs, outputs):
        a, b = inputs
        matrix = np.array([[1.0, a], [a, b]])
        if np.abs(matrix).max() > 50:
            raise ValueError("matrix out of range")
        outputs[0][0] = np.asarray(scipy.linalg.eigvalsh(matrix, check_finite=True)[-1])

    def pullback(self, inputs, outputs, cotangents):
        a, b = inputs
        root = pt.sqrt((1 - b) ** 2 + 4 * a**2)
        return [cotangents[0] * 2 * a / root, cotangents[0] * (1 + (b - 1) / root) / 2]


def model() -> pm.Model:
    with pm.Model() as m:
        a, s = pm.Normal("a", 0.5, 1), pm.HalfNormal("s", 2)
        pm.Normal("y", Largest()(a, pt.exp(a)), s, observed=Y)
    return m
