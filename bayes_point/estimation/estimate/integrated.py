"""What a user should know of what was integrated out."""

from __future__ import annotations

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Finding
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.model.density.density import LogDensity

__all__ = ["integrated_findings", "refuse_marginal"]


def refuse_marginal(estimate: EstimateRecord, what: str, instead: str) -> None:
    """Raise where latent variables were integrated out, and what is asked for cannot be had."""
    density = estimate.objective.density
    if isinstance(density, MarginalDensity):
        raise ModelError(
            f"There is no {what} of an estimate with {list(density.joint.latents)} integrated "
            f"out. {instead}"
        )


def integrated_findings(density: LogDensity) -> list[Finding]:
    """Say what was integrated out, by which rule and how; nothing where nothing was."""
    if not isinstance(density, MarginalDensity):
        return []
    reasons = "; ".join(f"{name}: {why}" for name, why in density.reasons.items())
    what = (
        f"{density.joint.d} values were integrated out ({reasons}), {density.method}; "
        f"their Hessian is {density.structure.name}."
    )
    return [Finding(what)]
