r"""
A uniform prior: the MAP is the MLE
===================================

If the prior density is the same everywhere, the posterior is proportional to the likelihood, so
both are largest at the same :math:`\theta`: MAP = MLE = 4/5 after four heads of five.

The same holds if :math:`\theta` can only be one of six values, 0, 1/5, ..., 1, each with the prior
probability 1/6. Bayes' rule is then a table of six rows, and bayes_point tries them all: the
estimate is exact. Two of the six are ruled out, as a coin that never (or always) falls heads
cannot give both.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

TOSSES = [1, 1, 1, 1, 0]

with pm.Model() as model:
    theta = pm.Uniform("theta")
    pm.Bernoulli("tosses", theta, observed=TOSSES)


def six_coins(tosses):
    with pm.Model() as out:
        which = pm.DiscreteUniform("which", 0, 5)
        theta = pm.Deterministic("theta", which / 5)
        pm.Bernoulli("tosses", theta, observed=tosses)
    return out


if __name__ == "__main__":
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    grid, six = np.linspace(0, 1, 400), np.arange(6) / 5
    table = six**4 * (1 - six) / np.sum(six**4 * (1 - six))
    axes[0].plot(grid, stats.beta(5, 2).pdf(grid), color="0.15", label="posterior")
    axes[0].hlines(1, 0, 1, color="0.4", linestyle=":", label="prior")
    axes[1].vlines(six, 0, table, color="0.15", linewidth=6, label="posterior")
    axes[1].hlines(1 / 6, 0, 1, color="0.4", linestyle=":", label="prior")
    for ax, coin in zip(axes, [model, six_coins(TOSSES)], strict=True):
        mle, map_ = bp.find_MLE(coin).point["theta"], bp.find_MAP(coin).point["theta"]
        print(f"MLE {float(mle):.6f}, MAP {float(map_):.6f}")
        style = {"clip_on": False, "linestyle": "none", "zorder": 3}
        ax.plot(map_, 0, "s", color="#0072B2", markersize=12, label="MAP", **style)
        ax.plot(mle, 0, "^", color="#D55E00", markersize=7, label="MLE", **style)
        ax.set(xlabel="chance of heads θ", ylim=0)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(title="any θ from 0 to 1", ylabel="density")
    axes[1].set(title="one of six values", ylabel="probability")
    axes[0].legend(frameon=False, loc="upper left")
    # sphinx_gallery_alt = "Posteriors over all theta and over six values, both highest at 4/5"
    plt.show()
