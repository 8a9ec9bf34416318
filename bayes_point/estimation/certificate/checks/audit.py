"""The last check, which trusts nothing before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.limits import natural_limit
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import Claim, Passed, Said, Verdict
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.precision import rounding

__all__ = ["audit", "audited", "audited_claim", "contradictions"]

Array = NDArray[np.float64]

# Of a log density relative to 1 + its size: two evaluations of one point in batches of different
# sizes add up in another order.
_SAME = 1e-9
# Relative, what a limit that was extrapolated may be off.
_EXTRAPOLATED = 1e-6


def audit(case: Case) -> Verdict:
    """Claim that nothing was proven where what is reported contradicts itself.

    Asked of every estimate, whatever was claimed of it.

    Evidence: the density evaluated afresh at the point is finite and the value reported, to its
    rounding; a limit is not below any end of the search, nor above what the model allows (a
    probability of discrete data is at most one); every parameter of a point is finite, and where a
    supremum is at infinity some parameter is infinite.  What fails is not converged, whatever was
    claimed; the best point seen is kept, and marked as such.

    Blind spot: what is wrong without contradicting itself.

    Source: McCullough and Vinod (2003), https://doi.org/10.1257/000282803322157133
    """
    return audited(case.objective, case.certificate, *case.best_end)


def audited(
    objective: Objective, known: Certificate, best: Array, in_hand: float
) -> Claim | Passed:
    """Return what is to be said of a certificate, with the best end that is in hand, (p,)."""
    wrong = contradictions(objective, known, in_hand)
    if wrong and np.isfinite(in_hand):
        # Of what rounding may have raised, less is in hand.
        sure = in_hand - float(rounding(objective, best[None])[0])
        wrong = contradictions(objective, known, sure)
    fresh = float(objective.values(known.x[None])[0])
    evidence = {"log density evaluated afresh": fresh}
    if np.isfinite(in_hand):
        evidence["best log density in hand"] = in_hand
    if not wrong:
        return Passed(evidence)
    x, value = (known.x, fresh) if fresh >= in_hand else (best, in_hand)
    finding = Finding(
        " ".join(wrong) + " So nothing was proven; the best point seen is given.",
        (),
        {"log density of the point given": value},
        "Give starting values nearer to the optimum with initvals=, or rescale; if the model is "
        "what you mean, please report it.",
    )
    return Claim(
        _Seen(x, value),
        Status.NOT_CONVERGED,
        (finding,),
        is_proof=True,
        overrules=True,
        evidence=evidence,
    )


def audited_claim(
    objective: Objective, check: str, claim: Claim, best: Array, in_hand: float
) -> Certificate:
    """Return the certificate of what one check claimed, audited beside the best end in hand."""
    verdict = audited(objective, Certificate.concluded([claim]), best, in_hand)
    claims = [claim, verdict] if isinstance(verdict, Claim) else [claim]
    return Certificate.concluded(claims, [Said.of(check, claim), Said.of("audit", verdict)])


@dataclass(frozen=True)
class _Seen:
    """A point of which nothing is known but that it was seen."""

    x: Array
    value: float
    distance: float = np.nan
    noise: float = np.nan

    @property
    def curvature(self) -> Array:
        return np.full(1, np.nan)


def contradictions(objective: Objective, known: Certificate, in_hand: float) -> list[str]:
    """Return in words in what a certificate contradicts the density, or itself.

    Parameters
    ----------
    objective : Objective
        What was maximised.
    known : Certificate
        What is claimed.
    in_hand : float
        The best value that the search ended at.
    """
    if known.status is Status.UNBOUNDED:
        return [] if np.any(known.undefined) else ["It is called unbounded, along nothing."]
    wrong = []
    value, goes_off = known.value, bool(np.any(known.direction))
    along = objective.evaluate(known.path)[0]
    noise = 2 * known.evidence.get("rounding of the log density", 0.0)
    allowed = noise + _SAME * (1 + abs(value))
    if not np.isfinite(value):
        return [f"The log density reported is {value}."]
    if not np.isfinite(along[-1]):
        wrong.append(f"The log density at the point is {along[-1]}: it is outside the support.")
    elif not goes_off and abs(along[-1] - value) > allowed:
        wrong.append(f"The log density at the point is {along[-1]:.9g}, not {value:.9g}.")
    if known.status is not Status.NOT_CONVERGED:
        allowed += _EXTRAPOLATED * (1 + abs(value)) if goes_off else 0.0
        best = max(in_hand, float(np.nanmax(along)))
        if best > value + allowed:
            wrong.append(f"A point was seen with log density {best:.9g}, above {value:.9g}.")
    most = objective.most
    if value > most + allowed:
        wrong.append(f"The log density reported is {value:.9g}, and at most {most:.9g} possible.")
    return wrong + _not_finite(objective, known)


def _not_finite(objective: Objective, known: Certificate) -> list[str]:
    """Return in words which parameters are infinite, or finite, against what the status says."""
    density = objective.density
    natural = natural_limit(density, known.path, known.direction)
    values = {name: np.asarray(natural[name], float) for name in dict.fromkeys(density.variables)}
    infinite = [name for name, value in values.items() if not np.all(np.isfinite(value))]
    if known.status is Status.AT_INFINITY and not infinite:
        return ["It is said to be at infinity, and every parameter is finite."]
    if known.status is not Status.AT_INFINITY and infinite and not np.any(known.direction):
        return [f"It is said to be a point, and {', '.join(infinite)} is not finite."]
    if known.status.is_point and infinite:
        return [f"It is said to be a point, and {', '.join(infinite)} is not finite."]
    return []
