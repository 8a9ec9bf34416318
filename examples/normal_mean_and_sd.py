"""The mean and the sd of a normal, from two measurements.

The MLE of the variance divides by n and not by n - 1, so from two measurements it is far too small:
1/16. The prior, conjugate here, moves the MAP to 49/54, and the posterior mean to 49/24.
"""

import pymc as pm

import bayes_point as bp

with pm.Model() as model:
    variance = pm.InverseGamma("variance", alpha=2, beta=3)
    sd = pm.Deterministic("sd", pm.math.sqrt(variance))
    mean = pm.Normal("mean", 0, sd)
    pm.Normal("measured", mean, sd, observed=[1.5, 2.0])

if __name__ == "__main__":
    fit = bp.fit(model, random_seed=1)
    print(bp.summary(fit))
    bp.report(fit, title="Mean and sd of a normal").save("normal_mean_and_sd.html")
