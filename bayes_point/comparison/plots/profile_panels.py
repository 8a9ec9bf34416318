"""What a plot of profiles shows of each parameter: its curves, interval and title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.inputs.draws import MIN_DRAWS
from bayes_point.comparison.inputs.scalars import flatten, scalars
from bayes_point.comparison.inputs.selected import Support, supports_of
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS, posterior_of
from bayes_point.comparison.plots.kernel import bounded_density

__all__ = ["Panel", "draws_by_label", "panel_of"]

Array = NDArray[np.float64]

# Where the quadratic approximation ends to be drawn: its relative likelihood is then below 1 %.
_TAIL = 3.1
_OPEN = {
    "edge of the support": "edge of the support",
    "edge": "edge",
    "infinity": "",
    "not identified": "not identified",
    "not converged": "not converged",
    "stopped": "the time was up",
    "whole circle": "all around",
    "left the basin": "left the basin",
    "disjoint": "in pieces",
}


@dataclass(frozen=True)
class Panel:
    """What is drawn of one parameter; curves are (2, n), x above y, the maximum being 1."""

    name: str
    profile: Array
    quadratic: Array
    posterior: Array
    interval: Array
    estimate: float
    title: str


def draws_by_label(dt: xr.DataTree) -> dict[str, tuple[Array, Support]]:
    """Return the posterior draws of each scalar, and its bounds, by its label."""
    posterior = posterior_of(dt)
    x, rows = flatten(posterior, SAMPLE_DIMS), scalars(posterior, SAMPLE_DIMS)
    known = supports_of(dt, rows)
    return {row.label: (x[..., i].ravel(), known[i]) for i, row in enumerate(rows)}


def panel_of(row: xr.Dataset, draws: tuple[Array, Support] | None) -> Panel:
    """Return what is drawn of one parameter's profile, with its posterior draws if there are."""
    label = str(row["parameter"].item())
    value, root = row["value"].values, row["signed_root"].values
    profile = np.stack([value, np.exp(-0.5 * root**2)])
    estimate, stderr = float(row["estimate"]), float(row["stderr"])
    drawn = value[np.isfinite(value)]
    low, high = (float(drawn.min()), float(drawn.max())) if drawn.size else (0.0, 1.0)
    quadratic = np.empty((2, 0))
    if np.isfinite(estimate) and np.isfinite(stderr) and stderr > 0:
        wide = 0.1 * (high - low)
        x = np.linspace(
            max(estimate - _TAIL * stderr, low - wide),
            min(estimate + _TAIL * stderr, high + wide),
            100,
        )
        quadratic = np.stack([x, np.exp(-0.5 * ((x - estimate) / stderr) ** 2)])
    interval = row["interval"].values
    ends = np.where(np.isfinite(interval), interval, [low, high])
    ends = np.where(np.isnan(interval), np.nan, ends)
    return Panel(
        label.replace("/", "∕"),
        profile,
        quadratic,
        np.empty((2, 0)) if draws is None else _density(*draws, low, high),
        ends,
        estimate if np.isfinite(estimate) else np.nan,
        _title(label, interval, [str(reason) for reason in row["reason"].values]),
    )


def _density(draws: Array, support: Support, low: float, high: float) -> Array:
    """Return the posterior density, the maximum being 1, near where the profile is drawn."""
    if draws.size < MIN_DRAWS or not np.all(np.isfinite(draws)):
        return np.empty((2, 0))
    if np.ptp(draws) == 0:
        return np.empty((2, 0))
    # Far outliers would make the grid of the density coarse where it is looked at.
    wide = 0.5 * (high - low)
    near = draws[(draws > low - wide) & (draws < high + wide)]
    if near.size < MIN_DRAWS:
        return np.empty((2, 0))
    x, y = bounded_density(near, *support)
    return np.stack([x, y / y.max()])


def _title(label: str, interval: Array, reasons: Sequence[str]) -> str:
    def end(at: float, reason: str) -> str:
        if np.isnan(at):
            return "?"
        text = "∞" if np.isinf(at) else f"{abs(at):.3g}"
        return f"{'−' if at < 0 else ''}{text}"

    said = ", ".join(dict.fromkeys(_OPEN[r] for r in reasons if _OPEN.get(r)))
    lower, upper = (end(at, reason) for at, reason in zip(interval, reasons, strict=True))
    return f"{label}\n{lower} to {upper}" + (f" ({said})" if said else "")
