"""What cannot be meant is refused with what was got and what is allowed, before any long work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from tests.trees import coin_tree

QUIET: dict[str, Any] = {"progressbar": False}


def coin() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", 2, 2)
        pm.Bernoulli("tosses", theta, observed=[1, 1, 1, 0])
    return model


SEEDS = ("x", -1, 1.5, True)
COUNTS: tuple[Any, ...] = (0, 1.5, "8", 10**30, True)
TRUTHS = ("yes", None)
FINDS = {
    "random_seed": SEEDS,
    "n_starts": (0, 10**30, 1.5, "8", True),
    "initvals": ({"theta": 1j}, {"theta": None}, {"theta": "a"}, {"mu": 1}, 3, {"theta": [1, 2]}),
    "strict": ("no", None),
    "progressbar": ("no",),
    "potentials": ("data",),
    "backend": ("abacus",),
}
SELECTION = {"var_names": (3, [1], "zz"), "filter_vars": ("zz", 1), "coords": ({"zz": 1},)}

BAD: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "find_MLE": (bp.find_MLE, FINDS | {"n_observations": (0, 1.5, "n")}),
    "find_MAP": (bp.find_MAP, FINDS | {"jacobian": ("yes", None)}),
    "fit": (
        bp.fit,
        {k: v for k, v in FINDS.items() if k not in ("strict", "initvals")}
        | {"draws": (0, 1.5), "chains": (0,), "tune": (-1,), "target_accept": (0, 1, "high")}
        | {"details": ("all", ["profile", "slice"])},
    ),
    "profile": (
        bp.profile,
        {"n_points": (2, "x"), "ci_prob": (0, 2), "random_seed": SEEDS, "coords": (3,)}
        | dict.fromkeys(("slice", "contours", "jacobian", "progressbar"), ("x", None)),
    ),
    "refit": (
        lambda model, **kwargs: bp.refit(model, {"tosses": [[1, 0, 1, 0]]}, **kwargs),
        {"random_seed": SEEDS, "n_starts": COUNTS, "chunk_size": COUNTS, "save": (3,)}
        | {"jacobian": TRUTHS, "local": TRUTHS, "progressbar": TRUTHS}
        | {"var_names": (3, [1], "zz")},
    ),
    "study": (
        lambda model, **kwargs: bp.study(
            model, **{"truth": {"theta": 0.5}, "n": 2, "estimators": "MLE"} | kwargs
        ),
        {"n": COUNTS, "n_starts": COUNTS, "random_seed": SEEDS, "progressbar": TRUTHS}
        | {"truth": ({"theta": "a"}, {"theta": None}), "estimators": (3, [], "ML")}
        | {"sample_kwargs": (3,)},
    ),
    "bootstrap": (
        lambda model, **kwargs: bp.bootstrap(model, **{"n": 2} | kwargs),
        {"n": COUNTS, "n_starts": COUNTS, "random_seed": SEEDS, "dims": (3,)}
        | {"jackknife": TRUTHS, "jacobian": TRUTHS, "progressbar": TRUTHS},
    ),
    "laplace": (
        bp.laplace,
        {"draws": COUNTS, "chains": COUNTS, "n_starts": COUNTS, "random_seed": SEEDS}
        | {"resample": TRUTHS, "progressbar": TRUTHS},
    ),
    "prior_path": (
        bp.prior_path,
        {"n_starts": COUNTS, "random_seed": SEEDS, "var_names": (3, "zz"), "estimates": (3, [3])}
        | {"progressbar": TRUTHS},
    ),
    "predictive": (bp.predictive, {"max_refits": (-1, "x"), "random_seed": SEEDS}),
}
CASES = [
    pytest.param(function, {name: value}, id=f"{caller}-{name}={value!r}")
    for caller, (function, arguments) in BAD.items()
    for name, values in arguments.items()
    for value in values
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_bad_values(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    with pytest.raises(bp.BayesPointError) as info:
        function(coin(), **QUIET | arguments)
    [(name, value)] = arguments.items()
    words = str(info.value)
    assert name in words or "estimate" in words
    shown = value if isinstance(value, str) else repr(value)
    inner = next(iter(value)) if isinstance(value, dict | list) and value else shown
    assert str(shown) in words or str(inner) in words or "slice" in words


@pytest.fixture(scope="module")
def mle() -> bp.PointEstimate:
    return bp.find_MLE(coin(), random_seed=1, **QUIET)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in SELECTION.items() for value in values]
)
def test_bad_selections(mle: bp.PointEstimate, name: str, value: Any) -> None:
    with pytest.raises(bp.ModelError, match=name):
        mle.conf_int(**{name: value})
    with pytest.raises(bp.ModelError, match=name):
        bp.profile(mle, **{name: value}, **QUIET)


def test_what_is_allowed_is_said() -> None:
    with pytest.raises(
        bp.ModelError,
        match=r"^random_seed must be None, a whole number of at least 0, several of them, or a "
        r"NumPy Generator; got 'x'\. Give for instance random_seed=1\.$",
    ):
        bp.find_MLE(coin(), random_seed="x")
    with pytest.raises(bp.ModelError, match=r"'theta' the value 1j, which is no real number"):
        bp.find_MLE(coin(), initvals={"theta": 1j})
    # All that NumPy takes for a seed is one.
    for seed in (None, 0, np.int64(3), [1, 2], np.random.default_rng(1)):
        bp.find_MLE(coin(), random_seed=seed, n_starts=1, **QUIET)


def test_an_estimate_is_a_mapping_of_its_values(mle: bp.PointEstimate) -> None:
    assert float(mle["theta"]) == pytest.approx(0.75)  # three of four
    assert list(mle) == ["theta"] == list(dict(mle))
    assert "theta" in mle
    assert "mu" not in mle
    with pytest.raises(bp.ModelError, match=r"no variable 'mu'\. It has theta\."):
        mle["mu"]


def test_the_number_of_observations_can_be_said() -> None:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Potential("density", pm.logp(pm.Normal.dist(mu, 1), np.arange(5.0)).sum())
    mle = bp.find_MLE(model, potentials="likelihood", n_observations=5, random_seed=1, **QUIET)
    assert mle.n_observations == 5
    assert mle.bic == pytest.approx(np.log(5) - 2 * mle.log_likelihood)
    # A joint density holds the potentials, whatever they are part of.
    maps = [bp.find_MAP(model, potentials=p, **QUIET) for p in (None, "prior", "likelihood")]
    assert [float(m["mu"]) for m in maps] == pytest.approx([2.0] * 3)


@pytest.mark.parametrize(
    ("key", "truth"),
    [(key, True) for key in ("negligible", "small", "small_at_most")]
    + [(key, False) for key in ("matters", "cannot_tell", "no_verdict")],
)
def test_a_verdict_is_true_where_the_estimate_stands_in(key: str, truth: bool) -> None:
    assert bool(replace(bp.verdict(coin_tree()), key=key)) is truth


@pytest.mark.parametrize("path", [3, None, ""])
def test_a_report_is_saved_under_a_name(path: Any) -> None:
    with pytest.raises(bp.ReportError, match=r"path must be the name of a file .* save\('report"):
        bp.report(coin_tree()).save(path)


def test_a_report_is_no_pdf(tmp_path: Path) -> None:
    report = bp.report(coin_tree())
    with pytest.raises(bp.ReportError, match=r"report\.pdf', which has to end in \.html"):
        report.save(tmp_path / "report.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "show", [bp.summary, bp.verdict, bp.explain, bp.gaps, bp.plot_gaps, bp.report]
)
@pytest.mark.parametrize(
    ("name", "value"), [("var_names", 3), ("var_names", [1]), ("coords", 3), ("filter_vars", "zz")]
)
def test_bad_selections_of_a_fit(show: Callable[..., Any], name: str, value: Any) -> None:
    with pytest.raises(bp.ComparisonError, match=name):
        show(coin_tree(), **{name: value})


def test_a_model_without_rows_is_refused() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, observed=np.empty((0, 3)))
    with pytest.raises(bp.ModelError, match=r"'y' have no values: their shape is \(0, 3\)\. Give"):
        bp.find_MAP(model, **QUIET)
