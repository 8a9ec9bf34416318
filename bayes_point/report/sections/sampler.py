"""Whether the posterior draws, which everything else is measured against, are to be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.comparison.distance.health import SamplerHealth
from bayes_point.comparison.inputs.scalars import flatten, scalars
from bayes_point.report.wording import number, plural, row

if TYPE_CHECKING:
    import xarray as xr

MAX_ROWS = 25
"""So many parameters are listed, those with the fewest effective draws."""


def sampler(health: SamplerHealth) -> dict[str, Any]:
    """Return the sampler's facts, its problems with advice, and diagnostics by parameter."""
    return {
        "ok": health.ok,
        "facts": _facts(health),
        "line": _line(health),
        "problems": [{"what": p.what, "advice": p.advice} for p in health.problems],
        **_table(health.diagnostics),
    }


def _facts(health: SamplerHealth) -> list[tuple[str, str]]:
    drawn = f"{plural(health.chains, 'chain')} of {plural(health.draws, 'draw')}"
    if health.sampler:
        drawn += f" by {health.sampler}"
    facts = [("drawn", drawn)]
    label, r_hat = health.max_r_hat
    if label:
        facts.append(("largest r-hat", f"{r_hat:.3f} ({label})"))
    label, ess = health.min_ess
    if label:
        facts.append(("smallest effective sample size", f"{ess:,.0f} ({label})"))
    total = health.chains * health.draws
    for name, count in (
        ("divergences", health.divergences),
        ("maximum tree depth reached", health.max_treedepth),
    ):
        words = "not recorded" if count is None else f"{count:,} of {plural(total, 'draw')}"
        facts.append((name, words))
    if health.bfmi is not None:
        facts.append(("smallest BFMI of a chain", f"{min(health.bfmi):.2f}"))
    return facts


def _line(health: SamplerHealth) -> str:
    """Say in one line what a reader wants to know of a sampler that is well."""
    said = [f"{plural(health.chains, 'chain')} of {plural(health.draws, 'draw')}"]
    if health.max_r_hat[0]:
        said.append(f"r-hat at most {health.max_r_hat[1]:.3f}")
    if health.min_ess[0]:
        said.append(f"at least {health.min_ess[1]:,.0f} effective draws")
    if health.divergences is not None:
        said.append(
            "no divergences" if not health.divergences else f"{health.divergences} diverged"
        )
    return "; ".join(said)


def _table(diagnostics: xr.Dataset) -> dict[str, Any]:
    """Rows of r-hat, effective sample sizes and the error of the mean."""
    columns = ("r_hat", "ess_bulk", "ess_tail", "mcse_mean")
    values = flatten(diagnostics.sel(diagnostic=list(columns)), ("diagnostic",))
    labels = [scalar.label for scalar in scalars(diagnostics, ("diagnostic",))]
    order = np.arange(len(labels))
    explanation = ""
    if len(labels) > MAX_ROWS:
        # NaN (constant draws) sorts last: such a quantity cannot be wrong.
        order = np.argsort(np.fmin(values[1], values[2]))[:MAX_ROWS]
        explanation = (
            f"Of {len(labels):,} parameters the {MAX_ROWS} with the smallest effective sample "
            "size are listed."
        )
    rows = [
        row(labels[j], [_show(*cell) for cell in zip(columns, values[:, j], strict=True)])
        for j in order
    ]
    return {
        "explanation": explanation,
        "caption": "Diagnostics by parameter",
        "columns": ["parameter", "r-hat", "ESS bulk", "ESS tail", "MCSE of mean"],
        "rows": rows,
    }


def _show(column: str, value: float) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else number(value)
    if column == "r_hat":
        return f"{value:.3f}"
    return f"{value:,.0f}" if column.startswith("ess") else number(value, digits=2)
