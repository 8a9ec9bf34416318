"""A model's log densities with discrete variables summed out of them, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike, NDArray

from bayes_point.errors import ModelError
from bayes_point.model.density.building import building
from bayes_point.model.density.density import Inputs, LogDensity
from bayes_point.model.density.derivatives import natural_derivatives
from bayes_point.model.discrete.sums import Sums
from bayes_point.model.rows import row_function
from bayes_point.model.starts import starting_points

__all__ = ["SummedDensity", "summed_density"]

Array = NDArray[np.float64]

# Variables, of whatever size: with 16 in a chain the graphs take twenty seconds, with 40 minutes.
_MOST_VARIABLES = 16


class SummedDensity(LogDensity):
    """The log densities of a model's continuous variables, discrete ones summed out.

    The term ``"likelihood"`` is the log of the sum of p(y, z | theta) over the discrete variables
    z.  It is a density like any other: no approximation, and no search.

    Parameters
    ----------
    model : pymc.Model
        The model.
    full : LogDensity
        Its density, of whose inputs the discrete variables are.
    names : sequence of str
        Those that are summed out.
    x : ndarray, (p,)
        A point from near which it is told what depends on what.

    Attributes
    ----------
    full : LogDensity
        The density that was summed.
    sums : Sums
        How.
    reasons : mapping of str to str
        What is summed out, and why.
    """

    def __init__(self, model: pm.Model, full: LogDensity, names: Sequence[str], x: Array) -> None:
        self.__dict__.update(full.__dict__)
        self._made_from_sum = (model, full, tuple(names), x)
        self.full, self.sums = full, Sums(model, full, names, x)
        self.reasons: Mapping[str, str] = dict.fromkeys(names, "named")
        with building():
            factors, summed, rest = self.sums.graphs()
            self.graphs = full.graphs.summed(names, summed, rest, self.sums.in_likelihood)
            self._factors = self.graphs.of_x([factors])[0]
        self.functions = full.functions.of(self.graphs)
        # Whether a graph runs on a whole batch is another question of another graph.
        self.functions.__dict__.pop("is_vectorised", None)
        self._bound = {k: v for k, v in full._bound.items() if k not in names}
        self._discrete = [name for name in full._discrete if name not in names]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what this was made of; nothing compiled."""
        return _made_again, (*self._made_from_sum, self.bound, self._is_rough)

    # ------------------------------------------------------------------------ the discrete ones

    def probabilities(self, x: Array) -> dict[str, Array]:
        """Return the probability of each value of each element at one point, (*shape, K)."""
        return self.sums.probabilities(self._factors_at(x))

    def _factors_at(self, x: Array) -> Array:
        function = self.functions.kept(
            "factors",
            lambda: row_function(
                self.functions.compile, self.graphs.row, [self._factors], vectorised=False
            ),
        )
        rows = [one.batch(self.bound.get(k, one.own)[None]) for k, one in self.inputs.items()]
        with np.errstate(all="ignore"):
            return np.asarray(function(x[None], *rows)[0][0])

    def likeliest(self, x: Array) -> dict[str, NDArray]:
        """Return the most probable value of each element at one point; of endless ones too."""
        found = {}
        for name, chance in self.probabilities(x).items():
            best = np.argmax(np.nan_to_num(chance), axis=-1, keepdims=True)
            found[name] = np.take_along_axis(self.sums.values_of(name), best, -1)[..., 0]
        return found | self.sums.endless_modes(x)

    def given(self, x: Array) -> LogDensity:
        """Return the density that was summed, with the likeliest values at one point as data."""
        return self.full.bind({**self.bound, **self.likeliest(x)})

    # -------------------------------------------------------------------------- as `LogDensity`

    def bind(self, values: Mapping[str, ArrayLike]) -> LogDensity:
        """See `LogDensity`."""
        return super().bind({k: v for k, v in values.items() if k in self.inputs})

    @property
    def natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """See `LogDensity`."""
        own = {name: self.full.inputs[name].shape for name in self.sums.names}
        return {**own, **self.full.natural_shapes}

    def natural(self, x: Array, inputs: Inputs | None = None) -> dict[str, NDArray]:
        """See `LogDensity`; the discrete variables have their most probable values."""
        rows = []
        for i, row in enumerate(x):
            bound = self.bind({k: v[i] for k, v in inputs.items()}) if inputs else self
            rows.append(bound.likeliest(row))  # type: ignore[attr-defined]
        more = {name: np.stack([row[name] for row in rows]) for name in self.sums.names}
        own = inputs or {k: np.repeat(v[None], len(x), 0) for k, v in self.bound.items()}
        return self.full.natural(x, {**own, **more})

    def draws(self, x: Array, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `LogDensity`; the discrete variables are drawn, those that depend jointly."""
        each = [self.sums.drawn(self._factors_at(row), row, rng) for row in x]
        own = {name: np.repeat(rows, len(x), axis=0) for name, rows in self.bound.items()}
        more = {name: np.stack([one[name] for one in each]) for name in self.sums.names}
        return self.full.natural(x, {**own, **more})

    def natural_jacobian(self, x: Array) -> dict[str, Array]:
        """Return the derivatives of every natural-scale variable at `x`, (*shape, p).

        Given the most probable values of the discrete ones, which have none themselves.
        """
        return natural_derivatives(self.given(x)).jacobian(x)


def summed_density(model: pm.Model, full: LogDensity, names: Sequence[str]) -> SummedDensity:
    """Return a density with discrete variables summed out; made once a density.

    Raises
    ------
    ModelError
        If too many of their elements depend on each other, or their values have no end; if they are
        too many variables.
    """
    if len(names) > _MOST_VARIABLES:
        raise ModelError(
            f"{len(names)} discrete variables, {names[0]!r} to {names[-1]!r}, would be summed out "
            "one by one: a graph with terms of each takes longer to build with each, and is "
            f"built for up to {_MOST_VARIABLES}. Write them as the elements of few variables: "
            "with shape= or dims= where they are alike; a chain as one vector, whose elements "
            "depend on each other through an elementwise pm.Potential of z[:-1] and z[1:]. That "
            "is summed out whatever its length."
        )

    def make() -> SummedDensity:
        rng = np.random.default_rng(0)
        start = starting_points(model, full, n_starts=1, initvals=None, rng=rng)[0]
        return SummedDensity(model, full, names, start)

    density: SummedDensity = full.functions.kept(("summed", *names), make)
    return density


def _made_again(
    model: pm.Model,
    full: LogDensity,
    names: Sequence[str],
    x: Array,
    bound: Mapping[str, NDArray],
    is_rough: bool,
) -> LogDensity:
    density: LogDensity = SummedDensity(model, full, names, x)
    density = density.bind(bound) if bound else density
    return density.rough() if is_rough else density
