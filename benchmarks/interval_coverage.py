"""How often 95 % intervals hold the truth: profile against Wald, in small samples.

    uv run python benchmarks/interval_coverage.py --write docs/coverage.md

Wald here is the textbook's: estimate plus and minus 1.96 standard errors on the natural scale.  A
profile interval holds the truth where twice the log-likelihood that is lost by fixing the parameter
at the truth is below the quantile of chi-squared, so that two refits of all data sets tell; the
ends that `conf_int` finds are looked at for some of them.  The binomial's sixteen outcomes are
weighed exactly.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from scipy import stats

import bayes_point as bp

PROB = 0.95
Z = float(stats.norm.ppf(0.5 + PROB / 2))
# Lifetimes of shape 1.5 and scale 1 are followed until 70 % have ended, on average.
SHAPE = 1.5
END = float(stats.weibull_min(SHAPE).ppf(0.7))


def weibull(y: NDArray, **fixed: float) -> pm.Model:
    with pm.Model() as model:
        alpha = fixed["alpha"] if "alpha" in fixed else pm.HalfFlat("alpha")
        beta = fixed["beta"] if "beta" in fixed else pm.HalfFlat("beta")
        pm.Censored("y", pm.Weibull.dist(alpha, beta), lower=None, upper=END, observed=y)
    return model


def normal(y: NDArray, **fixed: float) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        sigma = fixed["sigma"] if "sigma" in fixed else pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=y)
    return model


def binomial(y: NDArray, **fixed: float) -> pm.Model:
    with pm.Model() as model:
        p = pm.Uniform("p", 0, 1)
        pm.Binomial("y", 15, p, observed=y)
    return model


@dataclass(frozen=True)
class Case:
    """A model, the parameter looked at and its true value, and data of it, a row a data set."""

    label: str
    model: Callable[..., pm.Model]
    name: str
    truth: float
    data: Callable[[np.random.Generator, int], NDArray]


def lifetimes(rng: np.random.Generator, n: int) -> NDArray:
    return np.minimum(rng.weibull(SHAPE, (n, 20)), END)


CASES = (
    Case("Weibull shape, n = 20, 30 % censored", weibull, "alpha", SHAPE, lifetimes),
    Case("Weibull scale, n = 20, 30 % censored", weibull, "beta", 1.0, lifetimes),
    Case("normal sd, n = 5", normal, "sigma", 1.0, lambda rng, n: rng.normal(0, 1, (n, 5))),
)


def ends_hold(model: pm.Model, name: str, truth: float) -> bool:
    mle = bp.find_MLE(model, random_seed=1, progressbar=False)
    ends = mle.conf_int(ci_prob=PROB, method="profile", var_names=[name])[name].values
    return bool(ends[0] <= truth <= ends[1])


def simulated(case: Case, n: int, looked_at: int) -> tuple[NDArray, NDArray]:
    """Coverage of profile and Wald, and that of the first less the second; with their errors."""
    y = case.data(np.random.default_rng(20), n)
    free = bp.refit(case.model(y[0]), {"y": y}, progressbar=False)
    held = bp.refit(case.model(y[0], **{case.name: case.truth}), {"y": y}, progressbar=False)
    lost = 2 * (free["log_likelihood"] - held["log_likelihood"]).values
    profile = lost <= stats.chi2(1).ppf(PROB)
    for i in range(looked_at):
        model = case.model(y[i])
        assert ends_hold(model, case.name, case.truth) == profile[i], f"data set {i}"
    reach = Z * free[f"{case.name}_stderr"].values
    # Where all are censored there is neither estimate nor standard error: not held.
    wald = np.abs(free[case.name].values - case.truth) <= reach
    each = np.stack([profile, wald, profile.astype(float) - wald]).astype(float)
    return each.mean(axis=1), each.std(axis=1) / np.sqrt(n)


def exact() -> tuple[NDArray, NDArray]:
    heads = np.arange(16)
    weight = stats.binom(15, 0.1).pmf(heads)
    profile = np.array([ends_hold(binomial(np.array(k)), "p", 0.1) for k in heads])
    share = heads / 15
    # On the boundary there is no standard error; the textbook's formula is zero wide there.
    wald = np.abs(share - 0.1) <= Z * np.sqrt(share * (1 - share) / 15)
    each = np.stack([profile, wald, profile.astype(float) - wald]).astype(float)
    return each @ weight, np.zeros(3)


def rows(n: int, looked_at: int) -> Iterator[str]:
    found = {case.label: simulated(case, n, looked_at) for case in CASES}
    found["binomial probability, n = 15, p = 0.1"] = exact()
    for label, (share, error) in found.items():
        cells = [
            f"{100 * s:{sign}.1f} %" + (f" ± {100 * e:.1f}" if e else " (exact)")
            for s, e, sign in zip(share, error, ("", "", "+"), strict=True)
        ]
        yield f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20_000, help="simulated data sets a model")
    parser.add_argument("--ends", type=int, default=30, help="whose intervals are found as well")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args()
    page = "\n".join(
        [
            "# Coverage of 95 % intervals",
            "",
            "How often the interval holds the truth, ± its Monte Carlo standard error. Wald is the",
            "estimate plus and minus 1.96 standard errors on the natural scale; the Wald intervals",
            "of `conf_int` are made on the unconstrained scale. Made by",
            f"`benchmarks/interval_coverage.py` from {args.n:,} data sets a model; the binomial by",
            "weighing its sixteen outcomes.",
            "",
            "| parameter | profile | Wald | difference |",
            "|---|---|---|---|",
            *rows(args.n, args.ends),
            "",
        ]
    )
    print(page)
    if args.write:
        args.write.write_text(page)


if __name__ == "__main__":
    main()
