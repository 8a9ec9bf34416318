"""The page as a document: whole, self-contained, escaped, and never with a part missing."""

from __future__ import annotations

import base64
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from bayes_point.comparison.distance.verdict import check_thresholds
from bayes_point.errors import ComparisonError, ReportError
from bayes_point.report import Report, report
from bayes_point.report.page import SECTIONS
from bayes_point.report.request import Request
from bayes_point.report.sections import paths
from bayes_point.report.sections.overview import overview
from tests.report.page_parser import Page
from tests.tree_layout import assemble, estimate, finding
from tests.trees import coin_tree, failed_tree

EVIL = '<script>alert("x")</script>'
# xarray has no slash in the name of a variable.
EVIL_NAME = EVIL.replace("/", "")
EVIL_LABEL = '"><img src=x onerror=alert(1)>'


def evil_tree() -> xr.DataTree:
    """Markup wherever a user's text can come from: names, coords, dims, model, findings."""
    rng = np.random.default_rng(1)
    draws, vector = rng.normal(size=(2, 60)), rng.normal(size=(2, 60, 2))
    found = [finding(f"{EVIL} is flat", [EVIL_NAME], f"try {EVIL_LABEL}", **{EVIL: 1.0})]
    point = {EVIL_NAME: 0.5, "v": [0.1, 0.2]}
    return assemble(
        {EVIL_NAME: draws, "v": vector},
        mle=estimate(point, status="not_identified", status_text=EVIL, findings=found),
        map=estimate(point),
        dims={"v": ["<i>d"], f"y{EVIL_NAME}": ["row"]},
        coords={"<i>d": [EVIL_LABEL, "$\\frac{$"], "row": ["<b>a</b>", "&amp;", "%s", "{{ 1 }}"]},
        observed={f"y{EVIL_NAME}": np.array([0.1, -0.2, 0.3, 0.4])},
        predictive={f"y{EVIL_NAME}": rng.normal(size=(2, 60, 4))},
        model_name=EVIL,
        model_text=f"{EVIL} ~ Normal(0, 1)</pre></body>",
    )


@pytest.fixture(scope="module")
def coin() -> Report:
    return report(coin_tree())


@pytest.fixture(scope="module")
def failed() -> Report:
    return report(failed_tree())


@pytest.fixture(scope="module")
def evil() -> Report:
    return report(evil_tree(), title=EVIL)


@pytest.fixture(scope="module", params=["coin", "failed", "evil"])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.getfixturevalue(request.param).html)


def test_it_is_a_document_with_its_landmarks(page: Page) -> None:
    assert page.one("html").attrs["lang"] == "en"
    assert page.all("meta", charset="utf-8")
    assert page.one("meta", name="viewport").attrs["content"].startswith("width=device-width")
    for landmark in ("title", "h1", "header", "nav", "main", "footer"):
        assert page.one(landmark).text.strip()
    headings = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(headings))


