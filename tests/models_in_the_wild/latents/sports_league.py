"""A football league: attack and defence of each team, sums to zero, partially pooled."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

ROW = "continuous latents; ZeroSumNormal"
LATENT = True
rng = np.random.default_rng(22)
HOME, AWAY = np.array([(i, j) for i in range(6) for j in range(6) if i != j]).T
ATTACK, DEFENCE = 0.3 * rng.normal(size=(2, 6))
GOALS_HOME = rng.poisson(np.exp(0.3 + 0.2 + ATTACK[HOME] - DEFENCE[AWAY]))
GOALS_AWAY = rng.poisson(np.exp(0.2 + ATTACK[AWAY] - DEFENCE[HOME]))


def model() -> pm.Model:
    with pm.Model() as m:
        home, base = pm.Normal("home", 0, 1), pm.Normal("base", 0, 1)
        sd = pm.HalfNormal("sd", 1, shape=2)
        attack = pm.ZeroSumNormal("attack", sd[0], shape=6)
        defence = pm.ZeroSumNormal("defence", sd[1], shape=6)
        pm.Poisson(
            "goals_home", pt.exp(base + home + attack[HOME] - defence[AWAY]), observed=GOALS_HOME
        )
        pm.Poisson("goals_away", pt.exp(base + attack[AWAY] - defence[HOME]), observed=GOALS_AWAY)
    return m
