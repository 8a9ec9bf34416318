r"""
MLE, MAP or posterior mean: when to use which
=============================================

`study` simulates data sets from a model, estimates each, and compares with the truth. Here are
four situations, and in each the root mean squared error (RMSE) of the three estimators, as a
multiple of that of the MLE:

- *Much data* (1,000 tosses of a coin): all the same. Take the one that is the simplest to explain.
- *Little data, and a prior that is right* (5 tosses of coins made as the prior says): the MLE is
  the worst by far. No estimator has a smaller average squared error than the posterior mean; that
  is what it is. The MAP is close.
- *Little data, and a strong prior that is wrong* (20 tosses of a coin with θ = 0.9 under a prior
  that swears by fair coins): the prior's bias outweighs all else. Take the MLE, or a prior that
  you believe.
- *Many parameters* (12 observations, 10 coefficients, most of them 0): regularise. The MAP (ridge)
  has a quarter of the error of least squares; here it is the posterior mean as well.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp


def coin(tosses, a):
    with pm.Model() as out:
        theta = pm.Beta("theta", a, a)
        pm.Binomial("heads", tosses, theta, observed=0)
    return out


with pm.Model() as model:
    X = np.random.default_rng(1).normal(size=(12, 10))
    beta = pm.Normal("beta", 0, 0.7, shape=10)
    pm.Normal("y", pm.math.dot(X, beta), 1, observed=np.zeros(12))

SITUATIONS = {  # model, truth (None: drawn from the prior)
    "much data": (coin(1000, 2), {"theta": 0.7}),
    "little data,\nprior right": (coin(5, 5), None),
    "little data,\nprior wrong": (coin(20, 50), {"theta": 0.9}),
    "many\nparameters": (model, {"beta": [1.5, -1, 0.5, 0, 0, 0, 0, 0, 0, 0]}),
}


def rmse(situation, n=1000):
    """RMSE over all parameters, and its Monte Carlo standard error, by estimator."""
    found = bp.study(*SITUATIONS[situation], n, random_seed=1)
    square = ((found["estimate"] - found["truth"]) ** 2).mean("parameter")
    root = np.sqrt(square.mean("dataset"))
    return root, square.std("dataset") / np.sqrt(n) / (2 * root)


if __name__ == "__main__":
    styles = {"MLE": ("^", "#D55E00"), "MAP": ("s", "#0072B2"), "posterior mean": ("o", "0.15")}
    fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    ax.axhline(1, color="0.7", linestyle=":", zorder=0)
    for i, situation in enumerate(SITUATIONS):
        root, error = rmse(situation)
        print(" ".join(situation.split()), root.round(4).to_series().to_dict())
        for j, (name, (marker, color)) in enumerate(styles.items()):
            style = {"fmt": marker, "color": color, "mfc": "white" if marker == "o" else color}
            place = i + 0.2 * (j - 1), root[j] / root[0], 2 * error[j] / root[0]
            ax.errorbar(*place, **style, ms=8, label=None if i else name)
    ax.set_xticks(range(len(SITUATIONS)), SITUATIONS)
    ax.set_yscale("log")
    ax.set_yticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    ax.minorticks_off()
    ax.set(ylim=(0.2, 7), ylabel="RMSE relative to the MLE", title="1,000 data sets each")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "RMSE of MLE, MAP and posterior mean in four situations"
    plt.show()
