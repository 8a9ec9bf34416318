"""The package as it is handed out: its names, its version, and what its README promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import partial
from importlib import metadata
from inspect import isfunction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import arviz_plots
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.comparison.distance.verdict import THRESHOLDS
from bayes_point.comparison.inputs import frame
from bayes_point.estimation.certificate.record import Certificate

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


def returned(function: Any) -> type:
    """The class that a public function says it returns, found where the function's module is."""
    name = function.__annotations__["return"].rpartition(".")[2]
    homes = (bp, sys.modules[function.__module__], frame, arviz_plots, pd, pm, xr)
    return next(getattr(home, name) for home in homes if hasattr(home, name))


RESULTS = sorted(
    {returned(thing) for thing in map(partial(getattr, bp), bp.__all__) if isfunction(thing)}
    | {bp.Finding, bp.Status, Certificate},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", RESULTS)
def test_results_are_shown_as_html_in_a_notebook(kind: type) -> None:
    shown_by_others = (arviz_plots.PlotCollection, arviz_plots.PlotMatrix, pm.Model)  # figures
    assert hasattr(kind, "_repr_html_") or issubclass(kind, shown_by_others)


def shown() -> list[tuple[Any, list[str]]]:
    """Results with a name that HTML would swallow, and the texts that have to be in it."""
    finding = bp.Finding("Flat along <b>.", ("<b>",), {"rise": 1e-9}, "Fix <b>.")
    test = bp.LikelihoodRatioTest(9.0, 1, 0.0027, 0.0, "chi-squared", {1: 1.0}, ("<b>",))
    table = pd.DataFrame({"verdict": ["small"], "gap": [0.2], "gap_mcse": [0.01]}, ["<b>"])
    verdict = bp.Verdict("MAP", "small", "<b> is near.", table, THRESHOLDS)
    return [
        (finding, ["Flat along &lt;b&gt;.", "(rise 1e-09)", "Fix &lt;b&gt;."]),
        (bp.Status.ON_BOUNDARY, ["<strong>On a boundary</strong>", "edge of a parameter"]),
        (test, ["test of &lt;b&gt;", "statistic 9", "p = 0.0027"]),
        (verdict, ["&lt;b&gt; is near.", "0.20", "small"]),
    ]


@pytest.mark.parametrize(("result", "texts"), shown(), ids=lambda x: type(x).__name__)
def test_html_of_results_has_their_texts_escaped(result: Any, texts: list[str]) -> None:
    html = result._repr_html_()
    ElementTree.fromstring(f"<div>{html}</div>")  # every tag is closed
    assert "<b>" not in html
    assert all(text in html for text in texts)


def see_also(function: Any) -> set[str]:
    """The names under *See Also* in the docstring of a public function."""
    lines = iter((function.__doc__ or "").splitlines())
    if not any(line.strip() == "See Also" for line in lines):
        return set()
    next(lines)
    return {line.split()[0] for line in iter(partial(next, lines, ""), "") if line.strip()}


def test_what_is_to_be_seen_also_leads_back() -> None:
    found = {name: see_also(getattr(bp, name)) for name in bp.__all__}
    assert sum(map(bool, found.values())) >= 25
    for name, others in found.items():
        for other in others:
            assert name in found[other], f"{name} leads to {other}, which does not lead back"
