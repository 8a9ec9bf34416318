"""What was integrated out of a model, and how: a record, without anything that computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.summed import SummedDensity

__all__ = ["Integration", "Method", "OtherModes", "integration_of_sum", "sums_of"]

Method = Literal["exact", "laplace", "quadrature", "sum"]

_IN_WORDS = {
    "exact": "exactly, as they are Gaussian",
    "laplace": "by Laplace's method",
    "sum": "exactly, summed over their values",
}


@dataclass(frozen=True)
class OtherModes:
    """What was found besides the modes that Laplace's method is about.

    Attributes
    ----------
    count : int
        Of how many blocks of latents there is another mode; of latents that are no blocks, 1.
    of : int
        Blocks.
    share : float
        The largest share that another mode has of its block's probability, by Laplace's method
        about both.
    """

    count: int
    of: int
    share: float


@dataclass(frozen=True)
class Integration:
    """What was integrated out of a model, and how.

    Attributes
    ----------
    latents : mapping of str to str
        The variables, each with the rule by which it was found.
    n_latents : int
        How many values they have on the unconstrained scale.
    method : {"exact", "laplace", "quadrature", "sum"}
        How: the sum over the values of discrete variables; of continuous ones Laplace's method
        where it is exact because the density is Gaussian in the latents, Laplace's method as an
        approximation, or adaptive Gauss-Hermite quadrature.
    nodes : int or None
        Nodes of the quadrature in each direction; None where there was none.
    structure : str
        The pattern of the Hessian of the latents: diagonal, blocks, a band, an arrow, or dense.
    flat : tuple of str
        Those of the variables that are fixed effects, integrated with a flat measure: REML.
    laplace_shift : mapping of str to float
        By how many standard errors Laplace's method moves each parameter, by its label on the
        unconstrained scale: 0 where it is exact, empty where that was not computed.
    summed : str
        How discrete variables among them were summed out; empty where there are none.
    other_modes : OtherModes, optional
        Further modes of the latents given the parameters, where some were found.
    """

    latents: Mapping[str, str]
    n_latents: int
    method: Method
    structure: str
    nodes: int | None = None
    flat: tuple[str, ...] = ()
    laplace_shift: Mapping[str, float] = field(default_factory=dict)
    summed: str = ""
    other_modes: OtherModes | None = None

    @property
    def how(self) -> str:
        """The method in words."""
        if self.method == "quadrature":
            return f"by adaptive Gauss-Hermite quadrature with {self.nodes} nodes"
        return _IN_WORDS[self.method]

    @property
    def is_restricted(self) -> bool:
        """Whether fixed effects were integrated out too, so that the likelihood is restricted."""
        return bool(self.flat)


def sums_of(density: LogDensity) -> str:
    """Return in words what was summed out of a density; nothing where nothing was."""
    return density.sums.in_words if isinstance(density, SummedDensity) else ""


def integration_of_sum(density: SummedDensity) -> Integration:
    """Return what was summed out of a density of which nothing else was integrated out."""
    return Integration(
        latents=dict(density.reasons),
        n_latents=density.sums.d,
        method="sum",
        structure=density.sums.in_words,
        laplace_shift=dict.fromkeys(density.labels, 0.0),
        summed=density.sums.in_words,
    )
