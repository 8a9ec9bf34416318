"""Why a sample variance divides by n - 1: ten thousand samples of four.

The MLE of a variance divides by n. Of four normal data of variance 9 it is 9 · 3/4 on average: a
shortfall of 9/4, which Bessel's factor 4/3 repairs. The bias falls as 1/n; the MAP has another one.
"""

import numpy as np
import pymc as pm
import xarray as xr

import bayes_point as bp


def normal(observed):
    with pm.Model() as out:
        variance = pm.InverseGamma("variance", alpha=3, beta=18)
        mean = pm.Normal("mean", 0, pm.math.sqrt(variance))
        pm.Normal("y", mean, pm.math.sqrt(variance), observed=observed)
    return out


def study_of(n):
    truth = {"mean": 0, "variance": 9}
    return bp.study(normal(np.zeros(n)), truth, 10_000, estimators=["MLE", "MAP"], random_seed=1)


model = normal([1.0, 4.0, 7.0, 8.0])

if __name__ == "__main__":
    sizes = [2, 4, 8, 16, 32]
    studies = xr.concat([study_of(n) for n in sizes], xr.Variable("sample_size", sizes))
    bias = studies[["bias", "bias_mcse"]].sel(estimator="MLE", parameter="variance", sample_size=4)
    print(f"MLE: {9 + bias['bias']:.2f} on average, with Bessel {4 / 3 * (9 + bias['bias']):.2f}")
    bp.plot_study(studies, parameters="variance").savefig("bessel_correction.png")
    fit = bp.fit(model, random_seed=1)
    print(bp.summary(fit))
    bp.report(fit, title="Bessel's correction").save("bessel_correction.html")
