r"""
Survival with censoring: a Weibull regression
=============================================

227 patients with advanced lung cancer; 63 were alive when last seen, and of these it is known only
that they lived longer. ``pm.Censored`` gives an event its density and a censored time the
probability of a longer one. With

.. math:: T \sim \mathrm{Weibull}\left(1/\sigma,\; e^{\beta_0 + x^\top \beta}\right)

a coefficient is what a covariate multiplies the times by, on the log scale: a woman lives
:math:`e^{0.40} = 1.5` times as long. R's ``survreg`` has the same numbers.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "lung.csv")
covariates = ["age", "female", "ph.ecog"]
X, days = table[covariates].to_numpy(float), table["time"].to_numpy(float)
CENTRE = np.array([X[:, 0].mean(), 0, 0])  # of age: the intercept is that of a mean age
upper = np.where(table["event"] == 1, np.inf, days)

with pm.Model(coords={"covariate": covariates}) as model:
    intercept = pm.Normal("intercept", 6, 3)
    beta = pm.Normal("beta", 0, 2, dims="covariate")
    sigma = pm.HalfNormal("sigma", 2)
    weibull = pm.Weibull.dist(1 / sigma, pm.math.exp(intercept + pm.math.dot(X - CENTRE, beta)))
    pm.Censored("days", weibull, lower=None, upper=upper, observed=days)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle.to_dataframe(tests=True, ci_prob=0.95).round(4).to_string())
    t = np.linspace(0, 1000, 200)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for female, color, name in [(1, "#0072B2", "women"), (0, "#D55E00", "men")]:
        x = np.array([0, female, table["ph.ecog"].mean()])
        scale = np.exp(float(mle["intercept"]) + x @ mle["beta"].values)
        ax.plot(t, np.exp(-((t / scale) ** (1 / float(mle["sigma"])))), color=color, label=name)
    ax.set(xlabel="days", ylabel="alive", ylim=(0, 1), title="Survival at a mean age")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "Two falling curves of survival; that of women is the higher"
    plt.show()
