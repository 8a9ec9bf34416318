"""
Hierarchical models: from lme4 to PyMC
======================================

Varying intercepts, varying slopes, random effects: the model has as many latent values as it has
groups, and a prior of these whose parameters are what one wants to know. This page estimates such a
model in three ways, with the latent values maximised over, integrated out, and sampled, and says
which number is for what.

Eighteen drivers slept three hours a night, and their reaction time was measured on ten days
(Belenky et al. 2003, https://doi.org/10.1046/j.1365-2869.2003.00337.x; the numbers as in the data
set ``sleepstudy`` of lme4, rounded to a tenth of a millisecond).
"""

import warnings

import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.errors import EstimationWarning

reaction = {
    "308": [249.6, 258.7, 250.8, 321.4, 356.9, 414.7, 382.2, 290.1, 430.6, 466.4],
    "309": [222.7, 205.3, 203.0, 204.7, 207.7, 216.0, 213.6, 217.7, 224.3, 237.3],
    "310": [199.1, 194.3, 234.3, 232.8, 229.3, 220.5, 235.4, 255.8, 261.0, 247.5],
    "330": [321.5, 300.4, 283.9, 285.1, 285.8, 297.6, 280.2, 318.3, 305.3, 354.0],
    "331": [287.6, 285.0, 301.8, 320.1, 316.3, 293.3, 290.1, 334.8, 293.7, 371.6],
    "332": [234.9, 242.8, 273.0, 309.8, 317.5, 310.0, 454.2, 346.8, 330.3, 253.9],
    "333": [283.8, 289.6, 276.8, 299.8, 297.2, 338.2, 332.0, 348.8, 333.4, 362.0],
    "334": [265.5, 276.2, 243.4, 254.7, 279.0, 284.2, 305.5, 331.5, 335.7, 377.3],
    "335": [241.6, 273.9, 254.5, 270.8, 251.5, 254.6, 245.5, 235.3, 235.8, 237.2],
    "337": [312.4, 313.8, 291.6, 346.1, 365.7, 391.8, 404.3, 416.7, 455.9, 458.9],
    "349": [236.1, 230.3, 238.9, 254.9, 250.7, 269.8, 281.6, 308.1, 336.3, 351.6],
    "350": [256.3, 243.5, 256.2, 255.5, 268.9, 329.7, 379.4, 362.9, 394.5, 389.1],
    "351": [250.5, 300.1, 269.9, 280.6, 271.8, 304.6, 287.7, 266.6, 321.5, 347.6],
    "352": [221.7, 298.2, 326.9, 346.9, 348.7, 352.8, 354.4, 360.4, 375.6, 388.5],
    "369": [271.9, 268.4, 257.2, 277.7, 314.8, 317.2, 298.1, 348.1, 340.3, 366.5],
    "370": [225.3, 234.5, 238.9, 240.5, 267.5, 344.2, 281.1, 347.6, 365.2, 372.2],
    "371": [269.9, 272.4, 277.9, 281.8, 279.2, 284.5, 259.3, 304.6, 350.8, 369.5],
    "372": [269.4, 273.5, 297.6, 310.6, 287.2, 329.6, 334.5, 343.2, 369.1, 364.1],
}

# %%
# The model
# ---------
#
# ``Reaction ~ Days + (Days || Subject)`` in lme4: each driver has an intercept and a slope, normal
# about those of the population, and independent of each other.

days = np.tile(np.arange(10.0), 18)
driver = np.repeat(np.arange(18), 10)

with pm.Model(coords={"subject": list(reaction)}) as sleep:
    intercept, slope = pm.Normal("intercept", 250, 100), pm.Normal("slope", 0, 50)
    sd_intercept, sd_slope = pm.HalfNormal("sd_intercept", 100), pm.HalfNormal("sd_slope", 50)
    sigma = pm.HalfNormal("sigma", 100)
    a = pm.Normal("a", intercept, sd_intercept, dims="subject")
    b = pm.Normal("b", slope, sd_slope, dims="subject")
    observed = np.concatenate(list(reaction.values()))
    pm.Normal("y", a[driver] + b[driver] * days, sigma, observed=observed)

