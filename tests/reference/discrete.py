"""Free discrete variables with a finite support: enumerated here, one value after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats

from tests.zoo import Truth, ZooModel

__all__ = ["DISCRETE"]

BIAS = np.array([0.2, 0.5, 0.8])
BIAS_PRIOR = np.array([0.5, 0.4, 0.1])
COUNTS = np.array([4, 5, 3, 6, 1, 0, 2, 1])
OUTLYING = np.array([0.1, -0.3, 0.5, 2.8, 8.0])


def which_coin() -> pm.Model:
    with pm.Model() as model:
        coin = pm.Categorical("coin", BIAS_PRIOR)
        pm.Binomial("heads", 10, pt.as_tensor(BIAS)[coin], observed=7)
    return model


def capture_recapture() -> pm.Model:
    # 20 fish marked; of 16 caught later 7 have the mark.
    with pm.Model() as model:
        population = pm.DiscreteUniform("population", 29, 200)
        pm.HyperGeometric("marked", N=population, k=20, n=16, observed=7)
    return model


def change_point() -> pm.Model:
    with pm.Model() as model:
        when = pm.DiscreteUniform("when", 1, 7)
        early, late = pm.Gamma("early", 2, 1), pm.Gamma("late", 2, 1)
        rate = pm.math.switch(np.arange(8) < when, early, late)
        pm.Poisson("y", rate, observed=COUNTS)
    return model


def outliers() -> pm.Model:
    with pm.Model(coords={"row": range(5)}) as model:
        mu = pm.Flat("mu")
        outlier = pm.Bernoulli("outlier", 0.1, dims="row")
        pm.Normal("y", mu, pm.math.switch(outlier, 10.0, 1.0), observed=OUTLYING)
    return model


def _change_points(shape: float, rate: float) -> Iterator[tuple[float, dict]]:
    """Best density and point for each change; a Gamma(2, 1) prior adds 1 to both."""
    for when in range(1, 8):
        parts = COUNTS[:when], COUNTS[when:]
        rates = [(part.sum() + shape) / (part.size + rate) for part in parts]
        height = sum(
            stats.poisson(r).logpmf(part).sum() + shape * np.log(r) - rate * r
            for r, part in zip(rates, parts, strict=True)
        )
        yield height, {"when": when, "early": rates[0], "late": rates[1]}


def _outliers(log_odds: float) -> Iterator[tuple[float, dict]]:
    """Best density and point for each set of outliers, the mean being the weighted one."""
    for flags in product([0, 1], repeat=5):
        sd = np.where(flags, 10.0, 1.0)
        mu = np.average(OUTLYING, weights=sd**-2)
        height = stats.norm(mu, sd).logpdf(OUTLYING).sum() + log_odds * sum(flags)
        yield height, {"mu": mu, "outlier": np.array(flags)}


def _best(candidates: Iterator[tuple[float, dict]], source: str) -> Truth:
    return Truth("converged", max(candidates, key=lambda pair: pair[0])[1], source, n_optima=None)


_heads = stats.binom(10, BIAS).pmf(7)

DISCRETE = (
    ZooModel(
        "which_coin",
        which_coin,
        mle=Truth(
            "converged",
            {"coin": int(np.argmax(_heads))},
            "the largest of three",
            log_density=np.log(_heads.max()),
        ),
        map=Truth(
            "converged",
            {"coin": int(np.argmax(_heads * BIAS_PRIOR))},
            "the largest of three, weighted",
            log_density=np.log((_heads * BIAS_PRIOR).max()),
        ),
    ),
    # The whole part of 20 * 16 / 7 = 45.7.
    ZooModel(
        "capture_recapture",
        capture_recapture,
        mle=Truth("converged", {"population": 45}, "Lincoln and Petersen"),
        map=Truth("converged", {"population": 45}, "Lincoln and Petersen; the prior is constant"),
    ),
    ZooModel(
        "change_point",
        change_point,
        mle=_best(_change_points(0, 0), "seven changes, group means for each"),
        map=_best(_change_points(1, 1), "seven changes, conjugate modes for each"),
    ),
    ZooModel(
        "outliers",
        outliers,
        mle=_best(_outliers(0.0), "32 sets of outliers, weighted mean for each"),
        map=_best(_outliers(np.log(1 / 9)), "32 sets of outliers, weighted mean for each"),
    ),
)
