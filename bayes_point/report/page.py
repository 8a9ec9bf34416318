"""The page: every section built and rendered in turn, and put into one HTML document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from bayes_point import __version__
from bayes_point.errors import ComparisonError, ReportError
from bayes_point.report.estimates import GROUPS, estimates
from bayes_point.report.headline import headline
from bayes_point.report.overview import overview
from bayes_point.report.plots import gaps_section, joint_section, marginals_section
from bayes_point.report.predictive import predictive
from bayes_point.report.request import Request
from bayes_point.report.sampler import sampler
from bayes_point.report.table import summary_section


@dataclass(frozen=True)
class Section:
    """A part of the page: `build` makes what `template` shows, by default ``<key>.html.j2``."""

    key: str
    heading: str
    build: Callable[[Request], dict[str, Any]]
    template: str = ""


@dataclass(frozen=True)
class Page:
    """The title, the headline as plain text, and the whole document."""

    title: str
    headline: str
    html: str


HEADLINE = Section("headline", "Headline", lambda r: headline(r.gaps, r.statuses, r.health))

SECTIONS = (
    Section("model", "Model and data", lambda r: overview(r.tree)),
    Section("estimates", "The point estimates", lambda r: {"estimates": estimates(r.tree)}),
    Section("summary", "Summary", summary_section),
    Section("gaps", "How far apart", gaps_section, "figure"),
    Section("marginals", "Posterior and point estimates", marginals_section, "figure"),
    Section("joint", "Pairs of parameters", joint_section, "figure"),
    Section("sampler", "The sampler", lambda r: sampler(r.health)),
    Section("predictive", "Posterior predictive check", lambda r: predictive(r.tree, r.ci_prob)),
)


def make_page(request: Request, title: str | None) -> Page:
    """Build every section; raise a ReportError that names the first which fails."""
    _check(request)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bayes_point.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    attrs = request.tree.attrs
    title = _default_title(attrs) if title is None else title
    top, lede = _render(environment, HEADLINE, request)
    sections = []
    for section in SECTIONS:
        _, body = _render(environment, section, request)
        sections.append({"key": section.key, "heading": section.heading, "html": body})
    style = resources.files("bayes_point.report").joinpath("templates/style.css")
    html = environment.get_template("page.html.j2").render(
        title=title,
        lede=lede,
        sections=sections,
        # Our own file, inside <style>: there, escaping would break it.
        style=Markup(style.read_text(encoding="utf-8")),
        version=attrs.get("bayes_point_version", __version__),
        fingerprint=attrs.get("fingerprint", ""),
    )
    return Page(title, " ".join(top["lede"]), html)


def _render(
    environment: jinja2.Environment, section: Section, request: Request
) -> tuple[dict[str, Any], Markup]:
    """Return what the section is made of, and its HTML."""
    try:
        content = section.build(request)
        body = environment.get_template(f"{section.template or section.key}.html.j2").render(
            content
        )
    except Exception as err:
        # Whatever it was: a report that lacks a section without saying so is worse than none.
        what = " ".join(f"{type(err).__name__}: {err}".split())
        raise ReportError(
            f"The section {section.heading!r} of the report failed, and so no report was made: "
            f"{what}. Leave out what it cannot show with var_names=, or see the cause of this "
            "error.",
            section=section.key,
        ) from err
    # The template escaped everything that it was given.
    return content, Markup(body)


def _check(request: Request) -> None:
    """Raise ComparisonError where the tree is not that of a fit, or the selection is wrong."""
    _ = request.gaps
    present = set(request.tree.groups)
    missing = [g for name in GROUPS for g in (name, f"{name}/optima") if f"/{g}" not in present]
    if missing:
        raise ComparisonError(
            f"The tree lacks the groups {', '.join(missing)}, which say how each estimate was "
            "found: make the tree anew with bp.fit(model)."
        )
    _ = request.statuses


def _default_title(attrs: dict[Any, Any]) -> str:
    name = str(attrs.get("model_name", "")).strip()
    return name[:1].upper() + name[1:] if name else "A PyMC model"
