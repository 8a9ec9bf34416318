r"""
A random walk under noise: the flow of the Nile
===============================================

The volume of the Nile at Aswan in each year from 1871 to 1970 (10⁸ m³), as a level that moves and
an error of each year:

.. math:: y_t \sim N(\mu_t, \sigma_y^2), \qquad \mu_t \sim N(\mu_{t-1}, \sigma_\mu^2).

The hundred levels are latent. Maximised jointly with them, the density has no upper bound: all
levels alike, and :math:`\sigma_\mu \to 0`. Integrated out, as a Kalman filter does, it has a
maximum: Durbin and Koopman (2001) have the variances 15,099 and 1,469.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pymc as pm

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "nile.csv")
years, flow = table["year"].to_numpy(), table["flow"].to_numpy(float)

with pm.Model(coords={"year": years}) as model:
    sigma_flow, sigma_level = pm.HalfFlat("sigma_flow"), pm.HalfFlat("sigma_level")
    first = pm.Normal.dist(1100, 1e4)  # as good as flat
    level = pm.GaussianRandomWalk("level", 0, sigma_level, init_dist=first, dims="year")
    pm.Normal("flow", level, sigma_flow, observed=flow, dims="year")

if __name__ == "__main__":
    mle = bp.find_MLE(model, marginalize="latents", initvals={"sigma_flow": 100, "sigma_level": 50})
    for name in ("sigma_flow", "sigma_level"):
        print(f"{name}: {float(mle[name]):.2f}, variance {float(mle[name]) ** 2:,.0f}")
    se = mle.stderr()["level"]
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.plot(years, flow, ".", color="0.5", label="flow")
    ax.plot(years, mle["level"], color="#0072B2", label="level")
    low, high = mle["level"] - 1.96 * se, mle["level"] + 1.96 * se
    ax.fill_between(years, low, high, color="#0072B2", alpha=0.2)
    ax.set(xlabel="year", ylabel="flow (10⁸ m³)", title="The Nile at Aswan")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "A hundred points and the smooth level among them, which falls in 1898"
    plt.show()
