"""Three normals with ordered means, n = 1,000: unbounded where one closes in on an observation."""

import numpy as np
import pymc as pm

ROW = "slow; wrong; Mixture"
HAS = ("map",)
rng = np.random.default_rng(62)
Y = rng.choice([-5.0, 0.0, 5.0], p=[0.2, 0.5, 0.3], size=1000) + rng.normal(size=1000)


def model() -> pm.Model:
    with pm.Model() as m:
        w = pm.Dirichlet("w", np.ones(3))
        mu = pm.Normal(
            "mu", 0, 10, shape=3, transform=pm.distributions.transforms.ordered, initval=[-4, 0, 4]
        )
        tau = pm.Gamma("tau", 1, 1, shape=3)
        pm.NormalMixture("y", w=w, mu=mu, tau=tau, observed=Y)
    return m
