r"""
Two measurements: mean and sd under a conjugate prior
=====================================================

The MLE of a variance divides by :math:`n`, so that of the two measurements 1.5 and 2.0 is far too
small: 1/16. With the conjugate prior, variance :math:`\sim \mathrm{InverseGamma}(2, 3)` and mean
:math:`\sim N(0, \mathrm{variance})`, everything is known: the MAP of the variance is 49/54, and
its posterior :math:`\mathrm{InverseGamma}(3, 49/12)` has the mean 49/24.

The posterior leans far to the right, so its mean lies far from its modes. The MAP is the mode of
mean and variance together; that of the variance alone, the top of the curve, is 49/48. And look
where the MLE lies: the posterior is as good as 0 there.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

with pm.Model() as model:
    variance = pm.InverseGamma("variance", alpha=2, beta=3)
    sd = pm.Deterministic("sd", pm.math.sqrt(variance))
    mean = pm.Normal("mean", 0, sd)
    pm.Normal("measured", mean, sd, observed=[1.5, 2.0])

if __name__ == "__main__":
    mle, map_ = bp.find_MLE(model), bp.find_MAP(model)
    print(mle)
    print(map_)
    v = np.linspace(0.001, 6, 600)
    fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
    ax.plot(v, stats.invgamma(2, scale=3).pdf(v), ":", color="0.4", label="prior")
    ax.plot(v, stats.invgamma(3, scale=49 / 12).pdf(v), color="0.15", label="posterior")
    style = {"clip_on": False, "markersize": 9, "linestyle": "none", "zorder": 3}
    ax.plot(mle.point["variance"], 0, "^", color="#D55E00", label="MLE, 1/16", **style)
    ax.plot(map_.point["variance"], 0, "s", color="#0072B2", label="MAP, 49/54", **style)
    ax.plot(49 / 24, 0, "o", color="0.15", mfc="white", label="posterior mean, 49/24", **style)
    ax.set(xlabel="variance (squared units of the measurements)", ylabel="density", ylim=0)
    ax.set_title("The variance after two measurements")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "Posterior of the variance: MLE at 1/16, MAP at 49/54, mean at 49/24"
    plt.show()
