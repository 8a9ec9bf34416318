"""Resampling as weights: what the units are, how often each is drawn, and each left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.inputs import weight_of

__all__ = ["Units", "units_of"]

Array = NDArray[np.float64]

# Of more units, groups of them are left out together.
_MOST_LEFT_OUT = 500


@dataclass(frozen=True)
class Units:
    """The units that are resampled: the cells of some dims of the observed variables.

    Attributes
    ----------
    dims : tuple of str
        Their dims.
    lengths : tuple of int
        How long these are.
    shapes : dict of str to tuple of int
        Shape of the weights of each observed variable.
    axes : dict of str to tuple of int
        For each observed variable the position of each of `dims`.
    """

    dims: tuple[str, ...]
    lengths: tuple[int, ...]
    shapes: Mapping[str, tuple[int, ...]]
    axes: Mapping[str, tuple[int, ...]]

    @property
    def n(self) -> int:
        """How many units there are."""
        return int(np.prod(self.lengths))

    def drawn(self, n: int, rng: np.random.Generator) -> Array:
        """Return how often each unit is drawn in n samples with replacement: (n, unit)."""
        return rng.multinomial(self.n, np.full(self.n, 1 / self.n), size=n).astype(float)

    def left_out(self) -> Array:
        """Return weights in which each unit is left out once, or each of many groups: (m, unit)."""
        m = min(self.n, _MOST_LEFT_OUT)
        return (np.arange(self.n) % m != np.arange(m)[:, None]).astype(float)

    def weights(self, counts: Array) -> dict[str, Array]:
        """Return the weights of the observations, given those of the units, (n, unit)."""
        n, out = len(counts), {}
        whole = counts.reshape(n, *self.lengths)
        for name, shape in self.shapes.items():
            axes = self.axes[name]
            ordered = whole.transpose(0, *(1 + np.argsort(axes)))
            spread = [length if i in axes else 1 for i, length in enumerate(shape)]
            out[name] = np.broadcast_to(ordered.reshape(n, *spread), (n, *shape))
        return out

    def parts(self, counts: Array, most: int) -> Iterator[dict[str, Array]]:
        """Yield the weights in parts of about so many numbers."""
        rows = max(1, most // sum(int(np.prod(shape)) for shape in self.shapes.values()))
        for i in range(0, len(counts), rows):
            yield self.weights(counts[i : i + rows])


def units_of(model: pm.Model, density: LogDensity, dims: str | Sequence[str] | None) -> Units:
    """Return the units along some dims of the observed variables.

    Parameters
    ----------
    model : pymc.Model
        The model.
    density : LogDensity
        Its density with weights.
    dims : str or sequence of str, optional
        May be None where all observed variables have one and the same dim.

    Raises
    ------
    ModelError
        If the dims have to be given, or are not those of every observed variable.
    """
    shapes = {rv.name: density.inputs[weight_of(rv.name)].shape for rv in model.observed_RVs}
    known: dict[str, tuple[str, ...]] = {}
    for name, shape in shapes.items():
        own = (model.named_vars_to_dims.get(name) or ())[: len(shape)]
        own = [*own, *(None for _ in range(len(shape) - len(own)))]
        known[name] = tuple(f"{name}_dim_{i}" if d is None else str(d) for i, d in enumerate(own))
    if dims is None:
        first = next(iter(known.values()), ())
        if len(first) != 1 or any(other != first for other in known.values()):
            raise ModelError(
                f"What is to be resampled cannot be told: the observed variables have the dims "
                f"{known}. Say along which one or more of them with dims=; every observed variable "
                "must have these."
            )
        dims = first
    chosen = (dims,) if isinstance(dims, str) else tuple(dims)
    if len(set(chosen)) < len(chosen) or not chosen:
        raise ModelError(f"dims must name one or more different dims, got {dims!r}.")
    for name, own in known.items():
        if missing := [dim for dim in chosen if dim not in own]:
            raise ModelError(
                f"dims names {missing}, which the observed variable {name!r} has not: it has "
                f"{list(own)}. Name dims that all observed variables have."
            )
    axes = {name: tuple(own.index(dim) for dim in chosen) for name, own in known.items()}
    lengths = [tuple(shapes[name][i] for i in axes[name]) for name in shapes]
    if len(set(lengths)) > 1 or int(np.prod(lengths[0])) < 2:
        raise ModelError(
            f"To resample along {list(chosen)}, every observed variable must have the same two or "
            f"more positions there; the lengths are {dict(zip(shapes, lengths, strict=True))}."
        )
    return Units(chosen, lengths[0], shapes, axes)
