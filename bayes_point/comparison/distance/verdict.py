"""Whether the distance of a point estimate from the posterior mean matters."""

from __future__ import annotations

import html
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_point.comparison.distance.convergence import convergence_doubts
from bayes_point.comparison.distance.coverage import WIDTH, centred_coverage
from bayes_point.comparison.distance.decision import (
    NEGLIGIBLE,
    SMALL,
    SMALL_AT_MOST,
    Excess,
    Prediction,
    Rule,
    Thresholds,
)
from bayes_point.comparison.distance.health import SamplerHealth, sampler_health
from bayes_point.comparison.inputs.draws import gap_mcse
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.errors import ComparisonError

__all__ = [
    "THRESHOLDS",
    "Verdict",
    "check_thresholds",
    "judged",
    "verdict",
]


# Posterior sd: beyond it a residual sd is judged as every other parameter is, correction or not.
KNOWN = 1.0

FEW = 20
"""With fewer observations a standard error that is made of their spread says little."""

MARGIN, LARGE, COVERAGE, LOSS, LEVEL = 0.1, 0.5, 0.9, 0.01, 0.01
"""What `verdict` takes unless told otherwise; its docstring has the reasons."""

THRESHOLDS = Thresholds(MARGIN, LARGE, COVERAGE, LOSS, LEVEL)


@dataclass(frozen=True)
class Verdict:
    """What `verdict` found of one estimate.

    Attributes
    ----------
    estimator : str
        "MAP" or "MLE"; "marginal MAP" or "marginal MLE" where latents were integrated out.
    key : str
        ``negligible``, ``small`` or ``matters``: what the distance from the posterior mean is;
        ``small_at_most``: it does not matter, and whether it is negligible the draws are too few
        to say; ``cannot_tell``: they are too few to say whether it matters; ``no_verdict``:
        estimate or draws are not to be trusted.
    sentence : str
        The same in a sentence, with numbers.
    parameters : pandas.DataFrame
        One row a scalar parameter: ``verdict`` (a key as above), ``mean`` in the units of the
        parameter, ``gap`` and ``gap_mcse`` in posterior sd, ``coverage`` (the share of the
        posterior that its 95 % interval holds when centred on the estimate; NaN where the gap is
        below half the margin), ``draws_needed`` (how many more, about, where it cannot be told)
        and ``sentence``.
    thresholds : Thresholds
        What was called small, and what matters.
    """

    estimator: str
    key: str
    sentence: str
    parameters: pd.DataFrame = field(repr=False)
    thresholds: Thresholds

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        shown = self.parameters[["verdict", "gap", "gap_mcse"]]
        table = shown.to_html(max_rows=20, float_format=lambda v: f"{v:.2f}")
        return f"<p><strong>{html.escape(self.sentence)}</strong></p>{table}"

    def __bool__(self) -> bool:
        """Whether the estimate may be used in place of the mean: not where that is undecided."""
        return self.key in (NEGLIGIBLE, SMALL, SMALL_AT_MOST)


