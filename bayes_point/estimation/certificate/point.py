"""A point that is judged, with what the density is like around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.nonsmooth.vertices import Vertex
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.curvature import Curvature
from bayes_point.estimation.optimise.maximise import Quadratic, maximise
from bayes_point.estimation.optimise.precision import precision
from bayes_point.estimation.tolerances import STILL, STILL_NOISES

__all__ = ["SPIKE", "Point", "held_at", "is_still"]

Array = NDArray[np.float64]

# Part of the largest slope from which a coordinate is named.
_STEEP = 0.1

# An optimum that one ulp of the parameters changes by this much is a spike between the numbers.
# Data of thirteen digits that agree in the first eleven leave it at a hundredth.
SPIKE = 0.05


@dataclass(frozen=True)
class Point:
    """A point, its local quadratic model, and how far its value can be trusted.

    The last `n_across` axes of the quadratic model lead off the kinks that the point lies on;
    `distance` is that to the stationary point of the model, in standard errors.
    """

    x: Array
    held: NDArray[np.bool_]
    value: float
    gradient: Array
    quadratic: Quadratic
    distance: float
    noise: float
    spike: float
    n_across: int = 0

    @classmethod
    def at(cls, objective: Objective, x: Array, held: NDArray[np.bool_]) -> Point:
        """Look at the density around `x`, with some coordinates held where they are."""
        value, gradient = objective.evaluate(x[None, :])
        around = Curvature.at(objective, x, gradient[0], ~held)
        noise, spike = precision(objective, x[None, :], value, gradient, around.diagonal[None])
        return cls(
            x,
            held,
            float(value[0]),
            gradient[0],
            around.quadratic,
            around.distance,
            float(noise[0]),
            float(spike[0]),
        )

    @classmethod
    def on(cls, objective: Objective, vertex: Vertex) -> Point:
        """Look at the density around a vertex: it is smooth on the surface that its kinks leave."""
        value, _ = objective.evaluate(vertex.x[None, :])
        derivatives = vertex.gradient[None, :], np.diagonal(vertex.hessian)[None]
        noise, spike = precision(
            objective, vertex.x[None, :], value, *derivatives, held=vertex.held
        )
        quadratic = vertex.quadratic
        return cls(
            vertex.x,
            vertex.held,
            float(value[0]),
            vertex.gradient,
            quadratic,
            float(np.sqrt(quadratic.decrement(quadratic.slope)[0])),
            float(noise[0]),
            float(spike[0]),
            vertex.n_across,
        )

    @property
    def curvature(self) -> Array:
        """Eigenvalues of the scaled curvature, ascending, where there is any; else one NaN."""
        inside = self.quadratic.curvature[0][: len(self.x) - self.n_across]
        return inside if len(inside) else np.full(1, np.nan)

    @property
    def is_still(self) -> bool:
        """Whether what is left of the way to a maximum is rounding."""
        return is_still(self.distance, self.noise)

    @property
    def is_steep(self) -> NDArray[np.bool_]:
        """In which coordinates what slope is left is."""
        slope = np.abs(self.gradient * self.quadratic.scale[0])
        return slope > _STEEP * slope.max()


def is_still(distance: float, noise: float) -> bool:
    """Whether what is left of the way to a maximum, in standard errors, is rounding."""
    return bool(distance**2 <= max(STILL, STILL_NOISES * noise))


def held_at(objective: Objective, x: Array, held: NDArray[np.bool_]) -> Array:
    """Maximise over the coordinates that are not held."""
    return maximise(objective, x[None, :], free=~held[None, :], max_iterations=100).x[0]
