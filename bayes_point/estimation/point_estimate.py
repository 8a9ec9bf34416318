"""PointEstimate: a point, with the status that says what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from bayes_point.estimation.certificate import Certificate
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.rendering import as_html, as_text
from bayes_point.estimation.status import Finding, Status
from bayes_point.estimation.storage import as_datatree

__all__ = ["PointEstimate"]


@dataclass(frozen=True, repr=False, eq=False)
class PointEstimate:
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

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with one row a scalar: its value, and its status where that is not good.

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Beta("theta", 2, 2)
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        >>> bp.find_MAP(coin, progressbar=False).to_dataframe()["value"].round(3)["theta"].item()
        0.8
        """
        named = {name for finding in self.findings for name in finding.parameters}
        rows = []
        for name, array in self.point.data_vars.items():
            for label, value in _scalars(str(name), array):
                concerned = label in named or str(name) in named
                rows.append((label, value, self.status.key if concerned else "converged"))
        if not self.status.is_point and not any(row[2] != "converged" for row in rows):
            rows = [(label, value, self.status.key) for label, value, _ in rows]
        table = pd.DataFrame(rows, columns=["parameter", "value", "status"])
        return table.set_index("parameter")

    def to_datatree(self) -> xr.DataTree:
        """Return the estimate as a tree that ArviZ reads: the point as one chain of one draw."""
        return as_datatree(self)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)


def _scalars(name: str, array: xr.DataArray) -> list[tuple[str, float]]:
    if array.ndim == 0:
        return [(name, float(array))]
    stacked = array.stack(_scalar=array.dims)
    return [
        (f"{name}[{', '.join(map(str, np.atleast_1d(index)))}]", float(value))
        for index, value in zip(stacked.indexes["_scalar"], stacked.values, strict=True)
    ]
