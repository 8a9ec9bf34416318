"""The first sentence: which gap it names, and what it says where there is none."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from bayes_point.report.headline import FALSE_ALARM, Gap, headline
from bayes_point.report.request import Request
from tests.tree_layout import assemble, estimate, finding
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree


def said(tree: xr.DataTree, var_names: str | None = None) -> tuple[str, str]:
    selection = {"var_names": var_names, "filter_vars": None, "coords": None}
    request = Request(tree, selection, 0.89, "eti")
    found = headline(request.gaps, request.statuses, request.health)
    return " ".join(found["lede"]), " ".join(found["notes"])


def normal_tree(gap: float, *, status: str = "converged", named: str = "") -> xr.DataTree:
    """Posterior N(10, 2) of `mu`, MAP at the mean of the draws, MLE at `gap` sd from it."""
    draws = np.random.default_rng(3).normal(10, 2, (4, 500))
    mean, sd = draws.mean(), draws.std(ddof=1)
    found = [finding("it is flat", [named], "add data")] if named else []
    return assemble(
        {"mu": draws, "nu": draws[::-1] + 1},
        mle=estimate({"mu": mean + gap * sd, "nu": mean + 1}, status=status, findings=found),
        map=estimate({"mu": mean, "nu": mean + 1}),
    )


@pytest.mark.parametrize(("gap", "words"), [(1.5, "1.50 posterior sd above"), (-0.75, "0.75 po")])
def test_the_largest_gap_in_words(gap: float, words: str) -> None:
    lede, notes = said(normal_tree(gap))
    assert lede.startswith(f"The MLE of mu lies {words}")
    assert ("above" in lede) == (gap > 0)
    assert ("below" in lede) == (gap < 0)
    assert notes == "The MAP cannot be told from the posterior mean in these draws."


def test_its_monte_carlo_error_is_there() -> None:
    # Of g = (p - mean)/sd over n independent normal draws: sqrt((1 + g**2/2) / n) = 0.0326.
    lede, _ = said(normal_tree(1.5))
    error = re.search(r"Monte Carlo error ([0-9.]+)", lede)
    assert error is not None
    assert float(error[1]) == pytest.approx(np.sqrt((1 + 1.5**2 / 2) / 2000), abs=0.005)


def test_no_gap_but_noise() -> None:
    lede, notes = said(normal_tree(0.01))
    assert lede == (
        "Neither the MLE nor the MAP can be told from the posterior mean in these draws: the "
        "largest distance, 0.01 posterior sd (mu, MLE), is within Monte Carlo noise (error 0.02)."
    )
    assert notes == ""


def test_the_largest_of_many_gaps_of_noise_is_not_called_real() -> None:
    # Estimates at the true means: every gap is noise. Over 40 trees of 60 parameters the headline
    # calls one real in 5 % of the trees: at most 7 of 40 but for a chance of 0.2 %.
    alarms = 0
    for seed in range(40):
        tree = many_tree(60, seed=seed, draws=50, gap=np.zeros(60))
        alarms += not said(tree)[0].startswith("Neither")
    assert FALSE_ALARM == 0.05
    assert alarms <= 7


def test_an_estimate_on_the_boundary() -> None:
    lede, notes = said(coin_tree(), "theta")
    # (1 - 5/7) / sd(Beta(5, 2)) = 1.789
    assert re.match(r"The MLE of theta lies 1\.(7|8)\d posterior sd above its post", lede)
    assert "The MLE lies on the boundary of the support." in notes
    assert "The MAP of theta lies 0.5" in notes


def test_estimates_that_do_not_exist_come_first() -> None:
    lede, _ = said(failed_tree())
    assert lede.startswith("The MLE does not exist: what it maximises has no upper bound. The MAP")
    assert "The MAP is at infinity" in lede
    # The gap that is named is one of the MAP's, and not of the parameter that is at infinity.
    assert "The MAP of effect[Phillips Andover] lies 0." in lede
    assert "The MLE of" not in lede


def test_a_direction_that_is_not_identified_has_no_gap() -> None:
    lede, _ = said(normal_tree(3.0, status="not_identified", named="mu"))
    assert lede.startswith("The MLE is not unique: what it maximises is flat along a direction.")
    assert "of mu lies" not in lede


def test_a_search_that_failed_has_no_gap() -> None:
    lede, notes = said(normal_tree(3.0, status="not_converged"))
    assert lede.startswith("The MLE was not found: the search stopped before")
    assert "The MAP cannot be told from the posterior mean" in lede
    assert "The MLE of" not in lede + notes


def test_the_posterior_mean_itself() -> None:
    # MAP of the coefficients of a conjugate regression = their posterior mean; only sigma differs.
    assert said(regression_tree(), "beta")[0].startswith("Neither the MLE nor the MAP")
    assert said(regression_tree())[0].startswith("The MLE of sigma lies 1.")


def test_a_sampler_with_problems_puts_all_under_reserve() -> None:
    _, notes = said(coin_tree(divergences=3), "theta")
    assert notes.startswith("The sampler has 1 problem (see below): its posterior mean is prov")
    assert "The MLE lies on the boundary" in notes


@pytest.mark.parametrize(
    ("value", "mcse", "size", "error"),
    [
        (1.096, 0.02, "1.10", "0.02"),
        (-1.096, 0.15, "1.1", "0.1"),
        (0.034, 0.003, "0.03", "0.003"),
        (12.4, 1.6, "12.4", "1.6"),
    ],
)
def test_digits_follow_the_error(value: float, mcse: float, size: str, error: str) -> None:
    gap = Gap("MAP", "x", value, mcse)
    assert (gap.size(), gap.error()) == (size, error)
