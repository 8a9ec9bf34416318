"""The verdict: no false alarms, nothing called equal on few draws, none where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_point.comparison.distance.convergence import convergence_doubts
from bayes_point.comparison.distance.health import sampler_health
from bayes_point.comparison.distance.verdict import Verdict, verdict
from bayes_point.errors import ComparisonError
from tests.tree_layout import assemble, estimate, finding
from tests.trees import (
    coin_tree,
    failed_tree,
    many_tree,
    regression_posterior,
    regression_tree,
)


def normal_mean(seed: int, chains: int, draws: int, gap: float = 0.0) -> xr.DataTree:
    """The mean of normal data under a flat prior: MLE, MAP and posterior mean are mean(y)."""
    rng = np.random.default_rng(seed)
    y = rng.normal(3, 2, 10)
    mu = rng.normal(y.mean(), 2 / np.sqrt(10), (chains, draws))
    at = estimate({"mu": y.mean() + gap * 2 / np.sqrt(10)})
    return assemble({"mu": mu}, mle=at, map=at, mode=at)


def keys_of(models: int, chains: int, draws: int) -> list[str]:
    return [verdict(normal_mean(seed, chains, draws)).key for seed in range(models)]


@pytest.mark.slow
def test_no_false_alarms() -> None:
    keys = keys_of(200, 4, 250)
    # At the level of 1 % there are 2 to be expected at most, and more than 6 with probability
    # 0.005; the gap of 0 is a whole margin below the threshold.
    assert keys.count("matters") + keys.count("small") <= 6
    assert keys.count("matters") + keys.count("small") + keys.count("cannot_tell") <= 6
    keys = keys_of(200, 4, 25)
    assert keys.count("negligible") <= 6
    assert keys.count("matters") + keys.count("small") <= 6


@pytest.mark.slow
def test_a_gap_of_one_sd_is_always_found() -> None:
    # Of a normal posterior 0.93 less than it should is covered: 1 - Phi(-0.96) - Phi(-2.96) = .83.
    for draws in (25, 1000):
        keys = [verdict(normal_mean(seed, 4, draws, gap=1.0)).key for seed in range(200)]
        found = keys.count("matters")
        assert found == 200 if draws == 1000 else found + keys.count("cannot_tell") == 200


def test_a_gap_of_twenty_sd_is_certain_after_few_draws() -> None:
    # The error of the gap is 20 sd x sqrt(1/80) = 2.2 sd, but that of |point - mean| is 0.16.
    keys = [verdict(normal_mean(seed, 4, 10, gap=20.0)).key for seed in range(20)]
    assert set(keys) == {"matters"}


def test_a_thousand_draws_a_chain_are_enough() -> None:
    assert set(keys_of(20, 4, 1000)) == {"negligible"}


@pytest.mark.parametrize(("chains", "draws"), [(4, 25), (2, 50)])
def test_a_hundred_draws_show_that_a_gap_of_nothing_is_small_at_most(
    chains: int, draws: int
) -> None:
    # An error of 0.1: a gap below 0.5 - 2.5 x 0.1 is shown to be below 0.5, and 0.1 is not; a
    # coverage of 0.95 has an error of 0.02 to 0.03, so that not each of them is shown above 0.9.
    found = [verdict(normal_mean(seed, chains, draws)) for seed in range(25)]
    keys = [v.key for v in found]
    assert set(keys) <= {"small_at_most", "cannot_tell"}
    assert keys.count("small_at_most") >= 12
    for v in found:
        if v.key == "small_at_most":
            assert bool(v)
            assert v.sentence.startswith("The MAP lies near the posterior mean: mu 0.")
            assert v.sentence.endswith(", which is small or negligible. Use it.")
            text = v.parameters.loc["mu", "sentence"]
            assert "give or take 0.1" in text or "give or take 0.0" in text
            assert text.endswith("more draws would tell whether it is negligible.")
    # 0.1 sd of margin against twice the 2.4 errors of 0.1: some 20 times as many draws.
    needed = [float(v.parameters["draws_needed"].iloc[0]) for v in found]
    assert 1000 < np.median(needed) < 10_000


def test_sixteen_draws_cannot_tell() -> None:
    # An error of 0.25, of four degrees of freedom: 0.5 is within 3.7 x 0.25 of every gap.
    for v in (verdict(normal_mean(seed, 4, 4)) for seed in range(10)):
        assert v.key == "cannot_tell"
        assert not v
        assert v.sentence.startswith("Undecided for mu: the MAP lies 0.")
        mean = v.parameters.loc["mu", "mean"]
        assert v.sentence.endswith(
            "more draws would tell whether that matters. Until then, use the posterior mean of mu "
            f"({mean:.3g})."
        )


def test_the_draws_asked_for_are_those_that_would_show_that_a_gap_does_not_matter() -> None:
    # At 0.51 sd a normal posterior is covered by 0.92, 0.02 above the threshold; that the gap is
    # 0.01 above `large` is of no interest where the parameter is not named.
    found = verdict(normal_mean(5, 4, 100, gap=0.51))
    assert found.key == "cannot_tell"
    assert float(found.parameters["draws_needed"].iloc[0]) < 30_000
    assert verdict(normal_mean(5, 4, 8_000, gap=0.51)).key == "small"


def test_as_many_draws_as_it_asked_for_are_enough() -> None:
    tree = normal_mean(3, 4, 25)
    needed = float(verdict(tree).parameters["draws_needed"].iloc[0])
    more = int(np.ceil((100 + needed) / 4))
    assert keys_of(15, 4, more).count("negligible") >= 14


def test_the_largest_of_many_gaps_of_noise_is_no_alarm() -> None:
    for n, seed in ((2000, 0), (300, 1), (300, 2), (300, 3)):
        found = verdict(many_tree(n, seed=seed, draws=100, gap=np.zeros(n)))
        assert found.key in ("cannot_tell", "small_at_most")
        # Some are as many errors from 0 as would be an alarm if there were that one alone.
        assert (found.parameters["gap"].abs() > 2.6 * found.parameters["gap_mcse"]).any()
    # And where there are draws enough, as many parameters are no obstacle.
    assert verdict(many_tree(300, draws=2500, gap=np.zeros(300))).key == "negligible"


def test_one_gap_among_many_is_found() -> None:
    gap = np.zeros(60)
    gap[17] = 1.2  # that of the MAP is half of it
    found = verdict(many_tree(60, draws=2500, gap=gap))
    assert found.key == "small"
    assert found.sentence.startswith("The MAP lies near the posterior mean: theta[item17] 0.")
    assert found.parameters["verdict"].value_counts().to_dict() == {"negligible": 59, "small": 1}
    found = verdict(many_tree(60, draws=2500, gap=2 * gap))
    assert found.key == "matters"
    assert found.sentence.startswith("The MAP is far from the posterior mean: theta[item17] 1.")


def test_each_parameter_has_its_own() -> None:
    found = verdict(regression_tree(draws=2000))
    table = found.parameters
    assert table.loc["beta[age]", "verdict"] == "negligible"
    assert table.loc["sigma", "sentence"].startswith("sigma: the MAP lies 0.6")
    assert "below the posterior mean" in table.loc["sigma", "sentence"]
    # What is computed from the parameters is not asked for.
    assert "effect_of_age" not in table.index
    assert "effect_of_age" in verdict(regression_tree(), var_names="effect_of_age").sentence
    assert str(found) == found.sentence
    only = verdict(regression_tree(draws=2000), var_names="beta")
    assert only.key == "negligible"
    assert only.sentence.startswith(
        "The MAP is within 0.1 sd of the posterior mean everywhere (at most beta["
    )
    assert only.sentence.endswith(". Use it.")


def test_thresholds_are_the_users() -> None:
    tree = coin_tree(draws=2000)
    # 0.534 sd: large enough for a parameter that is named, and for others if they say so.
    assert verdict(tree, var_names="theta").key == "matters"
    assert verdict(tree, var_names="theta", large=0.8, coverage=0.8).key == "small"
    assert verdict(tree, coverage=0.8).key == "small"
    assert verdict(tree, var_names="theta", margin=0.8).key == "negligible"
    # By an error of about 0.011: nearer to the margin than the error can tell.
    assert verdict(tree, margin=0.54, coverage=0.8).key == "cannot_tell"
    assert verdict(tree, var_names="theta", estimator="MLE", margin=0.8).key == "matters"


def test_the_coverage_is_that_of_the_posterior() -> None:
    tree = regression_tree(draws=4000)
    post = regression_posterior()
    a, b = post["a"], post["b"]
    # sigma**2 is InverseGamma(a, b): P(sigma <= s) is the survival function of Gamma(a) at b/s**2.
    low, high = (np.sqrt(b / stats.gamma(a).isf(p)) for p in (0.025, 0.975))
    half, at = (high - low) / 2, post["mle"][1]
    expected = np.diff(stats.gamma(a).sf(b / np.array([at - half, at + half]) ** 2)).item()
    found = verdict(tree, estimator="MLE").parameters.loc["sigma", "coverage"]
    # 16,000 independent draws: 0.002 of the share and as much of the width.
    assert found == pytest.approx(expected, abs=0.012)


def test_what_prediction_costs_decides() -> None:
    tree = many_tree(4, draws=2500, gap=np.zeros(4))
    for loss, key in ((0.001, "negligible"), (0.02, "matters")):
        tree["predictive_cost"] = xr.DataTree(
            xr.Dataset(
                {
                    "difference": (("scope", "distribution"), [[-100 * loss] * 2]),
                    "difference_se": (("scope", "distribution"), [[0.1] * 2]),
                    "pit": (("observation",), np.zeros(100)),
                },
                coords={"scope": ["left_out"], "distribution": ["MLE", "MAP"]},
            )
        )
        found = verdict(tree)
        assert found.key == key
    assert "costs 0.020 nats an observation" in found.sentence
    assert verdict(tree, loss=0.05).sentence.endswith(
        "It predicts as well as the posterior. Use it."
    )
    # 0.02 give or take 0.001 may be 0.0215: not known to cost less than that.
    unknown = verdict(tree, loss=0.0215).sentence
    assert unknown.endswith("Use it.")
    assert "predicts" not in unknown


def test_an_estimate_on_an_edge_is_not_said_to_predict_as_well() -> None:
    # Three heads of three: the MLE is 1, and calls tails impossible.  Each toss left out was heads.
    tree = coin_tree(draws=1000)
    dims = ("scope", "distribution")
    tree["predictive_cost"] = xr.DataTree(
        xr.Dataset(
            {
                "difference": (dims, [[0.9, 0.1]]),
                "difference_se": (dims, [[0.0, 0.0]]),
                "pit": (("observation",), np.zeros(3)),
            },
            coords={"scope": ["left_out"], "distribution": ["MLE", "MAP"]},
        )
    )
    found = verdict(tree, estimator="MLE")
    assert found.key == "matters"
    assert "predicts" not in found.sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"estimator": "mean"}, "estimator must be 'MAP' or 'MLE', got 'mean'"),
        ({"margin": 0}, "margin must be a number above 0, in posterior sd, got 0"),
        ({"margin": "wide"}, "margin must be a number above 0"),
        ({"level": 0.7}, r"level must be a number above 0 and below 0\.5, a probability, got 0\.7"),
        ({"coverage": 0.95}, r"coverage must be a number above 0 and below 0\.95, a share"),
        ({"loss": float("nan")}, "loss must be a number above 0, in nats an observation, got nan"),
        ({"var_names": "zeta"}, "The variables are: theta, two_heads"),
    ],
)
def test_arguments_that_are_none(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ComparisonError, match=said):
        verdict(coin_tree(draws=20), **arguments)


# ------------------------------------------------------------------------------- no verdict


def none(found: Verdict) -> str:
    assert found.key == "no_verdict"
    assert "Use it" not in found.sentence
    return found.sentence


def test_no_verdict_on_an_estimate_that_failed() -> None:
    tree = failed_tree(divergences=0)
    assert none(verdict(tree, estimator="MLE")) == (
        "There is no verdict, for the MLE does not exist: what it maximises has no upper bound "
        "(tau). Use the posterior, or an interior maximum if there is one: "
        "bp.find_MLE(model, local=True)."
    )
    found = verdict(tree)
    assert "the MAP is at infinity" in none(found)
    assert "(slope)" in found.sentence
    # The other parameters of an estimate at infinity have their gaps; of an unbounded one, none.
    keys = found.parameters["verdict"]
    assert keys["slope"] == "no_verdict"
    assert keys["mu"] != "no_verdict"
    assert set(verdict(tree, estimator="MLE").parameters["verdict"]) == {"no_verdict"}


def test_no_verdict_of_an_unconverged_sampler() -> None:
    text = none(verdict(coin_tree(divergences=3)))
    assert text.startswith("There is no verdict on the MAP: 3 of 2000 draws diverged")
    apart = np.random.default_rng(1).normal(size=(4, 500)) + np.array([[0.0], [0], [0], [1]])
    at = estimate({"x": 0.0})
    found = verdict(assemble({"x": apart}, mle=at, map=at))
    assert "r-hat is above 1.01 for x" in none(found)
    assert found.parameters.loc["x", "sentence"].endswith("for the sampler has not converged.")
    assert "one chain only" in none(verdict(coin_tree(chains=1)))


def test_an_r_hat_of_few_draws_is_no_doubt() -> None:
    # r-hat of 4 x 25 independent draws is above 1.01 more often than not.
    health = [sampler_health(normal_mean(seed, 4, 25)) for seed in range(20)]
    assert sum(any(p.kind == "r_hat" for p in h.problems) for h in health) > 6
    assert not any(p.kind == "r_hat" for h in health for p in convergence_doubts(h))


def test_draws_without_spread_are_left_out() -> None:
    x = np.random.default_rng(1).normal(size=(4, 1000))
    at = estimate({"a": 0.5, "b": 0.0, "c": 0.0})
    tree = assemble({"a": np.full((4, 1000), 0.5), "b": x, "c": x}, mle=at, map=at)
    found = verdict(tree)
    assert found.key == "negligible"
    assert found.parameters.loc["a", "sentence"] == "a: no verdict, for its draws are constant."
    assert "no parameter has a gap" in none(verdict(tree, var_names="a"))


def test_a_parameter_that_is_not_identified_has_none() -> None:
    x = np.random.default_rng(1).normal(size=(4, 500))
    flat = [finding("flat", ["a"], "more data")]
    at = estimate({"a": 0.0, "b": 0.0}, status="not_identified", findings=flat)
    found = verdict(assemble({"a": x, "b": x}, mle=at, map=at))
    assert "not unique: what it maximises is flat along a direction (a)" in none(found)
    assert found.parameters["verdict"].tolist()[0] == "no_verdict"
    assert found.parameters["verdict"].tolist()[1] != "no_verdict"


def test_three_draws_cannot_tell() -> None:
    found = verdict(normal_mean(1, 2, 3))
    assert found.key == "cannot_tell"
    assert found.sentence.startswith("Undecided: the draws are too few to say how far the MAP lies")


def residual_sd(n: int, p: int, *, known: bool = True) -> xr.DataTree:
    """A regression under flat priors on beta and log(sigma), residual sum of squares 1.

    The posterior of 1 / sigma**2 is chi-squared of n - p degrees of freedom; the MLE is
    sqrt(1 / n). beta is normal about its MLE.
    """
    rng = np.random.default_rng(n + p)
    sigma = 1 / np.sqrt(rng.chisquare(n - p, (4, 1000)))
    at = estimate({"sigma": np.sqrt(1 / n), "beta": 0.0})
    attrs = {"residual_freedom": f'{{"sigma": [{n}, {p}]}}'} if known else {}
    draws = {"sigma": sigma, "beta": rng.normal(size=(4, 1000))}
    return assemble(draws, mle=at, map=at, mode=at, attrs=attrs)


def test_a_residual_sd_is_small_and_its_correction_is_said() -> None:
    # The sd of sigma is about s / sqrt(2 (n - p)), so the gap about p / sqrt(2 n) = 0.73 sd, of
    # which the correction leaves that of a mean from its scale, 1.06 / sqrt(n - p) = 0.14.
    found = verdict(residual_sd(60, 8))
    assert found.key == "small"
    assert found.parameters.loc["sigma", "gap"] < -0.65
    assert (
        "sigma lacks the usual correction for 8 coefficients, sqrt(60/(60 − 8)) = 1.07; with it"
        in found.sentence
    )
    assert found.sentence.endswith("Use it.")
    assert verdict(residual_sd(60, 8), var_names=["sigma", "beta"]).key == "small"


def test_a_residual_sd_without_its_correction_or_far_off_matters() -> None:
    assert verdict(residual_sd(60, 8, known=False)).key == "matters"
    # 30 / sqrt(120) = 2.7 sd: a factor of 1.41, of which nobody should hear that it is small.
    far = verdict(residual_sd(60, 30))
    assert far.key == "matters"
    assert "correction" not in far.sentence
