"""Three tosses, three heads: the MLE says that tails cannot happen.

With x heads of n tosses and a Beta(a, b) prior, the MLE of theta is x/n = 1, the edge of its range;
the MAP is (x + a - 1)/(n + a + b - 2) = 4/5, and the posterior mean (x + a)/(n + a + b) = 5/7.
"""

import pymc as pm

import bayes_point as bp

with pm.Model() as model:
    theta = pm.Beta("theta", 2, 2)
    pm.Bernoulli("tosses", theta, observed=[1, 1, 1])

if __name__ == "__main__":
    fit = bp.fit(model, random_seed=1)
    print(bp.summary(fit))
    bp.report(fit, title="Coin flip").save("coin_flip.html")
