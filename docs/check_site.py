"""Read the built site as a browser would, and fail on what would be broken in one.

    python docs/check_site.py site

Looked for: links and anchors that lead nowhere, images that are missing or have no text, ids that
are not unique, progress of a sampler or a search among what the code printed, and anything that
would have to be loaded from elsewhere to show a page. Links to other sites cannot be followed
without a network, and are not.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes by which a page loads something, by element; <a href> only leads somewhere.
LOADED = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href",),
    "use": ("href",),
}
# <link> elements that name a page and load nothing.
NAMES_A_PAGE = {"canonical", "next", "prev", "search", "index", "author", "copyright", "license"}
CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
PROGRESS = re.compile(r"Dive…|━━|^(MLE|MAP): (searching|certifying)$|^details: ", re.MULTILINE)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class Page(HTMLParser):
    """A page with its ids, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.loads: list[str] = []
        self._in_style = False
        self.feed(text)
        self.close()
        for name, count in self.ids.items():
            if count > 1:
                self.faults.append(f"the id {name!r} is there {count} times")
            if not name or re.search(r"\s", name):
                self.faults.append(f"{name!r} is no id")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._in_style = False

    def handle_data(self, data: str) -> None:
        """Read what a style sheet within the page loads."""
        if found := PROGRESS.search(data):
            self.faults.append(f"progress has leaked into it: {found[0]!r}")
        if self._in_style:
            self.loads += CSS_URL.findall(CSS_COMMENT.sub("", data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read the attributes of an element."""
        given = {key.rpartition(":")[2]: value or "" for key, value in attrs}
        self._in_style = tag == "style"
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        # The logo stands beside its own words; elsewhere an empty text says that nothing is shown.
        is_logo = "logo__image" in given.get("class", "").split()
        if tag == "img" and not is_logo and not given.get("alt", "").strip():
            self.faults.append(f"an image without a text: {given.get('src', '')[:80]}")
        # "A. E. Hoerl" at the head of a line is a list to docutils, of one point with the letter A.
        if tag == "ol" and "upperalpha" in given.get("class", ""):
            self.faults.append("the initial of an author has become the letter of a list")
        if tag == "iframe" and not given.get("title", "").strip():
            self.faults.append("an iframe without a title")
        if "srcdoc" in given:
            inner = Page(given["srcdoc"])
            self.faults += [f"in the page within: {fault}" for fault in inner.faults]
            self.faults += [
                f"in the page within: no anchor {link}"
                for link in inner.links
                if link.startswith("#") and link[1:] and unquote(link[1:]) not in inner.ids
            ]
            self.loads += inner.loads
        if tag == "link" and NAMES_A_PAGE & set(given.get("rel", "").split()):
            self.links.append(given.get("href", ""))
            return
        for attribute in LOADED.get(tag, ()):
            value = given.get(attribute, "")
            if attribute == "srcset":
                self.loads += [part.split()[0] for part in value.split(", ") if part.strip()]
            elif value:
                self.loads.append(value)
        self.loads += CSS_URL.findall(given.get("style", ""))


def check(root: Path) -> list[str]:
    """Return what is wrong with the site in the folder `root`, a line each."""
    root = root.resolve()
    pages = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.html"))
        if path.name != "webpack-macros.html"  # a template that the theme leaves lying about
    }
    if not pages:
        return [f"{root} has no page"]
    faults = []
    for path, page in pages.items():
        where = path.relative_to(root)
        faults += [f"{where}: {fault}" for fault in page.faults]
        faults += [f"{where}: loads {url[:100]} from elsewhere" for url in page.loads if _far(url)]
        for url in [*page.links, *page.loads]:
            fault = _broken(url, path, root, pages)
            if fault:
                faults.append(f"{where}: {fault}")
    for path in sorted(root.rglob("*.css")):
        text = CSS_COMMENT.sub("", path.read_text(encoding="utf-8"))
        for url in CSS_URL.findall(text):
            if _far(url):
                faults.append(f"{path.relative_to(root)}: loads {url[:100]} from elsewhere")
            else:
                fault = _broken(url, path, root, pages)
                if fault:
                    faults.append(f"{path.relative_to(root)}: {fault}")
    return faults


def _far(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https") or url.startswith("//")


def _broken(url: str, path: Path, root: Path, pages: dict[Path, Page]) -> str | None:
    """Return what is wrong with a link within the site."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return None
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(root) or not target.exists():
        return f"{url} is not there"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].ids:
        return f"{url}: the page has no such anchor"
    return None


def main() -> int:
    """Print what is wrong, and return how the command ends."""
    root = Path(sys.argv[1])
    faults = check(root)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(list(root.rglob('*.html')))} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
