"""One model, one estimator, and a block of data sets: from arrays to arrays."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from bayes_point.estimation.certificate.evident import evident, may_collapse
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.assemble import likelihood_terms
from bayes_point.estimation.estimator import estimator_of
from bayes_point.estimation.marginal.integrate import integrated_of_inputs, within
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search, finite_hessian, maximise
from bayes_point.estimation.optimise.regular import Factors, Rest, Weighted, newton
from bayes_point.estimation.progress import Alarm, Deadline
from bayes_point.estimation.refit.doubtful import Outcome, Singly
from bayes_point.estimation.refit.task import STATUSES, Task, stderr_of, value_of_stderr
from bayes_point.model.density.cache import log_density
from bayes_point.model.density.curvature import Curvature
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.push import NaturalPush
from bayes_point.model.starts import starting_points

__all__ = ["Arrays", "Refitter"]

Array = NDArray[np.float64]
Arrays = dict[str, NDArray]

# Elements of the data of a block: so much stays in the processor's cache from one operation to the
# next, and the interpreter's own time for an operation is still small beside it.
_ELEMENTS = 2**16
_FEWEST = 64
# Starts of a data set that is looked at by itself: as many as `find_MLE` takes.
_STARTS = 8
# The longest step in a log or a logit.
_REACH = 5.0
# Of an integral, after which one that still climbs is on its way to an edge.
_ITERATIONS = 40

# A PyTensor function keeps its results in itself: two threads must not share one.
_LOCK = threading.RLock()


@dataclass
class _Shared:
    """What is kept with a density, for the next call."""

    curvatures: dict[tuple[str, ...], Curvature] = field(default_factory=dict)
    pushes: dict[tuple[str, ...], NaturalPush] = field(default_factory=dict)
    start: Array | None = None


_KEPT: WeakKeyDictionary[LogDensity, _Shared] = WeakKeyDictionary()


class Refitter:
    """A model and a task, made ready once and applied to block after block of data sets.

    Parameters
    ----------
    model : pymc.Model
        The model.
    task : Task
        What is asked.
    """

    def __init__(self, model: pm.Model, task: Task) -> None:
        self.model, self.task = model, task
        self.estimator = estimator_of(
            model, task.estimator, jacobian=task.jacobian, potentials=task.potentials
        )
        values = {value.name for value in model.discrete_value_vars}
        self.discrete = tuple(
            rv.name for rv in model.free_RVs if model.rvs_to_values[rv].name in values
        )
        self.density = log_density(
            model,
            backend=task.backend,
            inputs=(*task.names, *self.discrete),
            weights=task.weights,
        )
        if task.asked.marginalize is not None:
            self._integrate()
        self.terms = task.weighted(self.estimator.weights)
        kept = self._kept = _KEPT.setdefault(self.density, _Shared())
        terms = tuple(self.terms)
        self.curvature = kept.curvatures.setdefault(terms, Curvature(self.density, terms))
        names = tuple(self.density.graphs.natural_shapes)
        if task.var_names is not None:
            names = tuple(name for name in task.var_names if name not in self.discrete)
        self.push = kept.pushes.setdefault(names, NaturalPush(self.density, names))
        self._given: Array | None = None
        self.deadline = Deadline(None)

    def _integrate(self) -> None:
        """Put the marginal density in the place of the model's, found out at the model's data."""
        density = integrated_of_inputs(self.model, self.density, self.task.asked)
        self.estimator, self.density, self.discrete = within(self.estimator, density), density, ()

    @property
    def natural_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each variable asked for, by name."""
        return self.push.shapes

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each result of one data set, by name."""
        natural = self.natural_shapes
        return {
            **natural,
            **{stderr_of(name): shape for name, shape in natural.items()},
            "log_likelihood": (),
            "status": (),
        }

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Dims of each result of one data set, by name."""
        own = {name: tuple(map(str, array.dims)) for name, array in self._template.items()}
        return {name: own.get(value_of_stderr(name), ()) for name in self.shapes}

    @property
    def coords(self) -> dict[str, Any]:
        """The model's coords of the results."""
        return {str(dim): coord for dim, coord in self._template.coords.items()}

    @property
    def attrs(self) -> dict[str, Any]:
        """What the results are of, in a form that survives netCDF."""
        task = self.task
        return {
            "estimator": task.estimator,
            "jacobian": int(task.jacobian),
            "prior_weight": task.prior_weight,
            "n_starts": task.n_starts,
        }

    @property
    def likelihood_terms(self) -> tuple[str, ...]:
        """The terms of the density that are the likelihood."""
        return likelihood_terms(self.estimator.name, Objective(self.density, self.terms))

    @cached_property
    def _template(self) -> xr.Dataset:
        return self.density.dataset({k: np.zeros(v) for k, v in self.natural_shapes.items()})

    @property
    def block_size(self) -> int:
        """Data sets that are worked on together."""
        return max(_FEWEST, _ELEMENTS // max(1, self.density.graphs.data_size))

    def run(self, inputs: Mapping[str, NDArray], starts: Array | None) -> Arrays:
        """Return the results of a block of data sets, each (batch, *shape).

        Parameters
        ----------
        inputs : mapping of str to ndarray, (batch, *shape)
            The data.
        starts : ndarray, (batch, p), optional
            A start for each; by default the model's initial point for all.
        """
        batch = len(next(iter(inputs.values())))
        # Two threads on matrices of this size get in each other's way.
        with _LOCK, _blas().limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            if starts is None:
                starts = np.repeat(self.start[None], batch, axis=0)
            out = self._found(inputs, starts)
            return {name: out[name] for name in self.shapes}

    def _found(self, inputs: Mapping[str, NDArray], starts: Array) -> Arrays:
        """Return the results; of data sets whose numbers cannot be an index, that there are none.

        One of these would stop all: they are found by halving.
        """
        try:
            return self._refitted(inputs, starts)
        except IndexError:
            n = len(starts)
            if n == 1:
                if self._has_value_at(starts, inputs):
                    raise
                return self._nothing()
            halves = (slice(n // 2), slice(n // 2, n))
            parts = [
                self._found({name: rows[half] for name, rows in inputs.items()}, starts[half])
                for half in halves
            ]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _has_value_at(self, starts: Array, inputs: Mapping[str, NDArray]) -> bool:
        given = dict(inputs) | {name: self.density.inputs[name].own[None] for name in self.discrete}
        try:
            self.density.evaluate(starts, tuple(self.terms), given)
        except IndexError:
            return False
        return True

    def _nothing(self) -> Arrays:
        """Return the results of one data set for which the density cannot be computed."""
        out: Arrays = {name: np.full((1, *shape), np.nan) for name, shape in self.shapes.items()}
        out["status"] = np.array([STATUSES.index(Status.NOT_CONVERGED)], np.int8)
        return out

    def _refitted(self, inputs: Mapping[str, NDArray], starts: Array) -> Arrays:
        weights = np.array(list(self.terms.values()))
        objective = Weighted(self.curvature, weights, self.curvature.data(inputs))
        rest = self._climb(objective, starts, inputs)
        return self._results(objective, rest, starts, inputs)

    @property
    def _alarm(self) -> Alarm | None:
        """What raises `OutOfTime` in the middle of a block: none of it is kept."""
        return None if self.deadline.seconds is None else Alarm(self.deadline)

    # --------------------------------------------------------------------------------- searches

    def _climb(self, objective: Weighted, starts: Array, inputs: Mapping[str, NDArray]) -> Rest:
        """Climb from each start, and from the others that are asked for; the best end wins."""
        reach = np.where(self._transformed, _REACH, np.inf)

        def climb(x: Array) -> Rest:
            if self.density.is_integral:
                return self._carried(x, inputs)
            return newton(objective, np.ascontiguousarray(x.T), reach)

        rest = climb(starts)
        for other in self._starts()[1:] if self.task.n_starts > 1 else ():
            again = climb(np.repeat(other[None], len(starts), axis=0))
            better = np.flatnonzero(again.settled & (~rest.settled | (again.value > rest.value)))
            rest.put(better, again.rows(better))
        left = np.flatnonzero(~rest.settled)
        if left.size and not self.density.is_integral:
            each = Objective(self.density, self.terms, inputs=inputs, observer=self._alarm)
            rest.put(left, _rest_of(maximise(each.rows(left), starts[left])))
        return rest

    def _carried(self, starts: Array, inputs: Mapping[str, NDArray]) -> Rest:
        """Climb on integrals, from the Hessian that they have at the first start and own data.

        It is carried along, and computed once for each of the ends.
        """
        own = {name: one.own[None] for name, one in self.density.inputs.items()}
        first = Objective(self.density, self.terms, inputs=own)
        near = finite_hessian(first, starts[:1])[0]
        rough = self.density.rough()
        climbed = Objective(rough, self.terms, inputs=inputs, observer=self._alarm)
        ends = maximise(climbed, starts, max_iterations=_ITERATIONS, hessian=near)
        hessian = Objective(self.density, self.terms, inputs=inputs).hessian(ends.x)
        return _rest_of(replace(ends, hessian=hessian))

    def _results(
        self, objective: Weighted, rest: Rest, starts: Array, inputs: Mapping[str, NDArray]
    ) -> Arrays:
        factors = Factors.of(rest.hessian, 0.0)
        sure = evident(objective, rest, factors, self._transformed)
        is_local = np.zeros(len(sure), bool)
        if self._singly.continuous:
            is_local = sure & may_collapse(objective, rest, self._transformed)
            if not self.task.local:
                sure &= ~is_local
        x = np.ascontiguousarray(rest.x.T)
        natural = self.push.values(x, inputs)
        # A copy: what is written here is not to show in what the density keeps.
        out = {name: np.array(values, dtype=float) for name, values in natural.items()}
        out["log_likelihood"] = self._log_likelihood(objective, rest, inputs)
        status = np.full(len(x), STATUSES.index(Status.CONVERGED), np.int8)
        status[sure & is_local] = STATUSES.index(Status.LOCAL)
        doubtful = np.flatnonzero(~sure)
        outcomes: list[Outcome] = []
        if doubtful.size:
            further = self._starts()[1:] if not self.task.local else starts[:0]
            self._singly.alarm = self._alarm
            outcomes = self._singly.outcomes(doubtful, starts, further, inputs)
        for i, one in zip(doubtful, outcomes, strict=True):
            x[i] = one.x
            status[i] = STATUSES.index(one.status)
            out["log_likelihood"][i] = one.log_likelihood
            for name in natural:
                out[name][i] = one.natural[name]
        errors = factors.errors()
        has_errors = sure
        if doubtful.size:
            there = objective.rows(doubtful)
            _, gradient, hessian = there.all(np.ascontiguousarray(x[doubtful].T))
            own = Factors.of(hessian, 0.0)
            y = own.forward(gradient)
            # At a kink, or beyond all doubt only by other means, there is no curvature to go by.
            regular = (own.least > 0) & (np.sum(y * y / own.pivots, axis=0) < 1e-6)
            errors[..., doubtful] = own.errors()
            has_errors = sure.copy()
            inside = [STATUSES.index(one) for one in (Status.CONVERGED, Status.LOCAL)]
            has_errors[doubtful] = regular & np.isin(status[doubtful], inside)
        directions = np.ascontiguousarray(errors.transpose(0, 2, 1))
        for name, variance in self.push.variances(x, directions, inputs).items():
            known = has_errors.reshape(-1, *(1,) * (variance.ndim - 1))
            out[stderr_of(name)] = np.where(known, np.sqrt(variance), np.nan)
        out["status"] = status
        return out

    def _log_likelihood(
        self, objective: Weighted, rest: Rest, inputs: Mapping[str, NDArray]
    ) -> Array:
        terms = self.likelihood_terms
        if tuple(self.terms) == terms:
            return rest.value.copy()
        alone = self._kept.curvatures.setdefault(terms, Curvature(self.density, terms))
        return np.array(alone.value(rest.x, alone.data(inputs), np.ones(len(terms))))

    @cached_property
    def _singly(self) -> Singly:
        """What looks at the data sets whose maximum is not evident."""
        return Singly(
            self.model,
            self.density,
            self.terms,
            self.likelihood_terms,
            self.push.shapes,
            self.task.random_seed,
            self.task.local,
        )

    # ----------------------------------------------------------------------------------- starts

    @property
    def _transformed(self) -> NDArray[np.bool_]:
        return Objective(self.density, self.terms).is_transformed

    @property
    def start(self) -> Array:
        """Return the model's initial point, with the initial values asked for."""
        if self._given is not None:
            return self._given[0]
        if self.task.initvals is None and self._kept.start is not None:
            return self._kept.start
        start = self._drawn(1)[0]
        if self.task.initvals is None:
            self._kept.start = start
        return start

    def _starts(self) -> Array:
        """Return that point, and draws from the prior."""
        if self._given is None:
            self._given = self._drawn(max(self.task.n_starts, _STARTS))
        return self._given

    def _drawn(self, n: int) -> Array:
        return starting_points(
            self.model,
            self.density,
            n_starts=n,
            initvals=self.task.initvals,
            rng=np.random.default_rng(self.task.random_seed),
        )


def _rest_of(ends: Search) -> Rest:
    return Rest(
        ends.x.T, ends.value, ends.gradient.T, ends.hessian.transpose(1, 2, 0), ends.settled
    )


@cache
def _blas() -> ThreadpoolController:
    """Return what bounds the threads; to look for the libraries takes longer than many blocks."""
    return ThreadpoolController()
