"""A refit that is saved as it goes, and goes on from what was saved."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
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


def labelled(labels: Any, y: Any = Y) -> xr.DataArray:
    return xr.DataArray(y, dims=("site", "time"), coords={"site": list(labels)})


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


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"y": Y + 1}, "data"),
        ({"model": normal(scale=3.0)}, "model"),
        ({"estimator": "MAP"}, "options"),
        ({"y": Y[:5], "dim": "other"}, "data and options"),
        ({"y": labelled("abcdefghij"), "dim": "site"}, "labels and options"),
    ],
)
def test_a_store_of_something_else_is_refused(tmp_path: Path, options: dict, what: str) -> None:
    refit(tmp_path / "fits")
    with pytest.raises(ModelError, match=f"holds a refit that differs in its {what}. Give another"):
        refit(tmp_path / "fits", **options)


def test_labels_are_kept_and_compared(tmp_path: Path) -> None:
    names = "abcdefghij"
    whole = refit(tmp_path / "fits", y=labelled(names), dim="site")
    with xr.open_zarr(tmp_path / "fits") as held:
        assert held["site"].values.tolist() == list(names)
    # The same numbers under other names: results of the one would be shown as of the other.
    with pytest.raises(ModelError, match="holds a refit that differs in its labels"):
        refit(tmp_path / "fits", y=labelled(names[::-1]), dim="site")
    xr.testing.assert_identical(refit(tmp_path / "fits", y=labelled(names), dim="site"), whole)


def test_labels_that_zarr_cannot_hold_are_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted(monkeypatch)
    labels = [object() for _ in range(10)]
    with pytest.raises(ModelError, match=r"cannot keep the labels .* numbers, text or dates"):
        refit(tmp_path / "fits", y=labelled(labels), dim="site")
    assert seen == []


def test_data_of_python_objects_count_by_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As pandas hands over a column of mixed types. An object's bytes are its address.
    whole = refit(tmp_path / "fits", y=np.array(Y.tolist(), dtype=object))
    seen = counted(monkeypatch)
    again = refit(tmp_path / "fits", y=np.array(Y.tolist(), dtype=object))
    xr.testing.assert_identical(again, whole)
    xr.testing.assert_identical(refit(tmp_path / "fits", y=Y), whole)
    assert seen == []


def test_the_status_in_a_store_has_its_legend(tmp_path: Path) -> None:
    whole = refit(tmp_path / "fits")
    with xr.open_zarr(tmp_path / "fits") as held:
        legend = held["status"].attrs
        words = dict(zip(legend["flag_values"], legend["flag_meanings"].split(), strict=True))
        assert [words[i] for i in held["status"].values] == whole["status"].values.tolist()
        assert words[-1] == "not_done"


def test_a_reader_sees_which_data_sets_are_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(monkeypatch, stop_at=2)
    with pytest.warns(EstimationWarning, match="6 of 10"):
        refit(tmp_path / "fits")
    with xr.open_zarr(tmp_path / "fits") as held:
        assert (held["status"].values == -1).tolist() == [False] * 6 + [True] * 4
        assert np.isnan(held["mu"].values).ravel().tolist() == [False] * 6 + [True] * 4


@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_after_an_interrupt_inside_a_chunk_the_numbers_are_the_same_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    # Blocks of 64 and a last one of 36 in each chunk of 100: how many rows are worked on together
    # changes the last bits of a sum.
    monkeypatch.setattr(Refitter, "block_size", 64)
    y = np.random.default_rng(4).normal(2, 3, size=(250, 4))
    whole = refit(None, y=y, chunk_size=100)
    with monkeypatch.context() as patch:
        counted(patch, stop_at=stop_at)
        with pytest.warns(EstimationWarning, match="Interrupted"):
            refit(tmp_path / "fits", y=y, chunk_size=100)
    seen = counted(monkeypatch)
    xr.testing.assert_identical(refit(tmp_path / "fits", y=y, chunk_size=30), whole)
    assert seen == [64, 36, 64, 36, 50][stop_at:]


def test_what_was_compiled_on_the_way_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which of them is compiled depends on the clock; the second call does as the first did.
    monkeypatch.setattr("bayes_point.estimation.refit.run._pays", lambda *_: True)
    run, modes = Refitter.run, []

    def noting(self: Any, inputs: Any, starts: Any) -> Any:
        modes.append(self.task.backend)
        if len(modes) == 4:
            raise KeyboardInterrupt
        return run(self, inputs, starts)

    # numba would compile for half a minute: what matters here is who is asked.
    monkeypatch.setattr("bayes_point.estimation.refit.run._compiled", other_mode)
    monkeypatch.setattr(Refitter, "run", noting)
    with pytest.warns(EstimationWarning, match="9 of 10"):
        refit(tmp_path / "fits")
    # Not after the first block, in whose time is that of making ready.
    assert modes == [None, None, "FAST_COMPILE", "FAST_COMPILE"]
    monkeypatch.setattr("bayes_point.estimation.refit.run._pays", lambda *_: False)
    refit(tmp_path / "fits")
    assert modes[4:] == ["FAST_COMPILE"]


def other_mode(refitter: Refitter) -> Refitter:
    return Refitter(refitter.model, replace(refitter.task, backend="FAST_COMPILE"))


def test_a_second_writer_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, said = Refitter.run, []

    def meanwhile(self: Any, inputs: Any, starts: Any) -> Any:
        if not said:
            said.append("")
            with pytest.raises(ModelError) as caught:
                refit(tmp_path / "fits")
            said.append(str(caught.value))
        return run(self, inputs, starts)

    whole = refit(None)
    monkeypatch.setattr(Refitter, "run", meanwhile)
    xr.testing.assert_identical(refit(tmp_path / "fits"), whole)
    assert "is being written by another refit. Wait until it has ended, or give another" in said[1]


@pytest.mark.parametrize("lasting", [True, False])
def test_a_full_disk_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    whole = refit(None)
    put, calls = zarr.Array.__setitem__, []

    def full(self: Any, at: Any, rows: Any) -> None:
        calls.append(at)
        # The disk is full from the second chunk on; unless it lasts, until the third.
        if len(calls) > 7 and (lasting or len(calls) == 8):
            raise OSError(28, "No space left on device")
        put(self, at, rows)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", full)
        with pytest.warns(EstimationWarning) as said:
            xr.testing.assert_identical(refit(tmp_path / "fits"), whole)
    texts = [str(one.message) for one in said]
    assert re.search(
        "data sets 3 to 5 cannot be saved to .*: No space left on device. The", texts[0]
    )
    assert len(texts) == 1 + lasting
    if lasting:
        assert re.search("7 of 10 data sets are not in .* but in the result alone: No", texts[1])
    seen = counted(monkeypatch)
    xr.testing.assert_identical(refit(tmp_path / "fits"), whole)
    assert sum(seen) == (7 if lasting else 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("x"), "is a file, and a store is a directory"),
        (lambda path: path.symlink_to("/proc"), "is there already, and is no store|cannot be wri"),
        (lambda path: path.parent.rmdir() or path.parent.write_text(""), "cannot be written: Not"),
    ],
)
def test_a_target_that_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, words: str
) -> None:
    path = tmp_path / "folder" / "fits"
    path.parent.mkdir()
    make(path)
    seen = counted(monkeypatch)
    with pytest.raises(ModelError, match=words):
        refit(path)
    assert seen == []


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


def test_counts_that_would_wrap_around_are_refused() -> None:
    # PyMC keeps pm.Data of whole numbers in 32 bits, where 2**32 + 5 would be 5.
    with pm.Model() as model:
        counts = pm.Data("counts", np.array([3, 4]))
        pm.Poisson("y", pm.Exponential("rate", 1), observed=counts)
    with pytest.raises(ModelError, match="int32, which ends at 2147483647: they would wrap around"):
        bp.refit(model, {"counts": np.array([[1, 2], [2**32 + 5, 3]])}, progressbar=False)
