"""``pm.Simulator`` has no likelihood: refused, rightly."""

import numpy as np
import pymc as pm

ROW = "Simulator"
HAS = ()


def model() -> pm.Model:
    with pm.Model() as m:
        mu = pm.Normal("mu", 0, 5)
        s = pm.HalfNormal("s", 2)
        pm.Simulator(
            "y",
            lambda rng, mu, s, size: rng.normal(mu, s, size=50),
            params=(mu, s),
            epsilon=1,
            sum_stat="sort",
            observed=np.linspace(-1, 3, 50),
        )
    return m
