"""What the gallery asks of the scripts: pictures with words, a quiet sampler, an order."""

import ast
import builtins
import logging
import re
from pathlib import Path

from sphinx_gallery.scrapers import matplotlib_scraper

_ALT = re.compile(r"^\s*#\s*sphinx_gallery_alt\s*=\s*(.+)$", re.MULTILINE)
_WRITTEN = re.compile(r"^(\s*:alt: ).*$", re.MULTILINE)

# The order of the pages of the guide, then that of the lecture notes.
_PAGES = [
    "start_here",
    "how_to_read_a_report",
    "mle_map_posterior",
    "which_estimate",
    "no_maximum",
    "many_data_sets",
]


def ORDER(filename: str) -> tuple[int, str]:
    """Sort the scripts of one folder."""
    name = Path(filename).stem
    return (_PAGES.index(name) if name in _PAGES else len(_PAGES), name)


def scrape(block, block_vars, gallery_conf, **kwargs):
    """Save the figures of a block of code, described by ``# sphinx_gallery_alt = "..."`` in it.

    Without such a line the picture is called by the title of its script.
    """
    written = matplotlib_scraper(block, block_vars, gallery_conf, **kwargs)
    said = [ast.literal_eval(text) for text in _ALT.findall(block[1])]
    if not said:
        docstring = ast.get_docstring(ast.parse(Path(block_vars["src_file"]).read_text()))
        said = [f"The picture that this code draws: {docstring.splitlines()[0]}"]
    texts = iter(said)
    text = said[-1]

    def describe(match: re.Match[str]) -> str:
        nonlocal text
        text = next(texts, text)
        return match[1] + text

    return _WRITTEN.sub(describe, written)


def quiet(gallery_conf, fname) -> None:
    """Prepare for the next script.

    The sampler's log lines are not what the code printed, and stay out of the pages. The gallery
    runs a script without a ``__file__``, by which scripts find their data.
    """
    builtins.__file__ = str(Path(fname).resolve())
    logging.getLogger("pymc").setLevel(logging.WARNING)
