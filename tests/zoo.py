"""The test zoo: small PyMC models whose maximum, or lack of one, is known without our code.

``tests/reference/wellbehaved.py`` and ``tests/reference/pathologies.py`` hold the models; this file
says what a truth is. Truths are derived in the comment beside the model, or cite where the number
comes from, and ``tests/reference/test_truths.py`` proves them with PyMC's own log density and
without bayes_point. A test of the package takes the models as they are:

    for zoo_model in WELLBEHAVED + PATHOLOGIES:
        model = zoo_model.build()
        for estimator in zoo_model.estimators:  # "mle", "map", "map_jacobian"
            truth = zoo_model.truth(estimator)
            estimate = find(model, **zoo_model.call_kwargs(estimator))
            assert estimate.status.key in truth.statuses
            truth.check_point({name: estimate.point[name].values for name in truth.point})
            truth.check_names(name for finding in estimate.findings for name in finding.parameters)

What the words mean where the definitions leave room
----------------------------------------------------
* One estimate has one status. Where several facts hold at once, the one that says most about why
  there is no ordinary estimate comes first: unbounded, at infinity, not identified, on a boundary.
  Where a truth sits on such a crossing, or where the definitions honestly allow two readings, it
  lists each acceptable status and ``source`` says why.
* ``not_identified`` is about the set of maximisers: flat at the maximum along a curve.
* ``log_density`` is of what is maximised: log-likelihood for ``mle``; log-likelihood plus log-prior
  for ``map``; that plus the log-Jacobian for ``map_jacobian``. It is the supremum where that is not
  attained, None where there is none.
* ``point`` is on the natural scale, by the names of free variables and Deterministics. An element
  that the truth does not determine is NaN, a variable of which nothing is determined is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike

__all__ = [
    "ESTIMATORS",
    "STATUSES",
    "Estimator",
    "Truth",
    "ZooModel",
    "edge",
    "flat",
    "no_bound",
    "one_optimum",
    "with_flat_priors",
]

Estimator = Literal["mle", "map", "map_jacobian"]
Point = Mapping[str, ArrayLike]

ESTIMATORS: tuple[Estimator, ...] = ("mle", "map", "map_jacobian")
STATUSES = (
    "converged",
    "on_boundary",
    "at_infinity",
    "not_identified",
    "unbounded",
    "not_converged",
)


@dataclass(frozen=True)
class Truth:
    """What is true of one maximum.

    Parameters
    ----------
    status : str or tuple of str
        Key of the Status; a tuple only where the definitions allow each of them.
    point : mapping
        Natural-scale values; NaN where not determined, +-inf where at infinity.
    source : str
        Derivation in a line, or where the number was published.
    log_density : float or None
        Maximum or supremum of what is maximised; None where there is none.
    parameters : tuple of str
        What a finding must name: ``"tau"``, ``"beta[NV]"``. A name without an index stands for any
        element of that variable; ``"w|mu"`` asks for either.
    n_optima : int or None
        Number of distinct local maxima that exist, those that are the same but for a relabelling
        counted once. A finite number of starts need not find each of them.
    rtol : float
        Relative tolerance that the reference allows.
    atol : float
        Absolute tolerance, for zeros.
    others : tuple of mappings
        Further points that are exactly as good: relabellings and mirror images.
    path : callable, optional
        t -> natural-scale values of all free variables: a curve that proves the status. Not
        identified: the density is constant along it, 0 <= t <= 1. Otherwise t = 1, 2, 3, ... leads
        to the supremum.
    kink : bool
        The maximum is at a point where the density is not differentiable.
    no_sign : tuple of str
        Elements of the free variables that may go either way, or nowhere, along the directions to
        the supremum: to call one of them infinite would be to make it up.
    """

    status: str | tuple[str, ...]
    point: Point
    source: str
    log_density: float | None = None
    parameters: tuple[str, ...] = ()
    n_optima: int | None = None
    rtol: float = 1e-6
    atol: float = 1e-8
    others: tuple[Point, ...] = ()
    path: Callable[[float], Point] | None = None
    kink: bool = False
    no_sign: tuple[str, ...] = ()

    @property
    def statuses(self) -> tuple[str, ...]:
        """Every acceptable status."""
        return (self.status,) if isinstance(self.status, str) else self.status

    def distance(self, point: Mapping[str, Any]) -> str | None:
        """In words, where a point differs from the truth; None where it does not."""
        complaints = []
        for candidate in (self.point, *self.others):
            complaint = None
            for name, value in candidate.items():
                want = np.asarray(value, dtype=float)
                got = np.asarray(point[name], dtype=float)
                if got.shape != want.shape:
                    complaint = f"{name} has shape {got.shape}, not {want.shape}"
                    break
                known = ~np.isnan(want)
                if not np.allclose(got[known], want[known], rtol=self.rtol, atol=self.atol):
                    complaint = f"{name} is {got}, not {want}"
                    break
            if complaint is None:
                return None
            complaints.append(complaint)
        return "; ".join(complaints)

    def check_point(self, point: Mapping[str, Any]) -> None:
        """Assert that a point is the true one, or one of the others that are as good."""
        complaint = self.distance(point)
        assert complaint is None, complaint

    def missing_names(self, named: Iterable[str]) -> list[str]:
        """The parameters that the truth says must be named and are not."""
        named = set(named)
        variables = {name.split("[")[0] for name in named}

        def is_named(wanted: str) -> bool:
            return any(
                choice in named or ("[" not in choice and choice in variables)
                for choice in wanted.split("|")
            )

        return [wanted for wanted in self.parameters if not is_named(wanted)]

    def check_names(self, named: Iterable[str]) -> None:
        """Assert that every parameter that must be named is."""
        missing = self.missing_names(named)
        assert not missing, f"not named: {missing}"


@dataclass(frozen=True)
class ZooModel:
    """A model and what is true of its maxima; an estimator without a truth is left None."""

    name: str
    build: Callable[[], pm.Model]
    mle: Truth | None = None
    map: Truth | None = None
    map_jacobian: Truth | None = None
    potentials: Literal["likelihood", "prior"] | None = None
    initvals: Mapping[str, ArrayLike] | None = None
    twin_of: str | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def estimators(self) -> tuple[Estimator, ...]:
        """Those of which the truth is known."""
        return tuple(e for e in ESTIMATORS if getattr(self, e) is not None)

    def truth(self, estimator: Estimator) -> Truth:
        """The truth of one estimator, which must be known."""
        truth = getattr(self, estimator)
        assert truth is not None, f"no truth is known of the {estimator} of {self.name}"
        return truth

    def call_kwargs(self, estimator: Estimator) -> dict[str, Any]:
        """What `find_MLE` or `find_MAP` must be called with, beside the model."""
        kwargs = dict(self.kwargs)
        if self.initvals is not None:
            kwargs["initvals"] = dict(self.initvals)
        if estimator == "mle" and self.potentials is not None:
            kwargs["potentials"] = self.potentials
        if estimator == "map_jacobian":
            kwargs["jacobian"] = True
        return kwargs


def with_flat_priors(
    point: Mapping[str, Any], log_density: float | None, source: str, **kwargs: Any
) -> dict[str, Truth]:
    """One converged truth for both estimators: under flat priors the MAP is the MLE."""
    truth = Truth("converged", point, source, log_density=log_density, **kwargs)
    return {"mle": truth, "map": truth}


def one_optimum(*args: Any, **kwargs: Any) -> dict[str, Truth]:
    """As `with_flat_priors`, and the maximum is the only one."""
    return with_flat_priors(*args, n_optima=1, **kwargs)


def edge(
    point: Point, log_density: float, parameters: tuple[str, ...], source: str, **kwargs: Any
) -> Truth:
    """A finite maximum on the edge of the support."""
    return Truth(
        "on_boundary",
        point,
        source,
        log_density=float(log_density),
        parameters=parameters,
        n_optima=1,
        **kwargs,
    )


def flat(
    point: Point,
    log_density: float | None,
    parameters: tuple[str, ...],
    source: str,
    path: Callable[[float], Point],
    status: str | tuple[str, ...] = "not_identified",
) -> Truth:
    """A density that is flat along the path."""
    return Truth(status, point, source, log_density=log_density, parameters=parameters, path=path)


def no_bound(
    point: Point, parameters: tuple[str, ...], source: str, path: Callable[[float], Point]
) -> Truth:
    """A density that has no upper bound along the path."""
    return Truth("unbounded", point, source, parameters=parameters, path=path)
