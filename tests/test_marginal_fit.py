"""Fits of models with latent variables: the marginal estimates are the ones that are compared.

Of ``y = a + e`` with two observations in each of three groups, ``a ~ N(mu, 1)``, ``e ~ N(0, 1)``
and ``mu ~ N(0, 10)`` all is Gaussian.  The means of the groups have variance 3/2 about mu: the
marginal MLE is their mean, and the marginal MAP, the posterior mean of mu, that times 2 / 2.01.
Given mu, a group's effect has precision 3 and the mean (2 ybar + mu) / 3.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
import bayes_point.fitting as fitting
from bayes_point.errors import ComparisonError, EstimationWarning, ModelError
from bayes_point.report.sections.estimates import findings_in_words

Y = np.array([-3.0, -1, 1, 3, 4, 8])
MEANS = Y.reshape(3, 2).mean(1)
MLE, MAP = MEANS.mean(), MEANS.mean() * 2 / 2.01


@pytest.fixture(scope="module")
def model() -> pm.Model:
    with pm.Model(coords={"group": ["A", "B", "C"]}) as made:
        mu = pm.Normal("mu", 0, 10)
        a = pm.Normal("a", mu, 1, dims="group")
        pm.Normal("y", a[[0, 0, 1, 1, 2, 2]], 1, observed=Y)
    return made


@pytest.fixture(scope="module")
def draws() -> xr.DataTree:
    """Independent draws of the posterior, moved to have its mean and sd to the last digit."""
    rng = np.random.default_rng(1)

    def exact(z: np.ndarray) -> np.ndarray:
        return (z - z.mean((0, 1))) / z.std((0, 1), ddof=1)

    mu = MAP + np.sqrt(1 / 2.01) * exact(rng.standard_normal((4, 500)))
    a = (2 * MEANS + mu[..., None]) / 3 + np.sqrt(1 / 3) * exact(rng.standard_normal((4, 500, 3)))
    dims = ("chain", "draw")
    posterior = xr.Dataset(
        {"mu": (dims, mu), "a": ((*dims, "group"), a)},
        coords={"chain": range(4), "draw": range(500), "group": ["A", "B", "C"]},
    )
    return xr.DataTree.from_dict({"/posterior": posterior})


@pytest.fixture(scope="module")
def fit(model: pm.Model, draws: xr.DataTree) -> xr.DataTree:
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimationWarning)  # none of the joint estimates
        return bp.fit(model, idata=draws, n_starts=2, details=False, progressbar=False)


def test_the_marginal_estimates_stand_before_the_joint_ones(fit: xr.DataTree) -> None:
    points = fit["point_estimates"].dataset
    names = ["marginal MLE", "marginal MAP", "MLE", "MAP", "mean"]
    assert points["estimator"].values.tolist() == names
    assert points["status"].values.tolist()[:3] == ["converged", "converged", "not_identified"]
    mu = points["mu"].values
    assert np.allclose(mu[[0, 1, 4]], [MLE, MAP, MAP], rtol=1e-9)
    assert np.allclose(points["a"].values[0], (2 * MEANS + MLE) / 3)


def test_conditional_modes_are_kept_with_both_errors(fit: xr.DataTree) -> None:
    a = fit["marginal_map/latents"]["a"]
    assert a.dims == ("quantity", "group")
    assert np.allclose(a.sel(quantity="sd_given_parameters"), np.sqrt(1 / 3))
    # What the variance of mu, 1 / 2.01, adds to a third of it.
    assert np.allclose(a.sel(quantity="sd"), np.sqrt(1 / 3 + 1 / 2.01 / 9))


def test_the_comparison_is_of_the_marginal_estimates(fit: xr.DataTree) -> None:
    gaps = bp.gaps(fit)
    assert [*gaps.data_vars] == ["mu"]
    assert gaps["estimator"].values.tolist() == ["marginal MLE", "marginal MAP", "MLE", "MAP"]
    gap = gaps["mu"].sel(quantity="gap").values
    assert np.allclose(gap[:2], [(MLE - MAP) * np.sqrt(2.01), 0], atol=1e-8)
    assert bp.gaps(fit, var_names="a")["a"].sel(quantity="distance").shape == (4, 3)
    summary = bp.summary(fit)
    assert [*summary.index] == ["mu"]
    assert summary.attrs["status"] == {"MLE": "converged", "MAP": "converged"}
    verdict = bp.verdict(fit)
    assert verdict.estimator == "marginal MAP"
    assert verdict.key == "negligible"
    assert verdict.sentence.startswith("The marginal MAP is within 0.1 sd")
    assert float(bp.explain(fit)["mu"].sel(term="total", quantity="shift")) == pytest.approx(
        (MAP - MLE) * np.sqrt(2.01)
    )


def test_a_saved_fit_says_the_same(fit: xr.DataTree, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit.to_netcdf(path, engine="h5netcdf")
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        again = opened.load()
    assert again["marginal_mle/latents"].dataset.equals(fit["marginal_mle/latents"].dataset)
    assert bp.gaps(again).equals(bp.gaps(fit))
    assert bp.verdict(again).sentence == bp.verdict(fit).sentence


def test_a_fit_that_lost_a_part_of_its_marginal_estimates_is_refused(fit: xr.DataTree) -> None:
    for lost in ("group", "point"):
        damaged = fit.copy()
        if lost == "group":
            del damaged["marginal_map"]
        else:
            points = fit["point_estimates"].dataset
            keep = [e for e in points["estimator"].values if e != "marginal MAP"]
            damaged["point_estimates"] = xr.DataTree(points.sel(estimator=keep))
        with pytest.raises(ComparisonError, match=r"marginal MAP the tree has lost .* anew"):
            bp.gaps(damaged)


def test_the_command_names_both_kinds_of_estimate(fit: xr.DataTree) -> None:
    said = findings_in_words(fit)
    assert said[0].startswith("marginal MLE: 3 values were integrated out (a: its prior")
    assert any(text.startswith("joint MLE: ") and "marginalize=" in text for text in said)


def test_the_page_says_what_was_integrated_out(fit: xr.DataTree) -> None:
    page = bp.report(fit)
    assert page.headline.startswith("The marginal MAP is within")
    assert "(a: 3 values) are integrated out of both estimates, exactly, as they are" in page.html
    assert "is not identified" in page.html
    assert "Caterpillar plot of a" in page.html
    assert "joint MLE" in page.html
    assert "They can be used in place of the posterior of the latent variables." in page.html


def test_nothing_is_lost_where_the_marginal_search_fails(
    model: pm.Model, draws: xr.DataTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: object, **options: object) -> bp.PointEstimate:
        if options.get("marginalize"):
            raise ModelError("no Hessian that can be factored")
        return find(*args, **options)

    find = fitting.find_MAP
    monkeypatch.setattr(fitting, "find_MAP", failing)
    # The joint estimates are all there is then, and their warnings are given.
    with pytest.warns(EstimationWarning, match="MLE: Not identified.*mu enters only through"):
        tree = bp.fit(model, idata=draws, n_starts=1, details=False, progressbar=False)
    assert "marginal_map" not in tree.children
    assert json.loads(tree.attrs["details_left_out"]) == {
        "latents": "no Hessian that can be factored"
    }
    assert tree["point_estimates"]["estimator"].values.tolist() == ["MLE", "MAP", "mean"]


def test_marginalize_is_checked_first_and_can_be_turned_off(
    model: pm.Model, fit: xr.DataTree
) -> None:
    with pytest.raises(ModelError, match="names 'b', which is not a free variable"):
        bp.fit(model, marginalize=["b"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        tree = bp.fit(
            model, idata=fit, n_starts=1, marginalize=None, details=False, progressbar=False
        )
    assert "marginal_mle" not in tree.children
    assert [*bp.gaps(tree).data_vars] == ["mu", "a"]
