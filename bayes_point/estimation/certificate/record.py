"""What was proven of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import PRECEDENCE, Claim, Judged, Said

__all__ = ["Certificate"]

Array = NDArray[np.float64]

_HEAD = ("check", "verdict", "evidence")
# Parameters that are named in a row of the table.
_NAMED = 5


@dataclass(frozen=True)
class Certificate:
    """What was proven of a point.

    Printed, it is the proof: a table of what each check said, in the order in which it was asked.

    Attributes
    ----------
    status : Status
        The kind of optimum.
    path : ndarray, (steps, p)
        The point on the unconstrained scale, as the last row; where it lies at infinity, a path
        that leads there.
    direction : ndarray, (p,)
        Direction in which it goes to infinity; zeros where it does not.
    undefined : ndarray of bool, (p,)
        Coordinates that have no value, because the density is unbounded in them.
    value : float
        The objective: the maximum, or its supremum where that is not attained.
    null_space : ndarray, (k, p)
        Directions along which the objective does not change.
    findings : tuple of Finding
        What a user should know.
    evidence : mapping of str to float
        The numbers.
    checks : tuple of Said
        What each check said, in order; after "better" they begin anew, at the better point.
    claims : tuple of Claim
        What was claimed of the point, in the order of precedence.
    """

    status: Status
    path: Array
    direction: Array
    undefined: NDArray[np.bool_]
    value: float
    null_space: Array
    findings: tuple[Finding, ...]
    evidence: Mapping[str, float]
    checks: tuple[Said, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def x(self) -> Array:
        """The point, or the last one before infinity."""
        return self.path[-1]

    @classmethod
    def concluded(cls, claims: Sequence[Claim], checks: Sequence[Said] = ()) -> Certificate:
        """Return what claims come to: the first in the order of precedence is the status."""
        ordered = sorted(claims, key=lambda one: (not one.overrules, PRECEDENCE.index(one.status)))
        top = ordered[0]
        p = len(top.point.x)
        # What is proven of a point leaves nothing for the others to say.
        heard = [top] if top.is_proof else ordered
        null_space = next((c.null_space for c in heard if c.null_space is not None), None)
        return cls(
            top.status,
            top.point.x[None, :] if top.path is None else top.path,
            np.zeros(p) if top.direction is None else top.direction,
            np.zeros(p, bool) if top.undefined is None else top.undefined,
            top.point.value if top.value is None else top.value,
            np.empty((0, p)) if null_space is None else null_space,
            tuple(finding for claim in heard for finding in claim.findings),
            {**_numbers(top.point), **top.evidence},
            tuple(checks),
            tuple(ordered),
        )

    @classmethod
    def stopped(cls, x: Array, value: float, finding: Finding) -> Certificate:
        """Return what there is of a search that was ended before its end: the best point seen."""
        p = len(x)
        return cls(
            Status.NOT_CONVERGED,
            x[None, :],
            np.zeros(p),
            np.zeros(p, bool),
            value,
            np.empty((0, p)),
            (finding,),
            dict(finding.evidence),
        )

    @property
    def is_stopped(self) -> bool:
        """Whether this is of a search that was ended before its end, so that nothing was proven."""
        return self.status is Status.NOT_CONVERGED and not self.checks and not self.claims

    def __str__(self) -> str:
        rows = [_HEAD, *map(_cells, self.checks)]
        wide = [max(len(row[k]) for row in rows) for k in range(2)]
        lines = [self.status.value]
        lines += [f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{cell}</th>" for cell in _HEAD)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(said)) + "</tr>"
            for said in self.checks
        )
        return (
            f"<div><p><em>{escape(self.status.value)}</em></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )


def _cells(said: Said) -> tuple[str, str, str]:
    """Return a row of the table."""
    names = ", ".join(said.parameters[:_NAMED])
    more = len(said.parameters) - _NAMED
    names += f" and {more} more" if more > 0 else ""
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in said.evidence.items())
    what = ": ".join(part for part in (names, said.proof, numbers) if part)
    return said.check.replace("_", " "), said.verdict.replace("_", " "), what


def _numbers(point: Judged) -> dict[str, float]:
    curvature = point.curvature
    condition = float(curvature[-1] / curvature[0]) if curvature[0] > 0 else np.inf
    return {
        "distance to the maximum in standard errors": point.distance,
        "smallest eigenvalue of the scaled curvature": float(curvature[0]),
        "largest eigenvalue of the scaled curvature": float(curvature[-1]),
        "condition number": condition,
        "rounding of the log density": point.noise,
    }