def verdict(
    dt: xr.DataTree,
    *,
    estimator: str = "MAP",
    margin: float = MARGIN,
    large: float = LARGE,
    coverage: float = COVERAGE,
    loss: float = LOSS,
    level: float = LEVEL,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> Verdict:
    """Whether the distance of a point estimate from the posterior mean matters.

    It *matters* if plugging the estimate in costs more than `loss` in prediction (where the fit
    holds that, of 20 observations or more), if the posterior's 95 % interval, moved to be centred
    on the estimate of a parameter, holds less than `coverage` of the posterior, or if a parameter
    named by `var_names` lies `large` or farther off. Otherwise it is *small* if any gap is `margin`
    or more, and else *negligible*. Each has to be shown beyond Monte Carlo error. Where it is shown
    that nothing matters, and no gap is as large as `large`, but not which of the two it is, it is
    *small or negligible*; what is shown not even so far these draws cannot tell.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    estimator : {"MAP", "MLE"}
        Which estimate.
    margin : float
        Gap in posterior sd from which on it is called small, and not negligible. At 0.1, an
        interval of 95 % of a normal posterior that is centred on the estimate instead of the mean
        covers 94.9 %: less than anyone would see.
    large : float
        Gap in posterior sd that matters in a parameter that is named, and that has to be excluded
        for a gap to be called small or negligible. At 0.5 the root mean square
        error is 12 % larger than that of the mean.
    coverage : float
        Share of the posterior. At 0.90 the interval misses twice as often as it says; with a normal
        posterior that is so for gaps above 0.65 sd.
    loss : float
        Expected log predictive density in nats an observation. At 0.01, a hundred observations
        tell the two predictions apart by a factor of e.
    level : float
        Probability of calling any of the gaps larger than a threshold where none is, and of calling
        one smaller that is not.
    var_names, filter_vars, coords
        Which parameters, as in ArviZ; by default all that have a prior. Deterministics have to be
        named.

    Returns
    -------
    Verdict
        For the model, and for each parameter.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or an argument is not understood.

    See Also
    --------
    explain : Why the estimate lies where it does.
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.
    gaps : Distance of MLE and MAP from the posterior mean, raw and in posterior sd.
    report : Report on a fit: where MLE, MAP and posterior mean sit, and how far apart they are.

    Notes
    -----
    What is tested is ``abs(point - mean) - margin * sd`` in the units of the parameter, with the
    Monte Carlo errors of mean and sd and their covariance: unlike the error of the gap, this one
    does not grow with the gap, and few draws are enough where it is large. A threshold is called
    exceeded if the largest of as many gaps would not exceed it by chance (Bonferroni, with the
    t-distribution where draws are few). To be called smaller, all have to pass at the level of one
    test (an intersection-union test [1]_).

    There is no verdict where the sampler has not converged (a single chain, r-hat, divergences,
    BFMI: see `sampler_health`), or the estimate does not exist. Too few draws are no such case:
    they cannot tell. An r-hat above 1.01 counts only where it is more than independent draws, as
    few as these, would show.

    The residual sd of a regression with p coefficients is too low as an MLE by the factor
    sqrt((n - p) / n). Where its gap is below 1 sd, `large` and `coverage` are asked of the
    estimate with that correction: the gap itself is *small*, and the sentence has the factor.

    References
    ----------
    .. [1] Berger, Hsu (1996). Bioequivalence trials, intersection-union tests and equivalence
       confidence sets. Statistical Science 11(4), 283-319. https://doi.org/10.1214/ss/1032280304

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``, three heads of three tosses:

    >>> import bayes_point as bp
    >>> print(bp.verdict(dt, estimator="MLE").sentence.partition(". ")[0])
    The MLE is far from the posterior mean: theta 1.76 sd too high
    >>> bp.verdict(dt, margin=0.8).key
    'negligible'
    """
    if estimator not in ESTIMATORS:
        raise ComparisonError(
            f"estimator must be 'MAP' or 'MLE', got {estimator!r}. Where latent variables were "
            "integrated out, these are the marginal ones."
        )
    thresholds = check_thresholds(margin, large, coverage, loss, level)
    selected = Selected.of(dt, var_names, filter_vars, coords)
    return judged(selected, estimator, thresholds, sampler_health(dt))


def judged(
    selected: Selected, estimator: str, thresholds: Thresholds, health: SamplerHealth
) -> Verdict:
    """Judge as `verdict` does, for what shows several verdicts."""
    rows, draws = selected.rows, selected.draws
    gap, mcse = selected.gap[estimator], selected.gap_mcse[estimator]
    known = draws.varies & np.isfinite(gap)
    side = np.sign(np.where(known, gap, 0.0))
    # Of an interval that is moved by less than this, nothing more than rounding is lost.
    moved = known & (np.abs(gap) > thresholds.margin / 2)
    covered, covered_mcse = centred_coverage(draws.z, gap, moved)
    # What matters of a residual sd is what is left of its gap after the correction that all know.
    corrected = selected.corrected_gap(estimator)
    minor = known & (np.abs(gap) < KNOWN) & (np.abs(corrected) < np.abs(gap))
    serious = np.where(minor, corrected, gap)
    left = [c.copy() for c in (covered, covered_mcse)]
    for mine, new in zip(left, centred_coverage(draws.z, corrected, minor & moved), strict=True):
        mine[minor & moved] = new[minor & moved]

    def excess_over(limit: float, of: np.ndarray) -> list[Excess]:
        # A draw moves |point - mean| - limit sd, in posterior sd, as it moves a gap of this size.
        error = gap_mcse(draws.z, limit * side, known)
        pairs = zip(np.abs(of) - limit, error, strict=True)
        return [Excess(float(d), float(e)) for d, e in pairs]

    uncovered = [
        Excess(-1.0, 0.0) if np.isnan(c) else Excess(thresholds.coverage - float(c), float(e))
        for c, e in zip(*left, strict=True)
    ]
    name = selected.statuses[estimator].estimator
    rule = Rule(
        name,
        thresholds,
        selected.selection["var_names"] is not None,
        selected.statuses[estimator],
        convergence_doubts(health),
        draws.x.shape[0] * draws.x.shape[1],
        int(draws.varies.sum()),
        _prediction(selected.tree, estimator),
        {
            row.label: _correction(row.label, freedom, corrected[i])
            for i, (row, freedom) in enumerate(zip(rows, selected.freedom, strict=True))
            if freedom is not None and minor[i]
        },
    )
    small = excess_over(thresholds.margin, gap)
    large = excess_over(thresholds.large, serious)
    found = [
        rule.of_one(
            row,
            float(gap[i]),
            float(mcse[i]),
            (small[i], large[i], uncovered[i]),
            still=draws.still(i),
        )
        for i, row in enumerate(rows)
    ]
    table = pd.DataFrame(
        {
            "verdict": [key for key, _, _ in found],
            "mean": draws.mean,
            "gap": gap,
            "gap_mcse": mcse,
            "coverage": covered,
            "draws_needed": [needed for _, needed, _ in found],
            "sentence": [text for _, _, text in found],
        },
        index=pd.Index([row.label for row in rows], name="parameter"),
    )
    key, sentence = rule.of_all(table)
    return Verdict(name, key, sentence, table, thresholds)


def _correction(label: str, freedom: tuple[int, int], left: float) -> str:
    """Say how a residual sd is corrected for the coefficients, and what is left of its gap."""
    n, p = freedom
    return (
        f"{label} lacks the usual correction for {p:,} coefficient{'s' if p > 1 else ''}, "
        f"sqrt({n:,}/({n:,} − {p:,})) = {math.sqrt(n / (n - p)):.3g}; with it, it lies "
        f"{abs(left):.2f} sd {'above' if left > 0 else 'below'} the mean."
    )


def _prediction(tree: xr.DataTree, estimator: str) -> Prediction | None:
    """Read what plugging the estimate in costs in prediction; None if the tree does not say."""
    if "predictive_cost" not in tree.children:
        return None
    scores = tree["predictive_cost"].dataset
    few = scores.sizes["observation"] < FEW
    if few or estimator not in scores["distribution"].values:
        return None
    own = scores.sel(scope="left_out", distribution=estimator)
    n = scores.sizes["observation"]
    loss, error = -float(own["difference"]) / n, float(own["difference_se"]) / n
    return Prediction(loss, error) if math.isfinite(loss) and math.isfinite(error) else None


def check_thresholds(
    margin: float, large: float, coverage: float, loss: float, level: float
) -> Thresholds:
    """Raise ComparisonError unless these are thresholds that `verdict` can take."""
    sd, nats, share = "in posterior sd", "in nats an observation", "a share of the posterior"
    for name, value, most, unit in (
        ("margin", margin, math.inf, sd),
        ("large", large, math.inf, sd),
        ("coverage", coverage, WIDTH, share),
        ("loss", loss, math.inf, nats),
        ("level", level, 0.5, "a probability"),
    ):
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or not 0 < value < most:
            bounds = "above 0" if most == math.inf else f"above 0 and below {most:g}"
            raise ComparisonError(f"{name} must be a number {bounds}, {unit}, got {value!r}.")
    return Thresholds(margin, large, coverage, loss, level)
