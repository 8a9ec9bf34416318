"""Whether a point estimate can stand in for the posterior mean, or these draws cannot tell."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_point.comparison.distance.convergence import convergence_doubts
from bayes_point.comparison.distance.decision import Rule
from bayes_point.comparison.distance.health import SamplerHealth, sampler_health
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.errors import ComparisonError

__all__ = [
    "Verdict",
    "check_thresholds",
    "judged",
    "verdict",
]


MARGIN, LEVEL = 0.1, 0.01
"""What `verdict` takes unless told otherwise."""


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
    selected = Selected.of(dt, var_names, filter_vars, coords)
    return judged(selected, estimator, margin, level, sampler_health(dt))


def judged(
    selected: Selected,
    estimator: str,
    margin: float,
    level: float,
    health: SamplerHealth,
) -> Verdict:
    """Judge as `verdict` does, for what shows several verdicts."""
    rows, draws = selected.rows, selected.draws
    gap, mcse = selected.gap[estimator], selected.gap_mcse[estimator]
    n = draws.x.shape[0] * draws.x.shape[1]
    doubts = convergence_doubts(health)
    rule = Rule(
        estimator, margin, level, selected.statuses[estimator], doubts, n, int(draws.varies.sum())
    )
    found = [
        rule.of_one(row, float(g), float(e), bool(v), bool(f))
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
    key, sentence = rule.of_all(table)
    return Verdict(estimator, key, sentence, table, margin, level)


def check_thresholds(margin: float, level: float) -> None:
    """Raise ComparisonError unless these are thresholds that `verdict` can take."""
    for name, value, most in (("margin", margin, math.inf), ("level", level, 0.5)):
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or not 0 < value < most:
            bounds = "above 0" if most == math.inf else f"above 0 and below {most}"
            unit = ", in posterior sd" if name == "margin" else ""
            raise ComparisonError(f"{name} must be a number {bounds}{unit}, got {value!r}.")
