"""
When there is no maximum
========================

An optimiser always ends somewhere. What it ends at need not be a maximum, and then the number it
hands over means nothing. Here each estimate is examined after it was found, and carries one of six
statuses. This page shows each of them on the smallest model that has it;
:doc:`/pathologies` lists what was found on a hundred more, beside `pymc.find_MAP`.
"""

import textwrap
import warnings

import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning

# This page prints the statuses; the warnings would say them again.
warnings.simplefilter("ignore", EstimationWarning)


def show(estimate):
    print(estimate.status.key.replace("_", " ").upper())
    for name, values in estimate.point.items():
        print(f"  {name} = {np.round(values.values, 4)}")
    for finding in estimate.findings:
        print(textwrap.indent(textwrap.fill(str(finding), 70), "  "))


# %%
# Converged
# ---------
#
# There is a maximum inside the support: the gradient is zero to the last digit that the computer
# can tell, the curvature is negative in every direction, and none of the other starts found a
# better one.

with pm.Model() as converged:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 0])

show(bp.find_MLE(converged, progressbar=False))

# %%
# On boundary
# -----------
#
# The density is largest at the edge of what a parameter can be. The estimate is that edge, exactly.
# It is a maximum, but the usual standard errors do not hold there, because the gradient is not
# zero.

with pm.Model() as on_boundary:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 1])

show(bp.find_MLE(on_boundary, progressbar=False))

# %%
# At infinity
# -----------
#
# The density rises for ever and nears a limit. In logistic regression this is *separation*: a line
# parts the ones from the zeros, and the steeper the curve, the better the fit (Albert and Anderson
# 1984). An optimiser stops where the slope of the density is below its tolerance, at some large
# number that depends on that tolerance alone.

dose = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])

with pm.Model() as separated:
    a = pm.Normal("a", 0, 5)
    b = pm.Normal("b", 0, 5)
    pm.Bernoulli("dead", logit_p=a + b * dose, observed=[0, 0, 0, 1, 1, 1])

show(bp.find_MLE(separated, progressbar=False))

# %%
# A proper prior cures it: the same model has a MAP.

show(bp.find_MAP(separated, progressbar=False))

# %%
# Not identified
# --------------
#
# Along some direction the density does not change. Any point on it is as good as any other; the one
# given is one of them, and the direction is named. Here only the sum of two parameters is in the
# likelihood.

with pm.Model() as not_identified:
    a = pm.Normal("a", 0, 5)
    b = pm.Normal("b", 0, 5)
    pm.Normal("y", a + b, 1, observed=[1.0, 2.0, 3.0])

show(bp.find_MLE(not_identified, progressbar=False))

# %%
# A gap to such a value would be noise, and so tables and pictures leave it out. A prior, or one
# parameter less, cures it.
#
# Unbounded
# ---------
#
# The density has no upper limit, and no estimate exists: not a bad one, none. The classic is a
# mixture, one component of which may sit on a single observation and shrink its standard deviation
# to 0 (Day 1969).

with pm.Model() as unbounded:
    mean = pm.Normal("mean", 0, 5, shape=2)
    sd = pm.HalfNormal("sd", 2, shape=2)
    pm.NormalMixture("y", w=[0.5, 0.5], mu=mean, sigma=sd, observed=[-2.0, -1.5, 0.3, 1.0, 2.0])

show(bp.find_MLE(unbounded, progressbar=False))

# %%
# The posterior of this model exists nevertheless: the peak is infinitely high, but holds no mass.
# And what everybody means by the estimate of a mixture is a maximum in the interior, away from the
# poles: ``find_MLE(model, local=True)`` returns the highest that it finds, with status *local*, and
# all of them in ``optima``. The :ref:`mixture of the gallery <sphx_glr_gallery_mixture.py>` has one.
#
# The same happens to the MAP of most hierarchical models as the standard deviation of the groups
# goes to 0, and their MLE is not identified: the eight schools.

effects = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
errors = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])

with pm.Model(coords={"school": list("ABCDEFGH")}) as schools:
    mu = pm.Normal("mu", 0, 5)
    tau = pm.HalfCauchy("tau", 5)
    theta = pm.Normal("theta", mu, tau, dims="school")
    pm.Normal("y", theta, errors, observed=effects, dims="school")

show(bp.find_MAP(schools, progressbar=False))

# %%
# Here the cure is not another prior. The effects of the schools are latent: integrated out, which
# is one argument, the likelihood has a maximum. It says that these data show no difference between
# the schools at all: ``tau`` is 0, on the edge, and all effects are one. :doc:`hierarchical` has
# more.

show(bp.find_MLE(schools, marginalize="latents", progressbar=False))

# %%
# Not converged
# -------------
#
# None of the above could be shown. The best point found is given, and marked. This density rises
# towards 1/2 and drops there: it comes as near to the top of the step as one likes, and at 1/2
# itself it is down already.

with pm.Model() as not_converged:
    x = pm.Uniform("x", 0, 1)
    pm.Potential("step", pm.math.switch(x < 0.5, x, -1.0))
    pm.Normal("y", 0, 1, observed=[0.0])

show(bp.find_MAP(not_converged, progressbar=False))

# %%
# What to do with a status in a program
# -------------------------------------
#
# ``strict=True`` makes of every status but *converged* an error; and a
# `Status <bayes_point.Status>` can be asked whether it stands for one finite point.

try:
    bp.find_MLE(separated, strict=True, progressbar=False)
except EstimationError as error:
    print(error)

bp.find_MLE(on_boundary, progressbar=False).status.is_point
