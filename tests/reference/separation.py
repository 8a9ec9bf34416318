"""Binary data that a coefficient, or the log odds of a coin, tells apart without error.

The likelihood rises towards a supremum along a cone of directions and has no maximum there; a
proper prior brings a maximum back, which is then an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
from scipy import optimize, special

from tests.reference import read_data, read_references
from tests.reference.case_models import ENDOMETRIAL, endometrial_design, endometrial_firth
from tests.reference.regressions import expit, irls
from tests.zoo import Point, Truth, ZooModel

__all__ = ["SEPARATION"]

GRADE = np.array([1.0, 2.0, 3.0, 4.0])
TWO_VALUES = np.array([-1.0, -1.0, 3.0, -1.0, -1.0, 3.0])
MIXED_AT_ONE = np.array([1, 1, 0, 0, 0, 0])
PASSED = np.array([0, 0, 1, 1])


def complete() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 5), pm.Normal("b", 0, 2.5)
        pm.Bernoulli("passed", logit_p=a + b * GRADE, observed=PASSED)
    return model


def complete_centred() -> pm.Model:
    with pm.Model(coords={"feature": ["const", "grade"]}) as model:
        beta = pm.Normal("beta", 0, 2.5, dims="feature")
        eta = beta[0] + beta[1] * (GRADE - 2.5)
        pm.Bernoulli("passed", pm.math.invlogit(eta), observed=PASSED)
    return model


def quasi_two_values() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 2), pm.Normal("b", 0, 2)
        pm.Bernoulli("y", logit_p=a + b * TWO_VALUES, observed=MIXED_AT_ONE)
    return model


def endometrial_flat() -> pm.Model:
    x = endometrial_design()
    with pm.Model(coords={"column": ENDOMETRIAL}) as model:
        beta = pm.Flat("beta", dims="column")
        grade = read_data("endometrial_separation")["HG"].astype(int)
        pm.Bernoulli("HG", logit_p=x @ beta, observed=grade)
    return model


def endometrial_effect_coded() -> pm.Model:
    # NV coded as -1/2 and 1/2: the intercept, half way between the groups, diverges with it.
    x = endometrial_design()
    x[:, 1] -= 0.5
    with pm.Model(coords={"column": ENDOMETRIAL}) as model:
        beta = pm.Flat("beta", dims="column")
        grade = read_data("endometrial_separation")["HG"].astype(int)
        pm.Bernoulli("HG", logit_p=x @ beta, observed=grade)
    return model


def heads_logit() -> pm.Model:
    with pm.Model() as model:
        eta = pm.Normal("eta", 0, 1.5)
        pm.Deterministic("theta", pm.math.invlogit(eta))
        pm.Bernoulli("tosses", logit_p=eta, observed=[1, 1, 1])
    return model


def heads_probit() -> pm.Model:
    # In double precision Phi(9) is 1: from there on the gradient is exactly 0.
    with pm.Model() as model:
        eta = pm.Normal("eta", 0, 1.5)
        theta = pm.Deterministic("theta", pm.math.invprobit(eta))
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    return model


def separated_probit() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Bernoulli("passed", pm.math.invprobit(a + b * GRADE), observed=PASSED)
    return model


def _path(direction: dict[str, float]) -> Callable[[float], Point]:
    return lambda t: {name: 4 * t * d for name, d in direction.items()}


_x = np.column_stack([np.ones(4), GRADE])
_logit = {"mean": expit, "variance": lambda p: p * (1 - p)}
# irls knows one prior sd; the intercept's is twice as wide, so its column is taken twice as large.
_complete_map = irls(_x * [2, 1], PASSED, **_logit, prior_precision=2.5**-2) * [2, 1]
_centred_map = irls(_x - [0, 2.5], PASSED, **_logit, prior_precision=2.5**-2)
# Three heads: 3 (1 - p) = eta / 1.5^2, and for the probit 3 phi / Phi = eta / 1.5^2.
_heads_map = optimize.brentq(lambda e: 3 * special.expit(-e) - e / 2.25, 0, 9, xtol=1e-14)
_heads_probit_map = optimize.brentq(
    lambda e: 3 * np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi) / special.ndtr(e) - e / 2.25,
    0,
    9,
    xtol=1e-14,
)
_limits = read_references("endometrial_separation")["mle"]
_endometrial = np.array(
    [
        float(_limits["values"][c].lower()) if c == "NV" else _limits["values"][c]
        for c in ENDOMETRIAL
    ]
)
_endometrial_truth = Truth(
    "at_infinity",
    {"beta": _endometrial},
    _limits["source"],
    log_density=_limits["loglik"],
    parameters=("beta[NV]",),
    n_optima=1,
    rtol=1e-5,
    path=lambda t: {"beta": np.where(np.isinf(_endometrial), 5 * t, _endometrial)},
)
_effect_coded = np.where(np.array(ENDOMETRIAL) == "Intercept", np.inf, _endometrial)


def _effect_coded_path(t: float) -> Point:
    # Intercept + NV (x - 1/2) = (Intercept - NV/2) + NV x.
    return {
        "beta": np.where(np.isinf(_endometrial), 5 * t, _endometrial)
        + 2.5 * t * (np.array(ENDOMETRIAL) == "Intercept")
    }


_effect_coded_truth = Truth(
    "at_infinity",
    {"beta": _effect_coded},
    "the published limits, recoded: the group's log odds are Intercept - NV/2",
    log_density=_limits["loglik"],
    parameters=("beta[Intercept]", "beta[NV]"),
    n_optima=1,
    rtol=1e-5,
    path=_effect_coded_path,
)

SEPARATION = (
    # a + b x must go to -inf at 1 and 2 and to +inf at 3 and 4: b -> inf, a between -3b and -2b.
    ZooModel(
        "separation_complete",
        complete,
        mle=Truth(
            "at_infinity",
            {"a": -np.inf, "b": np.inf},
            "perfect prediction: log-likelihood 0 in the limit",
            log_density=0.0,
            parameters=("a", "b"),
            n_optima=1,
            path=_path({"a": -5.0, "b": 2.0}),
        ),
        map=Truth(
            "converged",
            {"a": _complete_map[0], "b": _complete_map[1]},
            "iteratively reweighted least squares",
            n_optima=1,
        ),
    ),
    # Centred, b -> inf with any intercept between -b/2 and b/2: only b must diverge.
    ZooModel(
        "separation_complete_centred",
        complete_centred,
        mle=Truth(
            "at_infinity",
            {"beta": np.array([np.nan, np.inf])},
            "perfect prediction: log-likelihood 0 in the limit",
            log_density=0.0,
            parameters=("beta[grade]",),
            n_optima=1,
            path=lambda t: {"beta": np.array([0.0, 8.0 * t])},
        ),
        map=Truth(
            "converged",
            {"beta": _centred_map},
            "iteratively reweighted least squares",
            n_optima=1,
        ),
        twin_of="separation_complete",
    ),
    # At -1 half are 1, so that a = b; at 3 none is, so that a + 3 b = 4 b goes to -inf.
    ZooModel(
        "separation_quasi_two_values",
        quasi_two_values,
        mle=Truth(
            "at_infinity",
            {"a": -np.inf, "b": -np.inf},
            "log odds of 0 at -1, of -inf at 3",
            log_density=4 * np.log(0.5),
            parameters=("a", "b"),
            n_optima=1,
            path=_path({"a": -1.0, "b": -1.0}),
        ),
    ),
    ZooModel(
        "separation_probit",
        separated_probit,
        mle=Truth(
            "at_infinity",
            {"a": -np.inf, "b": np.inf},
            "perfect prediction: log-likelihood 0 in the limit",
            log_density=0.0,
            parameters=("a", "b"),
            n_optima=1,
            path=lambda t: {"a": -5.0 * t, "b": 2.0 * t},
        ),
        twin_of="separation_complete",
    ),
    ZooModel(
        "endometrial_separation",
        endometrial_flat,
        mle=_endometrial_truth,
        map=_endometrial_truth,
    ),
    ZooModel(
        "endometrial_effect_coded",
        endometrial_effect_coded,
        mle=_effect_coded_truth,
        map=_effect_coded_truth,
        twin_of="endometrial_separation",
    ),
    # The penalty is part of the prior: the likelihood's supremum is where it was.
    ZooModel(
        "endometrial_firth_mle",
        endometrial_firth,
        mle=_endometrial_truth,
        potentials="prior",
        twin_of="endometrial_separation",
    ),
    ZooModel(
        "all_heads_logit",
        heads_logit,
        mle=Truth(
            "at_infinity",
            {"eta": np.inf, "theta": 1.0},
            "theta = 1 is eta = inf",
            log_density=0.0,
            parameters=("eta",),
            n_optima=1,
            path=lambda t: {"eta": 5 * t},
        ),
        map=Truth(
            "converged",
            {"eta": _heads_map, "theta": special.expit(_heads_map)},
            "3 (1 - p) = eta / 1.5^2",
            n_optima=1,
        ),
        twin_of="all_heads",
    ),
    ZooModel(
        "all_heads_probit",
        heads_probit,
        mle=Truth(
            "at_infinity",
            {"eta": np.inf, "theta": 1.0},
            "theta = 1 is eta = inf",
            log_density=0.0,
            parameters=("eta",),
            n_optima=1,
            path=lambda t: {"eta": t},
        ),
        map=Truth(
            "converged",
            {"eta": _heads_probit_map, "theta": special.ndtr(_heads_probit_map)},
            "3 phi(eta)/Phi(eta) = eta / 1.5^2",
            n_optima=1,
        ),
        twin_of="all_heads",
    ),
)
