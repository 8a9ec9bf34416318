"""
Hierarchical models: from lme4 to PyMC
======================================

Varying intercepts, varying slopes, random effects: the model has as many latent values as it has
groups, and a prior of these whose parameters are what one wants to know. This page estimates such a
model in three ways, with the latent values maximised over, integrated out, and sampled, and says
which number is for what.

Eighteen drivers slept three hours a night, and their reaction time was measured on ten days
(Belenky et al. 2003, https://doi.org/10.1046/j.1365-2869.2003.00337.x; the numbers as in the data
set ``sleepstudy`` of lme4).
"""

import warnings
from io import StringIO

import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.errors import EstimationWarning

# A row a driver: the number, and the reaction times in milliseconds.
table = np.loadtxt(
    StringIO("""
308 249.56 258.7047 250.8006 321.4398 356.8519 414.6901 382.2038 290.1486 430.5853 466.3535
309 222.7339 205.2658 202.9778 204.707 207.7161 215.9618 213.6303 217.7272 224.2957 237.3142
310 199.0539 194.3322 234.32 232.8416 229.3074 220.4579 235.4208 255.7511 261.0125 247.5153
330 321.5426 300.4002 283.8565 285.133 285.7973 297.5855 280.2396 318.2613 305.3495 354.0487
331 287.6079 285 301.8206 320.1153 316.2773 293.3187 290.075 334.8177 293.7469 371.5811
332 234.8606 242.8118 272.9613 309.7688 317.4629 309.9976 454.1619 346.8311 330.3003 253.8644
333 283.8424 289.555 276.7693 299.8097 297.171 338.1665 332.0265 348.8399 333.36 362.0428
334 265.4731 276.2012 243.3647 254.6723 279.0244 284.1912 305.5248 331.5229 335.7469 377.299
335 241.6083 273.9472 254.4907 270.8021 251.4519 254.6362 245.4523 235.311 235.7541 237.2466
337 312.3666 313.8058 291.6112 346.1222 365.7324 391.8385 404.2601 416.6923 455.8643 458.9167
349 236.1032 230.3167 238.9256 254.922 250.7103 269.7744 281.5648 308.102 336.2806 351.6451
350 256.2968 243.4543 256.2046 255.5271 268.9165 329.7247 379.4445 362.9184 394.4872 389.0527
351 250.5265 300.0576 269.8939 280.5891 271.8274 304.6336 287.7466 266.5955 321.5418 347.5655
352 221.6771 298.1939 326.8785 346.8555 348.7402 352.8287 354.4266 360.4326 375.6406 388.5417
369 271.9235 268.4369 257.2424 277.6566 314.8222 317.2135 298.1353 348.1229 340.28 366.5131
370 225.264 234.5235 238.9008 240.473 267.5373 344.1937 281.1481 347.5855 365.163 372.2288
371 269.8804 272.4428 277.8989 281.7895 279.1705 284.512 259.2658 304.6306 350.7807 369.4692
372 269.4117 273.474 297.5968 310.6316 287.1726 329.6076 334.4818 343.2199 369.1417 364.1236
""")
)
subjects, reaction = table[:, 0].astype(int), table[:, 1:]

# %%
# The model
# ---------
#
# ``Reaction ~ Days + (Days || Subject)`` in lme4: each driver has an intercept and a slope, normal
# about those of the population, and independent of each other.

days = np.tile(np.arange(10.0), 18)
driver = np.repeat(np.arange(18), 10)

with pm.Model(coords={"subject": subjects}) as sleep:
    intercept, slope = pm.Normal("intercept", 250, 100), pm.Normal("slope", 0, 50)
    sd_intercept, sd_slope = pm.HalfNormal("sd_intercept", 100), pm.HalfNormal("sd_slope", 50)
    sigma = pm.HalfNormal("sigma", 100)
    a = pm.Normal("a", intercept, sd_intercept, dims="subject")
    b = pm.Normal("b", slope, sd_slope, dims="subject")
    pm.Normal("y", a[driver] + b[driver] * days, sigma, observed=reaction.ravel())

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
# Laplace's approximation, or quadrature where that is off by more than 0.05 standard errors.
# ``mle.integrated`` has the method, and what it was applied to.

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
#      - any that are continuous, centred or not; discrete ones
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

# %%
# Discrete latent variables
# -------------------------
#
# Whether a site is occupied, which component an observation is of, whether a point is an outlier, the
# true class behind several raters, a missing binary covariate, the state of a hidden Markov chain:
# such variables are **summed out exactly** by the same argument.  Which terms of the density each
# element enters is found out, and each block that stands apart is summed over by itself, or a chain by
# the forward recursion; joint values are not tried.  Thirty sites, each visited four times, of which
# some are occupied and never seen:

rng = np.random.default_rng(1)
seen = (rng.random((30, 1)) < 0.6) & (rng.random((30, 4)) < 0.4)
with pm.Model(coords={"site": np.arange(30)}) as occupancy:
    occupied, detected = pm.Beta("occupied", 1, 1), pm.Beta("detected", 1, 1)
    z = pm.Bernoulli("z", occupied, dims="site")
    pm.Bernoulli("seen", z[:, None] * detected, observed=seen.astype(int))

mle = bp.find_MLE(occupancy, marginalize="latents", random_seed=1, progressbar=False)
mle.to_dataframe().loc[["occupied", "detected"]]

# %%
# ``latents`` has the probability of each value given the parameters: of a site where nothing was seen
# it is the share of occupied sites among those.

mle.latents["z"].sel(z_value=1)[~seen.any(axis=1)]
