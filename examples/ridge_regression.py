r"""
Ridge regression is a MAP
=========================

Twelve observations, ten features: least squares has nearly as many coefficients as data, and
spends them on the noise: with this :math:`X`, its RMSE is 1.36 over all the data that the noise
could make, more than the noise itself. A prior :math:`\beta_j \sim N(0, \sigma_p^2)` turns the MAP
into the ridge solution

.. math:: \hat\beta = (X^\top X + \lambda I)^{-1} X^\top y, \qquad \lambda = \sigma^2/\sigma_p^2,

which pays a little bias for much less variance. `prior_path` raises the prior to a power, which is
the same as multiplying :math:`\lambda`: at 0 it is the MLE, at 1 the MAP, and on the right nothing
is left of the data. Only three of the true coefficients are not 0 (the ticks at the edge on the
right).
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

NOISE, PRIOR_SD = 1.0, 0.7
LAMBDA = NOISE**2 / PRIOR_SD**2
TRUE = np.array([1.5, -1.0, 0.5, 0, 0, 0, 0, 0, 0, 0])

rng = np.random.default_rng(1)
X = rng.normal(size=(12, 10))
y = X @ TRUE + rng.normal(0, NOISE, size=12)

with pm.Model(coords={"feature": [f"x{i}" for i in range(1, 11)]}) as model:
    beta = pm.Normal("beta", 0, PRIOR_SD, dims="feature")
    pm.Normal("y", pm.math.dot(X, beta), NOISE, observed=y)

if __name__ == "__main__":
    mle, map_ = bp.find_MLE(model).point["beta"], bp.find_MAP(model).point["beta"]
    for name, estimate in {"least squares": mle, "ridge": map_}.items():
        print(f"{name}: RMSE of the coefficients {np.sqrt(np.mean((estimate - TRUE) ** 2)):.2f}")
    path = bp.prior_path(model, np.geomspace(1e-4, 1e3, 71))
    fig, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
    penalty = LAMBDA * path["prior_power"]
    for i, color in enumerate(["#009E73", "#CC79A7", "#E69F00"] + ["0.75"] * 7):
        label = path["feature"].values[i] if i < 3 else ("the other seven" if i == 3 else None)
        ax.plot(penalty, path["beta"][:, i], color=color, label=label, zorder=3 if i < 3 else 2)
        ax.plot(penalty[0], mle[i], "^", color="#D55E00", label=None if i else "MLE")
        ax.plot(LAMBDA, map_[i], "s", ms=4, color="#0072B2", label=None if i else "MAP", zorder=4)
        ax.plot(1.0, TRUE[i], "_", color=color, ms=14, mew=3, transform=ax.get_yaxis_transform())
    ax.axvline(LAMBDA, color="0.7", linestyle=":", zorder=1)
    ax.set(xscale="log", xlabel="penalty λ", ylabel="coefficient", title="Ridge, n = 12, p = 10")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=2)
    # sphinx_gallery_alt = "Ten coefficients over the penalty, from least squares down to 0"
    plt.show()
