"""What an estimate claims of itself: one status, and findings that say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from html import escape

__all__ = ["Finding", "Status"]


class _Sentence:
    """Notebooks show the sentence; an Enum reserves the name of that method for itself."""

    value: str

    def _repr_html_(self) -> str:
        kind, _, what = self.value.partition(":")
        return f"<p><strong>{escape(kind)}</strong>:{escape(what)}</p>"


class Status(_Sentence, Enum):
    """What kind of optimum an estimate is; the value is the sentence the user reads."""

    CONVERGED = "Converged: an interior maximum, where the gradient is zero up to rounding."
    ON_BOUNDARY = "On a boundary: the maximum is at the edge of a parameter's support."
    AT_INFINITY = (
        "At infinity: no maximum exists; the density nears its supremum as a parameter grows "
        "without limit."
    )
    NOT_IDENTIFIED = (
        "Not identified: the density does not change along a direction, so the maximum is not "
        "one point."
    )
    UNBOUNDED = "Unbounded: the density has no upper limit, so no estimate exists."
    NOT_CONVERGED = "Not converged: the best point found could not be shown to be a maximum."
    LOCAL = (
        "Local: the highest interior maximum found of a density that has no upper limit elsewhere."
    )

    @property
    def key(self) -> str:
        """Name in lower case, as it is stored in files: ``"on_boundary"``."""
        return self.name.lower()

    @property
    def is_point(self) -> bool:
        """Whether it is one finite point that is a maximum of the density, if only a local one."""
        return self in (Status.CONVERGED, Status.ON_BOUNDARY, Status.LOCAL)


@dataclass(frozen=True)
class Finding:
    """One thing that a user should know of an estimate.

    Attributes
    ----------
    what : str
        What was found, in a sentence.
    parameters : tuple of str
        The parameters it concerns, by name and coords, such as ``"beta[age]"``.
    evidence : mapping of str to float
        The numbers that it rests on.
    advice : str
        What to try.
    is_flat : bool
        Whether it says that the density does not change along the parameters named.
    status : Status, optional
        What it claims of the parameters named, where that is not what the estimate is as a whole.
    """

    what: str
    parameters: tuple[str, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""
    is_flat: bool = False
    status: Status | None = None

    def of(self, whole: Status) -> Status:
        """Return what the parameters named are.

        Parameters
        ----------
        whole : Status
            What the estimate is as a whole.

        Returns
        -------
        Status
            What the finding says of them, or else `whole`.
        """
        return Status.NOT_IDENTIFIED if self.is_flat else self.status or whole

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.evidence.items())
        return " ".join(
            part for part in (self.what, f"({numbers})" if numbers else "", self.advice) if part
        )

    def _repr_html_(self) -> str:
        what, rest = escape(self.what), escape(str(self).removeprefix(self.what))
        return f"<p><strong>{what}</strong>{rest}</p>"
