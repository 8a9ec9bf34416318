"""Whether the posterior draws are to be trusted: r-hat, effective sample size, divergences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_base import rcParams
from numpy.typing import NDArray

from bayes_point.comparison.distance.diagnostics import convergence, energy_information, labelled
from bayes_point.comparison.inputs.draws import Draws, circular_names
from bayes_point.comparison.inputs.scalars import flatten, listed, scalars
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS, posterior_of

__all__ = [
    "ESS_PER_CHAIN",
    "R_HAT",
    "SamplerHealth",
    "SamplerProblem",
    "sampler_health",
]

R_HAT = 1.01
"""The r-hat above which the chains are taken not to have mixed (Vehtari et al. 2021)."""

ESS_PER_CHAIN = 100
"""The effective sample size a chain, bulk and tail, below which r-hat and MCSE are unreliable."""

# What nutpie and PyMC call "the trajectory was cut off at the maximum tree depth".
_DEPTH_REACHED = ("maxdepth_reached", "reached_max_treedepth")


@dataclass(frozen=True)
class SamplerProblem:
    """One thing wrong with the draws: what, for which parameters, and what to do.

    Attributes
    ----------
    kind : str
        ``r_hat``, ``ess``, ``divergences``, ``max_treedepth``, ``bfmi``, ``one_chain`` or
        ``not_finite``.
    what : str
        The problem in words, with its numbers.
    parameters : tuple of str
        Labels of the parameters concerned, the worst first; empty if it concerns all.
    advice : str
        What to do.
    """

    kind: str
    what: str
    parameters: tuple[str, ...]
    advice: str

    def __str__(self) -> str:
        return f"{self.what} {self.advice}"


@dataclass(frozen=True)
class SamplerHealth:
    """Diagnostics of the sampler and the problems they show.

    Attributes
    ----------
    sampler : str
        The library that drew, such as "nutpie"; "" if not recorded.
    chains, draws : int
        Number of chains, and of draws in each.
    diagnostics : xarray.Dataset
        The variables of the posterior, dim ``diagnostic`` (r_hat, ess_bulk, ess_tail, mcse_mean,
        mcse_sd) before their own. NaN where undefined: constant draws, r-hat of one chain.
    divergences, max_treedepth : int or None
        Number of draws which diverged, or reached the maximum tree depth. None if not recorded.
    bfmi : tuple of float or None
        Bayesian fraction of missing information of each chain. None if not recorded.
    problems : tuple of SamplerProblem
        Empty if all is well.
    """

    sampler: str
    chains: int
    draws: int
    diagnostics: xr.Dataset
    divergences: int | None
    max_treedepth: int | None
    bfmi: tuple[float, ...] | None
    problems: tuple[SamplerProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    @property
    def max_r_hat(self) -> tuple[str, float]:
        """The parameter with the largest r-hat, and that; ("", nan) if undefined for all."""
        return self._extreme("r_hat", np.nanargmax)

    @property
    def min_ess(self) -> tuple[str, float]:
        """The parameter with the smallest bulk or tail ESS, and that; ("", nan) if undefined."""
        bulk, tail = (self._extreme(d, np.nanargmin) for d in ("ess_bulk", "ess_tail"))
        return tail if tail[1] < bulk[1] else bulk

    def _extreme(self, diagnostic: str, which: Callable[..., Any]) -> tuple[str, float]:
        ds = self.diagnostics.sel(diagnostic=diagnostic, drop=True)
        values = flatten(ds, ())
        if np.isnan(values).all():
            return "", float("nan")
        i = int(which(values))
        return scalars(ds, ())[i].label, float(values[i])

    def __str__(self) -> str:
        r_hat, ess = self.max_r_hat, self.min_ess
        lines = [
            f"{_count(self.chains, 'chain')} of {_count(self.draws, 'draw')}"
            + (f" by {self.sampler}" if self.sampler else "")
            + (f"; largest r-hat {_r_hat_text(r_hat[1])} ({r_hat[0]})" if r_hat[0] else "")
            + (f"; smallest ESS {ess[1]:.0f} ({ess[0]})" if ess[0] else "")
            + (
                f"; {_count(self.divergences, 'divergence')}"
                if self.divergences is not None
                else "; divergences not recorded"
            )
            + "."
        ]
        return "\n".join(lines + [f"- {p}" for p in self.problems])


def sampler_health(dt: xr.DataTree) -> SamplerHealth:
    """Check the draws of a posterior.

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned, or any tree with the group ``posterior`` (dims chain and draw); the
        group ``sample_stats`` is used if it is there, under the names of nutpie and of PyMC.

    Returns
    -------
    SamplerHealth
        The diagnostics, and as `problems`: r-hat above 1.01, a bulk or tail effective sample size
        below 100 a chain [1]_, divergences, trajectories cut off at the maximum tree depth, a BFMI
        below ``rcParams["stats.bfmi_threshold"]`` of ArviZ, a single chain, draws that are not
        finite.

    Raises
    ------
    ComparisonError
        If `dt` has no posterior.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021). Rank-normalization, folding, and
       localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16(2),
       667-718. https://doi.org/10.1214/20-BA1221

    Examples
    --------
    With ``dt = bp.fit(coin, random_seed=1)``:

    >>> from bayes_point.comparison.distance.health import sampler_health
    >>> health = sampler_health(dt)
    >>> health.ok, health.chains, health.divergences
    (True, 4, 0)
    """
    posterior = posterior_of(dt)
    circular = [s.variable in circular_names(dt) for s in scalars(posterior, SAMPLE_DIMS)]
    return health_of(dt, posterior, Draws.of(flatten(posterior, SAMPLE_DIMS), circular))


def health_of(dt: xr.DataTree, posterior: xr.Dataset, draws: Draws) -> SamplerHealth:
    """Check draws that have been taken from the tree already, as `sampler_health` does."""
    labels = [s.label for s in scalars(posterior, SAMPLE_DIMS)]
    values = convergence(draws)
    chains, length = draws.x.shape[:2]

    stats = dt["sample_stats"].to_dataset() if "sample_stats" in dt.children else xr.Dataset()
    diverged = int(stats["diverging"].sum()) if "diverging" in stats else None
    depth = next((int(stats[n].sum()) for n in _DEPTH_REACHED if n in stats), None)
    bfmi = energy_information(stats)

    problems = [
        *_chain_problems(chains),
        *_draw_problems(draws, labels),
        *_convergence_problems(values, labels, chains),
        *_trajectory_problems(diverged, depth, bfmi, chains * length),
    ]
    return SamplerHealth(
        sampler=str(posterior.attrs.get("inference_library", "")),
        chains=chains,
        draws=length,
        diagnostics=labelled(values, posterior),
        divergences=diverged,
        max_treedepth=depth,
        bfmi=bfmi,
        problems=tuple(problems),
    )


def _chain_problems(chains: int) -> list[SamplerProblem]:
    if chains > 1:
        return []
    return [
        SamplerProblem(
            "one_chain",
            "There is one chain only, so r-hat cannot tell whether it has converged.",
            (),
            "Sample at least 2 chains, better 4 (chains=4).",
        )
    ]


def _draw_problems(draws: Draws, labels: Sequence[str]) -> list[SamplerProblem]:
    bad = [labels[i] for i in np.flatnonzero(~draws.finite).tolist()]
    if not bad:
        return []
    return [
        SamplerProblem(
            "not_finite",
            f"Some draws of {listed(bad)} are not finite, so these have no mean and no gap.",
            tuple(bad),
            "Look for a division by zero or an overflow where they are computed.",
        )
    ]


def _convergence_problems(
    values: NDArray[np.float64], labels: Sequence[str], chains: int
) -> list[SamplerProblem]:
    problems = []
    r_hat, ess = values[0], np.fmin(values[1], values[2])
    wrong = [i for i in np.argsort(-r_hat).tolist() if r_hat[i] > R_HAT]
    if wrong:
        shown = [f"{labels[i]} ({_r_hat_text(r_hat[i])})" for i in wrong]
        problems.append(
            SamplerProblem(
                "r_hat",
                f"r-hat is above {R_HAT} for {listed(shown)}: the chains do not agree yet, so mean,"
                " interval and gap are provisional.",
                tuple(labels[i] for i in wrong),
                "Sample longer (tune=, draws=); if that does not help, reparametrise the model.",
            )
        )
    least = ESS_PER_CHAIN * chains
    wrong = [i for i in np.argsort(ess).tolist() if ess[i] < least]
    if wrong:
        shown = [f"{labels[i]} ({ess[i]:.0f})" for i in wrong]
        problems.append(
            SamplerProblem(
                "ess",
                f"The effective sample size is below {least} ({ESS_PER_CHAIN} a chain) for"
                f" {listed(shown)}.",
                tuple(labels[i] for i in wrong),
                "Sample longer (draws=).",
            )
        )
    return problems


def _trajectory_problems(
    diverged: int | None, depth: int | None, bfmi: tuple[float, ...] | None, total: int
) -> list[SamplerProblem]:
    problems = []
    if diverged:
        problems.append(
            SamplerProblem(
                "divergences",
                f"{diverged} of {total} draws diverged: a region of the posterior was not explored,"
                " and the posterior mean may be off by more than its MCSE.",
                (),
                "Raise target_accept (0.95 or 0.99), or reparametrise (non-centred).",
            )
        )
    if depth:
        problems.append(
            SamplerProblem(
                "max_treedepth",
                f"{depth} of {total} draws reached the maximum tree depth: sampling is slow.",
                (),
                "Rescale or decorrelate the parameters, or raise the maximum tree depth.",
            )
        )
    threshold = float(rcParams["stats.bfmi_threshold"])
    if bfmi is not None and min(bfmi) < threshold:
        low = [f"{i} ({b:.2f})" for i, b in enumerate(bfmi) if b < threshold]
        problems.append(
            SamplerProblem(
                "bfmi",
                f"The BFMI is below {threshold:g} in chain {listed(low)}: the tails are explored"
                " slowly.",
                (),
                "Sample longer, or reparametrise the model.",
            )
        )
    return problems


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _r_hat_text(value: float) -> str:
    # Chains that never move have an r-hat of many digits, or infinite.
    return f"{value:.3f}" if value < 100 else "above 100"
