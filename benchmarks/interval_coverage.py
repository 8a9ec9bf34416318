"""How often 95 % intervals hold the truth: profile against Wald, in three small models.

    uv run python benchmarks/interval_coverage.py --write docs/coverage.md

Wald here is the textbook's: estimate plus and minus 1.96 standard errors on the natural scale.  For
the binomial the sixteen outcomes are weighed exactly; the others are simulated.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymc as pm
from scipy import stats

import bayes_point as bp
from bayes_point.errors import EstimationWarning

PROB = 0.95
Z = float(stats.norm.ppf(0.5 + PROB / 2))


def weibull(rng: np.random.Generator) -> tuple[pm.Model, str, float]:
    # Shape 1.5 and scale 1, twenty lifetimes; followed until 70 % have ended, on average.
    end = float(stats.weibull_min(1.5).ppf(0.7))
    lives = np.minimum(rng.weibull(1.5, 20), end)
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        pm.Censored("y", pm.Weibull.dist(alpha, beta), lower=None, upper=end, observed=lives)
    return model, "alpha", 1.5


def normal_sd(rng: np.random.Generator) -> tuple[pm.Model, str, float]:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=rng.normal(0, 1, 5))
    return model, "sigma", 1.0


def binomial(heads: int) -> pm.Model:
    with pm.Model() as model:
        p = pm.Uniform("p", 0, 1)
        pm.Binomial("y", 15, p, observed=heads)
    return model


def holds(model: pm.Model, name: str, truth: float) -> np.ndarray:
    """Whether the profile interval holds the truth, and whether Wald's does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        mle = bp.find_MLE(model, random_seed=1, progressbar=False)
        ends = mle.conf_int(ci_prob=PROB, method="profile", var_names=[name])[name].values
    estimate, se = float(mle.point[name]), float(mle.stderr()[name])
    # On the boundary there is no standard error; the textbook's formula is zero wide there.
    reach = Z * (0.0 if np.isnan(se) else se)
    return np.array([ends[0] <= truth <= ends[1], abs(estimate - truth) <= reach])


def simulated(make, n: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(20)
    share = np.mean([holds(*make(rng)) for _ in range(n)], axis=0)
    return share, np.sqrt(share * (1 - share) / n)


def exact() -> tuple[np.ndarray, np.ndarray]:
    heads = np.arange(16)
    weight = stats.binom(15, 0.1).pmf(heads)
    each = np.array([holds(binomial(int(k)), "p", 0.1) for k in heads])
    return weight @ each, np.zeros(2)


def rows(n: int) -> Iterator[str]:
    cases = {
        "Weibull shape, n = 20, 30 % censored": simulated(weibull, n),
        "binomial probability, n = 15, p = 0.1": exact(),
        "normal sd, n = 5": simulated(normal_sd, n),
    }
    for name, (share, error) in cases.items():
        cells = [
            f"{100 * s:.1f} %" + (f" ± {100 * e:.1f}" if e else " (exact)")
            for s, e in zip(share, error, strict=True)
        ]
        yield f"| {name} | {cells[0]} | {cells[1]} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="simulated data sets a model")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args()
    page = "\n".join(
        [
            "# Coverage of 95 % intervals",
            "",
            "How often the interval holds the truth, ± its Monte Carlo standard error. Wald is the",
            "estimate plus and minus 1.96 standard errors on the natural scale; the Wald intervals",
            "of `conf_int` are made on the unconstrained scale. Made by",
            f"`benchmarks/interval_coverage.py` from {args.n} data sets a model; the binomial by",
            "weighing its sixteen outcomes.",
            "",
            "| model | profile | Wald |",
            "|---|---|---|",
            *rows(args.n),
            "",
        ]
    )
    print(page)
    if args.write:
        args.write.write_text(page)


if __name__ == "__main__":
    main()
