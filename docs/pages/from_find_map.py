"""
Coming from pm.find_MAP
=======================

The model stays as it is. What changes is what comes back: a point with the model's coords, a status
that says what kind of optimum it is, and advice where it is none.

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - You write
     - Here
   * - ``pm.find_MAP(model=model)``
     - ``bp.find_MAP(model)``: the same density, natural scale, no Jacobian
   * - ``pm.find_MAP()["beta"]``
     - ``bp.find_MAP(model).point["beta"]``, an `xarray.DataArray` with the model's dims
   * - ``start={"beta": 1.0}``
     - ``initvals={"beta": 1.0}``
   * - ``seed=1``
     - ``random_seed=1``
   * - ``return_raw=True`` and ``result.success``
     - ``estimate.status`` and ``estimate.findings``; ``strict=True`` raises unless converged
   * - a second model with ``pm.Flat`` for the MLE
     - ``bp.find_MLE(model)``: the priors are left out, their supports stay
   * - ``pymc_extras.find_MAP`` with ``compute_hessian=True``
     - ``estimate.stderr()``, ``.covariance()``, ``.conf_int()``, natural scale
   * - ``pymc_extras.fit_laplace()``
     - ``bp.laplace(model)``, with the Jacobian, and with Pareto k to say whether it is near enough

What `pymc.find_MAP` gives you on a model that has a maximum is what you get here.
"""

import warnings

import numpy as np
import pymc as pm

import bayes_point as bp
from bayes_point.errors import EstimationWarning

rng = np.random.default_rng(1)
x = rng.normal(size=60)
counts = rng.poisson(np.exp(0.5 + 0.8 * x))

with pm.Model() as regression:
    intercept = pm.Normal("intercept", 0, 2)
    slope = pm.Normal("slope", 0, 2)
    pm.Poisson("counts", np.e ** (intercept + slope * x), observed=counts)

estimate = bp.find_MAP(regression, progressbar=False)
estimate

# %%
# PyMC's agrees to the digits at which its optimiser stops:

theirs = pm.find_MAP(model=regression, progressbar=False, return_inferencedata=True, jitter=False)
for name in ("intercept", "slope"):
    print(f"{name:>9}  {float(estimate.point[name]):.8f}  {theirs['posterior'][name].item():.8f}")

# %%
# Where there is no maximum
# -------------------------
#
# Six doses, and all animals died above zero. The data are *separated*: the steeper the curve, the
# better the fit, without end.

dose = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])

with pm.Model() as separated:
    a, b = pm.Flat("a"), pm.Flat("b")
    pm.Bernoulli("dead", logit_p=a + b * dose, observed=[0, 0, 0, 1, 1, 1])

theirs = pm.find_MAP(model=separated, progressbar=False, return_inferencedata=True, jitter=False)
print(f"pm.find_MAP: b = {theirs['posterior']['b'].item():.1f}, and no warning")

# %%
# That number is where an optimiser lost patience: another tolerance gives another. Here:

with warnings.catch_warnings():
    warnings.simplefilter("ignore", EstimationWarning)  # the status below says the same
    estimate = bp.find_MAP(separated, progressbar=False)
print(estimate.status.value)
for finding in estimate.findings:
    print("-", finding)
