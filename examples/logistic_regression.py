r"""
Logistic regression: the O-rings of the space shuttle
=====================================================

Did the cold harm the O-rings? Damage (1) or none (0) on the 23 flights before Challenger's last,
by the air temperature at launch. The log odds of damage are linear in it: :math:`\log \frac{p}{1 -
p} = a + b\,(T - 70)`. There is no closed form here, but the log-likelihood is concave, so that a
point where its gradient vanishes is the MLE. The MAP under normal priors is the MLE with an L2
penalty.

At 31 °F, the temperature on the morning of the accident and far from all the data, the curve of
the MLE is nearly certain of damage. The posterior mean is an average over all the curves that the
data leave possible (the band), and less sure.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
from scipy.special import expit

import bayes_point as bp

flights = pd.read_csv(Path(__file__).parent / "data" / "challenger.csv")

with pm.Model() as model:
    intercept = pm.Normal("intercept", 0, 5)  # log odds at 70 °F
    slope = pm.Normal("slope", 0, 0.5)  # change of the log odds per °F
    log_odds = intercept + slope * (flights["temperature"].to_numpy() - 70)
    pm.Bernoulli("damage", logit_p=log_odds, observed=flights["damage"])
    pm.Deterministic("at_31F", pm.math.invlogit(intercept + slope * (31 - 70)))

if __name__ == "__main__":
    fit = bp.fit(model, random_seed=1, progressbar=False)
    print(bp.summary(fit, var_names=["intercept", "slope", "at_31F"]))
    degrees = np.linspace(28, 84, 200)
    posterior = fit["posterior"].dataset.stack(sample=("chain", "draw"))
    a, b = posterior["intercept"].values, posterior["slope"].values
    curves = expit(a + np.outer(degrees - 70, b))
    low, high = np.quantile(curves, [0.055, 0.945], axis=1)
    fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    ax.fill_between(degrees, low, high, color="0.9", label="posterior, 89 %")
    ax.plot(degrees, curves.mean(axis=1), color="0.15", label="posterior mean")
    for name, color, line in [("MLE", "#D55E00", "-"), ("MAP", "#0072B2", "--")]:
        point = fit["point_estimates"].dataset.sel(estimator=name)
        curve = expit(float(point["intercept"]) + float(point["slope"]) * (degrees - 70))
        ax.plot(degrees, curve, color=color, linestyle=line, label=name)
    jitter = np.random.default_rng(0).uniform(-0.015, 0.015, len(flights))
    ax.plot(flights["temperature"], flights["damage"] + jitter, "o", color="0.3", alpha=0.6, ms=5)
    ax.axvline(31, color="0.6", linestyle=":")
    ax.text(31.5, 0.03, "the morning\nof the accident")
    ax.set(xlabel="temperature at launch (°F)", ylabel="chance of damage to an O-ring")
    ax.set_title("23 flights of the space shuttle")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc=(0.14, 0.3))
    # sphinx_gallery_alt = "Chance of damage falls with temperature, and is near 1 at 31 degrees F"
    plt.show()
