r"""
The lasso is a MAP, with exact zeros
====================================

With priors :math:`\beta_j \sim \mathrm{Laplace}(0, b)` the MAP minimises :math:`\frac1{2n}\lVert y
- X\beta\rVert^2 + \lambda \lVert\beta\rVert_1` with :math:`\lambda = \sigma^2/(n b)`: the lasso.
The prior has a kink at 0, and where the data do not pull harder than the kink holds, the estimate
stays on it: exactly 0, not nearly. The data are the fertility in 47 Swiss districts in 1888 and
five standardised covariates; at :math:`\lambda = 2` the estimates are those of glmnet and
scikit-learn, and that of agriculture is 0.

The posterior has no such zeros: a kink holds a mode, but a single point has no probability, and
the mean averages over both of its sides. Compare the two plots, and read what `explain` says.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

swiss = pd.read_csv(Path(__file__).parent / "data" / "swiss.csv")
fertility = swiss.pop("fertility").to_numpy()
X = ((swiss - swiss.mean()) / swiss.std(ddof=0)).to_numpy()
NOISE, PENALTY = 7.0, 2.0  # the MAP depends on the penalty alone

with pm.Model(coords={"covariate": [name.replace("_", " ") for name in swiss]}) as model:
    intercept = pm.Flat("intercept")
    beta = pm.Laplace("beta", 0, NOISE**2 / (len(X) * PENALTY), dims="covariate")
    pm.Normal("fertility", intercept + pm.math.dot(X, beta), NOISE, observed=fertility)

if __name__ == "__main__":
    print(bp.find_MAP(model))
    fit = bp.fit(model, random_seed=1, progressbar=False)
    print(bp.explain(fit, var_names="beta").attrs["sentences"])
    path = bp.prior_path(model, np.geomspace(0.005, 5, 121))
    names = path["covariate"].values
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for j, color in enumerate(["#000000", "#CC79A7", "#009E73", "#E69F00", "#56B4E9"]):
        left.plot(PENALTY * path["prior_power"], path["beta"][:, j], color=color, label=names[j])
    left.axvline(PENALTY, color="0.7", linestyle=":")
    left.set(xscale="log", xlabel="penalty λ", title="lasso path")
    left.set_ylabel("coefficient (points of fertility per sd)")
    draws = fit["posterior"]["beta"]
    low, high = draws.quantile([0.055, 0.945], dim=("chain", "draw")).values
    right.vlines(names, low, high, color="0.75", linewidth=4, label="posterior, 89 %")
    style = {"MLE": ("^", "#D55E00"), "mean": ("o", "0.15"), "MAP": ("s", "#0072B2")}
    for name, (marker, color) in style.items():
        at = fit["point_estimates"]["beta"].sel(estimator=name)
        face = "white" if name == "mean" else color
        label = "posterior mean" if name == "mean" else name
        right.plot(names, at, marker, color=color, markerfacecolor=face, label=label)
    right.tick_params(axis="x", rotation=25)
    right.set_title("at λ = 2")
    for ax in left, right:
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "Lasso path with coefficients that become 0; the posterior at lambda 2"
    left.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    right.legend(frameon=False, fontsize=9)
    plt.show()
