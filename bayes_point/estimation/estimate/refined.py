"""How far off Laplace's method is, and the search by quadrature where that is too far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.discrete import Enumerated
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.integrate import QuadratureNodes
from bayes_point.estimation.marginal.other_modes import other_modes
from bayes_point.estimation.marginal.quadrature import LADDER
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import finite_hessian
from bayes_point.estimation.optimise.optima import Optimum

__all__ = ["refined", "with_other_modes"]

# Standard errors by which Laplace's method may be off: it moves no interval by more than that.
_CLOSE = 0.05
# What more nodes may change in the log-likelihood.
_SAME = 1e-6


def with_other_modes(found: Enumerated) -> Enumerated:
    """Return what was found with what is known of further modes of the latents there."""
    density, certificate = found.objective.density, found.certificate
    if not isinstance(density, MarginalDensity) or not _is_point(certificate):
        return found
    found.objective.announce("further modes of the latents")
    known = density.with_other_modes(other_modes(density, certificate.x))
    return replace(found, objective=replace(found.objective, density=known))


def refined(found: Enumerated, quadrature: QuadratureNodes, rng: Any, observed: Any) -> Enumerated:
    """Return what was found by Laplace's method with its error, or what quadrature finds instead.

    The error is the Newton step of the difference: V s, s the slope of what quadrature adds at the
    maximum by Laplace's method and V the inverse of the curvature there.  Where it is more than
    a twentieth of a standard error, or quadrature was asked for, the search goes on with that.
    """
    density = found.objective.density
    if not isinstance(density, MarginalDensity) or density.is_exact or quadrature == 1:
        return found
    if found.certificate.status is not Status.CONVERGED or density.quadrature is None:
        return found
    x = found.certificate.x
    nodes = _enough(density, x) if quadrature == "auto" else quadrature
    step, shift = _shift(found.objective, density.with_nodes(nodes), x)
    if not np.all(np.isfinite(shift)):
        return found
    known = dict(zip(density.labels, (float(-one) for one in shift), strict=True))
    near = found.certificate, found.optima, found.n_starts
    if quadrature == "auto" and np.max(np.abs(shift)) <= _CLOSE:
        return Enumerated(replace(found.objective, density=density.with_shift(known)), *near)
    while True:
        better = density.with_nodes(nodes).with_shift(known)
        objective = replace(found.objective, density=better)
        objective.announce(f"quadrature with {nodes} nodes")
        # Where other starts led to other optima by Laplace's method, from these as well.
        others = [optimum.x for optimum in found.optima[1:]]
        certificate, optima, _ = search(objective, np.stack([x + step, *others]), rng, observed)
        if quadrature != "auto" or not _is_point(certificate):
            break
        more = _enough(density, certificate.x)
        if more <= nodes:
            break
        nodes, x, step = more, certificate.x, np.zeros_like(step)
    optima = [_reached_from(optimum, found.optima) for optimum in optima]
    return Enumerated(objective, certificate, optima, found.n_starts)


def _reached_from(optimum: Optimum, by_laplace: Sequence[Optimum]) -> Optimum:
    """Return an optimum with the starts that led to those by Laplace's method it was found from."""
    own = [by_laplace[i].starts for i in optimum.starts if i < len(by_laplace)]
    return replace(optimum, starts=tuple(start for starts in own for start in starts))


def _is_point(certificate: Certificate) -> bool:
    return bool(certificate.status.is_point and np.all(np.isfinite(certificate.x)))


def _enough(density: MarginalDensity, x: np.ndarray) -> int:
    """Return a number of nodes of which more do not change the log-likelihood."""
    modes = density.modes(x[None])
    assert density.quadrature is not None
    last = np.inf
    for i, nodes in enumerate(LADDER):
        value = float(density.quadrature.corrections(density.joint, modes, nodes, None).sum())
        if abs(value - last) < _SAME:
            return LADDER[i - 1]
        last = value
    return LADDER[-1]


def _shift(
    objective: Objective, density: MarginalDensity, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the step to the maximum by quadrature, and the same in standard errors: (P,)."""
    curvature = -finite_hessian(objective, x[None])[0]
    _, slope = density.correction(x[None])
    try:
        covariance = np.linalg.inv(curvature)
    except np.linalg.LinAlgError:
        return slope[0] * np.nan, slope[0] * np.nan
    weight = np.broadcast_to(objective.weights["likelihood"], 1)[0]
    step = covariance @ (weight * slope[0])
    return step, step / np.sqrt(np.diagonal(covariance))
