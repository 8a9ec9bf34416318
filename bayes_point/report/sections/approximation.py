"""Whether the posterior is near the normal at its mode, where the fit holds that check."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.comparison.inputs.scalars import flatten, scalars
from bayes_point.report.wording import plural, row, sentence

if TYPE_CHECKING:
    from bayes_point.report.request import Request

MAX_ROWS = 12
"""Parameters in the table: those whose means or sds are farthest off."""

# Monte Carlo errors within which two draws' moments are not told apart.
_NOISE = 2.0


def laplace_section(request: Request) -> dict[str, Any]:
    """Return the Pareto k of the whole and of each parameter, and the distances to the draws."""
    tree = request.tree["laplace"]
    attrs = tree.attrs
    names = [str(n) for n in request.tree["posterior"].dataset.data_vars]
    importance, near = (tree[g].dataset[names] for g in ("importance", "closeness"))
    labels = [s.label for s in scalars(near, ("quantity",))]
    quantities = [str(q) for q in near["quantity"].values]
    distance = dict(zip(quantities, flatten(near, ("quantity",)), strict=True))
    order = [str(q) for q in importance["quantity"].values]
    moments = dict(zip(order, flatten(importance, ("quantity",)), strict=True))
    k = np.fmax(moments["mean_k"], moments["sd_k"])
    limit = float(attrs["pareto_k_limit"])
    asked = set(request.order)
    which = [i for i, label in enumerate(labels) if label in asked]
    worst = np.fmax(np.abs(distance["mean_difference"]), np.abs(distance["sd_difference"]))
    worst = np.nan_to_num(worst, nan=-1.0)
    which.sort(key=lambda i: -worst[i])
    rows = [
        row(
            labels[i],
            [
                _signed(distance, "mean_difference", i),
                _percent(distance, i),
                f"{distance['wasserstein'][i]:.2f}" if known(distance["wasserstein"][i]) else "–",
                _k(k[i]),
            ],
            [
                _kind(distance, "mean_difference", i),
                _kind(distance, "sd_difference", i),
                "",
                "doubt" if k[i] > limit else "",
            ],
        )
        for i in which[:MAX_ROWS]
    ]
    trusted = bool(int(attrs["is_trusted"]))
    problems = [sentence(p["what"]) for p in json.loads(str(attrs["problems"]))]
    overall = float(attrs["pareto_k"])
    shown = f" The {MAX_ROWS} that are farthest off are listed." if len(which) > MAX_ROWS else ""
    return {
        "good": trusted and not problems,
        "badge": _badge(trusted, bool(problems)),
        "explanation": (
            "The Laplace approximation takes the posterior for the normal at its mode on the "
            "unconstrained scale (Jacobian included), which is what most quick approximations do. "
            "The Pareto k says whether weights can mend what is wrong with it: up to "
            f"{limit:.2g} they can. The differences are those of the normal's own draws, mapped "
            "back and without weights, from the sampled posterior, in posterior sd: the error of "
            f"using the approximation as it is.{shown}"
        ),
        "facts": [
            ("Pareto k", _k(overall)),
            (
                "effective draws",
                f"{float(attrs['importance_ess']):,.0f} of {plural(_drawn(attrs), 'draw')}",
            ),
        ],
        "problems": problems,
        "caption": "The normal at the mode less the sampled posterior",
        "columns": ["parameter", "mean, in sd", "sd", "distance", "Pareto k"],
        "rows": rows,
        "legend": (
            "Grey numbers are within two Monte Carlo standard errors of 0. Distance is the "
            "Wasserstein distance in posterior sd. The Pareto k of a parameter is that of its "
            "weighted mean and sd."
        ),
    }


def _badge(trusted: bool, flawed: bool) -> str:
    if not trusted:
        return "not to be trusted"
    return "can be trusted in part" if flawed else "can be trusted, with weights"


def known(value: float) -> bool:
    """Whether there is such a number."""
    return math.isfinite(value)


def _drawn(attrs: Any) -> int:
    return int(attrs["draws"]) * int(attrs["chains"])


def _kind(distance: Any, what: str, i: int) -> str:
    value, error = float(distance[what][i]), float(distance[f"{what}_mcse"][i])
    return "noise" if abs(value) <= _NOISE * error else ""


def _signed(distance: Any, what: str, i: int) -> str:
    value = float(distance[what][i])
    return _written(f"{value:+.2f}") if known(value) else "–"


def _percent(distance: Any, i: int) -> str:
    value = float(distance["sd_difference"][i])
    return _written(f"{100 * value:+.0f}%") if known(value) else "–"


def _written(text: str) -> str:
    # Zero has no sign.
    return text.replace("-", "−") if any(c in text for c in "123456789") else text[1:]


def _k(value: float) -> str:
    if value == -math.inf:
        return "−∞ (constant weights)"
    return "none" if math.isnan(value) else f"{value:.2f}"
