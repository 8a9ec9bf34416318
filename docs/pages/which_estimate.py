"""
Which estimate should I use?
============================

The advice of this page comes from simulations, run as the page was made. `study
<bayes_point.study>` draws data sets from a model with known parameters, finds MLE, MAP and
posterior mean of each, and says how far they are from the truth: the bias (average error), the
root mean squared error (RMSE), and the coverage, the part of the 89 % intervals that hold the
truth.

In short:

.. list-table::
   :header-rows: 1
   :widths: 50 50

   * - Where
     - Use
   * - many data for each parameter
     - any of them: they agree, and the MLE is the quickest
   * - few data, and a prior that you mean
     - the posterior mean, with the posterior's interval
   * - few data, and a prior that may be wrong
     - the posterior, after a look at the MLE: `explain <bayes_point.explain>` says how far the
       prior has moved you
   * - more parameters than the data can carry
     - the MAP (ridge, lasso) if you need a point quickly; never the MLE
   * - hierarchical models
     - the posterior; joint modes do not exist or mislead
   * - any status but *converged*
     - the posterior, or another model
"""

import numpy as np
import pymc as pm
import xarray as xr

import bayes_point as bp


def coin(tosses):
    with pm.Model() as out:
        theta = pm.Beta("theta", 9, 9)
        pm.Binomial("heads", tosses, theta, observed=tosses // 2)
    return out


def simulate(models, truth, n=500, **kwargs):
    """One study for each sample size."""
    studies = [
        bp.study(model, truth, n, random_seed=1, progressbar=False, **kwargs)
        for model in models.values()
    ]
    return xr.concat(studies, xr.Variable("sample_size", list(models)))


def table(studies, measure, parameter="theta"):
    return studies[measure].sel(parameter=parameter).to_pandas().round(3)


coins = {tosses: coin(tosses) for tosses in [5, 50, 500]}

# %%
# A prior that is right
# ---------------------
#
# The Beta(9, 9) prior says that most coins are fair, more or less. First let it be right: each data
# set comes from a coin of its own, drawn from the prior. The RMSE for 5, 50 and 500 tosses:

right = simulate(coins, None)
table(right, "rmse")

# %%
# With five tosses the MLE errs twice as much as the others. With 500, they are all the same. The
# posterior mean is the best of all estimates by this measure, of this average, whatever the model:
# that is a theorem, and holds as far as the prior does. The MAP is next to it, since this posterior
# is nearly symmetric.
#
# A prior that is wrong
# ---------------------
#
# Now every coin has theta = 0.9, which the prior holds for next to impossible.

wrong = simulate(coins, {"theta": 0.9})
table(wrong, "rmse")

# %%
# The order is reversed, and it takes far more data until the prior is overruled. The error is bias,
# which no interval shows: those of the posterior are sure of the wrong value.

# sphinx_gallery_alt = "Bias, RMSE and coverage of MLE, MAP and mean against the number of tosses: the bias of MAP and mean falls from 0.3 towards 0, and their coverage rises from nearly 0."
bp.plot_study(wrong)

# %%
# Note the MLE with five tosses: most data sets are all heads, where its standard error does not
# exist. Coverage is among those that have one:

table(wrong, "n_interval")

# %%
# Few data, no prior to speak of
# ------------------------------
#
# The standard deviation of a normal from a handful of values. The prior is wide; what differs is
# not the prior, but what is made of the likelihood.


def normal(size):
    with pm.Model() as out:
        mean = pm.Normal("mean", 0, 10)
        sd = pm.HalfNormal("sd", 10)
        pm.Normal("y", mean, sd, observed=np.zeros(size))
    return out


sds = simulate({size: normal(size) for size in [5, 20, 80]}, {"mean": 0, "sd": 2})
xr.concat([sds["bias"], sds["coverage"]], xr.Variable("measure", ["bias", "coverage"])).sel(
    parameter="sd"
).to_dataframe("sd")["sd"].unstack(["measure", "estimator"]).round(2)

# %%
# MLE and MAP are too small, since they count the mean as known; the posterior mean is too large,
# since the posterior of a scale leans to the right. For five values none is a number to report
# without its interval, and the intervals differ: compare the coverage with 0.89.
#
# Many parameters
# ---------------
#
# A regression on twelve columns, whose coefficients come from the prior. The RMSE of one of them:


def regression(size):
    X = np.random.default_rng(1).normal(size=(size, 12))
    with pm.Model() as out:
        beta = pm.Normal("beta", 0, 0.5, shape=12)
        pm.Normal("y", X @ beta, 1, observed=np.zeros(size))
    return out


ridge = simulate({size: regression(size) for size in [15, 60, 240]}, None, n=300)
table(ridge, "rmse", "beta[0]")

# %%
# Fifteen data for twelve coefficients: the MLE is wild, MAP and mean are not. (Here the last two are
# the same point: a normal posterior has its mean at its mode.) With twenty data for each
# coefficient, nothing is left of that.
#
# How sure are these numbers?
# ---------------------------
#
# Each has its Monte Carlo error, ``rmse_mcse`` and so on. The largest of the RMSEs above:

{
    name: float(one["rmse_mcse"].max())
    for name, one in {"coin": right, "wrong prior": wrong, "regression": ridge}.items()
}
