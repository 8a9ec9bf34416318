r"""
The highest sea level of a year: extreme values
===============================================

The largest of many values has a generalised extreme-value distribution, whatever the distribution
of the values. Its shape :math:`\xi` says how heavy the tail is, and with it what to build a sea
wall for: the *return level* is exceeded in one year of a hundred. The data are 65 years of annual
maxima at Port Pirie (Coles 2001). The distribution is written out as a ``pymc.CustomDist``; where a
value lies beyond its end, the density is 0.

Maximum likelihood gives :math:`(\mu, \sigma, \xi) = (3.87, 0.198, -0.050)`, as Coles has it. The
normal interval of the return level is symmetric; its likelihood is not, and the profile interval
reaches much higher: the data say little of how bad it may become.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import bayes_point as bp

table = pd.read_csv(Path(__file__).parent / "data" / "port_pirie.csv")
YEARS = 100


def gev(y, mu, sigma, xi):
    """Log density; the limit of shape 0 is Gumbel's."""
    z = (y - mu) / sigma
    inside = 1 + xi * z
    log_t = pt.switch(pt.eq(xi, 0), -z, -pt.log(pt.maximum(inside, 1e-300)) / xi)
    return pt.switch(inside > 0, -pt.log(sigma) + (1 + xi) * log_t - pt.exp(log_t), -np.inf)


with pm.Model() as model:
    mu = pm.Normal("mu", 4, 1)
    sigma = pm.HalfNormal("sigma", 1)
    xi = pm.Normal("xi", 0, 0.5)
    often = -np.log1p(-1 / YEARS)
    pm.Deterministic("return_level", mu + sigma / xi * (often ** (-xi) - 1))
    pm.CustomDist("level", mu, sigma, xi, logp=gev, observed=table["level"].to_numpy())

if __name__ == "__main__":
    mle = bp.find_MLE(model)
    print(mle)
    for method in ("wald", "profile"):
        found = mle.conf_int(var_names="return_level", ci_prob=0.95, method=method)
        print(f"{method}: {found['return_level'].values.round(2)} m")
    bp.plot_profile(bp.profile(mle, var_names="return_level", ci_prob=0.95))
    # sphinx_gallery_alt = "The profile of the return level, far steeper below than above"
    plt.show()
