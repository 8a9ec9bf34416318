"""A search, a profile and a fit that are out of time return what there is by then, and say so."""

from __future__ import annotations

import json
import pickle
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from click.testing import CliRunner
from scipy.stats import chi2

import bayes_point as bp
from bayes_point.cli import main
from bayes_point.estimation.progress import Deadline

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}
X = np.arange(1.0, 9)
Y = np.array([1.2, 1.9, 3.4, 3.9, 5.2, 5.8, 7.1, 8.3])

Stop = Callable[[int], None]


def line() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        s = pm.HalfFlat("s")
        pm.Normal("y", a + b * X, s, observed=Y)
    return model


def choice() -> pm.Model:
    with pm.Model() as model:
        k = pm.DiscreteUniform("k", 0, 2)
        mu = pm.Normal("mu", 0, 10)
        pm.Normal("y", mu, pt.as_tensor(np.array([0.5, 1.0, 4.0]))[k], observed=Y)
    return model


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Let the time be up when it is looked at for the n-th time: the same on every machine."""

    def stop(n: int) -> None:
        looks = iter(range(n - 1))
        monkeypatch.setattr(Deadline, "is_over", property(lambda self: next(looks, None) is None))

    return stop


@pytest.mark.parametrize("find", [bp.find_MLE, bp.find_MAP])
@pytest.mark.parametrize("make", [line, choice])
def test_a_search_returns_the_best_point_seen(
    stop_after: Stop, find: Callable[..., bp.PointEstimate], make: Callable[[], pm.Model]
) -> None:
    model = make()
    with model:
        whole = find(**QUIET)
    above = whole.certificate.value
    heights = []
    for looks in (1, 3, 10, 30):
        stop_after(looks)
        with pytest.warns(bp.EstimationWarning, match="stopped after 60 s"):
            found = find(model, max_seconds=60, **QUIET)
        assert found.status.key == "not_converged"
        [finding] = found.findings
        assert finding.what.startswith("The search was stopped after 60 s, while ")
        assert "max_seconds" in finding.advice
        assert "initvals" in finding.advice
        # What is said of the point is what the model itself says there.
        value = model.compile_logp(jacobian=False)(
            {
                v.name: rv_value
                for v, rv_value in zip(model.value_vars, _unconstrained(model, found), strict=True)
            }
        )
        # PyMC takes the log of a small integer, of the three values of k, in single precision.
        assert found.log_joint == pytest.approx(float(value), rel=1e-8)
        heights.append(found.certificate.value)
    # More time gives no worse a point, and none better than the maximum.
    assert heights == sorted(heights)
    assert heights[-1] <= above + 1e-9


def _unconstrained(model: pm.Model, found: bp.PointEstimate) -> list[Any]:
    out = []
    for rv in model.free_RVs:
        value = found.point[rv.name].values
        log = model.rvs_to_transforms[rv] is not None and rv.name == "s"
        out.append(np.log(value) if log else value)
    return out


def test_it_ends_by_the_clock_too() -> None:
    began = time.perf_counter()
    with pytest.warns(bp.EstimationWarning, match=r"stopped after 1e-06 s, while searching\."):
        found = bp.find_MLE(line(), max_seconds=1e-6, **QUIET)
    assert time.perf_counter() - began < 10  # seconds: what a model takes to be taken apart
    assert found.status.key == "not_converged"
    assert np.isfinite(found.log_likelihood)
    with pytest.raises(bp.EstimationError, match="stopped after") as info:
        bp.find_MLE(line(), max_seconds=1e-6, strict=True, **QUIET)
    assert np.isfinite(info.value.estimate.log_likelihood)


def test_with_time_enough_nothing_changes() -> None:
    free, limited = (bp.find_MLE(line(), max_seconds=s, **QUIET) for s in (None, 600))
    np.testing.assert_array_equal(limited.unconstrained.values, free.unconstrained.values)
    assert limited.status is free.status
    assert pickle.loads(pickle.dumps(limited)).status is free.status


@pytest.fixture(scope="module")
def mle() -> bp.PointEstimate:
    return bp.find_MLE(line(), **QUIET)


def _profile_of_slope(b: np.ndarray) -> np.ndarray:
    """Log-likelihood of a line with its slope held: n log of the residual sum of squares."""
    away = X - X.mean()
    rss = np.array([np.sum((Y - Y.mean() - one * away) ** 2) for one in b])
    return -0.5 * len(X) * (np.log(2 * np.pi * rss / len(X)) + 1)


@pytest.mark.parametrize("looks", [1, 5, 20])
def test_a_profile_returns_what_was_traced(
    mle: bp.PointEstimate, stop_after: Stop, looks: int
) -> None:
    stop_after(looks)
    tree = bp.profile(mle, "b", ci_prob=0.95, max_seconds=60, progressbar=False)
    assert tree.attrs["stopped"] == (
        "The profile was stopped after 60 s, while following the profile."
    )
    group = tree["profile"].sel(parameter="b")
    known = np.isfinite(group["value"].values)
    np.testing.assert_allclose(
        group["log_density"].values[known],
        _profile_of_slope(group["value"].values[known]),
        rtol=1e-9,
    )
    for end, reason in zip(group["interval"].values, group["reason"].values, strict=True):
        assert np.isnan(end) == (reason == "stopped")
    assert "stopped" in group["reason"].values


def test_ends_that_were_not_reached_say_so(mle: bp.PointEstimate, stop_after: Stop) -> None:
    whole = mle.conf_int(ci_prob=0.95, var_names="b", max_seconds=600)
    # The deviance at the ends, in closed form, is the cut-off.
    fall = 2 * (mle.log_likelihood - _profile_of_slope(whole["b"].values))
    np.testing.assert_allclose(fall, chi2.ppf(0.95, 1), rtol=1e-6)
    assert "stopped" not in whole.attrs
    stop_after(1)
    interval = mle.conf_int(ci_prob=0.95, var_names="b", max_seconds=60)
    assert "stopped after 60 s" in interval.attrs["stopped"]
    assert np.all(np.isnan(interval["b"]))
    assert interval["b"].attrs["notes"].count("the time was up") == 2


def test_a_contour_returns_what_was_traced(mle: bp.PointEstimate, stop_after: Stop) -> None:
    stop_after(40)
    tree = bp.profile(mle, ["a", "b"], contours=True, n_points=8, max_seconds=60, progressbar=False)
    stopped = tree["contours/reason"].values == "stopped"
    assert stopped.any()
    np.testing.assert_array_equal(np.isnan(tree["contours/value"].values).any(-1), stopped)


def test_a_bootstrap_has_other_ways_to_end(mle: bp.PointEstimate) -> None:
    with pytest.raises(bp.ModelError, match=r"max_seconds=60 for method='bootstrap'.* n=, .*save="):
        mle.conf_int(method="bootstrap", max_seconds=60)


@pytest.mark.parametrize("value", [0, -1, "60", True, np.nan, np.inf])
def test_what_is_no_time_is_refused(mle: bp.PointEstimate, value: Any) -> None:
    words = "max_seconds must be None, or a number of seconds above 0, got"
    calls: list[Callable[..., Any]] = [bp.find_MLE, bp.find_MAP, bp.profile, bp.fit]
    for call in calls:
        with pytest.raises(bp.ModelError, match=words):
            call(line(), max_seconds=value)
    with pytest.raises(bp.ModelError, match=words):
        mle.conf_int(max_seconds=value)


def test_a_fit_samples_all_the_same(stop_after: Stop) -> None:
    stop_after(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bp.BayesPointWarning)
        tree = bp.fit(
            choice_of_means(),
            draws=100,
            tune=100,
            chains=2,
            max_seconds=60,
            details="profile",
            **QUIET,
        )
    assert tree["posterior"].sizes["draw"] == 100
    for group in ("mle", "map"):
        assert tree[group].attrs["status"] == "not_converged"
        assert "search was stopped after" in tree[group].attrs["findings"]
    left_out = json.loads(tree.attrs["details_left_out"])
    assert "There is no maximum" in left_out["profile"]
    assert str(bp.summary(tree))


def choice_of_means() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        s = pm.HalfNormal("s", 5)
        pm.Normal("y", mu, s, observed=Y)
    return model


def test_the_command_has_the_option() -> None:
    shown = CliRunner().invoke(main, ["report", "--help"])
    assert "--max-seconds S" in shown.output
    refused = CliRunner().invoke(main, ["report", "x.py", "--max-seconds", "0"])
    assert refused.exit_code == 2
