"""What was proven of a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding, Status

__all__ = ["Certificate", "Judged"]

Array = NDArray[np.float64]


class Judged(Protocol):
    """What is known of a point, by a matrix or by products: value, curvature, how far it is off."""

    @property
    def x(self) -> Array:
        """The point, (p,)."""
        ...

    @property
    def value(self) -> float:
        """The objective there."""
        ...

    @property
    def curvature(self) -> Array:
        """Eigenvalues of the scaled curvature, ascending, or the ends of them."""
        ...

    @property
    def distance(self) -> float:
        """The way to the stationary point nearby, in standard errors."""
        ...

    @property
    def noise(self) -> float:
        """What rounding can make of the objective."""
        ...


@dataclass(frozen=True)
class Certificate:
    """What was proven of a point.

    Attributes
    ----------
    status : Status
        The kind of optimum.
    path : ndarray, (steps, p)
        The point on the unconstrained scale, as the last row; where it lies at infinity, a path
        that leads there.
    direction : ndarray, (p,)
        Direction in which it goes to infinity; zeros where it does not.
    undefined : ndarray of bool, (p,)
        Coordinates that have no value, because the density is unbounded in them.
    value : float
        The objective: the maximum, or its supremum where that is not attained.
    null_space : ndarray, (k, p)
        Directions along which the objective does not change.
    findings : tuple of Finding
        What a user should know.
    evidence : mapping of str to float
        The numbers.
    """

    status: Status
    path: Array
    direction: Array
    undefined: NDArray[np.bool_]
    value: float
    null_space: Array
    findings: tuple[Finding, ...]
    evidence: Mapping[str, float]

    @property
    def x(self) -> Array:
        """The point, or the last one before infinity."""
        return self.path[-1]

    @classmethod
    def of(cls, point: Judged, status: Status, *findings: Finding) -> Certificate:
        """Return the certificate of a point that stays where it is."""
        curvature = point.curvature
        condition = float(curvature[-1] / curvature[0]) if curvature[0] > 0 else np.inf
        p = len(point.x)
        return cls(
            status,
            point.x[None, :],
            np.zeros(p),
            np.zeros(p, bool),
            point.value,
            np.empty((0, p)),
            findings,
            {
                "distance to the maximum in standard errors": point.distance,
                "smallest eigenvalue of the scaled curvature": float(curvature[0]),
                "largest eigenvalue of the scaled curvature": float(curvature[-1]),
                "condition number": condition,
                "rounding of the log density": point.noise,
            },
        )
