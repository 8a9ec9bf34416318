r"""
Ordered ratings: a cumulative logit model
=========================================

Nine judges rated the bitterness of eight bottles of wine on a scale from 1 to 5 (Randall 1989): two
bottles of each combination of temperature (cold, warm) and contact of juice and skins (no, yes).
The model has a latent logistic bitterness, cut at four ordered points:

.. math:: P(y \le k) = \mathrm{logit}^{-1}(c_k - x^\top \beta).

A warm wine is :math:`e^{2.5} = 12` times as likely, in odds, to be above any given rating. R's
``clm`` of the package ordinal has the same numbers, and the same log-likelihood, -86.49.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

WINES = ["cold, no contact", "cold, contact", "warm, no contact", "warm, contact"]
COUNTS = np.array([[4, 9, 5, 0, 0], [1, 7, 8, 2, 0], [0, 5, 8, 3, 2], [0, 1, 5, 7, 5]])
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
wine, rating = (np.repeat(index.ravel(), COUNTS.ravel()) for index in np.indices(COUNTS.shape))

ordered = pm.distributions.transforms.ordered
with pm.Model(coords={"covariate": ["warm", "contact"], "cut": range(1, 5)}) as model:
    beta = pm.Normal("beta", 0, 5, dims="covariate")
    cuts = pm.Normal("cuts", 0, 10, transform=ordered, initval=[-1, 1, 3, 5], dims="cut")
    bitter = pm.math.dot(x, beta)[wine]
    pm.OrderedLogistic("rating", eta=bitter, cutpoints=cuts, observed=rating, compute_p=False)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle.to_dataframe(tests=True, ci_prob=0.95).round(4).to_string())
    print(f"log-likelihood {mle.log_likelihood:.2f}")
    below = 1 / (1 + np.exp(-(mle["cuts"].values - (x @ mle["beta"].values)[:, None])))
    share = np.diff(np.c_[np.zeros(4), below, np.ones(4)])
    fig, axes = plt.subplots(1, 4, figsize=(8, 2.6), sharey=True, layout="constrained")
    for ax, name, seen, fitted in zip(axes, WINES, COUNTS, share, strict=True):
        ax.bar(range(1, 6), seen / seen.sum(), color="0.8")
        ax.plot(range(1, 6), fitted, "o-", color="#0072B2")
        ax.set(title=name, xticks=range(1, 6), xlabel="rating")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("share of ratings")
    # sphinx_gallery_alt = "Four bar charts of ratings, with the fitted shares as points"
    plt.show()
