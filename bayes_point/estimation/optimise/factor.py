"""A Cholesky factor of the curvature, and the climb of a concave density by a few of them.

Where a density is concave there is nothing to be found out about negative curvature, so that no
eigenvalue is needed: a factor costs a twentieth of a decomposition, and of five thousand
coordinates a few are made in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import finite_hessian
from bayes_point.estimation.optimise.truncated import descend

__all__ = ["Factor", "Top", "climb_concave", "is_definite"]

Array = NDArray[np.float64]

# Added to the scaled curvature at the start, until there is a factor: far from the maximum, and in
# other coordinates than those of the proof, it may be bent upwards.
_RIDGES = (0.0, 0.1, 1.0, 10.0)
# Slope, in standard errors, from which on a Newton step does the rest.
_ROUGH = 1e-4
# Hessians that are made on the way, ...
_FACTORS = 8
# ... steps that are made with each, as long as every one takes most of what is left of the way, ...
_STEPS, _TAKEN = 20, 0.5
# ... and squared distance in standard errors at which no digit is left to gain.
_STILL = 1e-26
# In standard errors, how far off the point the last factor may have been made.
_NEAR = 0.01


@dataclass(frozen=True)
class Factor:
    """The negative Hessian, in units in which its diagonal is one, and its Cholesky factor.

    Attributes
    ----------
    scale : ndarray, (p,)
        The units, 1 / sqrt(diagonal).
    matrix : ndarray, (p, p)
        The negative Hessian in these units.
    lower : ndarray, (p, p)
        L, with L L' the matrix.
    """

    scale: Array
    matrix: Array
    lower: Array

    @classmethod
    def of(cls, hessian: Array, ridge: float = 0.0) -> Factor | None:
        """Factor a Hessian, with a ridge added to its scaled diagonal; None if that fails."""
        diagonal = -np.diagonal(hessian)
        if not np.all(diagonal > 0):
            return None
        scale = 1 / np.sqrt(diagonal)
        matrix = -hessian * scale[:, None] * scale
        matrix[np.diag_indices_from(matrix)] += ridge
        return cls.scaled(scale, matrix)

    @classmethod
    def scaled(cls, scale: Array, matrix: Array) -> Factor | None:
        """Factor a negative Hessian in some units; None if it is not positive definite."""
        try:
            return cls(scale, matrix, cholesky(matrix, lower=True))
        except (LinAlgError, ValueError):  # not definite; not finite
            return None

    def newton(self, gradient: Array) -> Array:
        """Return the Newton step, (p,), for a gradient."""
        return self.scale * cho_solve((self.lower, True), self.scale * gradient, check_finite=False)

    def step(self, z: Array) -> Array:
        """Return the step, (p,), whose coordinates are z where the curvature is a unit matrix."""
        return self.scale * solve_triangular(
            self.lower, z, lower=True, trans="T", check_finite=False
        )

    def slope(self, gradient: Array) -> Array:
        """Return the gradient, (p,), by these coordinates, for one by x."""
        return solve_triangular(self.lower, self.scale * gradient, lower=True, check_finite=False)

    @cached_property
    def _inverse(self) -> Array:
        lower, _ = dpotri(self.lower, lower=1)
        return np.asarray(lower + np.tril(lower, -1).T)

    @property
    def errors(self) -> Array:
        """Standard errors, (p,)."""
        return self.scale * np.sqrt(np.diagonal(self._inverse))

    @property
    def least(self) -> float:
        """A bound from below, 1 / |A⁻¹|₁, on the smallest eigenvalue of the scaled matrix A."""
        return float(1 / np.abs(self._inverse).sum(axis=0).max())

    @property
    def ends(self) -> Array:
        """The smallest and the largest eigenvalue of the scaled matrix.

        Where Lanczos' method does not find them, bounds on them.
        """
        if len(self.scale) < 3:
            return np.linalg.eigvalsh(self.matrix)[[0, -1]]
        v0 = np.random.default_rng(0).standard_normal(len(self.scale))
        options = {"k": 1, "which": "LA", "tol": 1e-3, "v0": v0, "return_eigenvectors": False}
        try:
            least, most = (float(eigsh(a, **options)[0]) for a in (self._inverse, self.matrix))
        except ArpackNoConvergence:
            return np.array([self.least, np.abs(self.matrix).sum(axis=0).max()])
        return np.array([1 / least, most])


def is_definite(matrix: Array) -> bool:
    """Whether a symmetric matrix is positive definite."""
    try:
        cholesky(matrix, lower=True, overwrite_a=True)
    except (LinAlgError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Top:
    """Where the climb of a concave density came to rest.

    Attributes
    ----------
    x, gradient : ndarray, (p,)
        The point, and the slope that is left there.
    value : float
        The density.
    hessian : ndarray, (p, p)
        At the point, or next to it.
    factor : Factor
        Of that.
    """

    x: Array
    value: float
    gradient: Array
    hessian: Array
    factor: Factor

    @cached_property
    def newton(self) -> Array:
        """The step, (p,), that is left of the way to the maximum."""
        return self.factor.newton(self.gradient)

    @property
    def distance(self) -> float:
        """Its length in standard errors."""
        return float(np.sqrt(max(0.0, float(self.gradient @ self.newton))))


def climb_concave(objective: Objective, start: Array) -> Top | None:
    """Climb a density that is concave; None where it does not come to rest.

    The first factor gives the units in which gradients lead near the maximum in a few dozen
    evaluations (L-BFGS); the next one is made there, and serves for all steps that are left.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    start : ndarray, (p,)
        Where the density has a value.
    """
    hessian = finite_hessian(objective, start[None])[0]
    factors = (Factor.of(hessian, ridge) for ridge in _RIDGES)
    factor = next((one for one in factors if one is not None), None)
    if factor is None:
        return None
    free = np.ones(len(start), bool)
    x, _ = descend(objective, start, factor.step, factor.slope, free, tolerance=_ROUGH)
    for _ in range(_FACTORS):
        hessian = finite_hessian(objective, x[None])[0]
        factor = Factor.of(hessian)
        if factor is None:
            return None
        top, moved = _polished(objective, x, hessian, factor)
        if moved <= _NEAR:
            return top
        if np.array_equal(top.x, x):
            return None
        x = top.x
    return None


def _polished(objective: Objective, x: Array, hessian: Array, factor: Factor) -> tuple[Top, float]:
    """Make steps with one factor; return where they led, and how far, in standard errors."""
    value, gradient = (a[0] for a in objective.evaluate(x[None]))
    here = Top(x, float(value), gradient, hessian, factor)
    moved = 0.0
    for _ in range(_STEPS):
        left = here.distance
        if left**2 < _STILL:
            break
        step = here.newton
        for _ in range(_STEPS):
            value, gradient = (a[0] for a in objective.evaluate((here.x + step)[None]))
            new = Top(here.x + step, float(value), gradient, hessian, factor)
            if np.isfinite(value) and new.distance < left:
                break
            step = 0.5 * step
        else:
            break
        moved += left
        here = new
        if new.distance > _TAKEN * left:
            break
    return here, moved