def test_every_section_is_there_and_in_the_contents(page: Page) -> None:
    sections = page.all("section")
    there = [s.key for s in SECTIONS if not s.needs]
    if page.one("h1").text == "Coin":
        there.remove("joint")  # of one parameter there are no pairs
    assert [e.attrs["id"] for e in sections] == there
    links = [e.attrs["href"] for e in page.all("a") if "download" not in e.attrs]
    assert links == [f"#{key}" for key in there]
    # What these fits do not hold is named at the foot.
    for section in SECTIONS:
        if section.optional:
            assert section.heading not in page.one("footer").text
        elif section.needs:
            how = f"bp.fit(model, details={section.needs!r}) computes it."
            assert f"{section.heading}: {how}" in page.one("footer").text
    for element in sections:
        assert len(element.text.split()) > 5, f"{element.attrs['id']} says nothing"
    ids = [e.attrs["id"] for e in page.elements if "id" in e.attrs]
    assert len(ids) == len(set(ids))
    refer = [e.attrs["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attrs]
    assert set(refer) <= set(ids)


def test_it_loads_nothing_from_anywhere(page: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {
        e.tag for e in page.elements
    }
    for element in page.elements:
        for name, value in element.attrs.items():
            assert not name.startswith("on"), name
            if name in {"src", "href", "srcset", "poster", "data"}:
                own = "data:text/csv" if "download" in element.attrs else "data:image/"
                assert value.startswith((own, "#")), value[:80]
    assert not re.search(r"url\(|@import|https?:", page.one("style").text)
    for image in page.all("img"):
        kind, _, data = image.attrs["src"].partition(";base64,")
        content = base64.b64decode(data)
        if kind == "data:image/svg+xml":
            # Names of XML vocabularies are not addresses that are fetched.
            text = re.sub(r'xmlns(:\w+)?="[^"]*"|<metadata>.*?</metadata>', "", content.decode(),
                          flags=re.DOTALL)  # fmt: skip
            text = re.sub(r"<!DOCTYPE[^>]*>", "", text)
            assert not re.search(r"https?:|<script|<style[^>]*>\s*@import", text)


def test_every_picture_has_words(page: Page) -> None:
    pictures = page.all("img")
    assert len(pictures) >= 4
    for image in pictures:
        assert len(image.attrs["alt"].split()) >= 15
        assert int(image.attrs["width"]) > 100
        assert int(image.attrs["height"]) > 100
        assert "figure" in image.inside
    assert len({image.attrs["alt"] for image in pictures}) == len(pictures)


def test_tables_have_captions_scopes_and_a_box_to_scroll_in(page: Page) -> None:
    tables = page.all("table")
    assert len(page.all("caption")) == len(tables) >= 3
    for cell in page.all("th"):
        assert cell.attrs["scope"] in ("col", "row")
    boxes = [e for e in page.all("div") if "scroll" in e.attrs.get("class", "").split()]
    assert len(boxes) == len(tables)
    assert all(box.attrs["tabindex"] == "0" and box.attrs["aria-label"] for box in boxes)


def test_text_of_the_user_stays_text(evil: Report) -> None:
    page = Page(evil.html)
    assert "<script" not in evil.html
    assert "onerror=alert(1)>" not in re.sub(r"&#34;&gt;&lt;img[^<]*", "", evil.html)
    assert not page.all("script") + page.all("i") + page.all("b")
    assert page.one("h1").text == EVIL == page.one("title").text
    assert f"{EVIL} ~ Normal(0, 1)</pre></body>" in page.one("pre").text
    labels = [e.text for e in page.all("th", scope="row")]
    assert EVIL_NAME in labels
    assert f"v[{EVIL_LABEL}]" in labels


def test_the_headline_is_the_first_thing(coin: Report) -> None:
    lede = Page(coin.html).one("p", class_="lede").text
    assert lede == coin.headline
    assert lede.startswith(
        ("The MAP is far from the posterior mean: theta 0.5", "Undecided for th")
    )


def test_a_failed_estimate_shows_its_status_for_its_number(failed: Report) -> None:
    page = Page(failed.html)
    words = [e.text for e in page.all("td", class_="words")]
    # First the table of estimates, then that of causes with the steps without an end.
    assert words[:2] == ["unbounded", "unbounded"]
    assert {*words} == {"unbounded", "at infinity", "not in the tree"}
    badges = [e.text for e in page.all("span") if "badge" in e.attrs.get("class", "").split()]
    assert badges == [
        *["no verdict", "no verdict", "problem found"],
        *["unbounded: does not exist", "at infinity"],
    ]
    assert not re.search(r"\bnan\b", page.one("main").text, flags=re.IGNORECASE)
    text = " ".join(page.one("main").text.split())
    assert "The log-likelihood grows without bound as tau goes to 0." in text
    assert "Use the posterior, or give tau a prior that keeps it from 0." in text
    assert "12 of 2000 draws diverged" in text
    # Finite values of an estimate that does not exist are marked as such.
    doubtful = [e.text for e in page.all("td", class_="doubt")]
    assert len(doubtful) == 8
    assert all(t.endswith("?") for t in doubtful)


def test_what_was_maximised_and_found(coin: Report) -> None:
    page = Page(coin.html)
    mle, map_ = page.all("article", class_="estimate")
    assert "on the boundary" in mle.text
    assert "8 starts, all of which reached this point" in mle.text
    assert "log-likelihood + log-prior on the natural scale (no Jacobian)" in map_.text
    # log(0.8**3) = -0.669431; the density of Beta(2, 2) at 0.8 is 6 * 0.8 * 0.2.
    assert "−0.669431" in map_.text
    assert "−0.040822" in map_.text


def test_the_evidence_of_an_estimate_may_be_infinite() -> None:
    tree = coin_tree(draws=20)
    tree["map"].attrs["evidence"] = '{"condition_number": "inf", "distance": 1.5e-9}'
    # Evidence of a maximum that was found is rounding, and is not shown.
    assert "condition number" not in report(tree, var_names="theta").html
    tree["map"].attrs["status"] = "not_converged"
    status = tree["point_estimates"]["status"].astype(object)
    status.loc[{"estimator": "MAP"}] = "not_converged"
    tree["point_estimates"]["status"] = status.astype(str)
    _, map_ = Page(report(tree, var_names="theta").html).all("article", class_="estimate")
    assert "condition number: ∞" in map_.text
    assert "distance: 1.5e-09" in map_.text


def test_sections_that_do_not_apply_say_so() -> None:
    tree = coin_tree(draws=60)
    del tree["posterior_predictive"]
    page = Page(report(tree, var_names="theta").html)
    text = {e.attrs["id"]: " ".join(e.text.split()) for e in page.all("section")}
    assert (
        "The fit has no group posterior_predictive: there is nothing to check" in text["predictive"]
    )
    # One parameter has no pairs.
    assert "joint" not in text


def test_draws_that_do_not_vary_are_said_to(coin: Report) -> None:
    tree = coin_tree(draws=60)
    tree["posterior"] = xr.full_like(tree["posterior"].to_dataset(), 0.5)
    page = Page(report(tree).html)
    text = {e.attrs["id"]: e.text for e in page.all("section")}
    assert "constant or not finite: there is nothing to draw" in text["gaps"]
    assert "constant or not finite: there is nothing to draw" in text["why"]
    assert page.one("p", class_="lede").text == (
        "There is no verdict on the MAP: no parameter has a gap."
    )


@pytest.mark.parametrize("section", [s.key for s in SECTIONS])
def test_a_section_that_fails_fails_the_report(
    section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bayes_point.report import page as module

    def broken(_: object) -> dict[str, object]:
        raise ZeroDivisionError("of this section")

    sections = tuple(
        module.Section(s.key, s.heading, broken if s.key == section else lambda _: {})
        for s in SECTIONS
    )
    # Only the one that fails matters here: the others are not built.
    monkeypatch.setattr(module, "SECTIONS", tuple(s for s in sections if s.key == section))
    with pytest.raises(ReportError, match="ZeroDivisionError: of this section") as caught:
        report(coin_tree(draws=20))
    assert caught.value.section == section
    heading = next(s.heading for s in SECTIONS if s.key == section)
    assert f"The section {heading!r} of the report failed" in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_figure_that_fails_fails_the_report_and_leaves_no_figure_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bayes_point.report.sections import plots as module

    def broken(*_: object, **__: object) -> None:
        plt.figure()
        raise ValueError("no such colour")

    monkeypatch.setattr(module, "draw_gaps", broken)
    before = plt.get_fignums()
    with pytest.raises(
        ReportError, match=r"'All gaps at a glance' .* ValueError: no such colour"
    ) as e:
        report(coin_tree(draws=20))
    assert e.value.section == "gaps"
    assert plt.get_fignums() == before


@pytest.mark.parametrize("group", ["posterior", "point_estimates", "mle", "map"])
def test_a_tree_that_is_not_of_a_fit(group: str) -> None:
    tree = coin_tree(draws=20)
    del tree[group]
    with pytest.raises(ComparisonError, match=group):
        report(tree)


def test_an_argument_that_is_wrong_is_not_a_failed_section() -> None:
    with pytest.raises(ComparisonError, match="ci_prob must be above 0"):
        report(coin_tree(draws=20), ci_prob=94)
    with pytest.raises(ComparisonError, match="tau"):
        report(coin_tree(draws=20), var_names="tau")


def test_matplotlib_is_left_as_it_was() -> None:
    mine = plt.figure()
    try:
        params, backend = dict(mpl.rcParams), mpl.get_backend()
        with mpl.rc_context({"figure.facecolor": "red", "font.size": 31}):
            changed = report(coin_tree(draws=60), var_names="theta")
            assert mpl.rcParams["font.size"] == 31
        assert dict(mpl.rcParams) == params
        assert mpl.get_backend() == backend
        assert plt.get_fignums() == [mine.number]
        assert plt.gcf() is mine
        assert not mine.axes
        # Nor does the user's style change the page.
        assert report(coin_tree(draws=60), var_names="theta").html == changed.html
    finally:
        plt.close(mine)


def test_options_reach_every_section() -> None:
    page = Page(report(coin_tree(draws=60), var_names="theta", ci_prob=0.5, ci_kind="hdi").html)
    text = page.one("main").text
    assert "two_heads" not in "".join(e.text for e in page.all("section")[2:3])
    assert "50% highest density interval" in text
    assert "50% from" in text


def test_saving_twice_and_showing_in_a_notebook(coin: Report, tmp_path: Path) -> None:
    path = tmp_path / "coin.html"
    assert coin.save(path) == path
    assert coin.save(str(path)) == path
    assert path.read_text(encoding="utf-8") == coin.html
    assert [p.name for p in tmp_path.iterdir()] == ["coin.html"]
    shown = Page(coin._repr_html_())
    (frame,) = shown.elements
    assert frame.tag == "iframe"
    # The page itself is the only thing inside: no style of it can reach the notebook.
    assert frame.attrs["srcdoc"].replace('<base href="about:srcdoc">', "") == coin.html
    assert "allow-scripts" not in frame.attrs["sandbox"]
    assert len(coin.html) < 1_000_000
    assert repr(coin).startswith(f"<Report 'Coin': {coin.headline}")


def test_the_package_is_light_until_a_report_is_asked_for() -> None:
    # The package's table of contents names `report`; importing it must not load all of xarray.
    code = (
        "import sys, bayes_point.report; print({'xarray', 'matplotlib', 'jinja2'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_lines_of_the_model_stay_aligned() -> None:
    tree = coin_tree(draws=20)
    tree.attrs["model_text"] = " theta ~ Beta(2, 2)\ntosses ~ Bernoulli(theta)\n"
    assert overview(tree)["model_text"] == " theta ~ Beta(2, 2)\ntosses ~ Bernoulli(theta)"


def test_the_prior_path_is_that_of_the_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(paths, "draw", lambda make, **_: make())
    monkeypatch.setattr(
        paths, "plot_prior_path", lambda *_, var_names, **__: asked.append(var_names)
    )
    tree = coin_tree(draws=20)
    assert set(tree["posterior"].data_vars) == {"theta", "two_heads"}
    power = np.array([0.0, 1.0])
    values = dict.fromkeys(("theta", "two_heads"), ("prior_power", power))
    tree["prior_path"] = xr.DataTree(xr.Dataset(values, coords={"prior_power": power}))
    for var_names in (None, ["two_heads"]):
        selection = {"var_names": var_names, "filter_vars": None, "coords": None}
        paths.path_section(
            Request(tree, selection, 0.89, "eti", check_thresholds(0.1, 0.5, 0.9, 0.01, 0.01))
        )
    assert asked == [["theta"], ["two_heads"]]
