"""study with sample_sizes: MLE and MAP meet as n grows; which models can be resized, and how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError

QUIET: dict[str, Any] = {"progressbar": False, "random_seed": 1}


def shrunk(*, dims: bool) -> pm.Model:
    """Data of sd 1 and a prior of sd 1/2: with n of them the MAP is n/(n + 4) times the MLE."""
    with pm.Model(coords={"i": list("abc")} if dims else None) as model:
        mu = pm.Normal("mu", 0, 0.5)
        if dims:
            pm.Normal("y", mu, 1, observed=[1.0, 2.0, 3.0], dims="i")
        else:
            pm.Normal("y", mu, 1, observed=pm.Data("data", [1.0, 2.0, 3.0]))
    return model


@pytest.mark.parametrize("dims", [True, False])
def test_map_and_mle_meet(dims: bool) -> None:
    model = shrunk(dims=dims)
    sizes = [1, 4, 64]
    found = bp.study(
        model, {"mu": 2.0}, 400, estimators=["MLE", "MAP"], sample_sizes=sizes, **QUIET
    )
    assert found["sample_size"].values.tolist() == sizes
    assert found["bias"].dims == ("sample_size", "estimator", "parameter")
    one = found.sel(parameter="mu")
    for i, n in enumerate(sizes):
        here = one.isel(sample_size=i)
        mle, map_ = here["estimate"].values
        np.testing.assert_allclose(map_, n / (n + 4) * mle, rtol=1e-9)
        # The mean of n has the variance 1/n; the MAP is off by 2 (n/(n + 4) - 1).
        for estimator, bias, variance in (
            ("MLE", 0.0, 1 / n),
            ("MAP", -8 / (n + 4), n / (n + 4) ** 2),
        ):
            at = here.sel(estimator=estimator)
            assert abs(at["bias"] - bias) < 4 * at["bias_mcse"]
            assert abs(at["variance"] - variance) < 4 * at["variance_mcse"]
    # The user's model is as it was.
    assert bp.find_MLE(model, progressbar=False).point["mu"] == pytest.approx(2.0)
    pc = bp.plot_study(found, measures=["bias"], backend="none")
    assert list(pc.viz["line_MAP"]) == ["bias of mu"]


def test_rows_of_covariates_are_used_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    with pm.Model(coords={"row": range(3), "column": ["p", "q"]}) as model:
        rows = pm.Data("x", x, dims=("row", "column"))
        b = pm.Normal("b", 0, 1, dims="column")
        pm.Deterministic("eta", rows @ b, dims="row")
        pm.Deterministic("sum", b.sum())
        pm.Normal("y", rows @ b, 1, observed=np.zeros(3), dims="row")
    seen = []
    from bayes_point.estimation.resample import study

    whole = study.simulate

    def spy(model: pm.Model, *args: Any) -> Any:
        seen.append(np.asarray(model["x"].get_value()))
        return whole(model, *args)

    monkeypatch.setattr(study, "simulate", spy)
    found = bp.study(model, None, 20, estimators=["MAP"], sample_sizes=[2, 7], **QUIET)
    assert found["parameter"].values.tolist() == ["b[p]", "b[q]", "sum"]
    few, many = seen
    assert len(few) == 2
    assert all(row.tolist() in x.tolist() for row in few)
    assert sorted((many[:, None] == x).all(axis=2).sum(axis=0)) == [2, 2, 3]
    # Of b given y the variance is that of a ridge regression with this design.
    found = bp.study(model, {"b": [0.5, -1]}, 300, estimators=["MAP"], sample_sizes=[300], **QUIET)
    design = seen[-1]
    assert len(design) == 300
    shrinks = np.linalg.solve(design.T @ design + np.eye(2), design.T)
    exact = np.diag(shrinks @ shrinks.T)
    one = found.isel(sample_size=0, estimator=0).sel(parameter=["b[p]", "b[q]"])
    assert np.all(np.abs(one["variance"] - exact) < 4 * one["variance_mcse"])


def test_a_warning_says_which_size() -> None:
    with pm.Model(coords={"toss": range(4)}) as model:
        a = pm.Normal("a", 0, 3)
        pm.Bernoulli("y", logit_p=a, observed=np.zeros(4, int), dims="toss")
    with pytest.warns(EstimationWarning, match=r"for \d+ of 50 data sets with 3 observations"):
        bp.study(model, {"a": 0.5}, 50, estimators="MLE", sample_sizes=[3], **QUIET)


def fixed_covariate() -> pm.Model:
    with pm.Model(coords={"i": range(3)}) as model:
        a = pm.Normal("a")
        pm.Normal("y", a * np.arange(3.0), 1, observed=np.zeros(3), dims="i")
    return model


def nothing_to_resize() -> pm.Model:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=np.zeros(3))
    return model


def one_parameter_each() -> pm.Model:
    with pm.Model(coords={"i": range(3)}) as model:
        pm.Normal("y", pm.Normal("a", dims="i"), 1, observed=np.zeros(3), dims="i")
    return model


def two_dims() -> pm.Model:
    with pm.Model(coords={"i": range(3), "j": range(2)}) as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=np.zeros((3, 2)), dims=("i", "j"))
    return model


def single_number() -> pm.Model:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("a"), 1, observed=3.0)
    return model


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (
        fixed_covariate,
        {"sample_sizes": [5]},
        r"cannot be given 5 observations along the dim 'i': .* Declare every array .* as pm.Data",
    ),
    (nothing_to_resize, {"sample_sizes": [5]}, r"along their first axis: .* fixed length"),
    (one_parameter_each, {"sample_sizes": [5]}, "of no free variable. Say it with dim="),
    (one_parameter_each, {"sample_sizes": [5], "dim": "i"}, r"\['a'\] have one element an obs"),
    (two_dims, {"sample_sizes": [5]}, r"cannot be told: \['i', 'j'\] of the dims"),
    (two_dims, {"sample_sizes": [5], "dim": "k"}, r"dim='k', which the observed \['y'\] do not"),
    (two_dims, {"dim": "i"}, "dim='i' without sample_sizes"),
    (two_dims, {"sample_sizes": [], "dim": "i"}, "must be different numbers of observations"),
    (two_dims, {"sample_sizes": [3, 3], "dim": "i"}, "must be different numbers of observations"),
    (two_dims, {"sample_sizes": [0], "dim": "i"}, "whole number of at least 1, got 0"),
    (two_dims, {"sample_sizes": [2.5], "dim": "i"}, "whole number of at least 1, got 2.5"),
    (single_number, {"sample_sizes": [5]}, r"\['y'\] are single numbers"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), BAD)
def test_what_cannot_be_resized(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bp.study(make(), None, 10, **arguments, **QUIET)


def test_one_of_two_dims() -> None:
    found = bp.study(
        two_dims(), {"a": 1.0}, 200, estimators="MLE", sample_sizes=[2, 8], dim="j", **QUIET
    )
    at: xr.Dataset = found.sel(parameter="a", estimator="MLE")
    for n in (2, 8):  # three rows of n
        one = at.sel(sample_size=n)
        assert abs(one["variance"] - 1 / (3 * n)) < 4 * one["variance_mcse"]
