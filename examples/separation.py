r"""
Separation: an MLE at infinity, cured by a prior
================================================

79 cases of endometrial cancer. Whether its grade is high (HG = 1) is explained by three
covariates, one of them neovascularisation (NV, 0 or 1). All 13 patients with NV have HG = 1: the
larger the coefficient of NV, the more probable the data, without end. The likelihood has a least
upper bound and no maximum. An optimiser stops somewhere and reports a number and an absurd
standard error; bayes_point says *at infinity*, and gives the limits of the other coefficients.

A normal prior adds a parabola that pulls back, and the MAP exists. Look at the two profiles, the
highest log density that each value of the coefficient leaves possible: one rises for ever, one has
a top.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "endometrial.csv")
covariates = ["NV", "PI", "EH"]
X = table[covariates].to_numpy(dtype=float)
CENTRE, SCALE = np.array([0, X[:, 1].mean(), X[:, 2].mean()]), np.array([1, *X[:, 1:].std(axis=0)])

with pm.Model(coords={"covariate": covariates}) as model:
    intercept = pm.Normal("intercept", 0, 5)
    beta = pm.Normal("beta", 0, 2.5, dims="covariate")  # per sd of PI and EH
    log_odds = intercept + pm.math.dot((X - CENTRE) / SCALE, beta)
    pm.Bernoulli("HG", logit_p=log_odds, observed=table["HG"])

if __name__ == "__main__":
    mle, map_ = bp.find_MLE(model), bp.find_MAP(model)
    print(mle)
    print(map_)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for estimate, color, name in [(mle, "#D55E00", "likelihood"), (map_, "#0072B2", "posterior")]:
        profile = bp.profile(estimate=estimate, var_names="beta", coords={"covariate": "NV"})
        curve = profile["profile"].sel(parameter="beta[NV]")
        ax.plot(curve["value"], -curve["deviance"] / 2, color=color, label=f"profile {name}")
    ax.plot(0.98, 0, "^", color="#D55E00", transform=ax.get_yaxis_transform(), ms=9)
    ax.text(0.98, 0.06, "MLE: +∞", ha="right", va="bottom", transform=ax.get_yaxis_transform())
    ax.plot(map_.point["beta"].sel(covariate="NV"), 0, "s", color="#0072B2", label="MAP")
    ax.axhline(0, color="0.6", linestyle=":")
    ax.set(xlabel="coefficient of NV (log odds)", ylabel="log density below its supremum")
    ax.set(xlim=(-0.5, 12), ylim=(-2.2, 0.3), title="Endometrial cancer: grade explained by NV")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="lower right")
    # sphinx_gallery_alt = "The profile likelihood rises for ever; the profile posterior has a top"
    plt.show()
