"""The curvature of a density with too many coordinates for a matrix, by its products with vectors.

A Hessian of two thousand coordinates is slow to make and slower to decompose.  Its product with a
vector costs about a gradient, and that is all that conjugate gradients and Lanczos' method need.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from bayes_point.estimation.objective import Objective

__all__ = ["Curved", "Spectrum", "scale_at"]

Array = NDArray[np.float64]

# A curvature, in scaled units, that is none, and one that is bent upwards beyond rounding.
_FLAT, _BENT = 1e-13, 1e-10

# Random signs whose products give the diagonal, and how often it is looked at anew in the units
# that were found: a coordinate of small units is drowned by the others at first.
_PROBES, _LOOKS = 24, 3
# An eigenvalue is first found this well, relative to the largest, and better if it is small.
_COARSE, _FINE = 1e-4, 1e-11
# Below this, relative to the largest, an eigenvalue is looked at more closely.
_SMALL = 1e-6
_VECTORS = 6
# Relative step of differences of the gradient.
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
# Coordinates up to which the matrix is decomposed after all, where Lanczos' method fails.
_MOST_DENSE = 4000


def scale_at(objective: Objective, x: Array) -> Array:
    """Return a unit for each coordinate, 1 / sqrt(|diagonal of the Hessian|), estimated: (p,).

    C. Bekas, E. Kokiopoulou & Y. Saad (2007), https://doi.org/10.1016/j.apnum.2007.01.003
    """
    longest = 1e10 * (1 + np.abs(x))
    scale = np.ones(len(x))
    rng = np.random.default_rng(0)
    for _ in range(_LOOKS):
        signs = rng.choice([-1.0, 1.0], size=(_PROBES, len(x)))
        products = objective.hessian_product(np.tile(x, (_PROBES, 1)), signs * scale) * scale
        diagonal = np.abs(np.mean(signs * np.nan_to_num(products), axis=0))
        # An estimate that its neighbours drown is no reason for a step without end.
        floor = 1e-3 * float(np.median(diagonal[diagonal > 0])) if np.any(diagonal > 0) else 0.0
        diagonal = np.maximum(diagonal, floor) if floor else np.maximum(diagonal, 1e-300)
        scale = np.minimum(scale / np.sqrt(diagonal), longest)
    return scale


@dataclass(frozen=True)
class Spectrum:
    """The ends of the spectrum of the scaled curvature; columns are eigenvectors."""

    smallest: Array
    vectors: Array
    largest: float
    top: Array

    @property
    def axes(self) -> Array:
        """The vectors of the smallest eigenvalues, and that of the largest."""
        return np.column_stack([self.vectors, self.top])


@dataclass(frozen=True)
class Curved:
    """The scaled negative Hessian at one point, an operator."""

    objective: Objective
    x: Array
    scale: Array
    free: NDArray[np.bool_]
    products: list[int] = field(default_factory=lambda: [0])

    def __call__(self, v: Array) -> Array:
        """Return the product with a vector, (p,)."""
        self.products[0] += 1
        unit = np.where(self.free, self.scale, 0.0)
        way = unit * v.ravel()
        product = self.objective.hessian_product(self.x[None], way[None])[0]
        if not np.all(np.isfinite(product)):
            product = self._by_differences(way)
        # What is held is as if it were curved: it is no direction in which nothing changes.
        return -unit * product + np.where(self.free, 0.0, v.ravel())

    def _by_differences(self, way: Array) -> Array:
        """Return the Hessian times a vector where it is not a number and the gradient is."""
        h = _STEP * np.max(1 + np.abs(self.x)) / max(float(np.max(np.abs(way))), 1e-300)
        _, gradient = self.objective.evaluate(self.x + h * np.stack([way, -way]))
        return np.nan_to_num((gradient[0] - gradient[1]) / (2 * h), posinf=0.0, neginf=0.0)

    def solve(self, b: Array, tolerance: float) -> tuple[Array, Array | None]:
        """Return A⁻¹ b by conjugate gradients, and a direction of negative curvature if one is met.

        T. Steihaug (1983), https://doi.org/10.1137/0720042
        """
        z, r = np.zeros_like(b), b.copy()
        d, rr = r.copy(), float(r @ r)
        end = tolerance**2 * rr
        for _ in range(len(b)):
            if rr <= end or rr == 0:
                break
            ad = self(d)
            bend = float(d @ ad)
            if not np.isfinite(bend):
                break
            if bend <= _FLAT * float(d @ d):
                # Flat to rounding is no direction to go on in; downwards-bent is.
                return z, d / np.linalg.norm(d) if bend < -_BENT * float(d @ d) else None
            step = rr / bend
            z = z + step * d
            r = r - step * ad
            rr, before = float(r @ r), rr
            d = r + (rr / before) * d
        return z, None

    def spectrum(self) -> Spectrum | None:
        """Return the largest eigenvalue and the smallest ones; None where they are not found."""
        p = len(self.x)
        v0 = np.random.default_rng(3).standard_normal(p)
        operator = LinearOperator((p, p), matvec=self, dtype=float)
        try:
            largest, ahead = eigsh(operator, k=1, which="LA", tol=1e-3, v0=v0)
            top = float(largest[0])
            # Seen from above the largest: an eigenvalue of zero has no relative accuracy.
            shift = 1.1 * abs(top) + 1e-300
            flipped = LinearOperator((p, p), matvec=lambda v: shift * v.ravel() - self(v))
            value, vectors = eigsh(flipped, k=1, which="LA", tol=_COARSE, v0=v0, ncv=40)
            if shift - value[0] < _SMALL * shift:
                value, vectors = eigsh(
                    flipped, k=_VECTORS, which="LA", tol=_FINE, v0=v0, ncv=60, maxiter=500
                )
        except ArpackError:
            if p > _MOST_DENSE:
                return None
            unit = np.where(self.free, self.scale, 0.0)
            dense = -self.objective.hessian(self.x[None])[0] * unit[:, None] * unit
            dense += np.diag(np.where(self.free, 0.0, 1.0))
            values, vectors = np.linalg.eigh(np.nan_to_num(dense))
            ends = float(values[-1]), vectors[:, -1]
            return Spectrum(values[:_VECTORS], vectors[:, :_VECTORS], *ends)
        order = np.argsort(-value)
        # A Rayleigh quotient is twice as accurate as its vector.
        exact = np.array([vectors[:, k] @ self(vectors[:, k]) for k in order])
        return Spectrum(exact, vectors[:, order], top, ahead[:, 0])
