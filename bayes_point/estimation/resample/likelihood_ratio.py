"""The likelihood-ratio test of one model within another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pymc as pm
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from scipy import stats

from bayes_point.arguments import seconds
from bayes_point.errors import EstimationError, ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.progress import Deadline
from bayes_point.estimation.resample.simulated_ratio import simulated_ratios
from bayes_point.estimation.uncertainty.criteria import n_parameters
from bayes_point.estimation.uncertainty.information import information, refuse_failed
from bayes_point.model.variables.bounds import bounds_of, value_of

__all__ = ["LikelihoodRatioTest", "likelihood_ratio_test"]

# Log-likelihoods that differ by less than this part are equal: at a boundary the p-value jumps.
_ROUNDING = 1e-8


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """What a likelihood-ratio test found.

    Attributes
    ----------
    statistic : float
        Twice the difference of the maximised log-likelihoods.
    df : int
        The difference of the numbers of parameters.
    p_value : float
        Probability of a statistic as large or larger if the null model is true.
    mcse : float
        Monte Carlo standard error of the p-value; zero where nothing was simulated.
    distribution : str
        What the statistic was compared with.
    weights : mapping of int to float
        The weight of the chi-squared distribution of each number of degrees of freedom; one with
        none is a point at zero.  Empty where the distribution was simulated.
    fixed : tuple of str
        The variables that are free in the alternative and not in the null model.
    """

    statistic: float
    df: int
    p_value: float
    mcse: float
    distribution: str
    weights: Mapping[int, float]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        error = f" ± {self.mcse:.2g}" if self.mcse else ""
        return (
            f"Likelihood-ratio test of {', '.join(self.fixed) or 'the null model'}: statistic "
            f"{self.statistic:.6g}, {self.df} degrees of freedom, p = {self.p_value:.4g}{error} "
            f"({self.distribution})"
        )

    def _repr_html_(self) -> str:
        head, _, numbers = str(self).partition(": ")
        return f"<p><strong>{escape(head)}</strong>: {escape(numbers)}</p>"


def likelihood_ratio_test(
    null: EstimateRecord,
    alternative: EstimateRecord,
    *,
    method: Literal["chi2", "bootstrap"] = "chi2",
    nested: bool = False,
    draws: int = 999,
    random_seed: int | None = None,
    max_seconds: float | None = None,
) -> LikelihoodRatioTest:
    """Test a model against a larger one by twice the difference of their log-likelihoods.

    The null model is the alternative with parameters fixed or tied, as `pymc.do` makes it:
    ``pm.do(model, {"tau": 0.0})``, ``pm.do(model, {"b": model["a"]})``.  The statistic is
    compared with a chi-squared distribution [1]_; where the null model fixes one parameter at the
    edge of its support, as a variance at zero, with the half-and-half mixture of two [2]_.

    Parameters
    ----------
    null, alternative : PointEstimate
        Maximum likelihood estimates of the two models, from `find_MLE`.
    method : {"chi2", "bootstrap"}
        What the statistic is compared with: its distribution in large samples, or the ratios of
        data sets simulated from the null model at its estimate, to which both models are refitted.
    nested : bool
        Say that the null model is nested in the alternative where their variables' names do not
        show it.
    draws : int
        Data sets that are simulated; the p-value is (1 + number as large) / (1 + draws) [3]_.
    random_seed : int, optional
        Seed of these.
    max_seconds : float, optional
        When to stop; by default never.  The p-value is made of the data sets that are done by then.

    Returns
    -------
    LikelihoodRatioTest
        The statistic, its distribution under the null model, and the p-value.

    Raises
    ------
    ModelError
        If the two are not maximum likelihood estimates, differ in data, or are not nested as far
        as can be told; or if the distribution of the statistic is not known.
    EstimationError
        If one of them is no maximum, or the null model fits better.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.

    References
    ----------
    .. [1] S. S. Wilks (1938), The large-sample distribution of the likelihood ratio for testing
       composite hypotheses, https://doi.org/10.1214/aoms/1177732360
    .. [2] S. G. Self, K.-Y. Liang (1987), Asymptotic properties of maximum likelihood estimators
       and likelihood ratio tests under nonstandard conditions,
       https://doi.org/10.1080/01621459.1987.10478472
    .. [3] A. C. Davison, D. V. Hinkley (1997), Bootstrap methods and their application, ch. 4,
       https://doi.org/10.1017/CBO9780511802843

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as model:
    ...     a, b = pm.Flat("a"), pm.Flat("b")
    ...     y = pm.Normal("y", pm.math.stack([a, b]), 1, observed=[1.0, 3.0])
    >>> null = bp.find_MLE(pm.do(model, {"b": 0.0}), progressbar=False)
    >>> test = bp.likelihood_ratio_test(null, bp.find_MLE(model, progressbar=False))
    >>> round(test.statistic, 6), test.df, round(test.p_value, 6)  # three standard errors, squared
    (9.0, 1, 0.0027)
    """
    _check_estimates(null, alternative)
    deadline = Deadline(seconds("max_seconds", max_seconds))
    if method not in ("chi2", "bootstrap"):
        raise ModelError(f"Got method={method!r}. It must be 'chi2' or 'bootstrap'.")
    if not isinstance(draws, Integral) or draws < 1:
        raise ModelError(f"draws must be a whole number of at least 1, got {draws!r}.")
    _check_data(null, alternative)
    _check_integrated(null, alternative)
    free = _free(null.model)
    latents = {} if alternative.integrated is None else alternative.integrated.latents
    fixed = [name for name in _free(alternative.model) if name not in free and name not in latents]
    if not nested:
        _check_nested(null, alternative)
    df = n_parameters(alternative) - n_parameters(null)
    if df < 1:
        raise ModelError(
            f"The models are not nested in this order: the null model has {n_parameters(null)} "
            f"parameters and the alternative {n_parameters(alternative)}. Give the smaller one "
            "first."
        )
    statistic = _statistic(null, alternative)
    weights: dict[int, float] = {}
    mcse = 0.0
    if method == "chi2":
        weights = _weights(null, alternative, fixed, df)
        p_value = sum(w * _survival(statistic, k) for k, w in weights.items())
        words = _in_words(weights)
    else:
        ratios = simulated_ratios(null, alternative, int(draws), random_seed, deadline)
        # A ratio that is equal but for rounding is as large.
        large = ratios >= statistic - _ROUNDING * (1 + abs(null.log_likelihood))
        p_value = (1 + int(large.sum())) / (1 + len(ratios))
        mcse = math.sqrt(p_value * (1 - p_value) / len(ratios))
        words = f"{len(ratios)} data sets simulated from the null model"
    return LikelihoodRatioTest(statistic, df, float(p_value), mcse, words, weights, tuple(fixed))


def _free(model: pm.Model) -> dict[str, Any]:
    return {rv.name: rv for rv in model.free_RVs}


def _survival(statistic: float, df: int) -> float:
    return float(stats.chi2.sf(statistic, df)) if df else float(statistic <= 0)


def _in_words(weights: Mapping[int, float]) -> str:
    if len(weights) == 1:
        return f"chi-squared, {next(iter(weights))} degrees of freedom"
    names = [f"chi-squared with {df}" if df else "a point at zero" for df in weights]
    return f"half {names[0]}, half {names[1]}: a parameter fixed at the edge of its support"


def _check_estimates(null: Any, alternative: Any) -> None:
    for which, estimate in (("null", null), ("alternative", alternative)):
        if not isinstance(estimate, EstimateRecord):
            raise ModelError(
                f"likelihood_ratio_test needs two PointEstimates; the {which} is a "
                f"{type(estimate).__name__}. Use find_MLE."
            )
        if estimate.estimator != "MLE":
            raise ModelError(
                f"likelihood_ratio_test compares maximum likelihood estimates; the {which} is a "
                f"{estimate.estimator}. Use find_MLE."
            )
        refuse_failed(estimate, "likelihood-ratio test")


def _check_data(null: EstimateRecord, alternative: EstimateRecord) -> None:
    """Raise unless the two models observe the same data."""
    one, other = (
        {rv.name: value_of(e.model.rvs_to_values[rv]) for rv in e.model.observed_RVs}
        | {
            f"potential {potential.name}": None
            for potential in e.model.potentials
            if "potential" in e.objective.weights
        }
        for e in (null, alternative)
    )
    if one.keys() != other.keys():
        raise ModelError(
            f"The models differ in their data: the null model observes {sorted(one)} and the "
            f"alternative {sorted(other)}. Their likelihoods cannot be compared."
        )
    for name, value in one.items():
        if value is None:
            continue
        a, b = np.asarray(value), np.asarray(other[name])
        if a.shape != b.shape or not np.array_equal(a, b):
            how = f"shapes {a.shape} and {b.shape}" if a.shape != b.shape else "other values"
            raise ModelError(
                f"The models differ in their data: {name!r} has {how}. A likelihood ratio is of "
                "two models of the same data, untransformed."
            )


def _check_integrated(null: EstimateRecord, alternative: EstimateRecord) -> None:
    """Raise where the one likelihood is marginal, or restricted, in another way than the other."""
    marginal = [one.integrated for one in (null, alternative) if one.integrated is not None]
    if len(marginal) == 1:
        plain = null if null.integrated is None else alternative
        if marginal[0].method == "sum" and not marginal[0].latents.keys() & _free(plain.model):
            return  # both are probabilities of the data given the parameters
        raise ModelError(
            f"The one likelihood has {list(marginal[0].latents)} integrated out and the "
            "other has nothing: they are not of one kind, and cannot be compared. Estimate both "
            "models with marginalize= (a null model without latent variables has the same "
            "likelihood with its latents multiplied by zero)."
        )
    if not marginal:
        return
    _check_same_integral(null, alternative)
    flats = [sorted(one.flat) for one in marginal]
    if flats[0] != flats[1]:
        raise ModelError(
            f"Restricted likelihoods with other fixed effects, {flats[0]} and {flats[1]}, are "
            "likelihoods of other data, and cannot be compared. Estimate with reml=False."
        )


def _check_same_integral(null: EstimateRecord, alternative: EstimateRecord) -> None:
    """Raise where a variable is integrated out of one alone, or another approximation was used."""
    one, other = null.integrated, alternative.integrated
    assert one is not None
    assert other is not None
    both = _free(null.model).keys() & _free(alternative.model).keys()
    flat = {*one.flat, *other.flat}  # of restricted likelihoods more is asked
    apart = sorted((one.latents.keys() ^ other.latents.keys()) & both - flat)
    if apart:
        raise ModelError(
            f"{apart} are integrated out of one likelihood and are parameters of the other: the "
            "two are not of one kind, and cannot be compared. Estimate both with the same "
            "marginalize=."
        )
    methods = {(of.method, of.nodes) for of in (one, other) if of.method not in ("exact", "sum")}
    if len(methods) > 1:
        raise ModelError(
            f"The one likelihood was integrated {one.how}, the other {other.how}: their difference "
            "would be that of the methods as well. Estimate both with the same quadrature=."
        )


def _check_nested(null: EstimateRecord, alternative: EstimateRecord) -> None:
    """Raise where the names or sizes of the variables do not show that the models are nested."""
    wide, narrow = (_free(estimate.model) for estimate in (alternative, null))
    sizes = [{name: e.point[name].shape for name in _free(e.model)} for e in (null, alternative)]
    strange = [
        name
        for name in narrow
        if name not in wide or np.prod(sizes[0][name]) > np.prod(sizes[1][name])
    ]
    if strange:
        raise ModelError(
            f"It cannot be told that the null model is nested in the alternative: its free "
            f"variables {strange} are not free there. Make it of the alternative with pm.do, or "
            "say nested=True if you know that it is."
        )


def _statistic(null: EstimateRecord, alternative: EstimateRecord) -> float:
    difference = alternative.log_likelihood - null.log_likelihood
    rounding = _ROUNDING * (1 + abs(null.log_likelihood))
    if difference < -rounding:
        raise EstimationError(
            f"The null model fits better than the alternative, by {-difference:.6g} in the "
            "log-likelihood: either it is not nested in it, or the maximum of the alternative was "
            "missed. Give find_MLE more starts, or the null model's estimate as initvals=.",
            alternative,
        )
    return 2 * difference if difference > rounding else 0.0


def _weights(
    null: EstimateRecord, alternative: EstimateRecord, fixed: list[str], df: int
) -> dict[int, float]:
    """Return the weights of the chi-squared distributions that the statistic is a mixture of."""
    _check_nuisance(null, alternative, fixed)
    edges = [label for name in fixed for label in _at_edge(null, alternative, name)]
    if len(edges) > 1:
        raise ModelError(
            f"The null model fixes {edges} at the edge of their supports. With more than one such "
            "parameter the weights of the chi-bar-squared distribution depend on the information "
            "matrix. Test them one at a time, or use method='bootstrap'."
        )
    return {df - 1: 0.5, df: 0.5} if edges else {df: 1.0}


def _check_nuisance(null: EstimateRecord, alternative: EstimateRecord, fixed: list[str]) -> None:
    """Raise where a parameter that is not tested is on an edge: then nothing is chi-squared."""
    for which, estimate in (("null model", null), ("alternative", alternative)):
        density, info = estimate.objective.density, information(estimate)
        edges = [
            density.parameters[j]
            for j in np.flatnonzero(info.where("edge"))
            if density.variables[j] not in fixed
        ]
        if edges:
            raise ModelError(
                f"In the {which} {sorted(set(edges))} are estimated at the edge of their supports. "
                "The distribution of the statistic is then not known. Use method='bootstrap', or "
                "fix them in both models with pm.do."
            )


def _at_edge(null: EstimateRecord, alternative: EstimateRecord, name: str) -> list[str]:
    """Return the elements of a variable that the null model fixes at the edge of its support."""
    bounds = bounds_of(alternative.model, _free(alternative.model)[name])
    ends = [bounds.lower, bounds.upper]
    there = null.model.named_vars.get(name)
    if not isinstance(there, SharedVariable | Constant):
        if there is None and not all(end is not None and np.all(np.isinf(end)) for end in ends):
            raise ModelError(
                f"The null model has no {name!r}, whose support is {bounds.words}: it cannot be "
                "told whether it is fixed at the edge of it. Make the null model with pm.do, so "
                "that its value is known, or use method='bootstrap'."
            )
        return []  # tied to others, not fixed; or on the real line
    value = np.asarray(value_of(there), dtype=float)
    at = np.zeros(value.shape, bool)
    for end in ends:
        if end is not None:
            at |= np.isfinite(end) & (value == end)
    density = alternative.objective.density
    return [label for label, is_at in density.elements(name, at) if is_at]
