"""Likelihood quantities of an estimate: what it counts as parameters and observations, AIC, BIC."""

from __future__ import annotations

import math

from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.information import has_failed, information, refuse_failed
from bayes_point.model.data.counting import observed_counts
from bayes_point.model.density.scores import scores_of

__all__ = ["aic", "aicc", "bic", "counts_observations", "n_observations", "n_parameters"]


def n_parameters(estimate: EstimateRecord) -> int:
    """Return the number of free parameters, less the directions that are not identified."""
    if has_failed(estimate):
        return estimate.objective.p
    info = information(estimate)
    return estimate.objective.p - info.null.shape[1] - int(info.where("flat").sum())


def n_observations(estimate: EstimateRecord) -> int:
    """Return the number of observed scalars, or what was given for it."""
    if estimate.given_n is not None:
        return estimate.given_n
    if uncounted := _uncounted(estimate):
        raise ModelError(
            f"The number of observations is not known: the potentials {uncounted} are part of the "
            "likelihood and are scalars, each of any number of observations. Say how many with "
            "find_MLE(n_observations=), or write them with one element an observation."
        )
    counts = sum(observed_counts(estimate.model).values())
    if _has_potentials(estimate):
        potentials = [var.name for var in estimate.model.potentials]
        counts += sum(math.prod(_shapes(estimate)[name]) for name in potentials)
    return counts


def counts_observations(estimate: EstimateRecord) -> bool:
    """Whether the number of observations is known."""
    return estimate.given_n is not None or not _uncounted(estimate)


def _has_potentials(estimate: EstimateRecord) -> bool:
    """Whether potentials are part of the likelihood."""
    return "potential" in estimate.objective.weights and estimate.estimator == "MLE"


def _uncounted(estimate: EstimateRecord) -> list[str]:
    """Name the potentials in the likelihood that are scalars."""
    if not _has_potentials(estimate):
        return []
    shapes = _shapes(estimate)
    return [var.name for var in estimate.model.potentials if shapes[var.name] == ()]


def _shapes(estimate: EstimateRecord) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the terms of the likelihood, potentials among them."""
    return scores_of(estimate.objective.density, potentials=True).shapes


def aic(estimate: EstimateRecord) -> float:
    """Return Akaike's criterion."""
    _check(estimate, "AIC")
    return 2.0 * n_parameters(estimate) - 2.0 * estimate.log_likelihood


def aicc(estimate: EstimateRecord) -> float:
    """Return Akaike's criterion with its correction for small samples."""
    _check(estimate, "AICc")
    k, n = n_parameters(estimate), n_observations(estimate)
    return aic(estimate) + 2.0 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.nan


def bic(estimate: EstimateRecord) -> float:
    """Return Schwarz's criterion."""
    _check(estimate, "BIC")
    n = n_observations(estimate)
    return math.log(n) * n_parameters(estimate) - 2.0 * estimate.log_likelihood


def _check(estimate: EstimateRecord, name: str) -> None:
    if estimate.estimator != "MLE":
        raise ModelError(
            f"{name} is made of the maximum of the likelihood, and this is a MAP. Use find_MLE."
        )
    refuse_failed(estimate, name)
