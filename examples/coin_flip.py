r"""
Three tosses, three heads: what a prior is for
==============================================

After three heads of three, the MLE says that tails cannot happen: :math:`\theta = 1`, on the edge
of its range. With a :math:`\mathrm{Beta}(a, b)` prior and :math:`k` heads of :math:`n` tosses the
MAP is :math:`(k + a - 1)/(n + a + b - 2)` and the posterior mean :math:`(k + a)/(n + a + b)`.

Beta(2, 2) hardly knows anything about coins and moves the MAP to 4/5. Beta(10, 10) is rather sure
that the coin is fair: the MAP is 12/21. The likelihood is the same in both plots; compare how far
each prior draws the posterior away from it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp


def coin(a, b):
    with pm.Model() as out:
        theta = pm.Beta("theta", a, b)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    return out


model = coin(2, 2)

if __name__ == "__main__":
    theta = np.linspace(0, 1, 500)
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
    for ax, a in zip(axes, [2, 10], strict=True):
        mle, map_ = bp.find_MLE(coin(a, a)), bp.find_MAP(coin(a, a))
        print(f"Beta({a}, {a}): MLE {float(mle.point['theta'])}, {mle.status.value}")
        print(f"           MAP {float(map_.point['theta']):.4f}, {map_.status.value}")
        ax.plot(theta, stats.beta(a, a).pdf(theta), ":", color="0.4", label="prior")
        ax.plot(theta, 4 * theta**3, "--", color="0.4", label="likelihood, to area 1")
        ax.plot(theta, stats.beta(3 + a, a).pdf(theta), color="0.15", label="posterior")
        for at, color, marker, words in [
            (mle.point["theta"], "#D55E00", "^", "MLE (on the edge)"),
            (map_.point["theta"], "#0072B2", "s", "MAP"),
            ((3 + a) / (3 + 2 * a), "0.15", "o", "posterior mean"),
        ]:
            face = "white" if marker == "o" else color
            ax.plot(at, 0, marker, color=color, mfc=face, ms=8, clip_on=False, label=words)
        ax.set(title=f"prior Beta({a}, {a})", xlabel="chance of heads θ", ylim=(0, 4.4))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("density")
    axes[0].legend(frameon=False, loc="upper left")
    # sphinx_gallery_alt = "Prior, likelihood and posterior for Beta(2, 2) and for Beta(10, 10)"
    plt.show()
