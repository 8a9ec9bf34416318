"""What a user should know of what was integrated out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.integration import Integration, integration_of_sum
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.summed import SummedDensity
from bayes_point.model.variables.latents import latent_by_rule
from bayes_point.model.variables.roles import model_roles

__all__ = [
    "integrated_findings",
    "integration_of",
    "joint_with_latents",
    "marginal_options",
    "refuse_marginal",
]


def refuse_marginal(estimate: EstimateRecord, what: str, instead: str) -> None:
    """Raise where latent variables were integrated out, and what is asked for cannot be had."""
    if estimate.integrated is not None:
        raise ModelError(
            f"There is no {what} of an estimate with {list(estimate.integrated.latents)} "
            f"integrated out. {instead}"
        )


def marginal_options(estimate: EstimateRecord) -> dict[str, Any]:
    """Return the options of `refit` by which other data are estimated as these were."""
    whole = estimate.integrated
    if whole is None:
        return {}
    names = [name for name in whole.latents if name not in whole.flat]
    return {"marginalize": names, "quadrature": whole.nodes or 1, "reml": list(whole.flat) or False}


def integration_of(density: LogDensity) -> Integration | None:
    """Return what was integrated out and how; None where nothing was."""
    if isinstance(density, SummedDensity):
        return integration_of_sum(density)
    return density.integration if isinstance(density, MarginalDensity) else None


def integrated_findings(integrated: Integration | None) -> list[Finding]:
    """Say what was integrated out, by which rule and how; nothing where nothing was."""
    if integrated is None:
        return []
    reasons = "; ".join(f"{name}: {why}" for name, why in integrated.latents.items())
    if integrated.method == "sum":
        return [
            Finding(
                f"{integrated.n_latents:,} values were summed out exactly ({reasons}): "
                f"{integrated.summed}."
            )
        ]
    what = (
        f"{integrated.n_latents:,} values were integrated out ({reasons}), {integrated.how}; "
        f"their Hessian is {integrated.structure}."
    )
    shift = max((abs(one) for one in integrated.laplace_shift.values()), default=np.nan)
    if integrated.nodes is not None:
        what = (
            f"Laplace's method is off by about {shift:.2g} standard errors here; quadrature with "
            f"{integrated.nodes} nodes used. {what}"
        )
    elif integrated.method == "laplace" and np.isfinite(shift):
        what += f" Laplace's method is off by about {shift:.2g} standard errors: near enough."
    if integrated.summed:
        what += f" The discrete variables were summed out exactly: {integrated.summed}."
    return [Finding(what), *_other_modes(integrated)]


def _other_modes(integrated: Integration) -> list[Finding]:
    """Say that Laplace's method is about one of several modes."""
    found = integrated.other_modes
    if found is None:
        return []
    blocks = f" in {found.count:,} of {found.of:,} independent blocks" if found.of > 1 else ""
    what = (
        f"Given the parameters, the latent variables have another mode{blocks}, with about "
        f"{100 * found.share:.2g} % of the probability there; the integral is taken around one."
    )
    advice = "See with initvals= whether the estimate depends on where it begins, or sample."
    return [Finding(what, (), {"share of the other mode": found.share}, advice)]


def joint_with_latents(
    model: pm.Model, objective: Objective, status: Status, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Say of a joint estimate of a model with latent variables what it is, and the call for it.

    In one sentence for all the directions of the latents in which the density does not change.
    """
    density = objective.density
    if isinstance(density, MarginalDensity | SummedDensity):
        return findings
    latent = latent_by_rule(model, density)
    if not latent:
        return findings
    names, scalars = ", ".join(latent), {*latent}
    estimator = "find_MLE" if "prior" not in objective.weights else "find_MAP"
    advice = f'Integrate {names} out: bp.{estimator}(model, marginalize="latents").'
    if status is Status.CONVERGED:
        # It names no parameter: what is named on an estimate that converged is at a kink.
        what = (
            f"The latent variables {names} are maximised over together with the parameters: a "
            "scale of theirs comes from their one best value, not from all that are plausible, "
            "and can lie far from the posterior's."
        )
        return (*findings, Finding(what, advice=advice))
    roles = model_roles(model)
    above = {
        name
        for name in roles
        if (below := [role.name for role in roles.values() if name in role.parents])
        and scalars.issuperset(below)
    }
    flat = [
        finding
        for finding in findings
        if finding.is_flat
        and {name.split("[")[0] for name in finding.parameters} & (scalars | above)
    ]
    others = tuple(finding for finding in findings if finding not in flat)
    if not flat:
        what = (
            f"The latent variables {names} are maximised over here, together with the parameters "
            "of their prior."
        )
        return (*others, Finding(what, advice=advice))
    flat_names = dict.fromkeys(name for finding in flat for name in finding.parameters)
    unseen = [name for name in flat_names if name.split("[")[0] in above]
    missing = {name for name in latent if roles[name].role == "imputed"}
    if missing.issuperset(name.split("[")[0] for name in flat_names):
        whole = ", ".join(name.removesuffix("_unobserved") for name in sorted(missing))
        what = (
            f"The missing values (NaN) of {whole} are unknowns to PyMC "
            f"({', '.join(sorted(missing))}), and the likelihood does not depend on them."
        )
        advice = f"Leave these observations out, or i{advice[1:]}"
    elif len(unseen) == len(flat_names):
        enter = "enters" if len(unseen) == 1 else "enter"
        what = (
            f"{', '.join(unseen)} {enter} only through the prior of {names}, which the likelihood "
            "does not see."
        )
    else:
        count = f"{len(flat)} directions" if len(flat) > 1 else "one direction"
        what = (
            f"The density does not change along {count} of the latent variables {names} and of "
            "what they are added to or multiplied by."
        )
    return (Finding(what, tuple(flat_names), advice=advice, is_flat=True), *others)
