"""A refit that is saved as it goes, and goes on from what was saved."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
import zarr

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.refit.batch import Refitter

Y = np.random.default_rng(3).normal(2, 3, size=(10, 4))


@cache
def normal(scale: float = 10.0) -> pm.Model:
    with pm.Model(coords={"what": ["a"]}) as model:
        mu = pm.Normal("mu", 0, 10, dims="what")
        sigma = pm.HalfNormal("sigma", scale)
        pm.Normal("y", mu[0], sigma, observed=np.zeros(4))
    return model


def refit(
    path: Path | None, model: pm.Model | None = None, y: Any = Y, **options: Any
) -> xr.Dataset:
    options = {"progressbar": False, "chunk_size": 3, **options}
    return bp.refit(model or normal(), {"y": y}, save=path, **options)


def counted(monkeypatch: pytest.MonkeyPatch, stop_at: int | None = None) -> list[int]:
    """Count the data sets that are worked on; raise as Ctrl-C does at one of the calls."""
    run, seen = Refitter.run, []

    def counting(self: Any, inputs: Any, starts: Any) -> Any:
        if len(seen) == stop_at:
            raise KeyboardInterrupt
        seen.append(len(inputs["y"]))
        return run(self, inputs, starts)

    monkeypatch.setattr(Refitter, "run", counting)
    return seen


def test_a_second_call_goes_on_where_the_first_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = refit(None)
    with monkeypatch.context() as patch:
        counted(patch, stop_at=2)
        with pytest.warns(EstimationWarning, match="6 of 10 data sets are done"):
            part = refit(tmp_path / "fits")
    xr.testing.assert_identical(part, whole.isel(dataset=slice(0, 6)))
    seen = counted(monkeypatch)
    xr.testing.assert_identical(refit(tmp_path / "fits"), whole)
    assert seen == [3, 1]
    xr.testing.assert_identical(refit(tmp_path / "fits", chunk_size=5), whole)
    assert seen == [3, 1]  # nothing was left to do
    with xr.open_zarr(tmp_path / "fits", consolidated=False) as held:
        np.testing.assert_array_equal(held["mu"].values, whole["mu"].values)
        assert held["what"].values.tolist() == ["a"]


def test_a_chunk_that_was_half_written_is_written_again(tmp_path: Path) -> None:
    whole = refit(tmp_path / "fits")
    # As a process leaves it that dies in the middle of the third chunk.
    group = zarr.open_group(tmp_path / "fits", mode="r+")
    mark = str(group.attrs["bayes_point_refit"])
    group.attrs["bayes_point_refit"] = mark.replace('"done": 10', '"done": 6')
    group["sigma"].resize((6,))
    group["mu"][6:] = 99.0
    xr.testing.assert_identical(refit(tmp_path / "fits"), whole)
    with xr.open_zarr(tmp_path / "fits", consolidated=False) as held:
        np.testing.assert_array_equal(held["mu"].values, whole["mu"].values)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"y": Y + 1}, "data"),
        ({"model": normal(scale=3.0)}, "model"),
        ({"estimator": "MAP"}, "options"),
        ({"y": Y[:5], "dim": "other"}, "data and options"),
    ],
)
def test_a_store_of_something_else_is_refused(tmp_path: Path, options: dict, what: str) -> None:
    refit(tmp_path / "fits")
    with pytest.raises(ModelError, match=f"holds a refit that differs in its {what}. Give another"):
        refit(tmp_path / "fits", **options)


def test_a_folder_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ModelError, match="is there already, and is no store of a refit"):
        refit(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_without_zarr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_point.estimation.refit.zarr.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ModelError, match=r"needs the package zarr.*bayes-point\[zarr\]"):
        refit(tmp_path / "fits")
