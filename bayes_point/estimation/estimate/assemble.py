"""A certificate put into words and labels: what the user gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayes_point.estimation.certificate.findings import relabelled_finding
from bayes_point.estimation.certificate.limits import natural_limit
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.estimate.integrated import (
    integrated_findings,
    integration_of,
    joint_with_latents,
)
from bayes_point.estimation.estimate.local import is_spurious
from bayes_point.estimation.estimate.notes import notes
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.optima import Optimum
from bayes_point.estimation.optimise.path_limits import TAIL, extrapolated
from bayes_point.model.components import effective_observations
from bayes_point.model.density.density import LogDensity
from bayes_point.model.starts import starting_points

__all__ = ["assemble", "likelihood_terms", "log_densities", "natural_values", "optima_of"]


def assemble(
    model: pm.Model,
    objective: Objective,
    estimator: str,
    certificate: Certificate,
    optima: list[Optimum],
    n_starts: int,
) -> EstimateRecord:
    """Return what was found, labelled and on the natural scale."""
    density = objective.density
    natural = natural_values(density, certificate)
    point = density.dataset(natural)
    labelled = _optima(density, certificate, point, optima)
    terms = log_densities(objective, certificate)
    likelihood = likelihood_terms(estimator, objective)
    prior = [t for t in terms if t not in (*likelihood, "jacobian")]
    log_likelihood = float(sum(terms[t] for t in likelihood))
    log_prior = float(sum(terms[t] for t in prior))
    integrated = integration_of(density)
    return EstimateRecord(
        estimator=estimator,
        jacobian="jacobian" in objective.weights,
        point=point,
        unconstrained=_unconstrained(density, certificate),
        log_likelihood=log_likelihood,
        log_prior=log_prior,
        log_joint=log_likelihood + log_prior + terms.get("jacobian", 0.0),
        status=certificate.status,
        findings=(
            *integrated_findings(integrated),
            *joint_with_latents(model, objective, certificate.status, certificate.findings),
            *_several(certificate, optima, n_starts),
            *_interior(estimator, certificate.status, labelled),
            *notes(model, objective, certificate),
        ),
        evidence=certificate.evidence,
        n_starts=n_starts,
        optima=labelled,
        maximised=_in_words(estimator, objective),
        model=model,
        objective=objective,
        certificate=certificate,
        integrated=integrated,
    )


def natural_values(density: LogDensity, certificate: Certificate) -> dict[str, NDArray]:
    """Return every variable on the natural scale.

    NaN where the density is unbounded, and in all that is computed from it.
    """
    natural = natural_limit(density, certificate.path, certificate.direction)
    if not np.any(certificate.undefined):
        return dict(natural)
    gone = density.natural(np.where(certificate.undefined, np.nan, certificate.x)[None, :])
    return {
        name: np.where(np.isnan(np.asarray(gone[name][0], float)), np.nan, value)
        for name, value in natural.items()
    }


def optima_of(estimate: EstimateRecord, which: Iterable[int]) -> NDArray[np.float64]:
    """Return some of the optima found, by their number, on the unconstrained scale: (k, p).

    Those that are not finite are left out.
    """
    density = estimate.objective.density
    names = list(dict.fromkeys(density.variables))
    values = {name: estimate.optima[name].values for name in names}
    given = [{name: values[name][i] for name in names} for i in which]
    given = [one for one in given if all(np.all(np.isfinite(v)) for v in one.values())]
    if not given:
        return np.empty((0, density.p))
    rng = np.random.default_rng(0)  # not used: all values are given
    return starting_points(estimate.model, density, n_starts=len(given), initvals=given, rng=rng)


def likelihood_terms(estimator: str, objective: Objective) -> tuple[str, ...]:
    """Return the terms of the density that are the likelihood."""
    has_potential = estimator == "MLE" and "potential" in objective.weights
    return ("likelihood", "potential") if has_potential else ("likelihood",)


def log_densities(objective: Objective, certificate: Certificate) -> dict[str, float]:
    """Return each term of the density at the point, or in the limit."""
    density = objective.density
    names = tuple(dict.fromkeys((*density.terms, *objective.weights)))
    if certificate.status is Status.UNBOUNDED:
        return {name: np.inf if name in objective.weights else np.nan for name in names}
    # One at a time: where one has no value, the others still may.
    along = {name: density.evaluate(certificate.path, (name,))[0][:, 0] for name in names}
    if not np.any(certificate.direction):
        return {name: float(values[-1]) for name, values in along.items()}
    last = sum(weight * along[name][-1] for name, weight in objective.weights.items())
    there = abs(last - certificate.value) <= 1e-13 * (1 + abs(certificate.value))
    terms = {}
    for name, values in along.items():
        terms[name] = float(values[-1] if there else extrapolated(values[-TAIL:]))
        # What is maximised has a limit; another term, such as a prior not asked for, has its own.
        finite = values[np.isfinite(values)]
        if name not in objective.weights and len(finite) > 1:
            move = finite[-1] - finite[-2]
            runs_away = abs(move) > 1e-3 * (1 + abs(finite[-2]))
            terms[name] = float(np.copysign(np.inf, move) if runs_away else finite[-1])
    return terms


def _unconstrained(density: LogDensity, certificate: Certificate) -> xr.DataArray:
    infinite = np.copysign(np.inf, certificate.direction)
    x = np.where(certificate.direction != 0, infinite, certificate.x)
    x = np.where(certificate.undefined, np.nan, x)
    return xr.DataArray(x, dims="parameter", coords={"parameter": density.labels}, name="x")


def _optima(
    density: LogDensity,
    certificate: Certificate,
    point: xr.Dataset,
    optima: list[Optimum],
) -> xr.Dataset:
    """Label the distinct optima, as the point is; the first is the one that was certified."""
    others = optima[1:]
    # A maximum at a kink is found by going on from one start, where the search itself stopped.
    reached = optima[0].reached if optima else 1
    values = {str(name): point[name].values[None] for name in point}
    if others:
        rows = density.natural(np.array([o.x for o in others]))
        values = {name: np.concatenate([one, rows[name]]) for name, one in values.items()}
    out = xr.Dataset(
        {name: (("optimum", *point[name].dims), value) for name, value in values.items()}
        | {
            "log_density": ("optimum", [certificate.value, *(o.value for o in others)]),
            "reached": ("optimum", [reached, *(o.reached for o in others)]),
        },
        {**point.coords, "optimum": np.arange(1 + len(others))},
    )
    if certificate.status not in (Status.LOCAL, Status.UNBOUNDED):
        return out
    x = np.array([certificate.x, *(o.x for o in others)])
    counts = effective_observations(density, x)
    if not counts:
        return out
    labels = [
        str(k) if len(counts) == 1 else f"{name}: {k}"
        for name, some in counts.items()
        for k in range(some.shape[1])
    ]
    return out.assign(
        effective_observations=(
            ("optimum", "component"),
            np.concatenate([*counts.values()], axis=1),
        ),
        is_spurious=("optimum", is_spurious(density, x)),
    ).assign_coords(component=labels)


def _interior(estimator: str, status: Status, optima: xr.Dataset) -> list[Finding]:
    """Say what there is instead of an estimate that does not exist; of a local one, what it is."""
    spurious = optima.get("is_spurious", xr.zeros_like(optima["reached"])).values.astype(bool)
    if status is Status.LOCAL and spurious[0]:
        return [
            Finding(
                "A component rests on fewer than five observations: this maximum is likely to be "
                "spurious.",
                (),
                {},
                "Give starting values with initvals=, raise n_starts, or use fewer components.",
            )
        ]
    if status is not Status.UNBOUNDED or len(spurious) < 2:
        return []
    words = "a component rests on few observations" if spurious[1] else "not spurious"
    return [
        Finding(
            "There are interior maxima, which may be what is wanted.",
            (),
            {f"log density of the best ({words})": float(optima["log_density"][1])},
            f"bp.find_{estimator}(model, local=True) returns the highest that it finds.",
        )
    ]


def _several(certificate: Certificate, optima: list[Optimum], n_starts: int) -> list[Finding]:
    if not certificate.status.is_point:
        return []
    if optima and optima[0].relabelled:
        copies = relabelled_finding()
        once = replace(optima[0], relabelled=False)
        return [copies, *_several(certificate, [once, *optima[1:]], n_starts)]
    is_alone = bool(optima) and optima[0].reached == 1 < n_starts
    if len(optima) < 2:
        what = f"Only one of {n_starts} starts led to this maximum: there may be a better one."
        advice = "Give starting values with initvals=, or raise n_starts."
        return [Finding(what, (), {}, advice)] if is_alone else []
    below = optima[0].value - optima[1].value
    what = f"{len(optima) - 1} further local "
    what += f"{'maximum was' if len(optima) == 2 else 'maxima were'} found; see .optima."
    advice = "The posterior may have several modes."
    if is_alone:
        what += " The best was reached from one start only: there may be a better one."
        advice += " Give starting values with initvals=, or raise n_starts."
    return [Finding(what, (), {"log density of the next best below the best": below}, advice)]


def _in_words(estimator: str, objective: Objective) -> str:
    words = _of_terms(estimator, objective)
    integrated = integration_of(objective.density)
    if integrated is None:
        return words
    names = ", ".join(integrated.latents)
    return f"{words.replace('log-likelihood', 'marginal log-likelihood')}; {names} integrated out"


def _of_terms(estimator: str, objective: Objective) -> str:
    if estimator == "MLE":
        extra = " with the potentials" if "potential" in objective.weights else ""
        return f"the log-likelihood{extra}"
    if "jacobian" in objective.weights:
        return (
            "the log joint density on the unconstrained scale, "
            "log-likelihood + log-prior + log Jacobian"
        )
    return "the log joint density on the natural scale, log-likelihood + log-prior, no Jacobian"