# %%
# Maximised over: the joint estimates
# -----------------------------------
#
# The likelihood sees the eighteen intercepts, and not what they are spread by: no MLE of
# ``sd_intercept`` can come of it. And the joint density of the posterior grows without limit where
# all intercepts are the same and their sd is 0. Both are told, with the call to make instead.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", EstimationWarning)
    joint = bp.find_MLE(sleep, progressbar=False)

print(joint.status.key)
for finding in joint.findings:
    print(finding)

# %%
# Integrated out: the marginal MLE
# --------------------------------
#
# This is what ``lmer``, ``glmmTMB`` and TMB maximise: the probability of the data whatever the
# latent values are. Their density is normal here, so that the integral is exact; else it is
# Laplace's approximation.

mle = bp.find_MLE(sleep, marginalize="latents", progressbar=False)
mle.to_dataframe().loc[["intercept", "slope", "sd_intercept", "sd_slope", "sigma"]].round(4)

# %%
# The restricted likelihood, which ``lmer`` maximises by default, is one argument away. Bates et al.
# (2015, https://doi.org/10.18637/jss.v067.i01) print 25.051, 5.988 and 25.565 for this model:

reml = bp.find_MLE(sleep, marginalize="latents", reml=["intercept", "slope"], progressbar=False)
print({name: round(float(reml[name]), 3) for name in ("sd_intercept", "sd_slope", "sigma")})

# %%
# All that follows from a likelihood follows from this one: ``mle.conf_int()`` are profile
# intervals, ``mle.aic`` counts the five parameters, `likelihood_ratio_test
# <bayes_point.likelihood_ratio_test>` knows that a variance of 0 is on the edge.
#
# The latent values have not gone. Their conditional modes (the BLUPs) have a standard deviation
# given the parameters, and one that has the uncertainty of these as well:

mle.latents["b"].to_pandas().T.head().round(2)

# %%
# Sampled: beside the posterior
# -----------------------------
#
# `fit <bayes_point.fit>` finds marginal and joint estimates and samples. What is compared with the
# posterior are the marginal ones.

dt = bp.fit(sleep, random_seed=1, details=False, progressbar=False)
bp.summary(dt)

# %%
# A standard deviation of few groups has a skewed posterior, so its mean lies above its mode. How
# far off the joint estimates are, in posterior sd:

bp.gaps(dt, var_names=["sd_intercept", "sd_slope"]).sel(quantity="gap").to_dataframe().round(2)

# %%
# The report has the marginal estimates on top, the joint ones below, and a section of the latent
# variables: conditional modes beside posterior means.

bp.report(dt, title="Sleep deprivation")

# %%
# Which one to use
# ----------------
#
# - **The marginal MLE** where you would use lme4: quick, no priors, its intervals are those of the
#   likelihood. With few groups its standard deviations are low; ``reml=`` mends part of that.
# - **The marginal MAP** the same with a prior, which keeps a standard deviation off 0.
# - **The posterior** where a standard deviation is not far from 0 in its own sd, where groups are
#   few, and for what is computed from latent values and parameters together.
# - **The joint estimates** for none of these: see :doc:`no_maximum`.
#
# Beside other packages
# ---------------------
#
# .. list-table::
#    :header-rows: 1
#    :widths: 20 16 16 16 16 16
#
#    * -
#      - here
#      - lme4
#      - glmmTMB
#      - INLA
#      - pymc-extras
#    * - you write
#      - a PyMC model
#      - a formula
#      - a formula
#      - a formula
#      - a PyMC model, and the precision of its latents
#    * - latent variables
#      - any that are continuous, centred or not
#      - normal
#      - normal
#      - Gaussian fields
#      - Gaussian fields
#    * - what is computed
#      - marginal MLE, MAP, REML; the posterior by sampling
#      - ML, REML
#      - ML, REML
#      - approximate posterior
#      - approximate posterior
#    * - a variance of 0
#      - status *on boundary*, the slope there
#      - "boundary (singular) fit"
#      - a small number
#      - kept off by its prior
#      - kept off by its prior
#    * - is it a maximum?
#      - a status that is proven
#      - warnings of convergence
#      - warnings of convergence
#      - not asked
#      - not asked
#    * - beside the posterior
#      - gaps, causes, report
#      - no
#      - no
#      - it is one
#      - it is one
#
# For what to write in place of which formula see :doc:`from_lme4`.
