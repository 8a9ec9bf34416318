"""The first sentence of the report: which estimate lies farthest from the posterior mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from bayes_point.comparison.scalars import flatten, scalars
from bayes_point.report.wording import plural

if TYPE_CHECKING:
    import xarray as xr

    from bayes_point.comparison.health import SamplerHealth
    from bayes_point.comparison.statuses import EstimateStatus

FALSE_ALARM = 0.05
"""Probability of calling any gap real, of all that are looked at, when all are noise."""

OPEN_ENDED = ("at_infinity", "not_identified")
"""Statuses under which the parameters that the findings name have no value, and others do."""

FAILURES = {
    "unbounded": "The {} does not exist: what it maximises has no upper bound.",
    "at_infinity": "The {} is at infinity: what it maximises keeps rising as parameters grow.",
    "not_identified": "The {} is not unique: what it maximises is flat along a direction.",
    "not_converged": "The {} was not found: the search stopped before it reached a maximum.",
}

NOTES = {"on_boundary": "The {} lies on the boundary of the support."}


@dataclass(frozen=True)
class Gap:
    """The distance of one estimate of one scalar parameter, in posterior sd."""

    estimator: str
    parameter: str
    value: float
    mcse: float

    @property
    def z(self) -> float:
        """The gap in its own Monte Carlo errors."""
        return abs(self.value) / self.mcse if self.mcse > 0 else math.inf

    def sentence(self) -> str:
        """Say where the estimate lies."""
        side = "above" if self.value > 0 else "below"
        return (
            f"The {self.estimator} of {self.parameter} lies {self.size()} posterior sd {side} its "
            f"posterior mean (Monte Carlo error {self.error()})."
        )

    def size(self) -> str:
        """Return the absolute gap with the digits that its error leaves."""
        return f"{abs(self.value):.{self._decimals()}f}"

    def error(self) -> str:
        """Return the Monte Carlo error to one significant digit."""
        return f"{self.mcse:.{self._decimals()}f}" if self.mcse >= 0.01 else f"{self.mcse:.1g}"

    def _decimals(self) -> int:
        return 2 if self.mcse < 0.1 else 1


def headline(
    gaps: xr.Dataset, statuses: dict[str, EstimateStatus], health: SamplerHealth
) -> dict[str, list[str]]:
    """Return the lede, one sentence or a few, and the sentences that qualify it."""
    failures, notes = [], _doubts(health)
    for estimator, status in statuses.items():
        if status.key in FAILURES:
            failures.append(FAILURES[status.key].format(estimator))
        elif status.key in NOTES:
            notes.append(NOTES[status.key].format(estimator))
    found = {estimator: _usable(gaps, status) for estimator, status in statuses.items()}
    every = [gap for of_one in found.values() for gap in of_one]
    if not every:
        lede = [] if failures else ["No distance from the posterior mean can be measured."]
        return {"lede": failures + lede, "notes": notes}
    # The largest of many is large by chance alone: the bar rises with their number.
    bar = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * len(every)))
    real = [gap for gap in every if gap.z > bar]
    if not real:
        return {"lede": [*failures, _none(every)], "notes": notes}
    farthest = max(real, key=lambda gap: abs(gap.value))
    for estimator, of_one in found.items():
        if estimator != farthest.estimator and of_one:
            rest = [gap for gap in of_one if gap.z > bar]
            notes.append(
                max(rest, key=lambda gap: abs(gap.value)).sentence()
                if rest
                else f"The {estimator} cannot be told from the posterior mean in these draws."
            )
    return {"lede": [*failures, farthest.sentence()], "notes": notes}


def _doubts(health: SamplerHealth) -> list[str]:
    if health.ok:
        return []
    found = plural(len(health.problems), "problem")
    return [f"The sampler has {found} (see below): its posterior mean is provisional."]


def _none(every: list[Gap]) -> str:
    largest = max(every, key=lambda gap: abs(gap.value))
    estimators = list(dict.fromkeys(gap.estimator for gap in every))
    who = "Neither the MLE nor the MAP" if len(estimators) == 2 else f"The {estimators[0]}"
    can = "can" if len(estimators) == 2 else "cannot"
    return (
        f"{who} {can} be told from the posterior mean in these draws: the largest distance, "
        f"{largest.size()} posterior sd ({largest.parameter}, {largest.estimator}), is within "
        f"Monte Carlo noise (error {largest.error()})."
    )


def _usable(gaps: xr.Dataset, status: EstimateStatus) -> list[Gap]:
    """Gaps of one estimate where it has a value: finite, and of a maximum that is determined."""
    if not status.exists:
        return []
    own = gaps.drop_vars("status").sel(estimator=status.estimator, drop=True)
    values = flatten(own, ("quantity",))
    quantities = list(own["quantity"].to_numpy())
    gap, mcse = values[quantities.index("gap")], values[quantities.index("gap_mcse")]
    open_ended = status.key in OPEN_ENDED
    return [
        Gap(status.estimator, scalar.label, float(g), float(e))
        for scalar, g, e in zip(scalars(own, ("quantity",)), gap, mcse, strict=True)
        if np.isfinite(g) and np.isfinite(e) and not (open_ended and status.concerns(scalar))
    ]
