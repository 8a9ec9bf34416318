"""Data sets looked at one by one, as `find_MLE` looks at its own; many of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.assemble import log_densities, natural_values
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.progress import Alarm
from bayes_point.estimation.refit.lockstep import side_by_side
from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.bounds import value_of

__all__ = ["Outcome", "Singly"]

Array = NDArray[np.float64]

# Data sets that are remembered, for the equal ones among those to come.
_REMEMBERED = 10_000
# Observed values on which a component of a mixture is tried to collapse.
_OBSERVATIONS = 24


@dataclass(frozen=True)
class Outcome:
    """What was found for one data set that was looked at by itself."""

    x: Array
    natural: Mapping[str, NDArray]
    log_likelihood: float
    status: Status


class Singly:
    """What is found of single data sets; at equal ones is looked once.

    Parameters
    ----------
    model : pymc.Model
        The model.
    density : LogDensity
        Its density, with the data as inputs.
    terms : mapping of str to float
        What is maximised: the weights of the density's terms.
    likelihood_terms : sequence of str
        Which of the terms are the likelihood.
    shapes : mapping of str to tuple of int
        The natural-scale variables wanted, with their shapes.
    random_seed : int
        Of the search.
    local : bool
        Whether interior maxima are wanted where there is no upper bound.
    """

    def __init__(
        self,
        model: pm.Model,
        density: LogDensity,
        terms: Mapping[str, float],
        likelihood_terms: Sequence[str],
        shapes: Mapping[str, tuple[int, ...]],
        random_seed: int,
        local: bool = False,
    ) -> None:
        self.model, self.density, self.terms = model, density, terms
        self.likelihood_terms, self.shapes, self.random_seed = likelihood_terms, shapes, random_seed
        self.local = local
        self.alarm: Alarm | None = None
        self._outcomes: dict[bytes, Outcome] = {}

    def outcomes(
        self,
        which: NDArray[np.int_],
        starts: Array,
        further: Array,
        inputs: Mapping[str, NDArray],
    ) -> list[Outcome]:
        """Return what is found for some data sets of a block.

        Parameters
        ----------
        which : ndarray of int
            Which.
        starts : ndarray, (batch, p)
            The start of each of the block.
        further : ndarray, (start, p)
            More starts, the same for all.
        inputs : mapping of str to ndarray, (batch, *shape)
            The data of the block.
        """
        if len(self._outcomes) >= _REMEMBERED:
            self._outcomes.clear()
        keys, new = [], {}
        for i in which:
            data = {name: rows[i] for name, rows in inputs.items()}
            rows = [starts[i], *data.values()]
            keys.append(b"".join(np.ascontiguousarray(row).tobytes() for row in rows))
            if keys[-1] not in self._outcomes:
                new[keys[-1]] = (np.concatenate([starts[i][None], further]), data)
        if new:
            each = list(new.values())
            found = side_by_side(
                self.density,
                [data for _, data in each],
                self.terms,
                lambda objective, i: self._look(objective, *each[i]),
            )
            self._outcomes.update(zip(new, found, strict=True))
        return [self._outcomes[key] for key in keys]

    def _look(self, objective: Objective, starts: Array, data: Mapping[str, NDArray]) -> Outcome:
        density = objective.density
        objective = replace(objective, observer=self.alarm)
        rng = np.random.default_rng(self.random_seed)
        try:
            observed = self._observed(data)
            certificate, _, _ = search(objective, starts, rng, observed, local=self.local)
        except ModelError:
            # No value at any start: of the others nothing is to be lost by that.
            nothing = {name: np.full(shape, np.nan) for name, shape in self.shapes.items()}
            gone = np.full(density.p, np.nan)
            return Outcome(gone, nothing, np.nan, Status.NOT_CONVERGED)
        terms = log_densities(objective, certificate)
        likelihood = sum(terms[t] for t in self.likelihood_terms)
        natural = natural_values(density, certificate)
        natural = {name: np.asarray(natural[name], float) for name in self.shapes}
        return Outcome(certificate.x, natural, float(likelihood), certificate.status)

    @cached_property
    def continuous(self) -> list[str]:
        """The observed variables on whose values a component of a mixture can collapse."""
        observed = self.model.observed_RVs
        return [rv.name for rv in observed if rv.type.dtype.startswith("float")]

    def _observed(self, data: Mapping[str, NDArray]) -> Array:
        """Return some of the values observed in a data set."""
        arrays = [np.empty(0)]
        for name in self.continuous:
            value = self.model.rvs_to_values[self.model[name]]
            own = next((data[key] for key in (name, value.name) if key in data), None)
            arrays.append(np.ravel(value_of(value) if own is None else own).astype(float))
        values = np.unique(np.concatenate(arrays))
        values = values[np.isfinite(values)]
        most = min(_OBSERVATIONS, len(values))
        return values[np.linspace(0, len(values) - 1, most).round().astype(int)]
