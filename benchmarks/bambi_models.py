"""Five models of Bambi's documentation against published numbers and statsmodels.

    uv run --with bambi --with statsmodels python benchmarks/bambi_models.py

Data that Bambi fetches from the network are those of ``tests`` and ``examples``, or written out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bambi as bmb
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.genmod.families import links

import bayes_point as bp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.estimation.sleepstudy import REACTION  # noqa: E402

# Bliss (1935), as in Dobson (2002), table 7.2: beetles killed by carbon disulphide.
BEETLES = pd.DataFrame(
    {
        "x": [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839],
        "n": [59, 60, 62, 56, 63, 59, 62, 60],
        "y": [6, 13, 18, 28, 52, 53, 61, 60],
    }
)


def mle(formula: str, data: pd.DataFrame, **options: Any) -> bp.PointEstimate:
    """Return the MLE of a model of Bambi, random effects integrated out."""
    latents = {"marginalize": "latents"} if "|" in formula else {}
    model = bmb.Model(formula, data, center_predictors=False, **options)
    return bp.find_MLE(model, progressbar=False, random_seed=1, **latents)


def show(name: str, found: bp.PointEstimate, theirs: dict[str, float], value: float) -> None:
    """Print our numbers and theirs, and the log-likelihoods."""
    print(f"{name}: {found.status.key}; log L {found.log_likelihood:.6f} ({value:.6f})")
    for key, other in theirs.items():
        print(f"  {key} {float(found.point[key]):.7g} ({other:.7g})", flush=True)


def main() -> None:
    subject, days = np.indices(REACTION.shape)
    sleep = pd.DataFrame(
        {
            "Reaction": REACTION.ravel(),
            "Days": days.ravel().astype(float),
            "Subject": subject.ravel().astype(str),
        }
    )
    found = mle("Reaction ~ Days + (Days|Subject)", sleep)
    # lme4, Reaction ~ Days + (Days || Subject), REML = FALSE.
    lme4 = {"Intercept": 251.4051, "Days": 10.46729, "sigma": 25.5561}
    show("sleepstudy", found, lme4, -876.0016)

    killed = np.c_[BEETLES["y"], BEETLES["n"] - BEETLES["y"]]
    design = sm.add_constant(BEETLES["x"])
    for link, theirs in (("logit", links.Logit()), ("cloglog", links.CLogLog())):
        glm = sm.GLM(killed, design, sm.families.Binomial(theirs)).fit(tol=1e-14)
        found = mle("p(y, n) ~ x", BEETLES, family="binomial", link=link)
        numbers = {"Intercept": glm.params["const"], "x": glm.params["x"]}
        show(f"beetles, {link}", found, numbers, glm.llf)

    quine = pd.read_csv(ROOT / "examples" / "data" / "quine.csv")
    formula = "days ~ AgeF1 + AgeF2 + AgeF3"
    poisson = smf.poisson(formula, quine).fit(disp=0)
    numbers = {key: poisson.params[key] for key in ("Intercept", "AgeF3")}
    show("quine, Poisson", mle(formula, quine, family="poisson"), numbers, poisson.llf)
    negative = smf.negativebinomial(formula, quine).fit(disp=0, method="bfgs", gtol=1e-9)
    numbers = {key: negative.params[key] for key in ("Intercept", "AgeF3")}
    numbers["alpha"] = 1 / negative.params["alpha"]
    found = mle(formula, quine, family="negativebinomial")
    show("quine, negative binomial", found, numbers, negative.llf)


if __name__ == "__main__":
    main()
