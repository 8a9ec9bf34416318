"""What the gallery asks of the scripts: pictures with words, a quiet sampler, an order."""

import ast
import builtins
import logging
import math
import re
import textwrap
import warnings
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_gallery import gen_gallery
from sphinx_gallery.scrapers import matplotlib_scraper

_ALT = re.compile(r"^\s*#\s*sphinx_gallery_alt\s*=\s*(.+)$", re.MULTILINE)
_WRITTEN = re.compile(r"^(\s*:alt: ).*$", re.MULTILINE)

_ROOT = Path(__file__).parents[2]
_FOLDERS = (_ROOT / "docs" / "pages", _ROOT / "examples")

# The order of the pages of the guide, then that of the lecture notes.
_ORDER = [
    "start_here",
    "how_to_read_a_report",
    "mle_map_posterior",
    "which_estimate",
    "no_maximum",
    "hierarchical",
    "many_data_sets",
    "from_find_map",
    "from_lme4",
    "from_statsmodels",
    "from_stan",
    "from_iminuit",
    "coin_likelihood",
    "coin_flip",
    "coin_beta_prior",
    "uniform_prior",
    "coin_many_tosses",
    "underflow",
    "normal_mean_and_variance",
    "normal_mean_and_sd",
    "bessel_correction",
    "gradient_descent",
    "linear_regression",
    "ridge_regression",
    "lasso",
    "logistic_regression",
    "separation",
    "gaussian_discriminant_analysis",
    "eight_schools",
    "when_to_use_which",
    "bioassay",
    "weibull_survival",
    "school_absences",
    "wine_ratings",
    "capture_recapture",
    "river_nile",
    "mixture",
    "item_response",
    "sea_levels",
    "named_dims",
    "black_box",
]


def ORDER(filename: str) -> tuple[int, str]:
    """Sort the scripts of one folder; one that is not listed comes last."""
    name = Path(filename).stem
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


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
    # A warning without the path of the machine that the site is built on.
    warnings.formatwarning = lambda message, category, *_, **__: (
        textwrap.fill(f"{category.__name__}: {message}", 72, subsequent_indent="    ") + "\n"
    )
    [script] = [folder / fname for folder in _FOLDERS if (folder / fname).exists()]
    builtins.__file__ = str(script)
    import pymc  # noqa: F401  (sets the level itself, when it is imported)

    from bayes_point.estimation import progress

    logging.getLogger("pymc").setLevel(logging.WARNING)
    # Nor what a long search says of its progress, which depends on the machine.
    progress._PATIENCE = math.inf


def _name_thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """Give the thumbnails of the index pages a text, which the gallery leaves empty."""
    for image in doctree.findall(nodes.image):
        name = Path(image["uri"]).stem
        if name.endswith("_thumb"):
            title = name.removeprefix("sphx_glr_").removesuffix("_thumb").replace("_", " ")
            image["alt"] = f"A picture of the page: {title}"


def setup(app: Sphinx) -> dict:
    """Join the build."""
    # The folder examples/data has a README, which the gallery would take for that of a part of it.
    gen_gallery.get_subsections = lambda *args, **kwargs: []
    app.connect("doctree-read", _name_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
