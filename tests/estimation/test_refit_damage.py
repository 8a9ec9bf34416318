"""A store of a refit that was damaged, or is none: each with its sentence, and no wrong number."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.errors import EstimationWarning, ModelError

Y = np.random.default_rng(3).normal(2, 3, size=(10, 4))
ROOT = Path(__file__).parents[2]


@cache
def normal() -> pm.Model:
    with pm.Model(coords={"what": ["a"]}) as model:
        mu = pm.Normal("mu", 0, 10, dims="what")
        sigma = pm.HalfNormal("sigma", 10)
        pm.Normal("y", mu[0], sigma, observed=np.zeros(4))
    return model


def refit(path: Path | None) -> xr.Dataset:
    data = xr.DataArray(Y, dims=("site", "time"), coords={"site": list("abcdefghij")})
    return bp.refit(normal(), {"y": data}, dim="site", save=path, chunk_size=3, progressbar=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, xr.Dataset]:
    path = tmp_path_factory.mktemp("store") / "fits"
    return path, refit(path)


def flip(file: Path, at: int = -6) -> None:
    held = bytearray(file.read_bytes())
    held[at] ^= 0x10
    file.write_bytes(held)


def cut(file: Path, to: int) -> None:
    file.write_bytes(file.read_bytes()[:to])


def swap(one: Path, other: Path) -> None:
    both = one.read_bytes(), other.read_bytes()
    one.write_bytes(both[1])
    other.write_bytes(both[0])


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def journal(path: Path) -> Path:
    return path / "status" / "refit.journal"


def without_line(path: Path, i: int) -> None:
    lines = journal(path).read_text().split("\n")
    journal(path).write_text("\n".join(lines[:i] + lines[i + 1 :]))


def forged(path: Path) -> None:
    """Say that all is done as an editor would, without the digest of the line."""
    lines = journal(path).read_text().split("\n")
    lines[-1] = lines[-1].replace('"stop": 10', '"stop": 1000')
    journal(path).write_text("\n".join(lines))


AGAIN = "was damaged; computed again are the data sets of what is lost"

# Each with the sentence that tells of it; None where nothing was lost that has to be told.
MENDED: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "a chunk removed": (
        lambda p: (p / "mu/c/1/0").unlink(),
        rf"{AGAIN} \(mu of data sets 3 to 5\)\.",
    ),
    "a chunk cut short": (lambda p: cut(p / "mu/c/1/0", 9), r"\(mu of data sets 3 to 5\)"),
    "a chunk emptied": (lambda p: cut(p / "sigma/c/0", 0), r"\(sigma of data sets 0 to 2\)"),
    "a bit flipped": (lambda p: flip(p / "mu/c/3/0"), r"\(mu of data set 9\)"),
    "a checksum flipped": (lambda p: flip(p / "mu/c/3/0", -1), r"\(mu of data set 9\)"),
    "two chunks swapped": (
        lambda p: swap(p / "mu/c/0/0", p / "mu/c/1/0"),
        r"\(mu of data sets 0 to 2; mu of data sets 3 to 5\)",
    ),
    "chunks of two arrays swapped": (
        lambda p: swap(p / "log_likelihood/c/0", p / "sigma/c/0"),
        r"\((sigma|log_likelihood) and (sigma|log_likelihood) of data sets 0 to 2\)",
    ),
    "all chunks of an array removed": (
        lambda p: shutil.rmtree(p / "mu_stderr/c"),
        r"mu_stderr of data sets 6 to 8; and 1 more\)",
    ),
    "an array removed": (
        lambda p: shutil.rmtree(p / "mu"),
        r"mu of data sets 0 to 2; .*; made anew: mu/zarr\.json\.",
    ),
    "the statuses removed": (
        lambda p: shutil.rmtree(p / "status"),
        "has lost its journal, .* all 10 data sets are computed again",
    ),
    "the metadata of an array removed": (
        lambda p: (p / "mu/zarr.json").unlink(),
        r"was damaged; made anew: mu/zarr\.json\.",
    ),
    "the metadata of an array cut short": (lambda p: cut(p / "mu/zarr.json", 50), "made anew: mu"),
    "another shape": (lambda p: edit(p / "mu/zarr.json", "10", "12"), "made anew: mu/zarr.json"),
    "another type": (lambda p: edit(p / "mu/zarr.json", "float64", "int64"), "made anew: mu/z"),
    "the root's metadata removed": (lambda p: (p / "zarr.json").unlink(), "made anew: zarr.json"),
    "the labels removed": (lambda p: shutil.rmtree(p / "site/c"), "made anew: site/c/0"),
    "a label changed": (lambda p: flip(p / "site/c/0"), "made anew: site/c/0"),
    "the journal removed": (lambda p: journal(p).unlink(), "has lost its journal"),
    "the journal of other bytes": (
        lambda p: journal(p).write_bytes(bytes(range(256)) * 9),
        "has lost its journal",
    ),
    "the journal's end cut off": (lambda p: cut(journal(p), -40), None),
    "a line of the journal lost": (
        lambda p: without_line(p, 3),
        r"the line of its journal for data sets 3 to 5\)",
    ),
    "a line of the journal forged": (forged, None),
    "the remains of a write": (lambda p: (p / "zarr.0a1b.partial").write_text("{"), None),
}


@pytest.mark.parametrize("how", MENDED)
def test_what_is_damaged_is_told_and_mended(
    made: tuple[Path, xr.Dataset], tmp_path: Path, how: str
) -> None:
    whole, path = made[1], tmp_path / "fits"
    shutil.copytree(made[0], path)
    damage, words = MENDED[how]
    damage(path)
    if words is None:
        got = refit(path)
    else:
        with pytest.warns(EstimationWarning, match=words) as said:
            got = refit(path)
        assert len(said) == 1
        assert str(said[0].message).count(". ") == 0  # one sentence
    xr.testing.assert_identical(got, whole)
    # Mended: nothing is told any more, and the numbers in it are those.
    xr.testing.assert_identical(refit(path), whole)
    with xr.open_zarr(path) as held:
        for name in ("mu", "sigma_stderr", "log_likelihood", "site"):
            np.testing.assert_array_equal(held[name].values, whole[name].values)


def foreign_store(path: Path) -> None:
    shutil.rmtree(path)
    xr.Dataset({"temperature": ("t", [1.0])}).to_zarr(path, consolidated=False)


def earlier_version(path: Path) -> None:
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["bayes_point_refit"] = '{"of": {}, "done": 10}'
    (path / "zarr.json").write_text(json.dumps(root))


def another_model(path: Path) -> None:
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["bayes_point_refit"]["model"] = "another"
    (path / "zarr.json").write_text(json.dumps(root))
    journal(path).unlink()


def nothing_readable(path: Path) -> None:
    (path / "zarr.json").unlink()
    cut(journal(path), 30)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a foreign zarr store": (foreign_store, "is there already, and is no store of a refit"),
    "a folder of other things": (
        lambda p: shutil.rmtree(p) or p.mkdir() or (p / "mine.txt").write_text("precious"),
        "is there already, and is no store of a refit",
    ),
    "a file": (lambda p: shutil.rmtree(p) or p.write_text("x"), "is a file, and a store is a dir"),
    "another model": (another_model, "holds a refit that differs in its model"),
    "an earlier version": (earlier_version, "was begun by an earlier version"),
    "neither journal nor root": (nothing_readable, "its record is damaged beyond reading"),
    "a file in the place of an array": (
        lambda p: shutil.rmtree(p / "mu") or (p / "mu").write_text(""),
        "cannot be written: File exists",
    ),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_no_store_of_this_refit_is_refused_and_left_alone(
    made: tuple[Path, xr.Dataset], tmp_path: Path, how: str
) -> None:
    path = tmp_path / "fits"
    shutil.copytree(made[0], path)
    damage, words = REFUSED[how]
    damage(path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(ModelError, match=words):
        refit(path)
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}


def crashed(folder: Path, every: int) -> list[dict]:
    """Kill a refit at every so many of its steps, and take it up again."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.estimation.crashing", str(folder), str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_each_step_of_the_writing(tmp_path: Path, every: int) -> None:
    seen = crashed(tmp_path, every)
    assert len(seen) >= 80 // every  # steps in all
    for one in seen:
        # No data set that was done is worked on again, and none comes out otherwise.
        assert one.get("again") == 5 - one.get("done", -1), one
        assert one["same"], one
        assert one["stored"], one
        assert one["left"] == [], one
    # Two data sets a chunk; after the last of them is committed nothing is written any more.
    assert {one["done"] for one in seen} == {0, 2, 4}
