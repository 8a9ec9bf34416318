"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bayes_point.saving import replace_file


def test_a_failure_midway_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("the old one")

    def half(path: Path) -> None:
        path.write_text("the new o")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        replace_file(target, half)
    assert target.read_text() == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_an_interrupt_midway_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("the old one")

    def interrupted(path: Path) -> None:
        path.write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(target, interrupted)
    assert target.read_text() == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    seen = []

    def write(path: Path) -> None:
        path.write_text("new")
        seen.append((target.read_text(), path.parent == tmp_path))

    assert replace_file(target, write) == target
    assert seen == [("old", True)]
    assert target.read_text() == "new"


def test_the_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    replace_file(tmp_path / "ours", lambda p: p.write_text(""))
    modes = [stat.S_IMODE(os.stat(tmp_path / n).st_mode) for n in ("plain", "ours")]
    assert modes[0] == modes[1]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    replace_file(tmp_path / "link.txt", lambda p: p.write_text("new"))
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_what_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*no; create it or give"):
        replace_file(tmp_path / "no" / "x.html", lambda p: p.write_text(""))
    with pytest.raises(IsADirectoryError, match="it is a directory; give the name of a file"):
        replace_file(tmp_path, lambda p: p.write_text(""))
