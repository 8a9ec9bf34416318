"""What it costs in prediction to plug in an estimate, where the fit holds that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.comparison.distance.verdict import FEW
from bayes_point.comparison.plots.predictive import PANELS, plot_predictive
from bayes_point.report.sections.figures import draw
from bayes_point.report.wording import number, plural, row, sentence

if TYPE_CHECKING:
    import xarray as xr

    from bayes_point.report.request import Request

SIZE = (9.4, 3.4)
"""Inches of the three panels."""

ALTS = {
    1: "The log predictive density of each distribution less that of the posterior",
    3: "Three panels: the log predictive density of each distribution less that of the posterior, "
    "the share of observations within their intervals, and the calibration of the predictions",
}
CAPTIONS = {
    1: "Log density of the data, less that of the posterior predictive, with two standard errors.",
    3: "Left: log density of the data, less that of the posterior predictive, with two standard "
    "errors. Middle: share of the observations within their intervals; intervals of counts end at "
    "whole numbers, so that they hold more than they name. Right: calibration, the share of "
    "observations below each predicted quantile minus the share expected; inside the band it is "
    "as expected.",
}

NAMES = {"MLE": "MLE plugged in", "MAP": "MAP plugged in"}

# The least difference in log density that a reader need care for, in its own standard errors.
_REAL = 2.0


def n_scored(tree: xr.DataTree) -> int:
    """How many observations were left out and predicted."""
    return int(tree["predictive_cost"].dataset.sizes["observation"])


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
    n = n_scored(request.tree)
    if n < FEW:
        notes.append(
            f"{plural(n, 'observation')}, fewer than {FEW}, cannot tell which predicts better: "
            "the standard errors are rough guesses, and too small where observations are alike."
        )
    # Of outcomes that are 0 or 1, each interval holds either, and the PIT is noise; of a few
    # observations coverage and PIT tell nothing.
    panels = PANELS[:1] if n < FEW or _is_binary(request.tree) else PANELS
    alt = (
        f"{ALTS[len(panels)]}. {_costs(left_out)} The table has the log density of each, and the "
        "share of observations in its intervals."
    )
    caption = CAPTIONS[len(panels)]
    size = (SIZE[0] if len(panels) > 1 else SIZE[0] / 2, SIZE[1])

    def make() -> Any:
        return plot_predictive(
            scores,
            panels=panels,
            backend="matplotlib",
            figure_kwargs={"figsize": size, "figsize_units": "inches"},
        )

    return {
        "sentence": _costs(left_out),
        "caption": "Predictions of each observation when it is left out",
        "columns": ["prediction", "log density", "minus the posterior's", "in interval"],
        "rows": rows,
        "notes": notes,
        "figure": draw(make, alt=alt, caption=caption),
    }


def _is_binary(tree: xr.DataTree) -> bool:
    """Whether all that is observed is 0 or 1."""
    if "observed_data" not in tree.children:
        return False
    observed = tree["observed_data"].dataset.data_vars.values()
    return bool(observed) and all(np.isin(array.values, (0, 1)).all() for array in observed)


def _costs(left_out: xr.Dataset) -> str:
    """Say what plugging in costs, in units of log density and against its error."""
    said, n = [], left_out.sizes["observation"]
    for name in ("MLE", "MAP"):
        own = left_out.sel(distribution=name)
        value, error = float(own["difference"]), float(own["difference_se"])
        if not math.isfinite(value):
            said.append(f"What plugging in the {name} costs cannot be said.")
        elif abs(value) <= _REAL * error:
            said.append(
                f"Plugging in the {name} predicts as well as averaging over the posterior, within "
                f"error ({_signed(value)} nats over {_all(n)}, standard error {_digits(error)})."
            )
        else:
            verb = "costs" if value < 0 else "gains"
            text = (
                f"Plugging in the {name} {verb} {_digits(abs(value))} nats of log predictive "
                f"density over {_all(n)}"
            )
            if n > 1:
                text += (
                    f" (standard error {_digits(error)}), or {number(abs(value) / n, digits=1)} an "
                    "observation"
                )
            said.append(f"{text}.")
    return " ".join(said)


def _all(n: int) -> str:
    return "the only observation" if n == 1 else f"all {n:,} observations"


def _with_error(own: xr.Dataset, what: str) -> str:
    value, error = float(own[what]), float(own[f"{what}_se"])
    if not math.isfinite(value):
        return "–" if math.isnan(value) else number(value)
    # Of one observation there is no standard error.
    return _signed(value) if math.isnan(error) else f"{_signed(value)} ± {_digits(error)}"


def _share(own: xr.Dataset) -> str:
    value = float(own["coverage"])
    return "–" if math.isnan(value) else f"{value:.0%}"


def _signed(value: float) -> str:
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if text[1:] == "0.00" else text


def _digits(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else number(value, digits=1)
