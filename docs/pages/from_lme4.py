"""
Coming from lme4, glmmTMB or brms
=================================

A formula becomes a model in PyMC's syntax; ``marginalize="latents"`` integrates the random effects out,
as ``lmer``, ``glmer`` and ``glmmTMB`` do. What follows from it, intervals, profiles and criteria, is that
of the marginal likelihood.

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - You write
     - Here
   * - ``y ~ x + (1 | group)``
     - ``a = pm.Normal("a", 0, sd, dims="group")``, and ``a[group_of]`` in the mean
   * - ``(x || group)``
     - two such vectors, each with a standard deviation of its own
   * - ``lmer(..., REML = FALSE)``
     - ``bp.find_MLE(model, marginalize="latents")``
   * - ``lmer(...)``
     - ``bp.find_MLE(model, marginalize="latents", reml=True)``
   * - ``VarCorr(fit)``, ``fixef(fit)``
     - ``estimate.point``: all parameters by name
   * - ``ranef(fit)``
     - ``estimate.latents``: the conditional modes, with their standard deviations
   * - ``confint(fit)``
     - ``estimate.conf_int()``: profile intervals
   * - ``logLik``, ``AIC``, ``BIC``
     - ``estimate.log_likelihood``, ``.aic``, ``.bic``
   * - "boundary (singular) fit"
     - status *on boundary*, with the slope there
   * - ``brm(...)``
     - ``bp.fit(model)``: the posterior, and how far the estimates are from it

Dyestuff
--------

The yield of a dye, five samples of each of six batches (Davies 1947, in Davies and Goldsmith 1972,
*Statistical Methods in Research and Production*).
"""

import numpy as np
import pymc as pm

import bayes_point as bp

yields = np.array(
    [
        *(1545, 1440, 1440, 1520, 1580),
        *(1540, 1555, 1490, 1560, 1495),
        *(1595, 1550, 1605, 1510, 1560),
        *(1445, 1440, 1595, 1465, 1545),
        *(1595, 1630, 1515, 1635, 1625),
        *(1520, 1455, 1450, 1480, 1445),
    ],
    dtype=float,
)
batch_of = np.repeat(np.arange(6), 5)

with pm.Model(coords={"batch": list("ABCDEF")}) as dyestuff:
    mu = pm.Flat("mu")
    sd_batch, sigma = pm.HalfFlat("sd_batch"), pm.HalfFlat("sigma")
    a = pm.Normal("a", 0, sd_batch, dims="batch")
    pm.Normal("yield", mu + a[batch_of], sigma, observed=yields)

mle = bp.find_MLE(dyestuff, marginalize="latents", progressbar=False)
mle

# %%
# lme4 gives 37.26034532 for the batches, 49.51009998 for the residuals and a log likelihood of
# -163.6635299:

print({name: round(float(mle.point[name]), 8) for name in ("mu", "sd_batch", "sigma")})
print(f"{mle.log_likelihood:.7f}")

# %%
# Restricted maximum likelihood
# -----------------------------
#
# ``lmer``'s default integrates the mean out as well, so that its estimation does not make the variances
# look smaller. lme4: 42.0005953, and -159.8271384.

reml = bp.find_MLE(dyestuff, marginalize="latents", reml=True, progressbar=False)
print(round(float(reml.point["sd_batch"]), 7), f"{reml.log_likelihood:.7f}")

# %%
# What the joint likelihood says
# ------------------------------
#
# Without ``marginalize=`` the batch effects are parameters like the others. The likelihood does not know
# their standard deviation at all, which is right, and seldom what was meant: see
# :doc:`/guide/no_maximum`.
