"""What is known of the shape of a graph as a function of the parameters.

The rules are those of disciplined convex programming (Grant, Boyd and Ye 2006,
https://doi.org/10.1007/0-387-30528-9_7), for an expression and, where it is positive, for its
logarithm as well.  Nothing is guessed: every field is False by default, and a rule sets
it only where it follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["CONSTANT", "UNKNOWN", "Facts"]


@dataclass(frozen=True)
class Facts:
    """What has been proven of every element of an expression.

    Attributes
    ----------
    constant : bool
        It does not depend on the parameters.
    convex, concave : bool
        It is, as a function of all parameters together; affine is both.
    nonnegative, nonpositive : bool
        It is, for all parameters in their support.
    log_convex, log_concave : bool
        It is positive, and its logarithm is convex, or concave.
    proportional : bool
        Times the precision it is affine (see `Coordinates`): a location in units of the scale.
    log_proportional : bool
        It is positive, and its logarithm is proportional.
    scale, precision : bool
        It is a positive constant over the precision; it is that times the precision.
    distribution : str
        It is 0, 1 or the distribution function of that name at an affine argument; ``"any"`` for
        0 and 1 alone.
    """

    constant: bool = False
    convex: bool = False
    concave: bool = False
    nonnegative: bool = False
    nonpositive: bool = False
    log_convex: bool = False
    log_concave: bool = False
    proportional: bool = False
    log_proportional: bool = False
    scale: bool = False
    precision: bool = False
    distribution: str = ""

    @property
    def affine(self) -> bool:
        """Both convex and concave."""
        return self.convex and self.concave

    @property
    def log(self) -> Facts:
        """Its logarithm, of which only the curvature is kept."""
        if self.constant:
            return CONSTANT
        return Facts(
            convex=self.log_convex,
            # The logarithm is concave and increasing.
            concave=self.log_concave or (self.concave and self.nonnegative),
            proportional=self.log_proportional,
        )

    @property
    def exp(self) -> Facts:
        """Its exponential."""
        if self.constant:
            return replace(CONSTANT, nonnegative=True, log_convex=True, log_concave=True)
        return Facts(
            convex=self.convex,
            nonnegative=True,
            log_convex=self.convex,
            log_concave=self.concave,
            log_proportional=self.proportional,
        )

    def __neg__(self) -> Facts:
        return Facts(
            constant=self.constant,
            convex=self.concave,
            concave=self.convex,
            nonnegative=self.nonpositive,
            nonpositive=self.nonnegative,
            proportional=self.proportional,
        )

    def __add__(self, other: Facts) -> Facts:
        positive = self.log_convex and other.log_convex
        return Facts(
            constant=self.constant and other.constant,
            convex=self.convex and other.convex,
            concave=self.concave and other.concave,
            nonnegative=self.nonnegative and other.nonnegative,
            nonpositive=self.nonpositive and other.nonpositive,
            # A sum of log-convex functions is log-convex (Boyd and Vandenberghe 2004, 3.5.2).
            log_convex=positive,
            proportional=self.proportional and other.proportional,
        )

    def __mul__(self, other: Facts) -> Facts:
        if self.constant and other.constant:
            same = (self.nonnegative and other.nonnegative) or (
                self.nonpositive and other.nonpositive
            )
            opposite = (self.nonnegative and other.nonpositive) or (
                self.nonpositive and other.nonnegative
            )
            positive = self.log_convex and other.log_convex
            return replace(
                CONSTANT,
                nonnegative=same,
                nonpositive=opposite,
                log_convex=positive,
                log_concave=positive,
            )
        factor, of = (self, other) if self.constant else (other, self)
        if factor.constant:
            up, down = factor.nonnegative, factor.nonpositive
            positive = factor.log_convex
            return Facts(
                convex=of.affine or (up and of.convex) or (down and of.concave),
                concave=of.affine or (up and of.concave) or (down and of.convex),
                nonnegative=(up and of.nonnegative) or (down and of.nonpositive),
                nonpositive=(up and of.nonpositive) or (down and of.nonnegative),
                log_convex=positive and of.log_convex,
                log_concave=positive and of.log_concave,
                proportional=of.proportional,
                scale=positive and of.scale,
                precision=positive and of.precision,
            )
        pair = (self.proportional and other.precision) or (other.proportional and self.precision)
        return Facts(
            nonnegative=(self.nonnegative and other.nonnegative)
            or (self.nonpositive and other.nonpositive),
            nonpositive=(self.nonnegative and other.nonpositive)
            or (self.nonpositive and other.nonnegative),
            log_convex=self.log_convex and other.log_convex,
            log_concave=self.log_concave and other.log_concave,
            # What is positive and log-convex is convex.
            convex=pair or (self.log_convex and other.log_convex),
            concave=pair,
        )

    def both(self, other: Facts) -> Facts:
        """Return what holds for the elements of two expressions alike."""
        names = {self.distribution, other.distribution} - {"any"}
        known = self.distribution and other.distribution and len(names) < 2
        return Facts(
            constant=self.constant and other.constant,
            convex=self.convex and other.convex,
            concave=self.concave and other.concave,
            nonnegative=self.nonnegative and other.nonnegative,
            nonpositive=self.nonpositive and other.nonpositive,
            log_convex=self.log_convex and other.log_convex,
            log_concave=self.log_concave and other.log_concave,
            proportional=self.proportional and other.proportional,
            log_proportional=self.log_proportional and other.log_proportional,
            scale=self.scale and other.scale,
            precision=self.precision and other.precision,
            distribution=(names.pop() if names else "any") if known else "",
        )


UNKNOWN = Facts()
CONSTANT = Facts(constant=True, convex=True, concave=True, proportional=True)
