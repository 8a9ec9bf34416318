"""Studies of marginal estimators, whose latents are drawn anew with each data set."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import ModelError

GROUPS, EACH = 6, 4
TRUTH = {"mu": 1.0, "between": 2.0, "within": 1.0}


def one_way() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        between, within = pm.HalfNormal("between", 5), pm.HalfNormal("within", 5)
        pm.Deterministic("of_means", within**2 / EACH + between**2)
        a = pm.Normal("a", mu, between, shape=GROUPS)
        pm.Deterministic("first", a[0])
        pm.Normal("y", a[:, None], within, observed=np.zeros((GROUPS, EACH)))
    return model


def test_the_bias_of_variances_is_that_of_their_degrees_of_freedom() -> None:
    options = {"estimators": ["MLE"], "marginalize": "latents", "progressbar": False}
    biases = {}
    for reml in (False, True):
        found = bp.study(one_way(), TRUTH, 150, random_seed=1, reml=reml, **options)
        names = (
            ["between", "within", "of_means"] if reml else ["mu", "between", "within", "of_means"]
        )
        # What is integrated out, and what is computed from it, is no parameter.
        assert sorted(found.parameter.values) == sorted(names)
        one = found.sel(estimator="MLE", parameter="of_means")
        biases[reml] = float(one["bias"]), float(one["bias_mcse"])
    # The maximum divides the squares of the k group means by k, the restricted one by k - 1.
    true = TRUTH["within"] ** 2 / EACH + TRUTH["between"] ** 2
    assert abs(biases[False][0] + true / GROUPS) < 4 * biases[False][1]
    assert abs(biases[True][0]) < 4 * biases[True][1]
    assert biases[True][1] < 0.4 * true / GROUPS


def test_the_means_of_the_posterior_are_those_of_the_marginal_one() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        a = pm.Normal("a", mu, 1, shape=3)
        pm.Normal("y", a[:, None], 1, observed=np.zeros((3, 2)))
    found = bp.study(
        model, n=40, estimators=["mean", "MAP"], marginalize=["a"], random_seed=2, progressbar=False
    )
    # Normal, so that mean and mode are one, and over the prior unbiased with its own coverage.
    means, modes = (found["estimate"].sel(estimator=key) for key in ("mean", "MAP"))
    np.testing.assert_allclose(means, modes, atol=1e-5)  # what importance weights round
    variance = 1 / (1 / 4 + 3 / 1.5)
    error = float(((means - found["truth"]) ** 2).mean())
    assert abs(error / variance - 1) < 4 * np.sqrt(2 / 40)


def test_a_marginal_estimate_is_a_truth_also_of_the_joint_estimator() -> None:
    y = np.random.default_rng(1).normal(size=(GROUPS, EACH)) + 2 * np.arange(GROUPS)[:, None]
    with pm.Model() as model:
        a = pm.Normal("a", pm.Normal("mu", 0, 10), 2, shape=GROUPS)
        pm.Normal("y", a[:, None], 1, observed=y)
    mle = bp.find_MLE(model, marginalize="latents", progressbar=False)
    found = bp.study(model, mle, 20, estimators=["MAP"], random_seed=3, progressbar=False)
    truth = found["truth"].sel(parameter=[f"a[{i}]" for i in range(GROUPS)])
    # Drawn anew for each data set, from the prior at the estimate.
    assert np.all(truth.std("dataset") > 0)
    assert np.all(found["truth"].sel(parameter="mu") == float(mle.point["mu"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reml": True, "marginalize": "latents"}, "no part of a posterior: give estimators"),
        ({"truth": {**TRUTH, "a": np.zeros(GROUPS)}, "marginalize": "latents"}, r"but \['a'\]"),
        ({"reml": True}, "without marginalize="),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    options = {"truth": TRUTH, "n": 3} | options
    with pytest.raises(ModelError, match=words):
        bp.study(one_way(), **options)  # type: ignore[arg-type]
