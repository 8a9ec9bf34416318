"""The search in more coordinates than a dense Hessian is good for.

The same questions as in `search`, answered by Hessian-vector products: how far from the maximum is
by conjugate gradients.  What the best end is, `many_judge` decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.checks.audit import audited_claim
from bayes_point.estimation.certificate.many_certify import (
    certify_many,
    is_maximum,
    is_near,
    judge_on_kinks,
)
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.nonsmooth.many_kinks import vertex_from
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.optima import Optimum
from bayes_point.estimation.optimise.truncated import climb

__all__ = ["MANY", "search_many"]

Array = NDArray[np.float64]

# Coordinates from which a dense Hessian, its eigenvalues and a batch of both take longer.
MANY = 500


def search_many(objective: Objective, starts: Array) -> tuple[Certificate, list[Optimum], int]:
    """Climb from each start, and prove what the best end is.  Returns what `search` does."""
    if (vertex := vertex_from(objective, starts[0])) is not None:
        claim = judge_on_kinks(objective, vertex, starts[0])
        if claim is not None:
            certificate = audited_claim(objective, "vertex", claim, vertex.x, -np.inf)
            return certificate, [Optimum(vertex.x, certificate.value, (0,), False)], 1
    first = climb(objective, starts[0])
    ends = [first]
    best = first
    reached: dict[int, list[int]] = {0: [0]}

    def home(x: Array) -> int | None:
        for k, end in enumerate(ends):
            if end.settled and is_near(x, end):
                return k
        return None

    for i, start in enumerate(starts[1:], 1):
        end = climb(objective, start, stop=lambda x: home(x) is not None)
        k = home(end.x)
        if k is not None:
            reached[k].append(i)
            continue
        if not end.stopped:
            reached[len(ends)] = [i]
            ends.append(end)
            if np.isfinite(end.value) and not best.value >= end.value:
                best = end
    objective.announce("certifying")
    where = next(k for k, end in enumerate(ends) if end is best)
    claim = certify_many(objective, best, starts[reached[where][0]], starts[0])
    certificate = audited_claim(objective, "curvature", claim, best.x, best.value)
    optima = [
        Optimum(end.x, end.value, tuple(reached[k]), False)
        for k, end in sorted(enumerate(ends), key=lambda pair: (pair[0] != where, -pair[1].value))
        if end.settled and (k == where or is_maximum(objective, end))
    ]
    return certificate, optima, len(starts)
