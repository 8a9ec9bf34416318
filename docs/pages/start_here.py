"""
Start here
==========

One model, five minutes, from the installation to the report. You need Python 3.12 or later, and a
clone of the repository. In it::

    pip install .

A coin is tossed three times and shows heads each time. How likely are heads? Before the tosses we
held the coin for fair, more or less: a Beta(2, 2) prior. That is a `PyMC <https://www.pymc.io>`_
model of two lines.
"""

import pymc as pm

import bayes_point as bp

with pm.Model() as coin:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 1])

# %%
# The maximum likelihood estimate
# -------------------------------
#
# `find_MLE <bayes_point.find_MLE>` looks for the value of ``theta`` under which the data are most
# likely.

mle = bp.find_MLE(coin, progressbar=False)
print(mle)

# %%
# It is 1: as if tails could not happen. And it says what kind of maximum that is: it sits on the
# edge of what ``theta`` can be, so that there is no standard error. Every estimate has such a
# status, and no number comes without it.

mle.status.key

# %%
# The maximum a posteriori estimate
# ---------------------------------
#
# `find_MAP <bayes_point.find_MAP>` takes the prior in: it maximises likelihood times prior.

print(bp.find_MAP(coin, progressbar=False))

# %%
# The prior counts as one head and one tail seen before, so that the MAP is (3 + 1)/(3 + 2) = 0.8.
#
# All of the posterior
# --------------------
#
# Both are single points of the posterior distribution. `fit <bayes_point.fit>` finds them and
# samples the posterior, and puts all of it into one `xarray.DataTree`, as ArviZ expects it.

dt = bp.fit(coin, random_seed=1, progressbar=False)
bp.summary(dt)

# %%
# ``mean`` and ``sd`` are those of the posterior, followed by the interval that holds 89 % of it. A
# *gap* is the distance of an estimate from the posterior mean, in posterior standard deviations:
# the MAP is half a standard deviation too high, the MLE nearly two.

# sphinx_gallery_alt = "The posterior density of theta, highest near 0.8, with three lines: the mean at 0.71, the MAP at 0.8, and the MLE at 1, on the edge."
bp.plot_estimates(dt)

# %%
# Does it matter, and why?
# ------------------------
#
# `verdict <bayes_point.verdict>` says whether the MAP's distance from the posterior mean matters, and
# `explain <bayes_point.explain>` takes the distance apart into its causes.

print(bp.verdict(dt))
print(bp.explain(dt).attrs["sentences"])

# %%
# The report
# ----------
#
# `report <bayes_point.report>` writes all of that down as one HTML file that needs nothing else:
# ``bp.report(dt).save("coin.html")``. In a notebook, and here, it shows itself.

bp.report(dt, title="Three tosses, three heads")

# %%
# The same from a terminal, for a script that has a PyMC model in it::
#
#     bayes-point report examples/coin_flip.py
#
# Where to go from here
# ---------------------
#
# - :doc:`how_to_read_a_report`: each number and picture of it.
# - :doc:`mle_map_posterior`: what the three are, and why they differ.
# - :doc:`which_estimate`: which one to use.
# - :doc:`/gallery/index`: the models of the lecture notes, each as a short script.
