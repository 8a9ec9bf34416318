r"""
Counts that vary more than a Poisson
====================================

Days that 146 children of a town in New South Wales were absent from school in a year. Their
variance is sixteen times their mean, and a Poisson regression finds every difference significant.
The negative binomial has a parameter for that: its variance is :math:`\mu + \mu^2 / \alpha`. MASS's
``glm.nb`` has the same estimates, with :math:`\theta = 1.275` for :math:`\alpha`.

The picture has both: the intervals of the Poisson are a third as wide as those that fit the data.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "quine.csv")
covariates = [name for name in table if name != "days"]
X, days = table[covariates].to_numpy(float), table["days"].to_numpy()


def regression(overdispersed: bool) -> pm.Model:
    """One count a child, of a mean that is log-linear in the covariates."""
    with pm.Model(coords={"covariate": covariates}) as model:
        intercept = pm.Normal("intercept", 0, 10)
        beta = pm.Normal("beta", 0, 5, dims="covariate")
        mu = pm.math.exp(intercept + pm.math.dot(X, beta))
        if overdispersed:
            pm.NegativeBinomial("days", mu=mu, alpha=pm.HalfNormal("alpha", 10), observed=days)
        else:
            pm.Poisson("days", mu, observed=days)
    return model


model = regression(overdispersed=True)

if __name__ == "__main__":
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for shift, color, overdispersed in [(-0.12, "#0072B2", True), (0.12, "#D55E00", False)]:
        mle = bp.find_MLE(regression(overdispersed))
        name = "negative binomial" if overdispersed else "Poisson"
        print(f"{name}: AIC {mle.aic:.1f}")
        ends = mle.conf_int(ci_prob=0.95, method="wald")["beta"].values
        y = np.arange(len(covariates)) + shift
        ax.hlines(y, *ends.T, color=color)
        ax.plot(mle["beta"], y, "o", color=color, label=name)
    ax.axvline(0, color="0.6", linestyle=":")
    ax.set(yticks=range(len(covariates)), yticklabels=covariates, title="Absence from school")
    ax.set(xlabel="log ratio of days, with 95 % interval")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper left")
    # sphinx_gallery_alt = "Coefficients with two intervals each: those of the Poisson are short"
    plt.show()
