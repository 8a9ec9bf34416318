"""What is maximised: a weighted sum of a model's log densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_point.model.density.density import LogDensity

__all__ = ["Objective", "Penalised", "RowwiseObjective", "RowwisePenalised", "together"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A weighted sum of the terms of a `LogDensity`, as a function of a batch of vectors.

    MLE, MAP, the prior path and the mode on the unconstrained scale differ only in the weights.

    Parameters
    ----------
    density : LogDensity
        The terms.
    weights : mapping of str to float
        Weight of each term.  A term that is not named is not evaluated into the sum, so that its
        value may be anything, even minus infinity.
    """

    density: LogDensity
    weights: Mapping[str, float]

    @property
    def p(self) -> int:
        """Number of coordinates."""
        return self.density.p

    @property
    def is_transformed(self) -> NDArray[np.bool_]:
        """Which coordinates are not the parameter itself but, say, its log: (p,)."""
        pairs = zip(self.density.labels, self.density.parameters, strict=True)
        return np.array([label != parameter for label, parameter in pairs])

    def rows(self, which: NDArray[np.int_]) -> Objective:
        """Return the objective of rows `which` of a batch: here, the same for every row."""
        return self

    def announce(self, phase: str) -> None:
        """Say what is done now; nobody listens here."""

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = self.density.evaluate(x, tuple(self.weights))
        w = np.array(list(self.weights.values()))
        return value @ w, np.einsum("btp,t->bp", gradient, w)

    def values(self, x: Array) -> Array:
        """Return the value alone, (batch,)."""
        if not self.density.is_costly:
            return self.evaluate(x)[0]
        return self.density.values(x, tuple(self.weights)) @ np.array(list(self.weights.values()))

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p)."""
        w = np.array(list(self.weights.values()))
        return np.einsum("btpq,t->bpq", self.density.hessian(x, tuple(self.weights)), w)

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return the Hessian at each row of `x` times that row of `v`, (batch, p)."""
        w = np.array(list(self.weights.values()))
        return np.einsum("btp,t->bp", self.density.hessian_product(x, v, tuple(self.weights)), w)


@dataclass(frozen=True)
class Penalised(Objective):
    """An objective less a quadratic penalty: ``weight / 2 * sum(((x - centre) / scale) ** 2)``."""

    centre: Array
    scale: Array
    weight: float

    def values(self, x: Array) -> Array:
        """Return the value alone, (batch,)."""
        return self.evaluate(x)[0]

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = super().evaluate(x)
        away = (x - self.centre) / self.scale
        penalty = 0.5 * self.weight * np.sum(away**2, axis=1)
        return value - penalty, gradient - self.weight * away / self.scale

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p)."""
        return super().hessian(x) - self.weight * np.diag(1 / self.scale**2)

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return the Hessian at each row of `x` times that row of `v`, (batch, p)."""
        return super().hessian_product(x, v) - self.weight * v / self.scale**2


@dataclass(frozen=True)
class RowwiseObjective(Objective):
    """An objective that is another one in each row of a batch: each has its own `inputs`."""

    inputs: Mapping[str, NDArray]

    def rows(self, which: NDArray[np.int_]) -> RowwiseObjective:
        """Return the objective of rows `which`; a row that is named twice comes twice."""
        return replace(self, inputs={name: rows[which] for name, rows in self.inputs.items()})

    def values(self, x: Array) -> Array:
        """Return the value alone, (batch,)."""
        return self.evaluate(x)[0]

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = self.density.evaluate(x, tuple(self.weights), self.inputs)
        w = np.array(list(self.weights.values()))
        return value @ w, np.einsum("btp,t->bp", gradient, w)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p)."""
        w = np.array(list(self.weights.values()))
        hessian = self.density.hessian(x, tuple(self.weights), self.inputs)
        return np.einsum("btpq,t->bpq", hessian, w)

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return the Hessian at each row of `x` times that row of `v`, (batch, p)."""
        w = np.array(list(self.weights.values()))
        product = self.density.hessian_product(x, v, tuple(self.weights), self.inputs)
        return np.einsum("btp,t->bp", product, w)


@dataclass(frozen=True)
class RowwisePenalised(RowwiseObjective):
    """A `Penalised` objective that is another one in each row of a batch."""

    centre: Array  # (batch, p)
    scale: Array  # (batch, p)
    weight: Array  # (batch, 1)

    def rows(self, which: NDArray[np.int_]) -> RowwisePenalised:
        """Return the objective of rows `which`; a row that is named twice comes twice."""
        return replace(
            self,
            inputs={name: rows[which] for name, rows in self.inputs.items()},
            centre=self.centre[which],
            scale=self.scale[which],
            weight=self.weight[which],
        )

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        """Return the value, (batch,), and the gradient, (batch, p)."""
        value, gradient = super().evaluate(x)
        away = (x - self.centre) / self.scale
        penalty = 0.5 * self.weight[:, 0] * np.sum(away**2, axis=1)
        return value - penalty, gradient - self.weight * away / self.scale

    def hessian(self, x: Array) -> Array:
        """Return the Hessian, (batch, p, p)."""
        hessian = super().hessian(x)
        diagonal = np.arange(self.p)
        hessian[:, diagonal, diagonal] -= self.weight / self.scale**2
        return hessian


def together(
    density: LogDensity,
    objectives: Sequence[Objective],
    rows: Sequence[int],
    inputs: Mapping[str, NDArray],
) -> RowwiseObjective:
    """Return objectives of one kind and of the same weights as one, for a batch of all their rows.

    Parameters
    ----------
    density : LogDensity
        Their density, with inputs.
    objectives : sequence of Objective
        All plain ones, or all `Penalised`.
    rows : sequence of int
        How many rows of the batch belong to each.
    inputs : mapping of str to ndarray, (batch, *shape)
        The inputs in each row.
    """
    first = objectives[0]
    if type(first) is Objective:
        return RowwiseObjective(density, first.weights, inputs)
    assert isinstance(first, Penalised)
    centre, scale, weight = (
        np.repeat(np.array([np.atleast_1d(getattr(o, name)) for o in objectives]), rows, axis=0)
        for name in ("centre", "scale", "weight")
    )
    return RowwisePenalised(density, first.weights, inputs, centre, scale, weight)
