r"""
MLE, MAP and the posterior
==========================

The mathematics on one page; each claim with the code that shows it.

Bayes' rule
-----------

A model has two parts: the density of the data :math:`y` for given parameters,
:math:`p(y \mid \theta)`, and the prior density of the parameters, :math:`p(\theta)`. Once the data
are there, the first is a function of :math:`\theta` alone, the *likelihood*, and Bayes' rule makes
of both the posterior:

.. math::

   p(\theta \mid y) = \frac{p(y \mid \theta)\, p(\theta)}{\int p(y \mid t)\, p(t)\, dt} .

Three ways to say it with one number:

.. math::

   \begin{aligned}
   \theta_{\text{MLE}} &= \operatorname{argmax}_{\theta} \, p(y \mid \theta) \\
   \theta_{\text{MAP}} &= \operatorname{argmax}_{\theta} \, p(y \mid \theta)\, p(\theta) \\
   \theta_{\text{mean}} &= \int \theta \, p(\theta \mid y)\, d\theta
   \end{aligned}

The integral of Bayes' rule is a constant, so no maximum needs it; the mean does, and is why one
samples. With :math:`k` heads of :math:`n` tosses and a Beta(:math:`\alpha, \beta`) prior all three
are known:

.. math::

   \frac{k}{n} , \qquad \frac{k + \alpha - 1}{n + \alpha + \beta - 2} , \qquad
   \frac{k + \alpha}{n + \alpha + \beta} .
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp


def coin(heads, tosses, alpha=1.0, beta=1.0):
    with pm.Model() as out:
        theta = pm.Beta("theta", alpha, beta)
        pm.Binomial("heads", tosses, theta, observed=heads)
    return out


def value(estimate, name="theta"):
    return float(estimate.point[name])


model = coin(4, 5, alpha=9, beta=9)
print("MLE", value(bp.find_MLE(model, progressbar=False)), "=", 4 / 5)
print("MAP", value(bp.find_MAP(model, progressbar=False)), "=", 12 / 21)

# %%
# A likelihood is not a density of :math:`\theta`: its integral is not 1, and needs no unit of
# :math:`\theta`. See :doc:`/gallery/coin_likelihood`.
#
# Why logarithms
# --------------
#
# For independent data the likelihood is a product, and its logarithm a sum with the same maximum:
#
# .. math::
#
#    \log p(\theta \mid y) = \sum_{i=1}^{n} \log p(y_i \mid \theta) + \log p(\theta)
#    + \text{const} .
#
# A product of two thousand numbers of about a half is not a floating point number; the sum of their
# logarithms is.

likelihoods = np.full(2000, 0.5)
print(np.prod(likelihoods), np.sum(np.log(likelihoods)))

# %%
# Flat priors
# -----------
#
# If the prior is constant, MAP and MLE maximise the same: the MLE is a MAP with flat priors.
# `flat_priors <bayes_point.flat_priors>` makes that model of any other; the support of each
# parameter stays.

flat = bp.flat_priors(model)
print("MAP, flat", value(bp.find_MAP(flat, progressbar=False)))
print("MLE      ", value(bp.find_MLE(model, progressbar=False)))

# %%
# The posterior mean of the flat model is still another point: (4 + 1)/(5 + 2) = 0.714. A flat prior
# makes the MAP agree with the MLE; it does not make the mean agree with either.
#
# A prior as observations
# -----------------------
#
# The MAP above is what an MLE would be after :math:`\alpha - 1` more heads and :math:`\beta - 1`
# more tails. Beta(9, 9) is a head start of sixteen tosses. `prior_information
# <bayes_point.prior_information>` computes that worth from the curvature of the two log densities,
# for any model and prior:

worth = bp.prior_information(model, observations=5, progressbar=False)
worth[["share", "worth"]].to_dataframe()

# %%
# ``share`` is the part of what is known at the MAP that comes from the data: 5/(5 + 16).
#
# Regularisation is a prior
# -------------------------
#
# With normal data of known :math:`\sigma` and a normal prior of standard deviation :math:`\sigma_p`
# on each coefficient, the negative log joint density is
#
# .. math::
#
#    \frac{1}{2\sigma^2} \left( \lVert y - X\beta \rVert^2 + \lambda \lVert \beta \rVert^2 \right)
#    + \text{const}, \qquad \lambda = \frac{\sigma^2}{\sigma_p^2} ,
#
# so that least squares is the MLE, and ridge regression the MAP. A Laplace prior gives the lasso in
# the same way.

rng = np.random.default_rng(0)
X, noise, prior_sd = rng.normal(size=(20, 3)), 1.0, 0.5
y = X @ [1.0, 0.0, -1.0] + noise * rng.normal(size=20)

with pm.Model() as ridge:
    beta = pm.Normal("beta", 0, prior_sd, shape=3)
    pm.Normal("y", X @ beta, noise, observed=y)

penalty = (noise / prior_sd) ** 2
print("MAP         ", bp.find_MAP(ridge, progressbar=False).point["beta"].values)
print("closed form ", np.linalg.solve(X.T @ X + penalty * np.eye(3), X.T @ y))

# %%
# A prior may be taken to a power :math:`\lambda`: at 0 the maximum is the MLE, at 1 the MAP, beyond
# it a stronger prior than was declared. `prior_path <bayes_point.prior_path>` follows it, which for
# this model is the ridge path:

# sphinx_gallery_alt = "Three coefficients against the power of the prior: from least squares at 0 through the MAP at 1 they shrink towards 0."
bp.plot_prior_path(bp.prior_path(ridge, progressbar=False))

# %%
# The MAP moves with the scale
# ----------------------------
#
# Write :math:`\theta` as a function of another parameter :math:`\phi`, say its log odds. A
# probability stays what it is, so the density has to take a factor:
#
# .. math::
#
#    p_{\phi}(\phi) = p_{\theta}(\theta(\phi)) \left| \frac{d\theta}{d\phi} \right| .
#
# This *Jacobian* depends on :math:`\phi`, and the maximum moves with it. Here ``jacobian=True``
# finds the mode on the scale of the log odds. For two heads of three and a Beta(2, 2) prior, the
# exponents of :math:`\theta` and :math:`1 - \theta` are 3 and 2 on one scale, 4 and 3 on the other:

two_of_three = coin(2, 3, alpha=2, beta=2)
on_theta = bp.find_MAP(two_of_three, progressbar=False)
on_log_odds = bp.find_MAP(two_of_three, jacobian=True, progressbar=False)
print(f"theta: {value(on_theta):.4f} = 3/5; log odds: {value(on_log_odds):.4f} = 4/7")

# %%
# There is no right one. The MLE does not move, since a likelihood takes no Jacobian; the posterior
# mean of :math:`\theta` is defined on the scale of :math:`\theta` and does not care how it was
# sampled. By default, MAP here means the mode on the scale that you declared.
#
# Why the mean is elsewhere
# -------------------------
#
# The mode is the highest point of the density, the mean the centre of its mass. They are the same
# for a symmetric density with one peak, and apart for a skewed one. A few events make a rate
# skewed:

# sphinx_gallery_alt = "The posterior density of a rate after two events: the mode at 2, the mean at 3, to the right of it."
posterior = stats.gamma(3)  # two events in one unit of time, flat prior
grid = np.linspace(0, 10, 400)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.fill_between(grid, posterior.pdf(grid), alpha=0.2)
axes.plot(grid, posterior.pdf(grid))
axes.axvline(2, color="C1", linestyle="--", label="mode: MLE and MAP, 2")
axes.axvline(posterior.mean(), color="C2", label="mean, 3")
axes.set(xlabel="rate", ylabel="posterior density", ylim=(0, None))
axes.legend(frameon=False)

# %%
# In several dimensions there is a second reason: the peak of all parameters together need not be
# above the peak of each one. With :math:`n` normal data and flat priors, the joint mode of the
# variance has the divisor :math:`n`; integrate the mean out, and the divisor of the mode becomes
# :math:`n - 1`. `explain <bayes_point.explain>` tells these reasons apart in any model; see
# :doc:`how_to_read_a_report`.
#
# With enough data it does not matter
# -----------------------------------
#
# The theorem of Bernstein and von Mises (van der Vaart 1998, section 10.2; :doc:`/references`) says when. If the model is regular, the true
# value is inside the support, and the prior is positive and continuous there, the posterior nears a
# normal around the MLE, with the inverse information as its variance:
#
# .. math::
#
#    \left\lVert p(\theta \mid y) -
#    \mathcal{N}\left(\theta_{\text{MLE}}, \frac{1}{n\, I(\theta_0)}\right)
#    \right\rVert_{\text{TV}} \longrightarrow 0 .
#
# The prior then costs order :math:`1/n`, against an uncertainty of order :math:`1/\sqrt{n}`, and
# so in the end all gaps fall as :math:`1/\sqrt{n}`. A coin with seven heads of every ten tosses, prior
# Beta(9, 9):

print("tosses   MLE     MAP     mean     sd     gap MLE   gap MAP  TV distance")
theta = np.linspace(0, 1, 200_001)
for n in [10, 100, 1000, 10_000]:
    k = 7 * n // 10
    exact = stats.beta(k + 9, n - k + 9)
    one = coin(k, n, alpha=9, beta=9)
    mle = bp.find_MLE(one, progressbar=False)
    map_ = bp.find_MAP(one, progressbar=False)
    normal = stats.norm(value(mle), float(mle.stderr()["theta"]))
    apart = 0.5 * np.trapezoid(abs(exact.pdf(theta) - normal.pdf(theta)), theta)
    gaps = [(value(e) - exact.mean()) / exact.std() for e in (mle, map_)]
    print(
        f"{n:6d}  {value(mle):.4f}  {value(map_):.4f}  {exact.mean():.4f}  {exact.std():.4f}"
        f"  {gaps[0]:+8.3f}  {gaps[1]:+8.4f}  {apart:11.3f}"
    )

# %%
# It fails where its conditions fail: at the edge of the support, without identification, with
# parameters that grow in number with the data. :doc:`no_maximum` has these.
