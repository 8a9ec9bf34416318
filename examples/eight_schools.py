r"""
Eight schools: where joint point estimates fail
===============================================

The effect of coaching was measured in eight schools, :math:`y_j \sim N(\theta_j, \sigma_j)` with
known :math:`\sigma_j`; the effects have a distribution of their own, :math:`\theta_j \sim N(\mu,
\tau)`.

With every :math:`\theta_j` at :math:`\mu`, the joint density grows like :math:`\tau^{-8}` as
:math:`\tau \to 0`: it has no upper limit, and there is no MAP. Written with :math:`\theta_j = \mu
+ \tau z_j`, the same model has one, but on the edge: :math:`\tau = 0`, all schools equal. The MLE
takes the :math:`\theta_j` for free parameters and learns nothing from the other schools:
:math:`\hat\theta_j = y_j`, with :math:`\mu` and :math:`\tau` not identified.

The spike is so narrow that no probability is in it: integrated over :math:`\theta`, the density of
:math:`\tau` is flat near 0. The posterior means lie between the extremes.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
from scipy import stats

import bayes_point as bp

y, sigma = pd.read_csv(Path(__file__).parent / "data" / "eight_schools.csv").to_numpy(float).T


def schools(centred):
    with pm.Model(coords={"school": list("ABCDEFGH")}) as out:
        mu = pm.Normal("mu", 0, 5)
        tau = pm.HalfCauchy("tau", 5)
        if centred:
            theta = pm.Normal("theta", mu, tau, dims="school")
        else:
            z = pm.Normal("z", dims="school")
            theta = pm.Deterministic("theta", mu + tau * z, dims="school")
        pm.Normal("y", theta, sigma, observed=y, dims="school")
    return out


def log_densities(tau):
    """Of the centred model: joint, at the best mu and theta, and marginal, up to constants."""
    variance = tau[:, None] ** 2 + sigma**2
    precision = (1 / variance).sum(1) + 1 / 25
    prior = stats.halfcauchy(scale=5).logpdf(tau)
    fit = prior - 0.5 * (y**2 / variance).sum(1) + 0.5 * (y / variance).sum(1) ** 2 / precision
    volume = -0.5 * np.log(variance).sum(1) - 0.5 * np.log(precision)
    return fit + np.array([-8 * np.log(tau), volume])


model = schools(centred=False)

if __name__ == "__main__":
    print(bp.find_MAP(schools(centred=True)))  # it warns: there is none
    fit = bp.fit(model, random_seed=1, progressbar=False, target_accept=0.95)
    print(bp.summary(fit, var_names=["mu", "tau", "theta"]))
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
    tau = np.geomspace(0.01, 50, 300)
    joint, marginal = log_densities(tau) - log_densities(tau)[:, -1:]
    left.plot(tau, joint, color="#0072B2", label="joint, at the best θ and μ")
    left.plot(tau, marginal, color="0.15", label="integrated over θ and μ")
    left.set(xscale="log", xlabel="τ (points)", ylabel="log density", title="Density of τ")
    draws = fit["posterior"]["theta"]
    interval = draws.quantile([0.055, 0.945], dim=("chain", "draw")).values
    right.vlines(draws["school"], *interval, color="0.8", linewidth=4, label="posterior, 89 %")
    right.plot(draws["school"], y, "^", color="#D55E00", label="MLE: the measurement")
    points = fit["point_estimates"].dataset
    right.axhline(points["mu"].sel(estimator="MAP"), color="#0072B2", label="MAP, τ = 0")
    mean = points["theta"].sel(estimator="mean")
    right.plot(mean["school"], mean, "o", color="0.15", mfc="white", label="posterior mean")
    right.set(xlabel="school", ylabel="effect θ (points)", title="Effects")
    for ax in left, right:
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=9)
    # sphinx_gallery_alt = "The joint density rises for ever as tau falls; the effects in 8 schools"
    plt.show()
