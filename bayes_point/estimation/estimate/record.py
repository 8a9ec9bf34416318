"""What was found and proven of one point, labelled: the data of a PointEstimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, Self

import cloudpickle
import pymc as pm
import xarray as xr

from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.marginal.integration import Integration
from bayes_point.estimation.objective import Objective

__all__ = ["EstimateRecord", "once"]


@dataclass(frozen=True, repr=False, eq=False)
class EstimateRecord:
    """A point estimate of a model's parameters, with the status that says what it is worth.

    Attributes
    ----------
    estimator : str
        ``"MLE"`` or ``"MAP"``.
    jacobian : bool
        Whether the density maximised is the one on the unconstrained scale, with the log Jacobian
        of the transforms.  False for the MLE and for the MAP that is usually meant.
    point : xarray.Dataset
        Every free variable and Deterministic on the natural scale, with the model's coords.  What
        diverges is infinite, what has no value is NaN.
    unconstrained : xarray.DataArray, (parameter,)
        The same point on the unconstrained scale, labelled.
    log_likelihood, log_prior, log_joint : float
        Of the point; the prior on the natural scale, and the log joint density with the log
        Jacobian where `jacobian` is true.  The supremum where the maximum is not attained.
    status : Status
        What kind of optimum this is.
    findings : tuple of Finding
        What a user should know of it.
    evidence : mapping of str to float
        The numbers behind the status.
    n_starts : int
        Starting points that were used.
    optima : xarray.Dataset, (optimum,)
        The distinct optima found, best first: ``log_density`` (of what was maximised), ``reached``
        (how many starts led there) and the natural-scale values.
    maximised : str
        What was maximised, in words.
    model : pymc.Model
        The model.
    objective : Objective
        What was maximised, as a function of the unconstrained vector.
    certificate : Certificate
        What was proven of the point, on the unconstrained scale.
    integrated : Integration or None
        What was integrated out, by which rule and how; None of a joint estimate.
    given_n : int or None
        Number of observations as the user gave it; None where it is counted.
    evaluations : int
        Points at which the density was evaluated in the search.
    """

    estimator: str
    jacobian: bool
    point: xr.Dataset
    unconstrained: xr.DataArray
    log_likelihood: float
    log_prior: float
    log_joint: float
    status: Status
    findings: tuple[Finding, ...]
    evidence: Mapping[str, float]
    n_starts: int
    optima: xr.Dataset
    maximised: str
    model: pm.Model
    objective: Objective
    certificate: Certificate
    integrated: Integration | None = None
    given_n: int | None = None
    evaluations: int = 0

    @classmethod
    def of(cls, record: EstimateRecord) -> Self:
        """Return the same facts as this class, which may have more methods."""
        return cls(**{field.name: getattr(record, field.name) for field in fields(record)})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the facts; the model by cloudpickle, as PyMC does, for it may hold functions."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return _unpickled, (type(self), cloudpickle.dumps(facts))


def _unpickled(kind: type[EstimateRecord], facts: bytes) -> EstimateRecord:
    return kind(**cloudpickle.loads(facts))


def once[T](compute: Callable[[EstimateRecord], T]) -> Callable[[EstimateRecord], T]:
    """Compute something of an estimate at its first use, and keep it with the estimate."""
    key = f"_{compute.__module__}.{compute.__qualname__}"

    @wraps(compute)
    def computed(estimate: EstimateRecord) -> T:
        if key not in estimate.__dict__:
            estimate.__dict__[key] = compute(estimate)
        return estimate.__dict__[key]

    return computed
