"""The checker of the site finds each fault that it looks for, and nothing in a page without one."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from docs.check_site import check

SOUND = """<!DOCTYPE html><html><head><link rel="stylesheet" href="s.css"></head><body id="top">
<h1 id="a">A</h1><a href="#a">a</a><a href="other.html#b">b</a><a href="https://example.org">far</a>
<img src="i.png" alt="a point">%s</body></html>"""


def site(folder: Path, within: str = "", css: str = "p { background: url(i.png) }") -> list[str]:
    (folder / "index.html").write_text(SOUND % within)
    (folder / "other.html").write_text('<p id="b">b</p>')
    (folder / "i.png").write_bytes(b"")
    (folder / "s.css").write_text(css)
    return check(folder)


def test_nothing_is_found_in_a_sound_site(tmp_path: Path) -> None:
    assert site(tmp_path) == []


@pytest.mark.parametrize(
    ("within", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html is not there"),
        ('<a href="../outside.html">x</a>', "../outside.html is not there"),
        ('<a href="#gone">x</a>', "#gone: the page has no such anchor"),
        ('<a href="other.html#a">x</a>', "other.html#a: the page has no such anchor"),
        ('<img src="gone.png" alt="x">', "gone.png is not there"),
        ('<img srcset="i.png, gone.png 2x" alt="x">', "gone.png is not there"),
        ('<img src="i.png">', "an image without a text: i.png"),
        ('<img src="i.png" alt=" ">', "an image without a text: i.png"),
        ('<p id="a"></p>', "the id 'a' is there 2 times"),
        ('<p id="a b"></p>', "'a b' is no id"),
        ('<script src="https://cdn.test/x.js"></script>', "loads https://cdn.test/x.js from"),
        ('<link rel="stylesheet" href="//cdn.test/x.css">', "loads //cdn.test/x.css from"),
        ("<style>@import 'https://cdn.test/f.css';</style>", "loads https://cdn.test/f.css from"),
        ('<p style="background: url(https://cdn.test/x)">', "loads https://cdn.test/x from"),
        ('<iframe src="other.html"></iframe>', "an iframe without a title"),
        ("<pre>\nMLE: searching\n</pre>", "progress has leaked into it: 'MLE: searching'"),
        ("<pre>Progress Draw Dive… Speed</pre>", "progress has leaked into it: 'Dive…'"),
        ('<ol class="upperalpha simple"></ol>', "the initial of an author has become the letter"),
        (
            f'<iframe title="x" srcdoc="{escape("<img src=data:,><a href=#no>x</a>")}"></iframe>',
            "in the page within: an image without a text: data:,",
        ),
        (
            f'<iframe title="x" srcdoc="{escape("<a href=#no>x</a>")}"></iframe>',
            "in the page within: no anchor #no",
        ),
    ],
)
def test_a_fault_is_found_and_named(tmp_path: Path, within: str, fault: str) -> None:
    [found, *_] = site(tmp_path, within)
    assert found.startswith(f"index.html: {fault}")


def test_a_style_sheet_that_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    css = "/* url(https://in.a.comment) */ @font-face { src: url('https://cdn.test/f.woff2') }"
    assert site(tmp_path, css=css) == ["s.css: loads https://cdn.test/f.woff2 from elsewhere"]


def test_no_page_at_all_is_a_fault(tmp_path: Path) -> None:
    assert check(tmp_path) == [f"{tmp_path} has no page"]
