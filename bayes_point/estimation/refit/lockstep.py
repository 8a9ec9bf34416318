"""Many searches side by side: what they ask of the density at the same time is answered together.

Finding out what kind of maximum a data set has takes a thousand small questions to the density, one
depending on the last, and each costs the interpreter far more than the arithmetic.  Of many data
sets the questions are much the same.  So each search runs in a thread of its own until it asks;
when all have asked, questions that are alike are put as one batch.  Only one thread runs at any
time: they are threads for the sake of their stacks, not for speed.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_point.estimation.objective import Objective, Penalty
from bayes_point.estimation.optimise.maximise import Search, maximise
from bayes_point.model.density.density import LogDensity

__all__ = ["side_by_side"]

Array = NDArray[np.float64]

# Threads at a time: enough that the interpreter's own time is spread thin.
_AT_ONCE = 500


def side_by_side[T](
    density: LogDensity,
    data: Sequence[Mapping[str, ArrayLike]],
    weights: Mapping[str, float],
    search: Callable[[Objective, int], T],
) -> list[T]:
    """Return ``search(objective, i)`` for each i, with the objective of ``data[i]``.

    Parameters
    ----------
    density : LogDensity
        A density with inputs.
    data : sequence of mapping
        The inputs of each data set.
    weights : mapping of str to float
        Of the terms of the density, in the objective.
    search : callable
        What is done with each of them; what it asks the objective is answered in a batch.
    """
    out: dict[int, T] = {}
    waiting = [
        _Thread(Objective(density.bind(one), weights), i, search)
        for i, one in reversed(list(enumerate(data)))
    ]
    running: list[_Thread[T]] = []
    try:
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                running.append(waiting.pop())
                running[-1].start()
            for one in running:
                if one.is_ready:
                    one.resume()
            for one in [one for one in running if one.question is None]:
                out[one.number] = one.outcome()
            running = [one for one in running if one.question is not None]
            _answer(density, running)
    finally:
        for one in running:
            one.cancel()
    return [out[i] for i in range(len(data))]


@dataclass(frozen=True)
class _Call:
    """A function of the density at some points."""

    function: Callable
    shapes: Sequence[tuple[int, ...]]
    vectors: Sequence[Array]

    @property
    def kind(self) -> Hashable:
        return "call", id(self.function)

    @property
    def rows(self) -> int:
        return len(self.vectors[0])

    @staticmethod
    def answer(
        density: LogDensity, calls: Sequence[_Call], inputs: Mapping[str, NDArray]
    ) -> list[Any]:
        vectors = [np.concatenate(each) for each in zip(*(c.vectors for c in calls), strict=True)]
        found = density.call(calls[0].function, calls[0].shapes, vectors, inputs)
        return [list(parts) for parts in zip(*(_parts(o, calls) for o in found), strict=True)]


@dataclass(frozen=True)
class _Climb:
    """A call of `maximise`."""

    objective: Objective
    starts: Array
    free: NDArray[np.bool_]
    max_iterations: int

    @property
    def kind(self) -> Hashable:
        weights = tuple(self.objective.weights.items())
        return "climb", self.objective.penalty is None, weights, self.max_iterations

    @property
    def rows(self) -> int:
        return len(self.starts)

    @staticmethod
    def answer(
        density: LogDensity, climbs: Sequence[_Climb], inputs: Mapping[str, NDArray]
    ) -> list[Any]:
        penalties = [c.objective.penalty for c in climbs if c.objective.penalty is not None]
        penalty = Penalty.of_each(penalties, [c.rows for c in climbs]) if penalties else None
        found = maximise(
            Objective(density, climbs[0].objective.weights, penalty, inputs),
            np.concatenate([climb.starts for climb in climbs]),
            free=np.concatenate([climb.free for climb in climbs]),
            max_iterations=climbs[0].max_iterations,
        )
        columns = [_parts(getattr(found, field.name), climbs) for field in fields(found)]
        return [Search(*parts) for parts in zip(*columns, strict=True)]


_Question = _Call | _Climb


def _parts(rows: NDArray, questions: Sequence[_Question]) -> list[NDArray]:
    """Cut what was found into the parts that each has asked for; copies, to be written to."""
    ends = np.cumsum([one.rows for one in questions])[:-1]
    return [part.copy() for part in np.split(rows, ends)]


def _answer(density: LogDensity, asking: Iterable[_Thread]) -> None:
    """Answer the questions of some threads, those of one kind together."""
    kinds: dict[Hashable, list[_Thread]] = {}
    for one in asking:
        assert one.question is not None
        kinds.setdefault(one.question.kind, []).append(one)
    # The short questions first: by then more have come to one of the long ones, and of these only
    # those of the most common kind.
    short = {kind: threads for kind, threads in kinds.items() if threads[0].asks_for(_Call)}
    if kinds and not short:
        most = max(kinds, key=lambda kind: len(kinds[kind]))
        short = {most: kinds[most]}
    for threads in short.values():
        questions: list[Any] = [one.question for one in threads]
        inputs = {
            name: np.repeat(
                np.stack([one.objective.density.bound[name] for one in threads]),
                [one.rows for one in questions],
                axis=0,
            )
            for name in density.inputs
        }
        for one, found in zip(
            threads, questions[0].answer(density, questions, inputs), strict=True
        ):
            one.answer = found


class _Cancelled(BaseException):
    """Ends a thread whose outcome nobody waits for any more."""


class _Thread[T]:
    """A search that runs until it asks the density something, and goes on with the answer.

    It evaluates the density of its objective, and maximises the objective.
    """

    def __init__(
        self, objective: Objective, number: int, search: Callable[[Objective, int], T]
    ) -> None:
        self.number, self.search = number, search
        density = objective.density.evaluated_by(self.call)
        self.objective = replace(objective, density=density, maximiser=self)
        self.question: _Question | None = None
        self.answer: Any = None
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._is_cancelled = False
        self._turn, self._back = threading.Lock(), threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether there is something to go on with."""
        return self.question is None or self.answer is not None

    def asks_for(self, what: type) -> bool:
        """Whether the question is of some class."""
        return isinstance(self.question, what)

    def start(self) -> None:
        """Make the thread; it waits for `resume`."""
        self._turn.acquire()
        self._back.acquire()
        # NumPy keeps in the context what is done about division by zero.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Run until there is a question, or, where `question` is None, an outcome."""
        self._turn.release()
        self._back.acquire()

    def outcome(self) -> T:
        """Return what the search returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def cancel(self) -> None:
        """End the thread, wherever it is."""
        self._is_cancelled = True
        self._turn.release()
        self._thread.join()

    def call(self, function: Callable, shapes: Any, vectors: Sequence[Array]) -> list[NDArray]:
        """Ask for a function of the density."""
        found: list[NDArray] = self._ask(_Call(function, shapes, vectors))
        return found

    def maximise(
        self,
        objective: Objective,
        starts: Array,
        free: NDArray[np.bool_] | None,
        max_iterations: int,
    ) -> Search:
        """Ask for a search for maxima."""
        starts = np.array(starts, dtype=float)
        free = np.ones(starts.shape, bool) if free is None else free
        found: Search = self._ask(_Climb(objective, starts, free, max_iterations))
        return found

    def _ask(self, question: _Question) -> Any:
        self.question = question
        self._back.release()
        self._turn.acquire()
        answer, self.question, self.answer = self.answer, None, None
        if self._is_cancelled:
            raise _Cancelled
        return answer

    def _run(self) -> None:
        self._turn.acquire()
        try:
            if not self._is_cancelled:
                self._outcome.append(self.search(self.objective, self.number))
        except _Cancelled:
            pass
        except BaseException as error:
            self._error = error  # raised where the outcome is asked for
        finally:
            self._back.release()
