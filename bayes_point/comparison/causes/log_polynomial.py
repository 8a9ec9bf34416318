"""Densities on [-1, 1] whose logarithm is a polynomial: many at a time, fitted, and their peaks."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["DEGREE", "GRID", "basis", "fit_log_polynomial", "highest", "slope_of_basis"]

Array = NDArray[np.float64]

DEGREE = 4
"""A skewed peak, or two."""

GRID = np.linspace(-1, 1, 129)

_NODES, _WEIGHTS = legendre.leggauss(48)


def basis(t: Array) -> Array:
    """Legendre polynomials of degree 1 to `DEGREE`, along a new first axis."""
    s = t * t
    return np.stack([t, 1.5 * s - 0.5, (2.5 * s - 1.5) * t, (4.375 * s - 3.75) * s + 0.375])


def slope_of_basis(t: Array) -> Array:
    """Return the derivatives of `basis`."""
    s = t * t
    return np.stack([np.ones_like(t), 3 * t, 7.5 * s - 1.5, (17.5 * s - 7.5) * t])


def _bend_of_basis(t: Array) -> Array:
    """Return the second derivatives of `basis`."""
    return np.stack([np.zeros_like(t), np.full_like(t, 3.0), 15 * t, 52.5 * t * t - 7.5])


def fit_log_polynomial(mean: Array) -> tuple[Array, Array, Array]:
    """Find the coefficients of n log densities by the means of the basis in their draws.

    This is the maximum of the likelihood, a concave function: Newton's method, with steps halved
    until they raise it.

    Parameters
    ----------
    mean : ndarray of shape (n, degree)

    Returns
    -------
    coefficients, expected : ndarray of shape (n, degree)
        `expected` are the means under the density found.
    covariance : ndarray of shape (n, degree, degree)
        Of the basis under that density.
    """
    nodes = basis(_NODES)

    def evaluate(c: Array) -> tuple[Array, Array, Array]:
        log = c @ nodes
        top = log.max(1)
        mass = _WEIGHTS * np.exp(log - top[:, None])
        total = mass.sum(1)
        mass /= total[:, None]
        expected = mass @ nodes.T
        covariance = (mass[:, None] * nodes) @ nodes.T - expected[:, :, None] * expected[:, None]
        return (c * mean).sum(1) - top - np.log(total), expected, covariance

    c = np.zeros_like(mean)
    value, expected, covariance = evaluate(c)
    ridge = 1e-12 * np.eye(DEGREE)
    for _ in range(60):
        gradient = mean - expected
        step = np.linalg.solve(covariance + ridge, gradient[..., None])[..., 0]
        length = np.ones(len(c))
        for _ in range(30):
            new = evaluate(c + length[:, None] * step)
            worse = ~(new[0] >= value - 1e-14)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        moved = ~worse
        c = np.where(moved[:, None], c + length[:, None] * step, c)
        value = np.where(moved, new[0], value)
        expected = np.where(moved[:, None], new[1], expected)
        covariance = np.where(moved[:, None, None], new[2], covariance)
        if not (moved & ((gradient * step).sum(1) > 1e-18)).any():
            break
    return c, expected, covariance


def highest(coefficients: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return where on [-1, 1] the peaks are, minus the curvature there, and whether at an end.

    Parameters
    ----------
    coefficients : ndarray of shape (n, degree)
    """
    at = (coefficients @ basis(GRID)).argmax(1)
    low, high = GRID[np.maximum(at - 1, 0)], GRID[np.minimum(at + 1, len(GRID) - 1)]
    # Bisection: the slope falls through zero between the neighbours, unless the peak is an end.
    for _ in range(40):
        t = (low + high) / 2
        rising = (coefficients * slope_of_basis(t).T).sum(1) > 0
        low, high = np.where(rising, t, low), np.where(rising, high, t)
    at_end = 1 - np.abs(t) < 1e-9
    t = np.where(at_end, np.sign(t), t)
    return t, -(coefficients * _bend_of_basis(t).T).sum(1), at_end
