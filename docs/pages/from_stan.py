"""
Coming from Stan's optimize and laplace
=======================================

Both programs maximise the same two densities, and call them by the same argument.

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - You write
     - Here
   * - ``model.optimize(data)``, ``jacobian=False`` by default
     - ``bp.find_MAP(model)``: the mode on the natural scale
   * - ``model.optimize(data, jacobian=True)``
     - ``bp.find_MAP(model, jacobian=True)``: the mode on the unconstrained scale
   * - a model without priors, for the MLE
     - ``bp.find_MLE(model)``: the same model, its priors left out
   * - ``model.laplace_sample(data, mode)``
     - ``bp.laplace(model)``: with importance weights and Pareto k
   * - ``generated quantities``
     - ``pm.Deterministic``, or ``bp.predictive(model, dt)``
   * - ``model.sample(data)``
     - ``bp.fit(model)``: both estimates, the posterior, and how far apart they are
   * - exit code 0
     - ``estimate.status``: what was found, with its proof

Which mode?
-----------

Three heads of three tosses under a Beta(2, 2) prior: the posterior is Beta(5, 2). Its mode is at 4/5.
On the logit scale the density is multiplied by the Jacobian theta (1 - theta), that of a Beta(6, 3)
without it, and the mode is at 5/7.
"""

import pymc as pm

import bayes_point as bp

with pm.Model() as coin:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 1])

for jacobian in (False, True):
    mode = bp.find_MAP(coin, jacobian=jacobian, progressbar=False)
    print(f"jacobian={jacobian}: {float(mode.point['theta']):.8f}")
print(f"4/5 = {4 / 5:.8f}, 5/7 = {5 / 7:.8f}")

# %%
# Neither is wrong, and neither is invariant: that is why an estimate always says which one it is.

print(bp.find_MAP(coin, jacobian=True, progressbar=False).maximised)

# %%
# Is the normal at the mode near enough?
# --------------------------------------
#
# Stan's ``laplace_sample`` gives draws and the two log densities, and leaves the comparison to you.
# `bayes_point.laplace` makes it, by importance sampling: a Pareto k above 0.7 says that the draws are
# not to be used, even with their weights.

approximation = bp.laplace(coin, random_seed=1)
print(approximation.attrs["text"])
