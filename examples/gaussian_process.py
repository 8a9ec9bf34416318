r"""
A Gaussian process: the Nile once more
======================================

The flow of the Nile at Aswan, 1871 to 1970 (10⁸ m³), as a smooth curve of unknown shape under
noise. The curve is a Gaussian process with a Matérn 3/2 covariance; it is integrated out in closed
form, so that three numbers are left: how far the curve wanders (``eta``), over how many years
(``length``), and the noise (``sigma``).

scikit-learn's ``GaussianProcessRegressor`` maximises the same likelihood. With the kernel
``ConstantKernel() * Matern(nu=1.5) + WhiteKernel()`` on the flow less its mean it finds 121.32789,
4.06274 and 115.84874, with a log likelihood of -637.6355922.

One century says little about the length: the interval of the MLE goes from two years to nine, and a
prior that holds it for decades takes the MAP to eleven. ``bp.fit(model)`` sets both beside the
posterior.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "nile.csv")
years, flow = table["year"].to_numpy(float), table["flow"].to_numpy(float)

with pm.Model() as model:
    eta = pm.HalfNormal("eta", 200)
    length = pm.InverseGamma("length", 3, 60)
    sigma = pm.HalfNormal("sigma", 200)
    gp = pm.gp.Marginal(cov_func=eta**2 * pm.gp.cov.Matern32(1, length))
    gp.marginal_likelihood("flow", years[:, None], flow - flow.mean(), sigma=sigma)

if __name__ == "__main__":
    start = {"eta": 100.0, "length": 20.0, "sigma": 100.0}
    mle = bp.find_MLE(model, initvals=start)
    print(mle)
    map_ = bp.find_MAP(model, initvals=start)
    print({name: round(float(map_[name]), 1) for name in ("eta", "length", "sigma")})
    at = {name: map_[name].values for name in ("eta", "length", "sigma")}
    with model:
        mean, variance = gp.predict(years[:, None], point=at, diag=True)
    curve, half = flow.mean() + mean, 1.96 * np.sqrt(variance)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.plot(years, flow, ".", color="0.5", label="flow")
    ax.plot(years, curve, color="#0072B2", label="curve, at the MAP")
    ax.fill_between(years, curve - half, curve + half, color="#0072B2", alpha=0.2)
    ax.set(xlabel="year", ylabel="flow (10⁸ m³)", title="The Nile at Aswan")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    # sphinx_gallery_alt = "A hundred points and a smooth curve among them, which falls around 1900"
    plt.show()
