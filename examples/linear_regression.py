"""Ordinary least squares is an MLE, and ridge regression is a MAP.

With a known noise sd, the MLE of the coefficients is the least-squares solution. A normal prior
around 0 makes the MAP the ridge solution, with penalty (noise / prior sd)². The first two columns
are nearly the same, so that least squares cannot tell which of them matters; ridge shares it out.
"""

import numpy as np
import pymc as pm

import bayes_point as bp

NOISE, PRIOR_SD = 1.0, 0.5

rng = np.random.default_rng(7)
X = rng.normal(size=(40, 3))
X[:, 1] = X[:, 0] + 0.2 * rng.normal(size=40)
y = X @ [1.0, 1.0, -0.5] + NOISE * rng.normal(size=40)

with pm.Model(coords={"column": ["a", "a_again", "b"]}) as model:
    beta = pm.Normal("beta", 0, PRIOR_SD, dims="column")
    pm.Normal("y", pm.math.dot(X, beta), NOISE, observed=y)

if __name__ == "__main__":
    print("least squares:", bp.find_MLE(model).point["beta"].values)
    print("ridge:        ", bp.find_MAP(model).point["beta"].values)
    fit = bp.fit(model, random_seed=1)
    print(bp.summary(fit))
    bp.report(fit, title="Linear regression").save("linear_regression.html")
