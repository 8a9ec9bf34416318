r"""
A likelihood from elsewhere: a black box with a gradient
========================================================

Where the likelihood is computed by other code, a simulator or a compiled library, PyTensor is told
of it by an *Op*. One that has a gradient is all that `find_MLE` needs; of one that has none, it
takes differences, and says so. Here the box is NumPy: the speed of an enzyme's reaction at
concentration :math:`c` is :math:`V c / (K + c)` (Michaelis and Menten 1913), and it returns the
residual sum of squares with its derivatives.

The data are the treated cells of Treloar (1974), as R has them in ``Puromycin``. R's *nls* prints
:math:`V = 212.7` and :math:`K = 0.06412`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

import bayes_point as bp

concentration = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)
speed = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200.0])


def simulator(v, k):
    """Sum of squared residuals, and its derivatives by v and k."""
    share = concentration / (k + concentration)
    residual = speed - v * share
    by_v = -2 * (residual * share).sum()
    by_k = 2 * (residual * v * share / (k + concentration)).sum()
    return (residual**2).sum(), by_v, by_k


class SquaredResiduals(Op):
    """The box: three numbers of two; the second and third are derivatives of the first."""

    def make_node(self, v, k):
        return Apply(self, [pt.as_tensor(v), pt.as_tensor(k)], [pt.dscalar() for _ in range(3)])

    def perform(self, node, inputs, outputs):
        for storage, value in zip(outputs, simulator(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def pullback(self, inputs, outputs, cotangents):
        _, by_v, by_k = outputs
        return [cotangents[0] * by_v, cotangents[0] * by_k]


with pm.Model() as model:
    v = pm.HalfNormal("v", 500)
    k = pm.HalfNormal("k", 1)
    sigma = pm.HalfNormal("sigma", 50)
    squares = SquaredResiduals()(v, k)[0]
    n = len(speed)
    pm.Potential("likelihood", -n * pt.log(sigma) - squares / (2 * sigma**2))

if __name__ == "__main__":
    mle = bp.find_MLE(model, potentials="likelihood")
    print(mle)
    at = np.linspace(0, 1.2, 200)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.plot(at, float(mle["v"]) * at / (float(mle["k"]) + at), color="#0072B2")
    ax.plot(concentration, speed, "o", color="0.2")
    ax.set(xlabel="concentration (ppm)", ylabel="speed (counts/min²)", title="Puromycin")
    ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "A curve that rises and levels off through twelve points"
    plt.show()
