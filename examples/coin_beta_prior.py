r"""
A prior as a head start of tosses
=================================

Four heads of five tosses, with a :math:`\mathrm{Beta}(9, 9)` prior. The density of
:math:`\mathrm{Beta}(a, b)` is that of :math:`a - 1` heads and :math:`b - 1` tails: before the
first toss this prior has seen 16 of them, half of them heads. So the MAP is the MLE of 21 tosses
with 12 heads, 12/21, where the MLE of the five is 4/5.

The posterior is known, :math:`\mathrm{Beta}(k + a, n - k + b) = \mathrm{Beta}(13, 10)`: the
sampled one, the histogram, has to agree with it up to Monte Carlo noise.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp


def coin(a, b, tosses):
    with pm.Model() as out:
        theta = pm.Beta("theta", a, b)
        pm.Bernoulli("tosses", theta, observed=tosses)
    return out


A = B = 9
TOSSES = [1, 1, 0, 1, 1]
model = coin(A, B, TOSSES)
head_start = [1] * (A - 1) + [0] * (B - 1)

if __name__ == "__main__":
    pooled = bp.find_MLE(coin(1, 1, head_start + TOSSES))
    print(f"MLE of 21 tosses: {float(pooled.point['theta']):.6f}")
    fit = bp.fit(model, random_seed=1, progressbar=False)
    print(bp.summary(fit))
    draws = fit["posterior"]["theta"].values.ravel()
    k, n, x = sum(TOSSES), len(TOSSES), np.linspace(0, 1, 500)
    fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    ax.hist(draws, bins=50, density=True, color="0.85", label="posterior, sampled")
    ax.plot(x, stats.beta(k + A, n - k + B).pdf(x), color="0.15", label="posterior, exact")
    ax.plot(x, stats.beta(A, B).pdf(x), ":", color="0.4", label="prior: 8 heads of 16")
    for name, at, color, marker in [
        ("MLE", fit["point_estimates"]["theta"].sel(estimator="MLE"), "#D55E00", "^"),
        ("MAP", fit["point_estimates"]["theta"].sel(estimator="MAP"), "#0072B2", "s"),
        ("posterior mean", draws.mean(), "0.15", "o"),
    ]:
        face = "white" if marker == "o" else color
        ax.plot(at, 0, marker, color=color, mfc=face, ms=8, clip_on=False, zorder=3, label=name)
    ax.set(xlabel="chance of heads θ", ylabel="density", title="4 heads of 5 under Beta(9, 9)")
    ax.set(ylim=(0, 4.9))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper left")
    # sphinx_gallery_alt = "The exact posterior Beta(13, 10) over the histogram of the sampled one"
    plt.show()
