"""What an estimate has errors of: its scalars, with their derivatives by the vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.estimation.estimate.record import EstimateRecord, once
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.model.density.derivatives import natural_derivatives
from bayes_point.model.discrete.summed import SummedDensity

__all__ = ["Quantities", "natural_quantities"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quantities:
    """Scalars that are functions of the unconstrained vector, at an estimate.

    Attributes
    ----------
    labels : list of str
        Their names.
    values : ndarray, (n,)
        Their values at the estimate.
    jacobian : ndarray, (n, p)
        Their derivatives by the unconstrained vector.
    before : ndarray, (n, p)
        The same at the start of the path to the estimate.
    depends : ndarray of bool, (n, p)
        Which coordinates they depend on, at the estimate or elsewhere.
    own : ndarray of bool, (n, p)
        Which coordinates are those of the scalar itself, or of the variable it is an element of.
    given : ndarray, (n, d)
        What, times its transpose, is the covariance that they have given the vector: that of
        latents which were integrated out, and of what is computed from them.
    """

    labels: list[str]
    values: Array
    jacobian: Array
    before: Array
    depends: NDArray[np.bool_]
    own: NDArray[np.bool_]
    given: Array

    @classmethod
    def unconstrained(cls, estimate: EstimateRecord) -> Quantities:
        """Return the coordinates of the unconstrained vector themselves."""
        p, labels = estimate.objective.p, estimate.objective.density.labels
        eye = np.eye(p)
        return cls(labels, estimate.unconstrained.values, eye, eye, eye != 0, eye != 0, eye[:, :0])

    def of(self, rows: NDArray[np.int_]) -> Quantities:
        """Return some of them."""
        return Quantities(
            [self.labels[i] for i in rows],
            self.values[rows],
            self.jacobian[rows],
            self.before[rows],
            self.depends[rows],
            self.own[rows],
            self.given[rows],
        )


@once
def natural_quantities(estimate: EstimateRecord) -> Quantities:
    """Return every element of the free variables and Deterministics on the natural scale."""
    density, point = estimate.objective.density, estimate.point
    path = estimate.certificate.path
    given = np.zeros((sum(array.size for array in point.data_vars.values()), 0))
    jacobian_at: Callable[[Array], Mapping[str, Array]]
    if isinstance(density, SummedDensity):
        jacobian_at = density.natural_jacobian
    elif isinstance(density, MarginalDensity):
        jacobian_at = density.natural_jacobian
        parts = density.natural_spread(path[-1])
        given = _rows(parts, point, next(iter(parts.values())).shape[-1])
    else:
        jacobian_at = natural_derivatives(density).jacobian
    # At an edge, and where a derivative vanishes, it does not show what depends on what.
    places = (path[-1], path[0], path[0] + 0.1 * np.cos(np.arange(density.p)))
    with np.errstate(all="ignore"):
        jacobian, before, nearby = (_rows(jacobian_at(x), point, density.p) for x in places)
    depends = (jacobian != 0) | (before != 0) | (nearby != 0)
    labels, values, own = [], [], []
    for name in map(str, point.data_vars):
        for label, value in density.elements(name, np.asarray(point[name], dtype=float)):
            labels.append(label)
            values.append(value)
            own.append([of in (label, name) for of in density.parameters])
    return Quantities(labels, np.array(values), jacobian, before, depends, np.array(own), given)


def _rows(parts: Mapping[str, Array], point: xr.Dataset, p: int) -> Array:
    """Stack the derivatives of all scalars, (n, p); discrete variables have none."""
    return np.concatenate(
        [
            np.asarray(parts[str(name)], float) if str(name) in parts else np.zeros((array.size, p))
            for name, array in point.data_vars.items()
        ],
        axis=None,
    ).reshape(-1 if p else sum(array.size for array in point.data_vars.values()), p)
