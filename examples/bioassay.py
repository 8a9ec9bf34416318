r"""
Dose and response: how much kills half
======================================

Four groups of five animals got four doses of a drug (Racine et al. 1986). The logit of the
probability of death is linear in the log dose, and the dose that kills half, the LD50, is where it
is 0: at the log dose :math:`-\alpha/\beta`. As a Deterministic it has an estimate, a standard error
and a profile interval like any parameter.

Under flat priors MLE and MAP are one point, (0.85, 7.75), and the posterior mean is (1.31, 11.64):
the likelihood of twenty animals is skewed, and plugging in is not the same as averaging.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import bayes_point as bp

log_dose = np.array([-0.86, -0.30, -0.05, 0.73])  # log g/ml
animals, deaths = np.array([5, 5, 5, 5]), np.array([0, 1, 3, 5])

with pm.Model() as model:
    x = pm.Data("log_dose", log_dose)
    alpha, beta = pm.Flat("alpha"), pm.Flat("beta")
    logit = pm.Deterministic("logit", alpha + beta * x)
    ld50 = pm.Deterministic("ld50", -alpha / beta)
    pm.Binomial("deaths", animals, logit_p=logit, observed=deaths)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    grid = np.linspace(-1.2, 1.2, 200)
    line = mle.predict({"log_dose": grid}, var_names="logit")["logit"]
    middle, se = line.sel(quantity="estimate"), line.sel(quantity="se")
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for z, style in [(0, "-"), (-1.96, ":"), (1.96, ":")]:
        ax.plot(grid, 1 / (1 + np.exp(-(middle + z * se))), style, color="#0072B2")
    ax.plot(log_dose, deaths / animals, "o", color="0.2")
    ax.plot(float(mle["ld50"]), 0.5, "s", color="#D55E00")
    ax.annotate("LD50", (float(mle["ld50"]), 0.5), (8, -12), textcoords="offset points")
    ax.set(xlabel="log dose (log g/ml)", ylabel="share that died", title="Twenty animals")
    ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "A rising curve through four shares, with a wide 95 % band"
    plt.show()
