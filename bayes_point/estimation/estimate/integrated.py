"""What a user should know of what was integrated out."""

from __future__ import annotations

import pymc as pm

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.integration import Integration
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.roles import model_roles

__all__ = ["integrated_findings", "integration_of", "joint_with_latents", "refuse_marginal"]


def refuse_marginal(estimate: EstimateRecord, what: str, instead: str) -> None:
    """Raise where latent variables were integrated out, and what is asked for cannot be had."""
    density = estimate.objective.density
    if isinstance(density, MarginalDensity):
        raise ModelError(
            f"There is no {what} of an estimate with {list(density.joint.latents)} integrated "
            f"out. {instead}"
        )


def integration_of(density: LogDensity) -> Integration | None:
    """Return what was integrated out and how; None where nothing was."""
    return density.integration if isinstance(density, MarginalDensity) else None


def integrated_findings(integrated: Integration | None) -> list[Finding]:
    """Say what was integrated out, by which rule and how; nothing where nothing was."""
    if integrated is None:
        return []
    reasons = "; ".join(f"{name}: {why}" for name, why in integrated.latents.items())
    what = (
        f"{integrated.n_latents} values were integrated out ({reasons}), {integrated.how}; "
        f"their Hessian is {integrated.structure}."
    )
    return [Finding(what)]


def joint_with_latents(
    model: pm.Model, objective: Objective, status: Status, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Say of a joint estimate that does not exist for its latents which estimate does.

    In one sentence for all the directions of the latents in which the density does not change.
    """
    latent = [
        name
        for name, role in model_roles(model).items()
        if role.role == "latent" and role.shape and not role.discrete
    ]
    is_marginal = isinstance(objective.density, MarginalDensity)
    if is_marginal or not latent or status in (Status.CONVERGED, Status.NOT_CONVERGED):
        return findings
    estimator = "find_MLE" if "prior" not in objective.weights else "find_MAP"
    advice = f"Integrate them out: {estimator}(model, marginalize={latent})."
    flat = [
        finding
        for finding in findings
        if finding.is_flat
        and len(finding.parameters) > 1
        and any(name.split("[")[0] in latent for name in finding.parameters)
    ]
    others = tuple(finding for finding in findings if finding not in flat)
    if any("marginalize=" in finding.advice for finding in others):
        return findings
    if not flat:
        what = (
            f"The latent variables {', '.join(latent)} are estimated here together with the "
            "parameters of their prior."
        )
        return (*others, Finding(what, advice=advice))
    names = dict.fromkeys(name for finding in flat for name in finding.parameters)
    count = f"{len(flat)} directions" if len(flat) > 1 else "one direction"
    what = (
        f"The density does not change along {count} of the latent variables {', '.join(latent)} "
        "and of what they are added to."
    )
    return (Finding(what, tuple(names), advice=advice, is_flat=True), *others)
