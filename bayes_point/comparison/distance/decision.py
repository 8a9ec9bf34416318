"""The rule by which a verdict is reached, of one parameter and of all, and its sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.special import ndtri, stdtrit

from bayes_point.comparison.distance.health import SamplerProblem
from bayes_point.comparison.inputs.scalars import Scalar, listed
from bayes_point.comparison.inputs.statuses import EstimateStatus

__all__ = [
    "CANNOT_TELL",
    "MATTERS",
    "NEGLIGIBLE",
    "NO_VERDICT",
    "SMALL",
    "SMALL_AT_MOST",
    "Excess",
    "Prediction",
    "Rule",
    "Thresholds",
]

NEGLIGIBLE, SMALL, MATTERS = "negligible", "small", "matters"
SMALL_AT_MOST = "small_at_most"
CANNOT_TELL, NO_VERDICT = "cannot_tell", "no_verdict"
NO_VALUE = {
    "unbounded": "the {} does not exist: what it maximises has no upper bound",
    "at_infinity": "the {} is at infinity: what it maximises keeps rising as parameters grow",
    "not_identified": "the {} is not unique: what it maximises is flat along a direction",
    "not_converged": "the {} was not found: the search stopped before it reached a maximum",
}
# What to do instead of using an estimate that is none.
INSTEAD = {
    "unbounded": "Use the posterior, or an interior maximum if there is one: "
    "bp.find_{}(model, local=True)",
    "at_infinity": "Use the posterior, or give the parameters that grow a prior",
    "not_identified": "Use the posterior, or fix or tie what the data do not tell apart",
    "not_converged": "Use the posterior, and see what was found at the estimate",
}
LOCAL = (
    "What the {0} maximises has no upper bound: this is the highest interior maximum that was "
    "found. "
)
# Statuses under which the parameters that the findings name have no value, and others do.
_OPEN_ENDED = ("at_infinity", "not_identified")

# Standard errors beyond which the loss in prediction is more than the noise of the draws.
_REAL = 2.0


@dataclass(frozen=True)
class Thresholds:
    """What is called small, and what matters.

    Attributes
    ----------
    margin, large : float
        Posterior sd: gaps below `margin` are negligible; those of `large` and more matter in
        parameters that the user named.
    coverage : float
        An estimate matters if the posterior's 95 % interval, moved to be centred on it, holds a
        smaller share of the posterior than this.
    loss : float
        Nats an observation: a loss in expected log predictive density that matters.
    level : float
        Probability of a false alarm.
    """

    margin: float
    large: float
    coverage: float
    loss: float
    level: float


@dataclass(frozen=True)
class Excess:
    """By how much a quantity exceeds its threshold, with its Monte Carlo error in the same unit."""

    value: float
    mcse: float

    def above(self, level: float) -> bool:
        """Whether it is shown to exceed the threshold."""
        return self.value > _quantile(level, self.mcse) * self.mcse

    def below(self, level: float) -> bool:
        """Whether it is shown to stay below the threshold."""
        return self.value < -_quantile(level, self.mcse) * self.mcse

    def times(self, level: float, least: float) -> float:
        """How many times the draws would decide: with twice the errors that the test needs.

        So that the noise of the value does not decide; `least` is the least distance from the
        threshold that is to be detected.
        """
        return (2 * _quantile(level, self.mcse) * self.mcse / max(abs(self.value), least)) ** 2


@dataclass(frozen=True)
class Prediction:
    """What plugging in the estimate costs, in nats an observation, with its standard error."""

    loss: float
    error: float

    def matters(self, threshold: float) -> bool:
        """Whether the loss exceeds the threshold beyond its error."""
        return self.loss - _REAL * self.error > threshold

    def spares(self, threshold: float) -> bool:
        """Whether the loss is below the threshold beyond its error."""
        return self.loss + _REAL * self.error < threshold


@dataclass(frozen=True)
class Rule:
    """Decides, parameter by parameter and then for all, and says so.

    `corrections` are sentences, by label: how a residual sd is corrected.
    """

    estimator: str
    thresholds: Thresholds
    named: bool
    status: EstimateStatus
    doubts: Sequence[SamplerProblem]
    n_draws: int
    n_varying: int
    prediction: Prediction | None
    corrections: Mapping[str, str]

    def of_one(
        self,
        row: Scalar,
        gap: float,
        error: float,
        excess: tuple[Excess, Excess, Excess],
        *,
        still: str,
    ) -> tuple[str, float, str]:
        """Return key, draws needed, and sentence of one parameter.

        `excess` are those of the gap over the margin, of the gap over what is large, both in
        posterior sd, and of the coverage that is asked for over that which there is; the last two
        are of the estimate with its correction, if there is one. `still` is why the draws have no
        spread to measure in.
        """
        why = self._without_value(row, gap, still)
        if not why and self.doubts:
            why = "the sampler has not converged"
        if why:
            return NO_VERDICT, math.nan, f"{row.label}: no verdict, for {why}."
        small, large, uncovered = excess
        level = self.thresholds.level
        if math.isnan(small.mcse):
            few = "the draws are too few for a Monte Carlo error"
            return CANNOT_TELL, math.nan, f"{row.label}: undecided, for {few}."
        serious = [uncovered, *([large] if self.named else [])]
        # All parameters may give an alarm, so each has its share of the level; to be called
        # smaller, all have to pass, so each is tested at the level.
        share = level / max(1, self.n_varying)
        size = f"{_sd(abs(gap), error)} {'above' if gap > 0 else 'below'} the posterior mean"
        here = f"{row.label}: the {self.estimator} lies {size}"
        if small.above(share) and any(e.above(share) for e in serious):
            return MATTERS, math.nan, f"{here}, which matters."
        harmless = all(e.below(level) for e in serious)
        if small.below(level):
            return NEGLIGIBLE, math.nan, f"{here}, which is negligible."
        if harmless and small.above(share):
            said = f"{here}, which is small. {self.corrections.get(row.label, '')}"
            return SMALL, math.nan, said.rstrip()
        here += f", give or take {_error(error)}"
        # An interval that is hardly moved is covered, by any draws: few have to show as well that
        # it is not moved far.
        if harmless and large.below(level):
            needed = self._more(small, share)
            return (
                SMALL_AT_MOST,
                needed,
                f"{here}, which is small or negligible: about {needed:,.0f} more draws would tell "
                "whether it is negligible.",
            )
        # What is shown to be small or more needs but to be shown not to matter.
        open_ = max(serious if small.above(share) else [large, *serious], key=lambda e: e.value)
        needed = self._more(open_, share)
        return (
            CANNOT_TELL,
            needed,
            f"{here}: about {needed:,.0f} more draws would tell whether that matters.",
        )

    def of_all(self, table: pd.DataFrame) -> tuple[str, str]:
        """Return key and sentence of the model."""
        name = self.estimator
        if self.status.key in NO_VALUE:
            why = NO_VALUE[self.status.key].format(name)
            named = sorted(self.status.named & set(table.index))
            about = f" ({listed(named)})" if named else ""
            instead = INSTEAD[self.status.key].format(name.split()[-1])
            return NO_VERDICT, f"There is no verdict, for {why}{about}. {instead}."
        if self.doubts:
            return NO_VERDICT, f"There is no verdict on the {name}: {self.doubts[0]}"
        key, sentence = self._of_value(table)
        about = LOCAL.format(name) if self.status.key == "local" else ""
        return key, about + sentence

    def _of_value(self, table: pd.DataFrame) -> tuple[str, str]:
        """Return key and sentence where estimate and draws can be compared."""
        name, keys = self.estimator, table["verdict"]
        judged = table[keys != NO_VERDICT]
        if judged.empty:
            return NO_VERDICT, f"There is no verdict on the {name}: no parameter has a gap."
        costly = self.prediction is not None and self.prediction.matters(self.thresholds.loss)
        mattering = judged[judged["verdict"] == MATTERS]
        unsure = judged[judged["verdict"] == CANNOT_TELL]
        if costly or len(mattering):
            return MATTERS, self._mattering(judged, mattering, unsure, costly)
        if len(unsure):
            return CANNOT_TELL, self._unsure(unsure)
        small = judged[judged["verdict"].isin((SMALL, SMALL_AT_MOST))]
        if len(small):
            shown = (small["verdict"] == SMALL).any()
            # Those that may be above the margin, but seem not to be, are of no interest here.
            seen = small[small["gap"].abs() >= self.thresholds.margin]
            worst = self._worst(seen) if len(seen) else self._worst(small, 1)
            size = f"{worst}, which is small{'' if shown else ' or negligible'}"
            text = f"The {name} lies near the posterior mean: {size}."
            known = [self.corrections[label] for label in small.index if label in self.corrections]
            advice = f"{' '.join([text, *known])} {self._predicts()}Use it."
            return SMALL if shown else SMALL_AT_MOST, advice
        return (
            NEGLIGIBLE,
            f"The {name} is within {self.thresholds.margin:g} sd of the posterior mean"
            f" everywhere (at most {self._worst(judged, 1)}). {self._predicts()}Use it.",
        )

    def _mattering(
        self, judged: pd.DataFrame, mattering: pd.DataFrame, unsure: pd.DataFrame, costly: bool
    ) -> str:
        name = self.estimator
        parts = []
        if len(mattering):
            parts.append(f"The {name} is far from the posterior mean: {self._worst(mattering)}.")
        if costly and self.prediction is not None:
            parts.append(
                f"Plugging in the {name} costs {self.prediction.loss:.3f} nats an observation in"
                f" prediction (largest gap: {self._worst(judged, 1)})."
                if not len(mattering)
                else f"It costs {self.prediction.loss:.3f} nats an observation in prediction."
            )
        elif said := self._predicts():
            parts.append(said.strip())
        # Of what may be far off, the mean is the safe choice as well.
        off = pd.concat([mattering, unsure])
        if len(unsure):
            parts.append(f"Undecided: {self._worst(unsure)}.")
        if costly or len(off) == len(judged) > 1:
            parts.append("Use the posterior.")
        elif len(off) == 1:
            one = off.iloc[0]
            parts.append(f"Use the posterior mean of {one.name} ({one['mean']:.3g}).")
        else:
            parts.append("Use the posterior means of these.")
        return " ".join(parts)

    def _worst(self, table: pd.DataFrame, most: int = 3) -> str:
        """Name the parameters with the largest gaps, with size and side."""
        order = self._farthest(table)
        said = []
        for label, row in order.iloc[:most].iterrows():
            size = _sd(abs(row["gap"]), row["gap_mcse"])
            side = "too high" if row["gap"] > 0 else "too low"
            said.append(f"{label} {size} {side if size.strip('0.sd ') else 'off'}")
        more = f" and {len(order) - most} more" if len(order) > most > 1 else ""
        return f"{', '.join(said)}{more}"

    @staticmethod
    def _farthest(table: pd.DataFrame) -> pd.DataFrame:
        return table.loc[table["gap"].abs().sort_values(ascending=False, kind="stable").index]

    def _predicts(self) -> str:
        """Say that it predicts as well, where that is known.

        On an edge it is not, whatever leaving out one of these data says: a coin whose MLE is one
        calls tails impossible.
        """
        known = self.prediction is not None and self.prediction.spares(self.thresholds.loss)
        as_well = known and self.status.key == "converged"
        return "It predicts as well as the posterior. " if as_well else ""

    def _unsure(self, unsure: pd.DataFrame) -> str:
        if unsure["gap_mcse"].isna().all():
            return (
                f"Undecided: the draws are too few to say how far the {self.estimator} lies from "
                "the posterior mean. Sample longer (draws=)."
            )
        worst = unsure["draws_needed"].idxmax()
        said = str(unsure.loc[worst, "sentence"]).removeprefix(f"{worst}: ")
        more = f" (and {len(unsure) - 1} more)" if len(unsure) > 1 else ""
        mean = f"{unsure.loc[worst, 'mean']:.3g}"
        return (
            f"Undecided for {worst}{more}: {said} Until then, use the posterior mean of {worst} "
            f"({mean})."
        )

    def _without_value(self, row: Scalar, gap: float, still: str) -> str:
        status = self.status
        if still:
            return f"its draws are {still}"
        if not status.exists or (status.key in _OPEN_ENDED and status.concerns(row)):
            return NO_VALUE[status.key].format(self.estimator).partition(":")[0]
        if not math.isfinite(gap):
            return f"the {self.estimator} is not a finite number"
        return ""

    def _more(self, excess: Excess, level: float) -> float:
        """Return how many more draws would settle it, about: to two digits."""
        times = excess.times(level, self.thresholds.margin / 2)
        more = max(self.n_draws * (times - 1), 0.1 * self.n_draws)
        digits = math.floor(math.log10(more)) - 1
        return math.ceil(more / 10**digits) * 10.0**digits


def _quantile(level: float, mcse: float) -> float:
    """Upper quantile of a mean of about unit variance, in its Monte Carlo errors.

    The error is an estimate itself, from about 1 / mcse**2 effective draws; a fourth of these are
    the degrees of freedom of a t-distribution that is on the safe side.
    """
    if not mcse > 0:
        return -float(ndtri(level))
    return -float(stdtrit(max(1.0, 0.25 / mcse**2), level))


def _sd(size: float, mcse: float) -> str:
    return f"{size:.{1 if mcse >= 0.1 else 2}f} sd"


def _error(mcse: float) -> str:
    return f"{mcse:.2f}" if mcse >= 0.01 else f"{mcse:.1g}"
