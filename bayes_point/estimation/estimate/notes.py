"""What was done to a model so that it could be estimated, as findings."""

from __future__ import annotations

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.graph.traversal import ancestors

from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.objective import Objective
from bayes_point.model.data.whole_data import drawn_from
from bayes_point.model.differences import FOURTH_ORDER_STEP, central_difference
from bayes_point.model.interpreter.differenced import Differenced

__all__ = ["notes"]


def notes(model: pm.Model, objective: Objective, certificate: Certificate) -> list[Finding]:
    """Return a finding for minibatches that were made whole, and one for missing gradients."""
    out = []
    if (rows := drawn_from(model)) is not None:
        out.append(
            Finding(
                f"The model is one of minibatches; the {rows} rows that they are drawn from were "
                "all used."
            )
        )
    if certificate.status in (Status.UNBOUNDED, Status.NOT_CONVERGED):
        out += _of_unused(objective, certificate)
    # With latent variables integrated out, the Ops are in the density that they were integrated of.
    graphs = getattr(objective.density, "full", objective.density).graphs
    names = {
        str(var.owner.op.op)
        for var in ancestors([graphs.term(name) for name in graphs.terms])
        if var.owner is not None and isinstance(var.owner.op, Differenced)
    }
    if names:
        evidence = {}
        if certificate.status is Status.CONVERGED:
            evidence["their error, in standard errors"] = _error(objective, certificate.x)
        out.append(
            Finding(
                f"{', '.join(sorted(names))} has no gradient: its derivatives were taken by "
                "differences.",
                (),
                evidence,
                "Give the Op a pullback, and the search takes a fraction of the time.",
            )
        )
    # At a kink, an edge or infinity that is no surprise.
    if certificate.status is Status.CONVERGED and not certificate.findings:
        out += _of_no_derivative(objective, certificate.x)
    return out


def _of_unused(objective: Objective, certificate: Certificate) -> list[Finding]:
    """Say which variables are not in the density at all, where no flat direction was looked for."""
    density = objective.density
    if density.is_integral:
        return []
    used = set(ancestors([density.graphs.term_of_values(name) for name in objective.terms]))
    said = {name.split("[")[0] for f in certificate.findings if f.is_flat for name in f.parameters}
    names = [
        str(rv.name)
        for rv, value in zip(density.graphs.free, density.graphs.value_vars, strict=True)
        if value not in used and rv.name not in said
    ]
    if not names:
        return []
    what = f"The density does not depend on {', '.join(names)} at all."
    return [Finding(what, tuple(names), {}, "Drop or fix it, or use the prior.", is_flat=True)]


def _of_no_derivative(objective: Objective, x: NDArray[np.float64]) -> list[Finding]:
    """Say of which terms the derivative is not a number at a point, and the value is one."""
    density, terms = objective.density, objective.terms
    if density.is_integral or not len(x):
        return []
    values, gradients = density.evaluate(x[None], terms)
    # Summed over a row of the second derivatives, one that is not a number shows.
    if density.is_costly:  # they are at hand
        curvatures = density.hessian(x[None], terms).sum(axis=-1)
    else:
        curvatures = density.hessian_product(x[None], np.ones((1, len(x))), terms)
    missing = np.isnan(gradients[0]) | np.isnan(curvatures[0])
    missing &= np.isfinite(values[0])[:, None]
    if not np.any(missing):
        return []
    names = [density.parameters[j] for j in np.flatnonzero(missing.any(axis=0))]
    own = [term for term, row in zip(terms, missing, strict=True) if row.any()]
    return [
        Finding(
            f"A derivative of the {', '.join(own)} by {', '.join(dict.fromkeys(names))} is not a "
            "number where the value is one: it was taken by differences.",
            (),
            {},
            "Zero to a power, or x log x at zero, has no derivative to the computer: leave such "
            "terms out, or use pt.switch on their arguments.",
        )
    ]


def _error(objective: Objective, x: NDArray[np.float64]) -> float:
    """Return how far the error of the gradient moves a maximum, in standard errors.

    The error is seen from other differences: those of the value along each coordinate.
    """
    h = 2 * FOURTH_ORDER_STEP * (1 + np.abs(x))
    steps = np.concatenate([x + k * np.diag(h) for k in (2, 1, -1, -2)])
    far, near, back, far_back = np.split(objective.evaluate(steps)[0], 4)
    apart = central_difference(far, near, back, far_back, h) - objective.evaluate(x[None])[1][0]
    moved, *_ = np.linalg.lstsq(-objective.hessian(x[None])[0], apart)
    return float(np.sqrt(abs(apart @ moved)))
