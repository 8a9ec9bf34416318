"""What there is of a search whose time was up."""

from __future__ import annotations

from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding
from bayes_point.estimation.estimate.discrete import Enumerated
from bayes_point.estimation.progress import Watch

__all__ = ["stopped", "when_stopped"]


def stopped(watch: Watch, n_starts: int) -> Enumerated:
    """Return the best point that was seen, as one that is not converged."""
    assert watch.best is not None, "nothing is stopped before there is a point"
    finding = Finding(
        when_stopped(watch, "search"),
        evidence={"log density": watch.value, "evaluations": float(watch.evaluations)},
        advice="It is the best point seen. Give more time with max_seconds=, or go on from here: "
        "initvals= takes the values of this point.",
    )
    certificate = Certificate.stopped(watch.best, watch.value, finding)
    return Enumerated(watch.objective, certificate, [], n_starts)


def when_stopped(watch: Watch, what: str) -> str:
    """Say after how long something was stopped, and what it was doing."""
    return f"The {what} was stopped after {watch.deadline.seconds:.3g} s, while {watch.phase}."
