"""Whether a point estimate can stand in for the posterior mean, or these draws cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import t as student

from bayes_point.comparison.convergence import convergence_doubts
from bayes_point.comparison.draws import Draws, gap_mcse
from bayes_point.comparison.health import SamplerHealth, SamplerProblem, sampler_health
from bayes_point.comparison.scalars import Scalar, flatten, listed, scalars
from bayes_point.comparison.statuses import EstimateStatus, estimate_statuses
from bayes_point.comparison.validate import ESTIMATORS, SAMPLE_DIMS, select
from bayes_point.errors import ComparisonError

__all__ = [
    "CANNOT_TELL",
    "DIFFERS",
    "NO_VERDICT",
    "STANDS_IN",
    "Verdict",
    "check_thresholds",
    "judged",
    "verdict",
]

STANDS_IN, DIFFERS, CANNOT_TELL, NO_VERDICT = "stands_in", "differs", "cannot_tell", "no_verdict"

MARGIN, LEVEL = 0.1, 0.01
"""What `verdict` takes unless told otherwise."""

NO_VALUE = {
    "unbounded": "the {} does not exist: what it maximises has no upper bound",
    "at_infinity": "the {} is at infinity: what it maximises keeps rising as parameters grow",
    "not_identified": "the {} is not unique: what it maximises is flat along a direction",
    "not_converged": "the {} was not found: the search stopped before it reached a maximum",
}

# Statuses under which the parameters that the findings name have no value, and others do.
_OPEN_ENDED = ("at_infinity", "not_identified")


@dataclass(frozen=True)
class Verdict:
    """What `verdict` found of one estimate.

    Attributes
    ----------
    estimator : str
        "MAP" or "MLE".
    key : str
        ``stands_in``: no parameter's estimate is as far as `margin` from the posterior mean;
        ``differs``: that of one is at least; ``cannot_tell``: the draws are too few to say;
        ``no_verdict``: estimate or draws are not to be trusted.
    sentence : str
        The same in a sentence, with numbers.
    parameters : pandas.DataFrame
        One row a scalar parameter: ``verdict`` (a key as above), ``gap`` and ``gap_mcse`` in
        posterior sd, ``draws_needed`` (how many more, about, where it cannot be told) and
        ``sentence``.
    margin : float
        Posterior sd that do not matter.
    level : float
        Probability of a false alarm.
    """

    estimator: str
    key: str
    sentence: str
    parameters: pd.DataFrame = field(repr=False)
    margin: float
    level: float

    def __str__(self) -> str:
        return self.sentence


def verdict(
    dt: xr.DataTree,
    *,
    estimator: str = "MAP",
    margin: float = MARGIN,
    level: float = LEVEL,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> Verdict:
    """Whether a point estimate can stand in for the posterior mean.

    It can if the gaps of all parameters are shown to be smaller than `margin`. It cannot if that of
    one is not, and is real. Everything else cannot be told by these draws.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    estimator : {"MAP", "MLE"}
        Which estimate.
    margin : float
        Distance from the posterior mean that does not matter, in posterior sd. At 0.1, an interval
        of 95 % that is centred on the estimate instead of the mean covers 94.9 %.
    level : float
        Probability of calling any of the gaps real where all are Monte Carlo noise, and of calling
        one small that is not.
    var_names, filter_vars, coords
        Which parameters, as in ArviZ.

    Returns
    -------
    Verdict
        For the model, and for each parameter.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or an argument is not understood.

    Notes
    -----
    A gap is called real if it is so many Monte Carlo errors from 0 that the largest of as many gaps
    would not be by chance (Bonferroni, with the t-distribution where draws are few). It is called
    small if it is below the margin by an error at the level of one test, however many there are:
    all have to pass (an intersection-union test [1]_).

    There is no verdict where the sampler has not converged (a single chain, r-hat, divergences,
    BFMI: see `sampler_health`), or the estimate does not exist. Too few draws are no such case:
    they cannot tell. An r-hat above 1.01 counts only where it is more than independent draws, as
    few as these, would show.

    References
    ----------
    .. [1] Berger, Hsu (1996). Bioequivalence trials, intersection-union tests and equivalence
       confidence sets. Statistical Science 11(4), 283-319. https://doi.org/10.1214/ss/1032280304

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``, three heads of three tosses:

    >>> import bayes_point as bp
    >>> print(bp.verdict(dt, var_names="theta"))
    The MAP cannot stand in for the posterior mean: theta, 0.53 sd.
    >>> bp.verdict(dt, var_names="theta", margin=0.8).key
    'stands_in'
    """
    if estimator not in ESTIMATORS:
        raise ComparisonError(f"estimator must be 'MAP' or 'MLE', got {estimator!r}.")
    check_thresholds(margin, level)
    selection = {"var_names": var_names, "filter_vars": filter_vars, "coords": coords}
    return judged(dt, selection, estimator, margin, level, sampler_health)


def judged(
    dt: xr.DataTree,
    selection: Mapping[str, Any],
    estimator: str,
    margin: float,
    level: float,
    health_of: Callable[[xr.DataTree], SamplerHealth],
) -> Verdict:
    """Judge as `verdict` does, with the health of the sampler from wherever it is known."""
    posterior, points = select(dt, **selection)
    rows = scalars(posterior, SAMPLE_DIMS)
    draws = Draws.of(flatten(posterior, SAMPLE_DIMS))
    estimate = flatten(points.sel(estimator=[estimator]), ("estimator",))[0]
    status = estimate_statuses(dt)[estimator]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(draws.varies, (estimate - draws.mean) / draws.sd, np.nan)
    mcse = gap_mcse(draws.z, gap, draws.varies)
    n = draws.x.shape[0] * draws.x.shape[1]
    doubts = convergence_doubts(health_of(dt))
    judge = _Judge(estimator, margin, level, status, doubts, n, int(draws.varies.sum()))
    found = [
        judge.of_one(row, float(g), float(e), bool(v), bool(f))
        for row, g, e, v, f in zip(rows, gap, mcse, draws.varies, draws.finite, strict=True)
    ]
    table = pd.DataFrame(
        {
            "verdict": [key for key, _, _ in found],
            "gap": gap,
            "gap_mcse": mcse,
            "draws_needed": [needed for _, needed, _ in found],
            "sentence": [text for _, _, text in found],
        },
        index=pd.Index([row.label for row in rows], name="parameter"),
    )
    key, sentence = judge.of_all(table)
    return Verdict(estimator, key, sentence, table, margin, level)


def check_thresholds(margin: float, level: float) -> None:
    """Raise ComparisonError unless these are thresholds that `verdict` can take."""
    for name, value, most in (("margin", margin, math.inf), ("level", level, 0.5)):
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or not 0 < value < most:
            bounds = "above 0" if most == math.inf else f"above 0 and below {most}"
            unit = ", in posterior sd" if name == "margin" else ""
            raise ComparisonError(f"{name} must be a number {bounds}{unit}, got {value!r}.")


@dataclass(frozen=True)
class _Judge:
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
