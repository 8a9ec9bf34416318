"""The normal at the mode of the unconstrained density, its draws, and what they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import EstimationError
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.estimate.integrated import integrated_findings
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.laplace.importance import (
    DF,
    Cloud,
    Moments,
    Proposal,
    highest_k,
    moments,
    smoothed,
    tail_size,
)
from bayes_point.estimation.optimise.maximise import Quadratic

__all__ = ["Laplace", "approximate", "no_mode"]

Array = NDArray[np.float64]

# Squared Newton decrement, in standard errors, of a gradient that is not zero: the mode is a kink.
_SLOPE = 1e-6
# How far from chance the draws of most weight have to lie along a parameter for it to be named.
_CONSPICUOUS = 4.0
_NAMED = 5


@dataclass(frozen=True)
class Laplace:
    """Draws of the normal at a mode, or to be resampled, and how much each weighs.

    Attributes
    ----------
    estimate : PointEstimate
        The mode of the density on the unconstrained scale.
    mode : ndarray, (p,)
        The same as a vector.
    covariance : ndarray, (p, p)
        Inverse negative Hessian there.
    x : ndarray, (n, p)
        Draws on the unconstrained scale.
    natural : mapping of str to ndarray, each (n, *shape)
        The same, as the model's variables.
    log_p, log_q : ndarray, (n,)
        Log density of the posterior, not normalised, and of the draws: both unconstrained.
    is_defensive : bool
        Whether half of the draws are of Student's t instead, to be resampled.
    log_weight : ndarray, (n,)
        Logs of the Pareto-smoothed weights, which sum to one.
    pareto_k : float
        Shape of the tail of the weights before smoothing.
    """

    estimate: EstimateRecord
    mode: Array
    covariance: Array
    x: Array
    natural: Mapping[str, NDArray]
    log_p: Array
    log_q: Array
    is_defensive: bool
    log_weight: Array
    pareto_k: float

    @property
    def is_trusted(self) -> bool:
        """Whether the Pareto k says that the weights repair what is wrong with the normal."""
        return self.pareto_k <= highest_k(len(self.x))  # a k of NaN is no reason to trust

    @cached_property
    def moments(self) -> dict[str, Moments]:
        """Moments of every variable, flattened, under the weights."""
        log_ratio, n = self.log_p - self.log_q, len(self.x)
        return {
            name: moments(np.asarray(value, float).reshape(n, -1), self.log_weight, log_ratio)
            for name, value in self.natural.items()
        }

    def problems(self) -> list[Finding]:
        """Return what a user should know before using the draws, the estimate's findings first."""
        # What was integrated out is no problem, and is said in the text.
        how = integrated_findings(self.estimate.integrated)
        return [
            *(finding for finding in self.estimate.findings if finding not in how),
            *self._without_density(),
            *(self._means() if self.is_trusted else self._heavy()),
        ]

    def _without_density(self) -> list[Finding]:
        outside = float(np.mean(~np.isfinite(self.log_p)))
        # Heavy tails reach where densities overflow, and what weighs nothing is not resampled.
        if outside == 0 or self.is_defensive:
            return []
        return [
            Finding(
                f"The posterior density is zero, or not a number, at {100 * outside:.2g} % of the "
                "draws; these weigh nothing.",
                advice="Use resample=True; a bounded variable also needs its transform.",
            )
        ]

    def _means(self) -> list[Finding]:
        """Name the parameters whose own weighted moments are not to be trusted."""
        limit, density = highest_k(len(self.x)), self.estimate.objective.density
        k = {}
        for name, found in self.moments.items():
            worse = np.where(np.isfinite(found.sd), np.fmax(found.mean_k, found.sd_k), np.inf)
            shape = np.shape(self.natural[name])[1:]
            pairs = (worse.reshape(shape), found.doubtful(limit).reshape(shape))
            k.update({at: float(v) for at, v, doubt in density.elements(name, *pairs) if doubt})
        bad = sorted(k, key=lambda label: -k[label])
        if not bad:
            return []
        shown = ", ".join(f"{label} ({k[label]:.2f})" for label in bad[:_NAMED])
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        return [
            Finding(
                f"The Pareto k of the weighted mean or sd is above {limit:.2g} for {shown}{more}: "
                "the tails of the posterior are too heavy there, and these moments are not to "
                "be trusted.",
                tuple(bad),
                advice=self._advice(),
            )
        ]

    def _heavy(self) -> list[Finding]:
        limit = highest_k(len(self.x))
        if np.isnan(self.pareto_k):
            what = "The weights of the draws have no tail that could be judged: no Pareto k."
        else:
            what = (
                f"Pareto k is {self.pareto_k:.2f}, above {limit:.2g}: the normal is so far from "
                "the posterior that neither the draws nor what their weights make of them is to be "
                "trusted."
            )
        where, parameters = self._where_the_weight_lies()
        return [
            Finding(
                f"{what} {where}",
                parameters,
                advice=self._advice(),
            )
        ]

    def _advice(self) -> str:
        """Say what to try: resampled draws have heavier tails to draw on."""
        first = "" if self.is_defensive else "See whether resample=True does better, or sample"
        return (
            f"{first or 'Sample'} the posterior, or choose a parametrisation in which it is nearer "
            "to a normal."
        )

    def _where_the_weight_lies(self) -> tuple[str, tuple[str, ...]]:
        """Say along which parameters the draws of most weight are not like the others."""
        m = tail_size(len(self.x))
        top = np.argsort(np.nan_to_num(self.log_p, nan=-np.inf) - self.log_q)[-m:]
        z = (self.x[top] - self.mode) / np.sqrt(np.diag(self.covariance))
        # Of draws picked by chance both would be standard normal.
        shift = z.mean(axis=0) * np.sqrt(m)
        spread = (np.mean(z**2, axis=0) - 1) * np.sqrt(m / 2)
        score = np.maximum(np.abs(shift), spread)
        named = [int(j) for j in np.argsort(-score) if score[j] > _CONSPICUOUS][:_NAMED]
        density = self.estimate.objective.density
        if not named:
            return f"No parameter stands out among the {density.p}: all take part.", ()
        words = []
        for j in named:
            name = density.labels[j]
            if density.parameters[j] not in name.split("["):
                name += f" ({density.parameters[j]}, unconstrained)"
            if abs(shift[j]) > _CONSPICUOUS:
                words.append(f"at {'high' if shift[j] > 0 else 'low'} {name}")
            else:
                words.append(f"at either end of {name}")
        more = " (and others)" if np.sum(score > _CONSPICUOUS) > _NAMED else ""
        parameters = tuple(dict.fromkeys(density.parameters[j] for j in named))
        return f"It gives too little mass to the posterior {', '.join(words)}{more}.", parameters


