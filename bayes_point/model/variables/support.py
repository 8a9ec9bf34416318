"""Where a random variable can be: a closed set, and the density that is constant on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad
from pytensor.graph.basic import Constant, Variable

__all__ = ["Support", "connected_zero", "is_infinite"]

# A sum of simplex coordinates, or of zero-sum coordinates, is exact only up to rounding.
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Support:
    """A closed set: bounds for each element and, for vectors and matrices, what ties them.

    Attributes
    ----------
    structure : str
        "elementwise" (every element for itself), "simplex", "zero-sum", "cholesky-covariance"
        (packed), "cholesky-correlation", "positive-definite" or "counts" (with a fixed sum).
    lower, upper : float, numpy.ndarray or pytensor Variable
        Bounds of each element, infinite where there are none. A Variable where the bounds depend
        on other variables of the model.
    ndim : int
        Number of trailing dimensions over which one log density is given.
    integer : bool
        Whether the elements are whole numbers.
    """

    structure: str = "elementwise"
    lower: Any = -np.inf
    upper: Any = np.inf
    ndim: int = 0
    integer: bool = False

    def flat_logp(self, value: Variable) -> Variable:
        """Return the log density that is 0 on the support and -inf off it, one for each event."""
        axes = tuple(range(-self.ndim, 0))
        zero = connected_zero(value, self.ndim)
        inside = []
        if not is_infinite(self.lower):
            inside.append(pt.ge(value, self.lower))
        if not is_infinite(self.upper):
            inside.append(pt.le(value, self.upper))
        if self.ndim:
            inside = [condition.all(axis=axes) for condition in inside]
        inside += self._ties(value)
        if not inside:
            return zero
        # The support has no gradient: nothing may flow back through the comparison.
        return pt.switch(disconnected_grad(reduce(pt.and_, inside)), zero, -np.inf)

    def _ties(self, value: Variable) -> list[Variable]:
        """Return the conditions that tie the elements of one event together."""
        axes = tuple(range(-self.ndim, 0))
        match self.structure:
            case "simplex":
                return [pt.abs(value.sum(axis=-1) - 1) <= _SUM_TOLERANCE]
            case "counts":
                return [pt.eq(value.sum(axis=-1), self.upper[..., 0])]
            case "zero-sum":
                slack = _SUM_TOLERANCE * (1 + pt.abs(value).max(axis=axes, keepdims=True))
                return [
                    (pt.abs(value.mean(axis=axis, keepdims=True)) <= slack).all(axis=axes)
                    for axis in axes
                ]
            case "cholesky-correlation":
                return [
                    (pt.abs(pt.sqr(value).sum(axis=-1) - 1) <= _SUM_TOLERANCE).all(axis=-1),
                    (pt.diagonal(value, axis1=-2, axis2=-1) >= 0).all(axis=-1),
                    pt.eq(pt.triu(value, 1), 0).all(axis=axes),
                ]
            case "positive-definite":
                # Cholesky gives NaN where it fails, so a singular matrix counts as outside: there
                # is no test that would tell it from an indefinite one in floating point.
                return [pt.isfinite(pt.linalg.cholesky(value).sum(axis=axes))]
            case _:
                return []


def connected_zero(value: Variable, ndim: int) -> Variable:
    """Return zero for each event of ``ndim`` dimensions, NaN where the value is no number.

    It stays connected to the value, for pytensor warns of a gradient that is not; and it is no
    product of zero and the value, which would be NaN at infinity.
    """
    zero = pt.switch(pt.isnan(value), np.nan, 0.0)
    return zero.sum(axis=tuple(range(-ndim, 0))) if ndim else zero


def is_infinite(bound: Any) -> bool:
    """Whether a bound is infinite for every element, which is no bound at all."""
    if isinstance(bound, Constant):
        bound = bound.data
    return not isinstance(bound, Variable) and bool(np.all(np.isinf(bound)))
