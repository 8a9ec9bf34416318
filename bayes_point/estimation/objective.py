"""What is maximised: a weighted sum of a model's log densities, less a penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_point.model.density.density import LogDensity
from bayes_point.model.differences import FOURTH_ORDER_STEP, central_difference

__all__ = ["Objective", "Penalty", "weighted"]

Array = NDArray[np.float64]

# Relative steps of differences: of a gradient, near enough to leave kinks alone; of one that was
# taken by differences itself, so that rounding and truncation are both near 1e-9.
_ONCE, _TWICE = np.finfo(float).eps ** (1 / 3), 2e-3
# Terms that are not of the data.
_OF_PRIOR = ("prior", "jacobian")
# What rounding may add to the log of a probability that is one: log gammas of a million observed
# millions cancel to it. What is above that is noise, and no likelihood.
_ROUNDING = 1e-3


class Observer(Protocol):
    """Who is told of a search while it goes on, and may end it: a progress bar, a time limit."""

    def tell(self, objective: Objective, x: Array, values: Array) -> None:
        """Take note of the values, (batch,), of an objective at some points."""

    def announce(self, phase: str) -> None:
        """Take note of what is done now."""

    def check(self) -> None:
        """Raise if the search is to end: asked before what may take long."""


# Coordinates from which a dense Hessian, its eigenvalues and a batch of both take longer.
_WIDE = 500


class Maximiser(Protocol):
    """Who maximises in place of `maximise`: many searches side by side, in one batch."""

    def maximise(
        self,
        objective: Objective,
        starts: Array,
        free: NDArray[np.bool_] | None,
        max_iterations: int,
    ) -> Any:
        """Return the `Search` that `maximise` would."""


@dataclass(frozen=True)
class Penalty:
    """``weight / 2 * sum(((x - centre) / scale) ** 2)``, the same in every row or one for each.

    Parameters
    ----------
    centre, scale : ndarray, (p,) or (batch, p)
        Where the penalty is zero, and its unit of length in each coordinate.
    weight : float or ndarray, (batch, 1)
        Its weight.
    """

    centre: Array
    scale: Array
    weight: float | Array

    def rows(self, which: NDArray[np.int_]) -> Penalty:
        """Return the penalty of rows `which` of a batch."""
        if self.centre.ndim == 1:
            return self
        return Penalty(self.centre[which], self.scale[which], np.asarray(self.weight)[which])

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        away = (x - self.centre) / self.scale
        return 0.5 * np.sum(self.weight * away**2, axis=1), self.weight * away / self.scale

    @property
    def curvature(self) -> Array:
        """The diagonal of its Hessian, (p,) or (batch, p); the rest is zero."""
        curvature: Array = self.weight / self.scale**2
        return curvature

    @classmethod
    def of_each(cls, penalties: Sequence[Penalty], rows: Sequence[int]) -> Penalty:
        """Return the penalties of several batches, of so many rows each, as one of all rows."""
        parts = ((p.centre, p.scale, np.atleast_1d(p.weight)) for p in penalties)
        columns = zip(*parts, strict=True)
        return cls(*(np.repeat(np.array(column), rows, axis=0) for column in columns))


@dataclass(frozen=True)
class Objective:
    """A weighted sum of the terms of a `LogDensity`, as a function of a batch of vectors.

    MLE, MAP, the prior path and the mode on the unconstrained scale differ only in the weights.

    Parameters
    ----------
    density : LogDensity
        The terms.
    weights : mapping of str to float or ndarray, (batch,)
        Weight of each term, or of each row.  A term that is not named is not evaluated into the
        sum, so that its value may be anything, even minus infinity; one that weighs nothing in some
        row plays no part there.
    penalty : Penalty, optional
        What is subtracted.
    inputs : mapping of str to ndarray, (batch, *shape), optional
        What each row has for the inputs of the density; by default what it is bound to.
    observer : Observer, optional
        Who is told of each evaluation.
    maximiser : Maximiser, optional
        Who maximises it, if not `maximise`.
    """

    density: LogDensity
    weights: Mapping[str, float | Array]
    penalty: Penalty | None = None
    inputs: Mapping[str, NDArray] | None = None
    observer: Observer | None = None
    maximiser: Maximiser | None = None

    @property
    def p(self) -> int:
        """Number of coordinates."""
        return self.density.p

    @property
    def is_wide(self) -> bool:
        """Whether it has more coordinates than a matrix is made of at every step.

        Its maxima are climbed to, and its curvature is looked at, by products with vectors.
        """
        return self.p > _WIDE and not self.is_integral

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the density that are part of it."""
        return tuple(self.weights)

    @property
    def is_transformed(self) -> NDArray[np.bool_]:
        """Which coordinates are not the parameter itself but, say, its log: (p,)."""
        return self.density.kinds != "identity"

    @property
    def is_integral(self) -> bool:
        """Whether each value is an integral over latents, many times as dear as the density."""
        return self.density.is_integral

    @property
    def of_data(self) -> Objective:
        """The same without the terms of the prior: what the data say, as far as it says it."""
        kept = {term: w for term, w in self.weights.items() if term not in _OF_PRIOR}
        return replace(self, weights=kept, penalty=None)

    @property
    def most(self) -> float:
        """An upper bound of its value; infinite where none is known."""
        return self.density.most if self.terms == ("likelihood",) else np.inf

    @property
    def concave_in(self) -> str:
        """In which coordinates it is proven to be concave, in words; empty if that is not known."""
        weights = self.weights.values()
        if self.penalty is not None or self.inputs is not None:
            return ""
        if any(isinstance(weight, np.ndarray) or not weight > 0 for weight in weights):
            return ""
        return self.density.concave_in(self.terms)

    def rows(self, which: NDArray[np.int_]) -> Objective:
        """Return the objective of rows `which` of a batch; one that is named twice comes twice."""
        shared = not any(isinstance(weight, np.ndarray) for weight in self.weights.values())
        penalty = self.penalty and self.penalty.rows(which)
        if shared and penalty is self.penalty and self.inputs is None:
            return self
        weights = {
            term: weight[which] if isinstance(weight, np.ndarray) else weight
            for term, weight in self.weights.items()
        }
        inputs = self.inputs and {name: rows[which] for name, rows in self.inputs.items()}
        return replace(self, weights=weights, penalty=penalty, inputs=inputs)

    def announce(self, phase: str) -> None:
        """Say what is done now."""
        if self.observer is not None:
            self.observer.announce(phase)

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        values, gradients = self.density.evaluate(x, self.terms, self.inputs)
        value, gradient = self._sum(self._possible(values)), self._sum(gradients)
        if self.penalty is not None:
            penalty, slope = self.penalty.evaluate(x)
            value, gradient = value - penalty, gradient - slope
        missing = np.isfinite(value) & np.any(np.isnan(gradient), axis=1)
        if np.any(missing):
            gradient = self._with_differences(x, gradient, missing)
        if self.observer is not None:
            self.observer.tell(self, x, value)
        return value, gradient

    def _with_differences(self, x: Array, gradient: Array, rows: NDArray[np.bool_]) -> Array:
        """Return the gradient with differences of values where it is not a number, in some rows.

        Of zero to the power k, or x log x at zero, the value is known and its derivative is not.
        """
        which = np.flatnonzero(rows)
        h = FOURTH_ORDER_STEP * (1 + np.abs(x[which]))
        axes = np.array([2, 1, -1, -2])[:, None, None] * np.eye(self.p)
        points = x[which, None, None] + axes * h[:, None, None]
        each = self.rows(np.repeat(which, 4 * self.p))
        flat = points.reshape(-1, self.p)
        value = each._sum(each._possible(each.density.values(flat, each.terms, each.inputs)))
        if each.penalty is not None:
            value = value - each.penalty.evaluate(flat)[0]
        ends = np.moveaxis(value.reshape(len(which), 4, self.p), 1, 0)
        found = gradient[which]
        gradient = gradient.copy()
        gradient[which] = np.where(
            np.isnan(found), central_difference(ends[0], ends[1], ends[2], ends[3], h), found
        )
        return gradient

    def values(self, x: Array) -> Array:
        """Return the value alone, (batch,)."""
        is_dear = self.density.is_costly or self.density.is_integral
        if self.penalty is not None or self.inputs is not None or not is_dear:
            return self.evaluate(x)[0]
        value = self._sum(self._possible(self.density.values(x, self.terms)))
        if self.observer is not None:
            self.observer.tell(self, x, value)
        return value

    def around(self, points: Array) -> Array:
        """Return the values, (batch, k), at k points of each row, (batch, k, p)."""
        batch, k, p = points.shape
        each = self.rows(np.repeat(np.arange(batch), k))
        return each.values(points.reshape(-1, p)).reshape(batch, k)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p)."""
        self._check()
        hessian = self._sum(self.density.hessian(x, self.terms, self.inputs))
        if self.penalty is not None:
            diagonal = np.arange(self.p)
            hessian[:, diagonal, diagonal] -= self.penalty.curvature
        nan = np.flatnonzero(np.any(np.isnan(hessian), axis=(1, 2)))
        if nan.size:
            slopes = self._sum(self.density.evaluate(x, self.terms, self.inputs)[1])
        for i in nan:
            step = _TWICE if np.any(np.isnan(slopes[i])) else _ONCE
            h = step * (1 + np.abs(x[i]))
            steps = np.concatenate([x[i] + k * np.diag(h) for k in (2, 1, -1, -2)])
            here = self.rows(np.full(len(steps), i))
            far, near, back, far_back = np.split(here.evaluate(steps)[1], 4)
            rough = central_difference(far, near, back, far_back, h[:, None])
            hessian[i] = np.where(np.isnan(hessian[i]), 0.5 * (rough + rough.T), hessian[i])
        return hessian

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return the Hessian at each row of `x` times that row of `v`, (batch, p)."""
        self._check()
        product = self._sum(self.density.hessian_product(x, v, self.terms, self.inputs))
        return product if self.penalty is None else product - self.penalty.curvature * v

    def _check(self) -> None:
        if self.observer is not None:
            self.observer.check()

    def _possible(self, values: Array) -> Array:
        """Return the terms, (batch, term), NaN where rounding makes them more than they can be."""
        if not np.isfinite(self.density.most) or "likelihood" not in self.terms:
            return values
        impossible = values > self.density.most + _ROUNDING
        impossible &= np.array(self.terms) == "likelihood"
        return np.where(impossible, np.nan, values)

    def _sum(self, terms: Array) -> Array:
        """Weigh and add the terms, (batch, term, ...)."""
        weights = list(self.weights.values())
        if any(isinstance(weight, np.ndarray) for weight in weights):
            columns = [np.broadcast_to(weight, len(terms)) for weight in weights]
            w = np.stack(columns, axis=1)
            return weighted(w.reshape(*w.shape, *(1,) * (terms.ndim - 2)), terms)
        w = np.array(weights)
        return terms @ w if terms.ndim == 2 else np.einsum("bt...,t->b...", terms, w)


def weighted(weights: Array, terms: Array) -> Array:
    """Sum terms over their axis 1; a term of weight zero plays no part, not even if infinite."""
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(weights == 0, 0.0, weights * terms), axis=1)
