"""The page: every section built and rendered in turn, and put into one HTML document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from typing import Any

import jinja2
import xarray as xr
from markupsafe import Markup

from bayes_point.comparison.distance.decision import NEGLIGIBLE, SMALL, SMALL_AT_MOST
from bayes_point.comparison.distance.verdict import FEW
from bayes_point.comparison.inputs.wholeness import check_whole
from bayes_point.errors import ReportError
from bayes_point.report.request import Request
from bayes_point.report.sections.approximation import laplace_section
from bayes_point.report.sections.cost import cost_section, n_scored
from bayes_point.report.sections.estimates import estimates_section
from bayes_point.report.sections.latents import latents_section
from bayes_point.report.sections.overview import overview
from bayes_point.report.sections.paths import path_section
from bayes_point.report.sections.plots import gaps_section, joint_section, marginals_section
from bayes_point.report.sections.predictive import predictive
from bayes_point.report.sections.profiles import profile_section
from bayes_point.report.sections.sampler import sampler
from bayes_point.report.sections.table import summary_section
from bayes_point.report.sections.verdicts import verdicts
from bayes_point.report.sections.why import why_section
from bayes_point.report.wording import sentence


@dataclass(frozen=True)
class Section:
    """A part of the page: `build` makes what `template` shows, by default ``<key>.html.j2``.

    One that `needs` a group of the tree is on the page of a tree that has it; on others, the foot
    of the page says what is not there, and of an `optional` one only where it is known why. Where
    `fold` says so of a request, it is closed until the reader opens it; where `applies` denies it,
    there is nothing to show.
    """

    key: str
    heading: str
    build: Callable[[Request], dict[str, Any]]
    template: str = ""
    needs: str = ""
    fold: Callable[[Request], bool] = lambda _: False
    optional: bool = False
    applies: Callable[[Request], bool] = lambda _: True


def _always(_: Request) -> bool:
    return True


def _found(request: Request) -> bool:
    """Whether both estimates are points; that one is on an edge stands on top of the page."""
    points = ("converged", "on_boundary", "local")
    return all(status.key in points for status in request.statuses.values())


def _harmless(request: Request) -> bool:
    """Whether no gap of either estimate matters, or may."""
    return all(v.key in (NEGLIGIBLE, SMALL, SMALL_AT_MOST) for v in request.verdicts.values())


@dataclass(frozen=True)
class Page:
    """The title, the headline as plain text, and the whole document."""

    title: str
    headline: str
    html: str


VERDICT = Section("verdict", "Verdict", verdicts)

SECTIONS = (
    Section("parameters", "Every parameter", summary_section, "summary"),
    Section("gaps", "All gaps at a glance", gaps_section, "figure"),
    Section("why", "Why they differ", why_section, fold=_harmless),
    Section(
        "cost",
        "The cost of plugging in",
        cost_section,
        needs="predictive_cost",
        fold=lambda r: n_scored(r.tree) < FEW,
    ),
    Section("sampler", "The sampler", lambda r: sampler(r.health)),
    Section("model", "Model and data", lambda r: overview(r.tree)),
    Section("estimates", "The point estimates", estimates_section, fold=_found),
    Section(
        "latents",
        "The latent variables",
        latents_section,
        needs="latents",
        fold=_always,
        optional=True,
    ),
    Section(
        "marginals", "Posterior and point estimates", marginals_section, "figure", fold=_always
    ),
    Section(
        "joint",
        "Pairs of parameters",
        joint_section,
        "figure",
        fold=_always,
        applies=lambda r: r.n_varying > 1,
    ),
    Section(
        "profile", "Likelihood beside posterior", profile_section, "figure", "profile", _always
    ),
    Section("prior_path", "The pull of the prior", path_section, "figure", "prior_path", _always),
    Section("laplace", "The Laplace approximation", laplace_section, needs="laplace", fold=_always),
    Section(
        "predictive",
        "Posterior predictive check",
        lambda r: predictive(r.tree, r.ci_prob),
        fold=_always,
    ),
)
"""What a page is made of, in its order."""


def sections_of(request: Request) -> tuple[list[Section], list[Section]]:
    """Sections that the page of a tree has, and those whose group it lacks."""
    absent = [s for s in SECTIONS if s.needs and s.needs not in request.tree.children]
    return [s for s in SECTIONS if s not in absent and s.applies(request)], absent


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
    top, lede = _render(environment, VERDICT, request)
    sections = []
    there, absent = sections_of(request)
    for section in there:
        _, body = _render(environment, section, request)
        sections.append(
            {
                "key": section.key,
                "heading": section.heading,
                "html": body,
                "fold": section.fold(request),
            }
        )
    style = resources.files("bayes_point.report").joinpath("templates/style.css")
    html = environment.get_template("page.html.j2").render(
        title=title,
        lede=lede,
        sections=sections,
        # Our own file, inside <style>: there, escaping would break it.
        style=Markup(style.read_text(encoding="utf-8")),
        absent=_absent(request.tree, absent),
        version=attrs.get("bayes_point_version", version("bayes-point")),
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


def _absent(tree: xr.DataTree, sections: list[Section]) -> list[dict[str, str]]:
    """Say of the sections that the page lacks why it does."""
    why = json.loads(str(tree.attrs.get("details_left_out", "{}")))
    return [
        {
            "heading": section.heading,
            # What is behind a reason is said where the estimates are.
            "why": sentence(
                why.get(
                    section.needs, f"bp.fit(model, details={section.needs!r}) computes it"
                ).partition(". ")[0]
            ),
        }
        for section in sections
        if not section.optional or section.needs in why
    ]


def _check(request: Request) -> None:
    """Raise ComparisonError where the tree is not that of a fit, or the selection is wrong."""
    _ = request.selected
    check_whole(request.tree)
    _ = request.statuses


def _default_title(attrs: dict[Any, Any]) -> str:
    name = str(attrs.get("model_name", "")).strip()
    return name[:1].upper() + name[1:] if name else "A PyMC model"
