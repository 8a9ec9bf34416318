r"""
A coin: the likelihood, and its maximum
=======================================

A coin lands heads with chance :math:`\theta`. After :math:`k` heads in :math:`n` tosses the
probability of just these tosses, read as a function of :math:`\theta`, is the likelihood
:math:`L(\theta) = \theta^k (1 - \theta)^{n - k}`. It is largest at :math:`\theta = k/n`, the
maximum likelihood estimate: two thirds after HHT, 0.7 after seven heads of ten.

Look at the vertical axis: it is the probability of the data, never more than 1. The likelihood is
no density of :math:`\theta`: the area below it is :math:`k!\,(n - k)!/(n + 1)!`, not 1. Only
together with a prior does it give a distribution.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy.special import beta, logit

import bayes_point as bp


def coin(tosses):
    with pm.Model() as out:
        theta = pm.Uniform("theta")
        pm.Bernoulli("tosses", theta, observed=tosses)
    return out


HHT, SEVEN_OF_TEN = [1, 1, 0], [1] * 7 + [0] * 3
model = coin(HHT)

if __name__ == "__main__":
    theta = np.linspace(0.001, 0.999, 500)
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for ax, tosses, words in zip(axes, [HHT, SEVEN_OF_TEN], ["HHT", "7 heads of 10"], strict=True):
        # PyMC has the logit of theta as its coordinate, and so has the model's log density.
        likelihood = np.exp(bp.LogDensity(coin(tosses)).log_likelihood(logit(theta)[:, None]))
        mle = bp.find_MLE(coin(tosses))
        top = np.exp(mle.log_likelihood)
        print(f"{words}: {float(mle.point['theta']):.10f}, {mle.status.key}")
        ax.plot(theta, likelihood, color="0.15")
        ax.fill_between(theta, likelihood, color="0.92")
        area = 1 / beta(sum(tosses) + 1, len(tosses) - sum(tosses) + 1)
        ax.text(0.65, 0.25 * top, f"area 1/{area:,.0f}", ha="center")
        ax.plot(mle.point["theta"], top, "^", color="#D55E00", markersize=8, label="MLE = k/n")
        ax.set(title=words, xlabel="chance of heads θ", ylim=(0, 1.18 * top))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("likelihood: probability of the tosses")
    axes[0].legend(frameon=False, loc="upper left")
    # sphinx_gallery_alt = "Likelihood of HHT, highest at 2/3, and of 7 heads of 10, highest at 0.7"
    plt.show()
