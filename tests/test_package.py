"""The package as it is handed out: its names, its version, and what its README promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import bayes_point as bp

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_version_is_that_of_the_metadata() -> None:
    assert metadata.version("bayes-point") == bp.__version__


def test_the_package_is_typed() -> None:
    assert (Path(bp.__file__).parent / "py.typed").read_text() == ""


@pytest.mark.parametrize("name", bp.__all__)
def test_public_names(name: str) -> None:
    thing = getattr(bp, name)
    assert thing.__module__.startswith("bayes_point.")
    assert len(thing.__doc__.splitlines()[0]) > 20
    assert name in dir(bp)


def test_the_list_of_public_names_is_sorted() -> None:
    assert bp.__all__ == sorted(bp.__all__)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="'bayes_point' has no attribute 'find_mode'"):
        bp.find_mode  # noqa: B018


def test_python_is_the_one_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = (ROOT / ".python-version").read_text().strip()
    assert project["requires-python"] == f">={lowest}"
    assert f"Programming Language :: Python :: {lowest}" in project["classifiers"]


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert "LICENSE" in links
    missing = [x for x in links if not x.startswith("https://") and not (ROOT / x).exists()]
    assert missing == []


def test_pictures_of_the_readme_are_small() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)


def test_the_commands_of_the_readme_are_those_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    shell = "".join(text for language, text in BLOCKS if language == "sh")
    for command in ("uv run bayes-point report examples/coin_flip.py", "uv run pytest"):
        assert command in shell
        assert command in script


@pytest.mark.slow
def test_the_python_example_of_the_readme(tmp_path: Path) -> None:
    # In a process of its own, as a reader would run it. Three heads of three under Beta(2, 2): MLE
    # 3/3, MAP (3 + 2 - 1)/(3 + 2 + 2 - 2) = 4/5. The sampler's digits may differ from those shown.
    code = next(text for language, text in BLOCKS if language == "python" and "bp.fit" in text)
    shown = next(text for language, text in BLOCKS if language == "text" and "gap_MLE" in text)
    code = f"{code}\nprint(dt['point_estimates']['theta'].values[:2].tolist())\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    *printed, points = done.stdout.splitlines()
    words = [line.split() for line in printed]
    head, row, note = shown.splitlines()
    at = words.index(head.split())  # after the sampler's progress
    assert words[at + 1][:3] == row.split()[:3] == ["theta", "1.000*", "0.800"]
    assert printed[at + 2] == note
    assert json.loads(points) == pytest.approx([1, 4 / 5], abs=1e-8)
    assert (tmp_path / "coin.html").read_text().rstrip().endswith("</html>")
