"""Suprema at infinity with a parameter beside them that the data say nothing of, or not which way.

What goes to infinity is named; what is only free along the way must not be given a sign.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats

from tests.reference.regressions import expit, irls
from tests.zoo import Point, Truth, ZooModel

__all__ = ["INFINITE_AND_FREE"]

DOSE = np.array([-1.6, -1.1, -0.7, -0.2, 0.3, 0.6, 1.0, 1.5])
SEEN = np.array([0, 0, 1, 0, 1, 0, 1, 1])  # and never a 2
QUIET = np.array([0, 0, 0, 1, 1, 1])
CALLS = np.array([2, 3, 1, 0, 0, 0])
# Petals of three species: all of the first are shorter than any of the others, by a little.
LENGTH = np.array([1.0, 1.4, 1.95, 2.0, 2.6, 3.1, 3.3, 4.0, 4.4, 5.2])
SPECIES = np.array([0, 0, 0, 1, 1, 2, 1, 2, 1, 2])


def softmax_unseen_class() -> pm.Model:
    with pm.Model(coords={"outcome": ["better", "cured"]}) as model:
        a, b = pm.Normal("a", 0, 3, dims="outcome"), pm.Normal("b", 0, 3, dims="outcome")
        eta = pt.concatenate([pt.zeros((len(DOSE), 1)), a + b * DOSE[:, None]], axis=1)
        pm.Categorical("y", logit_p=eta, observed=SEEN)
    return model


def softmax_separated_class() -> pm.Model:
    with pm.Model(coords={"species": ["second", "third"]}) as model:
        a, b = pm.Normal("a", 0, 3, dims="species"), pm.Normal("b", 0, 3, dims="species")
        pm.Deterministic("contrast", pt.stack([a[1] - a[0], b[1] - b[0]]))
        eta = pt.concatenate([pt.zeros((len(LENGTH), 1)), a + b * LENGTH[:, None]], axis=1)
        pm.Categorical("y", logit_p=eta, observed=SPECIES)
    return model


def zero_group_collinear() -> pm.Model:
    x = np.column_stack([QUIET == 0, QUIET == 1, np.ones(6)]).astype(float)
    with pm.Model(coords={"column": ["busy", "quiet", "const"]}) as model:
        beta = pm.Normal("beta", 0, 3, dims="column")
        pm.Deterministic("log_rates", pt.stack([beta[0] + beta[2], beta[1] + beta[2]]))
        pm.Poisson("y", pm.math.exp(x @ beta), observed=CALLS)
    return model


def all_tails_and_a_zero_column() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 2), pm.Normal("b", 0, 2)
        pm.Bernoulli("y", logit_p=a + b * np.zeros(3), observed=[0, 0, 0])
    return model


def all_tails_and_an_unused_mean() -> pm.Model:
    # Beside the logit, another sample, of which only the difference of two means is known.
    with pm.Model() as model:
        eta = pm.Normal("eta", 0, 2)
        one, other = pm.Normal("one", 0, 1), pm.Normal("other", 0, 1)
        pm.Bernoulli("tosses", logit_p=eta, observed=[0, 0, 0])
        pm.Normal("y", pm.Deterministic("gap", one - other), 1, observed=[0.4, 1.0])
    return model


_two = np.column_stack([np.ones(8), DOSE])
_logit = {"mean": expit, "variance": lambda p: p * (1 - p)}
_seen = irls(_two, SEEN, **_logit)
_longer = np.column_stack([np.ones(7), LENGTH[3:]])
_third = irls(_longer, SPECIES[3:] - 1, **_logit)
_busy = stats.poisson(2).logpmf(CALLS[:3]).sum()


def _separated_path(t: float) -> Point:
    # The boundary between the first and the others at 1.975, steeper and steeper.
    return {
        "a": np.array([-1.975 * 200 * t, -1.975 * 200 * t + _third[0]]),
        "b": np.array([200 * t, 200 * t + _third[1]]),
    }


def _unseen_path(t: float) -> Point:
    return {"a": np.array([_seen[0], -4.0 * t]), "b": np.array([_seen[1], 0.3])}


INFINITE_AND_FREE = (
    # The class that is not seen has to be improbable at every dose: a -> -inf with any b, for one,
    # and with 0 among the doses a must go there. The other two classes are a logistic regression.
    ZooModel(
        "softmax_unseen_class",
        softmax_unseen_class,
        mle=Truth(
            "at_infinity",
            {"a": np.array([_seen[0], -np.inf]), "b": np.array([_seen[1], np.nan])},
            "logistic regression of the classes that are seen",
            log_density=stats.bernoulli(expit(_two @ _seen)).logpmf(SEEN).sum(),
            parameters=("a[cured]",),
            n_optima=1,
            no_sign=("b[cured]",),
            path=_unseen_path,
        ),
    ),
    # The first species is told from the others without an error in the limit; between these it is a
    # logistic regression, of which only the differences of the coefficients are known.
    ZooModel(
        "softmax_separated_class",
        softmax_separated_class,
        mle=Truth(
            "at_infinity",
            {
                "a": np.array([-np.inf, -np.inf]),
                "b": np.array([np.inf, np.inf]),
                "contrast": _third,
            },
            "logistic regression of the species that are not separated",
            log_density=stats.bernoulli(expit(_longer @ _third)).logpmf(SPECIES[3:] - 1).sum(),
            parameters=("a[second]", "a[third]", "b[second]", "b[third]"),
            n_optima=1,
            path=_separated_path,
        ),
    ),
    # Constants move from const to busy and quiet; of the sums, the log rates, one is -inf. So
    # neither busy nor const need go anywhere. That there is a flat direction is true as well.
    ZooModel(
        "poisson_zero_group_collinear",
        zero_group_collinear,
        mle=Truth(
            ("at_infinity", "not_identified"),
            {"log_rates": np.array([np.log(2), -np.inf])},
            "log of the group means, 2 and 0",
            log_density=_busy,
            parameters=("beta",),
            no_sign=("beta[busy]", "beta[const]"),
            path=lambda t: {"beta": np.array([0.2, -4.0 * t, np.log(2) - 0.2])},
        ),
    ),
    ZooModel(
        "all_tails_zero_column",
        all_tails_and_a_zero_column,
        mle=Truth(
            "at_infinity",
            {"a": -np.inf},
            "no heads; b is not in the likelihood",
            log_density=0.0,
            parameters=("a",),
            no_sign=("b",),
            path=lambda t: {"a": -4.0 * t, "b": 0.7},
        ),
    ),
    ZooModel(
        "all_tails_and_a_difference",
        all_tails_and_an_unused_mean,
        mle=Truth(
            "at_infinity",
            {"eta": -np.inf, "gap": 0.7},
            "no heads; and the mean of the other sample",
            log_density=stats.norm(0.7, 1).logpdf([0.4, 1.0]).sum(),
            parameters=("eta",),
            no_sign=("one", "other"),
            path=lambda t: {"eta": -4.0 * t, "one": 0.9, "other": 0.2},
        ),
        twin_of="all_tails_zero_column",
    ),
)
