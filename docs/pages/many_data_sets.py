"""
Many data sets
==============

A thousand sensors, ten thousand simulated experiments, a bootstrap: the same model, other data.
`refit <bayes_point.refit>` makes the model's function once and maximises it for all data sets side
by side: ten thousand normal samples of four in about a second, compiling included
(:doc:`/benchmarks/refit`).
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import xarray as xr

import bayes_point as bp

# %%
# Ten thousand fits
# -----------------
#
# The model is written for one data set. The data come with one dim more.

with pm.Model(coords={"time": range(4)}) as reading:
    mean = pm.Normal("mean", 20, 10)
    sd = pm.HalfNormal("sd", 5)
    pm.Normal("y", mean, sd, observed=np.zeros(4), dims="time")

rng = np.random.default_rng(1)
data = xr.Dataset({"y": (("sensor", "time"), rng.normal(20, 3, size=(10_000, 4)))})
fits = bp.refit(reading, data, dim="sensor", progressbar=False)
fits

# %%
# Each fit has its estimate, its standard errors and its status. Count these first:

fits["status"].to_series().value_counts()

# %%
# The MLE of the standard deviation, true value 3. On average it is too small, since the MLE divides
# by n and not by n - 1 (:doc:`/gallery/bessel_correction`):

# sphinx_gallery_alt = "A histogram of ten thousand estimates of the standard deviation: they spread from 0 to 6, with an average of about 2.4, below the true value of 3."
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.hist(fits["sd"], bins=80, alpha=0.5)
axes.axvline(3, color="C1", linestyle="--", label="truth")
axes.axvline(float(fits["sd"].mean()), color="C2", label="average of the MLEs")
axes.set(xlabel="MLE of sd", ylabel="data sets")
axes.legend(frameon=False)

# %%
# ``estimator="MAP"`` gives the MAPs instead, and ``weights=`` weighs the observations.
#
# How sure is an estimate? The bootstrap
# --------------------------------------
#
# `bootstrap <bayes_point.bootstrap>` simulates data sets from the estimate, or resamples the
# observations, and refits to each. What comes of it is a distribution of the estimator, and not a
# posterior: it says how the estimate would vary with other data.

with pm.Model() as waiting:
    rate = pm.Gamma("rate", 2, 1)
    pm.Exponential("minutes", rate, observed=[0.3, 1.2, 0.4, 2.9, 0.8, 0.1, 1.7, 0.6])

resampled = bp.bootstrap(waiting, 2000, random_seed=1, progressbar=False)
bp.bootstrap_interval(resampled, ci_prob=0.89)["rate"].values

# %%
# ``estimate.conf_int(method="bootstrap")`` is the same in one step. Beside it the interval from the
# profile likelihood, which needs no simulation:

bp.find_MLE(waiting, progressbar=False).conf_int(method="profile", ci_prob=0.89)["rate"].values

# %%
# How good is an estimator? The study
# -----------------------------------
#
# `study <bayes_point.study>` simulates from known parameters and says how far off each estimator
# is. :doc:`which_estimate` is made of such studies.
#
# In chunks, on other machines
# ----------------------------
#
# Chunk the data with Dask, and the result is lazy: nothing is computed until ``compute`` or
# ``to_zarr``, and then by the threads, processes or cluster that Dask has been given. The extra
# ``pip install ".[dask]"`` brings what it takes.

lazy = bp.refit(reading, data.chunk(sensor=2_500), dim="sensor", progressbar=False)
computed = lazy[["mean", "sd"]].compute()
print(lazy["sd"].chunksizes, bool((computed["sd"] == fits["sd"]).all()))

# %%
# :doc:`/cluster` goes on from here: queues, what travels to the workers, what can go wrong, and
# how to save as you go.
