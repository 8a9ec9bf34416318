"""A block of data sets for a model with discrete free variables: each joint value is tried."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.discrete import (
    enumerate_values,
    equally_good,
    first_of_best,
    other_labels,
    relabelled,
)
from bayes_point.estimation.optimise.regular import Rest, Weighted
from bayes_point.estimation.refit.batch import Arrays, Refitter
from bayes_point.estimation.refit.task import STATUSES, Task, stderr_of

__all__ = ["refitter_of"]

Array = NDArray[np.float64]


def refitter_of(model: pm.Model, task: Task) -> Refitter:
    """Return what refits a model, with or without discrete free variables."""
    is_tried = model.discrete_value_vars and task.asked.marginalize is None
    kind = _DiscreteRefitter if is_tried else Refitter
    return kind(model, task)


class _DiscreteRefitter(Refitter):
    """A `Refitter` that maximises over the discrete variables by enumeration, as `find_MLE` does.

    Raises
    ------
    ModelError
        If their joint values cannot be enumerated.
    """

    def __init__(self, model: pm.Model, task: Task) -> None:
        self.values = enumerate_values(model)
        super().__init__(model, task)

    @property
    def natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each variable asked for, by name; the discrete ones first."""
        wanted = self.task.var_names
        discrete = {
            name: values.shape[1:]
            for name, values in self.values.items()
            if wanted is None or name in wanted
        }
        return discrete | self.push.shapes

    def _refitted(self, inputs: Mapping[str, NDArray], starts: Array) -> Arrays:
        data = {name: rows for name, rows in inputs.items() if name not in self.values}
        height, rest = self._tried(data, starts)
        chosen = data | {name: values[first_of_best(height)] for name, values in self._rows.items()}
        if rest is not None:
            out = self._results(self._weighted(chosen), rest, starts, chosen)
        else:
            out = self._only_values(height.max(axis=1), chosen)
        point = np.isin(out["status"], [i for i, s in enumerate(STATUSES) if s.is_point])
        found = out["status"] != STATUSES.index(Status.NOT_CONVERGED)
        for name in self.values:
            nothing = np.full(chosen[name].shape, np.nan)
            shown = found.reshape(-1, *(1,) * (nothing.ndim - 1))
            out[name] = np.where(shown, chosen[name], nothing)
            out[stderr_of(name)] = nothing
        # Several joint values that are equally good: the one given is the first.
        # What is only the first by other labels is no other value, as in `find_MLE`.
        tied = point & (equally_good(height).sum(axis=1) > 1)
        tied &= ~self._only_copies(height, np.flatnonzero(tied), data, starts)
        out["status"][tied] = STATUSES.index(Status.NOT_IDENTIFIED)
        for name in self.natural_shapes:
            out[stderr_of(name)][tied] = np.nan
        return out

    def _only_copies(
        self,
        height: Array,
        which: NDArray[np.int_],
        data: Mapping[str, NDArray],
        starts: Array,
    ) -> NDArray[np.bool_]:
        """Whether all values that are as good as the best one of a data set are its other labels.

        Of the data sets `which`; of others it is not asked.
        """
        out = np.zeros(len(height), bool)
        good = equally_good(height)
        equal = {int(i): np.flatnonzero(good[i]) for i in which}
        best = {i: int(rows[0]) for i, rows in equal.items()}
        other = {i: other_labels(self.values, rows, best[i]) for i, rows in equal.items()}
        some = [i for i, rows in other.items() if len(rows) == len(equal[i]) - 1]
        if not some or not self.density.p:
            return out
        sets = np.concatenate([np.full(len(equal[i]), i) for i in some])
        joint = np.concatenate([equal[i] for i in some])
        inputs = {name: rows[sets] for name, rows in data.items()}
        inputs |= {name: rows[joint] for name, rows in self._rows.items()}
        ends = self._climb(self._weighted(inputs), starts[sets], inputs).x.T
        for i in some:
            own = dict(zip(joint[sets == i].tolist(), ends[sets == i], strict=True))
            given = {name: rows[i] for name, rows in data.items()}
            copies = relabelled(self.density, self.values, other[i], best[i], own, given)
            out[i] = len(copies) == len(other[i])
        return out

    @property
    def _rows(self) -> dict[str, NDArray]:
        """The joint values in the dtypes of the density."""
        return {name: self.density.inputs[name].batch(rows) for name, rows in self.values.items()}

    def _tried(self, data: Mapping[str, NDArray], starts: Array) -> tuple[Array, Rest | None]:
        """Maximise given each joint value.

        Returns
        -------
        ndarray, (batch, joint value)
            The heights reached; minus infinity where there is no value.
        Rest
            Where each data set came to rest at the best of them; None without other variables.
        """
        batch, total = len(starts), len(next(iter(self.values.values())))
        height = np.full((batch, total), -np.inf)
        ends: Rest | None = None
        at_once = max(1, self.block_size // batch)
        for first in range(0, total, at_once):
            some = slice(first, min(first + at_once, total))
            k = some.stop - some.start
            rows = {name: np.repeat(values, k, axis=0) for name, values in data.items()}
            rows |= {
                name: np.tile(values[some], (batch, *(1,) * (values.ndim - 1)))
                for name, values in self._rows.items()
            }
            start = np.repeat(starts, k, axis=0)
            if not self.density.p:
                terms = self.density.evaluate(start, tuple(self.terms), rows)[0]
                value = terms @ np.array(list(self.terms.values()))
                height[:, some] = _or_nothing(value).reshape(batch, k)
                continue
            rest = self._climb(self._weighted(rows), start, rows)
            height[:, some] = _or_nothing(rest.value).reshape(batch, k)
            # Of those that are equally good the first, whatever rounding says.
            best = first_of_best(height)
            top = rest.rows(np.arange(batch) * k + np.clip(best - first, 0, k - 1))
            if ends is None:
                ends = top
            ends.put(here := np.flatnonzero(best >= first), top.rows(here))
        return height, ends

    def _weighted(self, inputs: Mapping[str, NDArray]) -> Weighted:
        weights = np.array(list(self.terms.values()))
        return Weighted(self.curvature, weights, self.curvature.data(inputs))

    def _only_values(self, height: Array, inputs: Mapping[str, NDArray]) -> Arrays:
        """Return the results of a model that has discrete variables alone."""
        x = np.empty((len(height), 0))
        some = np.isfinite(height)
        out: Arrays = {}
        for name, values in self.push.values(x, inputs).items():
            shown = some.reshape(-1, *(1,) * (values.ndim - 1))
            out[name] = np.where(shown, values, np.nan)
            out[stderr_of(name)] = np.full(values.shape, np.nan)
        likelihood = self.density.evaluate(x, self.likelihood_terms, inputs)[0].sum(axis=1)
        out["log_likelihood"] = np.where(some, likelihood, np.nan)
        converged, failed = map(STATUSES.index, (Status.CONVERGED, Status.NOT_CONVERGED))
        out["status"] = np.where(some, converged, failed).astype(np.int8)
        return out


def _or_nothing(value: Array) -> Array:
    """Return log densities, minus infinity where there is none."""
    return np.where(np.isnan(value), -np.inf, value)