def approximate(
    estimate: EstimateRecord, n: int, *, defensive: bool, rng: np.random.Generator
) -> Laplace:
    """Draw n times from the normal at a mode of the unconstrained density, and weigh the draws.

    With `defensive`, every other draw is one of Student's t with the same mode and curvature.

    Raises
    ------
    EstimationError
        If there is no such mode, or no curvature there.
    """
    if estimate.status is not Status.CONVERGED:
        raise no_mode(f"{estimate.status.value} {' '.join(map(str, estimate.findings))}", estimate)
    objective = estimate.objective
    mode = np.asarray(estimate.unconstrained.values, float)[None, :]
    proposal = Proposal.at(mode, objective.hessian(mode))
    _check_curvature(estimate, proposal)
    z = rng.standard_normal((1, n, objective.p))
    cloud = Cloud.normal(z)
    if defensive:
        cloud = Cloud.defensive(z, rng.chisquare(DF, (1, n)), np.arange(n) % 2 == 1)
    x, log_q = proposal.place(cloud)
    log_p, _ = objective.evaluate(x[0])
    log_weight, k = smoothed((log_p - log_q[0])[None, :])
    return Laplace(
        estimate,
        mode[0],
        proposal.covariance[0],
        x[0],
        objective.density.draws(x[0], rng),
        log_p,
        log_q[0],
        defensive,
        log_weight[0],
        float(k[0]),
    )


def no_mode(why: str, estimate: EstimateRecord) -> EstimationError:
    """Return the error that says that there is no mode to put a normal at."""
    return EstimationError(
        "The posterior density on the unconstrained scale has no mode at which a normal could "
        f"stand. {why} If the posterior is proper, sample it instead; or reparametrise the model.",
        estimate,
    )


def _check_curvature(estimate: EstimateRecord, proposal: Proposal) -> None:
    objective, mode = estimate.objective, proposal.mode
    _, gradient = objective.evaluate(mode)
    free = np.ones(mode.shape, bool)
    local = Quadratic.at(mode, gradient, objective.hessian(mode), free)
    if not proposal.exists[0]:
        weak = local.axes[0][:, 0]
        names = _names(estimate, np.abs(weak) > 0.3 * np.abs(weak).max())
        raise no_mode(
            f"At the mode the density has no curvature along {names}, so that a normal there would "
            "be infinitely wide.",
            estimate,
        )
    if local.decrement(local.slope)[0] > _SLOPE:
        steep = np.abs(gradient[0] * local.scale[0])
        names = _names(estimate, steep > 0.1 * steep.max())
        raise no_mode(
            f"Its maximum is a kink in {names}: the derivative jumps there, and what curvature "
            "there is says nothing of the width.",
            estimate,
        )


def _names(estimate: EstimateRecord, which: NDArray[np.bool_]) -> str:
    parameters = np.array(estimate.objective.density.parameters)[which]
    return ", ".join(dict.fromkeys(map(str, parameters)))
