r"""
The mean and the variance of a normal
=====================================

For :math:`n` draws from a normal distribution the MLE is known: the mean :math:`\bar x = \frac1n
\sum x_i` and the variance :math:`\frac1n \sum (x_i - \bar x)^2`, with :math:`n` below and not
:math:`n - 1`. Here are 10,000 draws of :math:`N(5, 3^2)`.

The negative log-likelihood (NLL) is a bowl with its floor at the MLE, where its gradient vanishes.
`LogDensity` hands out both, for any PyMC model: above is the NLL along each parameter, the other
one held at its MLE, and below is its slope, which changes sign just there.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

rng = np.random.default_rng(1)
x = rng.normal(5.0, 3.0, size=10_000)

with pm.Model() as model:
    mean = pm.Flat("mean")
    variance = pm.HalfFlat("variance")
    pm.Normal("x", mean, pm.math.sqrt(variance), observed=x)

density = bp.LogDensity(model)


def nll(points):
    """NLL and its gradient at rows of (mean, log variance), the coordinates of PyMC."""
    value, gradient = density.evaluate(np.atleast_2d(points), ["likelihood"])
    return -value[:, 0], -gradient[:, 0]


closed_form = np.array([x.mean(), np.log(x.var())])

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    print("closed form:", x.mean(), x.var())
    print("gradient of the NLL there:", nll(closed_form)[1][0])
    fig, axes = plt.subplots(2, 2, figsize=(8, 5), sharex="col", layout="constrained")
    for i, (name, reach) in enumerate([("mean", 0.15), ("log variance", 0.08)]):
        along = np.linspace(-reach, reach, 61)
        points = closed_form + along[:, None] * np.eye(2)[i]
        value, gradient = nll(points)
        top, bottom = axes[:, i]
        top.plot(points[:, i], value - nll(closed_form)[0], color="0.15")
        bottom.plot(points[:, i], gradient[:, i], color="0.15")
        bottom.axhline(0, color="0.6", linestyle=":")
        for ax in top, bottom:
            ax.plot(closed_form[i], 0, "^", color="#D55E00", markersize=8, label="closed form")
            ax.spines[["top", "right"]].set_visible(False)
        bottom.set_xlabel(name)
    axes[0, 0].set_ylabel("NLL above its minimum")
    axes[1, 0].set_ylabel("slope of the NLL")
    axes[0, 0].legend(frameon=False, loc="upper center")
    # sphinx_gallery_alt = "The NLL is lowest, and its slope 0, at the closed form of the MLE"
    plt.show()
