"""Saved fits that were damaged: one sentence each, from the command and from `summary`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import bayes_point as bp
import bayes_point.cli as cli
from bayes_point.errors import BayesPointError
from tests.trees import coin_tree


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    cli._save(coin_tree(draws=50), path)
    return path


def cut(share: float) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def flip_draws(path: Path) -> None:
    """Change a bit of the largest draw, where it lies in the file."""
    held = bytearray(path.read_bytes())
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        draw = tree["posterior/theta"].values.max()
    at = bytes(held).find(np.float64(draw).tobytes())
    assert at > 0
    held[at + 6] ^= 0x10
    path.write_bytes(held)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (cut(0), "cannot be read"),
    "cut after a tenth": (cut(0.1), "cannot be read"),
    "cut in the middle": (cut(0.5), "cannot be read"),
    "cut at the end": (cut(0.99), "cannot be read"),
    "all zeros": (lambda p: p.write_bytes(bytes(p.stat().st_size)), "cannot be read"),
    "text": (lambda p: p.write_text("hello"), "cannot be read"),
    "a zip": (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(99)), "cannot be read"),
    "a pickle": (lambda p: p.write_bytes(b"\x80\x05cos\nsystem\n."), "cannot be read"),
    "its head gone": (lambda p: p.write_bytes(bytes(64) + p.read_bytes()[64:]), "cannot be read"),
    "a bit of a draw flipped": (flip_draws, "cannot be read"),
}


def drop(*groups: str) -> Callable[[xr.DataTree], object]:
    def damage(tree: xr.DataTree) -> None:
        for group in groups:
            parent, _, name = group.rpartition("/")
            del (tree[parent] if parent else tree)[name]

    return damage


def put(group: str, **attrs: object) -> Callable[[xr.DataTree], object]:
    return lambda tree: tree[group].attrs.update(attrs)


def take(group: str, name: str) -> Callable[[xr.DataTree], object]:
    return lambda tree: tree[group].attrs.pop(name)


def replace(group: str, change: Callable[[xr.Dataset], xr.Dataset]) -> Callable:
    return lambda tree: tree.update({group: xr.DataTree(change(tree[group].to_dataset()))})


TREES: dict[str, tuple[Callable[[xr.DataTree], object], str]] = {
    "no posterior": (drop("posterior"), "has no group posterior"),
    "no map": (drop("map"), "lacks the groups map, map/optima"),
    "no mle": (drop("mle"), "lacks the groups mle, mle/optima"),
    "no optima": (drop("mle/optima"), "lacks the groups mle/optima"),
    "no point_estimates": (drop("point_estimates"), "has no group point_estimates"),
    "findings no JSON": (
        put("mle", findings='[{"what": "thet'),
        "attribute findings of the group mle is damaged",
    ),
    "findings of another kind": (
        put("map", findings="[1, 2]"),
        "attribute findings of the group map is damaged, it reads '[1, 2]'",
    ),
    "findings gone": (take("mle", "findings"), "The group mle has lost findings"),
    "evidence no JSON": (
        put("mle", evidence="{"),
        "attribute evidence of the group mle is damaged",
    ),
    "details_left_out no JSON": (
        put("/", details_left_out="{"),
        "attribute details_left_out of the tree is damaged",
    ),
    "fingerprints no JSON": (
        put("mle", fingerprints="{"),
        "attribute fingerprints of the group mle is damaged",
    ),
    "an unknown status": (
        put("mle", status="splendid"),
        "is on_boundary in point_estimates and splendid in mle",
    ),
    "status text gone": (take("map", "status_text"), "The group map has lost status_text"),
    "log-likelihood a word": (
        put("map", log_likelihood="high"),
        "The group map has lost log_likelihood",
    ),
    "draws all NaN": (
        replace("posterior", lambda d: d * np.nan),
        "The posterior holds no number, every draw is NaN",
    ),
    "a draw without its variable": (
        replace("posterior", lambda d: d.drop_vars("theta")),
        "hold different variables (only in point_estimates: theta)",
    ),
    "draws without chains": (
        replace("posterior", lambda d: d.isel(chain=0)),
        "must have the dims chain and draw",
    ),
    "draws of text": (
        replace("posterior", lambda d: d.astype(str)),
        "only numbers can be compared",
    ),
    "no draws": (replace("posterior", lambda d: d.isel(draw=slice(0))), "is empty"),
    "the statuses gone": (
        replace("point_estimates", lambda d: d.drop_vars("status")),
        "lacks the coord status",
    ),
    "one estimator gone": (
        replace("point_estimates", lambda d: d.isel(estimator=[0, 2])),
        "holds MLE, mean but not MAP",
    ),
}


# What the summary shows or reads; the search for an estimate is not in it.
SUMMARY_TOO = {
    how for how in TREES if not how.startswith(("no map", "no mle", "no optima", "findings gone"))
} - {"status text gone", "log-likelihood a word"}


@pytest.mark.parametrize("how", FILES)
def test_a_damaged_file(saved: Path, tmp_path: Path, how: str) -> None:
    path = tmp_path / "fit.nc"
    shutil.copy(saved, path)
    damage, words = FILES[how]
    damage(path)
    assert words in reported(path)


@pytest.mark.parametrize("how", TREES)
def test_a_damaged_tree(tmp_path: Path, how: str) -> None:
    tree = coin_tree(draws=50)
    damage, words = TREES[how]
    damage(tree)
    path = tmp_path / "fit.nc"
    cli._save(tree, path)
    assert words in reported(path)
    if how in SUMMARY_TOO:
        with pytest.raises(BayesPointError, match=re.escape(words)):
            bp.summary(tree)


def reported(path: Path) -> str:
    """Run the command on a fit; return its one sentence."""
    page = path.with_suffix(".html")
    result = CliRunner().invoke(cli.main, ["report", str(path), "-o", str(page)])
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if not line.endswith("…")]
    assert (result.exit_code, len(lines)) == (2, 1), result.output[-900:]
    assert not page.exists()
    return lines[0]


def test_a_fit_that_was_never_damaged(saved: Path) -> None:
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        xr.testing.assert_identical(tree.load(), coin_tree(draws=50))
