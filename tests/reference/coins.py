"""Coins: every answer is a ratio of counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Truth, ZooModel

__all__ = ["COINS"]

# k heads of n under Beta(a, b): log density (k+a-1) log t + (n-k+b-1) log(1-t), so the MLE is k/n,
# the MAP (k+a-1)/(n+a+b-2); the Jacobian of the log odds adds log t + log(1-t): (k+a)/(n+a+b).


def coin(tosses: list[int], a: float, b: float) -> Callable[[], pm.Model]:
    def build() -> pm.Model:
        with pm.Model() as model:
            theta = pm.Beta("theta", a, b)
            pm.Bernoulli("tosses", theta, observed=tosses)
        return model

    return build


def coin_truths(tosses: list[int], a: float, b: float) -> dict[str, Truth]:
    """Closed forms for 0 < k < n."""
    n, k = len(tosses), sum(tosses)

    def loglik(t: float) -> float:
        return float(k * np.log(t) + (n - k) * np.log1p(-t))

    mle, mode, jacobian = k / n, (k + a - 1) / (n + a + b - 2), (k + a) / (n + a + b)
    prior = stats.beta(a, b).logpdf
    return {
        "mle": Truth("converged", {"theta": mle}, "k/n", log_density=loglik(mle), n_optima=1),
        "map": Truth(
            "converged",
            {"theta": mode},
            "(k+a-1)/(n+a+b-2)",
            log_density=loglik(mode) + prior(mode),
            n_optima=1,
        ),
        "map_jacobian": Truth(
            "converged",
            {"theta": jacobian},
            "(k+a)/(n+a+b)",
            log_density=loglik(jacobian) + prior(jacobian) + np.log(jacobian * (1 - jacobian)),
            n_optima=1,
        ),
    }


def coin_uniform_logit() -> pm.Model:
    # The likelihood of coin_hht in the log odds; flat, so the MAP is the MLE: log 2.
    with pm.Model() as model:
        eta = pm.Flat("eta")
        pm.Deterministic("theta", pm.math.invlogit(eta))
        pm.Bernoulli("tosses", logit_p=eta, observed=[1, 1, 0])
    return model


def rare_event() -> pm.Model:
    # One success of a million: an interior maximum, however near to the edge.
    with pm.Model() as model:
        theta = pm.Beta("theta", 1, 1)
        pm.Binomial("y", 1_000_000, theta, observed=1)
    return model


def uniform_scaled_coin() -> pm.Model:
    # theta = u/2 with u uniform on (0, 2): k/n at u = 4/3.
    with pm.Model() as model:
        u = pm.Uniform("u", 0, 2)
        pm.Bernoulli("tosses", u / 2, observed=[1, 1, 0])
    return model


_hht_loglik = 2 * np.log(2 / 3) + np.log(1 / 3)
_flat_hht = Truth(
    "converged",
    {"eta": np.log(2), "theta": 2 / 3},
    "log odds of k/n",
    log_density=_hht_loglik,
    n_optima=1,
)
_rare = Truth(
    "converged",
    {"theta": 1e-6},
    "k/n",
    log_density=stats.binom(1_000_000, 1e-6).logpmf(1),
    n_optima=1,
    atol=1e-13,
)
COINS = (
    ZooModel("coin_hht", coin([1, 1, 0], 1, 1), **coin_truths([1, 1, 0], 1, 1)),
    ZooModel(
        "coin_hht_logit", coin_uniform_logit, mle=_flat_hht, map=_flat_hht, twin_of="coin_hht"
    ),
    ZooModel(
        "coin_hht_scaled",
        uniform_scaled_coin,
        mle=Truth("converged", {"u": 4 / 3}, "2k/n", log_density=_hht_loglik, n_optima=1),
        map=Truth(
            "converged",
            {"u": 4 / 3},
            "2k/n",
            log_density=_hht_loglik - np.log(2),
            n_optima=1,
        ),
        twin_of="coin_hht",
    ),
    ZooModel("coin_4_of_5", coin([1, 1, 1, 1, 0], 9, 9), **coin_truths([1, 1, 1, 1, 0], 9, 9)),
    ZooModel(
        "coin_jeffreys_3_of_5",
        coin([1, 1, 1, 0, 0], 0.5, 0.5),
        **coin_truths([1, 1, 1, 0, 0], 0.5, 0.5),
    ),
    ZooModel("rare_event", rare_event, mle=_rare, map=_rare),
)
