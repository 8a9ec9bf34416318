"""A search, a profile and a fit that are out of time return what there is by then, and say so."""

from __future__ import annotations

import json
import pickle
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
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


def plane() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b * X, 1, observed=Y)
    return model


def stopped_words(caught: pytest.WarningsRecorder) -> list[str]:
    return [str(one.message) for one in caught if "Stopped after 60 s" in str(one.message)]


def some_data(n: int) -> np.ndarray:
    return Y + np.random.default_rng(0).normal(0, 0.3, (n, len(Y)))


def test_a_refit_returns_the_data_sets_that_are_done(stop_after: Stop) -> None:
    data = {"y": some_data(100)}
    whole = bp.refit(plane(), data, progressbar=False)
    stop_after(3)
    with pytest.warns(bp.EstimationWarning) as caught:
        part = bp.refit(plane(), data, max_seconds=60, progressbar=False)
    # Blocks of 8 and 16, before the third look at the clock.
    assert stopped_words(caught) == [
        "Stopped after 60 s: 24 of 100 data sets are done, and the result holds these. Give more "
        "time with max_seconds=, or ask for less."
    ]
    assert part.sizes["dataset"] == 24
    np.testing.assert_allclose(part["b"], whole["b"][:24], rtol=1e-12)
    assert set(part["status"].values) == {"converged"}


def test_a_refit_stops_amid_what_takes_long(stop_after: Stop) -> None:
    with pm.Model() as slow:  # of each data set it has to be found out what its maximum is
        theta = pm.Beta("theta", 1, 1)
        pm.Binomial("y", 5, theta, observed=[5, 5])
    stop_after(4)
    with pytest.warns(bp.EstimationWarning, match=r"Stopped after 60 s: 0 of 30 data sets"):
        part = bp.refit(slow, {"y": np.full((30, 2), 5)}, max_seconds=60, progressbar=False)
    assert part.sizes["dataset"] == 0


