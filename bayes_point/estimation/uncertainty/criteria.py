"""Likelihood quantities of an estimate: what it counts as parameters and observations, AIC, BIC."""

from __future__ import annotations

import math

import numpy as np

from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.uncertainty.information import has_failed, information, refuse_failed
from bayes_point.model.density.scores import scores_of

__all__ = ["aic", "aicc", "bic", "counts_observations", "n_observations", "n_parameters"]


def n_parameters(estimate: EstimateRecord) -> int:
    """Return the number of free parameters, less the directions that are not identified."""
    if has_failed(estimate):
        return estimate.objective.p
    info = information(estimate)
    return estimate.objective.p - info.null.shape[1] - int(info.where("flat").sum())


def n_observations(estimate: EstimateRecord) -> int:
    """Return the number of terms that the log-likelihood is the sum of."""
    shapes, uncounted = _shapes(estimate)
    if uncounted:
        raise ModelError(
            f"The number of observations is not known: the potentials {uncounted} are part of the "
            "likelihood and are scalars, each of any number of observations. Write them with one "
            "element an observation."
        )
    return int(sum(np.prod(shape, dtype=int) for shape in shapes.values()))


def counts_observations(estimate: EstimateRecord) -> bool:
    """Whether the observations can be counted."""
    return not _shapes(estimate)[1]


def _shapes(estimate: EstimateRecord) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Return the shapes of the terms of the likelihood, and the potentials that are scalars."""
    potentials = "potential" in estimate.objective.weights and estimate.estimator == "MLE"
    shapes = scores_of(estimate.objective.density, potentials=potentials).shapes
    names = [var.name for var in estimate.model.potentials] if potentials else []
    return shapes, [name for name in names if shapes[name] == ()]


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
