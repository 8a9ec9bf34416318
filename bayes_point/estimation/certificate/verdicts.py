"""What a check can say of a point: that there is a better one, a claim, or that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.optimise.maximise import Search

__all__ = ["PRECEDENCE", "Better", "Claim", "Further", "Judged", "Passed", "Said", "Verdict"]

Array = NDArray[np.float64]

# Of several claims the first in this order is the status: what says most about why there is no
# ordinary estimate.  What no claim touches has converged.
PRECEDENCE = (
    Status.UNBOUNDED,
    Status.AT_INFINITY,
    Status.NOT_IDENTIFIED,
    Status.NOT_CONVERGED,
    Status.LOCAL,
    Status.ON_BOUNDARY,
    Status.CONVERGED,
)


class Judged(Protocol):
    """What is known of a point, by a matrix or by products: value, curvature, how far it is off."""

    @property
    def x(self) -> Array:
        """The point, (p,)."""
        ...

    @property
    def value(self) -> float:
        """The objective there."""
        ...

    @property
    def curvature(self) -> Array:
        """Eigenvalues of the scaled curvature, ascending, or the ends of them."""
        ...

    @property
    def distance(self) -> float:
        """The way to the stationary point nearby, in standard errors."""
        ...

    @property
    def noise(self) -> float:
        """What rounding can make of the objective."""
        ...


@dataclass(frozen=True)
class Passed:
    """A check that applied and found nothing against the point, with the numbers it looked at."""

    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Better:
    """A point from which everything begins anew.

    Attributes
    ----------
    x : ndarray, (p,)
        The better point.
    origin : ndarray, (p,)
        Whence it was reached.
    held : ndarray of bool, (p,), optional
        Coordinates that stay at a kink; given where the search only goes on to where it comes to
        rest, and does not leave for another maximum.
    evidence : mapping of str to float
        The numbers.
    """

    x: Array
    origin: Array
    held: NDArray[np.bool_] | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Further:
    """More starts and where they led to, among which there may be a better maximum.

    Attributes
    ----------
    starts : ndarray, (k, p)
        The starts.
    ends : Search
        Where they led to.
    is_apart : bool
        Whether they are judged by themselves, and count only if they lead to a maximum.
    evidence : mapping of str to float
        The numbers.
    """

    starts: Array
    ends: Search
    is_apart: bool
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What a check claims of a point, in the parameters that its findings name.

    Attributes
    ----------
    point : Judged
        The point.
    status : Status
        What it claims the point to be.
    findings : tuple of Finding
        Why, and which parameters it concerns.
    is_proof : bool
        Whether this settles what the point is, so that no other check is asked.
    overrules : bool
        Whether it counts whatever else was claimed.
    evidence : mapping of str to float
        The numbers.
    proof : str
        What is known for certain, beyond the numbers, in words.
    path, direction, undefined, value, null_space
        As in a `Certificate`; by default those of a finite point that stays where it is.
    """

    point: Judged
    status: Status
    findings: tuple[Finding, ...] = ()
    is_proof: bool = False
    overrules: bool = False
    evidence: Mapping[str, float] = field(default_factory=dict)
    proof: str = ""
    path: Array | None = None
    direction: Array | None = None
    undefined: NDArray[np.bool_] | None = None
    value: float | None = None
    null_space: Array | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters it concerns; none named where it is of the point as a whole."""
        return tuple(dict.fromkeys(name for one in self.findings for name in one.parameters))


type Verdict = Better | Further | Claim | Passed | None


@dataclass(frozen=True)
class Said:
    """What one check said of a point, in words and numbers.

    Attributes
    ----------
    check : str
        Name of the check.
    verdict : str
        ``"passed"``, ``"better"``, or the key of the status claimed.
    parameters : tuple of str
        The parameters it concerns.
    evidence : mapping of str to float
        The numbers that it rests on.
    proof : str
        What is known for certain, beyond the numbers, in words.
    """

    check: str
    verdict: str
    parameters: tuple[str, ...]
    evidence: Mapping[str, float]
    proof: str = ""

    @classmethod
    def of(cls, check: str, verdict: Better | Further | Claim | Passed) -> Said:
        """Return what a check said."""
        if isinstance(verdict, Claim):
            numbers = dict(verdict.evidence)
            for finding in verdict.findings:
                numbers |= finding.evidence
            return cls(check, verdict.status.key, verdict.parameters, numbers, verdict.proof)
        word = "passed" if isinstance(verdict, Passed) else "better"
        return cls(check, word, (), verdict.evidence)
