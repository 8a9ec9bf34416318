"""How Sphinx makes the site: `uv run --group docs sphinx-build -W --keep-going docs site`."""

import sys
import warnings
from pathlib import Path

from numpydoc import xref

import bayes_point

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
from links import intersphinx_mapping_from  # noqa: E402

project = "bayes_point"
author = "The bayes_point developers"
copyright = author
version = release = bayes_point.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "figures",
]

root_doc = "index"
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "pages", "images"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # the scraper and the reset of the gallery are functions

# Every cross-reference has to lead somewhere.
nitpicky = True
default_role = "autolink"

# -- The API pages: numpydoc says the types, so that signatures can be short.
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Types are links where they are a name with a dot, or one of ours; `str` need not be one.
xref.DEFAULT_LINKS.clear()
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
_OURS = ("Finding", "LikelihoodRatioTest", "PointEstimate", "Report", "Status", "Verdict")
numpydoc_xref_aliases = {name: f"bayes_point.{name}" for name in _OURS} | {
    name: f".{name}"  # a target that is not the title itself, or there is no link
    for name in (
        "pymc.Model",
        "xarray.DataArray",
        "xarray.DataTree",
        "xarray.Dataset",
        "pandas.DataFrame",
        "pathlib.Path",
    )
}
# Not asked for: the order and types of parameters (PR03, PR04), since several that mean what they
# mean elsewhere share a line, "draws, tune, chains: as in `pymc.sample`".
numpydoc_validation_checks = {"GL01", "GL08", "PR01", "PR02", "RT01", "RT03", "SS01", "SS03"}
# Records document their fields as attributes, and the methods of LogDensity share the arguments
# that the class explains.
numpydoc_validation_exclude = {
    r"^bayes_point\.(Finding|LikelihoodRatioTest|PointEstimate|Report|Status|Verdict)$",
    r"^bayes_point\.LogDensity\.",
}

# -- The network is closed where the site is built: see docs/_ext/links.py.
intersphinx_mapping = intersphinx_mapping_from(HERE / "links.toml", HERE / "_inventories")

# -- Markdown
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# -- Scripts that are run as the site is built: what is shown was made by the code shown.
sphinx_gallery_conf = {
    "examples_dirs": ["pages", "../examples"],
    "gallery_dirs": ["guide", "gallery"],
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"(^|[/\\])_",
    "nested_sections": False,
    "image_scrapers": ("figures.scrape",),
    "reset_modules": ("matplotlib", "figures.quiet"),
    "image_srcset": ["2x"],
    "default_thumb_file": str(HERE / "_static" / "logo.svg"),
    "remove_config_comments": True,
    "ignore_repr_types": r"matplotlib|arviz_plots|pathlib",
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e6,
    "write_computation_times": False,
    "within_subsection_order": "figures.ORDER",
    "parallel": 2,
}
warnings.filterwarnings("ignore", module="joblib")

# -- The site
html_theme = "pydata_sphinx_theme"
html_title = "bayes_point"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = []
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "bayes_point",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "alt_text": "",
    },
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 7,
    "back_to_top_button": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: []
    for page in (
        "index",
        "faq",
        "calls",
        "how_it_works",
        "proof",
        "cluster",
        "changelog",
        "references",
    )
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
