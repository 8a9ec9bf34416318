"""The interior maxima of a density that has no upper bound, and the highest of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.certify import audit, is_evident, try_at
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import Claim
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search
from bayes_point.estimation.optimise.optima import Optimum, distinct
from bayes_point.model.components import effective_observations
from bayes_point.model.density.density import LogDensity

__all__ = ["interior_maxima", "is_spurious", "local_maximum"]

Array = NDArray[np.float64]

# A mean, a variance and a weight need a few observations each: a component that rests on fewer than
# these fits what happens to lie close together.
_FEW = 5.0


def interior_maxima(objective: Objective, ends: Search) -> tuple[list[Optimum], list[Optimum]]:
    """Return the interior maxima among the ends of a search, best first; apart, the spurious."""
    found = [o for o in distinct(ends, objective.density) if is_evident(objective, o.x)]
    if not found:
        return [], []
    spurious = is_spurious(objective.density, np.array([o.x for o in found]))
    sound, others = (
        [o for o, own in zip(found, spurious, strict=True) if own == flag] for flag in (False, True)
    )
    return sound, others


def is_spurious(density: LogDensity, x: Array) -> NDArray[np.bool_]:
    """Whether a component of a mixture rests on a few observations only, at each point, (batch,).

    Such maxima are next to the poles at pairs and triples of observations that happen to be close,
    and say nothing of the rest (Day 1969, https://doi.org/10.1093/biomet/56.3.463; Hathaway 1985,
    https://doi.org/10.1214/aos/1176349557).
    """
    out = np.zeros(len(x), bool)
    for counts in effective_observations(density, x).values():
        out |= np.min(counts, axis=1) < _FEW
    return out


def local_maximum(
    objective: Objective, maxima: Sequence[Optimum], starts: Array, unbounded: Certificate
) -> tuple[Certificate, list[Optimum]] | None:
    """Return the first of some interior maxima that is proven to be one, and all from it on.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    maxima : sequence of Optimum
        In the order in which they are preferred.
    starts : ndarray, (n, p)
        The starts that led to them.
    unbounded : Certificate
        That the density has no upper bound.
    """
    for k, one in enumerate(maxima):
        start = starts[one.starts[0]]
        case = Case(objective, one.x, start=start, centre=starts[0], settled=True)
        try_at(case)
        case.hear("audit", audit(case))
        if case.certificate.status is not Status.CONVERGED:
            continue
        where = ", ".join(dict.fromkeys(n for f in unbounded.findings for n in f.parameters))
        finding = Finding(
            f"Elsewhere the density grows without limit, along {where}: this is the highest "
            f"interior maximum that {len(starts)} starts led to.",
            (),
            {},
            "Standard errors, criteria and intervals are those of this maximum. Where the model "
            "holds, one such maximum is consistent (Kiefer 1978, "
            "https://doi.org/10.2307/1913913); compare the others in .optima.",
        )
        claim = Claim(case.point, Status.LOCAL, (finding,), overrules=True)
        case.hear("local_maximum", claim)
        rest = [o for i, o in enumerate(maxima) if i != k]
        return case.certificate, [one, *rest]
    return None
