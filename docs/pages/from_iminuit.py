"""
Coming from iminuit or lmfit
============================

A least-squares fit is the maximum of a normal likelihood, so a model says what a cost function leaves
out: what the errors are.

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - You write
     - Here
   * - ``Minuit(cost, b1=250, b2=5e-4).migrad()``
     - ``bp.find_MLE(model, initvals={"b1": 250, "b2": 5e-4})``
   * - ``m.values``, ``m.errors`` (HESSE)
     - ``mle.point``, ``mle.stderr()``
   * - ``m.minos(cl=0.95)``, lmfit's ``conf_interval``
     - ``mle.conf_int(ci_prob=0.95)``: profile intervals are the default
   * - ``m.draw_mnprofile("b1")``, ``m.draw_mncontour("b1", "b2")``
     - ``bp.profile(mle)``, ``bp.profile(mle, contours=True)``, `bayes_point.plot_profile`
   * - ``m.profile("b1")``
     - ``bp.profile(mle, slice=True)``: the others held
   * - ``m.covariance``
     - ``mle.covariance()``
   * - ``m.limits["b1"] = (0, None)``, ``Parameter(min=0)``
     - a prior with that support; an estimate on its edge says so
   * - ``m.fixed["b1"] = True``, ``vary=False``
     - ``bp.find_MLE(model, fix={"b1": 250})``
   * - ``m.valid``, ``m.accurate``, ``has_parameters_at_limit``
     - ``estimate.status``
   * - ``result.redchi``
     - ``sigma`` is a parameter, with an error of its own

NIST's Misra1a
--------------

A monomolecular adsorption curve, with certified estimates (b1 = 238.94212918, b2 = 5.5015643181e-4).
"""

import numpy as np
import pymc as pm

import bayes_point as bp

x = np.array(
    [
        77.6,
        114.9,
        141.1,
        190.8,
        239.9,
        289.0,
        332.8,
        378.4,
        434.8,
        477.3,
        536.8,
        593.1,
        689.1,
        760.0,
    ]
)
y = np.array(
    [
        *(10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02),
        *(44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78),
    ]
)

with pm.Model() as misra1a:
    b1 = pm.HalfFlat("b1")
    b2 = pm.HalfFlat("b2")
    sigma = pm.HalfFlat("sigma")
    pm.Normal("y", b1 * (1 - np.e ** (-b2 * x)), sigma, observed=y)

start = {"b1": 250, "b2": 5e-4}
mle = bp.find_MLE(misra1a, initvals=start, progressbar=False)
mle.to_dataframe()

# %%
# ``lmfit`` divides the sum of squares by n - p where the MLE of sigma divides it by n, and scales its
# errors so. The same factor takes one to the other, but for the curvature: lmfit's is that of the
# linearised model (2.70698 for b1), ours that of the likelihood itself.

factor = np.sqrt(len(y) / (len(y) - 2))
print(f"{float(mle.stderr()['b1']) * factor:.5f}")

# %%
# MINOS and the profile
# ---------------------
#
# The two are the same idea: how far one parameter can go while the others adapt, until the log
# likelihood has fallen by half a chi-squared quantile. With sigma known to be 0.1, ``m.minos(cl=0.95)``
# gives -5.09 and +5.35 for b1.

ends = (
    bp.find_MLE(misra1a, fix={"sigma": 0.1}, initvals=start, progressbar=False)
    .conf_int(ci_prob=0.95, var_names=["b1"])["b1"]
    .values
)
print(np.round(ends - 238.94212918, 2))
