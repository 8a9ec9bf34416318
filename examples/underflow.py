r"""
Why everyone works with the log-likelihood
==========================================

The likelihood of :math:`n` independent data is a product of :math:`n` densities. Each of them is
about 0.12 here, so the product of 2,000 is about :math:`10^{-1835}`. The smallest positive number
in double precision is :math:`5 \cdot 10^{-324}`; on the way the product is rounded to exactly 0,
for every value of the parameter, and a maximum can no longer be seen.

The logarithm turns the product into a sum, which has no such trouble, and it moves no maximum,
since it increases. This is why models are written, and maximised, as log densities.
"""

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

rng = np.random.default_rng(0)
y = rng.normal(1.0, 2.0, size=2000)

with pm.Model() as model:
    mean = pm.Normal("mean", 0, 10)
    pm.Normal("y", mean, 2, observed=y)

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    density = stats.norm(float(mle.point["mean"]), 2).pdf(y)
    product, log_sum = np.cumprod(density), np.cumsum(np.log(density))
    gone = int(np.argmax(product == 0))
    print(f"product of {len(y)} densities: {product[-1]}; it is 0 from n = {gone + 1} on")
    print(f"sum of their logs: {log_sum[-1]:.3f}; log-likelihood: {mle.log_likelihood:.3f}")
    fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
    n = np.arange(1, len(y) + 1)
    ax.plot(n, log_sum / np.log(10), color="#0072B2", linewidth=1.5, label="sum of the logs")
    ax.plot(
        n[:gone], np.log10(product[:gone]), color="#D55E00", linewidth=5, alpha=0.6, label="product"
    )
    ax.plot(n[gone], np.log10(5e-324), "X", color="#D55E00", markersize=11, markeredgecolor="white")
    ax.annotate(
        f"the product is exactly 0\nfrom n = {gone + 1} on",
        (n[gone], -324),
        (n[gone] + 120, -150),
        arrowprops={"arrowstyle": "-", "color": "0.4"},
    )
    ax.axhline(np.log10(5e-324), color="0.6", linestyle=":", label="smallest double, 5e-324")
    ax.set(xlabel="observations n", ylabel="log₁₀ likelihood", title="Likelihood of n data")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "The product ends at 5e-324 after 351 data; the sum of the logs goes on"
    plt.show()
