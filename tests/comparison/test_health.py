"""Sampler health: the diagnostics are ArviZ's, the problems are said in words."""

from __future__ import annotations

import math

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from bayes_point.comparison.distance.health import SamplerHealth, sampler_health
from tests.tree_layout import sampler_stats
from tests.trees import coin_tree, failed_tree, many_tree, regression_tree


def problem(health: SamplerHealth, kind: str) -> str:
    (found,) = [p for p in health.problems if p.kind == kind]
    return str(found)


def test_good_draws_have_no_problem() -> None:
    health = sampler_health(regression_tree())
    assert health.ok
    assert (health.sampler, health.chains, health.draws) == ("nutpie", 4, 500)
    assert (health.divergences, health.max_treedepth) == (0, 0)
    assert health.bfmi is not None
    assert len(health.bfmi) == 4
    # independent draws: successive differences have twice the variance
    assert np.mean(health.bfmi) == pytest.approx(2, abs=0.2)
    assert str(health).startswith("4 chains of 500 draws by nutpie; largest r-hat 1.00")


def test_diagnostics_are_those_of_arviz() -> None:
    dt = many_tree(4, rho=0.7)
    got = sampler_health(dt).diagnostics["theta"]
    ds = dt["posterior"].to_dataset()["theta"]
    expected = {
        "r_hat": arviz_stats.rhat(ds),
        "ess_bulk": arviz_stats.ess(ds, method="bulk"),
        "ess_tail": arviz_stats.ess(ds, method="tail", prob=(0.05, 0.95)),
        "mcse_mean": arviz_stats.mcse(ds, method="mean"),
        "mcse_sd": arviz_stats.mcse(ds, method="sd"),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(got.sel(diagnostic=name), value, rtol=1e-10, err_msg=name)
    assert got.dims == ("diagnostic", "item")
    assert list(got["item"].values) == ["item00", "item01", "item02", "item03"]


def test_chains_that_disagree_are_named_the_worst_first() -> None:
    dt = regression_tree()
    ds = dt["posterior"].to_dataset()
    apart = xr.DataArray([0.0, 0.0, 1.0, 1.0], dims="chain")
    sigma = (ds["sigma"] + 5 * apart).transpose("chain", "draw")
    dt["posterior"] = ds.assign(sigma=sigma, effect_of_age=ds["effect_of_age"] + apart)
    health = sampler_health(dt)
    text = problem(health, "r_hat")
    assert text.startswith("r-hat is above 1.01 for sigma (")
    assert "effect_of_age (" in text
    assert "reparametrise" in text
    assert health.max_r_hat[0] == "sigma"
    assert health.problems[0].parameters == ("sigma", "effect_of_age")


def test_small_effective_samples() -> None:
    # AR(1) with 0.9: 1000 draws are worth 1000 * 0.1 / 1.9 = 53.
    health = sampler_health(many_tree(8, rho=0.9))
    text = problem(health, "ess")
    assert "below 400 (100 a chain) for theta[item" in text
    assert "and 3 more" in text
    assert health.min_ess[1] < 100
    two_chains = sampler_health(many_tree(1, chains=2, draws=150))
    assert two_chains.ok, "300 independent draws are enough for two chains"


@pytest.mark.parametrize(
    ("sampler", "depth"), [("nutpie", "maxdepth_reached"), ("pymc", "reached_max_treedepth")]
)
def test_divergences_and_depth_under_both_names(sampler: str, depth: str) -> None:
    dt = coin_tree()
    dt["sample_stats"] = sampler_stats(4, 500, sampler=sampler, divergences=12, deepest=7)
    assert depth in dt["sample_stats"]
    health = sampler_health(dt)
    assert (health.divergences, health.max_treedepth) == (12, 7)
    assert problem(health, "divergences").startswith("12 of 2000 draws diverged")
    assert "target_accept" in problem(health, "divergences")
    assert problem(health, "max_treedepth").startswith("7 of 2000 draws reached the maximum")


def test_low_bfmi() -> None:
    dt = coin_tree()
    stats = dt["sample_stats"].to_dataset()
    # A random walk in energy: successive differences are small against its spread.
    stats["energy"] = stats["energy"].cumsum("draw")
    dt["sample_stats"] = stats
    assert "below 0.3 in chain 0 (0.0" in problem(sampler_health(dt), "bfmi")


def test_what_is_not_recorded_is_not_claimed() -> None:
    dt = coin_tree()
    del dt["sample_stats"]
    health = sampler_health(dt)
    assert (health.divergences, health.max_treedepth, health.bfmi) == (None, None, None)
    assert "divergences not recorded" in str(health)


def test_one_chain_few_draws() -> None:
    health = sampler_health(coin_tree(chains=1))
    assert "one chain only" in problem(health, "one_chain")
    assert health.max_r_hat[0] == ""
    assert math.isnan(health.max_r_hat[1])
    assert np.isfinite(health.min_ess[1])
    short = sampler_health(coin_tree(draws=3))
    assert math.isnan(short.min_ess[1])


def test_constant_stuck_and_non_finite_draws() -> None:
    dt = failed_tree(divergences=0)
    ds = dt["posterior"].to_dataset()
    stuck = ds["mu"] * 0 + ds["chain"]
    infinite = ds["tau"].copy()
    infinite[0, 0] = np.inf
    dt["posterior"] = ds.assign(mu=stuck, tau=infinite, slope=ds["slope"] * 0 + 1)
    health = sampler_health(dt)
    assert "mu (above 100)" in problem(health, "r_hat")
    assert problem(health, "not_finite").startswith("Some draws of tau are not finite")
    assert np.isnan(health.diagnostics["slope"].sel(diagnostic=["r_hat", "ess_bulk"])).all()
    assert float(health.diagnostics["slope"].sel(diagnostic="mcse_mean")) == 0.0
    assert np.isnan(health.diagnostics["tau"]).all()
