"""Did the cold harm the O-rings? The 23 flights of the space shuttle before Challenger's last.

Chance of damage against the air temperature at launch (data and source in `data/README.md`).
`at_31F` is the chance at 31 °F, the temperature on the morning of the accident.
"""

from pathlib import Path

import pandas as pd
import pymc as pm

import bayes_point as bp

flights = pd.read_csv(Path(__file__).parent / "data" / "challenger.csv")

with pm.Model() as model:
    intercept = pm.Normal("intercept", 0, 5)  # log odds at 70 °F
    slope = pm.Normal("slope", 0, 0.5)  # change of the log odds per °F
    log_odds = intercept + slope * (flights["temperature"].to_numpy() - 70)
    pm.Bernoulli("damage", logit_p=log_odds, observed=flights["damage"])
    pm.Deterministic("at_31F", pm.math.invlogit(intercept + slope * (31 - 70)))

if __name__ == "__main__":
    fit = bp.fit(model, random_seed=1)
    print(bp.summary(fit))
    bp.report(fit, title="O-rings of the space shuttle").save("logistic_regression.html")
