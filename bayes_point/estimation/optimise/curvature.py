"""What a density is like around a point: by its Hessian, or by products where that is too large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.krylov import Curved, scale_at
from bayes_point.estimation.optimise.maximise import Quadratic, finite_hessian

__all__ = ["Curvature", "diagonal_at"]

Array = NDArray[np.float64]

# Of what is left of the way to a maximum this part is good enough to know how long it is.
_ROUGHLY = 1e-3


@dataclass(frozen=True)
class Curvature:
    """The density around one point.

    Attributes
    ----------
    quadratic : Quadratic
        Its model, a batch of one.  Of many coordinates it has but a few axes: those with the
        smallest curvature, and the one with the largest; a curvature that was not found is NaN.
    diagonal : ndarray, (p,)
        Of the Hessian; of many coordinates, estimated.
    distance : float
        The way to the stationary point of the model, in standard errors.
    """

    quadratic: Quadratic
    diagonal: Array
    distance: float

    @classmethod
    def at(
        cls, objective: Objective, x: Array, gradient: Array, free: NDArray[np.bool_]
    ) -> Curvature:
        """Look around `x`, (p,), with the coordinates held that are not free."""
        if objective.is_wide:
            return cls._by_products(objective, x, gradient, free)
        hessian = finite_hessian(objective, x[None])
        quadratic = Quadratic.at(x[None], gradient[None], hessian, free[None])
        distance = float(np.sqrt(quadratic.decrement(quadratic.slope)[0]))
        return cls(quadratic, np.diagonal(hessian[0]), distance)

    @classmethod
    def _by_products(
        cls, objective: Objective, x: Array, gradient: Array, free: NDArray[np.bool_]
    ) -> Curvature:
        scale = scale_at(objective, x)
        curved = Curved(objective, x, scale, free)
        slope = np.where(free, scale * gradient, 0.0)
        step, _ = curved.solve(slope, _ROUGHLY)
        distance = float(np.sqrt(max(0.0, float(slope @ step))))
        spectrum = curved.spectrum()
        if spectrum is None:
            curvature, axes = np.full(1, np.nan), np.zeros((len(x), 1))
        else:
            curvature, axes = np.append(spectrum.smallest, spectrum.largest), spectrum.axes
        unit = np.where(free, scale, 0.0)
        quadratic = Quadratic(unit[None], curvature[None], axes[None], (slope @ axes)[None])
        return cls(quadratic, -1 / np.square(scale), distance)


def diagonal_at(objective: Objective, x: Array) -> Array:
    """Return the diagonal of the Hessian at each row of `x`, (batch, p).

    Of many coordinates it is estimated.
    """
    if not objective.is_wide:
        return np.diagonal(objective.hessian(x), axis1=1, axis2=2)
    rows = range(len(x))
    scales = [scale_at(objective.rows(np.array([i])), x[i]) for i in rows]
    return -1 / np.square(np.array(scales).reshape(x.shape))
