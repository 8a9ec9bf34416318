r"""
A thousand tosses: the MAP meets the MLE
========================================

A synthetic coin that falls heads with a chance of 0.7, tossed 1,000 times. The prior
:math:`\mathrm{Beta}(10, 10)`, which believes in a fair coin, counts for 18 tosses. After :math:`n`
tosses with :math:`k` heads the estimates differ by :math:`|\mathrm{MLE} - \mathrm{MAP}| = 18\,|k/n
- 1/2|/(n + 18)`: the distance falls as :math:`1/n`, while the standard error of either falls only
as :math:`1/\sqrt n`. Sooner or later the data win.

The lines follow the tosses as they came, 1,000 data sets in one `refit` each. The dashed line is
`data_path`: the MAP if all the tosses had been the same share of heads from the start.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

rng = np.random.default_rng(42)
tosses = rng.binomial(1, 0.7, size=1000)
n = np.arange(1, 1001)
heads = np.cumsum(tosses)

with pm.Model() as model:
    theta = pm.Beta("theta", 10, 10)
    tossed = pm.Data("tossed", n[-1])
    pm.Binomial("heads", tossed, theta, observed=heads[-1])

if __name__ == "__main__":
    so_far = {"tossed": n, "heads": heads}
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for estimator, color in [("MLE", "#D55E00"), ("MAP", "#0072B2")]:
        found = bp.refit(model, so_far, estimator=estimator)["theta"]
        print(estimator, *(f"{float(found[i - 1]):.4f} (n = {i})" for i in [10, 100, 1000]))
        ax.plot(n, found, color=color, label=estimator)
    path = bp.data_path(model, np.geomspace(0.001, 1, 40))
    x = 1000 * path["data_power"]
    ax.plot(x, path["theta"], "--", color="#0072B2", label="MAP along data_path", linewidth=1)
    ax.axhline(0.7, color="0.4", linestyle=":", label="truth")
    ax.axhline(0.5, color="0.8", linestyle=":", label="mode of the prior")
    ax.set(xscale="log", xlabel="tosses n", ylabel="chance of heads θ", ylim=(0, 1))
    ax.set_title("1,000 tosses, prior Beta(10, 10)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=2)
    # sphinx_gallery_alt = "MLE and MAP over the tosses: apart at first, together at 1,000"
    plt.show()
