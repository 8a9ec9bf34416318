"""Following the estimate as the weights of likelihood and prior change."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.estimation.certificate.certify import certify
from bayes_point.estimation.certificate.checks.vertex import is_evident_vertex
from bayes_point.estimation.certificate.point import held_at
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.tracks import follow
from bayes_point.estimation.estimate.assemble import assemble, optima_of
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.nonsmooth.kinks import next_vertex
from bayes_point.estimation.objective import Objective, weighted
from bayes_point.estimation.optimise.powers import Ends, climb
from bayes_point.estimation.progress import Alarm, OutOfTime, tracked
from bayes_point.estimation.uncertainty.information import information
from bayes_point.model.data.observations import some_observations
from bayes_point.model.density.density import LogDensity

__all__ = ["Rows", "follow_rows"]

Array = NDArray[np.float64]

# So many of the local maxima found at one row are starting points of the others.
_OPTIMA = 4
# So many powers without a maximum are judged one by one.
_JUDGED = 2
# Steps in a log towards a pole.
_NEARER = 10.0


@dataclass(frozen=True)
class Rows:
    """The rows of a path: what each maximises, and how a maximum of it is found and judged.

    Of the estimates that are `known`, none is searched for.  `weights`, (rows, 2), are those of the
    likelihood and of the prior; `column` says to which of the two a term of the density belongs, 0
    or 1.
    """

    model: pm.Model
    density: LogDensity
    column: Mapping[str, int]
    estimator: str
    weights: Array
    starts: Array
    rng: np.random.Generator
    known: Sequence[EstimateRecord] = ()
    alarm: Alarm | None = None
    _searched: dict[int, tuple[EstimateRecord, list[Array]]] = field(default_factory=dict)

    def objective(self, i: int) -> Objective:
        """Return what row i maximises; a term of weight zero may be infinite, and is left out."""
        pairs = ((term, self.weights[i, k]) for term, k in self.column.items())
        weights = {term: float(w) for term, w in pairs if w > 0}
        return Objective(self.density, weights, observer=self.alarm)

    @property
    def all(self) -> Objective:
        """What all rows maximise, each with its own weights."""
        weights = {t: self.weights[:, k] for t, k in self.column.items()}
        return Objective(self.density, weights, observer=self.alarm)

    def parts(self, x: Array) -> Array:
        """Return log-likelihood and log-prior of each point, without weights: (batch, 2)."""
        values, _ = self.density.evaluate(x, tuple(self.column))
        return values @ np.eye(2)[list(self.column.values())]

    def search(self, i: int) -> tuple[EstimateRecord, list[Array]]:
        """Find the maximum of row i as find_MLE and find_MAP do; return the points found, too."""
        if i not in self._searched:
            weights = self.objective(i).weights
            same = [one for one in self.known if one.objective.weights == weights]
            self._searched[i] = (same[0], _points(same[0])) if same else self._search(i)
        return self._searched[i]

    def _search(self, i: int) -> tuple[EstimateRecord, list[Array]]:
        objective = self.objective(i)
        observed = some_observations(self.model)
        rng = copy.deepcopy(self.rng)
        certificate, optima, n_starts = search(objective, self.starts, rng, observed)
        estimate = self._assembled(objective, certificate, optima, n_starts)
        return estimate, [certificate.x, *(optimum.x for optimum in optima[:_OPTIMA])]

    def judge(self, i: int, x: Array, settled: bool) -> EstimateRecord:
        """Say what kind of optimum of row i a point is."""
        objective = self.objective(i)
        start = self.starts[0]
        certificate = certify(objective, x, start=start, centre=start, settled=settled)
        return self._assembled(objective, certificate, [], len(self.starts))

    def at_pole(self, i: int, pole: Certificate) -> EstimateRecord | None:
        """Say that row i is unbounded where another row is; None if it is not."""
        objective = self.objective(i)
        for j in np.flatnonzero(pole.undefined):
            outwards = float(np.copysign(1.0, pole.x[j] - self.starts[0, j]))
            # Where it weighs less, a pole has won only nearer to it.
            for nearer in (0.0, _NEARER):
                x = pole.x.copy()
                x[j] += outwards * nearer
                if nearer:
                    x = held_at(objective, x, np.arange(len(x)) == j)
                value = float(objective.evaluate(x[None, :])[0][0])
                noise = 1e-12 * (1 + abs(value))
                track = follow(objective, x, value, pivot=int(j), step=outwards, noise=noise)
                if track.grows_without_bound:
                    there = replace(pole, path=track.x[-1:])
                    return self._assembled(objective, there, [], len(self.starts))
        return None

    def given_up(self, i: int, x: Array, first: int) -> EstimateRecord:
        """Say of row i that nothing was looked for, as the maximum was lost at row `first`."""
        objective = self.objective(i)
        found = Finding(
            f"The maximum was lost at power {self.weights[first, 1]:.3g}; beyond it none was "
            "looked for.",
            advice="Ask for this power alone to have it searched for from every start.",
        )
        value = float(objective.evaluate(x[None, :])[0][0])
        p = len(x)
        certificate = Certificate(
            status=Status.NOT_CONVERGED,
            path=x[None, :],
            direction=np.zeros(p),
            undefined=np.zeros(p, bool),
            value=value,
            null_space=np.empty((0, p)),
            findings=(found,),
            evidence={},
        )
        return self._assembled(objective, certificate, [], 0)

    def _assembled(self, objective: Objective, *found: Any) -> EstimateRecord:
        whole = replace(objective, observer=None)
        return assemble(self.model, whole, self.estimator, *found)


def follow_rows(
    rows: Rows, progressbar: bool
) -> tuple[Ends, dict[int, EstimateRecord], NDArray[np.int_]]:
    """Return where each row ended, the estimates of those that are not evident maxima, and which.

    These are all, unless the time was up.
    """
    count, p = rows.weights.shape[0], rows.density.p
    try:
        return _followed(rows, progressbar)
    except OutOfTime:
        # What was searched for is known, whatever was to come.
        found = {i: estimate for i, (estimate, _) in rows._searched.items()}
        nothing = np.zeros(count, bool)
        x = np.repeat(rows.starts[:1], count, axis=0)
        ends = Ends(x, np.full(count, np.nan), np.zeros((count, p), bool), nothing, nothing)
        return ends, found, np.array(sorted(found), int)


def _followed(
    rows: Rows, progressbar: bool
) -> tuple[Ends, dict[int, EstimateRecord], NDArray[np.int_]]:
    lost = _lost_beyond_the_map(rows, progressbar)
    if lost is not None:
        return *lost, np.arange(len(rows.weights))
    found, points, kinks, poles = _anchors(rows)
    smooth = np.all(np.isnan(kinks))
    ends = climb(rows.all, points, kinks) if smooth else _along_kinks(rows, found)
    # The supremum of a weighted sum is convex in the weights: where it is finite at two powers, it
    # is finite between them.
    _close_in(rows, found, poles)
    bounded = [i for i in found if i not in poles]
    low, high = min(bounded, default=len(ends.x)), max(bounded, default=-1)
    for i in [i for i in found if _is_beaten(found[i], float(ends.value[i]))]:
        del found[i]
    open_ = [
        i
        for i in range(len(ends.x))
        if i not in found and not (ends.evident[i] and low <= i <= high)
    ]
    with suppress(OutOfTime):
        for i in tracked(open_, _following, show=progressbar):
            if not low <= i <= high:
                found[i] = rows.at_pole(i, _nearest(poles, i)) or rows.search(i)[0]
                continue
            judged = rows.judge(i, ends.x[i], bool(ends.settled[i]))
            if judged.status is Status.NOT_CONVERGED:
                judged = rows.search(i)[0]
            found[i] = judged
    undone = [i for i in open_ if i not in found]
    return ends, found, np.setdiff1d(np.arange(len(ends.x)), undone)


def _lost_beyond_the_map(
    rows: Rows, progressbar: bool
) -> tuple[Ends, dict[int, EstimateRecord]] | None:
    """Follow the path where beyond the MAP there comes a power with no maximum; None elsewhere.

    A prior that has no upper bound (a scale, a shape at zero) wins when it weighs enough.  To
    search at each of these powers from every start, as at those that may have a maximum, takes
    minutes, and says the same every time: the first are judged, the others are what that proves.
    """
    map_ = np.flatnonzero(np.all(rows.weights == 1, axis=1))
    last = len(rows.weights) - 1
    if not map_.size or int(map_[0]) in (0, last) or np.any(rows.weights[:, 0] != 1):
        return None
    middle = int(map_[0])
    found: dict[int, EstimateRecord] = {}
    points: list[Array] = []
    for i in (middle, 0):
        found[i], optima = rows.search(i)
        if i == middle and not _is_smooth_maximum(found[i]):
            return None
        points += [x for x in optima if np.all(np.isfinite(x))]
    kinks = np.full(rows.density.p, np.nan)
    ends = climb(rows.all, np.unique(points, axis=0), kinks)
    open_ = np.flatnonzero(~ends.evident)
    first = int(open_[open_ > middle].min(initial=last + 1))
    if first > last or ends.evident[first:].any() or not ends.evident[1:first].all():
        return None
    if any(_is_beaten(found[i], float(ends.value[i])) for i in (0, middle)):
        return None
    del found[middle]
    pole: Certificate | None = None
    beyond = range(first, last + 1)
    for i in tracked(beyond, _following, show=progressbar):
        if i - first < _JUDGED and pole is None:
            found[i] = rows.judge(i, ends.x[i], bool(ends.settled[i]))
            if found[i].status is Status.CONVERGED:
                return None
            if found[i].status is Status.UNBOUNDED:
                pole = found[i].certificate
        else:
            at_pole = rows.at_pole(i, pole) if pole is not None else None
            found[i] = at_pole or rows.given_up(i, ends.x[i], first)
    return ends, found


def _points(estimate: EstimateRecord) -> list[Array]:
    """Return where the best optima of an estimate are."""
    others = range(1, min(_OPTIMA, estimate.optima.sizes["optimum"]))
    return [estimate.certificate.x, *optima_of(estimate, others)]


def _following(power: int) -> str:
    return "following the path"


def _is_smooth_maximum(estimate: EstimateRecord) -> bool:
    if estimate.status is not Status.CONVERGED:
        return False
    return not bool(np.any(information(estimate).where("kink")))


def _anchors(
    rows: Rows,
) -> tuple[dict[int, EstimateRecord], Array, Array, dict[int, Certificate]]:
    """Search from every start at the ends of the path, and at the MAP.

    Returns the estimates by row, the points from which the other rows start, the kinks, and what
    was proven of the rows that are unbounded.
    """
    last = len(rows.weights) - 1
    map_ = np.flatnonzero(np.all(rows.weights == 1, axis=1))
    found: dict[int, EstimateRecord] = {}
    poles: dict[int, Certificate] = {}
    points: list[Array] = []
    todo = list(dict.fromkeys([0, *map(int, map_), last]))
    while todo:
        i = todo.pop(0)
        found[i], optima = rows.search(i)
        if found[i].status is Status.CONVERGED:
            points += [x for x in optima if np.all(np.isfinite(x))]
        elif i in (0, last) and last > 1 and found[i].status is not Status.UNBOUNDED:
            # Nothing follows from it for its neighbour.
            todo += [j for j in ((1,) if i == 0 else (last - 1,)) if j not in (*found, *todo)]
        if found[i].status is Status.UNBOUNDED:
            poles[i] = found[i].certificate
    for i in [i for i in found if poles and i not in poles]:
        # A weak pole escapes a search that does not know of it.
        estimate = rows.at_pole(i, _nearest(poles, i))
        if estimate is not None:
            found[i], poles[i] = estimate, estimate.certificate
    kinks = np.full(rows.density.p, np.nan)
    for estimate in found.values():
        x = estimate.unconstrained.values
        if estimate.status is Status.CONVERGED:
            at = information(estimate).where("kink")
            kinks[at] = x[at]
    return found, np.unique(points or rows.starts[:1], axis=0), kinks, poles


def _along_kinks(rows: Rows, found: Mapping[int, EstimateRecord]) -> Ends:
    """Follow a path from vertex to vertex of the kinks, outwards from the maxima that are known."""
    count, p = len(rows.weights), rows.density.p
    x, value = np.full((count, p), np.nan), np.full(count, -np.inf)
    evident, held = np.zeros(count, bool), np.zeros((count, p), bool)
    for i, estimate in found.items():
        if estimate.status is Status.CONVERGED:
            x[i], value[i] = estimate.certificate.x, estimate.certificate.value
            evident[i] = True
    known = np.flatnonzero(evident)
    # Every row from the neighbour nearer to a known one.
    order = sorted(
        set(range(count)) - set(known), key=lambda i: np.abs(known - i).min(initial=count)
    )
    for i in order if known.size else []:
        near = [j for j in (i - 1, i + 1) if 0 <= j < count and evident[j]]
        if not near:
            continue
        objective = rows.objective(int(i))
        vertex = next_vertex(objective, x[near[0]])
        if vertex is not None:
            x[i], held[i] = vertex.x, vertex.held
            value[i] = objective.evaluate(x[i][None])[0][0]
            evident[i] = is_evident_vertex(objective, vertex)
    reached = np.flatnonzero(np.isfinite(value))
    if reached.size:
        # No row may be beaten by the point of another.
        parts = rows.parts(x[reached])
        crossed = weighted(rows.weights[:, :, None], parts.T[None, :, :])
        best = np.where(np.isfinite(crossed), crossed, -np.inf).max(axis=1)
        evident &= best <= value + 1e-9 * (1 + np.abs(value))
    lost = np.flatnonzero(~np.isfinite(value))
    x[lost] = rows.starts[0]
    return Ends(x, value, held, evident, evident)


def _close_in(rows: Rows, found: dict[int, EstimateRecord], poles: dict[int, Certificate]) -> None:
    """Find, by halving, the last rows before those that are unbounded, and add all to `found`."""
    for outwards in (1, -1):
        while True:
            inner = max((i * outwards for i in found if i not in poles), default=None)
            outer = min(
                (i * outwards for i in poles if inner is not None and i * outwards > inner),
                default=None,
            )
            if inner is None or outer is None or outer - inner <= 1:
                break
            i = abs((inner + outer) // 2)
            found[i] = rows.at_pole(i, _nearest(poles, i)) or rows.search(i)[0]
            if found[i].status is Status.UNBOUNDED:
                poles[i] = found[i].certificate


def _nearest(poles: Mapping[int, Certificate], i: int) -> Certificate:
    return poles[min(poles, key=lambda k: abs(k - i))]


def _is_beaten(estimate: EstimateRecord, value: float) -> bool:
    """Whether the path came by a better point than the search did."""
    own = float(estimate.optima["log_density"].values[0])
    return estimate.status.is_point and value > own + 1e-7 * (1 + abs(own))
