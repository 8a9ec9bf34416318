"""What it costs in prediction to plug in an estimate, where the fit holds that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bayes_point.comparison.distance.verdict import FEW
from bayes_point.comparison.plots.predictive import plot_predictive
from bayes_point.report.sections.figures import draw
from bayes_point.report.wording import number, plural, row, sentence

if TYPE_CHECKING:
    import xarray as xr

    from bayes_point.report.request import Request

SIZE = (9.4, 3.4)
"""Inches of the three panels."""

NAMES = {"MLE": "MLE plugged in", "MAP": "MAP plugged in"}

# The least difference in log density that a reader need care for, in its own standard errors.
_REAL = 2.0


def cost_section(request: Request) -> dict[str, Any]:
    """Return the log densities and coverage of observations left out, as a table and a figure."""
    scores = request.tree["predictive_cost"].to_dataset()
    left_out = scores.sel(scope="left_out")
    rows, notes = [], []
    for name in left_out["distribution"].values.astype(str):
        own = left_out.sel(distribution=name)
        label = NAMES.get(name, name)
        rows.append(
            row(
                label,
                [
                    _with_error(own, "total"),
                    "–" if name == "posterior" else _with_error(own, "difference"),
                    _share(own),
                ],
            )
        )
        note = str(own["note"].values)
        if note:
            notes.append(f"{label}: {sentence(note)}")
    n = scores.sizes["observation"]
    if n < FEW:
        notes.append(
            f"A standard error from {plural(n, 'observation')} is itself a rough guess, and too "
            "small where these are alike."
        )
    alt = (
        "Three panels: the log predictive density of each distribution less that of the posterior, "
        "the share of observations within their intervals, and the calibration of the "
        f"predictions. {_costs(left_out)}"
    )
    caption = (
        "Left: log density of the data, less that of the posterior predictive, with two standard "
        "errors. Middle: share of the observations within their intervals. Right: calibration; "
        "within the band it cannot be faulted."
    )

    def make() -> Any:
        return plot_predictive(
            scores,
            backend="matplotlib",
            figure_kwargs={"figsize": SIZE, "figsize_units": "inches"},
        )

    return {
        "sentence": _costs(left_out),
        "caption": "Predictions of each observation when it is left out",
        "columns": ["prediction", "log density", "less posterior's", "in interval"],
        "rows": rows,
        "notes": notes,
        "figure": draw(make, alt=alt, caption=caption),
    }


def _costs(left_out: xr.Dataset) -> str:
    """Say what plugging in costs, in units of log density and against its error."""
    said = []
    for name in ("MLE", "MAP"):
        own = left_out.sel(distribution=name)
        value, error = float(own["difference"]), float(own["difference_se"])
        if not math.isfinite(value):
            said.append(f"What plugging in the {name} costs cannot be said.")
        elif abs(value) <= _REAL * error:
            said.append(
                f"Plugging in the {name} predicts as well as averaging over the posterior, within "
                f"error: {_signed(value)} in log density, standard error {_digits(error)}."
            )
        else:
            verb = "costs" if value < 0 else "gains"
            said.append(
                f"Plugging in the {name} {verb} {_digits(abs(value))} in log density, with a "
                f"standard error of {_digits(error)}."
            )
    return " ".join(said)


def _with_error(own: xr.Dataset, what: str) -> str:
    value, error = float(own[what]), float(own[f"{what}_se"])
    if not math.isfinite(value):
        return "–" if math.isnan(value) else number(value)
    return f"{_signed(value)} ± {_digits(error)}"


def _share(own: xr.Dataset) -> str:
    value = float(own["coverage"])
    return "–" if math.isnan(value) else f"{value:.0%}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _digits(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else number(value, digits=1)