def test_a_stopped_store_is_gone_on_with(
    stop_after: Stop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data, at = {"y": some_data(50)}, tmp_path / "store.zarr"
    whole = bp.refit(plane(), data, progressbar=False)
    given: dict[str, Any] = {"save": at, "chunk_size": 20, "progressbar": False}
    stop_after(2)
    with pytest.warns(bp.EstimationWarning, match="20 of 50 data sets"):
        bp.refit(plane(), data, max_seconds=60, **given)
    monkeypatch.undo()
    rest = bp.refit(plane(), data, max_seconds=600, **given)
    np.testing.assert_array_equal(rest["b"], whole["b"])


def test_a_bootstrap_is_made_of_the_refits_that_are_done(stop_after: Stop) -> None:
    mle = bp.find_MLE(plane(), **QUIET)
    given: dict[str, Any] = {"kind": "nonparametric", "random_seed": 1, "progressbar": False}
    whole = bp.bootstrap(mle, 50, **given)
    stop_after(3)
    with pytest.warns(bp.EstimationWarning) as caught:
        part = bp.bootstrap(mle, 50, max_seconds=60, **given)
    assert len(stopped_words(caught)) == 1
    assert part.attrs["n"] == part["refits"].sizes["draw"] == 24
    np.testing.assert_allclose(
        part["refits"]["b"].values, whole["refits"]["b"].values[:24], rtol=1e-9
    )
    assert part.attrs["no_jackknife"] == "Of 8 units 0 had been left out in time."
    stop_after(1)
    with (
        pytest.warns(bp.EstimationWarning, match="Stopped"),
        pytest.raises(bp.EstimationError, match="No refit was done before the time was up"),
    ):
        mle.conf_int(method="bootstrap", max_seconds=60)


def test_a_test_by_simulation_is_made_of_the_data_sets_that_are_done(stop_after: Stop) -> None:
    larger = bp.find_MLE(plane(), **QUIET)
    null = bp.find_MLE(pm.do(larger.model, {"a": 0.0}), **QUIET)
    given: dict[str, Any] = {"method": "bootstrap", "draws": 60, "random_seed": 1}
    whole = bp.likelihood_ratio_test(null, larger, **given)
    # Four looks for blocks of 8, 16, 32 and 4; then the larger model is fitted to the first block.
    stop_after(6)
    with pytest.warns(bp.EstimationWarning) as caught:
        part = bp.likelihood_ratio_test(null, larger, max_seconds=60, **given)
    assert len(stopped_words(caught)) == 1
    assert "the p-value is made of 8 of 60 data sets" in stopped_words(caught)[0]
    assert part.statistic == whole.statistic
    assert part.p_value in [(1 + k) / 9 for k in range(9)]
    stop_after(3)
    with pytest.raises(bp.EstimationError, match="No data set was refitted"):
        bp.likelihood_ratio_test(null, larger, max_seconds=60, **given)


def test_a_study_is_made_of_the_data_sets_that_are_done(stop_after: Stop) -> None:
    truth = {"a": 1.0, "b": 2.0}
    given: dict[str, Any] = {"estimators": ["MLE"], "random_seed": 1, "progressbar": False}
    whole = bp.study(plane(), truth, 60, **given)
    stop_after(3)
    with pytest.warns(bp.EstimationWarning) as caught:
        part = bp.study(plane(), truth, 60, max_seconds=60, **given)
    assert len(stopped_words(caught)) == 1
    assert part.attrs["n"] == part.sizes["dataset"] == 24
    np.testing.assert_allclose(part["estimate"], whole["estimate"][:, :24], rtol=1e-9)
    errors = part["estimate"].sel(estimator="MLE", parameter="b") - 2.0
    assert float(part["bias"].sel(estimator="MLE", parameter="b")) == pytest.approx(errors.mean())


@pytest.mark.parametrize("path", [bp.prior_path, bp.data_path])
def test_a_path_holds_the_powers_that_are_done(stop_after: Stop, path: Callable[..., Any]) -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Normal("y", mu, 1, observed=Y)
    powers = [0.5, 1, 2, 4]
    whole = path(model, powers, **QUIET)
    # (sum of the data times power) / (n times power + 1), or the other way around
    exact = [
        Y.sum() / (8 + p) if path is bp.prior_path else p * Y.sum() / (8 * p + 1) for p in powers
    ]
    np.testing.assert_allclose(whole["mu"], exact, rtol=1e-7)
    counts = set()
    for n in (1, 4, 20, 60):
        stop_after(n)
        with pytest.warns(bp.EstimationWarning) as caught:
            part = path(model, powers, max_seconds=60, **QUIET)
        dim = part["mu"].dims[0]
        [words] = stopped_words(caught)
        assert f": {part.sizes[dim]} of 4 powers are done" in words
        np.testing.assert_allclose(part["mu"], whole["mu"].sel({dim: part[dim]}), rtol=1e-7)
        counts.add(part.sizes[dim])
    assert 0 in counts


def test_an_approximation_needs_its_mode(stop_after: Stop) -> None:
    stop_after(1)
    with pytest.raises(bp.EstimationError, match="search was stopped after 60 s"):
        bp.laplace(choice_of_means(), max_seconds=60, **QUIET)
    stop_after(1)
    with (
        pytest.warns(bp.EstimationWarning, match="search was stopped after 60 s"),
        pytest.raises(bp.EstimationError),
    ):
        bp.prior_information(choice_of_means(), max_seconds=60, **QUIET)


def test_predictions_say_what_was_not_done(stop_after: Stop) -> None:
    stop_after(1)
    with pytest.warns(bp.EstimationWarning) as caught:
        cost = bp.predictive(choice_of_means(), max_seconds=60, **QUIET)
    assert len(stopped_words(caught)) == 1
    assert np.isnan(cost["total"]).all()


@pytest.mark.parametrize("value", [0, -1, "60", True, np.nan, np.inf])
def test_what_is_no_time_is_refused(mle: bp.PointEstimate, value: Any) -> None:
    words = "max_seconds must be None, or a number of seconds above 0, got"
    calls: list[Callable[..., Any]] = [bp.find_MLE, bp.find_MAP, bp.profile, bp.fit]
    calls += [bp.bootstrap, bp.laplace, bp.prior_path, bp.data_path, bp.prior_information]
    calls += [bp.predictive, partial(bp.study, estimators="MLE")]
    calls += [partial(bp.refit, data={"y": Y[None]})]
    for call in calls:
        with pytest.raises(bp.ModelError, match=words):
            call(line(), max_seconds=value)
    for method in ("profile", "bootstrap"):
        with pytest.raises(bp.ModelError, match=words):
            mle.conf_int(method=method, max_seconds=value)
    with pytest.raises(bp.ModelError, match=words):
        bp.likelihood_ratio_test(mle, mle, max_seconds=value)


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
