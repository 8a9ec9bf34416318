"""The rule by which a verdict is reached, of one parameter and of all, and its sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from bayes_point.comparison.distance.health import SamplerProblem
from bayes_point.comparison.inputs.scalars import Scalar, listed
from bayes_point.comparison.inputs.statuses import EstimateStatus

__all__ = ["CANNOT_TELL", "DIFFERS", "NO_VERDICT", "STANDS_IN", "Rule"]

STANDS_IN, DIFFERS, CANNOT_TELL, NO_VERDICT = "stands_in", "differs", "cannot_tell", "no_verdict"
NO_VALUE = {
    "unbounded": "the {} does not exist: what it maximises has no upper bound",
    "at_infinity": "the {} is at infinity: what it maximises keeps rising as parameters grow",
    "not_identified": "the {} is not unique: what it maximises is flat along a direction",
    "not_converged": "the {} was not found: the search stopped before it reached a maximum",
}
# Statuses under which the parameters that the findings name have no value, and others do.
_OPEN_ENDED = ("at_infinity", "not_identified")


@dataclass(frozen=True)
class Rule:
    """Decides, parameter by parameter and then for all, and says so."""

    estimator: str
    margin: float
    level: float
    status: EstimateStatus
    doubts: Sequence[SamplerProblem]
    n_draws: int
    n_varying: int

    def of_one(
        self, row: Scalar, gap: float, mcse: float, varies: bool, finite: bool
    ) -> tuple[str, float, str]:
        """Return key, draws needed, and sentence of one parameter."""
        why = self._without_value(row, gap, varies, finite)
        if why:
            return NO_VERDICT, math.nan, f"{row.label}: no verdict, for {why}."
        if self.doubts:
            why = "the sampler has not converged"
            return NO_VERDICT, math.nan, f"{row.label}: no verdict, for {why}."
        if math.isnan(mcse):
            few = "the draws are too few for a Monte Carlo error"
            return CANNOT_TELL, math.nan, f"{row.label}: these draws cannot tell: {few}."
        size = abs(gap)
        if size > self.margin and size > self._bar(mcse) * mcse:
            side = "above" if gap > 0 else "below"
            text = f"the {self.estimator} lies {_sd(size, mcse)} {side} the posterior mean"
            return DIFFERS, math.nan, f"{row.label}: {text}."
        if size + self._one_sided(mcse) * mcse < self.margin:
            text = f"the {self.estimator} can stand in for the posterior mean"
            return STANDS_IN, math.nan, f"{row.label}: {text} ({_sd(size, mcse)} away)."
        needed = self._needed(size, mcse)
        return (
            CANNOT_TELL,
            needed,
            f"{row.label}: these draws cannot tell ({_sd(size, mcse)} away): MCSE"
            f" {_error(mcse)} sd, draw about {needed:,.0f} more.",
        )

    def of_all(self, table: pd.DataFrame) -> tuple[str, str]:
        """Return key and sentence of the model."""
        name = self.estimator
        if self.status.key in NO_VALUE:
            why = NO_VALUE[self.status.key].format(name)
            named = sorted(self.status.named & set(table.index))
            about = f" ({listed(named)})" if named else ""
            return NO_VERDICT, f"There is no verdict: {why}{about}."
        if self.doubts:
            return NO_VERDICT, f"There is no verdict on the {name}: {self.doubts[0]}"
        keys = table["verdict"]
        judged = table[keys != NO_VERDICT]
        if judged.empty:
            return NO_VERDICT, f"There is no verdict on the {name}: no parameter has a gap."
        differing = judged[judged["verdict"] == DIFFERS]
        if len(differing):
            order = differing["gap"].abs().sort_values(ascending=False).index
            worst = [
                f"{p}, {_sd(abs(row['gap']), row['gap_mcse'])}"
                for p, row in zip(order, (differing.loc[p] for p in order[:3]), strict=False)
            ]
            more = f" and {len(order) - 3} more" if len(order) > 3 else ""
            return (
                DIFFERS,
                f"The {name} cannot stand in for the posterior mean: {'; '.join(worst)}{more}.",
            )
        unsure = judged[judged["verdict"] == CANNOT_TELL]
        if len(unsure):
            return CANNOT_TELL, self._unsure(unsure)
        farthest = judged["gap"].abs().idxmax()
        gap, mcse = judged.loc[farthest, ["gap", "gap_mcse"]].astype(float)
        return (
            STANDS_IN,
            f"The {name} can stand in for the posterior mean: no parameter is {self.margin:g} sd"
            f" from it (at most {_sd(abs(gap), mcse)}, {farthest}).",
        )

    def _unsure(self, unsure: pd.DataFrame) -> str:
        start = f"These draws cannot tell whether the {self.estimator} can stand in for the"
        if unsure["gap_mcse"].isna().all():
            return f"{start} posterior mean: they are too few for a Monte Carlo error."
        worst = unsure["draws_needed"].idxmax()
        row = unsure.loc[worst]
        more = f"; {len(unsure) - 1} more parameters are unsure" if len(unsure) > 1 else ""
        return (
            f"{start} posterior mean: {worst}, {_sd(abs(row['gap']), row['gap_mcse'])},"
            f" MCSE {_error(row['gap_mcse'])} sd, draw about {row['draws_needed']:,.0f} more{more}."
        )

    def _without_value(self, row: Scalar, gap: float, varies: bool, finite: bool) -> str:
        status = self.status
        if not finite:
            return "its draws are not finite"
        if not varies:
            return "its draws are constant"
        if not status.exists or (status.key in _OPEN_ENDED and status.concerns(row)):
            return NO_VALUE[status.key].format(self.estimator).partition(":")[0]
        if not math.isfinite(gap):
            return f"the {self.estimator} is not a finite number"
        return ""

    def _bar(self, mcse: float) -> float:
        """Errors from 0 beyond which the largest of all gaps is real."""
        return _quantile(self.level / (2 * max(1, self.n_varying)), mcse)

    def _one_sided(self, mcse: float) -> float:
        return _quantile(self.level, mcse)

    def _needed(self, size: float, mcse: float) -> float:
        """Return how many more draws would settle it, about: to two digits.

        With twice the errors that the test needs, so that the noise of the gap does not decide.
        """
        room = max(abs(self.margin - size), self.margin / 2)
        errors = (self._bar if size > self.margin else self._one_sided)(mcse)
        times = (2 * errors * mcse / room) ** 2
        more = max(self.n_draws * (times - 1), 0.1 * self.n_draws)
        digits = math.floor(math.log10(more)) - 1
        return math.ceil(more / 10**digits) * 10.0**digits


def _quantile(level: float, mcse: float) -> float:
    """Upper quantile of a gap in its Monte Carlo errors.

    The error is an estimate itself, from about 1 / mcse**2 effective draws; a fourth of these are
    the degrees of freedom of a t-distribution that is on the safe side.
    """
    return float(student.isf(level, max(1.0, 0.25 / mcse**2) if mcse > 0 else np.inf))


def _sd(size: float, mcse: float) -> str:
    return f"{size:.{1 if mcse >= 0.1 else 2}f} sd"


def _error(mcse: float) -> str:
    return f"{mcse:.2f}" if mcse >= 0.01 else f"{mcse:.1g}"
