"""A point on trial: all that the checks may ask about it, each thing computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.point import Point
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.suspects import (
    both_ways,
    is_answer,
    is_loose,
    rises_aslant,
    suspects,
)
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.verdicts import Better, Claim, Said, Verdict
from bayes_point.estimation.nonsmooth.kinks import is_maximum_along, vertex_at
from bayes_point.estimation.nonsmooth.vertices import Vertex
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search
from bayes_point.estimation.optimise.optima import Optimum
from bayes_point.estimation.optimise.paths import Path, release
from bayes_point.estimation.optimise.ridge import Ridge, ridge_at

__all__ = ["Case", "World", "is_finite", "where_finite"]

Array = NDArray[np.float64]

# Log density that rounding may make of a point from which a path can still be followed.
_LOST_IN_ROUNDING = 1e-3


@dataclass
class World:
    """What the whole search knows, for the checks that look away from the point.

    Attributes
    ----------
    starts : ndarray, (n, p)
        The starts so far.
    observed : ndarray, (n,)
        Observed values, on which a component of a mixture may collapse.
    rng : Generator
        Of further starts.
    climb : callable
        From starts, (k, p), to where they lead.
    ends : Search
        Where the starts led to.
    optima : list of Optimum
        The distinct maxima, best first.
    elsewhere : tuple of ndarray and Search, optional
        Starts on other scales, and where they led to, once that was looked for.
    """

    starts: Array
    observed: Array
    rng: np.random.Generator
    climb: Callable[[Array], Search]
    ends: Search
    optima: list[Optimum] = field(default_factory=list)
    elsewhere: tuple[Array, Search] | None = None

    def add(self, starts: Array, ends: Search) -> None:
        """Take down further starts as tried, and where they led to."""
        self.starts = np.concatenate([self.starts, starts])
        self.ends = self.ends.joined(ends)

    @property
    def all_the_same(self) -> bool:
        """Whether all starts led to one maximum."""
        return len(self.optima) == 1 and len(self.optima[0].starts) == len(self.starts)


class Case:
    """A point on trial.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    x : ndarray, (p,)
        The point.
    start : ndarray, (p,)
        The start that led to it.
    centre : ndarray, (p,)
        A point well inside.
    settled : bool
        Whether the search came to rest at it.
    world : World, optional
        What the whole search knows.
    said : sequence of Said
        What was said of the points before this one.
    """

    def __init__(
        self,
        objective: Objective,
        x: Array,
        *,
        start: Array,
        centre: Array,
        settled: bool,
        world: World | None = None,
        said: Sequence[Said] = (),
    ) -> None:
        self.objective, self.x, self.start, self.centre = objective, x, start, centre
        self.settled = settled
        self.origin = start
        self.held = np.zeros(len(x), bool)
        # How often it was left for a better point.
        self.attempt = 0
        self.is_first = True
        self.claims: list[Claim] = []
        self.said = list(said)
        self._world = world

    @property
    def is_open(self) -> bool:
        """Whether the search stopped here without having come to rest, and has not gone on yet."""
        return self.is_first and not self.settled

    @property
    def is_undisputed(self) -> bool:
        """Whether nothing but that it is a maximum was claimed so far."""
        return all(claim.status is Status.CONVERGED for claim in self.claims)

    @property
    def certificate(self) -> Certificate:
        """What the claims so far come to; where there are none the point has converged."""
        claims = self.claims or [Claim(self.point, Status.CONVERGED)]
        return Certificate.concluded(claims, self.said)

    @property
    def world(self) -> World:
        """What the whole search knows; only a search as a whole has it."""
        assert self._world is not None, "of a point alone, nothing is known of what is elsewhere"
        return self._world

    @property
    def best_end(self) -> tuple[Array, float]:
        """The best of the ends of the whole search, and its value; of a point alone, none."""
        if self._world is None or np.all(np.isnan(self._world.ends.value)):
            return self.x, -np.inf
        best = int(np.nanargmax(self._world.ends.value))
        return self._world.ends.x[best], float(self._world.ends.value[best])

    @property
    def outlook(self) -> Point:
        """The point of the certificate, from which something was seen elsewhere."""
        x = self.certificate.x
        return Point.at(self.objective, x, np.zeros(len(x), bool))

    def hear(self, check: str, verdict: Verdict) -> None:
        """Take down what a check said; that it did not apply is not worth a line."""
        if verdict is None:
            return
        self.said.append(Said.of(check, verdict))
        if isinstance(verdict, Claim):
            # Of two proofs the later one has seen more.
            self.claims.insert(0 if verdict.is_proof else len(self.claims), verdict)

    def move(self, better: Better) -> None:
        """Go on at a better point."""
        goes_on = better.held is not None
        keep = {"path"} & self.__dict__.keys() if goes_on else set()
        if better.x is self.x:
            keep |= {"point"}
        for name in _CACHED - keep:
            self.__dict__.pop(name, None)
        self.x, self.origin = better.x, better.origin
        self.held = better.held if better.held is not None else np.zeros(len(self.x), bool)
        self.attempt += not goes_on
        self.is_first = False
        self.claims = []

    @cached_property
    def point(self) -> Point:
        """What the density is like around the point."""
        return Point.at(self.objective, self.x, self.held)

    @cached_property
    def vertex(self) -> Vertex | None:
        """The kinks that the point is on, where they may make it a maximum."""
        return vertex_at(self.objective, self.x, between=False)

    @cached_property
    def ridge(self) -> Ridge | None:
        """The narrow ridge that the point is on, if it is on one."""
        return ridge_at(self.objective, self.x) if self.vertex is None else None

    @cached_property
    def pivots(self) -> list[int]:
        """Coordinates that stand for the directions in which a maximum is not evident."""
        return suspects(self.objective, self.point)

    @cached_property
    def is_loose(self) -> bool:
        """Whether the point is held by next to nothing in a direction, here only."""
        around = np.stack([self.start, self.centre])
        return bool(self.pivots) and is_loose(self.objective, self.point, around)

    @cached_property
    def pairs(self) -> list[tuple[Track, Track]]:
        """The density followed up and down along the pivots, the others maximised over."""
        return both_ways(self.objective, self.point, self.pivots) if self.pivots else []

    @cached_property
    def null(self) -> list[Track]:
        """The tracks along which the density does not change, one of each pair."""
        flat = [(up, down) for up, down in self.pairs if up.is_flat or down.is_flat]
        return [up if up.is_flat else down for up, down in flat]

    @property
    def is_open_ended(self) -> bool:
        """Whether some pair of tracks is neither flat nor falling both ways."""
        return any(not is_answer(*pair) for pair in self.pairs)

    @cached_property
    def path(self) -> Path:
        """The path from the centre to where the density leads, by way of the point."""
        return self.path_from(self.centre)

    def path_from(self, centre: Array) -> Path:
        """Return the path from another centre by way of the point."""
        # From a point that is lost in rounding nothing can be followed.
        by_way_of = self.x if self.point.noise < _LOST_IN_ROUNDING else centre
        return release(self.objective, by_way_of, centre)

    @cached_property
    def is_maximum_across(self) -> bool:
        """Whether the density falls off the kinks that the point is held at, also aslant."""
        along = is_maximum_along(self.objective, self.x, self.held)
        return bool(np.all(along == self.held)) and not rises_aslant(self.objective, self.point)


def is_finite(objective: Objective, rows: Array) -> NDArray[np.bool_]:
    """Whether both the density and its gradient are numbers, (batch,)."""
    value, gradient = objective.evaluate(rows) if len(rows) else (np.empty(0), rows)
    finite: NDArray[np.bool_] = np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)
    return finite


def where_finite(objective: Objective, rows: Array) -> Array:
    """Return the rows where both the density and its gradient are numbers."""
    return rows[is_finite(objective, rows)]


# What is known of a point only, and forgotten with it.
_CACHED = {name for name, made in vars(Case).items() if isinstance(made, cached_property)}
