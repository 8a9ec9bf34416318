"""
How to read a report
====================

A report answers one question: may I use a single number, the MLE or the MAP, in place of the whole
posterior? This page goes through one where the answer is yes, one where it is no, and one where
there is no such number.
"""

import warnings

import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.errors import EstimationWarning

# %%
# A good fit
# ----------
#
# A straight line through sixty points, measured with a known error of 0.5, with priors that say
# little.

rng = np.random.default_rng(3)
x = np.linspace(-1, 1, 60)
y = 1 + 2 * x + 0.5 * rng.normal(size=60)

with pm.Model() as line:
    intercept = pm.Normal("intercept", 0, 10)
    slope = pm.Normal("slope", 0, 10)
    pm.Normal("y", intercept + slope * x, 0.5, observed=y)

good = bp.fit(line, random_seed=1, progressbar=False)
bp.report(good, title="A line through sixty points")

# %%
# The verdict
# ^^^^^^^^^^^
#
# The page opens with it; below are one table of the parameters and one picture of their gaps. What
# does not matter, or cannot be judged from these data, is folded away under its heading.
#
# The distance of an estimate from the posterior mean *matters* if the
# posterior's 95% interval, moved to be centred on the estimate, would hold less than 90% of the
# posterior, or if plugging the estimate in costs more than 0.01 nats an observation in prediction.
# Otherwise it is *small* if any parameter lies a tenth of a posterior standard deviation or more
# from its mean, and else *negligible*; where the Monte Carlo error is too large to tell these two
# apart, it is *small or negligible*. All of these say that the estimate may be used. Where the
# error is too large to say whether a gap matters, it is *undecided*, and the page says how many
# more draws would decide.

print(bp.verdict(good, estimator="MAP"))
print(bp.verdict(good, estimator="MLE"))

# %%
# The numbers
# ^^^^^^^^^^^
#
# .. list-table::
#    :widths: 20 80
#
#    * - ``MLE``, ``MAP``
#      - The point estimates. A star leads to a note below the table: the status, if it is anything
#        but *converged*.
#    * - ``mean``, ``sd``
#      - Of the posterior draws, written to the digit that their Monte Carlo error allows.
#    * - ``eti89_lb``, ``eti89_ub``
#      - The interval that holds 89 % of the posterior, with 5.5 % below it and 5.5 % above.
#    * - ``gap_MLE``, ``gap_MAP``
#      - (estimate - mean)/sd: the distance in the unit of what is not known anyway. Below 0.1 it
#        is lost in the uncertainty; at 1 the estimate is as far off as a typical draw.

bp.summary(good)

# %%
# The gaps as a picture. The hollow circle is the posterior mean, the bars around it are the middle
# 50 % and 89 % of the posterior. In a good fit, the marks of the estimates lie on the circle.

# sphinx_gallery_alt = "For intercept and slope: the posterior mean at 0 with its interval, and the marks of MLE and MAP on it."
bp.plot_gaps(good)

# %%
# An estimate that is not the mean
# --------------------------------
#
# Let the size of the error be unknown, with the same sixty points:

with pm.Model() as unknown_error:
    intercept = pm.Normal("intercept", 0, 10)
    slope = pm.Normal("slope", 0, 10)
    noise = pm.HalfNormal("noise", 5)
    pm.Normal("y", intercept + slope * x, noise, observed=y)

dt = bp.fit(unknown_error, random_seed=1, progressbar=False)
print(bp.verdict(dt))

# %%
# Why they differ
# ^^^^^^^^^^^^^^^
#
# The distance from the MLE to the mean is taken apart into four steps that add up to it:
#
# - **prior**: from the MLE to the MAP;
# - **parametrisation**: from the MAP to the mode on the unconstrained scale, since a mode moves
#   when a parameter is written as its logarithm;
# - **joint against marginal**: from there to where, on the same scale, the marginal density of the
#   parameter is highest;
# - **skew**: from the peak of a parameter to its mean.
#
# Grey bars are within twice their Monte Carlo error of 0. A step whose error exceeds the gap is not
# determined: it has no bar, and the row says about how many draws would determine it.

# sphinx_gallery_alt = "A waterfall for noise: the steps prior, parametrisation, joint against marginal and skew lead from the MLE to the posterior mean, 0.38 sd above it."
bp.plot_waterfall(dt, var_names="noise")

# %%
# Here it is not the prior. A standard deviation is positive, its posterior leans to the right, and
# so its mean lies above its peak. The same in numbers, in posterior standard deviations, with their
# Monte Carlo errors:

causes = bp.explain(dt, var_names="noise")["noise"]
causes.sel(quantity=["shift", "shift_mcse"]).to_pandas().round(2)

# %%
# The sampler
# ^^^^^^^^^^^
#
# Gaps are measured against draws, so the draws have to be sound. The section *The sampler* wants
# r-hat below 1.01, an effective sample size of some hundreds, and no divergences. Where it finds
# otherwise, it says so on top of the page, and no verdict is given in confidence.
#
# Where there is no estimate
# --------------------------
#
# The eight schools: the effect of coaching in eight schools, each with its standard error, drawn
# from one population of schools with mean ``mu`` and standard deviation ``tau``.

effects = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
errors = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])

with pm.Model(coords={"school": list("ABCDEFGH")}) as schools:
    mu = pm.Normal("mu", 0, 5)
    tau = pm.HalfCauchy("tau", 5)
    theta = pm.Normal("theta", mu, tau, dims="school")
    pm.Normal("y", theta, errors, observed=effects, dims="school")

bad = bp.fit(schools, random_seed=1, progressbar=False)
bp.report(bad, title="Eight schools")

# %%
# The effects of the schools are latent variables. So the report is on the marginal estimates, of
# ``mu`` and ``tau`` with the effects integrated out. Read it from the top:
#
# - *The marginal MLE and MAP of* ``tau`` *are 0*, on the edge of its support: these data do not
#   show that the schools differ. That is a maximum, and yet no estimate to work with: it says that
#   all effects are the same for certain, where the posterior has them up to ten points apart.
# - The table marks what lies on the edge.

bp.summary(bad)

# %%
# - *The joint estimates*, of effects and parameters together, stand at the bottom. As ``tau`` nears
#   0 with every ``theta`` at ``mu``, their density grows without limit: there is no joint MAP. The
#   likelihood of the effects knows neither ``mu`` nor ``tau``, so there is no joint MLE of these.
#   In the words of the search, with the evidence for it and what to try:

with warnings.catch_warnings():
    warnings.simplefilter("ignore", EstimationWarning)
    joint = bp.find_MAP(schools, progressbar=False)
for finding in joint.findings:
    print(finding)

# %%
# - *The sampler* has complaints as well: divergences, a small effective sample size. They come
#   from the same corner near ``tau`` = 0, into which the sampler cannot follow. The usual remedy is
#   to write ``theta`` as ``mu + tau * z``.
# - The posterior itself exists, and answers the question about ``theta``: in this model the
#   posterior mean is the one to report. The conditional modes, at ``tau`` = 0, are all the same.

# sphinx_gallery_alt = "For the effects in the eight schools: the posterior means with their intervals, and the conditional modes, which are the same for all schools."
bp.plot_gaps(bad, var_names="theta")
