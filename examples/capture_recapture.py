r"""
Capture and recapture: how many survive
=======================================

294 European dippers were ringed in seven years and looked for each spring (Marzolin 1988, in
Lebreton et al. 1992). A bird that is not seen again is dead, or was missed: survival :math:`\phi`
and the probability :math:`p` of being seen have to be told apart by birds that were missed once and
seen later. Of the birds released in year :math:`i`, the share first seen again in year :math:`j` is

.. math:: \phi^{j-i} (1 - p)^{j-i-1} p,

and the rest are never seen again: one multinomial a year. Lebreton et al. have
:math:`\hat\phi = 0.560` and :math:`\hat p = 0.903`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

RELEASED = np.array([22, 60, 78, 80, 88, 98])
FIRST_SEEN = np.array(
    [
        [11, 2, 0, 0, 0, 0],
        [0, 24, 1, 0, 0, 0],
        [0, 0, 34, 2, 0, 0],
        [0, 0, 0, 45, 1, 2],
        [0, 0, 0, 0, 51, 0],
        [0, 0, 0, 0, 0, 52],
    ]
)
counts = np.c_[FIRST_SEEN, RELEASED - FIRST_SEEN.sum(1)]
years = np.arange(6)[None, :] - np.arange(6)[:, None] + 1  # from the release to the sight

with pm.Model() as model:
    phi, p = pm.Uniform("phi"), pm.Uniform("p")
    cell = phi**years * (1 - p) ** (years - 1) * p
    seen = pm.math.where(years > 0, cell, 0.0)
    never = 1 - seen.sum(axis=1, keepdims=True)
    shares = pm.math.concatenate([seen, never], axis=1)
    pm.Multinomial("birds", RELEASED, shares, observed=counts)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    print(mle.conf_int(ci_prob=0.95).to_dataframe().round(3))
    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, color, words in [("phi", "#0072B2", "survives"), ("p", "#D55E00", "is seen")]:
        profile = bp.profile(estimate=mle, var_names=name, ci_prob=0.99)["profile"]
        curve = profile.sel(parameter=name)
        ax.plot(curve["value"], np.exp(-curve["deviance"] / 2), color=color, label=words)
    ax.set(xlabel="probability", ylabel="profile likelihood", title="Dippers, from year to year")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "Two peaks, of the probabilities to survive and to be seen"
    plt.show()
