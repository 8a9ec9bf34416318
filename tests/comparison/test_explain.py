"""The telescope from MLE to posterior mean: against closed forms, and what it says in words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_point.comparison.causes.explain import CAUSES, STEPS, explain
from bayes_point.comparison.causes.explanation import sentence
from bayes_point.comparison.distance.gaps import gaps
from bayes_point.errors import ComparisonError
from tests.grids import drawn_on_grid
from tests.reference import read_data
from tests.tree_layout import assemble, estimate, finding
from tests.trees import coin_tree, failed_tree, many_tree, regression_posterior, regression_tree

TERMS = [t for t in STEPS if t != "total"]


def agrees(
    found: xr.DataArray, points: dict[str, float], sd: float, most: float = 4.0
) -> np.ndarray:
    """The terms agree with the exact points within `most` of their errors; returns these."""
    expected = [(points[b] - points[a]) / sd for a, b in STEPS.values()]
    shift, mcse = found.sel(quantity="shift").values, found.sel(quantity="shift_mcse").values
    off = np.abs(shift - expected)
    assert (off <= most * mcse + 1e-9).all(), f"{shift} is not {expected} by {mcse}"
    return mcse


def telescopes(ds: xr.Dataset) -> None:
    for array in ds.data_vars.values():
        for quantity in ("shift", "distance"):
            own = array.sel(quantity=quantity)
            total = own.sel(term="total")
            off = own.sel(term=TERMS).sum("term", skipna=False) - total
            assert np.abs(off / np.maximum(1, np.abs(total))).max() < 1e-12


# ------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("heads", "tails", "prior"), [(3, 0, (2, 2)), (7, 13, (9, 9)), (0, 6, (1, 1))])  # fmt: skip  # noqa: E501
def test_beta_binomial(seed: int, heads: int, tails: int, prior: tuple[float, float]) -> None:
    a, b = prior[0] + heads, prior[1] + tails
    law = stats.beta(a, b)
    points = {
        "MLE": heads / (heads + tails),
        "MAP": (a - 1) / (a + b - 2),
        # On the log-odds the Jacobian theta (1 - theta) puts the mode at the mean.
        "mode": a / (a + b),
        # One parameter: its marginal density is the joint one, and so is the mode, exactly.
        "marginal mode": a / (a + b),
        "median": law.median(),
        "mean": law.mean(),
    }
    tree = coin_tree(seed=seed, heads=heads, tails=tails, prior=prior, draws=1000)
    found = explain(tree)
    mcse = agrees(found["theta"], points, law.std())
    assert mcse.max() < 0.3
    marginal = found["theta"].sel(term="marginal")
    assert marginal.sel(quantity=["shift", "shift_mcse"]).values.tolist() == [0, 0]
    telescopes(found)


def test_normal_with_unknown_mean_and_variance() -> None:
    # y_i ~ N(mu, s) with mu | s ~ N(0, 9 s), s ~ InverseGamma(2, 3): the posterior of s is
    # InverseGamma(a, b), that of mu a t with 2 a degrees of freedom. The joint log density of
    # (mu, s) is -(a + 3/2) log s - b/s at its best mu, so the MAP has s = b / (a + 3/2), and on
    # log s, with one s more, b / (a + 1/2); the marginal mode of s is b / (a + 1).
    y = np.array([0.8, 2.1, 1.4, -0.3, 1.9, 0.7])
    n, k = len(y), 9.0
    precision = n + 1 / k
    m = y.sum() / precision
    a, b = 2 + n / 2, 3 + (y @ y - precision * m**2) / 2
    law, of_mu = stats.invgamma(a, scale=b), stats.t(2 * a, m, math.sqrt(b / a / precision))
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        s = b / rng.gamma(a, size=(4, 1000))
        mu = m + np.sqrt(s / precision) * rng.standard_normal(s.shape)
        tree = assemble(
            {"mu": mu, "s": s},
            mle=estimate({"mu": y.mean(), "s": y.var()}),
            map=estimate({"mu": m, "s": b / (a + 1.5)}),
            mode=estimate({"mu": m, "s": b / (a + 0.5)}),
        )
        found = explain(tree)
        points = {"MLE": y.var(), "MAP": b / (a + 1.5), "mode": b / (a + 0.5)}
        points |= {"marginal mode": b / (a + 1), "median": law.median(), "mean": law.mean()}
        mcse = agrees(found["s"], points, law.std())
        assert mcse.max() < 0.1
        rest = dict.fromkeys(("MAP", "mode", "marginal mode", "median", "mean"), m)
        agrees(found["mu"], {"MLE": y.mean(), **rest}, of_mu.std())
        telescopes(found)
        # What is no cause of the gap of mu is marked as noise.
        noise = found["mu"].sel(quantity="is_noise").sel(term=TERMS)
        assert noise.values.tolist() == [0, 1, 1, 1, 1]


def test_ridge() -> None:
    tree = regression_tree(draws=1000)
    post = regression_posterior()
    found = explain(tree)
    of_sigma = math.sqrt(post["b"] / (post["a"] - 1) - post["mean"][1] ** 2)
    # sigma**2 is InverseGamma(a, b), so the density of sigma is sigma**-(2a + 1) exp(-b/sigma**2).
    points = {
        "MLE": post["mle"][1],
        "MAP": post["map"][1],
        "mode": post["mode"][1],
        # On log(sigma), of which it is the density that is maximised, one sigma more.
        "marginal mode": math.sqrt(post["b"] / post["a"]),
        "median": math.sqrt(stats.invgamma(post["a"], scale=post["b"]).median()),
        "mean": post["mean"][1],
    }
    agrees(found["sigma"], points, of_sigma)
    for i, predictor in enumerate(("intercept", "age", "income")):
        sd = math.sqrt(post["V"][i, i] * post["b"] / (post["a"] - 1))
        centre = dict.fromkeys(("MAP", "mode", "marginal mode", "median", "mean"), post["m"][i])
        beta = found["beta"].sel(predictor=predictor)
        agrees(beta, {"MLE": post["mle"][0][i], **centre}, sd)
    telescopes(found)


@pytest.mark.parametrize("counts", [[0, 1, 0], [4, 7, 3, 6]])
def test_poisson_gamma(counts: list[int]) -> None:
    # Gamma(1, 1) prior: the posterior is Gamma(1 + sum, 1 + n); on log(rate) the mode is the mean.
    a, rate = 1 + sum(counts), 1.0 + len(counts)
    law = stats.gamma(a, scale=1 / rate)
    points = {
        "MLE": float(np.mean(counts)),
        "MAP": (a - 1) / rate,
        "mode": a / rate,
        "marginal mode": a / rate,
        "median": law.median(),
        "mean": law.mean(),
    }
    for seed in range(3):
        tree = assemble(
            {"rate": law.rvs((4, 1000), random_state=np.random.default_rng(seed))},
            mle=estimate({"rate": points["MLE"]}),
            map=estimate({"rate": points["MAP"]}),
            mode=estimate({"rate": points["mode"]}),
        )
        found = explain(tree)
        agrees(found["rate"], points, law.std())
        telescopes(found)


def test_bioassay() -> None:
    # BDA3, section 3.7: flat priors, MLE = MAP = (0.85, 7.75), posterior mean (1.31, 11.64). The
    # posterior is drawn from a grid, here wide and fine enough for the published digits.
    data = read_data("bioassay")
    alpha, beta = np.linspace(-6, 14, 801), np.linspace(-8, 80, 1601)
    eta = alpha[:, None, None] + beta[:, None] * data["x"]
    log = (data["y"] * eta - data["n"] * np.logaddexp(0, eta)).sum(-1)
    mass = np.exp(log - log.max())
    pair = drawn_on_grid(alpha, beta, mass, (4, 1500), seed=4)
    draws = dict(zip(("alpha", "beta"), pair, strict=True))
    best = estimate({"alpha": 0.8465802, "beta": 7.7488194})
    found = explain(assemble(draws, mle=best, map=best, mode=best))
    for name, mean, size in (("alpha", 1.31, 0.42), ("beta", 11.64, 0.67)):
        assert float(draws[name].mean()) == pytest.approx(mean, abs=0.1)
        shift = found[name].sel(quantity="shift")
        mcse = found[name].sel(quantity="shift_mcse")
        total = float(shift.sel(term="total"))
        assert abs(total - size) < 4 * float(mcse.sel(term="total")) + 0.005
        # Nothing on the prior nor on the scale, which is unconstrained: all on the other two.
        assert shift.sel(term=["prior", "parametrisation"]).values.tolist() == [0, 0]
        rest = shift.sel(term=["marginal", "mode_to_median", "median_to_mean"])
        assert float(rest.sum()) == pytest.approx(total, abs=1e-12)
        (text,) = [s for s in found.attrs["sentences"].splitlines() if s.startswith(name)]
        assert f"{name}: the mean lies {total:.2f} sd above the MAP" in text
        assert "of it is" in text
        assert "the prior has no effect" in text
    telescopes(found)


@pytest.mark.slow
def test_over_many_runs_the_errors_are_those_that_are_said() -> None:
    law = stats.gamma(4)
    points = {"MLE": 2.0, "MAP": 3.0, "mode": 4.0, "marginal mode": 3.0}
    points |= {"median": law.median(), "mean": 4.0}
    x = law.rvs((4, 1000, 300), random_state=np.random.default_rng(8))
    at = {k: estimate({"x": np.full(300, points[k])}) for k in ("MLE", "MAP", "mode")}
    tree = assemble({"x": x}, mle=at["MLE"], map=at["MAP"], mode=at["mode"], dims={"x": ["i"]})
    found = explain(tree)["x"]
    for term, (a, b) in STEPS.items():
        own = found.sel(term=term)
        z = (own.sel(quantity="shift") - (points[b] - points[a]) / law.std()) / own.sel(
            quantity="shift_mcse"
        )
        # The mean square of 300 errors in their own sd: 1 +- 0.08, plus what excess adds.
        assert 0.5 < float((z**2).mean()) < 1.4, term
        assert float(np.abs(z).max()) < 5


# ----------------------------------------------------------------------------------- layout


def test_the_layout_is_that_of_the_model() -> None:
    tree = regression_tree(draws=200)
    found = explain(tree, var_names=["beta", "sigma"])
    assert list(found) == ["beta", "sigma"]
    assert found["beta"].dims == ("term", "quantity", "predictor")
    assert found["predictor"].values.tolist() == ["intercept", "age", "income"]
    assert found["cause"].values.tolist() == list(CAUSES.values())
    assert len(found.attrs["sentences"].splitlines()) == 4
    one = explain(tree, coords={"predictor": ["age"]}, var_names="beta")
    np.testing.assert_allclose(one["beta"].sel(predictor="age"), found["beta"].sel(predictor="age"))
    sd = tree["posterior"]["sigma"].std(ddof=1)
    np.testing.assert_allclose(
        found["sigma"].sel(quantity="distance"), found["sigma"].sel(quantity="shift") * sd
    )


def test_the_total_is_minus_the_gap_of_the_mle() -> None:
    tree = many_tree(12, draws=200, rho=0.5)
    total = explain(tree)["theta"].sel(term="total")
    gap = gaps(tree)["theta"].sel(estimator="MLE")
    np.testing.assert_allclose(total.sel(quantity="shift"), -gap.sel(quantity="gap"), rtol=1e-12)
    np.testing.assert_allclose(
        total.sel(quantity="shift_mcse"), gap.sel(quantity="gap_mcse"), rtol=1e-9
    )


def test_it_survives_a_file(tmp_path: Any) -> None:
    found = explain(regression_tree(draws=100))
    path = tmp_path / "why.nc"
    found.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        xr.testing.assert_equal(opened.load(), found)
        assert opened.attrs["sentences"] == found.attrs["sentences"]


def test_far_from_zero_it_still_telescopes() -> None:
    x = 1e9 + np.random.default_rng(1).gamma(3, size=(2, 300))
    at = {k: estimate({"x": 1e9 + v}) for k, v in (("mle", 1.0), ("map", 2.0), ("mode", 2.5))}
    telescopes(explain(assemble({"x": x}, **at)))


# ----------------------------------------------------------------------- where the chain breaks


def test_an_estimate_that_does_not_exist_breaks_the_chain() -> None:
    found = explain(failed_tree())
    tau = found["tau"].sel(quantity="shift")
    assert np.isnan(tau.sel(term=["prior", "total"])).all()
    text = found.attrs["sentences"].replace("\n", " ")
    assert "the effect of the prior is unknown, because the MLE is unbounded" in text
    assert "slope: the mean cannot be set against the MAP, which is at infinity" in text
    # The MAP at infinity in slope alone: the others keep theirs.
    assert np.isfinite(found["tau"].sel(quantity="shift", term="mode_to_median"))


def broken(status: str, named: str) -> xr.Dataset:
    x = np.random.default_rng(1).normal(size=(4, 200))
    bad = finding("something", [named], "advice")
    mode = estimate({"a": 0.1, "b": 0.1}, status=status, findings=[bad])
    fine = estimate({"a": 0.2, "b": 0.2})
    return explain(assemble({"a": x, "b": x + 1}, mle=fine, map=fine, mode=mode))


@pytest.mark.parametrize(
    ("status", "words", "both"),
    [
        ("unbounded", "unbounded", True),
        ("not_converged", "not converged", True),
        ("not_identified", "not identified", False),
        ("on_boundary", "", False),
    ],
)
def test_a_mode_that_is_none_breaks_it_in_the_middle(status: str, words: str, both: bool) -> None:
    found = broken(status, "a")
    lost = ["parametrisation", "marginal"] if words else []
    for name in ("a", "b"):
        shift = found[name].sel(quantity="shift")
        gone = [t for t in STEPS if math.isnan(float(shift.sel(term=t)))]
        assert gone == (lost if both or name == "a" else [])
        assert math.isnan(float(found[name].sel(term="total", quantity="is_noise"))) is False
    said = [
        f"the mode on the unconstrained scale is {words}" in s
        for s in found.attrs["sentences"].splitlines()
    ]
    assert said == ([True, both] if words else [False, False])


def test_a_tree_without_the_mode_says_so() -> None:
    tree = coin_tree(draws=100)
    del tree["mode"]
    found = explain(tree, var_names="theta")
    assert np.isnan(
        found["theta"].sel(quantity="shift", term=["parametrisation", "marginal"])
    ).all()
    assert (
        "the mode on the unconstrained scale is not in the tree"
        in found.attrs["sentences"].splitlines()[0]
    )


def test_a_mode_of_other_parameters_is_refused() -> None:
    tree = coin_tree(draws=100)
    tree["mode/posterior"] = tree["mode/posterior"].to_dataset().drop_vars("two_heads")
    with pytest.raises(ComparisonError, match="posterior and mode hold different variables"):
        explain(tree)


@pytest.mark.parametrize(("value", "words"), [(0.5, "constant"), (np.nan, "not finite")])
def test_draws_without_spread_are_not_explained(value: float, words: str) -> None:
    x = np.random.default_rng(1).normal(size=(4, 50))
    at = estimate({"a": 0.5, "b": 0.0})
    found = explain(assemble({"a": np.full((4, 50), value), "b": x}, mle=at, map=at, mode=at))
    assert np.isnan(found["a"]).all()
    assert np.isfinite(found["b"]).all()
    said = f"a: its draws are {words}, so there is nothing to explain."
    assert found.attrs["sentences"].splitlines()[0] == said


def test_very_few_draws() -> None:
    found = explain(regression_tree(chains=2, draws=10))["sigma"]
    shift = found.sel(quantity="shift")
    assert np.isnan(shift.sel(term=["marginal", "mode_to_median"])).all()
    assert np.isfinite(shift.sel(term=["prior", "median_to_mean", "total"])).all()
    text = explain(regression_tree(chains=2, draws=10)).attrs["sentences"].splitlines()[0]
    assert "the mode of the marginal posterior is not to be found in fewer than 40 draws" in text


@pytest.mark.parametrize(("draws", "enough"), [(30, False), (2000, True)])
def test_what_the_draws_do_not_determine_says_how_many_would(draws: int, enough: bool) -> None:
    # Quantiles of a normal: the gap of 0.3 is known, their mode only to some 0.4 or 0.05 sd.
    x = stats.norm.ppf((np.arange(2 * draws) + 0.5) / (2 * draws))
    x = np.random.default_rng(2).permutation(x).reshape(2, draws)
    at = estimate({"x": 0.3, "y": 0.3})
    found = explain(assemble({"x": x, "y": x}, mle=at, map=at, mode=at))
    own, said = found["x"], found.attrs["sentences"].splitlines()[0]
    needed = own.sel(quantity="draws_needed")
    error = float(own.sel(term="marginal", quantity="shift_mcse"))
    gap = 0.3 / x.std(ddof=1)
    assert (error < gap) == enough
    assert needed.sel(term=["prior", "parametrisation", "total"]).values.tolist() == [0, 0, 0]
    assert ("would determine joint against marginal and skew" in said) != enough
    # Errors shrink with the root of the number of draws, here to half of the gap.
    wanted = 0 if enough else 2 * draws * (2 * error / gap) ** 2
    assert float(needed.sel(term="marginal")) == pytest.approx(wanted, rel=1e-9)


# ---------------------------------------------------------------------------------- sentences


def skewed(shape: float, mle: float, map_: float, mode: float) -> str:
    """Sentence on draws that are quantiles, so that their moments have no noise to speak of."""
    x = stats.gamma(shape).ppf((np.arange(4000) + 0.5) / 4000)
    x = np.random.default_rng(0).permutation(x).reshape(4, 1000)
    at = [estimate({"x": v}) for v in (mle, map_, mode)]
    tree = assemble({"x": x}, mle=at[0], map=at[1], mode=at[2])
    return str(explain(tree).attrs["sentences"].splitlines()[0])


def test_what_the_draws_cannot_tell_apart_is_said_together() -> None:
    # 60 draws know that the mean of a Gamma(4) lies 0.5 sd above 3, but not by way of which mode.
    x = stats.gamma(4).rvs((2, 30), random_state=np.random.default_rng(1))
    at = estimate({"x": 2.0, "other": 2.0})
    tree = assemble({"x": x, "other": x}, mle=at, map=at, mode=at)
    text = str(explain(tree).attrs["sentences"].splitlines()[0])
    assert "of it is joint against marginal and skew, which these draws do not separate" in text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        # Mode 3, mean 4, sd 2: 0.5 above the MAP, all of it skew.
        (lambda: skewed(4, 3, 3, 3), r"lies 0\.50 sd above the MAP; 0\.50 of it is skew; the prior has no effect\."),  # noqa: E501
        (lambda: skewed(4, 2, 3, 3), r"; the prior accounts for a further 0\.50 sd from the MLE\."),
        (lambda: skewed(4, 4, 3, 3), r"; the prior had moved the MAP by 0\.50 sd the other way\."),
        (lambda: skewed(4, 3.002, 3, 3), r"; the prior moves it by less than 0\.01\."),
        # The scale takes the mode 1.5 sd beyond the mean.
        (lambda: skewed(4, 3, 3, 7), r"2\.00 of it is parametrisation, offset by 1\.50 skew"),
        (lambda: skewed(400, 400, 400, 400), r"x: the mean and the MAP agree within the error \(0\.00 ± 0\.02 sd\); the prior has no effect\."),  # noqa: E501
        (lambda: skewed(4, 4, 4, 5), r"agree within the error .*; skew −0\.50, parametrisation \+0\.50 cancel within the error; "),  # noqa: E501
    ],
)  # fmt: skip
def test_the_sentence(make: Callable[[], str], said: str) -> None:
    text = make()
    assert re.search(said, text), text


@pytest.mark.parametrize(
    ("noise", "open_", "said"),
    [
        ((), (), "0.50 of it is skew, offset by 0.25 joint against marginal;"),
        # Half a sd of skew cannot be a part of a quarter, where nothing known sets it off.
        (("marginal",), (), "0.25 of it is joint against marginal and skew, which these draws do"),
        # More than its error, and yet not determined: the table and the figure have no number.
        ((), ("marginal", "skew"), "0.25 of it is joint against marginal and skew, which these"),
    ],
)
def test_a_cause_that_is_not_determined_is_not_claimed(
    noise: tuple[str, ...], open_: tuple[str, ...], said: str
) -> None:
    shift = {"prior": 0.0, "parametrisation": 0.0, "marginal": -0.25, "skew": 0.5, "shape": 0.25}
    shift["MAP"] = 0.25
    mcse = dict.fromkeys(shift, 0.01) | {"marginal": 0.2, "skew": 0.2}
    is_noise = {t: t in (*noise, "prior", "parametrisation") for t in shift}
    needed = {t: 4000.0 * (t in open_) for t in shift}
    text = sentence("x", shift, mcse, is_noise, needed, {})
    assert f"x: the mean lies 0.25 sd above the MAP; {said}" in text


def test_within_the_error_a_cause_may_still_be_known() -> None:
    shift = dict.fromkeys(("prior", "marginal", "skew", "shape"), 0.0)
    shift |= {"parametrisation": 0.09, "MAP": 0.09}
    mcse = dict.fromkeys(shift, 0.001) | {"MAP": 0.05}
    is_noise = {t: t != "parametrisation" for t in shift}
    text = sentence("x", shift, mcse, is_noise, dict.fromkeys(shift, 0.0), {})
    assert (
        "agree within the error (0.09 ± 0.05 sd); of the causes only parametrisation +0.09 exceeds "
        "its Monte Carlo error;" in text
    )
