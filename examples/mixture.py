r"""
A mixture, whose likelihood has no maximum
==========================================

The waits between eruptions of Old Faithful have two humps. The likelihood of a mixture of two
normals has no upper limit: with the mean of one at an observation and its sd near 0, it exceeds
every bound (Kiefer and Wolfowitz 1956). `find_MLE` says so, and what to call instead: with
``local=True`` it returns the highest maximum in the interior, which is what everybody means, and
has status *local*.

Its five numbers are those that the EM algorithm of R's *mixtools* prints (Benaglia et al. 2009):
36 % of the waits are short, 54.6 minutes with an sd of 5.87, the others 80.1 minutes with 5.87.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp

waiting = np.loadtxt(Path(__file__).parent / "data" / "geyser.csv", skiprows=1)

with pm.Model(coords={"kind": ["short", "long"]}) as model:
    weight = pm.Dirichlet("weight", [1.0, 1.0], dims="kind")
    mean = pm.Normal(
        "mean", 70, 20, dims="kind", transform=pm.distributions.transforms.ordered, initval=[60, 80]
    )
    sd = pm.HalfNormal("sd", 20, dims="kind")
    pm.NormalMixture("waiting", weight, mean, sd, observed=waiting)

if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(bp.find_MLE(model).status)
    mle = bp.find_MLE(model, local=True)
    print(mle)
    at = np.linspace(40, 100, 300)
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.hist(waiting, bins=np.arange(42, 100, 3), density=True, color="0.85")
    for kind, color in [("short", "#D55E00"), ("long", "#0072B2")]:
        w, m, s = (float(mle[name].sel(kind=kind)) for name in ("weight", "mean", "sd"))
        ax.plot(at, w * stats.norm(m, s).pdf(at), color=color, label=f"{kind}: {w:.0%}")
    ax.set(xlabel="minutes to the next eruption", ylabel="density", title="Old Faithful")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    # sphinx_gallery_alt = "A histogram with two humps, and a normal density over each"
    plt.show()
