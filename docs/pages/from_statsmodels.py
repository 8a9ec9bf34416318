"""
Coming from statsmodels or scikit-learn
=======================================

A regression is a model in PyMC's syntax: three lines more than a formula, and from there any
likelihood, any prior and any nonlinearity.

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - You write
     - Here
   * - ``sm.Logit(y, X).fit()``
     - ``mle = bp.find_MLE(model)``
   * - ``result.params``, ``result.bse``
     - ``mle.point``, ``mle.stderr()``
   * - ``result.summary()``
     - ``mle.to_dataframe()``, or ``mle`` at the end of a notebook cell
   * - ``result.conf_int()`` (Wald)
     - ``mle.conf_int(ci_prob=0.95, method="wald")``; by default the profile interval
   * - ``result.cov_params()``
     - ``mle.covariance()``
   * - ``fit(cov_type="HC0")``, ``"cluster"``
     - ``mle.stderr(kind="sandwich")``, with ``cluster=``
   * - ``result.llf``, ``.aic``, ``.bic``
     - ``mle.log_likelihood``, ``.aic``, ``.bic``
   * - ``result.compare_lr_test(null)``
     - ``bp.likelihood_ratio_test(null, alternative)``
   * - ``LogisticRegression(C=C)``
     - ``bp.find_MAP(model)`` with ``pm.Normal("beta", 0, sqrt(C))`` and a flat intercept
   * - ``Ridge(alpha)``, ``Lasso(alpha)``
     - ``pm.Normal`` and ``pm.Laplace`` priors: see :ref:`sphx_glr_gallery_ridge_regression.py` and
       :ref:`sphx_glr_gallery_lasso.py`
   * - ``PerfectSeparationWarning``
     - status *at infinity*, with the coefficients that diverge
"""

import numpy as np
import pymc as pm

import bayes_point as bp

# Launches of the space shuttle: degrees Fahrenheit, and whether an O-ring was damaged.
temperatures = np.array(
    [
        *(66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78),
        *(67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58),
    ]
)
damage = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1])

with pm.Model() as logit:
    intercept = pm.Flat("intercept")
    temperature = pm.Flat("temperature")
    pm.Bernoulli(
        "damage",
        logit_p=intercept + temperature * temperatures,
        observed=damage,
    )

mle = bp.find_MLE(logit, progressbar=False)
mle.to_dataframe(ci_prob=0.95)

# %%
# ``sm.Logit`` gives 15.04290165 (7.37863638) and -0.23216274 (0.10823652), and the log likelihood
# -10.1575963439 with an AIC of 24.3151926879:

print(f"{mle.log_likelihood:.10f}  {mle.aic:.10f}")

# %%
# Its interval is the symmetric one. With 23 launches the likelihood is not symmetric, and the profile
# interval says so:

for method in ("wald", "profile"):
    print(method, mle.conf_int(ci_prob=0.95, method=method)["temperature"].values.round(3))

# %%
# scikit-learn's penalty is a prior
# ---------------------------------
#
# ``LogisticRegression(C=1)`` on the standardised temperature gives -0.99648956 and -1.12102476. Its
# penalty is half the square of the coefficient over ``C``: a normal prior with the variance ``C``. The
# intercept is not penalised.

z = (temperatures - temperatures.mean()) / temperatures.std()

with pm.Model() as penalised:
    intercept = pm.Flat("intercept")
    beta = pm.Normal("beta", 0, 1)
    pm.Bernoulli("damage", logit_p=intercept + beta * z, observed=damage)

map_ = bp.find_MAP(penalised, progressbar=False)
print({name: round(float(map_.point[name]), 8) for name in ("intercept", "beta")})

# %%
# Read that way, the question whether the penalised estimate will do has an answer: sample the
# posterior, and see how far its mean is. ``bp.fit(penalised)`` does both.
